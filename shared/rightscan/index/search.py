"""The search: windows of the query, seeds from votes, alignments, and what of them is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import PARAMETERS as P
from rightscan.fingerprint import Fingerprint
from rightscan.fingerprint.landmarks import Pairs, pairs
from rightscan.fingerprint.spectrum import Peaks
from rightscan.index.alignment import HOPS_PER_SECOND, Alignment, align
from rightscan.index.calibration import ACCEPT_LOG10_LR, log10_lr
from rightscan.index.evidence import Line, Picture
from rightscan.index.result import Modification, Segment
from rightscan.index.shard import Shard
from rightscan.index.voting import CHANGES, IDENTITY, Hypothesis, Seed, vote

WINDOW = round(24 * HOPS_PER_SECOND)  # hops of query voted on together
STEP = round(16 * HOPS_PER_SECOND)  # so that any eight seconds lie whole in one window
_QUERY_MAX_DT = 63  # hops: the longest landmark of a reference, played at 0.78 of its speed
_BUDGET = 3_000_000  # votes a window, 24 bytes each
_LEAST_WEIGHT = 3.0
_SEEDS = 24  # examined a window
_SEEDS_PER_CHANGE = 3
_SEEDS_CHANGED = 32
_LEAST_UNEXPLAINED = 2  # s
_SAME_LINE = 8.0  # hops: two alignments closer than this are one
_WEAK_SHARE = 0.2  # of a stronger recording's evidence in the same place, below which another is not told
_EXACT_SPEED = 0.004  # clocks of cheap equipment differ by less
_EXACT_SEMITONES = 0.15

Found = tuple[Alignment, float]  # and its log10 likelihood ratio


class Search:
    """One query against mapped shards."""

    def __init__(self, shards: Sequence[Shard], active: Sequence[NDArray[np.bool_]], fp: Fingerprint) -> None:
        """Prepare a query.

        Args:
            shards: to search.
            active: per shard bool[recordings]: which may be found.
            fp: the query.
        """
        self._shards = shards
        self._active = active
        self._peaks = fp.peaks()
        self._picture = Picture(fp)
        self._found: list[Found] = []

    def run(self, deep: bool) -> list[Found]:
        """Return every alignment above the accept threshold, duplicates left out, by time in the query.

        Args:
            deep: vote under every assumed change too, with what the unchanged recordings leave unexplained.
        """
        for start, window in self._windows():
            self._examine(self._vote(window, IDENTITY), start)
            rest = self._unexplained(window, start) if deep else None
            if rest is not None:
                seeds = [seed for change in CHANGES for seed in self._vote(rest, change)[:_SEEDS_PER_CHANGE]]
                seeds.sort(key=lambda s: (-s.weight, s.shard, s.offset))
                self._examine(seeds[:_SEEDS_CHANGED], start)
        return _without_duplicates(self._found)

    def _vote(self, window: Pairs, hypothesis: Hypothesis) -> list[Seed]:
        return vote(self._shards, window, hypothesis, budget=_BUDGET, least=_LEAST_WEIGHT, most=_SEEDS)

    def _unexplained(self, window: Pairs, start: int) -> Pairs | None:
        """Return the landmarks of a window outside all that was found, or None where little is left."""
        hop = window.ticks / P.ticks_per_hop + start
        free = np.ones(hop.size, np.bool_)
        for a, _ in self._found:
            free &= (hop < a.start) | (hop >= a.stop)
        left = hop[free]
        if left.size == 0 or np.unique(left // HOPS_PER_SECOND).size < _LEAST_UNEXPLAINED:
            return None
        return Pairs(*(getattr(window, f.name)[free] for f in dataclasses.fields(Pairs)))

    def _windows(self) -> Iterator[tuple[int, Pairs]]:
        ticks = self._peaks.ticks
        start = 0
        while True:
            low, high = np.searchsorted(ticks, np.array([start, start + WINDOW], np.int64) * P.ticks_per_hop)
            part = Peaks(*(getattr(self._peaks, f.name)[low:high] for f in dataclasses.fields(Peaks)))
            found = pairs(part, P.ranks_kept, _QUERY_MAX_DT)
            yield start, dataclasses.replace(found, ticks=found.ticks - start * P.ticks_per_hop)
            if start + WINDOW >= self._picture.hops:
                return
            start += STEP

    def _examine(self, seeds: Sequence[Seed], start: int) -> None:
        told: list[tuple[Found, float]] = []  # this window's, with the weight of the seed each came from
        for seed in seeds:
            shard = self._shards[seed.shard]
            number = shard.recording_at(seed.offset + seed.hypothesis.rate * (seed.first + seed.last) / 2)
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
            if self._known(line, first, last) or _echo(told, line, (first + last) / 2, seed.weight):
                continue
            alignment = align(shard, self._picture, line, first, last)
            if alignment is None:
                continue
            score = log10_lr(alignment.harmony)
            if score >= ACCEPT_LOG10_LR:
                self._found.append((alignment, score))
                told.append(((alignment, score), seed.weight))

    def _known(self, line: Line, first: int, last: int) -> bool:
        """Whether an alignment already found runs through this seed."""
        middle = (first + last) / 2
        return any(
            a.line.shard == line.shard
            and a.line.number == line.number
            and a.start - HOPS_PER_SECOND <= middle <= a.stop + HOPS_PER_SECOND
            and abs(a.line.reference(middle) - line.reference(middle)) <= _SAME_LINE
            for a, _ in self._found
        )


def _echo(told: Sequence[tuple[Found, float]], line: Line, middle: float, weight: float) -> bool:
    """Whether a seed is a fainter likeness of the same recording within itself: a repeat, a loop."""
    return any(
        a.line.shard == line.shard
        and a.line.number == line.number
        and a.start <= middle <= a.stop
        and weight < 0.7 * stronger
        for (a, _), stronger in told
    )


def _overlap(a: Alignment, b: Alignment) -> float:
    return min(a.stop, b.stop) - max(a.start, b.start)


def _without_duplicates(found: Sequence[Found]) -> list[Found]:
    """Keep what stands beside everything stronger.

    One recording is told once for any stretch of the query. Two recordings may share a stretch (a mash-up, a
    recording registered twice), but one that explains far less of it than another shares a sample, not a use.
    """
    kept: list[Found] = []
    for a, score in sorted(found, key=lambda f: (-f[0].total, f[0].line.shard, f[0].line.number, f[0].start)):
        length = a.stop - a.start
        faint = False
        for b, _ in kept:
            shared = _overlap(a, b)
            if shared < 0.5 * length:
                continue
            same = (a.line.shard, a.line.number) == (b.line.shard, b.line.number)
            faint |= same or a.total / length < _WEAK_SHARE * b.total / (b.stop - b.start)
        if not faint:
            kept.append((a, score))
    return sorted(kept, key=lambda f: (f[0].start, f[0].line.shard, f[0].line.number))


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
    found = Search(shards, visible, fp).run(deep)
    strongest = sorted(found, key=lambda f: -f[1])[:limit]
    segments = [_segment(shards[a.line.shard], a, score, fp.duration_s) for a, score in strongest]
    return sorted(segments, key=lambda s: (s.media_start, s.recording_id, s.reference_start))


def _segment(shard: Shard, a: Alignment, score: float, duration_s: float) -> Segment:
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
        log10_lr=score,
        coverage=a.coverage,
        modification=_modification(a.line),
        bounds=(a.bounds[0] / HOPS_PER_SECOND, a.bounds[1] / HOPS_PER_SECOND),
    )


def _modification(line: Line) -> Modification:
    semitones = line.shift / 100
    # Pitch that follows the speed is no change of its own.
    own = semitones - 12 * float(np.log2(line.rate))
    kinds: tuple[str, ...] = ()
    if abs(line.rate - 1) > _EXACT_SPEED:
        kinds = ("speed",) if abs(own) <= _EXACT_SEMITONES else ("tempo",)
    if abs(own) > _EXACT_SEMITONES and abs(semitones) > _EXACT_SEMITONES:
        kinds += ("pitch",)
    return Modification(kinds, line.rate, semitones)
