"""Sound for tests of the lattice comb: what no decoder made, and the same with a decoder's lines in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RATE = 44_100


def music(seconds: float, seed: int = 1) -> NDArray[np.float32]:
    """Notes that come and go over a noise floor, float32[n], full scale ±1."""
    random = np.random.default_rng(seed)
    n = int(seconds * RATE)
    sound = 0.004 * random.standard_normal(n)
    life = np.arange(int(1.2 * RATE)) / RATE
    for start in range(0, n, RATE // 4):
        pitch = 110 * 2 ** (random.integers(0, 36) / 12)
        part = life[: n - start]
        for number in range(1, 12):
            wave = np.sin(2 * np.pi * number * pitch * part + random.uniform(0, 2 * np.pi))
            sound[start : start + len(part)] += 0.05 / number * np.exp(-5 * part) * wave
    return (sound / np.abs(sound).max() * 0.7).astype(np.float32)


def decoded(
    sound: NDArray[np.float32], strides: tuple[int, ...] = (8, 8, 4, 2), depth: float = 0.02, seed: int = 2
) -> NDArray[np.float32]:
    """The same sound with what an untrained stack of transposed convolutions adds.

    The level of the sound, at the lowest rate, is spread out by zero insertion, a short random filter, a bias
    and a rectifier a stage.

    Args:
        sound: float32[n].
        strides: of the stages; their product is the lowest rate's stride.
        depth: root mean square of what is added, as a share of the sound's.
        seed: of the filters.
    """
    random = np.random.default_rng(seed)
    stride = int(np.prod(strides))
    frames = len(sound) // stride
    low = np.sqrt((sound[: frames * stride].reshape(frames, stride) ** 2).mean(axis=1))
    for factor in strides:
        spread = np.zeros(len(low) * factor)
        spread[::factor] = low
        low = np.convolve(spread, random.standard_normal(2 * factor), "same") + 0.1 * low.std()
        low = np.maximum(low, 0.2 * low)
    added = low - low.mean()
    added *= depth * np.sqrt((sound**2).mean()) / np.sqrt((added**2).mean())
    whole = sound.copy()
    whole[: len(added)] += added.astype(np.float32)
    return whole


def resampled(sound: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """The sound ``speed`` times as fast, by linear interpolation."""
    places = np.arange(0, len(sound) - 1, speed)
    return np.interp(places, np.arange(len(sound)), sound).astype(np.float32)
