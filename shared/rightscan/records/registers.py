"""The registers: recordings, performers, line-ups, mandates, consents, licences. Every change is a version."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from rightscan.records.base import Record, UtcDatetime
from rightscan.records.objects import ErrorInfo, ObjectRef


class IdentifierRecord(Record):
    """An identifier with the outcome of its check; an invalid one is kept verbatim."""

    value: str
    outcome: Literal["valid_checked", "valid_syntax", "invalid"]


class RegisterRow(Record):
    """What every row of a register carries: which version it is, since when, who changed it and why."""

    version: int = Field(default=1, ge=1)
    changed_at: UtcDatetime
    changed_by: str
    reason: str
    extra: dict[str, str] = Field(default={}, description="columns of the catalogue file we do not know")


class Recording(RegisterRow):
    """One fixation of one performance."""

    kind: Literal["recording"] = "recording"
    recording_id: str = Field(min_length=1)
    title: str | None = None
    display_artist: str | None = None
    isrc: IdentifierRecord | None = None
    uci: IdentifierRecord | None = None
    iswc: IdentifierRecord | None = None
    lineup_size: int | None = Field(default=None, ge=0)
    audio: ObjectRef | None = None
    audio_sha256: str | None = None
    stem_of: str | None = Field(default=None, description="the recording of which this is a separated part")
    stem: Literal["vocal", "instrumental"] | None = Field(default=None, description="which part")


class Performer(RegisterRow):
    """A natural person who sang, played or conducted."""

    kind: Literal["performer"] = "performer"
    performer_id: str = Field(min_length=1)
    name_ko: str | None = None
    name_roman: str | None = None
    stage_name: str | None = None
    group: str | None = None
    birth_year: int | None = None
    ipn: IdentifierRecord | None = None
    isni: IdentifierRecord | None = None
    member_no: str | None = None


class LineupEntry(RegisterRow):
    """Who performed what on a recording."""

    kind: Literal["lineup"] = "lineup"
    recording_id: str
    performer_id: str
    roles: tuple[str, ...] = Field(default=(), description="Korean role words")
    categories: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    featured: bool | None = Field(default=None, description="None where nobody said: it holds the money")
    valid_from: str | None = Field(default=None, description="ISO date")


class Mandate(RegisterRow):
    """From when to when, where and for which ledger the society acts for a performer."""

    kind: Literal["mandate"] = "mandate"
    performer_id: str
    mandate: str = Field(description="member, non_member or reciprocal")
    ledgers: tuple[str, ...] = Field(default=(), description="none: all")
    territories: tuple[str, ...] = Field(default=(), description="none: all")
    valid_from: str | None = None
    valid_to: str | None = None


class Consent(RegisterRow):
    """One of the consents C1 to C5 of a performer."""

    kind: Literal["consent"] = "consent"
    performer_id: str
    consent: str
    text_version: str | None = None
    text_sha256: str | None = None
    channel: str | None = None
    signer: str | None = None
    proof: str | None = Field(default=None, description="of a guardian's or heir's right to sign")
    valid_from: str | None = None
    valid_to: str | None = None
    withdrawn_at: str | None = None


class Licence(RegisterRow):
    """Permission for an AI use of a performer's voice, face or recording."""

    kind: Literal["licence"] = "licence"
    licence_id: str
    performer_id: str | None = None
    recording_id: str | None = None
    scope: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    valid_from: str | None = None
    valid_to: str | None = None
    price: str | None = Field(default=None, description="decimal, in the currency beside it")
    currency: str | None = None


AnyRegisterRow = Recording | Performer | LineupEntry | Mandate | Consent | Licence


class ReferenceState(StrEnum):
    """How far a recording's own sound has come on its way into the index."""

    PENDING = "pending"
    READY = "ready"
    INDEXED = "indexed"
    FAILED = "failed"


class Reference(Record):
    """The fingerprint of a recording's own sound under one pipeline."""

    recording_id: str
    pipeline_version: str
    audio: ObjectRef
    audio_sha256: str
    state: ReferenceState
    registration_id: str
    features: ObjectRef | None = None
    features_sha256: str | None = None
    indexed_sha256: str | None = Field(default=None, description="features that the live index holds of it")
    duration_s: float | None = None
    error: ErrorInfo | None = None
    changed_at: UtcDatetime


class RowOutcome(Record):
    """What became of one row of a catalogue file."""

    file: str
    sheet: str
    row: int = Field(description="as the spreadsheet shows it, from 1")
    outcome: Literal["created", "updated", "unchanged", "invalid", "warning"]
    key: str | None = None
    column: str | None = None
    value: str | None = None
    code: str | None = None
    remedy: str | None = None


class Registration(Record):
    """The processing of one catalogue file."""

    registration_id: str
    source: ObjectRef
    state: Literal["received", "read", "failed"]
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    invalid: int = 0
    outcomes: ObjectRef | None = Field(
        default=None, description="JSON Lines of row outcomes in the work bucket"
    )
    recording_ids: tuple[str, ...] = Field(default=(), description="those whose sound was asked for")
    error: ErrorInfo | None = None
    changed_at: UtcDatetime
