"""A small registered catalogue for the tests of the index."""

from __future__ import annotations

from functools import cache

import numpy as np
from bench.synth import render

from rightscan.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint

Sound = np.ndarray
SECONDS = 40


@cache
def sound(seed: int) -> Sound:
    """A piece of synthesised music, float32[40 s], at the same loudness as the others."""
    x = render(seed, SECONDS, sample_rate=SAMPLE_RATE).mean(axis=1)[: SECONDS * SAMPLE_RATE]
    return (x * (0.08 / np.sqrt(np.mean(x**2)))).astype(np.float32)


@cache
def registered(seed: int) -> Fingerprint:
    return of(sound(seed))


def of(x: Sound) -> Fingerprint:
    return fingerprint([x.astype(np.float32)], SAMPLE_RATE)


def cut(x: Sound, start: float, stop: float) -> Sound:
    return x[round(start * SAMPLE_RATE) : round(stop * SAMPLE_RATE)]


def items(*seeds: int) -> list[tuple[str, Fingerprint]]:
    return [(f"R{seed}", registered(seed)) for seed in seeds]
