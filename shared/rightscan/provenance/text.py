"""Strings out of a stranger's file, made fit for a record, a terminal and a sheet."""

from __future__ import annotations

import unicodedata
from typing import Any

LONGEST = 300
"""Characters kept of one string; a claim generator with version has under 100."""

_UNFIT = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# NFC can expand a character to three; only so much is looked at, whatever a megabyte of tag holds.
_LOOKED_AT = 8


def clean(value: Any, longest: int = LONGEST) -> str:
    """Make a value from a file one line of harmless text.

    Args:
        value: anything; what is no string, number or truth value becomes empty.
        longest: characters to keep; one more stands for what was cut, an ellipsis.

    Returns:
        NFC text without control, format (bidirectional overrides, zero width), surrogate, private and
        unassigned characters; runs of space are one space.
    """
    if not isinstance(value, str):
        value = str(value) if isinstance(value, int | float) else ""
    cut = value[: longest * _LOOKED_AT]
    spaced = "".join(
        " " if letter.isspace() else letter
        for letter in unicodedata.normalize("NFC", cut)
        if letter.isspace() or unicodedata.category(letter) not in _UNFIT
    )
    text = " ".join(unicodedata.normalize("NFC", spaced).split())
    return text if len(text) <= longest else text[:longest].rstrip() + "…"


def clean_or_none(value: Any, longest: int = LONGEST) -> str | None:
    """``clean``, with ``None`` for what comes out empty."""
    return clean(value, longest) or None
