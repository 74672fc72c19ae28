"""Sound in overlapping windows, whatever the blocks it comes in; and how loud and how wide it is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.parameters import SAMPLE_RATE

_FRAME = 4_096  # samples, 93 ms: short enough to find pauses, 11 Hz wide
_QUIET_DBFS = -70.0
_BELOW_TOP_DB = (
    80.0  # of the long-term spectrum: 16-bit dither under a full-scale recording lies at -96 in all
)
_FLOOR = 1e-14


class Framer:
    """Cuts a stream into windows of ``size`` samples, a new one every ``size // 2``."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._held = np.zeros(0, np.float32)
        self._start = 0

    def add(self, samples: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Take float32[n]; yield the windows now complete, each with its first sample's number."""
        self._held = np.concatenate([self._held, samples])
        hop = self._size // 2
        place = 0
        while place + self._size <= self._held.size:
            yield self._start + place, self._held[place : place + self._size]
            place += hop
        self._held = self._held[place:]
        self._start += place

    def rest(self) -> NDArray[np.float32] | None:
        """Return a stream shorter than one window, padded with zeros; None where a window was yielded."""
        if self._start or not self._held.size:
            return None
        return np.pad(self._held, (0, self._size - self._held.size))


class Loudness:
    """Level and bandwidth of a stream."""

    def __init__(self) -> None:
        self._framer = Framer(_FRAME)
        self._taper = np.hanning(_FRAME).astype(np.float32)
        self._power = np.zeros(_FRAME // 2 + 1)
        self._levels: list[float] = []

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take float32[n]."""
        for _, window in self._framer.add(samples):
            level = 10 * float(np.log10(np.mean(window * window) + _FLOOR))
            self._levels.append(level)
            if level > _QUIET_DBFS and len(self._levels) % 2:  # every other one: the mean needs no overlap
                spectrum = np.fft.rfft(window * self._taper)
                self._power += spectrum.real**2 + spectrum.imag**2

    def heard_s(self) -> float:
        """Seconds that are no silence."""
        heard = sum(level > _QUIET_DBFS for level in self._levels)
        return heard * (_FRAME // 2) / SAMPLE_RATE

    def range_db(self) -> float:
        """Level of the louder passages over that of the quietest twentieth, dB; 0 without sound."""
        heard = [level for level in self._levels if level > _QUIET_DBFS]
        return float(np.subtract(*np.quantile(heard, (0.95, 0.05)))) if heard else 0.0

    def band_end(self) -> float:
        """Highest frequency that carries sound, Hz; 0 without sound."""
        if not self._power.any():
            return 0.0
        level = 10 * np.log10(self._power + _FLOOR)
        level = np.convolve(level, np.ones(9) / 9, "same")
        return float(np.flatnonzero(level > level.max() - _BELOW_TOP_DB)[-1] * SAMPLE_RATE / _FRAME)
