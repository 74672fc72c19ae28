"""Checks a finished report against itself: hashes, counts, sums, every CSV cell against the workbook."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from pathlib import Path
from typing import Any

import openpyxl

from rightscan.errors import PermanentError
from rightscan.reporting.columns import Column, Kind, Language, Sheet, sheets
from rightscan.reporting.csv_twin import read_twin
from rightscan.reporting.export import MANIFEST, MANIFEST_FORMAT, SheetTally, sha256_of
from rightscan.reporting.rows import Cell, cell_text
from rightscan.reporting.summary import UsageFold

# Excel's own escape of a text that looks like one of its escapes; openpyxl leaves it in.
_ESCAPED = re.compile("_x005F(_x[0-9a-fA-F]{4}_)")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the report says.

    Attributes:
        file: name of the file it is in.
        problem: ``missing_file``, ``unknown_file``, ``hash``, ``unreadable``, ``header``, ``rows``,
            ``sums``, ``cell`` or ``summary``.
        sheet: its number, where one sheet is concerned.
        row: as a spreadsheet shows it, from 1, where one row is concerned.
        column: its header.
        expected: by the manifest, or in the CSV.
        found: in the file, or in the workbook.

    """

    file: str
    problem: str
    sheet: str = ""
    row: int | None = None
    column: str = ""
    expected: str = ""
    found: str = ""


def verify_report(folder: Path) -> list[Difference]:
    """All that differs in the report under ``folder``, of each sheet the first differing cell; [] is good.

    Raises:
        PermanentError: ``folder`` holds no report of a format known here (``no_manifest``).

    """
    manifest = _read_manifest(folder)
    listed = {entry["name"]: entry for entry in manifest["files"]}
    present = {path.name for path in folder.iterdir()} - {MANIFEST}
    differences = [Difference(name, "missing_file") for name in sorted(listed.keys() - present)]
    differences += [Difference(name, "unknown_file") for name in sorted(present - listed.keys())]
    for name in sorted(listed.keys() & present):
        found = sha256_of(folder / name)
        if found != listed[name]["sha256"]:
            differences.append(Difference(name, "hash", expected=listed[name]["sha256"], found=found))
    check = _Contents(folder, manifest["language"])
    workbooks = [name for name in listed if name.endswith(".xlsx") and name in present]
    for name, entry in listed.items():
        if name in present and name not in workbooks:
            differences.extend(check.twin(name, entry["sheets"][0], workbooks))
    differences.extend(check.summary(manifest))
    return differences


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text("utf-8"))
        known = manifest["format"] == MANIFEST_FORMAT
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_manifest(folder, str(error)) from error
    if not known:
        raise _no_manifest(folder, f"format {manifest['format']}")
    return manifest


def _no_manifest(folder: Path, why: str) -> PermanentError:
    found = sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}"))
    remedy = f"Name one of its folders: {', '.join(found)}." if found else "Name a finished report's folder."
    return PermanentError("no_manifest", f"{folder} holds no readable {MANIFEST}: {why}", remedy)


