"""Logits to likelihood ratios, and the threshold for a second look. Fitted on what the models had not seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.voice.judgement import Calibration

COUNTS = (1, 2, 4, 8)  # windows pooled: 4 to 32 s of voice
FALSE_ALARMS = 0.01
FALSE_ALARMS_OF_A_SITE = 0.05


@dataclass(frozen=True)
class Pool:
    """Windows pooled into one trial: mean logit, windows, class, family of the fold, site, person."""

    pooled: NDArray[np.float64]
    windows: NDArray[np.int64]
    fake: NDArray[np.bool_]
    family: NDArray[np.str_]
    site: NDArray[np.str_]
    subject: NDArray[np.str_]


def logistic(
    columns: NDArray[np.float64], fake: NDArray[np.bool_], weight: NDArray[np.float64], ridge: float = 1e-3
) -> NDArray[np.float64]:
    """Fit float64[k + 1] (the bias last) by Newton's method on float64[n, k], both classes weighing the same."""
    x = np.column_stack([columns, np.ones(fake.size)])
    balanced = weight / np.where(fake, weight[fake].sum(), weight[~fake].sum())
    beta = np.zeros(x.shape[1])
    keep = ridge * np.eye(x.shape[1])
    keep[-1, -1] = 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ beta, -30, 30)))
        gradient = x.T @ (balanced * (fake - p)) - keep @ beta
        hessian = (x * (balanced * p * (1 - p))[:, None]).T @ x + keep
        step = np.linalg.solve(hessian, gradient)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    return beta


def per_kind(kind: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return weights float64[n] under which every kind counts the same."""
    _, place, count = np.unique(kind, return_inverse=True, return_counts=True)
    return 1.0 / count[place]


def fit(pools: Pool, trials: int) -> Calibration:
    """Fit the calibration on pooled trials of one to many windows.

    Args:
        pools: trials that no model behind their logits had seen.
        trials: people behind the reals or behind the fakes, whichever are fewer: the cap of the ratio.
    """
    columns = np.column_stack([pools.pooled, pools.pooled * np.log(pools.windows)])
    kind = np.char.add(np.where(pools.fake, pools.family, pools.site).astype(str), pools.windows.astype(str))
    slope, slope_windows, offset = logistic(columns, pools.fake, per_kind(kind))
    return Calibration(
        slope=float(slope),
        slope_windows=float(slope_windows),
        offset=float(offset),
        most_windows=max(COUNTS),
        trials=trials,
    )


def log10_lr(calibration: Calibration, pools: Pool) -> NDArray[np.float64]:
    """Return float64[n]."""
    return np.array(
        [calibration.log10_lr(float(p), int(w)) for p, w in zip(pools.pooled, pools.windows, strict=True)]
    )


def queue_threshold(ratios: NDArray[np.float64], site: NDArray[np.str_]) -> float:
    """Return the least log10 LR that 1 % of all reals and 5 % of the reals of every site reach.

    A site with too few trials for 5 % lets none through.
    """
    needed = [_above(ratios, FALSE_ALARMS)]
    needed += [_above(ratios[site == name], FALSE_ALARMS_OF_A_SITE) for name in np.unique(site)]
    return round(max(needed) + 5e-4, 3)


def _above(ratios: NDArray[np.float64], share: float) -> float:
    allowed = int(share * ratios.size)
    return float(np.sort(ratios)[::-1][allowed]) + 1e-6
