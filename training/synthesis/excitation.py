"""One pitch track and the pulses that it asks for: the source of source-filter vocoders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.synthesis.sound import Sound

LOWEST_HZ, HIGHEST_HZ = 65.0, 420.0
_VOICED = 0.45  # of the autocorrelation's peak at no lag; lower takes breath for voice
_UNVOICED_HZ = 250.0  # how dense marks lie where there is no pitch


def pitch(sound: Sound, rate: int, hop: int) -> NDArray[np.float64]:
    """Pitch by normalised autocorrelation (Rabiner 1977), a median over five frames.

    Args:
        sound: float32[n].
        rate: Hz.
        hop: samples between frames.

    Returns:
        float64[n // hop + 1], Hz; 0 where unvoiced.
    """
    size = round(2.5 * rate / LOWEST_HZ)
    padded = np.pad(sound.astype(np.float64), (size // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: sound.size // hop + 1]
    window = np.hanning(size)
    points = 2 ** int(np.ceil(np.log2(2 * size)))
    power = np.abs(np.fft.rfft(frames * window, n=points, axis=1)) ** 2
    taper = np.fft.irfft(np.abs(np.fft.rfft(window, n=points)) ** 2)[:size]
    correlation = np.fft.irfft(power, axis=1)[:, :size] / np.maximum(taper / taper[0], 1e-3)
    low, high = int(rate / HIGHEST_HZ), int(rate / LOWEST_HZ)
    part = correlation[:, low:high]
    lag = part.argmax(axis=1)
    loud = correlation[:, 0] > 1e-3 * max(float(correlation[:, 0].max()), 1e-12)
    voiced = (np.take_along_axis(part, lag[:, None], 1)[:, 0] > _VOICED * correlation[:, 0]) & loud
    f0 = np.where(voiced, rate / (lag + low), 0.0)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(f0, 2, mode="edge"), 5)
    return np.asarray(np.median(around, axis=1))


def pulses(
    f0: NDArray[np.float64], rate: int, hop: int, length: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Marks a period apart where there is a pitch, at random distances where there is none.

    Args:
        f0: Hz per frame, 0 is unvoiced.
        rate: Hz.
        hop: samples between frames.
        length: samples to cover.
        rng: for the marks without pitch.

    Returns:
        Positions int64[marks], rising, in samples, and bool[marks]: whether each stands in voice.
    """
    at, marks, voiced = 0.0, [], []
    while at < length:
        now = float(f0[min(int(at / hop), f0.size - 1)])
        marks.append(int(at))
        voiced.append(now > 0)
        step = rate / now if now > 0 else rate / _UNVOICED_HZ * rng.uniform(0.5, 1.5)
        at += max(1.0, step)
    return np.asarray(marks, dtype=np.int64), np.asarray(voiced)


def excitation(
    f0: NDArray[np.float64],
    rate: int,
    hop: int,
    length: int,
    rng: np.random.Generator,
    *,
    voiced_share: float,
) -> Sound:
    """Pulses of the energy of white noise where voiced, white noise elsewhere.

    Args:
        f0: Hz per frame.
        rate: Hz.
        hop: samples between frames.
        length: samples.
        rng: for the noise.
        voiced_share: of the energy that pulses carry where voiced; the rest is noise.

    Returns:
        float32[length], about unit variance.
    """
    noise = rng.standard_normal(length)
    marks, voiced = pulses(f0, rate, hop, length, rng)
    train = np.zeros(length)
    train[marks[voiced]] = np.sqrt(np.gradient(marks.astype(np.float64)))[voiced] if marks.size > 1 else 1.0
    per_sample = np.repeat(f0 > 0, hop)[:length]
    held = np.pad(per_sample, (0, length - per_sample.size), mode="edge")
    mixed = np.sqrt(voiced_share) * train + np.sqrt(1 - voiced_share) * noise
    return np.asarray(np.where(held, mixed, noise), dtype=np.float32)
