"""Findings out of evidence: the four axes, the code that the rule table gives, the words for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rightscan.jobs.authorisation import NOT_ASKED, Authorisation
from rightscan.jobs.lineups import KnownLineup
from rightscan.jobs.spans import MIXED, Span, SpanOrigin
from rightscan.jobs.voices.heard import NOBODY, Voices
from rightscan.records import findings as records
from rightscan.records import identity
from rightscan.records.media import Media, Scan
from rightscan.records.objects import ErrorInfo
from rightscan.rights.axes import (
    Axes,
    AxisA,
    AxisC,
    AxisD,
    Conditions,
    DetectedPart,
    Inputs,
    Modification,
    Processing,
    Stem,
)
from rightscan.rights.codes import Decision, derive
from rightscan.rights.licences import Consulted
from rightscan.rights.money import HoldReason

if TYPE_CHECKING:
    # Judging brings numpy, which the function that ingests does not carry.
    from rightscan.jobs.covers import Covers
    from rightscan.jobs.origin import Origin

Stamp = tuple[str, dt.datetime]
"""The verdict's id and its time."""

WHOLE = "whole"
"""The subject of a finding that speaks of the whole file."""

VOICE = "voice"
"""The subject of a finding on a voice in the file that no match explains."""

SHORTEST_S = 2.0
"""Below this length a missing match says nothing: the fingerprint's recall is measured from 2 s on."""

DEEP_UP_TO_S = 3600.0
"""Longer files are searched at unchanged speed and pitch only: the whole search costs about 2 CPU-seconds a
minute of unknown sound (`make bench`), and a function has 15 minutes."""


@dataclass(frozen=True)
class Heard:
    """Axis B of a file in which no match explains the voice.

    Attributes:
        voices: the word and who is named.
        authorisation: axis D of the performer who is named first.
        subject: ``whole``, or ``voice`` beside matches.
    """

    voices: Voices = NOBODY
    authorisation: Authorisation = NOT_ASKED
    subject: str = WHOLE


_PROCESSING = {"drm_protected": Processing.DRM, "silent": Processing.SILENCE}


def unprocessable(media: Media, error: ErrorInfo, at: dt.datetime) -> records.Finding:
    """X2: the file could not be analysed."""
    processing = _PROCESSING.get(error.code, Processing.DECODE_FAILURE)
    axes = Axes()
    decision = derive(axes, Inputs(processing=processing))
    return _finding(media, WHOLE, axes, decision, Evidence(), f"scan:{media.media_id}", at)


def no_match(
    media: Media,
    scan: Scan,
    known: tuple[Origin, Covers],
    verdict_id: str,
    at: dt.datetime,
    heard: Heard | None = None,
) -> records.Finding:
    """N1; D1 or D2 where the file is declared or detected to be made by a machine; X1 where nothing can be said.

    H1 where it may be another performance of a registered work and no trace of a machine is found. Where that
    test came to no end, it may be a human cover or not: X1.

    A test of synthesis that came to no end limits what is said of synthesis and nothing else: the code is then
    that of a file which was not tested for it. Where its sound does show something, a person is to look, and
    nothing else can be said of the file: X1, with the conditions (ADR 0009).

    Args:
        media: the bytes.
        scan: their analysis.
        known: axis C, and other performances of registered works.
        verdict_id: of the verdict it is part of.
        at: when it is recorded.
        heard: axis B, where voices were compared.
    """
    heard = heard or Heard()
    voices, authorisation = heard.voices, heard.authorisation
    failed = []
    if not scan.complete:
        failed.append("complete")
    if scan.duration_s < SHORTEST_S:
        failed.append("duration")
    origin, covers = known
    whole, similar = origin.whole(), covers.whole()
    open_end = whole.axis_c is AxisC.INCONCLUSIVE
    asks = open_end and (whole.shows_something or bool(similar))
    axes = _axes(AxisA.COVER_CANDIDATE if similar else AxisA.NONE, whole)
    axes = replace(axes, b=voices.axis_b)
    if authorisation is not NOT_ASKED:
        axes = replace(axes, d=authorisation.axis_d)
    asked = whole.conditions if asks else _of_a_mix(whole, voices)
    told = Conditions((*failed, *(c for c in asked if c not in failed)))
    # A voice that is like somebody's asks for a listener whether or not the test of synthesis came to an end (A3).
    set_aside = open_end and not asks and voices.best is None
    decided = replace(axes, c=AxisC.NOT_TESTED) if set_aside else axes
    if voices.best is not None and not _speaks_of_the_voice(whole):
        decided = replace(axes, c=AxisC.NONE_FOUND)
    evidence = Evidence(
        span=origin.detected_span() if whole.axis_c is AxisC.DETECTED else None,
        conditions=tuple(dict.fromkeys((*failed, *whole.conditions, *voices.conditions))),
        tested=(*_tested(scan, covers), *voices.tested, *whole.tested),
        consulted=authorisation.consulted,
        similar=similar,
        voices=voices,
    )
    return _finding(
        media, heard.subject, axes, derive(decided, Inputs(conditions=told)), evidence, verdict_id, at
    )


