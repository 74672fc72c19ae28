"""Finding where a query may lie in the catalogue: key look-ups and votes over time offsets.

A vote is one landmark of the query meeting one posting; votes of a true match share the offset between the two
time axes. A cumulative-sum test (Page, "Continuous inspection schemes", Biometrika 1954) runs along each offset,
so that three seconds inside a programme stand out as well as a whole track.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import landmarks
from rightscan.fingerprint.landmarks import Pairs
from rightscan.fingerprint.parameters import PARAMETERS as P
from rightscan.index.shard import Shard

Int = NDArray[np.int64]

OFFSET_BIN = 4  # hops: votes of one alignment scatter by about one hop
DRIFT = 0.6  # weight a second that a true alignment must exceed
_EDGE = 0.3  # a value this near the edge of its bin is looked up in the next bin too
_WEIGHT_STEPS = 255


@dataclass(frozen=True)
class Hypothesis:
    """How the upload may have been changed: ``rate`` upload over original, ``shift`` cents upload minus original."""

    rate: float
    shift: float


IDENTITY = Hypothesis(1.0, 0.0)


def _grid() -> tuple[Hypothesis, ...]:
    """Return the changes the deep pass assumes: 22 speeds, 12 tempos, 10 pitches.

    Steps are what the edge look-ups and the width of an offset bin still cover: 2 % of speed (a third of a
    semitone), 4 % of tempo, half a semitone of pitch.
    """
    speeds = [s / 100 for s in range(84, 130, 2) if s != 100]
    tempos = [t / 100 for t in range(76, 128, 4) if t != 100]
    pitches = [p * 50.0 for p in range(-5, 6) if p != 0]
    return (
        *(Hypothesis(s, float(1200 * np.log2(s))) for s in speeds),
        *(Hypothesis(t, 0.0) for t in tempos),
        *(Hypothesis(1.0, p) for p in pitches),
    )


CHANGES = _grid()


@dataclass(frozen=True)
class Seed:
    """A place to look at: position of the votes in the shard's numbering and in the query, in hops."""

    shard: int
    recording: int  # its number there
    offset: float  # reference hop at query hop 0, in the shard's numbering
    first: int  # query hops of the first and last vote
    last: int
    weight: float
    hypothesis: Hypothesis


def probe_keys(pairs: Pairs, hypothesis: Hypothesis) -> tuple[NDArray[np.uint32], Int]:
    """Return the keys a query looks up and the row of ``pairs`` each belongs to.

    Values near the edge of a bin are also tried in the neighbouring bin, one axis at a time.
    """
    axes = (
        (pairs.cents - hypothesis.shift) * (landmarks.STEPS_PER_SEMITONE / 100) - landmarks.LOW_STEP,
        pairs.df * (landmarks.STEPS_PER_SEMITONE / 100) + landmarks.MAX_STEP,
        pairs.dt * (hypothesis.rate / P.ticks_per_hop) - P.min_dt,
    )
    bins = [np.floor(a + 0.5).astype(np.int64) for a in axes]
    rows = np.arange(pairs.dt.size)
    found = [landmarks.compose(*bins)]
    owners = [rows]
    for axis, (value, at) in enumerate(zip(axes, bins, strict=True)):
        inside = value - at
        near = np.abs(inside) > 0.5 - _EDGE
        moved = [b[near] for b in bins]
        moved[axis] = moved[axis] + np.where(inside[near] > 0, 1, -1)
        found.append(landmarks.compose(*moved))
        owners.append(rows[near])
    keys = np.concatenate(found)
    owner = np.concatenate(owners)
    known = keys != landmarks.NO_KEY
    return keys[known], owner[known]


def vote(
    shards: Sequence[Shard], pairs: Pairs, hypothesis: Hypothesis, *, budget: int, least: float, most: int
) -> list[Seed]:
    """Return the strongest alignments of a stretch of query, best first.

    A loop meets itself in hundreds of places: of one recording a third of ``most`` are taken, four at least, so
    that the other song of a mash-up has its turn.

    Args:
        shards: searched together: a key's weight falls with its postings in all of them.
        pairs: landmarks of the stretch.
        hypothesis: the change assumed.
        budget: votes counted at most; beyond it the commonest keys are left out, rarest first.
        least: smallest weight of a seed.
        most: seeds returned at most.
    """
    keys, owner = probe_keys(pairs, hypothesis)
    if keys.size == 0 or not shards:
        return []
    ranges = [shard.find(keys) for shard in shards]
    count = np.sum([hi - lo for lo, hi in ranges], axis=0)
    if count.sum() > budget:
        order = np.argsort(count, kind="stable")
        used = order[: int(np.searchsorted(np.cumsum(count[order]), budget, side="right"))]
        keys, owner, count = keys[used], owner[used], count[used]
        ranges = [(lo[used], hi[used]) for lo, hi in ranges]
    if count.sum() == 0:
        return []
    # Relative to a common key of this catalogue: in a large one every key has postings, and chance spreads them
    # over as many more offsets.
    rarity = np.sqrt((1 + np.median(count[::16]) / 4) / (1 + count / 4))
    weight = np.rint(_WEIGHT_STEPS * np.minimum(rarity, 1)).astype(np.int64)
    hop = pairs.ticks[owner] / P.ticks_per_hop
    seeds: list[Seed] = []
    for number, (shard, (lo, hi)) in enumerate(zip(shards, ranges, strict=True)):
        length = hi - lo
        total = int(length.sum())
        if total == 0:
            continue
        probe = np.repeat(np.arange(keys.size), length)
        at = np.arange(total) - np.repeat(np.cumsum(length) - length, length) + lo[probe]
        position = shard.posting_hop[at].astype(np.int64)
        offset = np.rint(position - hop[probe] * hypothesis.rate).astype(np.int64) + shard.gap
        query = hop[probe].astype(np.int64)
        seeds += _excursions(number, shard, offset, query, weight[probe], hypothesis, least, most)
    seeds.sort(key=lambda s: (-s.weight, s.shard, s.offset))
    return seeds[:most]


