"""The workbook: XlsxWriter in constant memory, all text as text, the same bytes for the same rows."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from rightscan.errors import PermanentError
from rightscan.reporting.columns import WRITTEN, Column, Kind, Language, display_width, sheets
from rightscan.reporting.rows import Cell, cell_text

MAX_ROWS = 1_048_576
"""Rows of an Excel sheet, the header included."""

SECTION_MARK = "■ "
"""Begins the cover's headings."""

EXCEL_EPOCH = dt.datetime(1899, 12, 30)  # noqa: DTZ001  a cell has no zone; its header says KST
"""Day 0 of Excel's dates from 1 March 1900 on."""

# Every Korean Excel has it; its Hangul is drawn at the size its Latin letters are.
_FONT = {"font_name": "맑은 고딕", "font_size": 10}
_MEASURED_ROWS = 200  # of text; numbers and dates are measured in every row: too narrow, they show ###
_MAX_TEXT_WIDTH = 66  # a SHA-256 and its margin
_FILTER_ARROW = 3  # what the filter's button takes of a header
_MARGIN = 2
# Excel has a 29 February 1900: dates before it would be a day off.
_FIRST_EXCEL_DAY = dt.date(1900, 3, 1)
_EXCEL_DIGITS = 15
_LOOKS_ESCAPED = re.compile("(_x[0-9a-fA-F]{4}_)")


class _RowSheet(Worksheet):  # type: ignore[misc]
    """A worksheet that takes whole rows of ready cells.

    XlsxWriter's call per cell costs three times as much, and a report of 100,000 rows has six million
    cells. It also takes a text between <r> and </r> for ready XML, which no title is.
    """

    def write_cells(self, row: int, last_column: int, cells: str) -> None:
        """Write row ``row`` (from 0, in order), ``cells`` being its XML."""
        self._write_single_row(row)  # puts out the header, which came through the call per cell
        self._check_dimensions(row, last_column)
        self.fh.write(f'<row r="{row + 1}">{cells}</row>')


@dataclass(slots=True)
class _SheetState:
    """Where one sheet stands: its next row, and of each column its letters, style and width."""

    sheet: _RowSheet
    letters: list[str]
    styles: list[str]
    widths: list[int]
    next_row: int = 1

    def widen(self, position: int, width: int) -> None:
        self.widths[position] = max(self.widths[position], width)


