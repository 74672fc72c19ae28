"""How well scores tell two classes apart, with intervals. Scores grow with "made by a machine"."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Score = NDArray[np.float64]


def auc(fake: Score, real: Score) -> float:
    """Return the probability that a fake scores above a real one (ties count half); NaN without either."""
    if not fake.size or not real.size:
        return float("nan")
    order = np.sort(real)
    below = np.searchsorted(order, fake, "left") + np.searchsorted(order, fake, "right")
    return float(below.mean() / 2 / real.size)


def eer(fake: Score, real: Score) -> float:
    """Return the rate at which as many reals are called fake as fakes real, between the two steps."""
    if not fake.size or not real.size:
        return float("nan")
    at = np.unique(np.concatenate([fake, real, [np.inf]]))
    missed = np.searchsorted(np.sort(fake), at, "left") / fake.size
    alarms = 1 - np.searchsorted(np.sort(real), at, "left") / real.size
    k = int(np.argmin(np.abs(missed - alarms)))
    return float((missed[k] + alarms[k]) / 2)


def cllr(fake: Score, real: Score) -> float:
    """Return the cost of log10 likelihood ratios in bits; 1 is what knowing nothing costs."""
    if not fake.size or not real.size:
        return float("nan")
    of_fakes = np.logaddexp(0, -fake * np.log(10)).mean() / np.log(2)
    of_reals = np.logaddexp(0, real * np.log(10)).mean() / np.log(2)
    return float((of_fakes + of_reals) / 2)


def interval(hits: int, trials: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a rate."""
    if not trials:
        return 0.0, 1.0
    z, rate = 1.96, hits / trials
    middle = (rate + z * z / 2 / trials) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * np.sqrt(rate * (1 - rate) / trials + z * z / 4 / trials**2)
    # A rate of none or all has a limit of exactly 0 or 1, which rounding may miss.
    return (0.0 if hits == 0 else float(middle - half)), (1.0 if hits == trials else float(middle + half))


def auc_interval(fake: Score, real: Score, draws: int = 500) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the AUC; draws are seeded."""
    if fake.size < 2 or real.size < 2:
        return 0.0, 1.0
    r = np.random.default_rng(1)
    values = [
        auc(fake[r.integers(fake.size, size=fake.size)], real[r.integers(real.size, size=real.size)])
        for _ in range(draws)
    ]
    return float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))