def _turn(owner: Int) -> Int:
    """Return for each element how many equal ones come before it, int64[n]."""
    order = np.argsort(owner, kind="stable")
    first = np.searchsorted(owner[order], owner)
    turn = np.empty(owner.size, np.int64)
    turn[order] = np.arange(owner.size)
    return turn - first


def _heavy(code: Int, weight: Int, least: float) -> NDArray[np.intp]:
    """Return the votes in bins that hold ``least`` weight at all: a few in a hundred, found without sorting.

    Bins share the cells of a table four times as large as the votes are many, so a light bin may stay in.
    """
    mask = (1 << (4 * code.size).bit_length()) - 1
    cell = code & mask
    total = np.bincount(cell, weights=weight, minlength=mask + 1)
    return np.flatnonzero(total[cell] >= least * _WEIGHT_STEPS)


def _excursions(
    number: int,
    shard: Shard,
    offset: Int,
    query: Int,
    weight: Int,
    hypothesis: Hypothesis,
    least: float,
    most: int,
) -> list[Seed]:
    """Run the cumulative-sum test along every offset bin of both half-overlapping grids at once."""
    origin = int(query.min())
    # One sort of packed words: offset bin, query hop (16 bits), offset within the bin (4), weight (8).
    parts: list[Int] = []
    for grid in (0, 1):
        moved = offset + grid * (OFFSET_BIN // 2)
        code = moved // OFFSET_BIN
        heavy = _heavy(code, weight, least)
        moved, code = moved[heavy], code[heavy]
        parts.append(
            ((2 * code + grid) << 28)
            | ((query[heavy] - origin) << 12)
            | ((moved - code * OFFSET_BIN) << 8)
            | weight[heavy]
        )
    packed = np.concatenate(parts)
    if packed.size == 0:
        return []
    packed.sort()
    hop = (packed >> 12) & 0xFFFF
    gain = (packed & 0xFF) / _WEIGHT_STEPS
    new_bin = np.diff(packed >> 28, prepend=-1) != 0
    group = np.cumsum(new_bin) - 1
    before = np.cumsum(gain) - gain
    before -= before[new_bin][group]
    drift = DRIFT * P.hop / P.sample_rate
    # Each group's walk is put below the one before it, so that one running minimum serves them all.
    low = before - drift * hop - group * (drift * (int(hop.max()) + 1) + 1.0)
    floor = np.minimum.accumulate(low)
    starts = np.flatnonzero(low <= floor)
    height = low + gain - floor
    best = np.maximum.reduceat(height, starts)
    chosen = np.flatnonzero(best >= least)
    chosen = chosen[np.argsort(-best[chosen], kind="stable")]
    code = packed[starts[chosen]] >> 28
    at = (code >> 1) * OFFSET_BIN - (code & 1) * (OFFSET_BIN // 2) - shard.gap
    recording = shard.recordings_at(at + hypothesis.rate * (origin + hop[starts[chosen]]))
    few = np.flatnonzero(_turn(recording) < max(most // 3, 4))[:most]
    chosen, at, recording = chosen[few], at[few], recording[few]
    seeds: list[Seed] = []
    stops = np.append(starts[1:], height.size)
    for c, start, whose in zip(chosen.tolist(), at.tolist(), recording.tolist(), strict=True):
        a, b = int(starts[c]), int(stops[c])
        top = a + int(np.argmax(height[a:b]))
        part = packed[a : top + 1]
        inner = ((part >> 8) & 0xF) + 0.0
        # In 64ths, so that the numbering of a shard cannot show in the last digits of a result.
        centre = round(64 * float(np.average(inner, weights=(part & 0xFF) + 1))) / 64
        seeds.append(
            Seed(
                number,
                whose,
                start + centre,
                origin + int(hop[a]),
                origin + int(hop[top]),
                float(best[c]),
                hypothesis,
            )
        )
    return seeds
