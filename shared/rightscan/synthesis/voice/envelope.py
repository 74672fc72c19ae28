"""How the spectrum moves and how grainy it is: cepstral deviations, fast modulation, local moments.

Means of the spectrum are left out on purpose: they tell the microphone and the room, not the maker.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rightscan.synthesis.voice.phase import band_sums
from rightscan.synthesis.voice.sound import BANDS, BIN_HZ, RATE, TOP_HZ, Bool, Float, Frames

HALVES = 2  # two cepstra, below and above 3.6 kHz: sound that ends early keeps the lower one
_FILTERS = 12  # per half
_COEFFICIENTS = 8
_FEWEST = 12  # frames

_SHORT, _SHORT_HOP = 128, 64  # 8 ms and 4 ms: rates of change up to 125 Hz
_ENVELOPES_HZ = ((100.0, 1_000.0), (1_000.0, 2_500.0), (2_500.0, 4_600.0), (4_600.0, TOP_HZ))
_RATES_HZ = (16.0, 21.0, 28.0, 37.0, 48.0, 62.0, 80.0, 100.0, 124.0)
_SLOW_HZ = 4.0

CEPSTRUM_NAMES = tuple(
    f"lfcc_{part}_{half}_{k}"
    for half in range(HALVES)
    for part in ("deviation", "delta", "delta2")
    for k in range(1, _COEFFICIENTS + 1)
)
MODULATION_NAMES = tuple(
    f"modulation_{band}_{rate:.0f}" for band in range(len(_ENVELOPES_HZ)) for rate in _RATES_HZ[:-1]
)
_MOMENTS = ("std", "skew", "kurtosis", "step_time", "step_frequency")
MOMENT_NAMES = tuple(
    f"moment_{group}_{part}_{band}"
    for group in ("voiced", "unvoiced")
    for part in _MOMENTS
    for band in range(BANDS)
)


def _filterbank() -> Float:
    """Return triangles float32[bins, HALVES · _FILTERS], equally wide up to ``TOP_HZ``."""
    count = HALVES * _FILTERS
    centres = TOP_HZ * np.arange(1, count + 1) / (count + 1)
    f = np.arange(int(TOP_HZ / BIN_HZ) + 2)[:, None] * BIN_HZ
    triangles: Float = np.clip(1 - np.abs(f - centres) / centres[0], 0, None).astype(np.float32)
    return triangles


_FILTERBANK = _filterbank()
_COSINES: Float = np.cos(
    np.pi * np.arange(1, _COEFFICIENTS + 1)[None, :] * (np.arange(_FILTERS)[:, None] + 0.5) / _FILTERS
).astype(np.float32)
_SHORT_WINDOW: Float = np.hanning(_SHORT).astype(np.float32)


def cepstrum_values(frames: Frames, power: Float) -> Float:
    """Return float32[len(CEPSTRUM_NAMES)] over the active frames.

    Args:
        frames: one window.
        power: float32[t, BINS].
    """
    bank = np.log(power @ _FILTERBANK + 1e-12)
    inside = frames.active[1:-1] & frames.active[2:] & frames.active[:-2]
    values = []
    for half in range(HALVES):
        cepstrum = bank[:, half * _FILTERS : (half + 1) * _FILTERS] @ _COSINES
        delta = (cepstrum[2:] - cepstrum[:-2])[inside]
        delta2 = (cepstrum[2:] - 2 * cepstrum[1:-1] + cepstrum[:-2])[inside]
        for part in (cepstrum[frames.active], delta, delta2):
            enough = part.shape[0] >= _FEWEST
            values.append(np.log(part.std(axis=0) + 1e-6) if enough else np.full(_COEFFICIENTS, np.nan))
    return np.concatenate(values).astype(np.float32)


def modulation_values(frames: Frames) -> Float:
    """Return float32[len(MODULATION_NAMES)]: share of each rate in the envelope's changes above 4 Hz, log."""
    short = sliding_window_view(frames.samples, _SHORT)[::_SHORT_HOP] * _SHORT_WINDOW
    power = np.abs(np.fft.rfft(short)) ** 2
    bin_hz = RATE / _SHORT
    envelopes = np.stack(
        [
            np.sqrt(power[:, int(np.ceil(low / bin_hz)) : int(high / bin_hz) + 1].sum(axis=1))
            for low, high in _ENVELOPES_HZ
        ]
    )
    rate = RATE / _SHORT_HOP
    tapered = (envelopes - envelopes.mean(axis=1, keepdims=True)) * np.hanning(envelopes.shape[1])
    spectrum = np.abs(np.fft.rfft(tapered)) ** 2
    frequency = np.arange(spectrum.shape[1]) * rate / envelopes.shape[1]
    total = spectrum[:, frequency >= _SLOW_HZ].sum(axis=1) + 1e-20
    edges = np.searchsorted(frequency, _RATES_HZ)
    sums = np.add.reduceat(spectrum, edges, axis=1)[:, : len(_RATES_HZ) - 1]
    values: Float = np.log(sums / total[:, None] + 1e-9).astype(np.float32).ravel()
    return values


def moment_values(frames: Frames, local: Float) -> Float:
    """Return float32[len(MOMENT_NAMES)]: moments of what ``local_level`` gives, and its steps, per band."""
    values = [_moments(local, rows) for rows in (frames.voiced, frames.active & ~frames.voiced)]
    return np.concatenate(values).astype(np.float32)


def _moments(local: Float, rows: Bool) -> NDArray[np.float64]:
    kept = local[rows]
    if kept.shape[0] < _FEWEST:
        return np.full(len(_MOMENTS) * BANDS, np.nan)
    ones = band_sums(np.ones(kept.shape[1])) * kept.shape[0]
    mean = band_sums(kept.sum(axis=0, dtype=np.float64)) / ones
    square = kept * kept
    second, third, fourth = (
        band_sums(np.einsum("tf,tf->f", one, other).astype(np.float64)) / ones
        for one, other in ((kept, kept), (square, kept), (square, square))
    )
    variance = np.maximum(second - mean**2, 1e-9)
    skew = (third - 3 * mean * second + 2 * mean**3) / variance**1.5
    kurtosis = (fourth - 4 * mean * third + 6 * mean**2 * second - 3 * mean**4) / variance**2
    both = rows[1:] & rows[:-1]
    along = np.abs(local[1:] - local[:-1])[both]
    steps = (
        band_sums(along.mean(axis=0, dtype=np.float64)) / band_sums(np.ones(kept.shape[1]))
        if along.size
        else mean * np.nan
    )
    across = np.pad(np.abs(np.diff(kept, axis=1)), ((0, 0), (0, 1)))
    step_frequency = band_sums(across.sum(axis=0, dtype=np.float64)) / ones
    return np.concatenate([np.sqrt(variance), skew, kurtosis, steps, step_frequency])
