"""What benches write into the documents: bodies between markers, and the words that tables share."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


def fill(text: str, start: str, end: str, body: str) -> str:
    """Put ``body`` between the markers of ``text``, in place of what stands there.

    Raises:
        ValueError: there is not one start marker with one end marker after it.
    """
    before, opened, rest = text.partition(start)
    _, closed, after = rest.partition(end)
    if not opened or not closed or any(mark in before + after for mark in (start, end)):
        raise ValueError(f"the text needs one {start} and, after it, one {end}")
    return f"{before}{start}\n{body}\n{end}{after}"


def section(text: str, name: str, body: str) -> str:
    """Fill the section ``<!-- name:start -->`` to ``<!-- name:end -->``.

    Raises:
        ValueError: ``fill`` finds no such section.
    """
    return fill(text, f"<!-- {name}:start -->", f"<!-- {name}:end -->", body)


def write_section(page: Path, name: str, lines: Sequence[str]) -> None:
    """Fill a section of a document; a document without it ends the program."""
    try:
        text = section(page.read_text("utf-8"), name, "\n".join(lines).strip())
    except ValueError as error:
        sys.exit(f"{page.name}: {error}")
    page.write_text(text, "utf-8")


def percent(share: Mapping[str, Any]) -> str:
    """Write a share with its interval: 87 (71 to 95)."""
    if not share["n"]:
        return "–"
    return f"{100 * share['share']:.0f} ({100 * share['low']:.0f} to {100 * share['high']:.0f})"


def number(value: float | None, form: str = ".2f") -> str:
    """Write a number, a dash for none."""
    return "–" if value is None else format(value, form)


def false_words(share: Mapping[str, Any]) -> str:
    """Write false answers: 1/80 (0.0 to 6.8 %)."""
    return f"{share['k']}/{share['n']} ({100 * share['low']:.1f} to {100 * share['high']:.1f} %)"
