"""The lattice of a sound whose speed wavers: its ratio is followed from window to window.

Wow of 0.05 % moves a line at 10 kHz by seven bins of the long transform and blurs it. In the short one the
ratio is followed by a Viterbi path (as pitch is tracked) over one half of the teeth and scored on the other, so
that the path cannot find what it made. The null is the sound's own: the same is done for combs that stand
between the lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.lattice import UNTESTED, Comb, best_of, lowest, teeth_numbers
from rightscan.synthesis.parameters import FAMILIES, PARAMETERS, SAMPLE_RATE, Family

_REACH, _STEP = 2e-3, 1e-4  # of the ratio; 1e-4 at the highest line is half a bin
_RATIOS: NDArray[np.float64] = 1 + np.arange(-_REACH, _REACH + _STEP / 2, _STEP)
_MOVES = np.arange(-3, 4)
_COST = (-0.06 * _MOVES.astype(np.float64) ** 2).astype(np.float32)  # of a move, in standard deviations
_CAP = 2.0  # units of 6 dB, of one line in one window
_TOP = 11_640.0  # Hz; above, half a per mille is two bins
WINDOWS = 80  # 15 s; twice as many gain little and cost twice as much
"""How many windows are followed."""
_BETWEEN = (0.29, 0.36, 0.44, 0.56, 0.64, 0.71)  # of the spacing; away from the parts of a lattice
_CANDIDATES = 3
_FEWEST_TEETH = 16  # fewer are a sung note and its vibrato
_PER_SCORE, _COST_OF_CHOICE = (
    6.5,
    1.0,
)  # of the excess; one recording in a hundred comes to 0.78, which is QUEUE
_MOST = 7.0  # of the score; a path has many ways, so it queues and never asserts
_LOST = np.float32(-1e9)


def track(windows: NDArray[np.float32], band_end: float) -> Comb:
    """Return the strongest lattice whose ratio may waver by ±0.2 %.

    Args:
        windows: float32[n, bins] of the short transform, whitened, in units of 6 dB.
        band_end: of the sound, Hz.
    """
    heard = np.clip(windows[:WINDOWS], -_CAP, _CAP)
    top = min(band_end, _TOP)
    sums = [(s, family) for family in FAMILIES if (s := _followed(heard, family, top)) is not None]
    sums.sort(key=lambda entry: -entry[0][0])
    return best_of(_told(heard, family, top, found) for found, family in sums[:_CANDIDATES])


def _told(heard: NDArray[np.float32], family: Family, top: float, found: tuple[float, float]) -> Comb:
    between = [_followed(heard, family, top, shift) for shift in _BETWEEN]
    rest = [sums[0] for sums in between if sums is not None]
    if not rest:
        return UNTESTED
    score = min(_MOST, _PER_SCORE * (found[0] - max(rest)) - _COST_OF_CHOICE)
    return Comb(score, family, found[1], top, len(_numbers(family, top)))


def _numbers(family: Family, top: float) -> NDArray[np.int64]:
    """Numbers of the teeth that stay within the band at every ratio."""
    return teeth_numbers(
        family.spacing, lowest(top) / (1 - _REACH), top / (1 + _REACH), SAMPLE_RATE / PARAMETERS.coarse
    )


def _followed(
    heard: NDArray[np.float32], family: Family, top: float, shift: float = 0.0
) -> tuple[float, float] | None:
    """Mean over windows of the comb along the followed ratio, and the mean ratio; None for too few teeth."""
    numbers = _numbers(family, top)
    if numbers.size < _FEWEST_TEETH:
        return None
    hz = SAMPLE_RATE / PARAMETERS.coarse
    places = np.rint(np.multiply.outer(_RATIOS, (numbers + shift) * (family.spacing / hz))).astype(np.int64)
    values = heard[:, places]
    half = np.arange(numbers.size) % 2 == 0
    one, other = (values[:, :, m].sum(axis=2) / np.float32(np.sqrt(m.sum())) for m in (half, ~half))
    first, second = _path(one), _path(other)
    at = np.arange(len(heard))
    mean = (float(other[at, first].mean()) + float(one[at, second].mean())) / 2
    return mean, float(_RATIOS[np.concatenate([first, second])].mean())


def _path(sums: NDArray[np.float32]) -> NDArray[np.int64]:
    """Viterbi path int64[windows] through float32[windows, ratios]."""
    windows, ratios = sums.shape
    best = sums[0]
    came = np.zeros((windows, ratios), np.int64)
    reach = int(_MOVES[-1])
    for window in range(1, windows):
        padded = np.pad(best, reach, constant_values=_LOST)
        ways = np.stack(
            [padded[reach + m : reach + m + ratios] + c for m, c in zip(_MOVES, _COST, strict=True)]
        )
        chosen = ways.argmax(axis=0)
        came[window] = _MOVES[chosen]
        best = ways[chosen, np.arange(ratios)] + sums[window]
    path = np.zeros(windows, np.int64)
    path[-1] = int(best.argmax())
    for window in range(windows - 1, 0, -1):
        path[window - 1] = path[window] + came[window, path[window]]
    return path
