"""One report, finished or not there: rows are streamed once into the CSV twins and the workbook."""

from __future__ import annotations

import datetime as dt
import fcntl
import hashlib
import json
import os
import re
import shutil
import unicodedata
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from rightscan.errors import PermanentError, UsageError
from rightscan.reporting.codes import Codebook, CodeLists
from rightscan.reporting.columns import STREAMED, WRITTEN, Language, Sheet, dictionary_rows, sheets
from rightscan.reporting.csv_twin import CsvTwin
from rightscan.reporting.rows import Cell, SheetRow, cell_text, normalise
from rightscan.reporting.summary import CoverFacts, UsageFold, cover_rows
from rightscan.reporting.workbook import WorkbookWriter
from rightscan.rights.periods import month_bounds

MANIFEST = "manifest.json"
"""Written last: a folder without it is no report."""

MANIFEST_FORMAT = 1

Rows = Iterable[SheetRow] | Callable[[], Iterable[SheetRow]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInput:
    """All a report is made of; nothing is read from anywhere else.

    Attributes:
        report_id: ``R`` and digits, e.g. ``"R000123"``.
        period: Korean month it settles, ``"2026-10"``.
        version: 1, 2, … of the reports of that period.
        created_at: aware; the only clock a report has, so that the same input gives the same bytes.
        rows: by sheet number (``STREAMED``), rows or a function that gives them; each is read once and
            keeps its order. The rows of one use of sheet 02 stand together.
        filters: what the report was limited to, by column name where it is one.
        versions: of engine, models, index, rules …, as shown on the cover; a function is asked after the rows.
        counts: numbers of the cover by name; see ``summary.COVER_WORDS``.
        code_lists: words for codes that reporting does not know, or knows otherwise.
        language: of headers, tabs, words and the cover.

    """

    report_id: str
    period: str
    version: int
    created_at: dt.datetime
    rows: Mapping[str, Rows]
    filters: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] | Callable[[], Mapping[str, str]] = field(default_factory=dict)
    counts: Mapping[str, int | float | Decimal | str] = field(default_factory=dict)
    code_lists: CodeLists = field(default_factory=dict)
    language: Language = "ko"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"R\d{6,}", self.report_id, re.ASCII):
            raise UsageError("bad_report_id", f"{self.report_id!r} is no report id", "Write it as R000123.")
        month_bounds(self.period)
        if self.version < 1:
            raise UsageError("bad_version", f"version {self.version}", "Versions begin with 1.")
        if self.created_at.tzinfo is None:
            raise UsageError("naive_time", "created_at has no time zone", "Pass an aware datetime.")
        if unknown := sorted(set(self.rows) - set(STREAMED)):
            raise UsageError("unknown_sheet", f"rows for sheets {unknown}", f"Take one of {STREAMED}.")

    @property
    def storage_stem(self) -> str:
        """ASCII name of the report's folder, and the beginning of its storage keys."""
        tail = "" if self.language == "ko" else f"_{self.language}"
        return f"kmpu_usage_{self.period}_v{self.version}_{self.report_id}{tail}"

    @property
    def file_stem(self) -> str:
        """Beginning of the file names people see."""
        if self.language != "ko":
            return self.storage_stem
        stem = f"음실련_이용보고_{self.period}_v{self.version}_{self.report_id}"
        return unicodedata.normalize("NFC", stem)

    def twin_name(self, sheet: Sheet) -> str:
        """File name of a sheet's CSV."""
        return f"{self.file_stem}_{sheet.title(self.language)}.csv"

    def twin_key(self, sheet: Sheet) -> str:
        """Storage key of a sheet's CSV."""
        return f"{self.storage_stem}_{sheet.number}_{sheet.key}.csv"


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """A finished report.

    Attributes:
        folder: holds all its files.
        workbook: the file staff open.
        twins: CSV by sheet number.
        manifest: hashes, row counts and sums of every file.
        storage_keys: ASCII key by file name.
        sha256: by file name, the manifest included.

    """

    folder: Path
    workbook: Path
    twins: Mapping[str, Path]
    manifest: Path
    storage_keys: Mapping[str, str]
    sha256: Mapping[str, str]


def write_report(report: ReportInput, out_dir: Path) -> ReportFiles:
    """Write ``report`` into its own folder under ``out_dir`` and say what lies there.

    The files grow in a hidden folder that takes its name only when everything, the manifest last, is
    complete. Writing the same report again gives the same bytes and changes nothing.

    Raises:
        PermanentError: a row is refused (``rows.normalise``, ``summary.UsageFold``), a sheet is full, or
            a different report already has the name (``report_exists``).
        OSError: the disk is full or the folder not writable.

    """
    folder = out_dir / report.storage_stem
    with _partial_folder(out_dir, report.storage_stem) as partial:
        manifest = _Writing(report, partial).run()
        content = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
        if folder.exists():
            existing = folder / MANIFEST
            if not existing.is_file() or existing.read_text("utf-8") != content:
                raise PermanentError(
                    "report_exists",
                    f"{folder} holds a different report, and a finished report is never changed",
                    "Give the new one the next version or report id.",
                )
        else:
            (partial / MANIFEST).write_text(content, "utf-8", newline="\n")
            partial.rename(folder)
    return _files(report, folder, manifest)


def _files(report: ReportInput, folder: Path, manifest: Mapping[str, Any]) -> ReportFiles:
    files = manifest["files"]
    hashes = {entry["name"]: entry["sha256"] for entry in files} | {MANIFEST: sha256_of(folder / MANIFEST)}
    keys = {entry["name"]: entry["storage_key"] for entry in files}
    keys[MANIFEST] = f"{report.storage_stem}_{MANIFEST}"
    return ReportFiles(
        folder=folder,
        workbook=folder / f"{report.file_stem}.xlsx",
        twins={number: folder / report.twin_name(sheets()[number]) for number in WRITTEN},
        manifest=folder / MANIFEST,
        storage_keys=keys,
        sha256=hashes,
    )


