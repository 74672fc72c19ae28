"""Checks a finished report against itself: hashes, counts, sums, every CSV cell against the workbook."""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from rightscan.errors import PermanentError
from rightscan.reporting.columns import Column, Kind, Language, Sheet, sheets
from rightscan.reporting.csv_twin import read_twin
from rightscan.reporting.export import MANIFEST, MANIFEST_FORMAT, SheetTally, sha256_of
from rightscan.reporting.read_back import Value, sheet_rows
from rightscan.reporting.rows import Cell, cell_text
from rightscan.reporting.summary import UsageFold
from rightscan.reporting.workbook import EXCEL_EPOCH


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as the report says.

    Attributes:
        file: name of the file it is in.
        problem: ``missing_file``, ``unknown_file``, ``hash``, ``unreadable``, ``rows``,
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
    for name in sorted(listed.keys() & present):
        if name.endswith(".csv"):
            differences.extend(check.twin(name, listed[name]["sheets"][0]))
    for workbook in sorted(name for name in listed.keys() & present if name.endswith(".xlsx")):
        differences.extend(check.workbook(workbook))
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
    """What the twins say, taken together: each alone, the workbook against them, sheet 01 against sheet 02."""

    def __init__(self, folder: Path, language: Language) -> None:
        self._folder = folder
        self._language = language
        self._twins: dict[str, str] = {}
        self._fold: UsageFold | None = None
        self._summary: dict[tuple[str, ...], list[str]] = {}

    def twin(self, name: str, stated: Mapping[str, Any]) -> Iterator[Difference]:
        """Differences of one CSV from its manifest entry."""
        sheet = sheets()[stated["sheet"]]
        self._twins[sheet.number] = name
        tally = SheetTally.of(sheet)
        try:
            for cells, texts in self._rows(name, sheet):
                tally.add(sheet, cells)
                if sheet.number == "01":
                    self._summary[tuple(texts[:3])] = texts[3:]
        except (ValueError, csv.Error, PermanentError) as error:
            yield Difference(name, "unreadable", sheet.number, tally.rows + 2, found=str(error))
            return
        found = tally.as_json(sheet)
        if found["rows"] != stated["rows"]:
            rows = str(found["rows"])
            yield Difference(name, "rows", sheet.number, expected=str(stated["rows"]), found=rows)
        for column, total in found["sums"].items():
            if total != stated["sums"].get(column):
                header = sheet.columns[sheet.positions[column]].header[self._language]
                expected = str(stated["sums"].get(column))
                yield Difference(name, "sums", sheet.number, None, header, expected, total)

    def _rows(self, name: str, sheet: Sheet) -> Iterator[tuple[list[Cell], list[str]]]:
        """Rows of a twin with their numbers parsed; those of sheet 02 are folded when the last was taken."""
        fold = UsageFold()
        rows = read_twin(self._folder / name)
        headers = list(sheet.headers(self._language))
        if next(rows, None) != headers:
            raise ValueError(f"the first row is not: {', '.join(headers)}")
        numbers = [
            (position, column)
            for position, column in enumerate(sheet.columns)
            if column.kind in (Kind.INTEGER, Kind.DECIMAL)
        ]
        for texts in rows:
            if len(texts) != len(headers):
                raise ValueError(f"{len(texts)} fields instead of {len(headers)}")
            cells: list[Cell] = [text or None for text in texts]
            for position, column in numbers:
                if texts[position]:
                    cells[position] = _number(column, texts[position], self._language)
            if sheet.number == "02":
                fold.add(cells)
            yield cells, texts
        if sheet.number == "02":
            fold.finish()
            self._fold = fold

    def workbook(self, name: str) -> Iterator[Difference]:
        """Of each sheet the first cell in which the workbook differs from its twin."""
        for number, twin in self._twins.items():
            try:
                yield from self._first_difference(name, sheets()[number], twin)
            except (ValueError, KeyError, csv.Error, BadZipFile) as error:
                yield Difference(name, "unreadable", number, found=str(error))

    def _first_difference(self, name: str, sheet: Sheet, twin: str) -> Iterator[Difference]:
        kinds = [column.kind for column in sheet.columns]
        headers = sheet.headers(self._language)
        stored = sheet_rows(self._folder / name, sheet.title(self._language), len(headers))
        pairs = zip_longest(read_twin(self._folder / twin), stored, fillvalue=())
        for row, (texts, values) in enumerate(pairs, 1):
            for position, (text, value) in enumerate(zip_longest(texts, values)):
                kind = kinds[position] if row > 1 and position < len(kinds) else Kind.TEXT
                if text != value and not _is_same(text or "", value, kind):
                    header = headers[position] if position < len(headers) else str(position + 1)
                    found = "" if value is None else str(value)
                    yield Difference(name, "cell", sheet.number, row, header, text or "", found)
                    return

    def summary(self, manifest: Mapping[str, Any]) -> Iterator[Difference]:
        """Sheet 01 and the manifest's totals against a new fold of sheet 02."""
        sheet = sheets()["01"]
        if self._fold is None or "01" not in self._twins:
            return  # said already: a twin is missing or unreadable
        folded = {}
        for row in self._fold.summary_rows():
            texts = [cell_text(row[column.name]) for column in sheet.columns]  # type: ignore[arg-type]
            folded[tuple(texts[:3])] = texts[3:]
        for key in sorted(folded.keys() | self._summary.keys()):
            stated, found = self._summary.get(key), folded.get(key)
            if stated != found:
                where = " / ".join(key)
                yield Difference(self._twins["01"], "summary", "01", None, where, str(found), str(stated))
        whole = self._fold.whole
        found_totals = {
            "uses": whole.uses,
            "seconds_used": cell_text(whole.seconds_used),
            "est_amount": whole.est_amount,
        }
        for total, found_total in found_totals.items():
            if manifest[total] != found_total:
                expected = str(manifest[total])
                yield Difference(self._twins["02"], "summary", "02", None, total, expected, str(found_total))


def _number(column: Column, text: str, language: Language) -> int | Decimal:
    try:
        number = int(text) if column.kind is Kind.INTEGER else Decimal(text)
    except (ValueError, InvalidOperation):
        number = Decimal("NaN")
    if isinstance(number, Decimal) and not number.is_finite():
        raise ValueError(f"column {column.header[language]}: {text!r} is no number")
    return number


def _is_same(text: str, value: Value, kind: Kind) -> bool:
    """Tell whether a workbook's cell is what the CSV says."""
    if value is None or isinstance(value, str):
        return text == (value or "")
    if kind in (Kind.DATETIME_KST, Kind.DATE):
        return text == _date_text(value, kind)
    try:
        # Up to 15 digits, which is all that is written as a number, a decimal has a double of its own.
        return isinstance(value, float) and float(text) == value
    except ValueError:
        return False


def _date_text(value: float | dt.datetime, kind: Kind) -> str:
    if isinstance(value, float):
        value = EXCEL_EPOCH + dt.timedelta(days=value)
    # A double keeps days to some microseconds, so that a second may read as .999999 of the one before.
    moment = (value + dt.timedelta(milliseconds=500)).replace(microsecond=0)
    return moment.isoformat(" ") if kind is Kind.DATETIME_KST else moment.date().isoformat()
