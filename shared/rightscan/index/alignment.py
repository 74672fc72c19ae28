"""From a seed to a segment: fit the line, follow it both ways, find its ends, weigh the evidence."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import PARAMETERS as P
from rightscan.index.evidence import Line, Picture, harmony, harmony_course, trace
from rightscan.index.shard import BLOCK, Shard

Float = NDArray[np.float32]

HOPS_PER_SECOND = P.sample_rate / P.hop
_PIECE = 12 * HOPS_PER_SECOND  # followed at a time
_SILENT = 6 * HOPS_PER_SECOND  # a line is lost after about this much of the recording unheard
_SCORED = 10 * HOPS_PER_SECOND  # longest stretch a score is taken from
_LEAST_PEAKS = 4.0  # log likelihood ratio of the peaks below which a seed is not followed
_REACH = 2.5  # hops within which a reference peak looks for its partner when the line is fitted
_FIT_ROUNDS = 4
_LEAST_FOR_RATE = 24  # partners, and
_SPAN_FOR_RATE = 3 * HOPS_PER_SECOND  # time between them, for the rate to be fitted too
_SLOPES = tuple(n / 400 for n in range(-8, 9))  # the grid of tempos leaves 2 % open
_NEAR_LINE = 0.5  # hops
_SLOPE_GAIN = 0.1
_LEAST_FOR_DOUBT = 8
_NO_RATE, _NO_SHIFT = 0.02, 50.0  # the steps of the assumed changes
_BEST_RATE, _BEST_SHIFT = 1e-4, 1.0  # clocks and cents of the peaks as stored
_MARGIN = HOPS_PER_SECOND / 2
_GLANCE = 4 * HOPS_PER_SECOND  # at least this much of the harmony is looked at before a seed is followed
_LEAST_HARMONY = 2.5
_SURE_HARMONY = 12.0
_ROW_VARIANCE = 3.0  # neighbouring bands and rows overlap: so much wider is a sum than of independent ones
_MOST_TONE = 3.0
_CLEAR = 0.5
_SAME_SPEED = 0.004
_SAME_CENTS = 6.0
_FAINTEST = 0.1
_QUARTER = 0.25
_CHANCE_FROM, _CHANCE_TO = 2.0, 3.0
_FAINT_GAIN = 5.0  # nats a fainter continuation must bring


@dataclass(frozen=True)
class Alignment:
    """A followed line: query hops [start, stop), the evidence of its best ten seconds, and of all of it.

    ``peaks``: log likelihood ratio (nats) of the reference peaks over the best stretch; ``harmony``: standardised
    agreement there; ``total``: of the peaks over all of it; ``presence``: share of the recording's peaks that are
    heard; ``sharpness``: of the peaks both sides share, the share that meets within a quarter of a hop (6 ms);
    ``bounds``: hops of uncertainty at either end; ``doubt``: half widths of the 95 % intervals of rate and shift
    (cents).
    """

    line: Line
    start: float
    stop: float
    peaks: float
    harmony: float
    total: float
    presence: float
    sharpness: float
    coverage: float
    bounds: tuple[float, float]
    doubt: tuple[float, float]

    @property
    def changed(self) -> bool:
        """Whether speed or pitch differ by more than the fit errs on noisy copies (0.2 %, 2 cents)."""
        return abs(self.line.rate - 1) > _SAME_SPEED or abs(self.line.shift) > _SAME_CENTS

    @property
    def clear(self) -> bool:
        """Whether the recording is heard so well that rate and pitch are beyond doubt (a wrong rate: under 0.4)."""
        return self.presence >= _CLEAR


def align(shard: Shard, picture: Picture, line: Line, first: float, last: float) -> Alignment | None:
    """Follow a seed, or return None where the recording's peaks are not in the query.

    Args:
        shard: the recording's.
        picture: of the query.
        line: as the votes have it.
        first: query hop of the first vote.
        last: and of the last.
    """
    around = max(_GLANCE - (last - first), 0.0) / 2
    glance = harmony(shard, picture, line, first - around, last + around)
    if glance < _LEAST_HARMONY:
        return None
    # Under noise the peaks go first; harmony as good as this is followed without them.
    least = _LEAST_PEAKS if glance < _SURE_HARMONY else -np.inf
    first, stop = max(first - _MARGIN, 0.0), min(last + _MARGIN, picture.hops)
    best: tuple[float, Line] | None = None
    for nudge in (0.0, -1.0, 1.0):
        moved = dataclasses.replace(line, offset=line.offset + nudge)
        found = trace(shard, picture, moved, first, stop)
        gain = float(found.weights(found.presence()).sum())
        if best is None or gain > best[0]:
            best = gain, moved
    if best is None or best[0] < least:
        return None
    line = best[1]
    peaky = best[0] >= _LEAST_PEAKS
    for _ in range(_FIT_ROUNDS):
        if peaky:
            line = _fit(shard, picture, line, first, stop)
        seen = trace(shard, picture, line, first, stop)
        presence = seen.presence()
        if float(seen.weights(presence).sum()) < least:
            return None
        heard = _follow(shard, picture, line, (first + stop) / 2, presence, 0.0)
        if heard.hops.size == 0:
            heard = _course(shard, picture, line, first, stop, presence, 0.0)
        if heard.hops.size == 0:
            return None
        grown = float(heard.hops[-1] - heard.hops[0]) > 1.1 * (stop - first)
        first, stop = float(heard.hops[0]), float(heard.hops[-1]) + 1
        if not grown:
            break
    return _weigh(shard, picture, line, heard, presence)


@dataclass(frozen=True)
class _Course:
    """The evidence of peaks and harmony along a line: query ``hops`` and log likelihood ratios, float32[n] each."""

    hops: Float
    weights: Float


def _tone(shard: Shard, picture: Picture, line: Line, first: float, stop: float) -> float:
    """Return the mean agreement of a row of the harmony, 0 where there is none to speak of."""
    _, agreement = harmony_course(shard, picture, line, first, stop)
    return float(np.clip(agreement.mean(), 0, _MOST_TONE)) if agreement.size else 0.0


def _course(
    shard: Shard, picture: Picture, line: Line, first: float, stop: float, presence: float, tone: float
) -> _Course:
    """Return peaks and rows of the harmony in order of time.

    A row is a Gaussian observation whose mean is ``tone`` where the recording sounds and 0 where it does not.
    """
    seen = trace(shard, picture, line, first, stop)
    if tone == 0:
        return _Course(seen.hops, seen.weights(presence))
    hops, agreement = harmony_course(shard, picture, line, first, stop)
    rows = np.float32(tone / _ROW_VARIANCE) * (agreement - np.float32(tone / 2))
    at = np.concatenate([seen.hops, hops])
    order = np.argsort(at, kind="stable")
    return _Course(at[order], np.concatenate([seen.weights(presence), rows])[order])


def _fit(shard: Shard, picture: Picture, line: Line, first: float, stop: float) -> Line:
    """Return the line through the peaks both sides share (trimmed least squares), with the pitch shift."""
    hops, cents = shard.peaks(line.number, line.reference(first), line.reference(stop))
    at = ((hops - line.offset) / line.rate).astype(np.float32)
    late, sharp, _ = picture.nearest(at, cents + np.float32(line.shift), _REACH)
    found = ~np.isnan(late)
    at, late, sharp = at[found], late[found], sharp[found]
    if at.size < 4:
        return line
    middle = float(at.mean())
    slope, centre = _densest(at - middle, late)
    rated = at.size >= _LEAST_FOR_RATE and float(at[-1] - at[0]) >= _SPAN_FOR_RATE
    for width in (1.5, 1.0, 0.75):
        near = np.abs(late - centre - slope * (at - middle)) <= width
        if near.sum() < 4:
            break
        x, y = at[near] - middle, late[near]
        spread = float((x * x).sum())
        if rated and near.sum() >= _LEAST_FOR_RATE // 2 and spread > 0:
            slope = float((x * y).sum() - x.sum() * y.mean()) / (spread - float(x.sum()) ** 2 / x.size)
        centre = float(y.mean() - slope * x.mean())
    # The query peak of reference hop r lies at (r - offset) / rate + centre + slope (at - middle).
    rate = line.rate / (1 + slope)
    offset = line.offset + line.rate * middle - rate * (middle + centre)
    near = np.abs(late - centre - slope * (at - middle)) <= 1.0
    shift = line.shift + (float(np.median(sharp[near])) if near.sum() >= 4 else 0.0)
    return dataclasses.replace(line, rate=rate, offset=offset, shift=shift)


def _densest(x: Float, late: Float) -> tuple[float, float]:
    """Return slope and centre of the line y = centre + slope x that most points lie within half a hop of.

    Two seconds hold too few peaks for least squares to find its way from a rate that is 2 % off. A slope must win
    a tenth more points than the rate as voted, so that an unchanged copy stays unchanged.
    """
    best = (0.0, 0.0, float(np.median(late)))
    for slope in sorted(_SLOPES, key=abs):
        y = np.sort(late - np.float32(slope) * x)
        count = np.searchsorted(y, y + np.float32(2 * _NEAR_LINE), side="right") - np.arange(y.size)
        k = int(np.argmax(count))
        if count[k] > best[0]:
            inside = y[k : k + int(count[k])]
            best = float(count[k]) * (1 + _SLOPE_GAIN * (slope == 0)), slope, float(inside.mean())
    return best[1], best[2]


def _follow(
    shard: Shard, picture: Picture, line: Line, middle: float, presence: float, tone: float
) -> _Course:
    """Return the evidence of the stretch around ``middle`` whose sum is largest.

    The walk ends where the recording has been unheard for about six seconds (the drop-off rule of sequence
    alignment: Altschul et al., "Gapped BLAST", 1997), so short gaps are bridged and long ones split a segment.
    """
    end = shard.blocks_of(line.number) * BLOCK
    low = max(0.0, -line.offset / line.rate)
    high = min(picture.hops, (end - line.offset) / line.rate)
    sides = []
    for edge in (low, high):
        loud = _walk(shard, picture, line, middle, edge, presence, tone)
        at = float(loud.hops[-1]) if loud.hops.size else middle
        # A voice over the music or a fade leaves less to be heard than the stretch the presence was measured on.
        faint = _walk(
            shard,
            picture,
            line,
            at + (1e-3 if edge == high else 0.0),
            edge,
            max(presence / 3, _FAINTEST),
            tone / 2,
        )
        if float(faint.weights.sum()) >= _FAINT_GAIN:
            loud = _Course(
                np.concatenate([loud.hops, faint.hops]), np.concatenate([loud.weights, faint.weights])
            )
        sides.append(loud)
    before, after = sides
    return _Course(
        np.concatenate([before.hops[::-1], after.hops]), np.concatenate([before.weights[::-1], after.weights])
    )


def _walk(
    shard: Shard, picture: Picture, line: Line, start: float, end: float, presence: float, tone: float
) -> _Course:
    """Walk from ``start`` towards ``end``; return the evidence up to the best point, in walking order."""
    forward = end > start
    density = P.reference_rank / HOPS_PER_SECOND
    patience = _SILENT * (
        -density * float(np.log(1 - presence)) + tone * tone / (2 * _ROW_VARIANCE * P.band_hops)
    )
    none = np.zeros(0, np.float32)
    pieces = [_Course(none, none)]
    total = peak = 0.0
    best = length = 0
    at = start
    while (at < end) if forward else (at > end):
        to = min(at + _PIECE, end) if forward else max(at - _PIECE, end)
        piece = _course(shard, picture, line, min(at, to), max(at, to), presence, tone)
        if not forward:
            piece = _Course(piece.hops[::-1], piece.weights[::-1])
        pieces.append(piece)
        sums = total + np.cumsum(piece.weights, dtype=np.float64)
        if sums.size:
            highest = np.maximum.accumulate(np.maximum(sums, peak))
            lost = np.flatnonzero(highest - sums > patience)
            reach = int(lost[0]) if lost.size else sums.size
            if reach and sums[:reach].max() > peak:
                best = length + int(np.argmax(sums[:reach])) + 1
                peak = float(sums[:reach].max())
            if lost.size:
                break
            total = float(sums[-1])
            length += sums.size
        at = to
    return _Course(*(np.concatenate([getattr(p, n) for p in pieces])[:best] for n in ("hops", "weights")))


def _weigh(shard: Shard, picture: Picture, line: Line, heard: _Course, presence: float) -> Alignment:
    """Take the evidence from the best ten seconds of peaks, and the borders from peaks and harmony together.

    A stretch that was chosen for its harmony would make the harmony of chance look good.
    """
    sums = np.concatenate([[0.0], np.cumsum(heard.weights, dtype=np.float64)])
    until = np.searchsorted(heard.hops, heard.hops + np.float32(_SCORED))
    k = int(np.argmax(sums[until] - sums[:-1]))
    a, b = float(heard.hops[k]), float(heard.hops[until[k] - 1]) + 1
    tone = _tone(shard, picture, line, a, b)
    whole = _follow(shard, picture, line, (a + b) / 2, presence, tone)
    # Half a hop, lest rounding (float32: 0.03 hops after two hours) leaves out the peak that the stretch begins with.
    start = min([a, *whole.hops[:1].tolist()]) - 0.5
    stop = max([b, *(whole.hops[-1:] + 1).tolist()])
    found = trace(shard, picture, line, start, stop)
    course = _course(shard, picture, line, start, stop, presence, tone)
    second = ((course.hops - course.hops[0]) / np.float32(HOPS_PER_SECOND)).astype(np.int64)
    per_second = np.bincount(second, weights=course.weights)
    # Where the recording itself has no peaks nothing can be heard or missed.
    known = np.bincount(second) > 0
    return Alignment(
        line=line,
        start=start,
        stop=stop,
        peaks=float(sums[until[k]] - sums[k]),
        harmony=harmony(shard, picture, line, a, b),
        total=float(course.weights.sum()),
        presence=presence,
        sharpness=_sharpness(shard, picture, line, a, b),
        coverage=float((per_second[known] > 0).mean()),
        bounds=(_border(found.hops, found.hit), _border(found.hops[::-1], found.hit[::-1])),
        doubt=_doubt(shard, picture, line, start, stop),
    )


def _doubt(shard: Shard, picture: Picture, line: Line, first: float, stop: float) -> tuple[float, float]:
    """Return how far rate and shift (cents) may be off, 19 times in 20: the errors of a regression and of a median.

    Twice the regression's, since what moves peaks (a time stretcher, a reverberation) moves neighbours together; where
    the rate came from a grid of slopes alone, two steps of it are added.
    """
    hops, cents = shard.peaks(line.number, line.reference(first), line.reference(stop))
    at = ((hops - line.offset) / line.rate).astype(np.float32)
    late, sharp, _ = picture.nearest(at, cents + np.float32(line.shift), 1.0)
    met = ~np.isnan(late)
    n = int(met.sum())
    if n < _LEAST_FOR_DOUBT:
        return _NO_RATE, _NO_SHIFT
    spread = float(at[met].std()) * float(np.sqrt(n))
    rate = 2 * 1.96 * float(late[met].std()) / max(spread, 1.0) * line.rate
    if n < _LEAST_FOR_RATE or float(np.ptp(at[met])) < _SPAN_FOR_RATE:
        rate += 2 * (_SLOPES[1] - _SLOPES[0])
    shift = 1.96 * 1.253 * float(sharp[met].std()) / float(np.sqrt(n))
    return max(rate, _BEST_RATE), max(shift, _BEST_SHIFT)


def peaks_met(shard: Shard, picture: Picture, a: Alignment) -> NDArray[np.int64]:
    """Return which peaks of the query (sorted numbers int64[n]) the recording accounts for along an alignment."""
    hops, cents = shard.peaks(a.line.number, a.line.reference(a.start), a.line.reference(a.stop))
    at = ((hops - a.line.offset) / a.line.rate).astype(np.float32)
    _, _, which = picture.nearest(at, cents + np.float32(a.line.shift), 1.0)
    return np.unique(which[which >= 0])


def _sharpness(shard: Shard, picture: Picture, line: Line, first: float, stop: float) -> float:
    """Return which share of the common peaks coincides to a quarter of a hop, what chance brings taken off.

    A fixation repeats itself to the millisecond; another performance of the work keeps its harmony, not its time.
    """
    hops, cents = shard.peaks(line.number, line.reference(first), line.reference(stop))
    at = ((hops - line.offset) / line.rate).astype(np.float32)
    late, _, _ = picture.nearest(at, cents + np.float32(line.shift), _CHANCE_TO)
    late = np.abs(late[~np.isnan(late)])
    # Between 2 and 3 hops nothing but chance is found.
    quarter = float((late >= _CHANCE_FROM).sum()) * _QUARTER / (_CHANCE_TO - _CHANCE_FROM)
    together = float((late < 1).sum()) - quarter / _QUARTER
    return (float((late < _QUARTER).sum()) - quarter) / max(together, 0.02 * hops.size, 1.0)


def _border(hops: Float, hit: NDArray[np.bool_]) -> float:
    """Return within how many hops of the true border a first hit falls, 19 times in 20, from the first hits' gaps."""
    some = hops[hit][:24]
    if some.size < 2:
        return float(HOPS_PER_SECOND)
    return 5.0 * abs(float(some[-1] - some[0])) / (some.size - 1) + 4.0
