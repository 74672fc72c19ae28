"""Is the reference really there: its peaks and harmony looked for in the query along one line.

Each reference peak is a small test. It is a hit when the query has a peak at that moment and pitch, and what a
hit is worth depends on how often the query has peaks at that pitch anyway, measured over the four seconds
around. A steady tone or a drum on every beat is therefore worth little, without any random null.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import PARAMETERS as P
from rightscan.fingerprint import Fingerprint
from rightscan.index.contrast import CONTRAST_MARGIN, ROWS_PER_BLOCK, contrast, unpack_signs
from rightscan.index.shard import Shard

Float = NDArray[np.float32]

_CHUNK = 2048  # hops of the query pictured at once
_KEPT_CHUNKS = 6
_COLUMN = 25  # cents
_LOW_CENTS = 1950
_COLUMNS = 226  # up to 7,600 cents (4,440 Hz)
_NEAR_COLUMNS = 1  # a peak counts within 37 cents
_NEAR_HOPS = 1  # and 1.5 hops
_AROUND = 86  # hops either side over which the chance of a hit is measured
_MIN_CHANCE = 0.01
_SOFT_DB = 4.0
_FEWEST_ROWS = 8  # three quarters of a second


class Picture:
    """The query as evidence is looked up in it; made piece by piece, only so many pieces held at a time."""

    def __init__(self, fp: Fingerprint) -> None:
        peaks = fp.peaks()
        self._time = peaks.ticks / np.float64(P.ticks_per_hop)
        self._cents = peaks.cents.astype(np.float32)
        self._hop = np.rint(self._time).astype(np.int64)
        self._column = (peaks.cents.astype(np.int64) - _LOW_CENTS) // _COLUMN
        self._bands = fp.bands()
        self.hops = fp.duration_s * P.sample_rate / P.hop
        self._chunks: dict[int, tuple[NDArray[np.bool_], Float]] = {}

    def look(self, hops: Float, cents: Float) -> tuple[NDArray[np.bool_], Float]:
        """Return for each point of the query whether it has a peak, bool[n], and by what chance, float32[n]."""
        row = np.rint(hops).astype(np.int64)
        column = np.clip((cents - _LOW_CENTS) // _COLUMN, 0, _COLUMNS - 1).astype(np.int64)
        hit = np.zeros(row.size, np.bool_)
        chance = np.full(row.size, _MIN_CHANCE, np.float32)
        number = row // _CHUNK
        for k in np.unique(number).tolist():
            here = number == k
            occupied, share = self._chunk(k)
            at = row[here] - k * _CHUNK
            hit[here] = occupied[at, column[here]]
            chance[here] = share[at, column[here]]
        return hit, chance

    def nearest(self, hops: Float, cents: Float, reach: float) -> tuple[Float, Float, NDArray[np.int64]]:
        """Return how far the peak nearest in time lies from each point, and which one it is.

        Only peaks within ``reach`` hops and 40 cents count.

        Returns:
            Hops float32[n] and cents float32[n], NaN where there is none; numbers int64[n], -1 there.
        """
        low = np.searchsorted(self._time, hops - reach)
        high = np.searchsorted(self._time, hops + reach)
        best = np.full(hops.size, np.nan, np.float32)
        pitch = np.full(hops.size, np.nan, np.float32)
        which = np.full(hops.size, -1, np.int64)
        for step in range(int((high - low).max(initial=0))):
            at = np.minimum(low + step, self._time.size - 1)
            dt = (self._time[at] - hops).astype(np.float32)
            dc = self._cents[at] - cents
            closer = (low + step < high) & (np.abs(dc) <= 40) & ~(np.abs(dt) >= np.abs(best))
            best[closer] = dt[closer]
            pitch[closer] = dc[closer]
            which[closer] = at[closer]
        return best, pitch, which

    def contrast(self, first: int, stop: int) -> Float:
        """Return the band contrast of rows [first, stop) of the query, float32[stop - first, 52]."""
        low = max(first - CONTRAST_MARGIN, 0)
        return contrast(self._bands[low : stop + CONTRAST_MARGIN])[first - low : stop - low]

    @property
    def rows(self) -> int:
        """Rows of band levels in the query."""
        return int(self._bands.shape[0])

    def _chunk(self, k: int) -> tuple[NDArray[np.bool_], Float]:
        if k not in self._chunks:
            if len(self._chunks) >= _KEPT_CHUNKS:
                del self._chunks[next(iter(self._chunks))]
            self._chunks[k] = self._paint(k)
        return self._chunks[k]

    def _paint(self, k: int) -> tuple[NDArray[np.bool_], Float]:
        margin = _AROUND + _NEAR_HOPS
        origin = k * _CHUNK - margin
        rows = _CHUNK + 2 * margin
        a, b = np.searchsorted(self._hop, [origin + _NEAR_HOPS, origin + rows - _NEAR_HOPS])
        occupied = np.zeros((rows, _COLUMNS), np.bool_)
        for dt in range(-_NEAR_HOPS, _NEAR_HOPS + 1):
            for dc in range(-_NEAR_COLUMNS, _NEAR_COLUMNS + 1):
                column = np.clip(self._column[a:b] + dc, 0, _COLUMNS - 1)
                occupied[self._hop[a:b] - origin + dt, column] = True
        total = np.zeros((rows + 1, _COLUMNS), np.int32)
        np.cumsum(occupied, axis=0, out=total[1:])
        centre = np.arange(margin, margin + _CHUNK)
        count = total[centre + _AROUND + 1] - total[centre - _AROUND]
        # At the ends of the query only the part that exists counts.
        absolute = centre + origin
        last = int(np.ceil(self.hops))
        width = np.minimum(absolute + _AROUND + 1, last) - np.maximum(absolute - _AROUND, 0)
        share = count / np.maximum(width, _AROUND).astype(np.float32)[:, None]
        chance: Float = np.clip(share, _MIN_CHANCE, 0.9, dtype=np.float32)
        return occupied[margin : margin + _CHUNK], chance


@dataclass(frozen=True)
class Line:
    """How a stretch of the query runs along a recording.

    Reference hop = ``rate`` * query hop + ``offset`` (hops of the recording's own numbering); query pitch =
    reference pitch + ``shift`` cents.
    """

    shard: int
    number: int
    offset: float
    rate: float
    shift: float

    def reference(self, query_hop: float) -> float:
        """Return the hop of the recording that sounds at a hop of the query."""
        return self.rate * query_hop + self.offset


@dataclass(frozen=True)
class Trace:
    """Reference peaks along a line in order of time: query ``hops`` float32[n], ``hit`` bool[n], ``chance``."""

    hops: Float
    hit: NDArray[np.bool_]
    chance: Float

    def presence(self) -> float:
        """Return the share of the reference that is heard beyond chance, 0.05 to 0.95."""
        n = self.hit.size
        if n == 0:
            return 0.05
        chance = float(self.chance.mean())
        return float(np.clip((self.hit.mean() - chance) / (1 - chance), 0.05, 0.95))

    def weights(self, presence: float) -> Float:
        """Return the log likelihood ratio of each peak, float32[n], for a given share heard."""
        if_hit = np.log(presence / self.chance + (1 - presence))
        w: Float = np.where(self.hit, if_hit, np.float32(np.log(1 - presence))).astype(np.float32)
        return w


def trace(shard: Shard, picture: Picture, line: Line, first: float, stop: float) -> Trace:
    """Look for the recording's peaks in the query hops [first, stop)."""
    hops, cents = shard.peaks(line.number, line.reference(first), line.reference(stop))
    at = ((hops - line.offset) / line.rate).astype(np.float32)
    inside = (at >= 0) & (at < picture.hops)
    at = at[inside]
    hit, chance = picture.look(at, cents[inside] + np.float32(line.shift))
    return Trace(at, hit, chance)


def harmony(shard: Shard, picture: Picture, line: Line, first: float, stop: float) -> float:
    """Return how well the harmony agrees over query hops [first, stop), as a standardised sum.

    It is about 1 to 2 in spread for unrelated sound; related sound grows with the square root of the length.
    """
    _, agreement, squares = _rows(shard, picture, line, first, stop)
    if agreement.size < _FEWEST_ROWS:
        return 0.0
    return float(agreement.sum() / np.sqrt(squares.sum() + 1e-6))


def harmony_course(
    shard: Shard, picture: Picture, line: Line, first: float, stop: float
) -> tuple[Float, Float]:
    """Return query hops float32[n] of the rows of the harmony and the standardised agreement float32[n] of each."""
    hops, agreement, squares = _rows(shard, picture, line, first, stop)
    return hops, agreement / np.sqrt(squares + 1e-6)


def _rows(
    shard: Shard, picture: Picture, line: Line, first: float, stop: float
) -> tuple[Float, Float, Float]:
    """Return per row of 93 ms its query hop, the sum of agreements and the sum of their squares, float32[n] each.

    The reference's signs of contrast against the query's contrast, squashed so that no single band decides.
    """
    step = P.band_hops
    none = np.zeros(0, np.float32)
    last = shard.blocks_of(line.number) * ROWS_PER_BLOCK
    low = max(int(np.ceil(line.reference(first) / step)), 0)
    high = min(int(line.reference(stop) / step), last)
    if high <= low:
        return none, none, none
    centre = (step - 1) / 2
    at = ((np.arange(low, high) * step + centre - line.offset) / line.rate - centre) / step
    inside = (at >= 0) & (at <= picture.rows - 2)
    at = at[inside]
    if at.size == 0:
        return none, none, none
    signs = unpack_signs(shard.signs(line.number, low, high))[inside]
    row = np.floor(at).astype(np.int64)
    part = (at - row).astype(np.float32)[:, None]
    origin = int(row[0])
    seen = picture.contrast(origin, int(row[-1]) + 2)
    level = seen[row - origin] * (1 - part) + seen[row - origin + 1] * part
    if line.shift:
        level, signs = _transposed(level, signs, line.shift / 100)
    soft = np.tanh(level / np.float32(_SOFT_DB))
    hops = (at * step + centre).astype(np.float32)
    return hops, (signs * soft).sum(axis=1), (soft * soft).sum(axis=1)


def _transposed(level: Float, signs: Float, semitones: float) -> tuple[Float, Float]:
    """Return the query's contrast read ``semitones`` higher, interpolated, with the bands both sides have."""
    band = np.arange(P.bands) + semitones
    inside = (band >= 0) & (band <= P.bands - 1)
    low = np.minimum(np.floor(band[inside]).astype(np.int64), P.bands - 2)
    part = (band[inside] - low).astype(np.float32)
    moved: Float = level[:, low] * (1 - part) + level[:, low + 1] * part
    return moved, signs[:, inside]
