"""Registered stems: a segment that a recording and its own separated part both claim is told as one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rightscan.index import Segment
from rightscan.jobs.lineups import KnownLineup
from rightscan.rights.axes import Stem

_SAME = 0.5
"""Of the shorter of two segments: from so much overlap on they speak of the same sound."""


def told_once(segments: Sequence[Segment], lineups: Mapping[str, KnownLineup]) -> list[Segment]:
    """Keep, of a recording and its stems that match the same sound, the one with the most evidence.

    A copy of the mix matches the mix better than any stem of it, and a stem matches itself better than the mix.
    At equal evidence the whole recording is kept, whose line-up pays everybody.

    Args:
        segments: as the index found them.
        lineups: of their recordings.
    """
    kept: list[Segment] = []
    ordered = sorted(segments, key=lambda s: (-s.log10_lr * s.coverage, stem_of(lineups, s) is not None))
    for segment in ordered:
        if not any(_related(segment, other, lineups) and _overlaps(segment, other) for other in kept):
            kept.append(segment)
    return kept


def stem_of(lineups: Mapping[str, KnownLineup], segment: Segment) -> Stem | None:
    """Which part of a recording the matched recording is; None for one of its own."""
    return stem_in(lineups[segment.recording_id])


def stem_in(lineup: KnownLineup) -> Stem | None:
    """As ``stem_of``, of the line-up alone."""
    recording = lineup.recording
    return None if recording is None or recording.stem is None else Stem(recording.stem)


def _related(one: Segment, other: Segment, lineups: Mapping[str, KnownLineup]) -> bool:
    """Whether one recording is a stem of the other, or both are stems of a third."""
    return one.recording_id != other.recording_id and _root(one, lineups) == _root(other, lineups)


def _root(segment: Segment, lineups: Mapping[str, KnownLineup]) -> str:
    recording = lineups[segment.recording_id].recording
    return segment.recording_id if recording is None else recording.stem_of or segment.recording_id


def _overlaps(one: Segment, other: Segment) -> bool:
    common = min(one.media_end, other.media_end) - max(one.media_start, other.media_start)
    shorter = min(one.media_end - one.media_start, other.media_end - other.media_start)
    return common >= _SAME * shorter
