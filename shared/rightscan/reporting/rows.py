"""From the values a use case has to the cells a report holds: one meaning, one type, no surprises."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from operator import index
from typing import Any

from rightscan.errors import PermanentError
from rightscan.reporting.columns import Column, Kind, Sheet
from rightscan.rights.periods import KST

SheetRow = Mapping[str, Any]
"""Values by English column name: str, int, float, Decimal, bool, aware datetime, date, list of str, None."""

Cell = str | int | Decimal | dt.datetime | dt.date | tuple[str, ...] | None
"""What a cell holds: decimals have the column's places, datetimes are Korean wall time to the second."""

EXCEL_TEXT_LIMIT = 32_767
"""Longest text of one Excel cell, in UTF-16 units (an emoji counts 2)."""

CUT_MARK = "…[잘림/cut]"
"""Ends a text that was cut to Excel's limit."""

_BREAKS = re.compile("[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# Controls, byte order marks, what XML forbids, and the directional embeddings, overrides and isolates,
# which can show a name in another order than it is stored. The marks LRM and RLM stay: they are ordinary
# spelling in Arabic and Hebrew, and so do the joiners that emoji are made with.
_DROPPED = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")


def _utf16_units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def clean_text(text: str) -> str:
    """``text`` as a report may hold it: NFC, one line, no controls, at most Excel's length.

    Halves of a surrogate pair are joined, lone ones become U+FFFD. A cut text ends with ``CUT_MARK``.
    Cleaning twice changes nothing.
    """
    if not text.isprintable():
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        text = _DROPPED.sub("", _BREAKS.sub(" ", text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    # Below half the limit no text can be too long, whatever its characters.
    if len(text) > EXCEL_TEXT_LIMIT // 2 and _utf16_units(text) > EXCEL_TEXT_LIMIT:
        kept = text.encode("utf-16-le")[: 2 * (EXCEL_TEXT_LIMIT - _utf16_units(CUT_MARK))]
        text = kept.decode("utf-16-le", "ignore") + CUT_MARK
    return text


def _text(value: Any, _column: Column) -> Cell:
    if isinstance(value, str):
        return clean_text(value) or None
    if isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        return tuple(cleaned for part in value if (cleaned := clean_text(part))) or None
    raise TypeError


def _code(value: Any, column: Column) -> Cell:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _text(value, column)


def _integer(value: Any, _column: Column) -> Cell:
    if isinstance(value, bool):
        raise TypeError
    return index(value)


def _decimal(value: Any, column: Column) -> Cell:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise TypeError
    number = value if isinstance(value, Decimal) else Decimal(str(value))
    if not number.is_finite():
        raise TypeError
    rounded = number.quantize(Decimal(1).scaleb(-column.places))
    return rounded if rounded else abs(rounded)  # no minus zero


def _datetime_kst(value: Any, _column: Column) -> Cell:
    if not isinstance(value, dt.datetime) or value.tzinfo is None:
        raise TypeError
    try:
        local = value.astimezone(KST)
    except OverflowError:  # the last hours of the year 9999, from somebody's upload facts
        return value.isoformat()
    # Down to the second: rounded up, a use of the last half second of a month would show the next month.
    return local.replace(microsecond=0, tzinfo=None)


def _date(value: Any, _column: Column) -> Cell:
    if not isinstance(value, dt.date) or isinstance(value, dt.datetime):
        raise TypeError
    return value


_CONVERT: Mapping[Kind, Callable[[Any, Column], Cell]] = {
    Kind.TEXT: _text,
    Kind.IDENTIFIER: _text,
    Kind.CODE: _code,
    Kind.INTEGER: _integer,
    Kind.DECIMAL: _decimal,
    Kind.DATETIME_KST: _datetime_kst,
    Kind.DATE: _date,
}


def normalise(sheet: Sheet, row: SheetRow, number: int = 0) -> list[Cell]:
    """Return the cells of ``row`` in the sheet's column order; what is absent, None or blank text is None.

    Args:
        sheet: where the row goes.
        row: values by English column name.
        number: the row as the spreadsheet will show it, for the message of an error.

    Raises:
        PermanentError: a key is no column (``unknown_column``), a value does not fit its column
            (``bad_cell``: wrong type, naive datetime, no finite number), a required cell or the whole
            row is empty (``empty_cell``, ``empty_row``).

    """
    cells: list[Cell] = [None] * len(sheet.columns)
    for name, value in row.items():
        position = sheet.positions.get(name)
        if position is None:
            raise _refused("unknown_column", sheet, number, name, "there is no such column")
        if value is None:
            continue
        column = sheet.columns[position]
        try:
            cells[position] = _CONVERT[column.kind](value, column)
        except (TypeError, InvalidOperation) as error:
            shown = f"{type(value).__name__} {str(value)[:40]!r} is not {column.kind}"
            raise _refused("bad_cell", sheet, number, name, shown) from error
    for name in sheet.required:
        if cells[sheet.positions[name]] is None:
            raise _refused("empty_cell", sheet, number, name, "a value is required")
    if not any(cell is not None for cell in cells):
        raise _refused("empty_row", sheet, number, "", "the row has no value at all")
    return cells


def _refused(code: str, sheet: Sheet, number: int, column: str, what: str) -> PermanentError:
    where = f"sheet {sheet.number} row {number} column {column or '(all)'}"
    return PermanentError(code, f"{where}: {what}", "Correct the record behind the row, then report again.")


def cell_text(cell: Cell) -> str:
    """``cell`` as a CSV field, before anything is done about formulas."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case Decimal():
            return f"{cell:f}"
        case dt.datetime():
            return cell.isoformat(" ")
        case tuple():
            return clean_text(", ".join(cell))
        case dt.date():
            return cell.isoformat()
        case _:
            return str(cell)
