"""From sound to the lines that stay: a whitened log spectrum, averaged over the windows of a stretch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.parameters import PARAMETERS, SAMPLE_RATE

_FLOOR = 1e-7  # of the magnitude; below the rounding of 16 bit through any of the windows
_QUIET = 1e-4  # a window whose loudest sample is under -80 dBFS tells of dither alone
_STEPS = 40  # of the stored window values, per unit: 3 units are 120 of the 127 that a byte holds


@dataclass(frozen=True, eq=False)
class LineSpectrum:
    """What stays in a stretch of sound, bin by bin, in units of 6 dB over the neighbourhood.

    Attributes:
        whole: float32[bins], over all windows.
        loud: float32[bins], over the louder half of them.
        windows: how many were heard.
    """

    whole: NDArray[np.float32]
    loud: NDArray[np.float32]
    windows: int

    @property
    def hz(self) -> float:
        """Distance of the bins, Hz."""
        return SAMPLE_RATE / (2 * (self.whole.size - 1))


class LineAccumulator:
    """Collects the windows of one stretch; memory is one byte a bin and window."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._taper = np.hanning(size).astype(np.float32)
        self._kept: list[NDArray[np.int8]] = []
        self._levels: list[float] = []
        self._from = round(PARAMETERS.lowest_narrow * size / SAMPLE_RATE)

    def add(self, window: NDArray[np.float32]) -> None:
        """Take one window float32[size]; silence is passed over."""
        if float(np.max(np.abs(window))) < _QUIET:
            return
        spectrum = np.fft.rfft(window * self._taper)
        power = spectrum.real**2 + spectrum.imag**2
        level = (10 * np.log10(power + np.float32(_FLOOR**2))).astype(np.float32)
        self._levels.append(float(level[self._from :].mean()))
        level -= moving_mean(level, PARAMETERS.whitening)
        limit = PARAMETERS.clip_db
        scaled = np.clip(level, -limit, limit) * np.float32(_STEPS / PARAMETERS.unit_db)
        self._kept.append(np.rint(scaled).astype(np.int8))

    def windows(self, most: int) -> NDArray[np.float32]:
        """Return the first windows one by one, float32[n, bins], in units of 6 dB."""
        kept = np.stack(self._kept[:most]) if self._kept else np.zeros((0, self._size // 2 + 1), np.int8)
        return kept.astype(np.float32) / np.float32(_STEPS)

    def spectrum(self) -> LineSpectrum | None:
        """Return what stays; None where no window was heard."""
        if not self._kept:
            return None
        stack = np.stack(self._kept)
        levels = np.array(self._levels)
        louder = stack[levels >= np.quantile(levels, 1 - PARAMETERS.loud)]
        return LineSpectrum(_staying(stack), _staying(louder), len(stack))


def moving_mean(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Mean over ``width`` (odd) neighbours; the ends repeat their last value."""
    half = width // 2
    sums = np.cumsum(np.pad(values, (half + 1, half), mode="edge"), dtype=np.float64)
    mean: NDArray[np.float32] = ((sums[width:] - sums[:-width]) / width).astype(np.float32)
    return mean


class LinePool:
    """Running mean of line spectra, weighted by their windows."""

    def __init__(self) -> None:
        self._whole: NDArray[np.float64] | None = None
        self._loud: NDArray[np.float64] | None = None
        self._windows = 0

    def add(self, lines: LineSpectrum) -> None:
        """Take one stretch."""
        whole, loud = lines.windows * lines.whole.astype(np.float64), lines.windows * lines.loud
        self._whole = whole if self._whole is None else self._whole + whole
        self._loud = loud.astype(np.float64) if self._loud is None else self._loud + loud
        self._windows += lines.windows

    def mean(self) -> LineSpectrum | None:
        """Return the mean; None where nothing was added."""
        if self._whole is None or self._loud is None:
            return None
        whole, loud = self._whole / self._windows, self._loud / self._windows
        return LineSpectrum(whole.astype(np.float32), loud.astype(np.float32), self._windows)


def _staying(stack: NDArray[np.int8]) -> NDArray[np.float32]:
    """Half the mean and half the percentile over windows: a note that comes and goes has no high percentile."""
    rank = round(PARAMETERS.percentile / 100 * (len(stack) - 1))
    low = np.partition(stack, rank, axis=0)[rank]
    mean = stack.mean(axis=0, dtype=np.float32)
    staying: NDArray[np.float32] = ((mean + low) / np.float32(2 * _STEPS)).astype(np.float32)
    return staying
