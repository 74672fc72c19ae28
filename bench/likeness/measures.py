"""Error rates of trials in which every person counts the same, with intervals over draws of people.

Trials of one person hang together, so people are drawn, not trials (bootstrap; Bolle et al. 2004): a trial of a
person with themself counts as often as the person is drawn, one of two people as often as both together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from bench.seeds import rng_for
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 500


@dataclass(frozen=True)
class Trials:
    """Scores of pairs.

    Attributes:
        scores: float64[n].
        left: int64[n], the person on one side.
        right: int64[n], the person on the other.
    """

    scores: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]

    @property
    def same(self) -> NDArray[np.bool_]:
        """Whether both sides are one person."""
        return self.left == self.right

    @property
    def weights(self) -> Floats:
        """What a trial counts: every person the same in all, and every pair of people the same in all."""
        size = int(max(self.left.max(), self.right.max())) + 1
        pair = np.minimum(self.left, self.right) * size + np.maximum(self.left, self.right)
        _, index, counts = np.unique(pair, return_inverse=True, return_counts=True)
        return np.asarray(1.0 / counts[index], np.float64)

    def some(self, keep: NDArray[np.bool_]) -> Trials:
        """Only these."""
        return Trials(self.scores[keep], self.left[keep], self.right[keep])

    @property
    def people(self) -> int:
        """Who has trials with themself."""
        return int(np.unique(self.left[self.same]).size)


@dataclass(frozen=True)
class Rate:
    """A figure with its 95 % interval; the interval is not a number where too few people were drawn."""

    value: float
    low: float
    high: float


def eer(trials: Trials, weights: Floats | None = None) -> float:
    """The rate at which as many are missed as are taken for somebody else; NaN without trials of both kinds."""
    weights = trials.weights if weights is None else weights
    same = trials.same
    if not (weights[same].sum() > 0 and weights[~same].sum() > 0):
        return math.nan
    order = np.argsort(trials.scores, kind="stable")
    scores = trials.scores[order]
    missed = np.cumsum(np.where(same, weights, 0.0)[order]) / weights[same].sum()
    taken = 1.0 - np.cumsum(np.where(same, 0.0, weights)[order]) / weights[~same].sum()
    ends = np.flatnonzero(np.append(np.diff(scores) > 0, True))  # equal scores fall on one side together
    missed, taken = np.append(0.0, missed[ends]), np.append(1.0, taken[ends])
    at = int(np.argmin(np.abs(missed - taken)))
    return float((missed[at] + taken[at]) / 2)


def eer_with_interval(trials: Trials, draws: int = DRAWS) -> Rate:
    """The equal error rate with its interval over draws of people."""
    base = trials.weights
    names, index = np.unique(np.concatenate([trials.left, trials.right]), return_inverse=True)
    left, right = index[: trials.left.size], index[trials.left.size :]
    rng = rng_for(1, "likeness", names.size, trials.scores.size)
    found = []
    for _ in range(draws):
        times = np.bincount(rng.integers(names.size, size=names.size), minlength=names.size)
        counted = np.where(left == right, times[left], times[left] * times[right])
        found.append(eer(trials, base * counted))
    kept = [value for value in found if not math.isnan(value)]
    low, high = np.quantile(kept, (0.025, 0.975)).tolist() if len(kept) > draws // 2 else (math.nan, math.nan)
    return Rate(eer(trials), low, high)


def cllr(ratios: Floats, same: NDArray[np.bool_], weights: Floats) -> float:
    """The cost of log10 likelihood ratios (Brümmer and du Preez 2006): 0 perfect, 1 says nothing; NaN without both."""
    if not (weights[same].sum() > 0 and weights[~same].sum() > 0):
        return math.nan
    nats = ratios * math.log(10)
    missed = np.average(np.logaddexp(0, -nats[same]), weights=weights[same])
    taken = np.average(np.logaddexp(0, nats[~same]), weights=weights[~same])
    return float((missed + taken) / 2 / math.log(2))


def line(trials: Trials) -> tuple[float, float]:
    """Fit a line from scores to log10 likelihood ratios: offset and slope.

    Logistic regression in which both hypotheses weigh the same, with a little of a ridge on the slope so that people
    who happen to be told apart perfectly do not make it endless.
    """
    same, weights = trials.same, trials.weights
    weights = np.where(same, weights / weights[same].sum(), weights / weights[~same].sum())
    centre, width = float(trials.scores.mean()), float(trials.scores.std()) or 1.0
    x = np.stack([np.ones(trials.scores.size), (trials.scores - centre) / width], axis=1)
    beta, ridge = np.zeros(2), np.diag([0.0, 1e-3])
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (weights * (same - p)) - ridge @ beta
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x + ridge + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        beta = beta + step
        if np.abs(step).max() < 1e-9:
            break
    slope = beta[1] / width
    return float((beta[0] - slope * centre) / math.log(10)), float(slope / math.log(10))
