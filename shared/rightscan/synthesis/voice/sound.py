"""Windows of sound at one rate: cutting, resampling, frames, which of them are voiced, how far the band goes."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Float = NDArray[np.float32]
Complex = NDArray[np.complex64]
Bool = NDArray[np.bool_]

RATE = 16_000  # every voice corpus and codec keeps this much; what lies above is not looked at
WINDOW_S = 4.0
SHORTEST_S = 1.0  # a rest shorter than this joins nothing
FRAME = 512  # 32 ms
HOP = 128  # 8 ms
VOICE_HOP = 256  # periodicity and prediction change slower than phase
TOP_HZ = 7_200.0
EDGES_HZ = (80.0, 500.0, 1_000.0, 1_700.0, 2_500.0, 3_500.0, 4_600.0, 5_800.0, TOP_HZ)
BANDS = len(EDGES_HZ) - 1
BIN_HZ = RATE / FRAME
BINS = int(TOP_HZ / BIN_HZ) + 2  # one bin past the top, for differences

_LOWEST_HZ, _HIGHEST_HZ = 60.0, 800.0  # fundamental of speech and song
SHORTEST_LAG, LONGEST_LAG = int(RATE / _HIGHEST_HZ), int(RATE / _LOWEST_HZ)
_VOICED = 0.5  # autocorrelation at the period, the window's own decay taken out
_ACTIVE_DB = -40.0  # under the loudest frame
_SILENT_RMS = 1e-5  # -100 dBFS: below the last bit of a 16-bit file
_BAND_DB = -75.0  # the band ends where the loud frames fall below this, 0 dB: the strongest place
_FADE_S = 0.004  # a resampled window is periodic to the transform; its ends must not click
_LEAD = 10.0 ** (-80 / 20)  # sound begins at the first sample above this, relative to the loudest

_HANN: Float = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)
_HANN_DECAY: Float = np.fft.irfft(np.abs(np.fft.rfft(_HANN, 2 * FRAME)) ** 2).astype(np.float32)[:FRAME]
_HANN_DECAY /= _HANN_DECAY[0]


@dataclass(frozen=True)
class Frames:
    """One window of sound, taken apart.

    ``samples`` float32[n] at ``RATE``; ``spectrum`` complex64[t, BINS], hop ``HOP``; ``voiced`` and
    ``active`` bool[t] of the same frames; ``coarse`` int64[c]: the frames at ``VOICE_HOP`` among them;
    ``autocorrelation`` float32[c, FRAME]; ``periodicity`` float32[c] 0 … 1; ``bandwidth_hz``.
    """

    samples: Float
    spectrum: Complex
    voiced: Bool
    active: Bool
    coarse: NDArray[np.int64]
    autocorrelation: Float
    periodicity: Float
    bandwidth_hz: float

    @property
    def voiced_share(self) -> float:
        """Voiced frames over all frames, 0 … 1."""
        return float(self.voiced.mean()) if self.voiced.size else 0.0


def begins(sound: Float) -> int:
    """Return the index of the first sample that is sound, so that leading silence moves no window."""
    loudest = float(np.abs(sound).max(initial=0.0))
    return int(np.argmax(np.abs(sound) > loudest * _LEAD)) if loudest > 0.0 else 0


def cut(samples: int, sample_rate: int) -> list[tuple[int, int]]:
    """Return half-open sample ranges of ``WINDOW_S``; the last one ends with the sound and may overlap."""
    size = round(WINDOW_S * sample_rate)
    if samples < round(SHORTEST_S * sample_rate):
        return []
    if samples <= size:
        return [(0, samples)]
    ranges = [(start, start + size) for start in range(0, samples - size + 1, size)]
    if samples - ranges[-1][1] >= SHORTEST_S * sample_rate:
        ranges.append((samples - size, samples))
    return ranges


def resample(sound: Float, sample_rate: int) -> Float:
    """Bring one window to ``RATE`` through its spectrum: float32[n] -> float32[round(n · RATE / sample_rate)].

    Its ends are faded over 4 ms. Sound of a lower rate gets no content above its own band.
    """
    if sample_rate == RATE:
        return sound
    step = sample_rate // gcd(sample_rate, RATE)
    whole = sound[: sound.size - sound.size % step].copy()  # an exact ratio: the scale of time is kept
    fade = round(_FADE_S * sample_rate)
    ramp = np.linspace(0.0, 1.0, fade, dtype=np.float32)
    whole[:fade] *= ramp
    whole[-fade:] *= ramp[::-1]
    length = whole.size // step * (RATE // gcd(sample_rate, RATE))
    spectrum = np.fft.rfft(whole)
    kept = np.zeros(length // 2 + 1, spectrum.dtype)
    common = min(kept.size, spectrum.size)
    kept[:common] = spectrum[:common]
    result: Float = np.fft.irfft(kept, length).astype(np.float32) * np.float32(length / whole.size)
    return result


def take_apart(samples: Float) -> Frames:
    """Cut a window at ``RATE`` (float32[n], n ≥ FRAME) into frames, and find the voiced ones and the band."""
    frames = sliding_window_view(samples, FRAME)[::HOP]
    windowed = frames * _HANN
    spectrum: Complex = np.fft.rfft(windowed).astype(np.complex64)
    coarse = np.arange(0, frames.shape[0], VOICE_HOP // HOP)
    power = np.abs(np.fft.rfft(windowed[coarse], 2 * FRAME)) ** 2
    correlation: Float = np.fft.irfft(power)[:, :FRAME].astype(np.float32)
    energy = correlation[:, 0] / FRAME
    loud = energy > max(float(energy.max()) * 10 ** (_ACTIVE_DB / 10), _SILENT_RMS**2)
    periodicity: Float = np.where(loud, period_of(correlation)[0], np.float32(0)).astype(np.float32)
    spread = np.minimum(np.arange(frames.shape[0]) // (VOICE_HOP // HOP), coarse.size - 1)
    voiced = loud & (periodicity > _VOICED)
    return Frames(
        samples=samples,
        spectrum=spectrum[:, :BINS],
        voiced=voiced[spread],
        active=loud[spread],
        coarse=coarse,
        autocorrelation=correlation,
        periodicity=periodicity,
        bandwidth_hz=_bandwidth(spectrum[loud[spread]]),
    )


def period_of(correlation: Float) -> tuple[Float, NDArray[np.int64]]:
    """Return the strength float32[c] (0 … 1) and the lag int64[c] of each frame's period.

    Args:
        correlation: float32[c, FRAME], autocorrelations of Hann-windowed frames.
    """
    lags = correlation[:, SHORTEST_LAG : LONGEST_LAG + 1] / _HANN_DECAY[SHORTEST_LAG : LONGEST_LAG + 1]
    scale = np.maximum(correlation[:, 0], 1e-20)
    best = lags.argmax(axis=1)
    strength = lags[np.arange(best.size), best] / scale
    return np.clip(strength, 0.0, 1.0).astype(np.float32), best + SHORTEST_LAG


def _bandwidth(spectrum: Complex) -> float:
    """Return the frequency (Hz) up to which the loud frames carry sound; 0 where nothing is loud."""
    if not spectrum.shape[0]:
        return 0.0
    power = np.abs(spectrum) ** 2
    loudest = np.partition(power, int(0.95 * (power.shape[0] - 1)), axis=0)[int(0.95 * (power.shape[0] - 1))]
    smooth = np.convolve(loudest, np.full(9, 1 / 9), "same")
    carried = np.flatnonzero(smooth > smooth.max() * 10 ** (_BAND_DB / 10))
    return float(max(carried[-1] - 4, 0) * BIN_HZ) if carried.size else 0.0
