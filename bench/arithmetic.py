"""Intervals, thresholds and overlaps: the arithmetic of the report, without a statistics library."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

Z95 = 1.959964


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (E. B. Wilson, JASA 1927); (0, 1) of nothing."""
    if n == 0:
        return 0.0, 1.0
    centre = (k + Z95**2 / 2) / (n + Z95**2)
    half = Z95 / (n + Z95**2) * math.sqrt(k * (n - k) / n + Z95**2 / 4)
    return (0.0 if k == 0 else max(centre - half, 0.0)), (1.0 if k == n else min(centre + half, 1.0))


def binomial_tail(k: int, n: int, p: float) -> float:
    """Return the probability of at most ``k`` of ``n``."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return 1.0 if k >= n else 0.0
    log_p, log_q = math.log(p), math.log1p(-p)
    whole = math.lgamma(n + 1)
    return math.fsum(
        math.exp(whole - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * log_p + (n - i) * log_q)
        for i in range(k + 1)
    )


def poisson_tail(k: int, mean: float) -> float:
    """Return the probability of at most ``k`` events."""
    if mean <= 0:
        return 1.0
    return math.fsum(math.exp(i * math.log(mean) - mean - math.lgamma(i + 1)) for i in range(k + 1))


def _root(falling: Callable[[float], float], target: float, low: float, high: float) -> float:
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > target else (low, middle)
    return (low + high) / 2


def clopper_pearson(k: int, n: int, miss: float = 0.05) -> tuple[float, float]:
    """Return the exact interval of a share (C. J. Clopper, E. S. Pearson, Biometrika 1934); (0, 1) of nothing."""
    if n == 0:
        return 0.0, 1.0
    low = 0.0 if k == 0 else _root(lambda p: binomial_tail(k - 1, n, p), 1 - miss / 2, 0.0, 1.0)
    high = 1.0 if k == n else _root(lambda p: binomial_tail(k, n, p), miss / 2, 0.0, 1.0)
    return low, high


def poisson_upper(k: int, miss: float = 0.05) -> float:
    """Return the exact one-sided upper bound of the mean after ``k`` events: 3.00 after none."""
    return _root(lambda mean: poisson_tail(k, mean), miss, 0.0, 10.0 * (k + 3))


def threshold_at(scores: Iterable[float], share: float = 0.01) -> float:
    """Return the score that at most ``share`` of these negatives exceed; answers must lie above it.

    Args:
        scores: of the negatives, minus infinity for those without an answer. With fewer than ``1 / share`` of
            them it is the largest.
        share: that may exceed it.
    """
    ordered = sorted(scores, reverse=True)
    return ordered[math.floor(share * len(ordered))] if ordered else -math.inf


def overlap(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return the seconds two stretches share."""
    return max(min(a[1], b[1]) - max(a[0], b[0]), 0.0)


def iou(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Return intersection over union of two stretches."""
    shared = overlap(a, b)
    union = (a[1] - a[0]) + (b[1] - b[0]) - shared
    return shared / union if union > 0 else 0.0


def quantile(values: Sequence[float], q: float) -> float | None:
    """Return a quantile by linear interpolation; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    at = q * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])
