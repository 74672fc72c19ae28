"""The command line: ``python -m bench.identification COMMAND`` (``--help`` for each)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.identification import calibrate, growth, harness, negatives, picture, report, run
from bench.identification.conditions import BY_NAME, MORE, STANDARD, Condition
from bench.identification.material import HALVES, Material, gather
from bench.identification.queries import plan
from bench.pages import write_section
from bench.processes import cores
from bench.sound import stretcher

from rightscan.fingerprint import PIPELINE
from rightscan.index.calibration import ACCEPT_LOG10_LR

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path("build/identification")
FIGURES = Path("docs/figures.md")


def main() -> int:
    """Parse and run."""
    given = _parser().parse_args()
    return int(given.command(given))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.identification", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, call: Callable[[argparse.Namespace], int], n: int, words: str, half: str = "report"
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=words)
        one.set_defaults(command=call)
        _add_media(one, half)
        one.add_argument("--n", type=int, default=n, help=f"queries a cell (default {n})")
        return one

    for name, words in (("excerpts", "the 31 standard conditions"), ("more", "the conditions beyond them")):
        one = command(name, _excerpts, 8, words)
        one.set_defaults(what=name)
        one.add_argument("--outside", type=int, help="unregistered excerpts of each kind (default: as --n)")
        one.add_argument("--streams", type=int, help="programmes of each kind (default: as --n)")
        one.add_argument("--conditions", help="only these, with commas between")
        one.add_argument("--duplicates", type=Path, help="file of pairs of recording ids, with a tab between")
    one = command("negatives", _negatives, 60, "hours of programme in which nothing is registered")
    one.add_argument("--hours", type=float, default=10.0)
    one.add_argument("--minutes", type=float, default=10.0, help="length of a programme")
    one = command("growth", _growth, 6, "what a growing catalogue costs")
    one.add_argument("--sizes", default=",".join(map(str, growth.SIZES)))
    command("calibrate", _calibrate, 300, "fit the score on the tuning half", "tuning")
    one = command("harness", _harness, 8, "run an external harness with the adapter")
    one.add_argument("--script", type=Path, required=True)
    one.add_argument("--work", type=Path, default=Path("build/harness"))
    one = commands.add_parser("report", help="print what was kept again, or write it into the documents")
    one.set_defaults(command=_report)
    one.add_argument("kept", type=Path, nargs="+")
    one.add_argument("--write", action="store_true", help=f"into {FIGURES}, with the picture beside it")
    return parser


def _add_media(parser: argparse.ArgumentParser, half: str) -> None:
    folder = os.environ.get("RIGHTSCAN_MEDIA", "")
    for name, below in (("music", "music"), ("noise", "noise"), ("voices", "voices"), ("generated", "ai")):
        default = Path(folder) / below if folder else None
        parser.add_argument(
            f"--{name}", type=_folder, default=default, help=f"default: $RIGHTSCAN_MEDIA/{below}"
        )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--half", choices=HALVES, default=half, help=f"where queries come from (default {half})"
    )
    parser.add_argument("--most", type=int, help="use only so many tracks of music: a quick look")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes (default: one a core)")


def _folder(text: str) -> Path | None:
    """Read a folder; an empty word, as make passes it, is none."""
    return Path(text) if text else None


def _gathered(given: argparse.Namespace, fold: int = 0) -> Material:
    if given.music is None or not given.music.is_dir():
        sys.exit("no folder of music: give --music (MUSIC=dir to make), or set RIGHTSCAN_MEDIA")
    material = gather(
        given.music,
        given.noise,
        given.voices,
        generated=given.generated,
        seed=given.seed,
        half=given.half,
        fold=fold,
        most=given.most,
    )
    for words in material.left_out if fold == 0 else ():
        print(f"left out: {words}", flush=True)
    return material


def _head(given: argparse.Namespace, material: Material, what: str, **more: Any) -> dict[str, Any]:
    return {
        "what": what,
        "measured_on": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "pipeline": PIPELINE,
        "accept_log10_lr": ACCEPT_LOG10_LR,
        "stretcher": stretcher(),
        "seed": given.seed,
        "half": given.half,
        "n": given.n,
        "registered": len(material.registered),
        "held_out": len(material.held_out),
        "context": len(material.context),
        "voices": len(material.voices),
        "noise": len(material.noise),
        **more,
    }


def _catalogue(material: Material, folder: Path, jobs: int) -> run.Catalogue:
    with run.workers(material, (), jobs) as pool:
        items, speed = run.fingerprints(pool, material.catalogue)
    return run.build(items, folder, speed)


def _numbers(c: run.Catalogue) -> dict[str, Any]:
    return {
        "catalogue_recordings": c.recordings,
        "catalogue_hours": round(c.hours, 2),
        "index_mb_per_hour": round(c.bytes / c.hours / 1e6, 2),
        "decode_and_fingerprint_times_real_time": round(c.times_real_time),
    }


def _chosen(given: argparse.Namespace, all_of_them: Sequence[Condition]) -> list[Condition]:
    if not given.conditions:
        return list(all_of_them)
    names = given.conditions.split(",")
    unknown = [n for n in names if n not in BY_NAME]
    if unknown:
        sys.exit(f"no such condition: {', '.join(unknown)}; there are {', '.join(BY_NAME)}")
    return [BY_NAME[n] for n in names]


def _excerpts(given: argparse.Namespace) -> int:
    """Run the standard conditions or the ones beyond, with their programmes."""
    standard = given.what == "excerpts"
    conditions = _chosen(given, STANDARD if standard else MORE)
    material = _gathered(given)
    outside = given.n if given.outside is None else given.outside
    streams = given.n if given.streams is None else given.streams
    kinds = ["inside, clean"] + (["inside, under talk"] if material.voices else [])
    with tempfile.TemporaryDirectory() as folder:
        catalogue = _catalogue(material, Path(folder) / "catalogue", given.jobs)
        with run.workers(material, catalogue.folders, given.jobs) as pool:
            rows = run.excerpts(pool, plan(material, conditions, given.n, outside))
            rows += run.programmes(pool, kinds if standard else ("montage", "thrice"), streams)
        if not standard and streams:
            place = Path(folder) / "copies"
            with run.workers(material, (), given.jobs) as pool:
                copies = run.copies(pool, material, streams, place)
            with run.workers(material, (*catalogue.folders, place), given.jobs) as pool:
                rows += run.programmes(pool, ("registered twice",), streams, copies)
    missing = [c.name for c in conditions if not any(r.condition == c.name and r.registered for r in rows)]
    head = _head(given, material, given.what, **_numbers(catalogue), not_measured=missing)
    head["duplicates"] = _pairs(given.duplicates)
    return _kept(head, {"rows": [r.as_dict() for r in rows]})


def _pairs(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    pairs = [line.split("\t") for line in path.read_text("utf-8").splitlines() if line]
    return {b: a for a, b in pairs}


def _negatives(given: argparse.Namespace) -> int:
    folds = 5 if given.half == "all" else 3
    materials = [_gathered(given, fold) for fold in range(folds)]
    rows, catalogues = negatives.measure(
        materials, hours=given.hours, n=given.n, jobs=given.jobs, minutes=given.minutes
    )
    head = _head(given, materials[0], "negatives", catalogues=[_numbers(c) for c in catalogues])
    return _kept(head, {"rows": [r.as_dict() for r in rows]})


def _growth(given: argparse.Namespace) -> int:
    material = _gathered(given)
    sizes = [int(size) for size in given.sizes.split(",")]
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="growth-", dir=KEPT.resolve()) as folder:
        result = growth.measure(material, sizes, n=given.n, jobs=given.jobs, work=Path(folder) / "index")
    _kept(_head(given, material, "growth"), {"result": result})
    strange = [name for name, m in result["match"].items() if not m["near"]]
    if strange:
        print(f"the synthetic fingerprints are no measure: not near the real ones in {', '.join(strange)}")
    return 1 if strange else 0


def _calibrate(given: argparse.Namespace) -> int:
    material = _gathered(given)
    with tempfile.TemporaryDirectory() as folder:
        catalogue = _catalogue(material, Path(folder) / "catalogue", given.jobs)
        for line in calibrate.lines(
            calibrate.measure(material, *catalogue.folders, n=given.n, jobs=given.jobs)
        ):
            print(line)
    return 0


def _harness(given: argparse.Namespace) -> int:
    if given.music is None:
        sys.exit("no folder of music: give --music (MUSIC=dir to make), or set RIGHTSCAN_MEDIA")
    return harness.measure(
        given.script,
        given.music,
        given.noise,
        given.voices,
        n=given.n,
        seed=given.seed,
        jobs=given.jobs,
        work=given.work,
    )


# ---- what is kept, printed and written ----------------------------------------------------------------------
def _kept(head: dict[str, Any], body: dict[str, Any]) -> int:
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{head['what']}.json"
    path.write_text(json.dumps({"head": head, **body}, ensure_ascii=False) + "\n", "utf-8")
    told = _told(head, body)
    path.with_suffix(".summary.json").write_text(
        json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )
    print("\n".join(_lines(head, told)))
    if head["what"] in ("excerpts", "more"):
        _draw(head, told, path.with_suffix(".png"))
    print(f"kept: {path}, {path.with_suffix('.summary.json')}")
    return 0


def _told(head: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    if head["what"] == "growth":
        return dict(body["result"])
    rows = [run.Row.of(r) for r in body["rows"]]
    if head["what"] == "negatives":
        return negatives.told(rows)
    names = report.order({r.condition for r in rows if r.kind == "excerpt" and r.registered})
    same = head["duplicates"]
    return {**report.excerpts(rows, names, same), "programmes": report.programmes(rows, same)}


def _lines(head: Mapping[str, Any], told: dict[str, Any]) -> list[str]:
    what = head["what"]
    conditions = (
        f"Measured on {head['measured_on']}, seed {head['seed']}, n = {head['n']} a cell, half: {head['half']}; "
        f"{head['registered']} recordings queried, {head['context']} more registered, {head['held_out']} held out; "
        f"pipeline {head['pipeline']}, accepted from log10 LR {head['accept_log10_lr']:g}, "
        f"tempo and pitch by {head['stretcher']}."
    )
    lines = [conditions, ""]
    if what == "growth":
        return lines + growth.tables(told)
    if what == "negatives":
        return lines + negatives.tables(told)
    lines += [
        f"Catalogue: {head['catalogue_recordings']} recordings, {head['catalogue_hours']} h, "
        f"{head['index_mb_per_hour']} MB an hour; decoded and fingerprinted at "
        f"{head['decode_and_fingerprint_times_real_time']} × real time on one core.",
        "",
    ]
    if head["not_measured"]:
        lines += [f"Not measured for lack of material: {', '.join(head['not_measured'])}.", ""]
    return lines + report.excerpt_tables(told) + report.programme_table(told["programmes"])


def _draw(head: Mapping[str, Any], told: Mapping[str, Any], path: Path) -> None:
    title = f"share found at ≤ 1 % false answers; seed {head['seed']}, n = {head['n']} a point"
    try:
        picture.draw(told, title, path)
    except ModuleNotFoundError as error:
        print(f"no picture: {error}; make bench-deps installs it", file=sys.stderr)
    else:
        print(f"picture: {path}")


def _report(given: argparse.Namespace) -> int:
    for path in given.kept:
        body = json.loads(path.read_text("utf-8"))
        head = body.pop("head")
        told = _told(head, body)
        lines = _lines(head, told)
        print("\n".join(lines))
        if given.write:
            _write(head, told, lines)
    return 0


def _write(head: Mapping[str, Any], told: Mapping[str, Any], lines: Sequence[str]) -> None:
    """Put one bench's tables between its markers, and its picture beside the page."""
    what = head["what"]
    page = ROOT / FIGURES
    body = list(lines)
    if what in ("excerpts", "more"):
        name = f"identification-{what}.png"
        _draw(head, told, page.parent / name)
        body = [f"![share found over length]({name})", "", *body]
    write_section(page, f"identification {what}", body)


if __name__ == "__main__":
    sys.exit(main())
