"""How far two sets of scores lie apart, with intervals that know which clips belong together.

Clips of one track or one person are not independent of each other. Intervals therefore draw whole sources with
replacement (one draw for both classes: a fake and the recording it was made from come or go together); those of a
share are widened to the exact interval over as many trials as there are sources, since no draw from clips that were all
found can show a miss. With N negatives no rate below 1/N is stated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bench.arithmetic import clopper_pearson
from bench.seeds import rng_for
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 1000
_MISS = 0.05


@dataclass(frozen=True)
class Scored:
    """Scores of one class.

    Attributes:
        scores: float64[n]; minus infinity where the engine had none.
        sources: str[n], the track or person of each.
    """

    scores: Floats
    sources: NDArray[np.str_]

    @classmethod
    def of(cls, scores: Sequence[float | None], sources: Sequence[str]) -> Scored:
        """Make it of lists."""
        return cls(
            np.array([-np.inf if s is None else s for s in scores], np.float64),
            np.array(sources, dtype=np.str_),
        )

    @property
    def n(self) -> int:
        """How many clips."""
        return int(self.scores.size)

    @property
    def groups(self) -> int:
        """How many sources."""
        return int(np.unique(self.sources).size)


class Comparison:
    """Negatives against positives.

    Args:
        negative: scores of what people made.
        positive: scores of what machines made.
    """

    def __init__(self, negative: Scored, positive: Scored) -> None:
        self.negative = negative
        self.positive = positive
        order = np.argsort(negative.scores, kind="stable")
        self._order = order
        ascending = negative.scores[order]
        self._below = np.searchsorted(ascending, positive.scores, "left")
        self._up_to = np.searchsorted(ascending, positive.scores, "right")
        # For each negative, from the highest on: where those that lie strictly above it end.
        self._ascending = ascending
        self._above = np.searchsorted(ascending, ascending, "right")
        steps = np.unique(np.concatenate((negative.scores, positive.scores)))
        self._steps = steps
        self._negative_at = np.searchsorted(steps, negative.scores)
        self._positive_at = np.searchsorted(steps, positive.scores)

    def _ones(self) -> tuple[Floats, Floats]:
        return np.ones(self.negative.n), np.ones(self.positive.n)

    # ---- one figure of a weighting of the clips ----------------------------------------------------------
    def auc(self, negative: Floats, positive: Floats) -> float:
        """Return the probability that a fake scores above a real clip, ties counting half."""
        sums = np.concatenate(([0.0], np.cumsum(negative[self._order])))
        beaten = (sums[self._below] + sums[self._up_to]) / 2
        return float(positive @ beaten / (positive.sum() * negative.sum()))

    def eer(self, negative: Floats, positive: Floats) -> float:
        """Return the rate at which as many fakes are missed as real clips are flagged."""
        size = self._steps.size
        reals = np.cumsum(np.bincount(self._negative_at, negative, size)) / negative.sum()
        fakes = np.cumsum(np.bincount(self._positive_at, positive, size)) / positive.sum()
        missed = np.concatenate(([0.0], fakes))  # answers must lie above the step
        flagged = 1 - np.concatenate(([0.0], reals))
        at = int(np.argmin(np.abs(missed - flagged)))
        return float((missed[at] + flagged[at]) / 2)

    def threshold(self, share: float, negative: Floats) -> float:
        """Return the lowest score of a negative that at most ``share`` of them exceed."""
        sums = np.concatenate(([0.0], np.cumsum(negative[self._order])))
        above = sums[-1] - sums[self._above]
        fits = above <= share * sums[-1] + 1e-9
        return float(self._ascending[int(np.argmax(fits))])

    def recall(self, share: float, negative: Floats, positive: Floats) -> float:
        """Return the share of fakes above the threshold that at most ``share`` of the negatives exceed."""
        return float(positive[self.positive.scores > self.threshold(share, negative)].sum() / positive.sum())

    # ---- with intervals ------------------------------------------------------------------------------------
    def drawn(
        self, figures: Sequence[Callable[[Floats, Floats], float]], draws: int = DRAWS
    ) -> list[tuple[float, float]]:
        """Return the 95 % intervals of figures over draws of sources."""
        names, index = np.unique(
            np.concatenate((self.negative.sources, self.positive.sources)), return_inverse=True
        )
        low, high = index[: self.negative.n], index[self.negative.n :]
        rng = rng_for(1, "draws", names.size, self.negative.n, self.positive.n)
        found = []
        for _ in range(draws):
            times = np.bincount(rng.integers(names.size, size=names.size), minlength=names.size)
            negative, positive = times[low].astype(np.float64), times[high].astype(np.float64)
            if negative.sum() and positive.sum():
                found.append([figure(negative, positive) for figure in figures])
        if not found:
            return [(math.nan, math.nan)] * len(figures)
        low_high = np.quantile(found, (_MISS / 2, 1 - _MISS / 2), axis=0)
        return [(float(a), float(b)) for a, b in low_high.T]

    def told(self, draws: int = DRAWS) -> dict[str, Any]:
        """Return AUC, EER and recall at 1 % and 0.1 % false alarms, and above every negative."""
        body: dict[str, Any] = {
            "n_fake": self.positive.n,
            "n_real": self.negative.n,
            "sources_fake": self.positive.groups,
            "sources_real": self.negative.groups,
        }
        if not self.negative.n or not self.positive.n:
            return body
        ones = self._ones()
        figures = (self.auc, self.eer)
        for name, figure, (low, high) in zip(
            ("auc", "eer"), figures, self.drawn(figures, draws), strict=True
        ):
            body[name] = {"value": figure(*ones), "low": low, "high": high}
        for name, share in (("recall_1", 0.01), ("recall_01", 0.001), ("recall_above_all", 0.0)):
            body[name] = self.recall_told(share, draws)
        return body

    def recall_told(self, share: float, draws: int = DRAWS) -> dict[str, Any] | None:
        """Return recall at a rate of false alarms; None where the negatives are too few to state that rate.

        A ``share`` of 0 is the threshold above every negative, which states a rate of 1/N.
        """
        if share and self.negative.n * share < 1 - 1e-9:
            return None
        ones = self._ones()
        k = round(self.recall(share, *ones) * self.positive.n)
        exact = over_sources(k, self.positive.n, self.positive.groups)
        drawn = self.drawn([lambda a, b: self.recall(share, a, b)], draws)[0]
        return {
            "n": self.positive.n,
            "k": k,
            "share": k / self.positive.n,
            "low": min(exact[0], drawn[0]),
            "high": max(exact[1], drawn[1]),
            "threshold": self.threshold(share, ones[0]),
        }


def over_sources(k: int, n: int, sources: int) -> tuple[float, float]:
    """Return the exact 95 % interval of ``k`` of ``n`` clips as if each source were one trial; (0, 1) of nothing."""
    if not n:
        return 0.0, 1.0
    trials = min(sources, n)
    low, _ = clopper_pearson(math.floor(k / n * trials + 1e-9), trials)
    _, high = clopper_pearson(math.ceil(k / n * trials - 1e-9), trials)
    return low, high


def share(hits: Sequence[bool], sources: Sequence[str]) -> dict[str, Any]:
    """Return a share with the exact interval over its sources."""
    k, n = sum(hits), len(hits)
    low, high = over_sources(k, n, len(set(sources)))
    return {"n": n, "k": k, "share": k / n if n else None, "low": low, "high": high}


def loss(
    clean: Sequence[bool], changed: Sequence[bool], sources: Sequence[str], draws: int = DRAWS
) -> dict[str, Any]:
    """Return how many points fewer of the same clips are found after a change, with an interval by source."""
    if not clean:
        return {"n": 0, "points": None, "low": None, "high": None}
    less = np.array(clean, np.float64) - np.array(changed, np.float64)
    _, index = np.unique(np.array(sources, dtype=np.str_), return_inverse=True)
    groups = int(index.max()) + 1
    rng = rng_for(1, "loss", groups, len(clean))
    found = []
    for _ in range(draws):
        times = np.bincount(rng.integers(groups, size=groups), minlength=groups)[index]
        found.append(100 * float(times @ less) / float(times.sum()))
    low, high = np.quantile(found, (_MISS / 2, 1 - _MISS / 2)).tolist()
    return {"n": len(clean), "points": 100 * float(less.mean()), "low": low, "high": high}


def cllr(negative: Sequence[float], positive: Sequence[float]) -> float | None:
    """Return the cost of log10 likelihood ratios (N. Brümmer, J. du Preez, 2006): 0 perfect, 1 says nothing.

    Args:
        negative: log10 LR of what people made.
        positive: log10 LR of what machines made.
    """
    if not negative or not positive:
        return None
    scale = math.log(10)
    over = np.logaddexp(0, scale * np.array(negative)) / math.log(2)
    under = np.logaddexp(0, -scale * np.array(positive)) / math.log(2)
    return float((over.mean() + under.mean()) / 2)
