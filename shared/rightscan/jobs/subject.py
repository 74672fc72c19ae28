"""Everything that is stored about one performer, for the performer who asks. Full reads: it is asked rarely."""

from __future__ import annotations

import datetime as dt
from typing import Any

from rightscan.errors import UsageError
from rightscan.ports import Ports
from rightscan.records.registers import AnyRegisterRow
from rightscan.records.vault import AskSubject, LikenessAnswer
from rightscan.rights.access_reasons import checked_reason
from rightscan.rights.periods import kst_day

_FIRST_MONTH = (2026, 1)  # before it no record was


def subject(performer_id: str, ports: Ports, *, actor: str, reason: str) -> dict[str, Any]:
    """Collect what is stored about a performer.

    The access stands in the vault's log before anything is read; where it cannot be written, nothing is.

    Args:
        performer_id: as registered.
        ports: the world.
        actor: who asks.
        reason: why.

    Returns:
        JSON values: ``registers`` (rows and all their versions), ``lineups``, ``voice`` (templates, tombstone,
        suppression, accesses, results), ``findings``, ``uses``, ``cases`` about them with their reviews,
        ``disputes`` over their shares, ``incidents``.

    Raises:
        UsageError: ``no_actor_or_reason``, ``personal_data_in_reason``, ``unknown_id``.
        TransientError: the vault cannot be reached.
    """
    actor, reason = checked_reason(actor, reason)
    told = ports.likeness(AskSubject(actor=actor, reason=reason, performer_id=performer_id), ports)
    registers = _registers(performer_id, ports)
    suppression = ports.ledger.suppression(performer_id)
    if not registers and not told.templates and told.tombstone is None:
        raise UsageError(
            "unknown_id",
            f"nothing is known under {performer_id!r}",
            "Give a media id (64 hex digits), an upload's path or audit log index, a recording or a performer id.",
        )
    lineups = [
        row.to_json()
        for recording in ports.ledger.recordings()
        for row in ports.ledger.lineup(recording.recording_id)
        if row.performer_id == performer_id
    ]
    return {
        "performer_id": performer_id,
        "registers": registers,
        "lineups": lineups,
        "voice": {
            **_vault(told),
            "suppression": None if suppression is None else suppression.to_json(),
        },
        **_in_media(performer_id, {row["recording_id"] for row in lineups}, ports),
        "disputes": _disputes(performer_id, {row["recording_id"] for row in lineups}, ports),
        "incidents": _incidents(performer_id, ports),
    }


def _registers(performer_id: str, ports: Ports) -> list[dict[str, Any]]:
    ledger = ports.ledger
    performer = ledger.performer(performer_id)
    rows: list[AnyRegisterRow] = [
        *([] if performer is None else [performer]),
        *ledger.mandates(performer_id),
        *ledger.consents(performer_id),
        *ledger.licences(performer_id=performer_id),
    ]
    return [version.to_json() for row in rows for version in ledger.register_history(row)]


def _vault(told: LikenessAnswer) -> dict[str, Any]:
    return {
        "pseudonym": told.pseudonym,
        "templates": [one.to_json() for one in told.templates],
        "tombstone": None if told.tombstone is None else told.tombstone.to_json(),
        "accesses": [one.to_json() for one in told.accesses],
        "comparisons": told.comparisons,
    }


def _in_media(performer_id: str, recordings: set[str], ports: Ports) -> dict[str, Any]:
    findings: list[dict[str, Any]] = []
    uses: list[dict[str, Any]] = []
    heard: list[dict[str, Any]] = []
    cases: list[dict[str, Any]] = []
    for media_id in sorted({u.media_id for u in ports.ledger.uploads() if u.media_id is not None}):
        for finding in ports.ledger.findings(media_id):
            named = {one.performer_id for one in finding.performers}
            if performer_id in named | {one.performer_id for one in finding.likeness}:
                findings.append(finding.to_json())
        uses += [use.to_json() for use in ports.ledger.uses(media_id) if use.recording_id in recordings]
        for scan in ports.ledger.scans(media_id):
            voices = ports.ledger.voices(media_id, scan.scan_id)
            if voices is not None and performer_id in {one.performer_id for one in voices.candidates}:
                heard.append(voices.to_json())
        cases += _cases(performer_id, media_id, ports)
    for record in (*findings, *heard):
        _leave_out_others(record, performer_id)
    return {"findings": findings, "uses": uses, "voices_heard": heard, "cases": cases}


def _cases(performer_id: str, media_id: str, ports: Ports) -> list[dict[str, Any]]:
    """Cases about this performer; who decided them is named by reference only, as everywhere."""
    about = [case for case in ports.ledger.cases(media_id) if case.subject_id == performer_id]
    reviews = ports.ledger.reviews(media_id) if about else []
    return [
        case.to_json() | {"reviews": [one.to_json() for one in reviews if one.case_id == case.case_id]}
        for case in about
    ]


def _disputes(performer_id: str, recordings: set[str], ports: Ports) -> list[dict[str, Any]]:
    found = [one for recording_id in sorted(recordings) for one in ports.ledger.disputes(recording_id)]
    waiting = [one for one in ports.ledger.disputes_waiting() if one.recording_id not in recordings]
    return [one.to_json() for one in (*found, *waiting) if one.performer_id == performer_id]


def _leave_out_others(record: dict[str, Any], performer_id: str) -> None:
    """Another performer's name, weight or likeness is not this one's to read."""
    for name in ("performers", "likeness", "candidates"):
        if name in record:
            record[name] = [one for one in record[name] if one["performer_id"] == performer_id]


def _incidents(performer_id: str, ports: Ports) -> list[dict[str, Any]]:
    found = []
    year, month = _FIRST_MONTH
    today = kst_day(ports.clock.now() + dt.timedelta(days=1))
    while (year, month) <= (today.year, today.month):
        found += [
            one.to_json()
            for one in ports.ledger.incidents_in_period(f"{year}-{month:02d}")
            if (one.source_kind, one.source_ref) == ("enrolment", performer_id)
        ]
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found
