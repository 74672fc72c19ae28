"""Other performances of a registered work, in what no registered recording was found in. Never a use, never a claim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rightscan.harmony import SHORTEST_S, Catalogue, Harmony
from rightscan.jobs.spans import Span
from rightscan.ports import OpenIndex
from rightscan.records.findings import Match, SimilarRecording

PIECE_S = 240.0
"""Longer sound is compared in pieces of this length, s: a medley holds several works."""

LONGEST_S = 3600.0
"""Files up to this length are compared: the whole search costs about 0.3 CPU-seconds a piece (`bench.covers`)."""

MOST = 3
"""Candidates named of one span."""

MOST_SPANS = 20
"""Findings of one file on spans with a candidate."""


@dataclass(frozen=True)
class Covers:
    """What was compared and found.

    Attributes:
        tested: whether there was anything to compare, and whether it could be.
        spans: of the file with a candidate, in order of time, each with its candidates, likeliest first.
    """

    tested: bool = False
    spans: tuple[tuple[Span, tuple[SimilarRecording, ...]], ...] = ()

    def whole(self) -> tuple[SimilarRecording, ...]:
        """The candidates of a file in which no recording was found; each once, with its best score."""
        best: dict[str, SimilarRecording] = {}
        for _, candidates in self.spans:
            for one in candidates:
                if one.recording_id not in best or one.score > best[one.recording_id].score:
                    best[one.recording_id] = one
        return tuple(sorted(best.values(), key=lambda c: (-c.score, c.recording_id))[:MOST])

    def at(self, span: Span) -> tuple[SimilarRecording, ...]:
        """The candidates of the span that shares most with another, if that is half of it."""
        shared = [(span.common(s.start_s, s.end_s), candidates) for s, candidates in self.spans]
        most = max(shared, key=lambda entry: entry[0], default=(0.0, ()))
        return most[1] if most[0] >= span.seconds / 2 else ()


def covers_of(
    harmony: Harmony | None, duration_s: float, matches: Iterable[Match], live: OpenIndex
) -> Covers:
    """Look for other performances of registered works outside the matches.

    Args:
        harmony: of the file; None where its features hold none.
        duration_s: of the file.
        matches: registered recordings in it; these are not candidates for the rest of the file, in which a
            part that was not recognised may remain.
        live: the index.
    """
    if harmony is None or not SHORTEST_S <= duration_s <= LONGEST_S:
        return Covers()
    matches = list(matches)
    pieces = list(_pieces(duration_s, [Span(m.media_start, m.media_end) for m in matches]))
    works = live.works() if pieces else None
    if works is None or len(works) == 0:
        return Covers()
    known = frozenset(m.recording_id for m in matches)
    spans: list[tuple[Span, tuple[SimilarRecording, ...]]] = []
    for piece in pieces:
        candidates = _candidates(harmony, piece, works, known)
        if candidates:
            spans.append((piece, candidates))
    strongest = sorted(spans, key=lambda entry: -entry[1][0].score)[:MOST_SPANS]
    return Covers(True, tuple(sorted(strongest, key=lambda entry: entry[0].start_s)))


def _pieces(duration_s: float, matched: list[Span]) -> Iterator[Span]:
    for gap in _gaps(duration_s, sorted(matched, key=lambda span: span.start_s)):
        count = max(1, round(gap.seconds / PIECE_S))
        length = gap.seconds / count
        for number in range(count):
            start = gap.start_s + number * length
            if length >= SHORTEST_S:
                yield Span(start, start + length)


def _gaps(duration_s: float, matched: list[Span]) -> Iterator[Span]:
    start = 0.0
    for span in matched:
        if span.start_s > start:
            yield Span(start, span.start_s)
        start = max(start, span.end_s)
    if start < duration_s:
        yield Span(start, duration_s)


def _candidates(
    harmony: Harmony, piece: Span, works: Catalogue, known: frozenset[str]
) -> tuple[SimilarRecording, ...]:
    found = works.search(harmony.between(piece.start_s, piece.end_s), without=known)
    return tuple(
        SimilarRecording(
            recording_id=candidate.recording_id,
            score=round(candidate.score, 2),
            seconds=round(candidate.seconds, 1),
            transposition=candidate.transposition,
        )
        for candidate in found[:MOST]
    )