class WorkbookWriter:
    """Writes the sheets of ``WRITTEN``; the rows of one sheet in order, sheets in any order.

    Nothing is in the file before ``close``. A failed workbook is simply dropped: its temporary files lie
    in ``scratch``.

    Args:
        path: file to make.
        language: of headers and tabs.
        title: document title.
        created: aware; stands for every date in the file, so that equal rows give equal bytes.
        scratch: folder for temporary files (about fifteen times the finished file).

    """

    def __init__(
        self, path: Path, language: Language, title: str, created: dt.datetime, scratch: Path
    ) -> None:
        self._book = xlsxwriter.Workbook(
            str(path),
            {
                "constant_memory": True,
                "tmpdir": str(scratch),
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "strings_to_numbers": False,
                "default_format_properties": _FONT,
            },
        )
        self._book.use_zip64()  # a sheet of a million rows is near 4 GB of XML before compression
        properties = {"title": title, "author": "rightscan"}
        self._book.set_properties({**properties, "created": created.astimezone(dt.UTC).replace(tzinfo=None)})
        self._header = self._format(bold=True, bg_color="#DDE6F0", border=1, valign="vcenter")
        self._section = _style(self._format(bold=True, font_size=11, bottom=1))
        self._wrapped = _style(self._format(text_wrap=True, valign="top"))
        self._untrusted = _style(self._format(quote_prefix=True))  # stays text when staff edit the cell
        self._states = {number: self._open_sheet(number, language) for number in WRITTEN}

    def _format(self, **properties: Any) -> Format:
        return self._book.add_format({**_FONT, **properties})

    def _open_sheet(self, number: str, language: Language) -> _SheetState:
        described = sheets()[number]
        headers = described.headers(language)
        sheet = self._book.add_worksheet(described.title(language), _RowSheet)
        for position, header in enumerate(headers):
            sheet.write_string(0, position, header, self._header)
        sheet.freeze_panes(1, 0 if number == "00" else 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MAX_ROWS}"})
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.repeat_rows(0)
        if len(headers) <= 20:  # more would be unreadably small on one page's width
            sheet.fit_to_pages(1, 0)
        columns = described.columns
        return _SheetState(
            sheet,
            letters=[xl_col_to_name(position) for position in range(len(columns))],
            styles=[self._wrapped if number == "00" else self._column_style(column) for column in columns],
            widths=[
                max(column.width, display_width(header) + _FILTER_ARROW)
                for column, header in zip(columns, headers, strict=True)
            ],
        )

    def _column_style(self, column: Column) -> str:
        match column.kind:
            case Kind.INTEGER:
                pattern = "#,##0"
            case Kind.DECIMAL:
                pattern = "#,##0." + "0" * column.places
            case Kind.DATETIME_KST:
                pattern = "yyyy-mm-dd hh:mm:ss"
            case Kind.DATE:
                pattern = "yyyy-mm-dd"
            case Kind.IDENTIFIER:
                pattern = "@"
            case _:
                return ""
        return _style(self._format(num_format=pattern))

    def append(self, number: str, cells: Sequence[Cell]) -> None:
        """Write the next row of sheet ``number``.

        Raises:
            PermanentError: the sheet has no row left (``sheet_full``).

        """
        state = self._states[number]
        if state.next_row >= MAX_ROWS:
            raise PermanentError(
                "sheet_full",
                f"sheet {number} would have more than {MAX_ROWS - 1:,} rows, an Excel sheet's limit",
                "Report a shorter period, or by ledger or platform.",
            )
        row = state.next_row
        state.next_row += 1
        parts = []
        for position, cell in enumerate(cells):
            if cell is None:
                continue
            style = state.styles[position]
            where = f'<c r="{state.letters[position]}{row + 1}"'
            text = cell if isinstance(cell, str) else cell_text(cell)
            if not isinstance(cell, str) and (value := _stored_number(cell)) is not None:
                shown = f"{cell:,}" if isinstance(cell, int | Decimal) else text
                state.widen(position, len(shown) + _MARGIN)
                parts.append(f"{where}{style}><v>{value}</v></c>")
                continue
            if not style and text[0] in "=+-@":
                style = self._untrusted
            elif number == "00" and text.startswith(SECTION_MARK):
                style = self._section
            parts.append(f'{where}{style} t="inlineStr">{_inline(text)}</c>')
            if row <= _MEASURED_ROWS:
                state.widen(position, min(display_width(text) + _MARGIN, _MAX_TEXT_WIDTH))
        state.sheet.write_cells(row, len(cells) - 1, "".join(parts))

    def close(self) -> None:
        """Set widths and filters and make the file.

        Raises:
            OSError: it could not be written.

        """
        for number, state in self._states.items():
            for position, width in enumerate(state.widths):
                state.sheet.set_column(position, position, width)
            if number != "00":
                state.sheet.autofilter(0, 0, state.next_row - 1, len(state.widths) - 1)
        self._book.close()


def _style(cell_format: Format) -> str:
    return f' s="{cell_format._get_xf_index()}"'


def _inline(text: str) -> str:
    if "_x" in text:  # Excel reads _x0041_ as its escape of a letter
        text = _LOOKS_ESCAPED.sub(r"_x005F\1", text)
    if "&" in text or "<" in text or ">" in text:
        text = escape(text)
    space = ' xml:space="preserve"' if text[0].isspace() or text[-1].isspace() else ""
    return f"<is><t{space}>{text}</t></is>"


def _stored_number(cell: Cell) -> str | None:
    """Return what Excel stores for a number or a time; None where it would lose digits, or cannot."""
    match cell:
        case int() | Decimal():
            text = cell_text(cell)
            return text if len(text.lstrip("-0.").replace(".", "")) <= _EXCEL_DIGITS else None
        case dt.datetime():
            days = (cell - EXCEL_EPOCH) / dt.timedelta(days=1)
            return str(days) if cell.date() >= _FIRST_EXCEL_DAY else None
        case dt.date():
            return str((cell - EXCEL_EPOCH.date()).days) if cell >= _FIRST_EXCEL_DAY else None
        case _:
            return None
