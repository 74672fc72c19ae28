"""Tables that people send: CSV, Excel workbooks and JSON Lines, read as rows of text.

Everything is untrusted: a workbook is measured before it is opened, XML goes through defusedxml,
formulas are text and are never calculated.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rightscan.errors import PermanentError

Row = tuple[int, list[str]]
"""Row number as a spreadsheet shows it (from 1), and the cells' text as received."""


@dataclass(frozen=True, slots=True)
class WorkbookLimits:
    """What a workbook may hold before it is opened; sizes in bytes, uncompressed.

    200,000 rows of eight columns are about 80 MB of XML. Excel's own files compress 5- to 20-fold; a
    bomb of nothing but deflate reaches 1,032.
    """

    entries: int = 2_000
    total_bytes: int = 256 << 20
    ratio: int = 200
    ratio_from_bytes: int = 1 << 20
    rows: int = 1_048_576
    columns: int = 1_024


DEFAULT_LIMITS = WorkbookLimits()

# Whatever openpyxl and the XML parser raise on a broken or hostile workbook.
_BROKEN_WORKBOOK = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    SyntaxError,
)


def decode_text(data: bytes) -> str:
    """Text of a file in UTF-8 (with or without BOM), UTF-16 with BOM, or CP949.

    Raises:
        PermanentError: ``unknown_encoding``.

    """
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "cp949"):
        with contextlib.suppress(UnicodeDecodeError):
            return data.decode(encoding)
    raise PermanentError(
        "unknown_encoding",
        "the text is neither UTF-8 nor CP949",
        "Save the file as UTF-8 (in Excel: CSV UTF-8).",
    )


def read_csv(data: bytes) -> Iterator[Row]:
    """Rows of a CSV file; the separator is the commonest of comma, tab and semicolon in its first line.

    Raises:
        PermanentError: ``unknown_encoding`` or, on iteration, ``bad_csv``.

    """
    text = decode_text(data)
    first_line = text.partition("\n")[0]
    separator = max(",\t;", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        yield from enumerate(reader, start=1)
    except csv.Error as error:
        raise PermanentError(
            "bad_csv", f"line {reader.line_num} is not CSV: {error}", "Save the file as CSV again."
        ) from error


def read_workbook(data: bytes, limits: WorkbookLimits = DEFAULT_LIMITS) -> list[tuple[str, Iterator[Row]]]:
    """Open an .xlsx workbook: its sheet names, each with an iterator over its rows that are not empty.

    Dates become ISO 8601, whole numbers lose ``.0``, a zero-padding number format (``00000000``) is
    honoured, a formula is its text beginning with ``=``.

    Raises:
        PermanentError: ``old_workbook`` (.xls or password), ``not_a_workbook``, ``workbook_too_large``;
            on iteration also ``not_a_workbook`` and ``workbook_too_large``.

    """
    with _broken_workbook_named():
        _measure(data, limits)
        import openpyxl  # heavy; only a workbook needs it

        workbook = openpyxl.load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
        return [(sheet.title, _sheet_rows(sheet, limits)) for sheet in workbook.worksheets]


def _measure(data: bytes, limits: WorkbookLimits) -> None:
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise PermanentError(
            "old_workbook",
            "the workbook is in the old .xls format or protected by a password",
            "Save it as .xlsx without a password.",
        )
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
    total = sum(entry.file_size for entry in entries)
    steepest = max(
        (e.file_size / max(e.compress_size, 1) for e in entries if e.file_size > limits.ratio_from_bytes),
        default=0.0,
    )
    if len(entries) > limits.entries or total > limits.total_bytes or steepest > limits.ratio:
        raise PermanentError(
            "workbook_too_large",
            f"the workbook unpacks to {len(entries)} parts, {total} bytes, up to {steepest:.0f}-fold",
            "Split it, or send CSV or JSON Lines.",
        )


@contextlib.contextmanager
def _broken_workbook_named() -> Iterator[None]:
    try:
        yield
    except PermanentError:
        raise
    except _BROKEN_WORKBOOK as error:
        raise PermanentError(
            "not_a_workbook",
            f"the workbook cannot be read ({type(error).__name__})",
            "Open it in a spreadsheet program and save it as .xlsx again.",
        ) from error


def _sheet_rows(sheet: Any, limits: WorkbookLimits) -> Iterator[Row]:
    # The dimensions a file claims are not believed: they may name 16,384 columns for every row.
    sheet.reset_dimensions()
    with _broken_workbook_named():
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            if number > limits.rows or len(cells) > limits.columns:
                raise PermanentError(
                    "workbook_too_large",
                    f"sheet {sheet.title} goes beyond row {limits.rows} or column {limits.columns}",
                    "Delete the stray cells, or send CSV.",
                )
            texts = [_cell_text(cell) for cell in cells]
            if any(texts):
                yield number, texts


def _cell_text(cell: Any) -> str:
    value = cell.value
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number_text(value, cell.number_format)
    if isinstance(value, dt.datetime):
        is_day = value.time() == dt.time()
        return value.date().isoformat() if is_day else value.isoformat(timespec="seconds")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    # An array formula keeps its text; what is left (a duration, a data table) has no better form.
    return str(getattr(value, "text", value))


def _number_text(value: float, number_format: str) -> str:
    if number_format.endswith("%"):
        return f"{_number_text(round(value * 100, 9), '')}%"
    if value != int(value):
        return repr(value)
    text = str(int(value))
    return text.zfill(len(number_format)) if set(number_format) == {"0"} else text