@contextmanager
def _partial_folder(out_dir: Path, stem: str) -> Iterator[Path]:
    """Lend a locked hidden folder, gone at the end unless renamed; first remove what killed runs left."""
    out_dir.mkdir(parents=True, exist_ok=True)
    for leftover in out_dir.glob(f".{stem}.*.partial"):
        with _folder_lock(leftover) as is_ours:
            if is_ours:
                shutil.rmtree(leftover)
    partial = out_dir / f".{stem}.{uuid.uuid4().hex}.partial"
    partial.mkdir()
    with _folder_lock(partial):
        try:
            yield partial
        finally:
            if partial.exists():
                shutil.rmtree(partial)


@contextmanager
def _folder_lock(folder: Path) -> Iterator[bool]:
    """Tells whether nobody else holds the lock; it ends with the process, however that ends."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        is_ours = True
    except BlockingIOError:
        is_ours = False
    try:
        yield is_ours
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(slots=True)
class SheetTally:
    """Rows of a sheet and the sums of its ``total`` columns."""

    rows: int
    sums: dict[str, int | Decimal]

    @classmethod
    def of(cls, sheet: Sheet) -> SheetTally:
        """Return an empty one."""
        return cls(0, {column.name: 0 for column in sheet.columns if column.total})

    def add(self, sheet: Sheet, cells: list[Cell]) -> None:
        """Count one row."""
        self.rows += 1
        for name in self.sums:
            cell = cells[sheet.positions[name]]
            if isinstance(cell, int | Decimal):
                self.sums[name] += cell

    def as_json(self, sheet: Sheet) -> dict[str, Any]:
        """For the manifest; sums are text, so that no reader makes floats of them."""
        sums = {name: cell_text(value) for name, value in self.sums.items()}
        return {"sheet": sheet.number, "rows": self.rows, "sums": sums}


class _Writing:
    """One run over all sheets: the streamed ones first, then what is made from them, the cover last."""

    def __init__(self, report: ReportInput, folder: Path) -> None:
        self._report = report
        self._folder = folder
        self._codebook = Codebook(report.language, report.code_lists)
        self._fold = UsageFold()
        self._tallies: dict[str, SheetTally] = {}
        self._workbook_path = folder / f"{report.file_stem}.xlsx"
        self._workbook = WorkbookWriter(
            self._workbook_path, report.language, report.file_stem, report.created_at, folder
        )

    def run(self) -> dict[str, Any]:
        """Write every file but the manifest, whose content is returned."""
        for number in STREAMED:
            rows = self._report.rows.get(number, ())
            self._write(number, rows() if callable(rows) else rows)
        self._fold.finish()
        self._write("01", self._fold.summary_rows())
        self._write("90", self._codebook.rows())
        self._write("91", dictionary_rows(self._report.language))
        self._write("00", cover_rows(self._cover_facts(), self._fold, self._report.language))
        self._workbook.close()
        return self._manifest()

    def _write(self, number: str, rows: Iterable[SheetRow]) -> None:
        sheet = sheets()[number]
        tally = self._tallies[number] = SheetTally.of(sheet)
        path = self._folder / self._report.twin_name(sheet)
        with CsvTwin(path, sheet.headers(self._report.language)) as twin:
            for shown_number, row in enumerate(rows, 2):
                cells = normalise(sheet, row, shown_number)
                if number == "02":
                    self._fold.add(cells)
                tally.add(sheet, cells)
                shown = self._codebook.show(sheet, cells)
                self._workbook.append(number, shown)
                twin.append(shown)

    def _cover_facts(self) -> CoverFacts:
        report = self._report
        return CoverFacts(
            report_id=report.report_id,
            period=report.period,
            version=report.version,
            created_at=report.created_at,
            filters=report.filters,
            counts=report.counts,
            versions=report.versions() if callable(report.versions) else report.versions,
            sheet_rows={sheets()[n].title(report.language): self._tallies[n].rows for n in STREAMED},
            unlisted=self._codebook.unlisted,
            # The cover cannot hold its own hash, nor the workbook's it stands in: the manifest does.
            file_hashes={
                report.twin_name(sheets()[n]): sha256_of(self._folder / report.twin_name(sheets()[n]))
                for n in WRITTEN
                if n != "00"
            },
            legend=self._codebook.lists["code"],
        )

    def _manifest(self) -> dict[str, Any]:
        report = self._report
        tallies = {number: self._tallies[number].as_json(sheets()[number]) for number in WRITTEN}
        workbook = self._entry(
            self._workbook_path.name, f"{report.storage_stem}.xlsx", list(tallies.values())
        )
        twins = [
            self._entry(report.twin_name(sheets()[n]), report.twin_key(sheets()[n]), [tallies[n]])
            for n in WRITTEN
        ]
        return {
            "format": MANIFEST_FORMAT,
            "report_id": report.report_id,
            "period": report.period,
            "version": report.version,
            "created_at": report.created_at.astimezone(dt.UTC).isoformat(),
            "language": report.language,
            "uses": self._fold.whole.uses,
            "seconds_used": cell_text(self._fold.whole.seconds_used),
            "est_amount": self._fold.whole.est_amount,
            "files": [workbook, *twins],
        }

    def _entry(self, name: str, key: str, contents: list[dict[str, Any]]) -> dict[str, Any]:
        path = self._folder / name
        return {
            "name": name,
            "storage_key": key,
            "sha256": sha256_of(path),
            "bytes": path.stat().st_size,
            "sheets": contents,
        }
