"""``report`` and ``verify-report``."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from pathlib import Path

import click

from rightscan.cli import show
from rightscan.cli.options import Options, Waiting, global_options, options
from rightscan.errors import PermanentError
from rightscan.jobs.report import fetch_report
from rightscan.records.messages import ReportRequested
from rightscan.records.operations import Report
from rightscan.reporting.verify import verify_report as find_differences
from rightscan.rights.periods import month_bounds


@click.command()
@click.option("--period", required=True, help="KST month, e.g. 2026-11")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="folder to write to"
)
@global_options
@click.pass_context
def report(context: click.Context, period: str, out: Path) -> int:
    """Write the export of a month: workbook, CSV twins and manifest."""
    told = options(context)
    month_bounds(period)
    with told.running() as waiting:
        done = _ask(period, told, waiting)
    if done.state == "failed":
        raise PermanentError(
            "report_failed", done.error or "the report failed", "`rightscan doctor` says more."
        )
    paths = fetch_report(done, out, told.ports)
    for path in paths:
        if told.json:
            show.json_line({"report_id": done.report_id, "path": str(path)})
        else:
            show.console(told).print(str(path), markup=False, highlight=False, soft_wrap=True)
    return 0


def _ask(period: str, told: Options, waiting: Waiting) -> Report:
    request = ReportRequested(period=period, request_id=str(uuid.uuid4()), language=told.language)
    told.ports.report_queue.send(request.to_json())

    def done() -> Report | None:
        for found in told.ports.ledger.reports(period):
            if found.request_id == request.request_id and found.state != "started":
                return found
        return None

    with show.console(told).status(f"report {period}"):
        return waiting.until(done)


@click.command("verify-report")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@global_options
@click.pass_context
def verify_report(context: click.Context, folder: Path) -> int:
    """Check a report's files against its manifest and against each other."""
    told = options(context)
    differences = find_differences(folder)
    for difference in differences:
        if told.json:
            show.json_line(asdict(difference))
    if differences and not told.json:
        columns = ("file", "problem", "sheet", "row", "column", "expected", "found")
        rows = [
            [x.file, show.word(x.problem, told), x.sheet, str(x.row or ""), x.column, x.expected, x.found]
            for x in differences
        ]
        show.table(told, "", columns, rows)
    if not differences and not told.json:
        show.console(told).print({"ko": "모든 파일이 일치합니다.", "en": "All files agree."}[told.language])
    return int(bool(differences))
