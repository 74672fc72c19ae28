"""Speech turned into something like singing: held vowels on the notes of a scale, with glides and vibrato.

Not real singing: breath, register and diction stay those of reading aloud. It gives the separator long steady
harmonics over music, which speech does not have.
"""

from __future__ import annotations

import numpy as np
import pyworld
from numpy.typing import NDArray

_FRAME_MS = 5.0
_SCALE = np.array([0, 2, 4, 5, 7, 9, 11])


def sing(speech: NDArray[np.float64], sample_rate: int, seed: int) -> NDArray[np.float64]:
    """Resynthesise speech (WORLD vocoder) with voiced stretches held and tuned.

    Args:
        speech: float64[n], full scale 1.
        sample_rate: Hz.
        seed: draws key, notes, stretch, vibrato.

    Returns:
        float64[m], m some 1.5 to 2.2 times n.
    """
    rng = np.random.default_rng([seed, 40])
    rough, times = pyworld.dio(speech, sample_rate, frame_period=_FRAME_MS)
    f0 = pyworld.stonemask(speech, rough, times, sample_rate)
    envelope = pyworld.cheaptrick(speech, f0, times, sample_rate)
    aperiodicity = pyworld.d4c(speech, f0, times, sample_rate)
    voiced = f0 > 0
    pace = np.where(voiced, rng.uniform(1.8, 2.8), 1.0)  # vowels are held, consonants are not
    ends = np.cumsum(pace)
    rows = np.clip(np.searchsorted(ends, np.arange(int(ends[-1]))), 0, len(f0) - 1)
    tune = melody(f0[rows], voiced[rows], rng)
    return pyworld.synthesize(
        tune,
        np.ascontiguousarray(envelope[rows]),
        np.ascontiguousarray(np.where(tune[:, None] > 0, aperiodicity[rows] * 0.7, aperiodicity[rows])),
        sample_rate,
        _FRAME_MS,
    )


def melody(
    f0: NDArray[np.float64], voiced: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Fundamental in Hz for every frame, 0 where unvoiced: one note of the key for each quarter to one second.

    Args:
        f0: spoken fundamental, Hz, float64[frames] of 5 ms.
        voiced: bool[frames].
        rng: draws key, notes, glides, vibrato.
    """
    known = f0[voiced]
    if not known.size:
        return np.zeros_like(f0)
    home = 12 * np.log2(np.median(known) / 440) + rng.uniform(0, 5)
    note = np.empty(len(f0))
    degree, at = int(rng.integers(-2, 5)), 0
    while at < len(f0):
        length = int(rng.uniform(0.25, 1.0) * 1000 / _FRAME_MS)
        octave, step = divmod(degree, 7)
        note[at : at + length] = home + 12 * octave + _SCALE[step]
        degree = int(np.clip(degree + rng.integers(-3, 4), -4, 8))
        at += length
    glide = np.hanning(int(rng.uniform(12, 30)))
    note = np.convolve(np.pad(note, len(glide), mode="edge"), glide / glide.sum(), "same")[
        len(glide) : -len(glide)
    ]
    t = np.arange(len(f0)) * _FRAME_MS / 1000
    vibrato = rng.uniform(0.0, 0.6) * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * t + rng.uniform(0, 6))
    return np.where(voiced, 440 * 2 ** ((note + vibrato) / 12), 0.0)
