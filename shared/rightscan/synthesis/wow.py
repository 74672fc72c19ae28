"""The lattice of a sound whose speed wavers: its ratio is followed from window to window.

Wow of 0.05 % moves a line at 10 kHz by seven bins of the long transform and blurs it. In the short one the
ratio is followed by a Viterbi path (as pitch is tracked) over one half of the teeth and scored on the other, so
that the path cannot find what it made. The null is the sound's own: the same is done for combs that stand
between the lines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rightscan.synthesis.lattice import UNTESTED, Comb, lowest, teeth_numbers
from rightscan.synthesis.parameters import FAMILIES, PARAMETERS, SAMPLE_RATE, Family

_HZ = SAMPLE_RATE / PARAMETERS.coarse
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
    families = [family for family in FAMILIES if _numbers(family, top).size >= _FEWEST_TEETH]
    if not families:
        return UNTESTED
    sums, ratios = _followed(heard, [(family, 0.0) for family in families], top)
    first = np.argsort(-sums, kind="stable")[:_CANDIDATES]
    between = [(families[place], shift) for place in first for shift in _BETWEEN]
    rest = _followed(heard, between, top)[0].reshape(len(first), len(_BETWEEN)).max(axis=1)
    scores = np.minimum(_MOST, _PER_SCORE * (sums[first] - rest) - _COST_OF_CHOICE)
    best = int(np.argmax(scores))
    family = families[first[best]]
    lines = int(_numbers(family, top).size)
    return Comb(float(scores[best]), family, float(ratios[first[best]]), top, lines)


def _numbers(family: Family, top: float) -> NDArray[np.int64]:
    """Numbers of the teeth that stay within the band at every ratio."""
    return teeth_numbers(family.spacing, lowest(top) / (1 - _REACH), top / (1 + _REACH), _HZ)


def _followed(
    heard: NDArray[np.float32], combs: Sequence[tuple[Family, float]], top: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For combs shifted by a part of their spacing: mean over windows along the followed ratio, mean ratio."""
    halves = []
    for family, shift in combs:
        numbers = _numbers(family, top)
        places = np.rint(np.multiply.outer(_RATIOS, (numbers + shift) * (family.spacing / _HZ)))
        values = heard[:, places.astype(np.int64)]
        odd = np.arange(numbers.size) % 2 == 0
        halves += [values[:, :, m].sum(axis=2) / np.float32(np.sqrt(m.sum())) for m in (odd, ~odd)]
    sums = np.stack(halves)
    paths = _paths(sums)
    # Each half is scored along the path of the other: of a pair, neighbours in the stack.
    crossed = paths.reshape(-1, 2, len(heard))[:, ::-1].reshape(paths.shape)
    along = np.take_along_axis(sums, crossed[:, :, None], axis=2)[:, :, 0].mean(axis=1, dtype=np.float64)
    return along.reshape(-1, 2).mean(axis=1), _RATIOS[paths].reshape(len(combs), -1).mean(axis=1)


def _paths(sums: NDArray[np.float32]) -> NDArray[np.int64]:
    """Viterbi paths int64[n, windows] through float32[n, windows, ratios]."""
    count, windows = sums.shape[:2]
    reach = int(_MOVES[-1])
    best = sums[:, 0]
    came = np.zeros(sums.shape, np.int64)
    for window in range(1, windows):
        padded = np.pad(best, ((0, 0), (reach, reach)), constant_values=_LOST)
        ways = sliding_window_view(padded, _MOVES.size, axis=1) + _COST
        chosen = ways.argmax(axis=2)
        came[:, window] = _MOVES[chosen]
        best = np.take_along_axis(ways, chosen[:, :, None], axis=2)[:, :, 0] + sums[:, window]
    path = np.zeros((count, windows), np.int64)
    path[:, -1] = best.argmax(axis=1)
    every = np.arange(count)
    for window in range(windows - 1, 0, -1):
        path[:, window - 1] = path[:, window] + came[every, window, path[:, window]]
    return path
