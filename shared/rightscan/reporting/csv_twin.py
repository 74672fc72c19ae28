"""The CSV twin of a sheet: opens in Korean Excel by a double click, and reads back to the same text.

UTF-8 with a byte order mark, CRLF, NFC. A text that a spreadsheet would run as a formula gets a leading
apostrophe (OWASP, "CSV injection"); numbers are left alone. Reading takes exactly that apostrophe off.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType

from rightscan.reporting.rows import Cell, cell_text

# The full-width forms too: Excel takes them for their ASCII brothers where an East Asian input method is on.
_STARTERS = "=+@\t\r\n＝＋－＠-"
# Apostrophes before the starter count as well, or "'=1" would not survive the way back.
_TO_NEUTRALISE = re.compile(f"'*[{_STARTERS}]")
_SUSPECT = frozenset(_STARTERS + "'")
_NEUTRALISED = re.compile(f"'+[{_STARTERS}]")


def neutralise(text: str) -> str:
    """``text`` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if _TO_NEUTRALISE.match(text) else text


def restore(field: str) -> str:
    """Return what ``neutralise`` was given."""
    return field[1:] if _NEUTRALISED.match(field) else field


def _field(cell: Cell) -> str:
    if cell is None:
        return ""
    text = cell if isinstance(cell, str) else cell_text(cell)
    # Only a handful of characters can begin what has to be neutralised; the rest is the usual case.
    if text[0] not in _SUSPECT or isinstance(cell, int | Decimal):
        return text
    return neutralise(text)


class CsvTwin:
    """Writes one sheet; use it as a context manager."""

    def __init__(self, path: Path, headers: Sequence[str]) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow(headers)

    def append(self, cells: Sequence[Cell]) -> None:
        """Write one row."""
        self._writer.writerow([_field(cell) for cell in cells])

    def __enter__(self) -> CsvTwin:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def read_twin(path: Path) -> Iterator[list[str]]:
    """Rows of a twin as text, the header first, apostrophes taken off again."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.reader(file):
            yield [restore(field) if field[:1] == "'" else field for field in row]
