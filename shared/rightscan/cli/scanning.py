"""``scan``, ``watch``, ``backfill`` and ``show``."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from rightscan.cli import show as output
from rightscan.cli.options import Options, Waiting, global_options, options
from rightscan.errors import PermanentError, RightscanError, UsageError
from rightscan.jobs import incidents, submit
from rightscan.jobs.backfill import backfill as run_backfill
from rightscan.jobs.dossier import dossier
from rightscan.jobs.results import result_of
from rightscan.records.objects import ObjectRef
from rightscan.records.results import ScanResult
from rightscan.rights.upload_facts import ParsedFacts, read_facts_csv

_FAILED = frozenset({"rejected", "failed", "gone"})
_STILL_S = 2.0
"""A file whose size and time have not moved for so long is taken for finished."""


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--facts", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="CSV of upload facts"
)
@global_options
@click.pass_context
def scan(context: click.Context, paths: tuple[Path, ...], facts: Path | None) -> int:
    """Upload files or folders with their facts, wait, and show what was found."""
    told = options(context)
    listed = {} if facts is None else read_facts_csv(facts.read_bytes())
    files = list(submit.media_files(paths))
    if not files:
        raise UsageError(
            "nothing_to_scan", "the paths hold no file", "Name files, or a folder that holds some."
        )
    _check_facts(files, listed, told)
    with told.running() as waiting:
        results = scan_files(files, listed, told, waiting)
    if not told.json:
        output.scan_table(told, results)
    return int(_any_failed(results))


def _check_facts(files: Iterable[Path], listed: dict[str, ParsedFacts], told: Options) -> None:
    """Say on standard error which facts could not be taken: a use without its date or territory costs money."""
    used = {submit.listed_under(path, listed) for path in files}
    unknown: set[str] = set()
    for name, parsed in listed.items():
        for problem in parsed.problems:
            # A column that nobody knows is the fault of the header, not of every row.
            if problem.code != "fact_unknown_name" or problem.name not in unknown:
                output.fact_problem(told, name, problem)
            if problem.code == "fact_unknown_name":
                unknown.add(problem.name)
        if name not in used:
            output.note(told, name, "fact_of_no_file")


def _any_failed(results: Iterable[ScanResult]) -> bool:
    return any(result.state in _FAILED or result.error is not None for result in results)


def scan_files(
    files: Iterable[Path], listed: dict[str, ParsedFacts], told: Options, waiting: Waiting
) -> list[ScanResult]:
    """Upload files and wait for their results, in the order of the files; printed as JSON where asked for."""
    uploads = [(str(path), _send(path, listed, told)) for path in files]
    results = []
    with Progress(console=output.console(told), transient=True, disable=told.json) as progress:
        task = progress.add_task("rightscan", total=len(uploads))
        for path, sent in uploads:
            result = _wait(path, sent, told, waiting) if isinstance(sent, ObjectRef) else sent
            results.append(result)
            progress.advance(task)
            if told.json:
                output.json_line(result.model_dump(mode="json"))
    return results


def _send(path: Path, listed: dict[str, ParsedFacts], told: Options) -> ObjectRef | ScanResult:
    try:
        parsed = submit.facts_of(path, listed)
        if submit.listed_under(path, listed) is None:
            for problem in parsed.problems:
                output.fact_problem(told, str(path), problem)
        return submit.upload_media(path, parsed.facts, told.ports)
    except RightscanError as error:
        return ScanResult(path=str(path), state="rejected", error=incidents.info(error))


def _wait(path: str, ref: ObjectRef, told: Options, waiting: Waiting) -> ScanResult:
    try:
        return waiting.until(lambda: result_of(path, ref, told.ports))
    except PermanentError as error:
        return ScanResult(path=path, state="failed", error=incidents.info(error))


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--once", is_flag=True, help="scan what lies there and end")
@global_options
@click.pass_context
def watch(context: click.Context, folder: Path, once: bool) -> int:
    """Scan whatever appears in FOLDER, once it is finished."""
    told = options(context)
    failed = False
    seen: dict[Path, tuple[int, int]] = {}
    done: dict[Path, tuple[int, int]] = {}
    with told.running() as waiting:
        while True:
            now = {path: stamp for path in submit.media_files([folder]) if (stamp := _stamp(path))}
            ready = [
                path for path, stamp in now.items() if seen.get(path) == stamp and done.get(path) != stamp
            ]
            if ready:
                results = scan_files(ready, {}, told, waiting)
                if not told.json:
                    output.scan_table(told, results)
                done |= {path: now[path] for path in ready}
                failed = failed or _any_failed(results)
            if once and all(done.get(path) == stamp for path, stamp in now.items()):
                return int(failed)
            seen = now
            time.sleep(_STILL_S)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of a file; ``None`` where it went away since the folder was listed."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


@click.command()
@click.option("--restart", is_flag=True, help="look at the whole bucket again")
@global_options
@click.pass_context
def backfill(context: click.Context, restart: bool) -> int:
    """Scan what lay in the uploads bucket before the system went live.

    Works under its own limit and goes on where it stopped when called again.
    """
    told = options(context)
    with told.running() as waiting:
        result = run_backfill(told.ports, restart=restart)
        waiting.until_idle()
    if told.json:
        output.json_line(asdict(result))
    else:
        words = {
            "ko": f"{result.looked_at}개를 살펴보고 {result.queued}개를 검사에 넣었습니다.",
            "en": f"looked at {result.looked_at}, queued {result.queued}.",
        }
        output.console(told).print(words[told.language])
        if not result.finished:
            more = {
                "ko": "오늘의 한도에 이르렀습니다. 내일 다시 실행하면 이어집니다.",
                "en": "The day's allowance is used up; run it again tomorrow to go on.",
            }
            output.console(told).print(more[told.language])
    return 0


def _draw(found: dict[str, Any], identifier: str, picture: Path, told: Options) -> None:
    from rightscan.cli.classifying import draw
    from rightscan.jobs.classify import stored_origin

    if "media" not in found:
        raise UsageError("no_features", f"{identifier} is no upload", "Name an upload or a media id.")
    draw(Path(identifier).name, stored_origin(found["media"]["media_id"], told.ports), picture, told)


@click.command()
@click.argument("identifier")
@click.option(
    "--picture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="draw what is stored of an upload's synthesis (PNG)",
)
@global_options
@click.pass_context
def show(context: click.Context, identifier: str, picture: Path | None) -> int:
    """Everything known of an upload (path or media id), a recording or a performer, with the custody log."""
    told = options(context)
    found = dossier(identifier, told.ports)
    if picture is not None:
        _draw(found, identifier, picture, told)
    if told.json:
        output.json_line(found)
    else:
        output.console(told).print_json(data=found, ensure_ascii=False)
    return 0
