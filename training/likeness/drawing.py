"""What a step learns from: two stretches of each of some people, worn independently in the bands.

In the power of the bands noise adds up and a room or a filter multiplies, so all of this costs next to nothing.
The two stretches of a person get different wear: with one recording of each, a channel would otherwise be a voice.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray

from training.likeness.pool import BANDS, Pool

Float = NDArray[np.float32]

_NOISY, _BABBLE, _LIMITED, _MASKED = 0.6, 0.15, 0.25, 0.3
"""Shares of stretches."""
_SNR_DB = (3.0, 30.0)
_TEMPO = (0.92, 1.09)


class Drawer:
    """Draws batches from a pool.

    Args:
        pool: of ``training.likeness.pool``.
        rng: draws people, stretches and wear.
    """

    def __init__(self, pool: Pool, rng: np.random.Generator) -> None:
        self._pool, self._rng = pool, rng
        self._noise = pool.noise
        items: dict[str, list[int]] = defaultdict(list)
        for index, person in enumerate(pool.people):
            if not person.startswith("#"):
                items[person].append(index)
        self.people = sorted(items)
        self._items = [items[person] for person in self.people]

    def batch(self, people: int, frames: int) -> tuple[Float, NDArray[np.int64]]:
        """float32[2 people, frames, 64] with the mean taken out, and int64[2 people] who they are."""
        chosen = self._rng.choice(len(self.people), people, replace=False)
        rows = [self._stretch(int(person), frames) for _ in range(2) for person in chosen]
        return np.stack(rows), np.concatenate([chosen, chosen]).astype(np.int64)

    def _stretch(self, person: int, frames: int) -> Float:
        items = self._items[person]
        bands = self._cut(int(self._rng.choice(items)), frames, tempo=True)
        bands = self._worn(bands)
        return bands - bands.mean(axis=0, keepdims=True)

    def _cut(self, item: int, frames: int, *, tempo: bool) -> Float:
        whole = self._pool.item(item)
        wanted = (
            round(frames * float(self._rng.uniform(*_TEMPO)))
            if tempo and self._rng.random() < 0.3
            else frames
        )
        if len(whole) < wanted:
            whole = np.tile(whole, (-(-wanted // len(whole)), 1))
        start = int(self._rng.integers(len(whole) - wanted + 1))
        part = whole[start : start + wanted].astype(np.float32)
        if wanted == frames:
            return part
        return part[np.linspace(0, wanted - 1, frames).round().astype(np.int64)]

    def _worn(self, bands: Float) -> Float:
        rng = self._rng
        bands = bands + self._tilt()
        if rng.random() < _NOISY:
            bands = self._with(bands, int(rng.choice(self._noise)), rng.uniform(*_SNR_DB))
        elif rng.random() < _BABBLE:
            other = self._items[int(rng.integers(len(self._items)))]
            bands = self._with(bands, int(rng.choice(other)), rng.uniform(10.0, 25.0))
        if rng.random() < _LIMITED:
            bands = self._limited(bands)
        if rng.random() < _MASKED:
            start, width = int(rng.integers(BANDS - 8)), int(rng.integers(2, 9))
            bands[:, start : start + width] = bands[:, start : start + width].mean()
        return bands

    def _tilt(self) -> Float:
        """A smooth filter of up to some 6 dB either way: gains at six places, joined."""
        gains = self._rng.normal(0.0, 0.6, 6)
        return np.interp(np.linspace(0, 5, BANDS), np.arange(6), gains).astype(np.float32)

    def _with(self, bands: Float, item: int, snr_db: float) -> Float:
        noise = self._cut(item, len(bands), tempo=False)
        ratio = np.log(np.exp(bands).mean()) - np.log(np.exp(noise).mean() + 1e-12)
        return np.logaddexp(bands, noise + np.float32(ratio - snr_db * np.log(10) / 10))

    def _limited(self, bands: Float) -> Float:
        """Take away what lies above an edge, and sometimes what lies below another, down to a floor."""
        rng = self._rng
        floor = np.float32(bands.max() - rng.uniform(11.0, 16.0))
        top = int(rng.integers(38, BANDS))
        bands[:, top:] = floor + rng.normal(0, 0.3, bands[:, top:].shape)
        if rng.random() < 0.5:
            low = int(rng.integers(1, 7))
            bands[:, :low] = floor + rng.normal(0, 0.3, bands[:, :low].shape)
        return bands
