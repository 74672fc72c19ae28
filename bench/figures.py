"""The published figures: measured, printed as JSON and as a table, and written into the documents.

``make bench`` measures all of them and keeps them in ``build/bench.json``; ``make bench ONLY=query`` measures one
group and keeps nothing. ``python -m bench.figures --write`` puts what is kept between the markers
``figures:start`` and ``figures:end`` of ``README.md`` (the main ones) and ``docs/figures.md`` (all).
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import pages
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[1]
KEPT = Path("build/bench.json")
START, END = "<!-- figures:start -->", "<!-- figures:end -->"
GROUPS = ("fingerprint", "throughput", "memory", "query", "start", "writes")
"""Each is a module of ``bench.measure`` and a key of the result."""


@dataclass(frozen=True)
class Figure:
    """One published number: its group, what it is, its value with the unit, whether the README has it."""

    group: str
    what: str
    value: str
    main: bool = False

    @property
    def command(self) -> str:
        """What prints it."""
        return f"make bench ONLY={self.group}"


def measure(groups: Sequence[str], console: Console) -> dict[str, Any]:
    """Measure groups of figures, one after the other."""
    KEPT.parent.mkdir(exist_ok=True)
    measured: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="bench-", dir=KEPT.parent.resolve()) as work:
        for group in groups:
            began = time.monotonic()
            measured[group] = importlib.import_module(f"bench.measure.{group}").measure(Path(work))
            console.print(f"{group}: {time.monotonic() - began:.0f} s", highlight=False)
    return {"measured_on": datetime.now(UTC).date().isoformat(), **_machine(), **measured}


def _machine() -> dict[str, Any]:
    from bench.processes import cores

    from rightscan.fingerprint import PIPELINE

    info = Path("/proc/cpuinfo")
    names = [
        line.split(":", 1)[1].strip()
        for line in (info.read_text() if info.exists() else "").splitlines()
        if line.startswith("model name")
    ]
    return {
        "cores": cores(),
        "processor": names[0] if names else platform.machine(),
        "python": platform.python_version(),
        "pipeline": PIPELINE,
    }


# ---- what is shown --------------------------------------------------------------------------------------
def figures(result: dict[str, Any]) -> list[Figure]:
    """The figures of a result, in the order of publication; groups that were not measured are left out."""
    return [
        Figure(group, *told) for group in GROUPS if group in result for told in _TELLERS[group](result[group])
    ]


Told = tuple[str, str] | tuple[str, str, bool]


def _fingerprint(told: dict[str, Any]) -> Iterator[Told]:
    yield "fingerprint, one core, without decoding", f"{told['without_decoding']:,} × real time", True
    for codec, speed in told["with_decoding"].items():
        yield f"decode and fingerprint, one core, {codec}", f"{speed:,} × real time", codec == "mp3"
    yield "features stored per hour of sound", f"{told['stored_bytes_per_hour'] / 1e6:.2f} MB"


def _throughput(told: dict[str, Any]) -> Iterator[Told]:
    yield (
        f"upload to verdict, {told['cores']} cores, {told['files']} MP3 files of {told['file_s'] / 60:.0f} minutes, "
        f"half of them registered ({told['catalogue_recordings']} recordings)",
        f"{told['files_per_minute']} files a minute",
        True,
    )
    yield "the same, processor time of all processes", f"{told['cpu_s_per_file']} CPU-s per file"


def _memory(told: dict[str, Any]) -> Iterator[Told]:
    short, long = told["three_minutes"], told["two_hours"]
    yield "peak memory of the analysis, 3 minutes of MP3", f"{short['peak_mb']:.0f} MB", True
    yield "peak memory of the analysis, 2 hours of MP3", f"{long['peak_mb']:.0f} MB", True
    yield "ratio of the two", f"{told['ratio']}"
    yield "the analysis in its guarded process, 3 minutes", f"{short['cpu_s']} CPU-s"
    yield "the analysis in its guarded process, 2 hours", f"{long['cpu_s']} CPU-s"


_KINDS = {
    "identity": "10 s excerpt, unchanged sound only",
    "deep": "10 s excerpt, deep",
    "song_deep": "first 3 minutes, deep",
}


def _query(told: dict[str, Any]) -> Iterator[Told]:
    for name, words in (("synthesised", "synthesised music"), ("real", "real music")):
        if name not in told:
            continue
        part = told[name]
        against = f"{part['recordings']} recordings ({part['hours']} h) of {words}"
        main = name == "real" or "real" not in told
        for who in ("registered", "unknown"):
            for kind, what in _KINDS.items():
                one = part[who][kind]
                yield (
                    f"query, {what}, {who}, {one['queries']} queries against {against}",
                    f"{1000 * one['cpu_s']:.0f} CPU-ms ({one['right']} right, {one['wrong']} wrong)",
                    main and (kind != "song_deep" or who == "unknown"),
                )
        yield f"index on disk, {against}", f"{part['index_bytes_per_hour'] / 1e6:.2f} MB per hour", main


def _start(told: dict[str, Any]) -> Iterator[Told]:
    for name, one in told["functions"].items():
        budget = "" if one["budget_s"] is None else f" (budget {one['budget_s']})"
        yield f"cold import, `{name}`", f"{one['import_cpu_s']} CPU-s{budget}", one["budget_s"] is not None
        yield f"cold start with its AWS clients, `{name}`", f"{one['ready_cpu_s']} CPU-s"


def _writes(told: dict[str, Any]) -> Iterator[Told]:
    for way, units in told.items():
        yield f"DynamoDB, {way}", f"{units} write units", way != "second copy of a matched upload"


_TELLERS = {
    "fingerprint": _fingerprint,
    "throughput": _throughput,
    "memory": _memory,
    "query": _query,
    "start": _start,
    "writes": _writes,
}


def show(result: dict[str, Any], console: Console) -> None:
    """Print the figures as a table."""
    table = Table("figure", "value", "command")
    for figure in figures(result):
        table.add_row(figure.what, figure.value, figure.command)
    console.print(table)
    console.print(_conditions(result), highlight=False)


# ---- what is written ------------------------------------------------------------------------------------
def _conditions(result: dict[str, Any]) -> str:
    return (
        f"Measured on {result['measured_on']}: {result['cores']} cores ({result['processor']}), "
        f"Python {result['python']}, pipeline {result['pipeline']}. All of them: make bench."
    )


def markdown(result: dict[str, Any], *, main_only: bool) -> str:
    """The figures as a Markdown table, with the conditions they were measured under."""
    lines = [_conditions(result), "", "| figure | value | command |", "|---|---|---|"]
    lines += [
        f"| {figure.what} | {figure.value} | `{figure.command}` |"
        for figure in figures(result)
        if figure.main or not main_only
    ]
    return "\n".join(lines)


def fill(text: str, body: str) -> str:
    """Put ``body`` between the markers of ``text``, in place of what stands there.

    Raises:
        ValueError: there is not one start marker with one end marker after it.
    """
    return pages.fill(text, START, END, body)


def write(result: dict[str, Any], root: Path) -> None:
    """Fill in ``README.md`` and ``docs/figures.md``; writing the same figures again changes nothing.

    Args:
        result: what ``measure`` returned, of all groups.
        root: the repository.

    Raises:
        ValueError: a group is missing, or a document lacks its markers.
    """
    missing = [group for group in GROUPS if group not in result]
    if missing:
        raise ValueError(f"not measured: {', '.join(missing)}")
    filled = {
        path: fill(path.read_text("utf-8"), markdown(result, main_only=main_only))
        for path, main_only in ((root / "README.md", True), (root / "docs" / "figures.md", False))
    }
    for path, text in filled.items():
        path.write_text(text, "utf-8")


def main() -> int:
    """Measure and print, or write what was kept."""
    parser = argparse.ArgumentParser(prog="python -m bench.figures", description=__doc__)
    parser.add_argument("--only", choices=GROUPS, help="measure one group; nothing is kept")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--write", action="store_true", help="write the kept figures into the documents")
    given = parser.parse_args()
    if given.write:
        write(json.loads(KEPT.read_text("utf-8")), ROOT)
        return 0
    result = measure((given.only,) if given.only else GROUPS, Console(stderr=True))
    if given.only is None:
        KEPT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if given.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        show(result, Console())
    return 0


if __name__ == "__main__":
    sys.exit(main())
