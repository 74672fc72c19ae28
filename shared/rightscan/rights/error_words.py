"""What an error says to a person in their language: the general words, and the error's own detail behind them.

Errors carry English, which is what engineers and machine files read. Staff read Korean, from
``data/errors.toml`` and, for rows and upload facts, ``data/problems.toml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from rightscan.rights import vocabulary


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one error code.

    Attributes:
        ko: the cause in general.
        en: the same; equal to the error's own cause where that names no particulars.
        remedy_ko: what the reader can do.

    """

    ko: str
    en: str
    remedy_ko: str


@cache
def error_words() -> Mapping[str, Words]:
    """The words of every error code that has some, errors of rows and upload facts included."""
    entries = {**vocabulary.load_toml("problems.toml"), **vocabulary.load_toml("errors.toml")}
    return {code: Words(entry["ko"], entry["en"], entry["remedy_ko"]) for code, entry in entries.items()}


def korean(code: str) -> Words | None:
    """The words of a code, None where nobody wrote them down."""
    return error_words().get(code)


def said(code: str, cause: str, remedy: str, language: Literal["ko", "en"]) -> tuple[str, str]:
    """Cause and remedy in a language.

    Args:
        code: of the error.
        cause: as the error has it, English.
        remedy: likewise.
        language: of the reader.

    Returns:
        In Korean the general words, followed by the English cause in brackets where that says more; what
        has no Korean words stays as it is.

    """
    words = korean(code)
    if language == "en" or words is None:
        return cause, remedy
    detail = "" if cause in ("", words.en) else f" ({cause})"
    return f"{words.ko}{detail}", words.remedy_ko
