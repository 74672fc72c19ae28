"""The search: windows of the query, seeds from votes, alignments, and what of them is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import PARAMETERS as P
from rightscan.fingerprint import Fingerprint
from rightscan.fingerprint.landmarks import Pairs, pairs
from rightscan.index.alignment import HOPS_PER_SECOND, Alignment, align, peaks_met
from rightscan.index.calibration import ACCEPT_LOG10_LR, is_fixation, log10_lr
from rightscan.index.evidence import Line, Picture
from rightscan.index.result import Modification, Segment
from rightscan.index.shard import Shard
from rightscan.index.voting import CHANGES, IDENTITY, Hypothesis, Seed, vote

WINDOW = round(24 * HOPS_PER_SECOND)  # hops of query voted on together
STEP = round(16 * HOPS_PER_SECOND)  # so that any eight seconds lie whole in one window
_QUERY_MAX_DT = 63  # hops: the longest landmark of a reference, played at 0.78 of its speed
_BUDGET = 500_000  # votes a window: 50 MB while they are sorted
_BUDGET_PER_CHANGE = 100_000
_RANKS_CHANGED = 40  # a changed copy is looked for by its stronger peaks and
_TARGETS_CHANGED = 12  # their strongest partners: a quarter of the look-ups
_LEAST_WEIGHT = 3.0
_SEEDS = 24  # examined a window
_POOL = 72  # from which they are taken: most turn out to be found already
_SEEDS_PER_CHANGE = 6
_SEEDS_CHANGED = 32
_LEAST_UNEXPLAINED = 2  # s
_SAME_RATE = 0.004
_LONG = 6 * HOPS_PER_SECOND  # what two rates 5 % apart cannot both pass through
_INTERRUPTION = 10 * HOPS_PER_SECOND  # a use goes on across it
_ECHO = 0.7  # of the weight of a clear alignment's seed
_SAME_LINE = 8.0  # hops: two alignments closer than this are one
_WEAK_SHARE = 0.2  # of a stronger recording's evidence in the same place, below which another is not told
_SHARED = 0.5  # where so many of its peaks are the stronger one's too
_EXACT_SPEED = 0.004  # clocks of cheap equipment differ by less
_EXACT_SEMITONES = 0.15


@dataclass(frozen=True)
class Found:
    """An accepted alignment, its log10 likelihood ratio, and the weight of the seed it came from."""

    alignment: Alignment
    score: float
    weight: float


class Search:
    """One query against mapped shards."""

    def __init__(
        self,
        shards: Sequence[Shard],
        active: Sequence[NDArray[np.bool_]],
        fp: Fingerprint,
        *,
        selective: bool = True,
    ) -> None:
        """Prepare a query.

        Args:
            shards: to search.
            active: per shard bool[recordings]: which may be found.
            fp: the query.
            selective: keep only what is told; otherwise everything that was followed (to calibrate on).
        """
        self._selective = selective
        self._shards = shards
        self._active = active
        self._peaks = fp.peaks()
        self._picture = Picture(fp)
        self._found: list[Found] = []

    def run(self, deep: bool) -> list[Found]:
        """Return every accepted alignment, in the order they were found.

        Args:
            deep: vote under every assumed change too, with what the unchanged recordings leave unexplained.
        """
        for start in self._starts():
            self._examine(self._vote(self._landmarks(start), IDENTITY, _BUDGET, _POOL), start, _SEEDS)
            rest = (
                self._unexplained(self._landmarks(start, _RANKS_CHANGED, _TARGETS_CHANGED), start)
                if deep
                else None
            )
            if rest is not None:
                seeds = [
                    seed
                    for change in CHANGES
                    for seed in self._vote(rest, change, _BUDGET_PER_CHANGE, _SEEDS_PER_CHANGE)
                ]
                seeds.sort(key=lambda s: (-s.weight, s.shard, s.offset))
                self._examine(seeds, start, _SEEDS_CHANGED)
        return self._found

    def _vote(self, window: Pairs, hypothesis: Hypothesis, budget: int, most: int) -> list[Seed]:
        return vote(self._shards, window, hypothesis, budget=budget, least=_LEAST_WEIGHT, most=most)

    def _unexplained(self, window: Pairs, start: int) -> Pairs | None:
        """Return the landmarks of a window outside all that was found, or None where little is left."""
        hop = window.ticks / P.ticks_per_hop + start
        free = np.ones(hop.size, np.bool_)
        for a in (f.alignment for f in self._found):
            if a.clear:
                free &= (hop < a.start) | (hop >= a.stop)
        left = hop[free]
        if left.size == 0 or np.unique(left // HOPS_PER_SECOND).size < _LEAST_UNEXPLAINED:
            return None
        return Pairs(*(getattr(window, f.name)[free] for f in dataclasses.fields(Pairs)))

    def _starts(self) -> Iterator[int]:
        """Yield the hop at which each window of the query begins."""
        start = 0
        while True:
            yield start
            if start + WINDOW >= self._picture.hops:
                return
            start += STEP

    def _landmarks(self, start: int, ranks: int = P.ranks_kept, targets: int | None = None) -> Pairs:
        """Return the landmarks of a window, in ticks from its beginning."""
        part = self._peaks.between(start * P.ticks_per_hop, (start + WINDOW) * P.ticks_per_hop)
        found = pairs(part, ranks, _QUERY_MAX_DT, targets)
        return dataclasses.replace(found, ticks=found.ticks - start * P.ticks_per_hop)

    def _examine(self, seeds: Sequence[Seed], start: int, most: int) -> None:
        looked = 0
        for seed in seeds:
            if looked >= most:
                return
            shard, number = self._shards[seed.shard], seed.recording
            if not self._active[seed.shard][number]:
                continue
            line = Line(
                seed.shard,
                number,
                seed.offset - float(shard.origin[number]) - seed.hypothesis.rate * start,
                seed.hypothesis.rate,
                seed.hypothesis.shift,
            )
            first, last = seed.first + start, seed.last + start
            middle = (first + last) / 2
            if any(_settles(f, line, middle, seed.weight) for f in self._found):
                continue
            looked += 1
            alignment = self._align(shard, line, first, last)
            if alignment is None:
                continue
            score = log10_lr(alignment)
            if not self._selective or _acceptable(alignment, score):
                self._found.append(Found(alignment, score, seed.weight))

    def kept(self) -> list[Found]:
        """Return of what was found what stands beside everything stronger, in order of time.

        One recording is told once for any stretch of the query. Two recordings may share a stretch (a mash-up, a
        recording registered twice), but one that explains far less of it, by the very peaks that another
        explains, shares a sample, not a use.
        """
        kept: list[Found] = []
        for candidate in sorted(self._found, key=lambda f: (-f.alignment.total, *_place(f))):
            if not any(self._covers(k.alignment, candidate.alignment) for k in kept):
                kept.append(candidate)
        return sorted(kept, key=_place)

    def _covers(self, strong: Alignment, weak: Alignment) -> bool:
        if min(strong.stop, weak.stop) - max(strong.start, weak.start) < 0.5 * (weak.stop - weak.start):
            return False
        if (strong.line.shard, strong.line.number) == (weak.line.shard, weak.line.number):
            return True
        if weak.total / (weak.stop - weak.start) >= _WEAK_SHARE * strong.total / (strong.stop - strong.start):
            return False
        mine, others = (peaks_met(self._shards[a.line.shard], self._picture, a) for a in (weak, strong))
        return int(np.isin(mine, others, assume_unique=True).sum()) >= _SHARED * mine.size

    def rivals(self, found: Sequence[Found]) -> list[tuple[str, ...]]:
        """Return of each which other recordings explain the same sound by the same peaks: neither is chosen."""
        named: list[set[str]] = [set() for _ in found]
        for i, one in enumerate(found):
            for j, other in enumerate(found[:i]):
                if self._same_sound(one.alignment, other.alignment):
                    named[i].add(self._name(other.alignment))
                    named[j].add(self._name(one.alignment))
        return [tuple(sorted(names)) for names in named]

    def _same_sound(self, a: Alignment, b: Alignment) -> bool:
        start, stop = max(a.start, b.start), min(a.stop, b.stop)
        if self._name(a) == self._name(b) or stop - start < 0.5 * min(a.stop - a.start, b.stop - b.start):
            return False
        one, other = (
            peaks_met(
                self._shards[x.line.shard], self._picture, dataclasses.replace(x, start=start, stop=stop)
            )
            for x in (a, b)
        )
        both = int(np.isin(one, other, assume_unique=True).sum())
        return both >= _SHARED * max(min(one.size, other.size), 1)

    def _name(self, a: Alignment) -> str:
        return self._shards[a.line.shard].manifest.recording_ids[a.line.number]

    def _align(self, shard: Shard, line: Line, first: float, last: float) -> Alignment | None:
        """Align a seed; where its rate is in doubt, also at the rates its pitch suggests."""
        best = align(shard, self._picture, line, first, last)
        if best is None or (best.clear and best.stop - best.start >= _LONG):
            return best
        middle = (best.start + best.stop) / 2
        for rate in (1.0, 2 ** (best.line.shift / 1200)):
            if abs(rate - best.line.rate) > _SAME_RATE:
                turned = dataclasses.replace(
                    best.line, rate=rate, offset=best.line.reference(middle) - rate * middle
                )
                rival = align(shard, self._picture, turned, best.start, best.stop)
                if rival is not None and rival.total > best.total:
                    best = rival
        return best


def _acceptable(a: Alignment, score: float) -> bool:
    return score >= ACCEPT_LOG10_LR and is_fixation(a)


def _settles(found: Found, line: Line, middle: float, weight: float) -> bool:
    """Whether what was found leaves nothing to learn from a seed at query hop ``middle``.

    It is the same alignment; or, where the recording is heard clearly, another rate through the same point, or a
    fainter likeness of the recording within itself (a repeat, a loop).
    """
    a = found.alignment
    if (a.line.shard, a.line.number) != (line.shard, line.number):
        return False
    if not a.start - HOPS_PER_SECOND <= middle <= a.stop + HOPS_PER_SECOND:
        return False
    if a.clear and weight < _ECHO * found.weight:
        return True
    close = abs(a.line.reference(middle) - line.reference(middle)) <= _SAME_LINE
    return close and (a.clear or abs(a.line.rate - line.rate) <= _SAME_RATE)


def _place(found: Found) -> tuple[float, int, int]:
    a = found.alignment
    return a.start, a.line.shard, a.line.number


def _joined(found: Sequence[Found]) -> list[Found]:
    """Make one of what lies on one line with a short interruption (a voice over the music) between."""
    done: list[Found] = []
    for late in found:
        for i, early in enumerate(done):
            if _continues(early.alignment, late.alignment):
                done[i] = _one(early, late)
                break
        else:
            done.append(late)
    return done


def _continues(a: Alignment, b: Alignment) -> bool:
    middle = (a.stop + b.start) / 2
    return (
        (a.line.shard, a.line.number) == (b.line.shard, b.line.number)
        and b.start - a.stop <= _INTERRUPTION
        and abs(a.line.reference(middle) - b.line.reference(middle)) <= _SAME_LINE
        and abs(a.line.rate - b.line.rate) <= _SAME_RATE
    )


def _one(early: Found, late: Found) -> Found:
    a, b = early.alignment, late.alignment
    best = max(early, late, key=lambda f: f.score)
    stop = max(a.stop, b.stop)
    heard = a.coverage * (a.stop - a.start) + b.coverage * (b.stop - b.start)
    whole = dataclasses.replace(
        best.alignment,
        line=max(a, b, key=lambda x: x.stop - x.start).line,
        start=a.start,
        stop=stop,
        total=a.total + b.total,
        coverage=min(heard / (stop - a.start), 1.0),
        bounds=(a.bounds[0], b.bounds[1] if b.stop >= a.stop else a.bounds[1]),
    )
    return dataclasses.replace(best, alignment=whole)


def search(
    shards: Sequence[Shard],
    fp: Fingerprint,
    *,
    deep: bool,
    limit: int,
    suppressed: Collection[str],
    active: Sequence[NDArray[np.bool_]],
) -> list[Segment]:
    """See ``Index.search``."""
    if fp.silent or fp.keys.size == 0:
        return []
    hidden = frozenset(suppressed)
    visible = [
        mask & np.array([i not in hidden for i in shard.manifest.recording_ids], np.bool_) if hidden else mask
        for shard, mask in zip(shards, active, strict=True)
    ]
    query = Search(shards, visible, fp)
    query.run(deep)
    found = _joined(query.kept())
    strongest = sorted(found, key=lambda f: -f.score)[:limit]
    segments = [
        dataclasses.replace(_segment(shards[f.alignment.line.shard], f, fp.duration_s), rivals=rivals)
        for f, rivals in zip(strongest, query.rivals(strongest), strict=True)
    ]
    return sorted(segments, key=lambda s: (s.media_start, s.recording_id, s.reference_start))


def _segment(shard: Shard, found: Found, duration_s: float) -> Segment:
    a = found.alignment
    length = shard.manifest.durations_s[a.line.number]
    start, stop = a.start, a.stop
    # A border within its own uncertainty of an end of either file lies at that end.
    earliest = max(0.0, -a.line.offset / a.line.rate)
    latest = min(duration_s * HOPS_PER_SECOND, (length * HOPS_PER_SECOND - a.line.offset) / a.line.rate)
    start = earliest if start - earliest <= a.bounds[0] else start
    stop = latest if latest - stop <= a.bounds[1] else min(stop, latest)
    reference = [float(np.clip(a.line.reference(h) / HOPS_PER_SECOND, 0, length)) for h in (start, stop)]
    return Segment(
        recording_id=shard.manifest.recording_ids[a.line.number],
        media_start=start / HOPS_PER_SECOND,
        media_end=stop / HOPS_PER_SECOND,
        reference_start=reference[0],
        reference_end=reference[1],
        log10_lr=found.score,
        coverage=a.coverage,
        modification=_modification(a),
        bounds=(a.bounds[0] / HOPS_PER_SECOND, a.bounds[1] / HOPS_PER_SECOND),
    )


def _modification(a: Alignment) -> Modification:
    line = a.line
    semitones = line.shift / 100
    # Pitch that follows the speed is no change of its own.
    own = semitones - 12 * float(np.log2(line.rate))
    kinds: tuple[str, ...] = ()
    if abs(line.rate - 1) > _EXACT_SPEED:
        kinds = ("speed",) if abs(own) <= _EXACT_SEMITONES else ("tempo",)
    if abs(own) > _EXACT_SEMITONES and abs(semitones) > _EXACT_SEMITONES:
        kinds += ("pitch",)
    return Modification(kinds, line.rate, semitones, a.doubt[0], a.doubt[1] / 100)
