"""How much of a sound is voice, second by second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rightscan.separation.separate import Stems

SILENCE_DBFS = -70.0
"""Under this level a second has no share: there is nothing to be shared."""

LIMIT_DB = 60.0
"""Shares are cut off here on either side: a mask of 0.001 says no more than "none"."""


class VocalShare:
    """Collects the energies of both stems from one stretch after the other.

    Args:
        sample_rate: Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._energies = np.zeros((2, 0))
        self._counts = np.zeros(0)

    def add(self, stems: Stems) -> None:
        """Take in a stretch; stretches may come in any order and of any length."""
        second = (stems.start + np.arange(len(stems.vocal))) // self._rate
        if not second.size:
            return
        size = max(int(second[-1]) + 1, self._counts.size)
        self._energies = np.pad(self._energies, ((0, 0), (0, size - self._counts.size)))
        self._counts = np.pad(self._counts, (0, size - self._counts.size))
        self._counts += np.bincount(second, minlength=size)
        for row, sound in enumerate((stems.vocal, stems.instrumental)):
            power = np.einsum("nc,nc->n", sound, sound, dtype=np.float64) / 2
            self._energies[row] += np.bincount(second, power, size)

    @property
    def per_second_db(self) -> NDArray[np.float32]:
        """float32[seconds]: energy of the voice over that of the backing, dB within ±60; NaN where it is silent."""
        return _ratio_db(self._energies, self._counts).astype(np.float32)

    @property
    def whole_db(self) -> float:
        """The same of the whole sound; NaN where it is silent."""
        return float(_ratio_db(self._energies.sum(axis=1), self._counts.sum()))


def _ratio_db(energies: NDArray[np.float64], counts: NDArray[np.float64]) -> NDArray[np.float64]:
    tiny = 1e-30
    ratio = 10 * np.log10((energies[0] + tiny) / (energies[1] + tiny))
    silent = energies.sum(axis=0) < np.maximum(counts, 1) * 10 ** (SILENCE_DBFS / 10)
    share: NDArray[np.float64] = np.where(silent, np.nan, np.clip(ratio, -LIMIT_DB, LIMIT_DB))
    return share
