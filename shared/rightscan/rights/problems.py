"""What can be wrong with what people send: codes, severities, causes and remedies, from a data file."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from typing import Any

from rightscan.rights import vocabulary

MAX_SHOWN = 200
"""Characters of a bad value that a problem repeats."""


class Severity(StrEnum):
    """error: the row was not taken; warning: it was, and the problem is listed."""

    ERROR = "error"
    WARNING = "warning"


@cache
def _problems() -> dict[str, Any]:
    return vocabulary.load_toml("problems.toml")


def problem_words(code: str) -> Mapping[str, str]:
    """Return ``severity``, ``ko``, ``en``, ``remedy_ko`` and ``remedy_en`` of a problem code."""
    words: Mapping[str, str] = _problems()[code]
    return words
