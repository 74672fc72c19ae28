"""The lattice comb: do spectral lines stand at the multiples of a decoder's frame rates?

Decoders with transposed convolutions copy their bias and their spectrum to the multiples of
``sample_rate / stride`` (Odena et al., "Deconvolution and checkerboard artifacts", 2016; Afchar et al., "A
Fourier explanation of AI-music artifacts", ISMIR 2025). No training is needed to find them: the sum over the
teeth of a comb is compared with the sums over the same comb shifted by every other amount. That null is the
sound's own, so sustained notes, hum and loops, whose lines stand at other phases too, raise it with the sum.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.parameters import CLOCK_HZ, FAMILIES, PARAMETERS, Family
from rightscan.synthesis.spectrum import LineSpectrum, moving_mean

_MIN_TEETH = 4
_NEIGHBOURS = 2  # bins beside a phase that belong to it: the main lobe of the taper
_PARTS = (2, 3, 4, 5, 8)  # a lattice of d also stands at these parts of a multiple of d
_LOUD_GAIN, _LOUD_REST = 1.41, 0.5  # half of the windows show a line with 1/sqrt 2 of the whole's strength
_FREE, _RIVALLED = 0.7, 0.3  # rival up to which nothing is lost, as a share; what is kept beside an equal one
_SPAN = 1_500.0  # Hz; a narrower band holds too few lines for a word
_FOLDED = 12  # lattices compared with their own null, of the 125 or so that are summed
NOTHING = -9.0
"""Score where nothing could be tested."""


@dataclass(frozen=True, slots=True)
class Comb:
    """The strongest lattice of a spectrum.

    Attributes:
        score: standard deviations of the sound's own null, about; over 4 is rare in real sound.
        family: which lattice; None where nothing could be tested.
        ratio: factor on its spacing (1 but for changed speed or pitch).
        top: band end it was found under, Hz.
        lines: how many teeth were counted.
    """

    score: float
    family: Family | None
    ratio: float = 1.0
    top: float = 0.0
    lines: int = 0


UNTESTED = Comb(NOTHING, None)


@dataclass(frozen=True, eq=False)
class Prominence:
    """A line spectrum against its own neighbourhood, in standard deviations, capped.

    Attributes:
        whole: float32[bins] of all windows.
        loud: float32[bins] of the louder half.
        hz: distance of the bins, Hz.
    """

    whole: NDArray[np.float32]
    loud: NDArray[np.float32]
    hz: float


def prominence(lines: LineSpectrum) -> Prominence:
    """Standardise a line spectrum bin by bin over ``local_hz``."""
    width = int(PARAMETERS.local_hz / lines.hz) | 1
    return Prominence(_standardised(lines.whole, width), _standardised(lines.loud, width), lines.hz)


def _standardised(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    rest = values - moving_mean(values, width)
    limit = 3 * float(rest.std())
    spread = np.sqrt(moving_mean(np.clip(rest, -limit, limit) ** 2, width))
    cap = PARAMETERS.tooth_cap
    capped: NDArray[np.float32] = np.clip(rest / np.maximum(spread, 0.02), -cap, cap).astype(np.float32)
    return capped


def tops(band_hz: float) -> list[float]:
    """Band ends to look under, for a sound whose own band ends at ``band_hz``."""
    end = min(band_hz * 0.97, PARAMETERS.highest)  # the slope of a low-pass is no place for statistics
    return [top for top in PARAMETERS.tops if top < end * 0.93] + [end]


def strongest(seen: Prominence, band_ends: Iterable[float], families: Iterable[Family] = FAMILIES) -> Comb:
    """Return the strongest lattice.

    Args:
        seen: the standardised spectrum.
        band_ends: as ``tops`` gives them, Hz.
        families: the lattices to look for.
    """
    summed = [
        (_plain(seen, family, top), family, top) for family in tuple(families) for top in tuple(band_ends)
    ]
    summed.sort(key=lambda entry: -entry[0])
    return best_of(comb(seen, family, top) for _, family, top in summed[:_FOLDED])


def best_of(combs: Iterable[Comb]) -> Comb:
    """Return the highest score; ``NOTHING`` of none."""
    return max(combs, key=lambda found: found.score, default=UNTESTED)


def comb(seen: Prominence, family: Family, top: float, ratio: float = 1.0) -> Comb:
    """Score one lattice under one band end.

    Both halves of the band and the louder half of the windows have to agree. A spectrum with stronger lines
    at other phases of the same comb is penalised.

    Args:
        seen: the standardised spectrum.
        family: the lattice.
        top: band end, Hz.
        ratio: factor on its spacing.
    """
    spacing = family.spacing * ratio
    low = lowest(top)
    teeth = _teeth(spacing, low, top, seen.hz)
    upper = teeth >= (low + top) / 2
    if top - low < _SPAN or min(upper.sum(), (~upper).sum()) < _MIN_TEETH // 2 or teeth.size < _MIN_TEETH:
        return UNTESTED
    whole = _folded_score(seen.whole, seen.hz, teeth, upper, spacing)
    if whole > 0:
        loud = _folded_score(seen.loud, seen.hz, teeth, upper, spacing)
        whole = min(whole, max(0.0, _LOUD_GAIN * loud + _LOUD_REST))
    return Comb(whole, family, ratio, top, int(teeth.size))


def lowest(top: float) -> float:
    """First line that is counted below a band end, Hz."""
    return PARAMETERS.lowest if top > PARAMETERS.narrow else PARAMETERS.lowest_narrow


def _plain(seen: Prominence, family: Family, top: float) -> float:
    teeth = _teeth(family.spacing, lowest(top), top, seen.hz)
    if teeth.size < _MIN_TEETH:
        return NOTHING
    return float(seen.whole[np.rint(teeth / seen.hz).astype(np.int64)].sum() / np.sqrt(teeth.size))


def teeth_numbers(spacing: float, low: float, top: float, hz: float) -> NDArray[np.int64]:
    """Return which multiples of a spacing are counted, without those that share their bins with one of 1 kHz.

    Args:
        spacing: of the lines, Hz.
        low: first frequency, Hz.
        top: last frequency, Hz.
        hz: distance of the bins, Hz.
    """
    numbers = np.arange(int(np.ceil(low / spacing)), int(top / spacing) + 1)
    clocks = numbers * spacing / CLOCK_HZ
    off: NDArray[np.bool_] = np.abs(clocks - np.rint(clocks)) * CLOCK_HZ > _NEIGHBOURS * hz
    return numbers[off]


def _teeth(spacing: float, low: float, top: float, hz: float) -> NDArray[np.float64]:
    return np.asarray(teeth_numbers(spacing, low, top, hz) * spacing, np.float64)


def _folded_score(
    values: NDArray[np.float32],
    hz: float,
    teeth: NDArray[np.float64],
    upper: NDArray[np.bool_],
    spacing: float,
) -> float:
    phases = int(spacing / hz)
    shifts = np.arange(-(phases // 2), phases - phases // 2)
    places = np.clip(np.rint(teeth / hz).astype(np.int64)[:, None] + shifts, 0, values.size - 1)
    table = values[places]
    centre = phases // 2
    others = _others(phases, centre)
    sums = [table, table[~upper], table[upper]]
    whole, low, high = (_stands_out(t.sum(axis=0) / np.sqrt(len(t)), centre, others) for t in sums)
    score = min(whole[0], np.sqrt(2) * min(low[0], high[0]) + 1)
    return float(score * _alone(score, whole[1]))


def _alone(score: float, rival: float) -> float:
    """Share of a score that is kept beside lines at another phase of the same comb.

    By chance the highest of 150 phases reaches 2.7; a loop shows the same height at every phase it has.
    """
    if score <= 0:
        return 1.0
    return float(np.interp(rival / score, (_FREE, 1.0), (1.0, _RIVALLED)))


def _others(phases: int, centre: int) -> NDArray[np.bool_]:
    """The phases that make the null: not the lattice's own, nor those where its parts stand."""
    away = np.abs(np.arange(phases) - centre)
    mask = away > _NEIGHBOURS
    for part in _PARTS:
        for number in range(1, part):
            mask &= np.abs(away - number * phases / part) > _NEIGHBOURS
    return mask if mask.sum() >= 20 else away > _NEIGHBOURS


def _stands_out(profile: NDArray[np.float32], centre: int, others: NDArray[np.bool_]) -> tuple[float, float]:
    """How far the lattice's own phase stands above the others, and the farthest of those."""
    null = profile[others]
    low, middle, high = np.quantile(null, (0.16, 0.5, 0.84))
    spread = max(1.0, (high - low) / 2)
    return float((profile[centre] - middle) / spread), float((null.max() - middle) / spread)
