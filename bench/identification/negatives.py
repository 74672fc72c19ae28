"""False answers: hours of programme and excerpts of sound that is in no catalogue, deep search on.

Every fold of the half is held out in turn against a catalogue without it, so that all of its music is once
unregistered. A programme has gone through one of eight changes; nearly half of the music is synthesised, from seeds
used once. Bounds are exact and hold for sound of this kind; one programme's minutes are not independent of each other.
"""

from __future__ import annotations

import math
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench.arithmetic import clopper_pearson, poisson_upper
from bench.identification import run, streams
from bench.identification.conditions import DURATIONS, LONGEST_S, N, query_level
from bench.identification.material import Material
from bench.identification.run import Row
from bench.pages import false_words, number
from bench.processes import spread
from bench.seeds import rng_for
from bench.sound import RATE, Sound, fitted, levelled, mixed, mono
from bench.synth import render

KINDS = ("music", "synthesised music", "voices", "noise", "machine-made")
_SYNTHESISED = 60_000_000


@dataclass(frozen=True)
class _Task:
    kind: str  # "programme" or one of KINDS
    k: int
    seconds: float


def _source(kind: str, k: int, n: int) -> Sound | None:
    library = run.Here.library
    material = library.material
    rng = rng_for(material.seed, "negative", kind, k)
    pools = {"voices": material.voices, "noise": material.noise, "machine-made": material.generated}
    if kind == "music":
        track = material.held_out[int(rng.integers(len(material.held_out)))]
        seconds = n / RATE
        return mono(library.cut(track, library.start(track, seconds, rng), seconds))
    if kind == "synthesised music":
        # From twenty seconds into a piece on: many begin with one instrument alone.
        return mono(render(_SYNTHESISED + 100_000 * material.seed + k, 20 + n / RATE))[20 * RATE :]
    return library.drawn(pools[kind], n, rng) if pools[kind] else None


def _ask(task: _Task) -> list[Row]:
    library = run.Here.library
    if task.kind == "programme":
        x, change = streams.unregistered(library, task.k, task.seconds)
        answers, spent = run.ask(x)
        return [Row("programme", change, x.size / RATE, task.k, False, [], answers, spent)]
    # Longer than the query, since the fastest change shortens it.
    x = _source(task.kind, task.k, round(1.3 * N))
    if x is None:
        return []
    names = list(streams.CHANGES)
    name = names[task.k % len(names)]
    y = fitted(streams.CHANGES[name](x), N)
    rng = rng_for(library.material.seed, "negative noise", task.kind, task.k)
    if task.kind in ("music", "synthesised music") and task.k % 3 == 2 and library.material.voices:
        y, name = mixed(levelled(y), library.bed(N, rng), 0), name + ", room noise 0 dB"
    rows = []
    for seconds in DURATIONS:
        part = y[: seconds * RATE]
        answers, spent = run.ask(part * np.float32(query_level(y)))
        rows.append(Row(task.kind, name, seconds, task.k, False, [], answers, spent))
    return rows


def measure(
    materials: Sequence[Material], *, hours: float, n: int, jobs: int, minutes: float = 10.0
) -> tuple[list[Row], list[run.Catalogue]]:
    """Ask for programmes and excerpts.

    Args:
        materials: one per fold.
        hours: of programme, all folds together.
        n: excerpts of each kind, all folds together.
        jobs: processes.
        minutes: length of a programme.
    """
    rows: list[Row] = []
    catalogues: list[run.Catalogue] = []
    folds = len(materials)
    # Three in a hundred more, since the changes of speed leave some programmes shorter.
    count = math.ceil(1.03 * 60 * hours / minutes)
    for fold, material in enumerate(materials):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder) / "catalogue"
            with run.workers(material, (), jobs) as pool:
                catalogues.append(run.build(*_items(pool, material, place)))
            tasks = [_Task("programme", k, 60 * minutes) for k in range(fold, count, folds)]
            tasks += [_Task(kind, k, LONGEST_S) for kind in KINDS for k in range(fold, n, folds)]
            with run.workers(material, (place,), jobs) as pool:
                for found in spread(pool, _ask, tasks, f"fold {fold + 1} of {folds}"):
                    rows += found
    return rows, catalogues


def _items(pool: Any, material: Material, place: Path) -> tuple[Any, Path, float]:
    items, speed = run.fingerprints(pool, material.catalogue)
    return items, place, speed


def told(rows: Sequence[Row]) -> dict[str, Any]:
    """Sum up: false segments an hour with the upper bound, by change too; false answers by kind and length."""
    by_change: dict[str, list[Row]] = defaultdict(list)
    for r in rows:
        if r.kind == "programme":
            by_change[r.condition].append(r)
    lengths = sorted({r.seconds for r in rows if r.kind != "programme"})
    excerpts = {
        kind: {s: _cell([r for r in rows if r.kind in names and r.seconds == s]) for s in lengths}
        for kind, names in (*((k, (k,)) for k in KINDS), ("all", KINDS))
        if any(r.kind in names for r in rows)
    }
    return {
        "programmes": _rate([r for group in by_change.values() for r in group]),
        "by_change": {change: _rate(group) for change, group in by_change.items()},
        "excerpts": excerpts,
        "told": [
            {"kind": r.kind, "change": r.condition, "seconds": r.seconds, "k": r.k, **_best(r)}
            for r in rows
            if r.answers
        ],
    }


def _best(row: Row) -> dict[str, Any]:
    a = row.answers[0]
    return {
        "recording": a.recording,
        "at": round(a.start, 1),
        "until": round(a.end, 1),
        "score": round(a.score, 2),
    }


def _rate(rows: Sequence[Row]) -> dict[str, Any]:
    hours = sum(r.seconds for r in rows) / 3600
    false = sum(len(r.answers) for r in rows)
    return {
        "programmes": len(rows),
        "hours": hours,
        "false": false,
        "an_hour": false / hours if hours else None,
        "an_hour_upper": poisson_upper(false) / hours if hours else None,
        "cpu_s_per_hour": sum(r.cpu_s for r in rows) / hours if hours else None,
    }


def _cell(rows: Sequence[Row]) -> dict[str, Any]:
    k, n = sum(bool(r.answers) for r in rows), len(rows)
    low, high = clopper_pearson(k, n)
    return {"n": n, "k": k, "share": k / n if n else None, "low": low, "high": high}


def tables(result: dict[str, Any]) -> list[str]:
    """Write the figures as Markdown."""
    lines = [
        "| programmes of nothing registered | n | hours | false segments | an hour (upper 95 %) | CPU-s an hour |",
        "|---|---|---|---|---|---|",
    ]
    for name, r in (*result["by_change"].items(), ("**all**", result["programmes"])):
        lines.append(
            f"| {name} | {r['programmes']} | {r['hours']:.2f} | {r['false']} | {number(r['an_hour'])}"
            f" ({number(r['an_hour_upper'])}) | {number(r['cpu_s_per_hour'], '.0f')} |"
        )
    for kind, cells in result["excerpts"].items():
        if kind == next(iter(result["excerpts"])):
            lines += [
                "",
                "| excerpts answered (95 %) | " + " | ".join(f"{s:g} s" for s in cells) + " |",
                "|---|" + "---|" * len(cells),
            ]
        lines.append(f"| {kind} | " + " | ".join(false_words(c) for c in cells.values()) + " |")
    return [*lines, ""]