def _of_a_mix(whole: SpanOrigin, voices: Voices) -> tuple[str, ...]:
    """Why nobody's voice may be called a replica: what was detected may be the band under a human voice."""
    mixed = whole.axis_c is AxisC.DETECTED and whole.parts == (DetectedPart.FULL,)
    return tuple(c for c in whole.conditions if c == MIXED and mixed and voices.best is not None)


def _speaks_of_the_voice(whole: SpanOrigin) -> bool:
    """Whether what is declared or detected is of the voice; a machine's band leaves the singer a human one."""
    if whole.axis_c is AxisC.DETECTED:
        return whole.parts != (DetectedPart.INSTRUMENTAL,)
    if whole.axis_c is AxisC.DECLARED:
        return not whole.declared_parts or bool({"whole", "vocals"} & set(whole.declared_parts))
    return True


def elsewhere(
    media: Media, scan: Scan, known: tuple[Origin, Covers], matches: Iterable[records.Match], stamp: Stamp
) -> list[records.Finding]:
    """Findings on parts outside the matches: D1 or D2, and other performances of registered works."""
    origin, covers = known
    speaking = origin.unmatched(Span(m.media_start, m.media_end) for m in matches)
    told = [(f"synthesis-{s.start_s:.0f}", s, of, covers.at(s)) for s, of in speaking]
    told += [
        (f"cover-{span.start_s:.0f}", span, origin.of(span), similar)
        for span, similar in covers.spans
        if not any(span.common(s.start_s, s.end_s) >= span.seconds / 2 for s, _ in speaking)
    ]
    return [_of_part(media, _tested(scan, covers), part, stamp) for part in told]


def _of_part(
    media: Media,
    tested: tuple[str, ...],
    part: tuple[str, Span, SpanOrigin, tuple[records.SimilarRecording, ...]],
    stamp: Stamp,
) -> records.Finding:
    subject, span, origin, similar = part
    axes = _axes(AxisA.COVER_CANDIDATE if similar else AxisA.NONE, origin)
    evidence = Evidence(
        span=span, conditions=origin.conditions, tested=(*tested, *origin.tested), similar=similar
    )
    open_end = origin.conditions if origin.axis_c is AxisC.INCONCLUSIVE else ()
    decision = derive(axes, Inputs(conditions=Conditions(open_end)))
    return _finding(media, subject, axes, decision, evidence, *stamp)


def _axes(a: AxisA, origin: SpanOrigin, modifications: tuple[Modification, ...] = ()) -> Axes:
    return Axes(
        a=a,
        c=origin.axis_c,
        modifications=modifications,
        declared_by=origin.declared_by,
        detected_parts=origin.parts,
    )


def searched_deep(scan: Scan) -> bool:
    """Whether the file is searched for changed speed, tempo and pitch too."""
    return scan.duration_s <= DEEP_UP_TO_S


def _tested(scan: Scan, covers: Covers | None = None) -> tuple[str, ...]:
    recording = "a" if searched_deep(scan) else "a_unchanged"
    return (recording, "a_harmony") if covers is not None and covers.tested else (recording,)


@dataclass(frozen=True)
class Evidence:
    """What a finding carries beside its axes."""

    match: records.Match | None = None
    span: Span | None = None
    lineup: KnownLineup | None = None
    conditions: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()
    consulted: Consulted = field(default_factory=Consulted)
    similar: tuple[records.SimilarRecording, ...] = ()
    contested_by: tuple[str, ...] = ()
    voices: Voices = NOBODY


