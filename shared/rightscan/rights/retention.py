"""How long what is kept: classes of data and their times, from ``data/retention.toml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rightscan.rights import vocabulary


@dataclass(frozen=True, slots=True)
class Retention:
    """One class of data.

    Attributes:
        name: its word.
        ko: what it is, Korean.
        en: the same in English.
        days: it is kept; 0: not beyond the work it serves; None: no end is set.
        by: who ends it: ``purge``, ``lifecycle``, ``call`` or ``never``.
        where: it lies.
    """

    name: str
    ko: str
    en: str
    days: int | None
    by: str
    where: str


@cache
def retention() -> dict[str, Retention]:
    """Return all classes by name."""
    return {
        name: Retention(
            name,
            entry["ko"],
            entry["en"],
            None if entry["days"] < 0 else entry["days"],
            entry["by"],
            entry["where"],
        )
        for name, entry in vocabulary.load_toml("retention.toml").items()
    }
