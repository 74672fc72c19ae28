"""Where there is a voice, how loud the rest is, and what pitch it has: frame by frame, from 16 kHz sound.

Levels are held against the noise floor of the recording itself; voiced frames have a period (normalised
autocorrelation, Boersma 1993: the window's own decay is divided out).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

RATE = 16_000
HOP = 160
HOP_S = HOP / RATE

_FRAME = 640  # 40 ms: two periods and more of 60 Hz
_LOWEST_HZ, _HIGHEST_HZ = 65.0, 1_000.0
_SHORTEST, _LONGEST = round(RATE / _HIGHEST_HZ), round(RATE / _LOWEST_HZ)
_PERIODIC = 0.55
_FLOOR_QUANTILE, _PEAK_QUANTILE = 0.08, 0.95
_OVER_FLOOR = 0.35
"""Share of the way from floor to peak (dB) from which a frame counts."""
_LEAST_RANGE_DB = 9.0
"""A recording whose levels lie closer has no pauses: its floor is unknown and all of it counts. Speech and song
alone never do."""
_SILENT_DB = -80.0
_UNDER_PEAK_DB = 45.0
_JOIN = 25
"""Frames: pauses up to a quarter of a second belong to the voice around them."""
_BAND_DB = 60.0
_REMAINS_DB, _REMAINS_WIDTH_DB = 28.0, 12.0
_CHUNK = 2_048

_HANN: Float = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME) / _FRAME)).astype(np.float32)
_DECAY: Float = np.fft.irfft(np.abs(np.fft.rfft(_HANN, 2 * _FRAME)) ** 2)[:_FRAME].astype(np.float32)
_DECAY /= _DECAY[0]


@dataclass(frozen=True)
class Activity:
    """Frames of 10 ms.

    Attributes:
        level_db: float32[t], dB of full scale.
        voiced: bool[t], frames with a period.
        pitch_hz: float32[t], 0 where not voiced.
        active: bool[t], voice and the short pauses inside it.
        snr_db: level of the voice over that of the pauses; as far as the levels can tell, at most 60.
        bandwidth_hz: up to where the loud frames carry sound.
        tonal_rest: share of what is outside the voice that has a period: music goes on in the pauses, noise hums
            rarely; 1 where there are no pauses at all.
    """

    level_db: Float
    voiced: Bool
    pitch_hz: Float
    active: Bool
    snr_db: float
    bandwidth_hz: float
    tonal_rest: float

    @property
    def voiced_s(self) -> float:
        """Seconds of voice, short pauses inside it included."""
        return float(self.active.sum() * HOP_S)

    @property
    def backing(self) -> float:
        """How much other sound with a pitch there is, 0 to 1: what has a period in the pauses, if it is loud there.

        Breath, rooms and codecs leave faint periodic remains in the pauses of clean speech; they count for nothing
        from 28 dB under the voice.
        """
        loud = float(np.clip((_REMAINS_DB - self.snr_db) / _REMAINS_WIDTH_DB, 0.0, 1.0))
        return self.tonal_rest * loud


def activity(sound: Float) -> Activity:
    """Find the voice in a sound.

    Args:
        sound: float32[n] at 16 kHz, mono.

    Returns:
        One frame for every 160 samples, as many as fit.
    """
    if sound.size < _FRAME:
        empty = np.zeros(0, np.float32)
        return Activity(empty, empty > 0, empty, empty > 0, 0.0, 0.0, 0.0)
    level, strength, pitch, spectrum = _frames(sound)
    floor, peak = np.quantile(level, (_FLOOR_QUANTILE, _PEAK_QUANTILE))
    spread = float(peak - floor)
    paused = bool(spread >= _LEAST_RANGE_DB)
    least = floor + _OVER_FLOOR * spread if paused else -np.inf
    loud = level > max(least, float(peak) - _UNDER_PEAK_DB, _SILENT_DB)
    voiced = loud & (strength > _PERIODIC)
    active = _joined(voiced, loud)
    rest = ~active & (level > _SILENT_DB)
    return Activity(
        level_db=level,
        voiced=voiced,
        pitch_hz=np.where(voiced, pitch, 0.0).astype(np.float32),
        active=active,
        snr_db=_snr(level, active),
        bandwidth_hz=_bandwidth(spectrum),
        tonal_rest=_tonal(strength[rest], paused),
    )


def _frames(sound: Float) -> tuple[Float, Float, Float, Float]:
    """Level (dB), strength of the period, pitch (Hz) of each frame, and the summed power spectrum of loud ones."""
    frames = sliding_window_view(sound, _FRAME)[::HOP]
    count = frames.shape[0]
    level, strength, pitch = (np.empty(count, np.float32) for _ in range(3))
    powers = np.zeros(_FRAME + 1, np.float64)
    for start in range(0, count, _CHUNK):
        stop = start + _CHUNK
        part = frames[start:stop] - frames[start:stop].mean(axis=1, keepdims=True)
        power = np.abs(np.fft.rfft(part * _HANN, 2 * _FRAME)) ** 2
        correlation = np.fft.irfft(power)[:, : _LONGEST + 2].astype(np.float32)
        level[start:stop] = 10 * np.log10(np.mean(part**2, axis=1) + 1e-12)
        strength[start:stop], pitch[start:stop] = _period(correlation)
        loud = level[start:stop] >= np.quantile(level[start:stop], 0.5)
        powers += power[loud].sum(axis=0)
    return level, strength, pitch, powers.astype(np.float32)


def _period(correlation: Float) -> tuple[Float, Float]:
    lags = correlation[:, _SHORTEST : _LONGEST + 1] / _DECAY[_SHORTEST : _LONGEST + 1]
    scale = np.maximum(correlation[:, 0], 1e-12)
    strength = np.clip(lags.max(axis=1) / scale, 0.0, 1.0)
    # The shortest lag that comes near the best one: multiples of the period fit as well as the period.
    near = lags >= 0.9 * np.maximum(lags.max(axis=1, keepdims=True), 1e-12)
    peak = near & (lags >= np.roll(lags, 1, axis=1)) & (lags >= np.roll(lags, -1, axis=1))
    lag = np.where(peak.any(axis=1), peak.argmax(axis=1), lags.argmax(axis=1)) + _SHORTEST
    return strength.astype(np.float32), (RATE / lag).astype(np.float32)


def _joined(voiced: Bool, loud: Bool) -> Bool:
    """Voiced frames and what lies between two of them, where that is loud or short."""
    at = np.flatnonzero(voiced)
    active = voiced.copy()
    for left, right in pairwise(at.tolist()):
        between = slice(left + 1, right)
        if right - left <= _JOIN and (right - left <= _JOIN // 2 or loud[between].mean() > 0.5):
            active[between] = True
    return active


def _tonal(strength: Float, paused: bool) -> float:
    """The share of frames outside the voice with a period; 1 where no level ever falls, because something goes on."""
    if not paused:
        return 1.0
    return float((strength > _PERIODIC).mean()) if strength.size >= _JOIN else 0.0


def _snr(level: Float, active: Bool) -> float:
    if not active.any():
        return 0.0
    rest = ~active
    if rest.sum() < _JOIN:
        return float(np.quantile(level[active], 0.9) - np.quantile(level, 0.02))
    return float(np.clip(np.median(level[active]) - np.quantile(level[rest], 0.2), 0.0, 60.0))


def _bandwidth(spectrum: Float) -> float:
    smooth = np.convolve(spectrum, np.full(25, 1 / 25), "same")
    if smooth.max() <= 0:
        return 0.0
    carried = np.flatnonzero(smooth > smooth.max() * 10 ** (-_BAND_DB / 10))
    return float(carried[-1] * RATE / (2 * _FRAME))
