"""Templates of the catalogue files: one workbook and one CSV per sheet, with an example row each."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Literal

from rightscan.rights.catalogue import Sheet, sheets

_WORKBOOK_STEMS = {"en": "catalogue", "ko": "음실련_목록_서식"}


def _title(sheet: Sheet, language: Literal["ko", "en"]) -> str:
    return sheet.ko if language == "ko" else sheet.name


def _rows(sheet: Sheet, language: Literal["ko", "en"]) -> tuple[list[str], list[str]]:
    columns = sheet.columns.values()
    header = [column.ko if language == "ko" else column.name for column in columns]
    return header, [column.example for column in columns]


def write_catalogue_templates(directory: Path, language: Literal["ko", "en"] = "ko") -> list[Path]:
    """Write a workbook with all sheets, and ``csv/`` with one file per sheet, into ``directory``.

    Every cell is text, so that leading zeros survive. ``read_catalogue`` reads all of them back.

    Returns:
        The files written, the workbook first.

    """
    import xlsxwriter  # heavy; only templates need it

    (directory / "csv").mkdir(parents=True, exist_ok=True)
    workbook_path = directory / f"{_WORKBOOK_STEMS[language]}.xlsx"
    written = [workbook_path]
    with xlsxwriter.Workbook(
        workbook_path, {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    ) as workbook:
        # A fixed creation time makes equal templates equal files.
        workbook.set_properties({"created": dt.datetime(2026, 1, 1, tzinfo=dt.UTC)})
        text = workbook.add_format({"num_format": "@"})
        heading = workbook.add_format({"num_format": "@", "bold": True})
        for sheet in sheets().values():
            header, example = _rows(sheet, language)
            page = workbook.add_worksheet(_title(sheet, language))
            page.set_column(0, len(header) - 1, 18, text)
            page.write_row(0, 0, header, heading)
            page.write_row(1, 0, example, text)
            page.freeze_panes(1, 0)
            path = directory / "csv" / f"{_title(sheet, language)}.csv"
            # The byte order mark tells Excel that it is UTF-8.
            with path.open("w", encoding="utf-8-sig", newline="") as file:
                csv.writer(file).writerows((header, example))
            written.append(path)
    return written
