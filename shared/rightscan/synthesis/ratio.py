"""The lattice of a sound whose speed or pitch was changed: the comb at every small ratio.

Some 150,000 combs are summed, so chance alone reaches 4.5, and sustained or looped sound has lines at many
ratios. So a lattice gives up what the best lattice that is no kin of it scores beyond chance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.lattice import Comb, Prominence, best_of, comb, lowest
from rightscan.synthesis.parameters import FAMILIES, PARAMETERS, Family

_CANDIDATES = 40
_PER_FAMILY = 3
_APART = 12  # steps; nearer ratios hit the same bins
_CHANCE = 4.0  # what the second best of a sound without lines scores
_KIN, _KIN_WITHIN = 16, 3e-4  # spacings at a ratio of whole numbers up to 16 are one lattice's
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
    combs = [comb(seen, family, top, ratio) for _, family, ratio, top in found[:_CANDIDATES]]
    best = best_of(combs)
    if best.family is None:
        return best
    rival = best_of(c for c in combs if c.family is not None and not _are_kin(_spacing(c), _spacing(best)))
    return replace(best, score=best.score - max(0.0, rival.score - _CHANCE))


def _spacing(found: Comb) -> float:
    return 0.0 if found.family is None else found.family.spacing * found.ratio


def _are_kin(one: float, other: float) -> bool:
    """Whether two spacings are to each other as small whole numbers."""
    larger = max(one, other) / min(one, other)
    parts = np.arange(1, _KIN + 1)
    return bool(np.any(np.abs(larger - np.rint(larger * parts) / parts) < _KIN_WITHIN * larger))


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
