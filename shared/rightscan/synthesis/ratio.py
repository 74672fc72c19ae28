"""The lattice of a sound whose speed or pitch was changed: the comb at every small ratio.

Some 150,000 combs are summed, so chance alone reaches 4.5; a change is a hint that needs a higher score.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.lattice import Comb, Prominence, best_of, comb, lowest
from rightscan.synthesis.parameters import FAMILIES, PARAMETERS, Family

_CANDIDATES = 24
_PER_FAMILY = 3
_APART = 12  # steps; nearer ratios hit the same bins
_NARROW_TOP = 11_640.0  # Hz; decoders of 24 kHz leave nothing above


def search(seen: Prominence, band_end: float) -> Comb:
    """Return the strongest lattice at a ratio of 1 ± ``ratio_reach``.

    Args:
        seen: the standardised spectrum of the long transform.
        band_end: the sound's own, Hz, as ``tops`` gives it last.
    """
    tops = [band_end] + [_NARROW_TOP] * (band_end > 1.1 * _NARROW_TOP)
    found: list[tuple[float, Family, float, float]] = []
    for top in tops:
        for family in FAMILIES:
            found += [(s, family, r, top) for s, r in _peaks(seen, family, top)]
    found.sort(key=lambda entry: -entry[0])
    return best_of(comb(seen, family, top, ratio) for _, family, ratio, top in found[:_CANDIDATES])


def _peaks(seen: Prominence, family: Family, top: float) -> list[tuple[float, float]]:
    reach = PARAMETERS.ratio_reach
    first = int(np.ceil(lowest(top) / family.spacing / (1 - reach)))
    numbers = np.arange(first, int(top / family.spacing / (1 + reach)) + 1)
    if numbers.size < 4:
        return []
    ratios = np.arange(1 - reach, 1 + reach, PARAMETERS.ratio_step)
    places = np.multiply.outer(ratios, numbers * (family.spacing / seen.hz))
    sums: NDArray[np.float32] = seen.whole[np.rint(places).astype(np.int32)].sum(axis=1)
    sums /= np.float32(np.sqrt(numbers.size))
    peaks = []
    for _ in range(_PER_FAMILY):
        place = int(np.argmax(sums))
        peaks.append((float(sums[place]), float(ratios[place])))
        sums[max(0, place - _APART) : place + _APART + 1] = -np.inf
    return peaks
