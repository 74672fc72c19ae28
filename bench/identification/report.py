"""From rows to figures: cells with intervals, thresholds, offsets, borders; as a dictionary and as Markdown."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from bench.arithmetic import (
    clopper_pearson,
    iou,
    overlap,
    poisson_upper,
    quantile,
    threshold_at,
    wilson,
)
from bench.identification.conditions import BY_NAME, MASHUP
from bench.identification.queries import Appearance
from bench.identification.run import Answer, Row
from bench.pages import false_words, number, percent

OFFSET_S = BORDER_S = 0.5
Same = Mapping[str, str]
"""From a recording id to that of an equal recording, for catalogues that hold one twice."""


def _one(name: str, same: Same) -> str:
    return same.get(name, name)


def right(answer: Answer, truth: Sequence[Appearance], same: Same) -> Appearance | None:
    """Return the appearance an answer names (the one it overlaps most), or None."""
    named = [a for a in truth if _one(a.recording, same) == _one(answer.recording, same)]
    span = (answer.start, answer.end)
    return max(named, key=lambda a: overlap(span, (a.start, a.end)), default=None)


def offset_error(answer: Answer, there: Appearance) -> float:
    """Return how far off the recording's position is at the beginning of an appearance, s."""
    return abs(answer.reference_at(there.start) - there.reference)


def _share(k: int, n: int) -> dict[str, Any]:
    low, high = wilson(k, n)
    return {"n": n, "k": k, "share": k / n if n else None, "low": low, "high": high}


def _false_share(k: int, n: int) -> dict[str, Any]:
    low, high = clopper_pearson(k, n)
    return {"n": n, "k": k, "share": k / n if n else None, "low": low, "high": high}


# ---- excerpts ---------------------------------------------------------------------------------------------
def thresholds(rows: Iterable[Row]) -> dict[float, float]:
    """Return by length the score that at most 1 % of the unregistered excerpts exceed."""
    scores: dict[float, list[float]] = defaultdict(list)
    for row in rows:
        if not row.registered:
            scores[row.seconds].append(row.answers[0].score if row.answers else -math.inf)
    return {seconds: threshold_at(s) for seconds, s in scores.items()}


def cell(rows: Sequence[Row], threshold: float, same: Same) -> dict[str, Any]:
    """Sum up the excerpts of one condition and length.

    ``shipped``: the strongest answer is right, at the engine's own threshold; ``at_1_percent``: and its score is
    above the threshold of this run's negatives; ``placed``: of the right ones, those within 0.5 s; ``wrong``: the
    strongest answer is another recording; ``also``: another recording is told beside the right one.
    """
    found = above = placed = wrong = also = both = 0
    errors: list[float] = []
    for row in rows:
        hits = [(a, right(a, row.truth, same)) for a in row.answers]
        also += any(t is None for _, t in hits) and any(t is not None for _, t in hits)
        named = {_one(t.recording, same) for _, t in hits if t is not None}
        both += named == {_one(t.recording, same) for t in row.truth}
        if not hits:
            continue
        best, there = hits[0]
        if there is None:
            wrong += 1
            continue
        error = offset_error(best, there)
        found += 1
        above += best.score > threshold
        placed += error <= OFFSET_S
        errors.append(error)
    return {
        "shipped": _share(found, len(rows)),
        "at_1_percent": _share(above, len(rows)),
        "placed": _share(placed, found),
        "offset_error_median_s": quantile(errors, 0.5),
        "wrong": wrong,
        "also": also,
        "all_recordings": _share(both, len(rows)),
        "cpu_s": fmean(r.cpu_s for r in rows) if rows else None,
    }


