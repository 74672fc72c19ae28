"""What a score is worth: thresholds, and the log10 likelihood ratio of "made by a decoder" to "real sound"."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Calibration:
    """Of the lattice score.

    Attributes:
        version: changes with any of the figures.
        scores: of the knots between which the ratio is interpolated, rising.
        log10_lrs: the ratio at the knots, rising.
        queue: score from which a person looks at it; set for one real sound in a hundred.
        sure: score from which "detected" is said; over every real recording it was set on. So few say nothing of
            rates below one in their number.
        changed_cost: what a lattice at another ratio has to give up: it is the best of 6,000 times as many.
        most_changed: and what it is worth at most: held tones of any pitch are a lattice at some ratio, so it
            queues and never asserts.
        per_doubling: what the best stretch gives up for each doubling of their number.
        trials: sources of real sound behind the figures; no ratio is printed beyond their number.
        min_heard_s: shortest sound that was validated.
        min_band_hz: narrowest band.
        min_bit_rate: lowest, bit/s, of a compressed file.
        min_sample_rate: lowest of the file, Hz.
        min_snr_db: loudest noise, as ``Evidence.snr_db`` reads it.
        min_vocal_db: faintest voice under its backing, dB, of which anything is said apart.
    """

    version: str
    scores: tuple[float, ...]
    log10_lrs: tuple[float, ...]
    queue: float
    sure: float
    changed_cost: float
    most_changed: float
    per_doubling: float
    trials: int
    min_heard_s: float
    min_band_hz: float
    min_bit_rate: int
    min_sample_rate: int
    min_snr_db: float
    min_vocal_db: float

    def log10_lr(self, score: float) -> float:
        """Return the ratio, not capped, for a lattice score; linear beyond the last knots."""
        low, high = self.scores[0], self.scores[-1]
        if score > high:
            steps = (self.log10_lrs[-1] - self.log10_lrs[-2]) / (self.scores[-1] - self.scores[-2])
            return self.log10_lrs[-1] + steps * (score - high)
        return float(np.interp(max(score, low), self.scores, self.log10_lrs))

    def score_of(self, log10_lr: float) -> float:
        """Return the lattice score that is worth a ratio; the inverse of ``log10_lr`` between its knots and above."""
        if log10_lr > self.log10_lrs[-1]:
            steps = (self.scores[-1] - self.scores[-2]) / (self.log10_lrs[-1] - self.log10_lrs[-2])
            return self.scores[-1] + steps * (log10_lr - self.log10_lrs[-1])
        return float(np.interp(log10_lr, self.log10_lrs, self.scores))

    def stated(self, log10_lr: float) -> float:
        """Return a ratio as it may be printed: no farther from 1 than the number of trials."""
        limit = math.log10(self.trials)
        return max(-limit, min(limit, log10_lr))


# The line is what ``python -m bench.synthesis calibrate`` fits (docs/figures.md); thresholds and costs are set by hand
# on real sound alone.
CALIBRATION = Calibration(
    version="2026.11.2",
    scores=(1.0, 3.0, 4.1, 7.2),
    log10_lrs=(-0.83, 0.23, 0.29, 1.91),
    queue=4.1,
    sure=7.2,
    changed_cost=5.2,
    most_changed=7.0,
    per_doubling=0.4,
    trials=371,
    min_heard_s=4.0,
    min_band_hz=5_000.0,
    min_bit_rate=24_000,
    min_sample_rate=16_000,
    min_snr_db=8.0,
    min_vocal_db=-15.0,
)