class _Contents:
    """Reads the twins, each once, and the workbook beside them."""

    def __init__(self, folder: Path, language: Language) -> None:
        self._folder = folder
        self._language = language
        self._fold = UsageFold()
        self._summary: dict[tuple[str, ...], list[str]] = {}
        self._names: dict[str, str] = {}

    def twin(self, name: str, stated: Mapping[str, Any], workbooks: Sequence[str]) -> Iterator[Difference]:
        """Differences of one CSV from its manifest entry and from the workbook's sheet."""
        sheet = sheets()[stated["sheet"]]
        self._names[sheet.number] = name
        tally = SheetTally.of(sheet)
        try:
            yield from self._compare(name, sheet, tally, workbooks)
        except (ValueError, InvalidOperation, KeyError, IndexError, PermanentError) as error:
            row = tally.rows + 2
            yield Difference(name, "unreadable", sheet.number, row, found=f"{type(error).__name__}: {error}")
            return
        found = tally.as_json(sheet)
        if found["rows"] != stated["rows"]:
            yield Difference(
                name, "rows", sheet.number, expected=str(stated["rows"]), found=str(found["rows"])
            )
        for column, total in found["sums"].items():
            if total != stated["sums"].get(column):
                header = sheet.columns[sheet.positions[column]].header[self._language]
                expected = str(stated["sums"].get(column))
                yield Difference(name, "sums", sheet.number, None, header, expected, total)

    def _compare(
        self, name: str, sheet: Sheet, tally: SheetTally, workbooks: Sequence[str]
    ) -> Iterator[Difference]:
        fields = read_twin(self._folder / name)
        headers = list(sheet.headers(self._language))
        if (first := next(fields, [])) != headers:
            yield Difference(name, "header", sheet.number, 1, "", ", ".join(headers), ", ".join(first))
            return
        others = self._workbook_rows(workbooks[0], sheet) if workbooks else None
        if others is not None:
            yield from _different_cell(workbooks[0], sheet, headers, 1, headers, next(others, ()))
        is_same = True
        for number, texts in enumerate(fields, 2):
            cells = [_parse(column, text) for column, text in zip(sheet.columns, texts, strict=True)]
            self._take(sheet, cells, texts)
            tally.add(sheet, cells)
            if others is not None and is_same:
                for difference in _different_cell(
                    workbooks[0], sheet, headers, number, texts, next(others, ())
                ):
                    is_same = False
                    yield difference
        if others is not None and is_same and (extra := next(others, None)) is not None:
            yield from _different_cell(workbooks[0], sheet, headers, tally.rows + 2, (), extra)

    def _workbook_rows(self, name: str, sheet: Sheet) -> Iterator[tuple[Any, ...]]:
        book = openpyxl.load_workbook(self._folder / name, read_only=True)
        try:
            yield from book[sheet.title(self._language)].iter_rows(values_only=True)
        finally:
            book.close()

    def _take(self, sheet: Sheet, cells: list[Cell], texts: Sequence[str]) -> None:
        if sheet.number == "02":
            self._fold.add(cells)
        elif sheet.number == "01":
            self._summary[tuple(texts[:3])] = list(texts[3:])

    def summary(self, manifest: Mapping[str, Any]) -> Iterator[Difference]:
        """Sheet 01 and the manifest's totals against a new fold of sheet 02."""
        sheet = sheets()["01"]
        if not {"01", "02"} <= self._names.keys():
            return
        folded = {}
        for row in self._fold.summary_rows():
            texts = [cell_text(row[column.name]) for column in sheet.columns]  # type: ignore[arg-type]
            folded[tuple(texts[:3])] = texts[3:]
        for key in sorted(folded.keys() | self._summary.keys()):
            stated, found = self._summary.get(key), folded.get(key)
            if stated != found:
                where = " / ".join(key)
                yield Difference(self._names["01"], "summary", "01", None, where, str(found), str(stated))
        whole = self._fold.whole
        found_totals = {
            "uses": whole.uses,
            "seconds_used": cell_text(whole.seconds_used),
            "est_amount": whole.est_amount,
        }
        for total, found_total in found_totals.items():
            if manifest[total] != found_total:
                expected = str(manifest[total])
                yield Difference(self._names["02"], "summary", "02", None, total, expected, str(found_total))


def _parse(column: Column, text: str) -> Cell:
    if not text:
        return None
    if column.kind is Kind.INTEGER:
        return int(text)
    return Decimal(text) if column.kind is Kind.DECIMAL else text


def _different_cell(
    file: str,
    sheet: Sheet,
    headers: Sequence[str],
    row: int,
    texts: Sequence[str],
    others: Sequence[Any],
) -> Iterator[Difference]:
    """Yield the first cell of the row in which the workbook differs from the CSV, if there is one."""
    for position, (text, other) in enumerate(zip_longest(texts, others, fillvalue=None)):
        if not _same(text or "", other):
            column = headers[position] if position < len(headers) else str(position + 1)
            yield Difference(
                file, "cell", sheet.number, row, column, text or "", "" if other is None else str(other)
            )
            return


def _same(text: str, cell: Any) -> bool:
    """Tell whether a workbook's cell is what the CSV says."""
    if cell is None:
        return not text
    if isinstance(cell, str):
        return text == (_ESCAPED.sub(r"\1", cell) if "_x005F" in cell else cell)
    if isinstance(cell, dt.datetime):
        # Excel keeps days as a double: good to some microseconds, of which openpyxl shows thousands.
        shown = (cell + dt.timedelta(milliseconds=500)).replace(microsecond=0).isoformat(" ")
        return text in (shown, shown.removesuffix(" 00:00:00"))
    try:
        return Decimal(text) == Decimal(str(cell))
    except InvalidOperation:
        return False
