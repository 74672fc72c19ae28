"""The package's data files: programs and their names, words of codes."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

_DATA = Path(__file__).parent / "data"


@cache
def load(name: str) -> dict[str, Any]:
    """Content of the TOML data file ``name``."""
    return tomllib.loads((_DATA / name).read_text("utf-8"))


def words(kind: str, code: str) -> tuple[str, str]:
    """Korean and English words of a code.

    Args:
        kind: ``state``, ``tags``, ``by``, ``extent`` or ``problem``.
        code: the code.

    Raises:
        KeyError: nobody wrote them down.
    """
    entry = load("words.toml")[kind][code]
    return entry["ko"], entry["en"]
