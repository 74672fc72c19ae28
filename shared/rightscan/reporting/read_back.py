"""Rows of a workbook's sheet, read back to be compared: fast for the form we write, openpyxl for any other."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from io import TextIOWrapper
from itertools import islice
from pathlib import Path
from typing import Any
from xml.sax.saxutils import unescape
from zipfile import ZipFile

import openpyxl
from openpyxl.utils import get_column_letter

Value = str | float | dt.datetime | None
"""A cell as it is stored. Dates are days since 1899-12-30, or datetimes where openpyxl knows their format."""

_CHUNK = 1 << 20  # characters
_LONGEST_ROW = 1 << 24  # 70 cells of Excel's longest text, every character escaped
_ROW_START = re.compile(r'<row r="(\d+)"[^>/]*')
_ROW_END = "</row>"
_CELL = re.compile(
    r'<c r="([A-Z]+)\d+"(?: s="\d+")?'
    r'(?:><v>([^<]+)</v></c>| t="inlineStr"><is><t(?: xml:space="preserve")?>([^<]*)</t></is></c>)'
)
# Excel's own escape of a text that looks like one of its escapes.
_ESCAPED = re.compile("_x005F(_x[0-9a-fA-F]{4}_)")
_LETTERS = {get_column_letter(number): number - 1 for number in range(1, 257)}


class _OtherFormError(Exception):
    """The sheet is not in the form that ``WorkbookWriter`` gives it."""


def sheet_rows(path: Path, title: str, width: int) -> Iterator[list[Value]]:
    """Yield the rows of the sheet ``title``, the header first, each at least ``width`` cells.

    One million cells take about 3 s in the form we write them, and ten times as long once another
    program has saved the file.

    Raises:
        KeyError: there is no such sheet.
        zipfile.BadZipFile: the file is no workbook.

    """
    done = 0
    try:
        for row in _rows_as_written(path, title, width):
            yield row
            done += 1
    except _OtherFormError:
        book = openpyxl.load_workbook(path, read_only=True)
        try:
            for values in islice(book[title].iter_rows(values_only=True), done, None):
                yield [_value(value) for value in values] + [None] * (width - len(values))
        finally:
            book.close()


def _value(value: Any) -> Value:
    if isinstance(value, str):
        return _restore(value)
    return value if value is None or isinstance(value, dt.datetime) else float(value)


def _restore(text: str) -> str:
    return _ESCAPED.sub(r"\1", text) if "_x005F" in text else text


def _rows_as_written(path: Path, title: str, width: int) -> Iterator[list[Value]]:
    with ZipFile(path) as archive:
        tabs = re.findall(r'<sheet name="([^"]*)"', archive.read("xl/workbook.xml").decode())
        if title not in tabs:
            raise _OtherFormError
        member = f"xl/worksheets/sheet{tabs.index(title) + 1}.xml"
        if member not in archive.namelist():
            raise _OtherFormError
        with TextIOWrapper(archive.open(member), "utf-8", newline="") as stream:
            for number, (found, content) in enumerate(_row_elements(stream), 1):
                if found != number:
                    raise _OtherFormError
                yield _cells(content, width)


def _row_elements(stream: TextIOWrapper) -> Iterator[tuple[int, str]]:
    text = stream.read(_CHUNK)
    start = text.find("<sheetData>")
    if start < 0:
        raise _OtherFormError
    text = text[start + len("<sheetData>") :]
    while not text.startswith("</sheetData>"):
        position = 0
        while (end := text.find(_ROW_END, position)) >= 0:
            opening, _, content = text[position:end].partition(">")
            number = _ROW_START.fullmatch(opening)
            if number is None:
                raise _OtherFormError
            yield int(number[1]), content
            position = end + len(_ROW_END)
        more = stream.read(_CHUNK)
        text = text[position:] + more
        if len(text) > _LONGEST_ROW or (not more and not text.startswith("</sheetData>")):
            raise _OtherFormError


def _cells(content: str, width: int) -> list[Value]:
    cells: list[Value] = [None] * width
    found = _CELL.findall(content)
    # Text has no "<": every cell must have been found.
    if len(found) != content.count("<c "):
        raise _OtherFormError
    for letters, number, text in found:
        column = _LETTERS.get(letters, width)
        if column >= width:
            raise _OtherFormError
        if number:
            cells[column] = float(number)
        else:
            cells[column] = _restore(unescape(text) if "&" in text else text)
    return cells
