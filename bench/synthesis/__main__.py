"""The command line: ``python -m bench.synthesis COMMAND`` (``--help`` for each)."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from bench.pages import write_section
from bench.processes import cores
from bench.sound import files, stretcher
from bench.synthesis import calibrating, cost, decoder_made, long_made, picture, real_kinds, report
from bench.synthesis.changes import BY_NAME, CLEAN
from bench.synthesis.engine import OWN
from bench.synthesis.material import Found, Item, at_most, by_people, generators, sources_from
from bench.synthesis.measures import DRAWS
from bench.synthesis.run import Row, asked

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path("build/synthesis")
FIGURES = Path("docs/figures.md")
_LONGEST_S = 120.0
_SETS = ("music", "voices", "noise")


def main(words: Sequence[str] | None = None) -> int:
    """Parse and run."""
    given = _parser().parse_args(words)
    return int(given.command(given))


# ---- options --------------------------------------------------------------------------------------------------
def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.synthesis", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str, call: Callable[[argparse.Namespace], int], words: str, *, seconds: float, most: int | None
    ) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=words)
        one.set_defaults(command=call, what=name)
        _add_media(one, seconds, most)
        _add_engine(one)
        return one

    one = command("run", _run, "every file of every folder, unchanged", seconds=60, most=None)
    one.add_argument(
        "--controls",
        type=_conditions,
        default=[],
        help="what people made also under these, with commas between",
    )
    one = command("robust", _robust, "what codecs, noise, speed and length cost", seconds=60, most=12)
    one.add_argument("--conditions", type=_conditions, help="only these, with commas between")
    one.add_argument("--long", type=float, help="join short clips to cases of so many seconds first")
    one = command("long", _long, "short clips joined to long cases (made here)", seconds=30, most=None)
    one.add_argument("--cases", type=int, default=12, help="of a generator (default 12)")
    one = command(
        "kinds",
        _kinds,
        "what people made that looks like a machine's (most of it made here)",
        seconds=60,
        most=None,
    )
    one.add_argument("--n", type=int, default=5, help="pieces of a kind (default 5)")
    one.add_argument("--conditions", type=_conditions, help="also under these, with commas between")
    one = command(
        "decoders", _decoders, "weak lines of untrained decoders (made here)", seconds=30, most=None
    )
    one.add_argument("--n", type=int, default=8, help="pieces of music (default 8)")
    one.add_argument("--levels", type=_levels, default=decoder_made.LEVELS_DB, help="dB, with commas between")
    one.add_argument(
        "--music", type=_folder, help="real music to add the lines to; default: synthesised here"
    )
    one = commands.add_parser("cost", help="processor time and memory")
    one.set_defaults(command=_cost, what="cost")
    _add_engine(one)
    one = commands.add_parser("calibrate", help="fit log10 likelihood ratios to kept answers, and check them")
    one.set_defaults(command=_calibrate, what="calibrate", name="calibrate")
    one.add_argument("kept", type=Path, nargs="+")
    one.add_argument("--skip", type=_words, default=[], help="patterns of generators to leave out")
    one.add_argument("--write", action="store_true", help=f"into {FIGURES}")
    one = commands.add_parser("report", help="print what was kept again, or write it into the documents")
    one.set_defaults(command=_report)
    one.add_argument("kept", type=Path, nargs="+")
    one.add_argument("--write", action="store_true", help=f"into {FIGURES}, with the picture beside it")
    return parser


def _add_media(parser: argparse.ArgumentParser, seconds: float, most: int | None) -> None:
    media = _folder(os.environ.get("RIGHTSCAN_MEDIA", ""))
    parser.add_argument(
        "roots", type=Path, nargs="*", help="folders of GENERATOR/{real,fake}; default: $RIGHTSCAN_MEDIA/ai"
    )
    parser.add_argument(
        "--real",
        type=_named,
        nargs="*",
        default=None,
        metavar="NAME=DIR",
        help="more of what people made; default: music, voices and noise of $RIGHTSCAN_MEDIA",
    )
    parser.set_defaults(media=media)
    parser.add_argument("--only", type=_words, default=[], help="patterns of generators, with commas between")
    parser.add_argument("--skip", type=_words, default=[], help="patterns of generators to leave out")
    parser.add_argument("--most", type=int, default=most, help="items of a generator or a set")
    parser.add_argument(
        "--seconds", type=float, default=seconds, help=f"of every sound (default {seconds:g})"
    )
    parser.add_argument(
        "--pieces", type=int, default=1, help="stretches of a long file of --real (default 1)"
    )
    parser.add_argument("--sources", type=Path, help="CSV: path, source (the track or person)")
    parser.add_argument(
        "--group",
        type=report.group_of,
        action="append",
        default=[],
        metavar="NAME=PATTERN,…[:REAL,…]",
        help="generators to sum up, and the real sets they stand against",
    )
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"of the intervals (default {DRAWS})")
    parser.add_argument("--backing", type=_folder, help="recordings for the condition that needs one")


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--engine", default=OWN, help=f"module:attribute (default {OWN})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=cores(), help="processes (default: one a core)")
    parser.add_argument("--name", help="of the file of results (default: the command)")


def _folder(text: str) -> Path | None:
    """Read a folder; an empty word, as make passes it, is none."""
    return Path(text) if text else None


def _named(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not equals or not Path(folder).is_dir():
        raise argparse.ArgumentTypeError(f"{text}: needs NAME=DIR of a folder that is there")
    return name, Path(folder)


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _levels(text: str) -> list[float]:
    return [float(word) for word in _words(text)]


def _conditions(text: str) -> list[str]:
    names = _words(text)
    unknown = [name for name in names if name not in BY_NAME]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"no such condition: {', '.join(unknown)}; there are {', '.join(BY_NAME)}"
        )
    return names


# ---- material ---------------------------------------------------------------------------------------------------
def _reals(given: argparse.Namespace) -> list[tuple[str, Path]]:
    if given.real is not None:
        return list(given.real)
    if given.media is None:
        return []
    return [(name, given.media / name) for name in _SETS if (given.media / name).is_dir()]


def _gathered(given: argparse.Namespace, seconds: float | None, *, fakes: bool = True) -> Found:
    listed = sources_from(given.sources)
    found = Found(())
    if fakes:
        roots = given.roots or ([given.media / "ai"] if given.media else [])
        if not roots:
            sys.exit("no folder of generators: give one (FAKES=dir to make), or set RIGHTSCAN_MEDIA")
        for root in roots:
            found += generators(root, seconds=seconds, listed=listed, only=given.only, skip=given.skip)
    for name, root in _reals(given):
        found += by_people(name, root, seconds=seconds, pieces=given.pieces, listed=listed)
    for words in found.left_out:
        print(f"left out: {words}", flush=True)
    return found


def _backing(given: argparse.Namespace) -> list[Path]:
    if given.backing is not None:
        return files(given.backing)
    return [path for name, root in _reals(given) if name == "music" for path in files(root)]


# ---- commands -----------------------------------------------------------------------------------------------------
def _measured(
    given: argparse.Namespace,
    items: Sequence[Item],
    conditions: Sequence[str] = (CLEAN.name,),
    seconds: float | None = None,
    controls: Sequence[str] = (),
    **more: Any,
) -> int:
    if not items:
        sys.exit("nothing to ask about")

    def rows_of(items: Sequence[Item], conditions: Sequence[str]) -> list[Row]:
        needs = any(BY_NAME[name].backing for name in conditions)
        return asked(
            items,
            conditions,
            engine=given.engine,
            seconds=seconds,
            backing=_backing(given) if needs else (),
            seed=given.seed,
            jobs=given.jobs,
        )

    rows = rows_of(items, conditions)
    if controls:
        rows += rows_of([item for item in items if not item.fake], controls)
    head = _head(given) | {
        "seconds": given.seconds,
        "groups": dict(given.group),
        "draws": given.draws,
        **more,
    }
    return _kept(head, {"rows": [r.as_dict() for r in rows]})


def _run(given: argparse.Namespace) -> int:
    """Ask about every file, unchanged; about what people made also under the controls."""
    items = at_most(_gathered(given, given.seconds).items, given.most, given.seed)
    return _measured(given, items, controls=given.controls)


def _robust(given: argparse.Namespace) -> int:
    """Ask about some files under every condition."""
    items: Sequence[Item] = _gathered(given, _LONGEST_S).items
    if given.long:
        made = long_made.long_cases(items, given.long, given.most or 12).items
        items = [*made, *(i for i in items if i.seconds >= given.long)]
    items = at_most(items, given.most, given.seed)
    names = given.conditions or [name for name, c in BY_NAME.items() if not c.backing]
    if CLEAN.name not in names:
        names = [CLEAN.name, *names]
    return _measured(given, items, names, given.seconds, joined_to_s=given.long)


def _long(given: argparse.Namespace) -> int:
    """Ask about short clips joined to long cases, and about files that are long by themselves."""
    found = _gathered(given, given.seconds).items
    made = long_made.long_cases(found, given.seconds, given.cases).items
    whole = [item for item in found if item.seconds >= given.seconds]
    return _measured(given, at_most([*made, *whole], given.most, given.seed))


def _kinds(given: argparse.Namespace) -> int:
    """Ask about what people made: kinds made here, and the real sets beside them."""
    made = real_kinds.kinds(given.n, given.seconds, given.seed).items
    found = at_most(_gathered(given, given.seconds, fakes=False).items, given.most, given.seed)
    names = list(dict.fromkeys([CLEAN.name, *(given.conditions or ())]))
    return _measured(given, [*made, *found], names)


def _decoders(given: argparse.Namespace) -> int:
    """Ask about music with the lines of untrained decoders, and about the same music without."""
    if given.music is None:
        music = decoder_made.own_music(given.n, given.seconds)
    else:
        found = by_people("music", given.music, seconds=given.seconds).items
        music = at_most([i for i in found if i.seconds >= given.seconds], given.n, given.seed)
    made = decoder_made.cases(music, list(given.levels)).items
    return _measured(given, made, music="synthesised here" if given.music is None else "real")


def _cost(given: argparse.Namespace) -> int:
    """Measure processor time and memory."""
    KEPT.mkdir(parents=True, exist_ok=True)
    return _kept(_head(given), {"result": cost.measure(given.engine, KEPT.resolve())})


def _calibrate(given: argparse.Namespace) -> int:
    """Fit the line from scores to ratios on kept answers."""
    rows = [Row.of(r) for path in given.kept for r in json.loads(path.read_text("utf-8"))["rows"]]
    asked_about = [
        row
        for row in rows
        if row.condition == CLEAN.name
        and row.score is not None
        and not any(fnmatch(row.made_by, pattern) for pattern in given.skip)
    ]
    words = " ".join(
        ["calibrate", *map(str, given.kept)] + (["--skip", ",".join(given.skip)] if given.skip else [])
    )
    lines = [f"`python -m bench.synthesis {words}`:", "", *calibrating.table(calibrating.told(asked_about))]
    print("\n".join(lines))
    if given.write:
        write_section(ROOT / FIGURES, "synthesis calibrate", lines)
    return 0


def _head(given: argparse.Namespace) -> dict[str, Any]:
    return {
        "what": given.what,
        "name": given.name or given.what,
        "measured_on": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "engine": given.engine,
        "stretcher": stretcher(),
        "seed": given.seed,
    }


# ---- what is kept, printed and written -----------------------------------------------------------------------------
def _kept(head: dict[str, Any], body: dict[str, Any]) -> int:
    KEPT.mkdir(parents=True, exist_ok=True)
    path = KEPT / f"{head['name']}.json"
    path.write_text(json.dumps({"head": head, **body}, ensure_ascii=False) + "\n", "utf-8")
    told = _told(head, body)
    summary = path.with_suffix(".summary.json")
    summary.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print("\n".join(_lines(head, told)))
    _draw(head, body, path.with_suffix(".png"))
    print(f"kept: {path}, {summary}")
    return 0


def _told(head: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    if head["what"] == "cost":
        return dict(body["result"])
    rows = [Row.of(r) for r in body["rows"]]
    draws = head["draws"]
    told: dict[str, Any] = {"clean": report.clean(rows, head["groups"], draws)}
    if head["what"] == "robust":
        told["robust"] = report.robust(rows, draws)
    if head["what"] == "run" and any(r.condition != CLEAN.name for r in rows):
        told["controls"] = report.controls(rows, head["groups"], draws)
    if head["what"] == "decoders":
        told["levels"] = report.levels(rows, draws)
    if head["what"] == "kinds":
        told["conditions"] = {
            name: report.sites([r for r in rows if r.condition == name])
            for name in dict.fromkeys(r.condition for r in rows)
            if name != CLEAN.name
        }
    return told


def _lines(head: Mapping[str, Any], told: Mapping[str, Any]) -> list[str]:
    lines = [
        f"Measured on {head['measured_on']}, engine {head['engine']}, seed {head['seed']}: "
        f"`python -m bench.synthesis {head['what']}`"
        + (f", {head['seconds']:g} s of each sound at most" if "seconds" in head else "")
        + ".",
        "",
    ]
    if head["what"] == "cost":
        return lines + report.cost_table(told)
    lines += [_MADE_HERE[head["what"]], ""] if head["what"] in _MADE_HERE else []
    if "levels" in told:
        lines += report.level_table(told["levels"])
    if "robust" in told:
        lines += report.robust_table(told["robust"])
        return lines + [f"Failed: {e} ({n})" for e, n in told["clean"]["errors"].items()]
    lines += report.clean_tables(told["clean"])
    if "controls" in told:
        lines += report.control_table(told["controls"])
    for name, sites in told.get("conditions", {}).items():
        lines += [f"Under {name}:", "", *report.site_table(sites)]
    return lines


_MADE_HERE = {
    "long": 'Made here: what is called long-made-here is short clips joined ("looped" where they come round again), '
    "not songs that a generator made.",
    "kinds": "Made here: what is called kinds-made-here is synthesised by this project, not recorded.",
    "decoders": "Made here: the lines of decoders with published strides and no training, added to music at a chosen "
    "level; no output of a generator.",
}


def _draw(head: Mapping[str, Any], body: Mapping[str, Any], path: Path) -> bool:
    if head["what"] == "cost":
        return False
    rows = [Row.of(r) for r in body["rows"]]
    try:
        picture.draw(rows, f"{head['name']}: scores by generator and site, seed {head['seed']}", path)
    except ModuleNotFoundError as error:
        print(f"no picture: {error}; make bench-deps installs it", file=sys.stderr)
        return False
    print(f"picture: {path}")
    return True


def _report(given: argparse.Namespace) -> int:
    """Print what was kept, or write it into the documents."""
    for path in given.kept:
        body = json.loads(path.read_text("utf-8"))
        head = body.pop("head")
        lines = _lines(head, _told(head, body))
        print("\n".join(lines))
        if given.write:
            _write(head, body, lines)
    return 0


def _write(head: Mapping[str, Any], body: Mapping[str, Any], lines: Sequence[str]) -> None:
    page = ROOT / FIGURES
    name = f"synthesis-{head['name']}.png"
    words = list(lines)
    if head["what"] == "run" and _draw(head, body, page.parent / name):
        words = [f"![scores by generator and site]({name})", "", *words]
    write_section(page, f"synthesis {head['name']}", words)


if __name__ == "__main__":
    sys.exit(main())