def excerpts(rows: Sequence[Row], names: Sequence[str], same: Same) -> dict[str, Any]:
    """Return cells by condition and length, the means over the conditions, and the false answers."""
    asked = [r for r in rows if r.kind == "excerpt"]
    limits = thresholds(asked)
    lengths = sorted({r.seconds for r in asked})
    by: dict[tuple[str, float, bool], list[Row]] = defaultdict(list)
    for r in asked:
        by[r.condition, r.seconds, r.registered].append(r)
    cells = {
        name: {s: cell(by[name, s, True], limits.get(s, -math.inf), same) for s in lengths}
        for name in names
        if any(by[name, s, True] for s in lengths)
    }
    means = {
        s: {
            which: fmean(c[s][which]["share"] for c in cells.values() if c[s][which]["n"])
            for which in ("shipped", "at_1_percent")
        }
        for s in lengths
        if cells
    }
    false = {
        condition: {
            s: _false_share(
                sum(bool(r.answers) for r in by[condition, s, False]), len(by[condition, s, False])
            )
            for s in lengths
        }
        for condition in sorted({c for c, _, registered in by if not registered})
    }
    pooled = {
        s: _false_share(sum(bool(r.answers) for r in group), len(group))
        for s in lengths
        if (group := [r for r in asked if not r.registered and r.seconds == s])
    }
    placed = {
        s: (
            sum(c[s]["placed"]["k"] for c in cells.values()),
            sum(c[s]["placed"]["n"] for c in cells.values()),
        )
        for s in lengths
    }
    return {
        "lengths": lengths,
        "thresholds": {s: None if t == -math.inf else t for s, t in limits.items()},
        "cells": cells,
        "means": means,
        "placed": {s: _share(*v) for s, v in placed.items()},
        "both_of_mashup": {s: c["all_recordings"] for s, c in cells.get(MASHUP.name, {}).items()},
        "false": false,
        "false_pooled": pooled,
        "wrongly_told": wrongly_told(asked, same),
    }


def wrongly_told(rows: Iterable[Row], same: Same) -> list[dict[str, Any]]:
    """List what was told and does not sound, the surest first: errors, or recordings that share samples."""
    told = [
        {
            "condition": r.condition,
            "seconds": r.seconds,
            "k": r.k,
            "told": a.recording,
            "score": round(a.score, 2),
            "sounds": [t.recording for t in r.truth],
        }
        for r in rows
        for a in r.answers
        if right(a, r.truth, same) is None
    ]
    return sorted(told, key=lambda t: -t["score"])[:40]


# ---- programmes -------------------------------------------------------------------------------------------
def programme(rows: Sequence[Row], same: Same) -> dict[str, Any]:
    """Sum up the programmes of one kind, appearance by appearance.

    An appearance is found where a segment of its recording overlaps it; the segment with the largest intersection
    over union counts, each for one appearance. A segment that overlaps no appearance of its recording is false.
    """
    found = within = placed = false = whole = total = 0
    overlaps: list[float] = []
    starts: list[float] = []
    ends: list[float] = []
    for row in rows:
        used: set[int] = set()
        before = found
        for there in row.truth:
            span = (there.start, there.end)
            best = max(
                (
                    (iou((a.start, a.end), span), -i)
                    for i, a in enumerate(row.answers)
                    if i not in used and _one(a.recording, same) == _one(there.recording, same)
                ),
                default=(0.0, 0),
            )
            total += 1
            overlaps.append(best[0])
            if best[0] <= 0:
                continue
            used.add(-best[1])
            a = row.answers[-best[1]]
            found += 1
            starts.append(abs(a.start - there.start))
            ends.append(abs(a.end - there.end))
            within += max(starts[-1], ends[-1]) <= BORDER_S
            placed += offset_error(a, there) <= OFFSET_S
        whole += found - before == len(row.truth)
        false += sum(
            not any(
                _one(t.recording, same) == _one(a.recording, same)
                and overlap((a.start, a.end), (t.start, t.end)) > 0
                for t in row.truth
            )
            for a in row.answers
        )
    hours = sum(r.seconds for r in rows) / 3600
    return {
        "programmes": len(rows),
        "hours": hours,
        "found": _share(found, total),
        "all_found": _share(whole, len(rows)),
        "segments_told": sum(len(r.answers) for r in rows),
        "iou_mean": fmean(overlaps) if overlaps else None,
        "iou_50": _share(sum(v >= 0.5 for v in overlaps), total),
        "start_error_median_s": quantile(starts, 0.5),
        "end_error_median_s": quantile(ends, 0.5),
        "border_error_90_s": quantile([max(b) for b in zip(starts, ends, strict=True)], 0.9),
        "both_borders": _share(within, found),
        "placed": _share(placed, found),
        "false": false,
        "false_per_hour": false / hours if hours else None,
        "false_per_hour_upper": poisson_upper(false) / hours if hours else None,
        "cpu_s_per_hour": sum(r.cpu_s for r in rows) / hours if hours else None,
    }


