"""From scores to log10 likelihood ratios: a rising line through fixed knots, fitted and checked by leaving out.

The line is the one of least Cllr (N. Brümmer, J. du Preez, 2006) among those that never fall. Every generator
weighs the same, and every source of real sound; one imagined recording of each kind lies beyond the end of the other,
so that no ratio outgrows the number of sources. The check leaves out one generator and one fifth of the
sources at a time: no clip is judged by a line that saw its maker or its source.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bench.seeds import rng_for
from bench.synthesis.measures import Floats, cllr
from bench.synthesis.run import Row
from numpy.typing import NDArray

from rightscan.synthesis import CALIBRATION

FOLDS = 5
_CYCLES, _STILL, _LEAST_BEND = (
    2_000,
    1e-6,
    1e-6,
)  # of Newton's method, one step of the line at a time: the cost is convex
_LN10 = math.log(10)


@dataclass(frozen=True)
class Pool:
    """Scores of one class, and who they come from: float64[n], str[n]."""

    scores: Floats
    groups: NDArray[np.str_]

    @classmethod
    def of(cls, rows: Sequence[Row], group: Callable[[Row], str]) -> Pool:
        """Take the answered rows; ``group`` names what must not be on both sides."""
        told = [(row.score, group(row)) for row in rows if row.score is not None]
        return cls(np.array([s for s, _ in told]), np.array([g for _, g in told], dtype=np.str_))

    def weights(self) -> Floats:
        """Return float64[n], summing to 1, the same for every group."""
        _, index, counts = np.unique(self.groups, return_inverse=True, return_counts=True)
        return 1.0 / (counts[index] * counts.size)

    def where(self, kept: NDArray[np.bool_]) -> Pool:
        """Return a part."""
        return Pool(self.scores[kept], self.groups[kept])

    @property
    def trials(self) -> int:
        """How many groups."""
        return int(np.unique(self.groups).size)


def fitted(fake: Pool, real: Pool, knots: Sequence[float]) -> Floats:
    """Return log10 ratios at the knots, float64[k], rising."""
    at = np.asarray(knots, np.float64)

    def with_imagined(pool: Pool, beyond: float) -> tuple[Floats, Floats]:
        share = 1 / (pool.trials + 1)
        return np.append(pool.scores, beyond), np.append(pool.weights() * (1 - share), share)

    fakes, fake_weights = with_imagined(fake, at[0])
    reals, real_weights = with_imagined(real, at[-1])
    of_fakes, of_reals = _basis(fakes, at), _basis(reals, at)

    steps = np.zeros(at.size)
    for _ in range(_CYCLES):
        before = steps.copy()
        for k in range(at.size):
            low, high = 1 / (1 + np.exp(of_fakes @ steps)), 1 / (1 + np.exp(-(of_reals @ steps)))
            slope = (real_weights * high) @ of_reals[:, k] - (fake_weights * low) @ of_fakes[:, k]
            bend = (fake_weights * low * (1 - low)) @ of_fakes[:, k] ** 2
            bend += (real_weights * high * (1 - high)) @ of_reals[:, k] ** 2
            moved = steps[k] - np.clip(slope / max(bend, _LEAST_BEND), -1, 1)
            steps[k] = moved if k == 0 else max(moved, 0.0)
        if np.abs(steps - before).max() < _STILL:
            break
    rising: Floats = np.cumsum(steps) / _LN10
    return rising


def _basis(scores: Floats, knots: Floats) -> Floats:
    """How much of each step lies under a score: float64[n, k]; the first step is the ratio at the first knot."""
    steps = np.diff(knots)
    parts = np.clip((scores[:, None] - knots[None, :-1]) / steps, 0, 1)
    return np.concatenate([np.ones((scores.size, 1)), parts], axis=1)


def told(rows: Sequence[Row], knots: Sequence[float] = CALIBRATION.scores) -> dict[str, Any]:
    """Return the line and what it is worth on what it has not seen."""
    fake = Pool.of([r for r in rows if r.fake], lambda row: row.made_by)
    real = Pool.of([r for r in rows if not r.fake], lambda row: row.source)
    makers = sorted(set(fake.groups.tolist()))
    sources = np.unique(real.groups)
    rng_for(1, "folds", sources.size).shuffle(sources)
    fold_of = {name: number % FOLDS for number, name in enumerate(sources.tolist())}
    folds = np.array([fold_of[name] for name in real.groups.tolist()])
    of_fakes: dict[str, list[float]] = {maker: [] for maker in makers}
    of_reals: list[float] = []
    lines = []
    for maker in makers:
        for fold in range(FOLDS):
            line = fitted(fake.where(fake.groups != maker), real.where(folds != fold), knots)
            lines.append(line)
            of_fakes[maker] += _read(fake.where(fake.groups == maker).scores, line, knots)
            of_reals += _read(real.where(folds == fold).scores, line, knots)
    shipped = [CALIBRATION.log10_lr(float(s)) for s in real.scores]
    return {
        "fakes": int(fake.scores.size),
        "generators": len(makers),
        "reals": int(real.scores.size),
        "sources": int(sources.size),
        "knots": list(knots),
        "log10_lrs": [round(v, 2) for v in fitted(fake, real, knots).tolist()],
        "low": [round(v, 2) for v in np.min(lines, axis=0).tolist()],
        "high": [round(v, 2) for v in np.max(lines, axis=0).tolist()],
        "cllr_left_out": _mean_cllr(of_reals, of_fakes),
        "cllr_by_maker": {maker: cllr(of_reals, values) for maker, values in of_fakes.items()},
        "cllr_shipped": _mean_cllr(
            shipped,
            {m: [CALIBRATION.log10_lr(float(s)) for s in fake.scores[fake.groups == m]] for m in makers},
        ),
        "misleading": {
            "reals_over_1": sum(v > 1 for v in of_reals) / len(of_reals),
            "fakes_under_minus_1": sum(v < -1 for vs in of_fakes.values() for v in vs)
            / sum(map(len, of_fakes.values())),
        },
    }


def _read(scores: Floats, line: Floats, knots: Sequence[float]) -> list[float]:
    return [float(v) for v in np.interp(scores, knots, line)]


def _mean_cllr(reals: Sequence[float], fakes: dict[str, list[float]]) -> float:
    """Mean over the generators."""
    values = [cllr(reals, values) for values in fakes.values()]
    return float(np.mean([v for v in values if v is not None]))


def table(figures: dict[str, Any]) -> list[str]:
    """Return the lines of a page."""
    misleading = figures["misleading"]
    return [
        f"{figures['fakes']} fakes of {figures['generators']} generators, {figures['reals']} real clips of "
        f"{figures['sources']} sources; every generator and every source weighs the same.",
        "",
        "| score | log10 LR | over the lines that leave out one generator and a fifth of the sources | shipped |",
        "|---|---|---|---|",
        *(
            f"| {knot:g} | {value:.2f} | {low:.2f} to {high:.2f} | {CALIBRATION.log10_lr(knot):.2f} |"
            for knot, value, low, high in zip(
                figures["knots"], figures["log10_lrs"], figures["low"], figures["high"], strict=True
            )
        ),
        "",
        f"- Cllr, mean over generators, each judged by lines that saw neither it nor the source: "
        f"{figures['cllr_left_out']:.3f} (0 perfect, 1 says nothing); the shipped line on the same clips: "
        f"{figures['cllr_shipped']:.3f}.",
        f"- Misleading, left out: {100 * misleading['reals_over_1']:.1f} % of real clips above 1, "
        f"{100 * misleading['fakes_under_minus_1']:.1f} % of fakes under -1.",
        "- By generator: "
        + ", ".join(f"{maker} {value:.2f}" for maker, value in sorted(figures["cllr_by_maker"].items()))
        + ".",
        "",
    ]
