"""The column dictionary: the sheets of a report and what their columns are (``data/columns.toml``)."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Literal

Language = Literal["ko", "en"]

DATA = Path(__file__).parent / "data"

WRITTEN = ("00", "01", "02", "04", "05", "07", "90", "91")
"""Sheets of the workbook, in tab order. A sheet that is described but not named here is not written."""

STREAMED = ("02", "04", "05", "07")
"""Those whose rows come from the caller; the others are made from them and from the dictionary."""


class Kind(StrEnum):
    """What a column's cells are."""

    TEXT = "text"
    IDENTIFIER = "identifier"
    CODE = "code"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DATETIME_KST = "datetime_kst"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Words:
    """One thing said in Korean and in English."""

    ko: str
    en: str

    def __getitem__(self, language: Language) -> str:
        return self.ko if language == "ko" else self.en


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one sheet.

    Attributes:
        name: English name, the key in rows and in machine files.
        header: what the sheet's first row says.
        kind: what its cells are; decimals are rounded half to even to ``places`` digits.
        width: at least so many characters of a Latin letter's width (a Hangul syllable counts 2).
        meaning: what the column says.
        unit: of its values, empty words where there is none.
        source: where its values come from.
        codes: name of the list that its words are found in, None for free values.
        show_word: the cell shows the code's word in the report's language instead of the code.
        word_of: a cell left empty is filled with the Korean word of that column's code.
        total: the column is added up on the cover, in the manifest and by the verifier.
        fact: the cover counts the rows that leave it empty.

    """

    name: str
    header: Words
    kind: Kind
    width: int
    meaning: Words
    unit: Words
    source: Words
    places: int = 0
    codes: str | None = None
    show_word: bool = True
    word_of: str | None = None
    total: bool = False
    fact: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet.

    Attributes:
        number: two digits; orders the sheets.
        key: its name in ASCII.
        name: its name.
        columns: in the order in which they are written.
        positions: index by column name.
        required: names of the columns that no row may leave empty.

    """

    number: str
    key: str
    name: Words
    columns: tuple[Column, ...]
    positions: Mapping[str, int]
    required: tuple[str, ...]

    def title(self, language: Language) -> str:
        """Return the sheet's tab, e.g. ``"02_이용내역"``."""
        return f"{self.number}_{self.name[language]}"

    def headers(self, language: Language) -> tuple[str, ...]:
        """Return the first row."""
        return tuple(column.header[language] for column in self.columns)


@cache
def sheets() -> Mapping[str, Sheet]:
    """Every sheet of the domain page by its number, written yet or not."""
    data = tomllib.loads((DATA / "columns.toml").read_text("utf-8"))
    return {entry["number"]: _sheet(entry, data) for entry in data["sheets"]}


def _sheet(entry: Mapping[str, Any], data: Mapping[str, Any]) -> Sheet:
    described = {**data["columns"], **entry.get("own", {})}
    columns = tuple(_column(name, described[name], data) for name in entry["columns"])
    positions = {column.name: position for position, column in enumerate(columns)}
    name = Words(entry["ko"], entry["en"])
    required = tuple(entry.get("required", ()))
    return Sheet(entry["number"], entry["key"], name, columns, positions, required)


def _column(name: str, entry: Mapping[str, Any], data: Mapping[str, Any]) -> Column:
    return Column(
        name=name,
        header=Words(entry["ko"], name),
        kind=Kind(entry["kind"]),
        width=entry["width"],
        meaning=Words(entry["meaning_ko"], entry["meaning_en"]),
        unit=Words(**data["units"][entry["unit"]]) if "unit" in entry else Words("", ""),
        source=Words(**data["sources"][entry["source"]]),
        places=entry.get("places", 0),
        codes=entry.get("codes"),
        show_word=entry.get("show") != "code",
        word_of=entry.get("word_of"),
        total=entry.get("total", False),
        fact=entry.get("fact", False),
    )


def dictionary_rows(language: Language) -> Iterator[dict[str, str]]:
    """Yield the rows of sheet 91: every column of every written sheet."""
    for number in WRITTEN:
        sheet = sheets()[number]
        for column in sheet.columns:
            yield {
                "sheet": sheet.title(language),
                "column_ko": column.header.ko,
                "column_en": column.name,
                "meaning": column.meaning[language],
                "unit": column.unit[language],
                "source": column.source[language],
            }


def display_width(text: str) -> int:
    """How wide ``text`` is shown, in widths of a Latin letter: Hangul, Hanja and emoji count 2."""
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)
