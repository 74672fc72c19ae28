"""How the bands of a voice beat together: one closing glottis excites all of them in the same instant.

A method that sets the phase of each band by itself (or gives noise in place of pulses) loses depth, period or
togetherness of the bands' envelopes, whatever the magnitudes are.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rightscan.synthesis.voice.sound import RATE, TOP_HZ, VOICE_HOP, Float, Frames

BANDS_HZ = ((300.0, 1_000.0), (1_000.0, 2_000.0), (2_000.0, 3_500.0), (3_500.0, 5_400.0), (5_400.0, TOP_HZ))
_PAIRS = tuple(combinations(range(len(BANDS_HZ)), 2))
_RATE = 4_000  # of the envelopes: twice the widest band
_FRAME = 160  # 40 ms: two periods of the lowest voice
_LAGS = slice(5, 54)  # 75 to 800 Hz
_FEWEST = 8

NAMES = tuple(
    [
        f"pulse_{part}_{band}"
        for part in ("depth", "depth_range", "skew", "period", "period_range")
        for band in range(5)
    ]
    + [f"together_{part}_{low}{high}" for part in ("median", "range") for low, high in _PAIRS]
)
TOPS_HZ = tuple(
    [BANDS_HZ[band][1] for _ in range(5) for band in range(5)]
    + [BANDS_HZ[high][1] for _ in range(2) for _, high in _PAIRS]
)
"""The highest frequency that each value looks at, Hz."""


def pulse_values(frames: Frames) -> Float:
    """Return float32[len(NAMES)] over the voiced frames; NaN where there are too few."""
    envelopes = _envelopes(frames.samples)
    starts = np.flatnonzero(frames.voiced[frames.coarse]) * (VOICE_HOP * _RATE // RATE)
    starts = starts[starts <= envelopes.shape[1] - _FRAME]
    if starts.size < _FEWEST:
        return np.full(len(NAMES), np.nan, np.float32)
    cut = sliding_window_view(envelopes, _FRAME, axis=1)[:, starts]
    mean = cut.mean(axis=2, keepdims=True)
    moved = cut - mean
    spread = np.sqrt(np.mean(moved * moved, axis=2)) + np.float32(1e-12)
    level = moved / spread[:, :, None]
    depth = spread / (mean[:, :, 0] + np.float32(1e-12))
    skew = np.mean(level * level * level, axis=2)
    correlation = np.fft.irfft(np.abs(np.fft.rfft(level, 2 * _FRAME)) ** 2)[:, :, _LAGS]
    fading = _FRAME - np.arange(_LAGS.start, _LAGS.stop)
    period = (correlation / fading).max(axis=2)
    together = np.stack([np.mean(level[low] * level[high], axis=1) for low, high in _PAIRS])
    parts = (
        np.median(depth, axis=1),
        _range(depth),
        np.median(skew, axis=1),
        np.median(period, axis=1),
        _range(period),
        np.median(together, axis=1),
        _range(together),
    )
    return np.concatenate(parts).astype(np.float32)


def _envelopes(samples: Float) -> Float:
    """Return the bands' Hilbert envelopes at 4 kHz, float32[bands, n / 4], by moving each band down to zero."""
    length = samples.size * _RATE // RATE
    spectrum = np.fft.rfft(samples[: length * RATE // _RATE])
    bin_hz = _RATE / length
    rows = []
    for low, high in BANDS_HZ:
        band = spectrum[round(low / bin_hz) : round(high / bin_hz)]
        ramp = np.sin(np.pi * (np.arange(band.size) + 0.5) / band.size) ** 0.5  # no ringing at the edges
        moved = np.zeros(length, spectrum.dtype)
        moved[: band.size] = band * ramp
        rows.append(np.abs(np.fft.ifft(moved)))
    return np.stack(rows).astype(np.float32)


def _range(columns: Float) -> NDArray[np.float32]:
    """Return the distance between the quartiles of each row."""
    low, high = np.percentile(columns, (25, 75), axis=1)
    spread: NDArray[np.float32] = (high - low).astype(np.float32)
    return spread
