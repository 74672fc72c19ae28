"""Registered recordings that claim one thing: a span of an upload, an ISRC, one sound. Neither is chosen."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from rightscan.fingerprint import Fingerprint
from rightscan.index import Index, Segment
from rightscan.jobs.lineups import KnownLineup
from rightscan.jobs.versions import fingerprint_pipeline
from rightscan.ports import Ledger, Ports
from rightscan.records import identity
from rightscan.records.conflicts import ConflictKind, ConflictResult, RecordingConflict
from rightscan.records.findings import Match
from rightscan.records.registers import Recording
from rightscan.rights.money import HoldReason, Shares

EXCERPT_S = 20.0
"""Of each of three parts of a new recording, s: what is looked for in the index."""

_PARTS = (0.2, 0.5, 0.8)  # where the middles of the excerpts lie
_HEARD = 0.5  # of an excerpt: less is a shared sample


# ---- one span, two recordings -------------------------------------------------------------------------------
def contested(matches: Sequence[Match], segments: Sequence[Segment]) -> dict[str, tuple[str, ...]]:
    """Which other recordings each match shares its sound with, by match id.

    Args:
        matches: of one file.
        segments: what they were made from; only rivals that became matches count.
    """
    rivals = {(s.recording_id, round(float(s.media_start), 3)): s.rivals for s in segments}
    found: dict[str, tuple[str, ...]] = {}
    for match in matches:
        named = rivals.get((match.recording_id, match.media_start), ())
        others = {m.recording_id for m in matches if m.recording_id in named and _common(match, m) > 0}
        if others:
            found[match.match_id] = tuple(sorted(others))
    return found


def held(lineup: KnownLineup) -> KnownLineup:
    """The line-up with all of its money held: who is to be paid depends on which recording it is."""
    performers = tuple(
        p.model_copy(update={"weight_num": None, "weight_den": None}) for p in lineup.performers
    )
    shares = Shares({}, Fraction(1), HoldReason.CONFLICT, lineup.shares.rule)
    return replace(lineup, performers=performers, shares=shares)


def keep_of_media(
    media_id: str, matches: Sequence[Match], disputed: Mapping[str, tuple[str, ...]], ports: Ports
) -> None:
    """Write the conflicts of one file, and end those that no longer hold."""
    now = ports.clock.now()
    pairs = [
        (one, other)
        for one in matches
        for other in matches
        if one.recording_id < other.recording_id
        and other.recording_id in disputed.get(one.match_id, ())
        and _common(one, other) > 0
    ]
    found = [
        RecordingConflict(
            conflict_id=identity.conflict_id("shared_span", one.match_id, other.match_id),
            kind="shared_span",
            recording_ids=(one.recording_id, other.recording_id),
            media_id=media_id,
            media_start=max(one.media_start, other.media_start),
            media_end=min(one.media_end, other.media_end),
            found_at=now,
        )
        for one, other in pairs
    ]
    _keep(found, ports.ledger.conflicts_in(media_id), now, ports.ledger)


def _common(one: Match, other: Match) -> float:
    return min(one.media_end, other.media_end) - max(one.media_start, other.media_start)


# ---- one ISRC, two recordings -------------------------------------------------------------------------------
def keep_of_isrc(recording: Recording, ports: Ports) -> None:
    """Write a conflict with every other recording of the same ISRC; end those of an ISRC it had before."""
    now = ports.clock.now()
    isrc = None if recording.isrc is None or recording.isrc.outcome == "invalid" else recording.isrc.value
    others = [] if isrc is None else ports.ledger.recordings_with_isrc(isrc)
    found = [
        _pair("same_isrc", recording, other, now, isrc)
        for other in others
        if other.recording_id != recording.recording_id and not _related(recording, other)
    ]
    standing = [c for c in ports.ledger.conflicts_of(recording.recording_id) if c.kind == "same_isrc"]
    _keep(found, standing, now, ports.ledger)


# ---- one sound, two recordings ------------------------------------------------------------------------------
def keep_of_sound(recording_ids: Collection[str], ports: Ports) -> None:
    """Look for the sound of recordings that came into the index among the others in it."""
    index = ports.index.current(fresh=True).index if recording_ids else None
    if index is None:
        return
    now = ports.clock.now()
    for recording_id in recording_ids:
        recording = ports.ledger.recording(recording_id)
        reference = ports.ledger.reference(recording_id, fingerprint_pipeline())
        if recording is None or reference is None or reference.features is None:
            continue
        with ports.objects.open(reference.features) as reader:
            sound = Fingerprint.from_npz(reader.read())
        others = [ports.ledger.recording(other) for other in same_sound(recording_id, sound, index)]
        found = [
            _pair("same_sound", recording, other, now)
            for other in others
            if other is not None and not _related(recording, other)
        ]
        standing = [c for c in ports.ledger.conflicts_of(recording_id) if c.kind == "same_sound"]
        _keep(found, standing, now, ports.ledger)


def same_sound(recording_id: str, sound: Fingerprint, index: Index) -> list[str]:
    """Return the other recordings of the index whose sound is nearly this one, at unchanged speed and pitch.

    Two of three excerpts must be heard, so that a shared sample or one movement of a medley is not enough.
    """
    parts = [sound]
    if sound.duration_s >= 3 * EXCERPT_S:
        starts = [share * sound.duration_s - EXCERPT_S / 2 for share in _PARTS]
        parts = [sound.between(start, start + EXCERPT_S) for start in starts]
    heard: dict[str, int] = {}
    for part in parts:
        segments = index.search(part, suppressed=(recording_id,))
        for other in {s.recording_id for s in segments if _length(s) >= _HEARD * part.duration_s}:
            heard[other] = heard.get(other, 0) + 1
    return sorted(other for other, times in heard.items() if times > len(parts) // 2)


def _length(segment: Segment) -> float:
    return segment.media_end - segment.media_start


def _related(one: Recording, other: Recording) -> bool:
    """Whether one is a registered stem of the other, or both are of a third."""
    return (one.stem_of or one.recording_id) == (other.stem_of or other.recording_id)


def _pair(
    kind: ConflictKind, one: Recording, other: Recording, now: dt.datetime, isrc: str | None = None
) -> RecordingConflict:
    first, second = sorted((one.recording_id, other.recording_id))
    return RecordingConflict(
        conflict_id=identity.conflict_id(kind, isrc or "", first, second),
        kind=kind,
        recording_ids=(first, second),
        isrc=isrc,
        found_at=now,
    )


def _keep(
    found: Iterable[RecordingConflict],
    standing: Iterable[RecordingConflict],
    now: dt.datetime,
    ledger: Ledger,
) -> None:
    before = {conflict.conflict_id: conflict for conflict in standing if conflict.status == "open"}
    for conflict in found:
        known = before.pop(conflict.conflict_id, None)
        first_seen = conflict.found_at if known is None else known.found_at
        ledger.put_conflict(conflict.model_copy(update={"found_at": first_seen}))
    for conflict in before.values():
        ledger.put_conflict(conflict.model_copy(update={"status": "ended", "ended_at": now}))


# ---- listing ------------------------------------------------------------------------------------------------
def listed(ports: Ports) -> list[ConflictResult]:
    """The open conflicts, those of one kind between two recordings as one, oldest first."""
    groups: dict[tuple[Any, ...], list[RecordingConflict]] = {}
    for conflict in ports.ledger.open_conflicts():
        groups.setdefault((conflict.kind, conflict.recording_ids, conflict.isrc), []).append(conflict)
    results = [_result(group, ports) for group in groups.values()]
    return sorted(results, key=lambda r: (r.first_found_at, r.kind, r.recording_ids))


def _result(group: list[RecordingConflict], ports: Ports) -> ConflictResult:
    first = group[0]
    recordings = [ports.ledger.recording(recording_id) for recording_id in first.recording_ids]
    one, other = (None if recording is None else recording.title for recording in recordings)
    return ConflictResult(
        kind=first.kind,
        recording_ids=first.recording_ids,
        titles=(one, other),
        isrc=first.isrc,
        media=len({c.media_id for c in group if c.media_id is not None}),
        seconds=round(sum((c.media_end or 0.0) - (c.media_start or 0.0) for c in group), 3),
        first_found_at=min(c.found_at for c in group),
        conflict_ids=tuple(sorted(c.conflict_id for c in group)),
    )
