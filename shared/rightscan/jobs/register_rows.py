"""Catalogue rows as register records."""

from __future__ import annotations

from typing import Any

from rightscan.records import registers
from rightscan.records.objects import ObjectRef
from rightscan.rights import catalogue
from rightscan.rights.identifiers import Identifier, IdentifierOutcome
from rightscan.rights.ledgers import Mandate
from rightscan.rights.lineup import LineupEntry


def records_of(
    row: catalogue.Record, stamps: dict[str, Any], audio: ObjectRef | None, audio_sha256: str | None
) -> list[registers.AnyRegisterRow]:
    """The register records of one catalogue row; a licence for a performer and a recording is two.

    Args:
        row: the row as the rights rules read it.
        stamps: who changed it, when and why, and the unknown columns.
        audio: a recording's sound, where the row is a recording.
        audio_sha256: names the sound's content.
    """
    match row:
        case catalogue.RecordingRow():
            return [_recording(row, stamps, audio, audio_sha256)]
        case catalogue.PerformerRow():
            return [_performer(row, stamps)]
        case LineupEntry():
            return [_lineup(row, stamps)]
        case Mandate():
            return [_mandate(row, stamps)]
        case catalogue.ConsentRow():
            return [_consent(row, stamps)]
        case catalogue.LicenceRow():
            return _licences(row, stamps)


def _identifier(identifier: Identifier) -> registers.IdentifierRecord | None:
    if identifier.outcome is IdentifierOutcome.ABSENT:
        return None
    return registers.IdentifierRecord(value=identifier.value, outcome=identifier.outcome.value)


def _recording(
    row: catalogue.RecordingRow, stamps: dict[str, Any], audio: ObjectRef | None, audio_sha256: str | None
) -> registers.Recording:
    return registers.Recording(
        **stamps,
        recording_id=row.recording_id,
        title=row.title or None,
        display_artist=row.display_artist or None,
        isrc=_identifier(row.isrc),
        uci=_identifier(row.uci),
        iswc=_identifier(row.iswc),
        lineup_size=row.lineup_size,
        audio=audio,
        audio_sha256=audio_sha256,
        stem_of=row.stem_of or None,
        stem=None if row.stem is None else row.stem.value,
    )


def _performer(row: catalogue.PerformerRow, stamps: dict[str, Any]) -> registers.Performer:
    return registers.Performer(
        **stamps,
        performer_id=row.performer_id,
        name_ko=row.name_ko or None,
        name_roman=row.name_roman or None,
        stage_name=row.stage_name or None,
        group=row.group or None,
        birth_year=row.birth_year,
        ipn=_identifier(row.ipn),
        isni=_identifier(row.isni),
        member_no=row.member_no or None,
    )


def _lineup(row: LineupEntry, stamps: dict[str, Any]) -> registers.LineupEntry:
    return registers.LineupEntry(
        **stamps,
        recording_id=row.recording_id,
        performer_id=row.performer_id,
        roles=row.roles,
        categories=tuple(category.value for category in row.categories),
        instruments=row.instruments,
        featured=row.featured,
        valid_from=None if row.valid_from is None else row.valid_from.isoformat(),
    )


def _mandate(row: Mandate, stamps: dict[str, Any]) -> registers.Mandate:
    return registers.Mandate(
        **stamps,
        performer_id=row.performer_id,
        mandate=row.kind.value,
        ledgers=tuple(ledger.value for ledger in row.ledgers),
        territories=row.territories,
        valid_from=None if row.valid_from is None else row.valid_from.isoformat(),
        valid_to=None if row.valid_to is None else row.valid_to.isoformat(),
    )


def _consent(row: catalogue.ConsentRow, stamps: dict[str, Any]) -> registers.Consent:
    return registers.Consent(
        **stamps,
        performer_id=row.performer_id,
        consent=row.kind,
        text_version=row.text_version or None,
        text_sha256=row.text_sha256 or None,
        channel=row.channel or None,
        signer=row.signer or None,
        proof=row.proof or None,
        valid_from=None if row.valid_from is None else row.valid_from.isoformat(),
        valid_to=None if row.valid_to is None else row.valid_to.isoformat(),
        withdrawn_at=None if row.withdrawn_at is None else row.withdrawn_at.isoformat(),
    )


def _licences(row: catalogue.LicenceRow, stamps: dict[str, Any]) -> list[registers.AnyRegisterRow]:
    subjects = []
    if row.recording_id:
        subjects.append({"recording_id": row.recording_id})
    if row.performer_id:
        subjects.append({"performer_id": row.performer_id})
    return [
        registers.Licence(
            **stamps,
            licence_id=row.licence_id,
            **subject,
            scope=row.scope,
            parts=row.parts,
            territories=row.territories,
            valid_from=None if row.valid_from is None else row.valid_from.isoformat(),
            valid_to=None if row.valid_to is None else row.valid_to.isoformat(),
            price=None if row.price is None else str(row.price),
            currency=row.currency or None,
        )
        for subject in subjects
    ]
