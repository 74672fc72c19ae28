"""Band contrast: which semitone bands stand out of their surroundings, as one bit on the reference side.

A coarse picture of the harmony that survives noise and codecs which move or bury single peaks; after the idea of
Haitsma and Kalker ("A highly robust audio fingerprinting system", ISMIR 2002) to keep only signs of energy
differences.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import PARAMETERS as P

ROWS_PER_BLOCK = 16  # rows of 4 hops in a block of 64
BAND_BYTES = -(-P.bands // 8)
_TIME_HALF = (
    8  # rows: three quarters of a second either side; slow changes look alike in any two pieces of music
)
_BAND_HALF = 10
CONTRAST_MARGIN = _TIME_HALF  # rows on either side that the contrast of a row depends on


def contrast(bands: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return float32[rows, 52], dB over the mean of the neighbouring bands, less its own mean over a second."""
    level = bands.astype(np.float32) * np.float32(0.5)
    across = level - _running_mean(level, _BAND_HALF, 1)
    return across - _running_mean(across, _TIME_HALF, 0)


def _running_mean(x: NDArray[np.float32], half: int, axis: int) -> NDArray[np.float32]:
    n = x.shape[axis]
    total = np.insert(np.cumsum(x, axis=axis, dtype=np.float64), 0, 0, axis=axis)
    high = np.minimum(np.arange(n) + half + 1, n)
    low = np.maximum(np.arange(n) - half, 0)
    width = (high - low).reshape((n, 1) if axis == 0 else (1, n))
    mean: NDArray[np.float32] = ((total.take(high, axis) - total.take(low, axis)) / width).astype(np.float32)
    return mean


def band_signs(bands: NDArray[np.uint8], blocks: int) -> NDArray[np.uint8]:
    """Return the signs of the contrast, uint8[blocks * 16 * 7], zero-padded to whole blocks."""
    packed = np.packbits(contrast(bands) > 0, axis=1)
    out = np.zeros((blocks * ROWS_PER_BLOCK, BAND_BYTES), np.uint8)
    out[: packed.shape[0]] = packed
    return out.ravel()


def unpack_signs(packed: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return packed signs uint8[rows, 7] as float32[rows, 52] of -1 and 1."""
    bits = np.unpackbits(packed, axis=1, count=P.bands)
    return bits.astype(np.float32) * 2 - 1
