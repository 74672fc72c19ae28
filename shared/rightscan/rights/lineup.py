"""Line-ups: who performed what on a recording, as known on a day.

Everything downstream counts a performer once per recording, whatever the number of roles.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from itertools import chain
from typing import TypeVar

from rightscan.rights import vocabulary
from rightscan.rights.axes import Completeness

_T = TypeVar("_T")


class Category(StrEnum):
    """가창 or 연주."""

    VOCAL = "vocal"
    INSTRUMENTAL = "instrumental"


@dataclass(frozen=True, slots=True)
class Role:
    """One row of ``data/roles.csv``; the DDEX words are its contributor roles and instruments."""

    kmpu_role: str
    category: Category | None
    ddex_role: str
    ddex_instrument: str
    is_performer: bool


@cache
def roles() -> dict[str, Role]:
    """Return the role mapping by Korean role word, in the file's order."""
    table = {}
    for row in vocabulary.load_csv("roles.csv"):
        category = vocabulary.code_for("category", row["kmpu_category"])
        table[row["kmpu_role"]] = Role(
            row["kmpu_role"],
            Category(category) if category else None,
            row["ddex_role"],
            row["ddex_instrument"],
            row["counts_as"] == "performer",
        )
    return table


def role_named(text: str) -> Role | None:
    """Return the role that ``text`` names in Korean or English, None where the mapping has no such role."""
    word = vocabulary.code_for("role", text)
    return roles().get(word) if word else None


@dataclass(frozen=True, slots=True)
class LineupEntry:
    """One performer's part in one recording.

    ``roles`` are Korean role words, or the words received where the mapping has none. ``featured`` is
    None where nobody said, or where two rows contradict each other: it is never guessed, and holds the
    money. ``valid_from`` None means from the beginning; a later entry of the same performer replaces an
    earlier one from its Korean day on.
    """

    recording_id: str
    performer_id: str
    featured: bool | None = None
    roles: tuple[str, ...] = ()
    categories: tuple[Category, ...] = ()
    instruments: tuple[str, ...] = ()
    valid_from: dt.date | None = None

    @property
    def counts(self) -> bool:
        """False where every role is one that the neighbouring right does not cover (작곡, 편곡 …)."""
        known = [roles().get(role) for role in self.roles]
        return not known or any(role is None or role.is_performer for role in known)


def merge(entries: Sequence[LineupEntry]) -> LineupEntry:
    """Rows of one performer on one recording as one entry: roles added up in order.

    ``featured`` is what the rows that say it agree on, None where they contradict each other.
    """
    stated = {entry.featured for entry in entries if entry.featured is not None}
    return replace(
        entries[0],
        featured=stated.pop() if len(stated) == 1 else None,
        roles=_union(entry.roles for entry in entries),
        categories=_union(entry.categories for entry in entries),
        instruments=_union(entry.instruments for entry in entries),
    )


def _union(parts: Iterable[tuple[_T, ...]]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(parts)))


@dataclass(frozen=True, slots=True)
class Lineup:
    """All that is known of who performed on a recording, over time.

    ``size`` is the registered number of performers (None: never registered).
    """

    recording_id: str
    size: int | None = None
    entries: tuple[LineupEntry, ...] = ()

    def performers(self, on: dt.date | None = None) -> tuple[LineupEntry, ...]:
        """One entry per performer as known on the Korean day ``on``, by performer_id.

        None takes the latest entry of each performer. Rows of one performer and day are merged; people
        without a performing role are left out.
        """
        days: dict[str, dict[dt.date, list[LineupEntry]]] = {}
        for entry in self.entries:
            day = entry.valid_from or dt.date.min
            if entry.counts and (on is None or day <= on):
                days.setdefault(entry.performer_id, {}).setdefault(day, []).append(entry)
        return tuple(merge(versions[max(versions)]) for _, versions in sorted(days.items()))

    def completeness(self, on: dt.date | None = None) -> Completeness:
        """Known performers against the registered size, on the Korean day ``on``."""
        return Completeness(len(self.performers(on)), self.size)
