"""Findings out of evidence: the four axes, the code that the rule table gives, the words for it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from rightscan.jobs.lineups import KnownLineup
from rightscan.records import findings as records
from rightscan.records import identity
from rightscan.records.media import Media, Scan
from rightscan.records.objects import ErrorInfo
from rightscan.rights.axes import Axes, AxisA, Conditions, Inputs, Modification, Processing
from rightscan.rights.codes import Decision, derive

WHOLE = "whole"
"""The subject of a finding that speaks of the whole file."""

SHORTEST_S = 2.0
"""Below this length a missing match says nothing: the fingerprint's recall is measured from 2 s on."""

DEEP_UP_TO_S = 3600.0
"""Longer files are searched at unchanged speed and pitch only: the whole search costs about 2 CPU-seconds a
minute of unknown sound (`make bench`), and a function has 15 minutes."""

_PROCESSING = {"drm_protected": Processing.DRM, "silent": Processing.SILENCE}


def unprocessable(media: Media, error: ErrorInfo, at: dt.datetime) -> records.Finding:
    """X2: the file could not be analysed."""
    processing = _PROCESSING.get(error.code, Processing.DECODE_FAILURE)
    axes = Axes()
    decision = derive(axes, Inputs(processing=processing))
    return _finding(media, WHOLE, axes, decision, Evidence(), f"scan:{media.media_id}", at)


def no_match(media: Media, scan: Scan, verdict_id: str, at: dt.datetime) -> records.Finding:
    """N1, or X1 where the file does not allow to say that nothing is in it."""
    failed = []
    if not scan.complete:
        failed.append("complete")
    if scan.duration_s < SHORTEST_S:
        failed.append("duration")
    axes = Axes(a=AxisA.NONE)
    decision = derive(axes, Inputs(conditions=Conditions(tuple(failed))))
    evidence = Evidence(conditions=tuple(failed), tested=_tested(scan))
    return _finding(media, WHOLE, axes, decision, evidence, verdict_id, at)


def searched_deep(scan: Scan) -> bool:
    """Whether the file is searched for changed speed, tempo and pitch too."""
    return scan.duration_s <= DEEP_UP_TO_S


def _tested(scan: Scan) -> tuple[str, ...]:
    return ("a",) if searched_deep(scan) else ("a_unchanged",)


@dataclass(frozen=True)
class Evidence:
    """What a finding carries beside its axes."""

    match: records.Match | None = None
    lineup: KnownLineup | None = None
    conditions: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()


def matched(
    media: Media, scan: Scan, match: records.Match, lineup: KnownLineup, verdict_id: str, at: dt.datetime
) -> records.Finding:
    """U1, U2 or U3: a registered recording is in the file."""
    kinds = tuple(Modification(kind) for kind in match.modification.kinds)
    axes = Axes(a=AxisA.MODIFIED if kinds else AxisA.EXACT, modifications=kinds)
    decision = derive(axes, Inputs(completeness=lineup.completeness))
    conditions = () if scan.complete else ("complete",)
    evidence = Evidence(match, lineup, conditions, _tested(scan))
    return _finding(media, match.occurrence_id, axes, decision, evidence, verdict_id, at)


def _finding(
    media: Media,
    subject: str,
    axes: Axes,
    decision: Decision,
    evidence: Evidence,
    verdict_id: str,
    at: dt.datetime,
) -> records.Finding:
    match, lineup = evidence.match, evidence.lineup
    return records.Finding(
        finding_id=identity.finding_id(media.media_id, subject),
        media_id=media.media_id,
        subject=subject,
        match_id=None if match is None else match.match_id,
        recording_id=None if match is None else match.recording_id,
        claim_basis=decision.claim_basis,
        axes=records.Axes(
            a=axes.a, a_kinds=tuple(str(kind) for kind in axes.modifications), b=axes.b, c=axes.c, d=axes.d
        ),
        code=decision.code,
        hits=tuple(str(hit) for hit in decision.hits),
        reason_ko=decision.reason_ko,
        reason_en=decision.reason_en,
        media_start=None if match is None else match.media_start,
        media_end=None if match is None else match.media_end,
        conditions=evidence.conditions,
        tested=evidence.tested,
        lineup_known=None if lineup is None else lineup.completeness.known,
        lineup_size=None if lineup is None else lineup.completeness.size,
        held_share=lineup is not None and (decision.held_share or bool(lineup.shares.held)),
        performers=() if lineup is None else lineup.performers,
        rule=None if lineup is None else lineup.shares.rule,
        verdict_id=verdict_id,
        recorded_at=at,
    )
