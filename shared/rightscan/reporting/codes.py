"""Words for the codes in a report: what a cell shows instead of a code, and sheet 90 that lists them all."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache

from rightscan.reporting.columns import DATA, STREAMED, WRITTEN, Kind, Language, Sheet, Words, sheets
from rightscan.reporting.rows import Cell, clean_text
from rightscan.rights import vocabulary
from rightscan.rights.codes import code_table

CodeLists = Mapping[str, Mapping[str, Words]]
"""Words by list and code."""


@cache
def _own_lists() -> CodeLists:
    data = tomllib.loads((DATA / "words.toml").read_text("utf-8"))
    return {name: {code: Words(**words) for code, words in entries.items()} for name, entries in data.items()}


def known_words(name: str) -> Mapping[str, Words]:
    """Words of one list by code; none where it is an open list."""
    if name in _own_lists():
        return _own_lists()[name]
    if name == "code":
        return {str(code): Words(info.ko, info.en) for code, info in code_table().infos.items()}
    try:
        return {code: Words(word.ko, word.en) for code, word in vocabulary.word_list(name).items()}
    except KeyError:  # an open list, such as error codes: the report brings its words
        return {}


class Codebook:
    """The code lists of one report: ours with the report's words over them.

    Attributes:
        unlisted: how many cells of the streamed sheets held a code without words (shown as it is), by list.

    """

    def __init__(self, language: Language, given: CodeLists) -> None:
        self._language = language
        names = (column.codes for number in WRITTEN for column in sheets()[number].columns)
        self.lists: CodeLists = {
            name: {**known_words(name), **given.get(name, {})}
            for name in dict.fromkeys([*filter(None, names), *given])
        }
        self.unlisted: Counter[str] = Counter()
        self._shown = {number: self._plan(sheets()[number]) for number in WRITTEN}

    def _plan(self, sheet: Sheet) -> list[tuple[int, str, bool]]:
        return [
            (position, column.codes, column.kind is Kind.CODE and sheet.number in STREAMED)
            for position, column in enumerate(sheet.columns)
            if column.codes and column.show_word and self.lists[column.codes]
        ]

    def show(self, sheet: Sheet, cells: list[Cell]) -> list[Cell]:
        """``cells`` as people read them: words for codes, lists joined by commas."""
        shown = cells.copy()
        for position, name, is_code in self._shown[sheet.number]:
            cell = cells[position]
            if cell is None:
                continue
            words = self.lists[name]
            parts = cell if isinstance(cell, tuple) else (str(cell),)
            if is_code:
                self.unlisted[name] += sum(part not in words for part in parts)
            shown[position] = clean_text(
                ", ".join(words[part][self._language] if part in words else part for part in parts)
            )
        for position, column in enumerate(sheet.columns):
            if column.word_of and shown[position] is None:
                code = cells[sheet.positions[column.word_of]]
                words = self.lists[column.word_of]
                shown[position] = words[str(code)].ko if code in words else None
        return shown

    def rows(self) -> Iterator[dict[str, str]]:
        """Rows of sheet 90; a list is named as the column that uses it."""
        headers: dict[str, str] = {}
        for number in WRITTEN:
            for column in sheets()[number].columns:
                if column.codes:
                    headers.setdefault(column.codes, column.header[self._language])
        for name, words in self.lists.items():
            for code, word in words.items():
                yield {"list": headers.get(name, name), "code": code, "ko": word.ko, "en": word.en}
