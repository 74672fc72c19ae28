"""Sound in overlapping windows, whatever the blocks it comes in; and how loud, how wide and how noisy it is."""

from __future__ import annotations

import math
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
_CELL = (
    32  # bins, 344 Hz: wide enough for a quantile, narrow enough to lie between the bands of a coloured noise
)
_LOW = 0.2  # of the bins of a cell: between the partials, noise is what is left
_QUIETEST = 0.1  # of the moments: while nobody plays, noise is what is left
_MOMENTS = 2_048  # kept of any file, as 64 values each


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
    """Level, bandwidth and noise floor of a stream."""

    def __init__(self) -> None:
        self._framer = Framer(_FRAME)
        self._taper = np.hanning(_FRAME).astype(np.float32)
        self._power = np.zeros(_FRAME // 2 + 1)
        self._levels: list[float] = []
        self._spectra = 0
        self._floors: list[NDArray[np.float32]] = []
        self._every = 1

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take float32[n]."""
        for _, window in self._framer.add(samples):
            level = 10 * float(np.log10(np.mean(window * window) + _FLOOR))
            self._levels.append(level)
            if level > _QUIET_DBFS and len(self._levels) % 2:  # every other one: the mean needs no overlap
                spectrum = np.fft.rfft(window * self._taper)
                power = spectrum.real**2 + spectrum.imag**2
                self._power += power
                self._keep_floor(power)

    def heard_s(self) -> float:
        """Seconds that are no silence."""
        heard = sum(level > _QUIET_DBFS for level in self._levels)
        return heard * (_FRAME // 2) / SAMPLE_RATE

    def snr_db(self) -> float | None:
        """Level of the sound over its noise floor, dB; None without sound.

        The floor of a cell of 344 Hz is what lies under a fifth of its bins in the quietest tenth of the moments,
        as minimum statistics have it (R. Martin, 2001). White noise at 20 dB under recorded music or speech
        reads as 15 to 22, at 10 dB as 9.5 to 13, at 0 dB as 4.6 to 5.5; studio recordings read 13 and more.
        """
        if not self._floors:
            return None
        noise = float(np.quantile(np.stack(self._floors), _QUIETEST, axis=0).sum()) * _CELL
        sound = float(self._power[: (self._power.size // _CELL) * _CELL].sum()) / self._spectra
        return 10 * math.log10((sound + _FLOOR) / (noise + _FLOOR))

    def _keep_floor(self, power: NDArray[np.floating]) -> None:
        self._spectra += 1
        if self._spectra % self._every:
            return
        cells = power[: (power.size // _CELL) * _CELL].reshape(-1, _CELL)
        rank = round(_LOW * (_CELL - 1))
        low = np.partition(cells, rank, axis=1)[:, rank]
        self._floors.append((low / -math.log(1 - _LOW)).astype(np.float32))  # of an exponential distribution
        if len(self._floors) == _MOMENTS:
            self._floors = self._floors[1::2]
            self._every *= 2

    def band_end(self) -> float:
        """Highest frequency that carries sound, Hz; 0 without sound."""
        if not self._power.any():
            return 0.0
        level = 10 * np.log10(self._power + _FLOOR)
        level = np.convolve(level, np.ones(9) / 9, "same")
        return float(np.flatnonzero(level > level.max() - _BELOW_TOP_DB)[-1] * SAMPLE_RATE / _FRAME)
