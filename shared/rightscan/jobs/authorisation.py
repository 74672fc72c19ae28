"""Axis D: what the licence register says of an AI use, before anybody is suspected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rightscan.jobs.lineups import KnownLineup
from rightscan.jobs.spans import SpanOrigin
from rightscan.ports import Ledger
from rightscan.records import registers
from rightscan.records.objects import Upload
from rightscan.rights.axes import AxisC, AxisD, DetectedPart, Stem
from rightscan.rights.licences import WHOLE, AiUse, Consulted, Licence, consult
from rightscan.rights.periods import kst_day

_VOCALS, _INSTRUMENTATION = "vocals", "instrumentation"
_BOTH = frozenset({_VOCALS, _INSTRUMENTATION})
_OF_STEM = {Stem.VOCAL: frozenset({_VOCALS}), Stem.INSTRUMENTAL: frozenset({_INSTRUMENTATION})}
_OF_DETECTED = {
    DetectedPart.VOCAL: frozenset({_VOCALS}),
    DetectedPart.INSTRUMENTAL: frozenset({_INSTRUMENTATION}),
    DetectedPart.FULL: _BOTH,
    DetectedPart.FACE: frozenset({"face"}),
}
_CATEGORY_OF = {_VOCALS: "vocal", _INSTRUMENTATION: "instrumental"}


@dataclass(frozen=True)
class Authorisation:
    """The register's answer for one finding.

    Attributes:
        axis_d: the word; ``not_applicable`` where no AI use is at hand.
        consulted: licences that permit it, and those that do not and why.
        rows_read: versions of the licences that were read.
    """

    axis_d: AxisD
    consulted: Consulted
    rows_read: dict[str, int]


NOT_ASKED = Authorisation(AxisD.NOT_APPLICABLE, Consulted(), {})


@dataclass(frozen=True)
class Posting:
    """When and where the bytes were posted, over all their uploads."""

    days: frozenset[dt.date]
    territories: frozenset[str]

    @classmethod
    def of(cls, uploads: Iterable[Upload], today: dt.date) -> Posting:
        """Take the facts of the uploads; a day that nobody stated is that of the upload's own event."""
        days, territories = set(), set()
        for upload in uploads:
            facts = upload.facts
            days.add(kst_day(facts.posted_at or facts.captured_at or upload.event_time))
            if facts.territory:
                territories.add(facts.territory)
        return cls(frozenset(days or {today}), frozenset(territories))


def of_recording(
    ledger: Ledger, lineup: KnownLineup, origin: SpanOrigin, stem: Stem | None, posting: Posting
) -> Authorisation:
    """Ask whether the AI use of a recording, or of a stem of it, is licensed.

    Args:
        ledger: the registers.
        lineup: of the recording.
        origin: what is said of the making of this part of the file.
        stem: which part of the recording is in it; None: all of it.
        posting: of the uploads.
    """
    if lineup.recording is None or origin.axis_c not in (AxisC.DECLARED, AxisC.DETECTED):
        return NOT_ASKED
    parts = _parts(origin, stem)
    wanted = {_CATEGORY_OF[part] for part in parts if part in _CATEGORY_OF}
    performers = frozenset(
        one.performer_id for one in lineup.performers if not one.categories or wanted & set(one.categories)
    )
    rows = [
        row
        for recording_id in (lineup.recording.recording_id, lineup.recording.stem_of)
        if recording_id
        for row in ledger.licences(recording_id=recording_id)
    ]
    return _asked(ledger, rows, performers, AiUse(parts, posting.days, posting.territories))


def of_performer(ledger: Ledger, performer_id: str, origin: SpanOrigin, posting: Posting) -> Authorisation:
    """Ask whether the AI use of a performer's voice is licensed; arguments as for ``of_recording``."""
    if origin.axis_c not in (AxisC.DECLARED, AxisC.DETECTED):
        return NOT_ASKED
    use = AiUse(frozenset({_VOCALS}), posting.days, posting.territories)
    return _asked(ledger, [], frozenset({performer_id}), use)


def _asked(
    ledger: Ledger, rows: Sequence[registers.Licence], performers: frozenset[str], use: AiUse
) -> Authorisation:
    read = [*rows, *(row for one in sorted(performers) for row in ledger.licences(performer_id=one))]
    told = consult([licence_of(row) for row in read], use, performers)
    versions = {
        f"licence/{row.licence_id}/{row.recording_id or ''}/{row.performer_id or ''}": row.version
        for row in read
    }
    return Authorisation(AxisD.AI_LICENCE if told.covering else AxisD.NONE_FOUND, told, versions)


def _parts(origin: SpanOrigin, stem: Stem | None) -> frozenset[str]:
    """Which parts of a performance the machine made or changed, words of the ``ai_part`` list."""
    if stem is not None:
        return _OF_STEM[stem]
    if origin.axis_c is AxisC.DETECTED:
        return frozenset().union(*(_OF_DETECTED[part] for part in origin.parts)) or _BOTH
    declared = frozenset(origin.declared_parts)
    return _BOTH if not declared or WHOLE in declared else declared


def licence_of(row: registers.Licence) -> Licence:
    """The register row as the licence rules take it."""
    return Licence(
        licence_id=row.licence_id,
        performer_id=row.performer_id or "",
        recording_id=row.recording_id or "",
        scope=row.scope,
        parts=row.parts,
        territories=row.territories,
        valid_from=None if row.valid_from is None else dt.date.fromisoformat(row.valid_from),
        valid_to=None if row.valid_to is None else dt.date.fromisoformat(row.valid_to),
    )
