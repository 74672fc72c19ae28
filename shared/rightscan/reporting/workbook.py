"""The workbook: XlsxWriter in constant memory, all text as text, the same bytes for the same rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from rightscan.errors import PermanentError
from rightscan.reporting.columns import WRITTEN, Column, Kind, Language, display_width, sheets
from rightscan.reporting.rows import Cell, cell_text, excel_number

MAX_ROWS = 1_048_576
"""Rows of an Excel sheet, the header included."""

SECTION_MARK = "■ "
"""Begins the cover's headings."""

# Every Korean Excel has it; its Hangul is drawn at the size its Latin letters are.
_FONT = {"font_name": "맑은 고딕", "font_size": 10}
_MEASURED_ROWS = 200  # of text; numbers are measured in every row, because a narrow one shows ###
_MAX_TEXT_WIDTH = 48
_FILTER_ARROW = 3  # what the filter's button takes of a header
# Serial dates before it are a day off: Excel has a 29 February 1900.
_FIRST_EXCEL_DAY = dt.date(1900, 3, 1)


class _PlainWorksheet(Worksheet):  # type: ignore[misc]
    """In constant memory XlsxWriter takes a text between <r> and </r> for ready XML; no title is."""

    def _xml_rich_inline_string(self, string: str, attributes: Any = ()) -> None:
        self._xml_inline_string(string, True, attributes)


class _SheetState:
    """Where one sheet stands: next row, and how wide its columns have to be."""

    def __init__(self, sheet: Worksheet, columns: Sequence[Column], language: Language) -> None:
        self.sheet = sheet
        self.columns = columns
        self.next_row = 1
        self.widths = [
            max(column.width, display_width(column.header[language]) + _FILTER_ARROW) for column in columns
        ]


class WorkbookWriter:
    """Writes the sheets of ``WRITTEN``; the rows of one sheet in order, sheets in any order.

    Nothing is in the file before ``close``. A failed workbook is simply dropped: its temporary files lie
    in ``scratch``.

    Args:
        path: file to make.
        language: of headers and tabs.
        title: document title.
        created: aware; stands for every date in the file, so that equal rows give equal bytes.
        scratch: folder for temporary files (about ten times the finished file).

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
        # A sheet of a million rows is near 4 GB of XML before compression.
        self._book.use_zip64()
        self._book.set_properties(
            {
                "title": title,
                "author": "rightscan",
                "created": created.astimezone(dt.UTC).replace(tzinfo=None),
            }
        )
        self._formats: dict[tuple[tuple[str, Any], ...], Format] = {}
        self._header = self._format(bold=True, bg_color="#DDE6F0", border=1, valign="vcenter")
        self._section = self._format(bold=True, font_size=11, bottom=1)
        self._wrapped = self._format(text_wrap=True, valign="top")
        self._text = self._format()
        self._untrusted = self._format(quote_prefix=True)  # stays text when staff edit the cell
        self._states = {number: self._open_sheet(number, language) for number in WRITTEN}

    def _format(self, **properties: Any) -> Format:
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format({**_FONT, **properties})
        return self._formats[key]

    def _open_sheet(self, number: str, language: Language) -> _SheetState:
        described = sheets()[number]
        sheet = self._book.add_worksheet(described.title(language), _PlainWorksheet)
        state = _SheetState(sheet, described.columns, language)
        for position, header in enumerate(described.headers(language)):
            sheet.write_string(0, position, header, self._header)
        sheet.freeze_panes(1, 0 if number == "00" else 1)
        sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{MAX_ROWS}"})
        sheet.set_landscape()
        sheet.set_paper(9)  # A4
        sheet.repeat_rows(0)
        if len(described.columns) <= 20:
            sheet.fit_to_pages(1, 0)
        return state

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
        for position, cell in enumerate(cells):
            if cell is None:
                continue
            column = state.columns[position]
            if isinstance(cell, int | Decimal):
                self._write_number(state, row, position, column, cell)
            elif isinstance(cell, dt.date) and _in_excel_time(cell):
                pattern = "yyyy-mm-dd hh:mm:ss" if isinstance(cell, dt.datetime) else "yyyy-mm-dd"
                state.sheet.write_datetime(row, position, cell, self._format(num_format=pattern))
            else:
                text = cell_text(cell)
                state.sheet.write_string(row, position, text, self._text_format(number, column, text))
                if row <= _MEASURED_ROWS:
                    width = min(display_width(text) + 1, _MAX_TEXT_WIDTH)
                    state.widths[position] = max(state.widths[position], width)

    def _write_number(
        self, state: _SheetState, row: int, position: int, column: Column, cell: int | Decimal
    ) -> None:
        number = excel_number(cell)
        if number is None:
            shown = cell_text(cell)
            state.sheet.write_string(row, position, shown, self._text)
        else:
            shown = f"{cell:,}"
            pattern = "#,##0." + "0" * column.places if column.places else "#,##0"
            state.sheet.write_number(row, position, number, self._format(num_format=pattern))
        state.widths[position] = max(state.widths[position], len(shown) + 2)

    def _text_format(self, number: str, column: Column, text: str) -> Format:
        if number == "00":
            return self._section if text.startswith(SECTION_MARK) else self._wrapped
        if column.kind is Kind.IDENTIFIER:
            return self._format(num_format="@")
        return self._untrusted if text[0] in "=+-@" else self._text

    def close(self) -> None:
        """Set widths and filters and make the file.

        Raises:
            OSError: it could not be written.

        """
        for number, state in self._states.items():
            for position, width in enumerate(state.widths):
                state.sheet.set_column(position, position, width)
            if number != "00":
                state.sheet.autofilter(0, 0, state.next_row - 1, len(state.columns) - 1)
        self._book.close()


def _in_excel_time(cell: dt.date) -> bool:
    return (cell.date() if isinstance(cell, dt.datetime) else cell) >= _FIRST_EXCEL_DAY