def programmes(rows: Sequence[Row], same: Same) -> dict[str, Any]:
    """Return the figures of every kind of programme."""
    kinds = list(dict.fromkeys(r.condition for r in rows if r.kind == "stream"))
    return {
        kind: programme([r for r in rows if r.kind == "stream" and r.condition == kind], same)
        for kind in kinds
    }


# ---- words ------------------------------------------------------------------------------------------------
def _two(c: Mapping[str, Any]) -> str:
    a, b = c["shipped"], c["at_1_percent"]
    if not a["n"]:
        return "–"
    return f"{100 * a['share']:.0f} / {100 * b['share']:.0f} ({100 * a['low']:.0f} to {100 * a['high']:.0f})"


def excerpt_tables(told: Mapping[str, Any]) -> list[str]:
    """Write recall by length, what the longest excerpts tell beside it, and the false answers."""
    lengths = list(reversed(told["lengths"]))
    limits = ", ".join(f"{s:g} s {number(told['thresholds'].get(s))}" for s in lengths)
    lines = [
        "Share found, %, at the shipped threshold / at the one that at most 1 % of this run's unregistered excerpts "
        f"exceed (log10 LR; – where none was answered: {limits}), with the 95 % interval of the former.",
        "",
        "| condition | n | " + " | ".join(f"{s:g} s" for s in lengths) + " |",
        "|---|---|" + "---|" * len(lengths),
    ]
    for name, cells in told["cells"].items():
        both = " | ".join(_two(cells[s]) for s in lengths)
        lines.append(f"| {name} | {cells[lengths[0]]['shipped']['n']} | {both} |")
    if told["means"]:
        means = (told["means"][s] for s in lengths)
        words = " | ".join(f"**{100 * m['shipped']:.1f} / {100 * m['at_1_percent']:.1f}**" for m in means)
        lines.append(f"| **mean of {len(told['cells'])}** | | {words} |")
        lines.append(
            "| of them within 0.5 s | | " + " | ".join(percent(told["placed"][s]) for s in lengths) + " |"
        )
    if told["both_of_mashup"]:
        both = " | ".join(percent(told["both_of_mashup"][s]) for s in lengths)
        lines.append(f"| both of a mash-up | | {both} |")
    s = lengths[0]
    lines += [
        "",
        f"| {s:g} s | offset error, median s | within 0.5 s | another told instead | another told beside | CPU-ms |",
        "|---|---|---|---|---|---|",
    ]
    for name, cells in told["cells"].items():
        c = cells[s]
        lines.append(
            f"| {name} | {number(c['offset_error_median_s'], '.3f')} | {c['placed']['k']}/{c['placed']['n']} |"
            f" {c['wrong']} | {c['also']} | {1000 * c['cpu_s']:.0f} |"
        )
    lines.append("")
    if told["false_pooled"]:
        lengths = told["lengths"]
        lines += [
            "Unregistered excerpts answered, at the shipped threshold (Clopper-Pearson 95 %):",
            "",
            "| | " + " | ".join(f"{s:g} s" for s in lengths) + " |",
            "|---|" + "---|" * len(lengths),
        ]
        for condition, cells in (*told["false"].items(), ("**all**", told["false_pooled"])):
            lines.append(f"| {condition} | " + " | ".join(false_words(cells[s]) for s in lengths) + " |")
        lines.append("")
    return lines


def programme_table(told: Mapping[str, Any]) -> list[str]:
    """Write the table of the programmes."""
    if not told:
        return []
    lines = [
        "| programmes | n | found % (95 %) | all found | mean IoU | both borders ≤ 0.5 s | start, end error, median s |"
        " false (upper 95 %) an hour | CPU-s an hour |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for kind, p in told.items():
        lines.append(
            f"| {kind} | {p['programmes']} | {percent(p['found'])} | {p['all_found']['k']}/{p['all_found']['n']} |"
            f" {number(p['iou_mean'])} | {percent(p['both_borders'])} |"
            f" {number(p['start_error_median_s'])}, {number(p['end_error_median_s'])} |"
            f" {number(p['false_per_hour'], '.1f')} ({number(p['false_per_hour_upper'], '.1f')}) |"
            f" {number(p['cpu_s_per_hour'], '.0f')} |"
        )
    return [*lines, ""]


def order(names: Iterable[str]) -> list[str]:
    """Put conditions in the order of their definition."""
    place = {name: i for i, name in enumerate(BY_NAME)}
    return sorted(names, key=lambda n: place.get(n, len(place)))
