"""The CSV twin of a sheet: opens in Korean Excel by a double click, and reads back to the same text.

UTF-8 with a byte order mark, CRLF, NFC. A text that a spreadsheet would run as a formula gets a leading
apostrophe (OWASP, "CSV injection"); numbers are left alone. Reading takes exactly that apostrophe off.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from rightscan.reporting.rows import Cell, cell_text, is_number

# The full-width forms too: Excel takes them for their ASCII brothers where an East Asian input method is on.
_STARTERS = "=+\\-@\t\r\n＝＋－＠"
# Apostrophes before the starter count as well, or "'=1" would not survive the way back.
_TO_NEUTRALISE = re.compile(f"'*[{_STARTERS}]")
_NEUTRALISED = re.compile(f"'+[{_STARTERS}]")


def neutralise(text: str) -> str:
    """``text`` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if _TO_NEUTRALISE.match(text) else text


def restore(field: str) -> str:
    """Return what ``neutralise`` was given."""
    return field[1:] if _NEUTRALISED.match(field) else field


class CsvTwin:
    """Writes one sheet; use it as a context manager."""

    def __init__(self, path: Path, headers: Sequence[str]) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow(headers)

    def append(self, cells: Sequence[Cell]) -> None:
        """Write one row."""
        self._writer.writerow(
            [cell_text(cell) if is_number(cell) else neutralise(cell_text(cell)) for cell in cells]
        )

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
            yield [restore(field) for field in row]
