"""Sound as a decoder leaves it: music through a zero-insertion upsampler with a short, untrained filter.

A transposed convolution of stride k inserts k - 1 zeros between the frames and filters with a kernel hardly longer
than k. What is constant in the frames then comes out with period k: spectral lines at the multiples of rate / k.
Music from ``bench.synth`` stays what it is, so that the same piece without the decoder is the control.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np
from bench.synth import render

from rightscan.synthesis import Analyser, Evidence, Stretch
from rightscan.synthesis.lattice import UNTESTED, Comb
from rightscan.synthesis.parameters import Family

RATE = 44_100
STRIDE = 512
FAMILY = "44100/512"


@functools.cache
def music(seed: int, seconds: float) -> np.ndarray:
    """A piece of its own, float32[n] at ``RATE``."""
    return render(seed, seconds, sample_rate=RATE).mean(axis=1)


def through_decoder(sound: np.ndarray, *, level: float = 0.03, seed: int = 0) -> np.ndarray:
    """The sound, float32[n], with what a stride of 512 leaves under it; ``level`` is the filter's leak."""
    frames = sound[: sound.size // STRIDE * STRIDE].reshape(-1, STRIDE)
    loudness = np.sqrt((frames.astype(np.float64) ** 2).mean(axis=1))
    inserted = np.zeros(sound.size)
    inserted[: loudness.size * STRIDE : STRIDE] = loudness
    kernel = np.random.default_rng(seed).standard_normal(STRIDE + STRIDE // 2)
    size = 1 << int(np.ceil(np.log2(inserted.size + kernel.size)))
    leaked = np.fft.irfft(np.fft.rfft(inserted, size) * np.fft.rfft(kernel, size), size)[: sound.size]
    return np.clip(sound + level * leaked, -1, 1).astype(np.float32)


def evidence_of(
    scores: Sequence[float], *, whole: float | None = None, heard_s: float | None = None, last_s: float = 20.0
) -> Evidence:
    """Evidence with these scores of its stretches of 20 s, and nothing else found; ``last_s``: of the last one."""
    analyser = Analyser()
    analyser.add(np.random.default_rng(1).normal(0, 0.1, (RATE * 2, 1)).astype(np.float32))
    seen = analyser.finish()
    found = Comb(0.0, Family(RATE, STRIDE), 1.0, 15_520.0, 145)
    length = 20.0 * (len(scores) - 1) + last_s
    nothing = {f.name: UNTESTED for f in fields(seen) if isinstance(getattr(seen, f.name), Comb)}
    changes: dict[str, Any] = {
        **nothing,
        "duration_s": length,
        "heard_s": length if heard_s is None else heard_s,
        "band_hz": 16_021.5,
        "snr_db": 31.27,
        "whole": replace(found, score=max(scores) if whole is None else whole),
        "stretches": tuple(
            Stretch(20.0 * n, min(20.0 * n + 20, length), replace(found, score=score))
            for n, score in enumerate(scores)
        ),
        "lines": None,
    }
    return replace(seen, **changes)