@dataclass(frozen=True)
class Known:
    """What is known around one match."""

    lineup: KnownLineup
    origin: Origin
    stem: Stem | None
    authorisation: Authorisation
    contested_by: tuple[str, ...] = ()
    voices: Voices = NOBODY


def matched(
    media: Media, scan: Scan, match: records.Match, known: Known, verdict_id: str, at: dt.datetime
) -> records.Finding:
    """A registered recording or a stem of one is in the file; axis C is that of its own part of the file."""
    lineup, stem = known.lineup, known.stem
    span = Span(match.media_start, match.media_end)
    origin = known.origin.of(span)
    kinds = tuple(Modification(kind) for kind in match.modification.kinds)
    a = AxisA.MODIFIED if kinds else AxisA.EXACT
    axes = _axes(a if stem is None else AxisA.PARTIAL_STEM, origin, kinds)
    axes = replace(axes, stem=stem, b=known.voices.axis_b, d=known.authorisation.axis_d)
    decided = axes if _touches(origin, stem) else replace(axes, c=AxisC.NONE_FOUND, d=AxisD.NOT_APPLICABLE)
    decision = derive(decided, Inputs(completeness=lineup.completeness))
    conditions = (*(() if scan.complete else ("complete",)), *origin.conditions, *known.voices.conditions)
    evidence = Evidence(
        match,
        span,
        lineup,
        conditions,
        (*_tested(scan), *known.voices.tested, *origin.tested),
        known.authorisation.consulted,
        contested_by=known.contested_by,
        voices=known.voices,
    )
    return _finding(media, match.occurrence_id, axes, decision, evidence, verdict_id, at)


def _touches(origin: SpanOrigin, stem: Stem | None) -> bool:
    """Whether what was detected may be in the part that is used: a machine's band transforms no real voice over it."""
    if stem is None or origin.axis_c is not AxisC.DETECTED:
        return True
    return bool({DetectedPart.FULL, DetectedPart(stem.value)} & set(origin.parts))


def _finding(
    media: Media,
    subject: str,
    axes: Axes,
    decision: Decision,
    evidence: Evidence,
    verdict_id: str,
    at: dt.datetime,
) -> records.Finding:
    match, lineup, span = evidence.match, evidence.lineup, evidence.span
    return records.Finding(
        finding_id=identity.finding_id(media.media_id, subject),
        media_id=media.media_id,
        subject=subject,
        match_id=None if match is None else match.match_id,
        recording_id=None if match is None else match.recording_id,
        claim_basis=decision.claim_basis,
        axes=records.Axes(
            a=axes.a,
            a_kinds=tuple(str(kind) for kind in (*([axes.stem] if axes.stem else ()), *axes.modifications)),
            b=axes.b,
            c=axes.c,
            c_kind=next((str(kind) for kind in (*axes.declared_by, *axes.detected_parts)), None),
            d=axes.d,
        ),
        code=decision.code,
        hits=tuple(str(hit) for hit in decision.hits),
        reason_ko=decision.reason_ko,
        reason_en=decision.reason_en,
        media_start=None if span is None else round(span.start_s, 3),
        media_end=None if span is None else round(span.end_s, 3),
        conditions=evidence.conditions,
        tested=evidence.tested,
        lineup_known=None if lineup is None else lineup.completeness.known,
        lineup_size=None if lineup is None else lineup.completeness.size,
        held_share=lineup is not None and (decision.held_share or bool(lineup.shares.held)),
        hold_reason=None if lineup is None else _hold_reason(lineup),
        contested_by=evidence.contested_by,
        similar=evidence.similar,
        performers=() if lineup is None else lineup.performers,
        rule=None if lineup is None else lineup.shares.rule,
        likeness=evidence.voices.likeness(),
        licence_ids=evidence.consulted.covering,
        licence_misses=tuple(
            records.LicenceMiss(licence_id=licence_id, shortfall=why.value)
            for licence_id, why in evidence.consulted.misses
        ),
        verdict_id=verdict_id,
        recorded_at=at,
    )


def _hold_reason(lineup: KnownLineup) -> str | None:
    reason = lineup.shares.hold_reason
    return None if reason is HoldReason.NONE else reason.value
