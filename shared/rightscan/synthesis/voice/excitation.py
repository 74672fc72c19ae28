"""What linear prediction leaves of a voice: the pulses of the glottis, or what a vocoder puts in their place."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rightscan.synthesis.voice.sound import (
    FRAME,
    HOP,
    LONGEST_LAG,
    RATE,
    SHORTEST_LAG,
    VOICE_HOP,
    Float,
    Frames,
    period_of,
)

_ORDER = 18  # two per kHz of band and two more
_FEWEST = 8  # voiced frames that a median is taken over (0.13 s)
_SKEWED = ("skew",)
_PLAIN = (
    "kurtosis",
    "peak",
    "periodicity",
    "gain",
    "voicing",
    "jitter",
    "shimmer",
    "flatness_low",
    "flatness_high",
)

NAMES = tuple(
    [f"residual_{name}_{part}" for name in _SKEWED for part in ("median_size", "size", "spread")]
    + [f"residual_{name}_{part}" for name in _PLAIN for part in ("median", "spread")]
)


def excitation_values(frames: Frames) -> Float:
    """Return float32[len(NAMES)] over the voiced frames; NaN where there are too few."""
    starts = frames.coarse[frames.voiced[frames.coarse]] * HOP
    starts = starts[starts >= _ORDER]
    if starts.size < _FEWEST:
        return np.full(len(NAMES), np.nan, np.float32)
    correlation = frames.autocorrelation[starts // VOICE_HOP]
    coefficients, gain = prediction(correlation)
    residual = _residual(frames.samples, starts, coefficients)
    spread = np.sqrt(np.mean(residual**2, axis=1)) + 1e-12
    level = residual / spread[:, None]
    square = level * level
    skew = np.mean(square * level, axis=1)
    power = np.abs(np.fft.rfft(level * np.hanning(FRAME).astype(np.float32), 2 * FRAME)) ** 2
    own = np.fft.irfft(power)[:, :FRAME].astype(np.float32)
    voicing, lag = period_of(correlation)
    columns = [
        np.mean(square * square, axis=1),
        np.abs(level).max(axis=1),
        period_of(own)[0],
        gain,
        voicing,
        _change(np.log(RATE / _fine_lag(correlation, lag))),
        _change(np.log(np.maximum(correlation[:, 0], 1e-20))),
        _flatness(power[:, 8:256]),
        _flatness(power[:, 256:460]),
    ]
    values = [abs(float(np.median(skew))), float(np.mean(np.abs(skew))), _range(np.abs(skew))]
    for column in columns:
        values += [float(np.median(column)), _range(column)]
    return np.array(values, np.float32)


def prediction(correlation: Float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solve the normal equations of every frame at once (Levinson and Durbin).

    Args:
        correlation: float32[c, lags > 18].

    Returns:
        Coefficients float64[c, 19] of the inverse filter (the first is 1), and the gain of the prediction,
        float64[c], log of energy before over after.
    """
    r = correlation[:, : _ORDER + 1].astype(np.float64)
    r[:, 0] = r[:, 0] * (1 + 1e-6) + 1e-20  # 60 dB below: a band that ends early has no unique predictor
    a = np.zeros_like(r)
    a[:, 0] = 1.0
    error = r[:, 0].copy()
    for order in range(1, _ORDER + 1):
        reflection = -(a[:, :order] * r[:, order:0:-1]).sum(axis=1) / error
        turned = a[:, order - 1 :: -1][:, :order]
        a[:, 1 : order + 1] += reflection[:, None] * turned
        error = np.maximum(error * (1 - reflection**2), 1e-9 * r[:, 0])
    return a, np.log(r[:, 0] / error)


def _residual(samples: Float, starts: NDArray[np.int64], coefficients: NDArray[np.float64]) -> Float:
    """Filter each frame with its own inverse filter: float32[c, FRAME]."""
    views = sliding_window_view(samples, FRAME + _ORDER)[starts - _ORDER]
    filters = coefficients.astype(np.float32)
    residual = views[:, _ORDER:].copy()
    for k in range(1, _ORDER + 1):
        residual += filters[:, k, None] * views[:, _ORDER - k : FRAME + _ORDER - k]
    return residual


def _fine_lag(correlation: Float, lag: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the period in samples, between them by a parabola: float64[c]."""
    inside = np.clip(lag, SHORTEST_LAG + 1, LONGEST_LAG - 1)
    row = np.arange(lag.size)
    before, at, after = (correlation[row, inside + k].astype(np.float64) for k in (-1, 0, 1))
    bend = before - 2 * at + after
    shift = np.where(np.abs(bend) > 1e-20, 0.5 * (before - after) / np.where(bend == 0, 1, bend), 0.0)
    fine: NDArray[np.float64] = inside + np.clip(shift, -1, 1)
    return fine


def _change(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the size of the second difference from frame to frame, capped: jumps between octaves are errors."""
    return np.minimum(np.abs(np.diff(column, 2)), 0.2)


def _flatness(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return log geometric over arithmetic mean of each frame's power, float64[c]."""
    flatness: NDArray[np.float64] = np.log(power + 1e-12).mean(axis=1) - np.log(power.mean(axis=1) + 1e-12)
    return flatness


def _range(column: NDArray[np.float64]) -> float:
    """Return the distance between the quartiles."""
    low, high = np.percentile(column, (25, 75))
    return float(high - low)
