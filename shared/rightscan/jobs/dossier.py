"""Everything the ledger knows of one thing, for a person who asks by whichever name they have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rightscan.errors import UsageError
from rightscan.jobs.submit import object_key
from rightscan.jobs.versions import fingerprint_pipeline
from rightscan.jobs.voices.heard import as_it_may_be_shown
from rightscan.ports import ObjectMissing, Ports
from rightscan.records.objects import ObjectRef, Upload


def dossier(identifier: str, ports: Ports) -> dict[str, Any]:
    """All records about an upload, recording or performer.

    Args:
        identifier: a media id, an upload's key, path or place in the audit log (as reports name it), a
            recording id or a performer id.
        ports: the world.

    Returns:
        JSON values.

    Raises:
        UsageError: code ``unknown_id``.
    """
    for look in (_media, _upload, _recording, _performer):
        found = look(identifier, ports)
        if found is not None:
            return found
    raise UsageError(
        "unknown_id",
        f"nothing is known under {identifier!r}",
        "Give a media id (64 hex digits), an upload's path or audit log index, a recording or a performer id.",
    )


def _media(identifier: str, ports: Ports) -> dict[str, Any] | None:
    media = ports.ledger.media(identifier.lower())
    if media is None:
        return None
    scans = {scan.scan_id: scan for scan in ports.ledger.scans(media.media_id)}
    scan = scans.get(media.scan_id or "")
    return {
        "media": media.to_json(),
        "scan": None if scan is None else scan.to_json(),
        "verdicts": [verdict.to_json() for verdict in ports.ledger.verdicts(media.media_id)],
        "matches": [match.to_json() for match in ports.ledger.matches(media.media_id)],
        "findings": [
            as_it_may_be_shown(finding, ports).to_json() for finding in ports.ledger.findings(media.media_id)
        ],
        "uses": [use.to_json() for use in ports.ledger.uses(media.media_id)],
        "cases": [case.to_json() for case in ports.ledger.cases(media.media_id)],
        "reviews": [review.to_json() for review in ports.ledger.reviews(media.media_id)],
        "appeals": [appeal.to_json() for appeal in ports.ledger.appeals(media.media_id)],
        "uploads": [_with_custody(upload, ports) for upload in ports.ledger.aliases(media.media_id)],
    }


def _with_custody(upload: Upload, ports: Ports) -> dict[str, Any]:
    custody = [entry.to_json() for entry in ports.ledger.custody(upload.ref)]
    return {**upload.to_json(), "custody": custody}


def _upload(identifier: str, ports: Ports) -> dict[str, Any] | None:
    for key in dict.fromkeys((identifier, object_key(Path(identifier)))):
        try:
            info = ports.objects.head(ObjectRef(bucket=ports.settings.buckets.uploads, key=key))
        except ObjectMissing:
            continue
        upload = ports.ledger.upload(info.ref)
        if upload is None:
            return {"upload": info.ref.to_json(), "note": "not received yet"}
        return _with_media(upload, ports)
    named = ports.ledger.upload_named(identifier)
    return None if named is None else _with_media(named, ports)


def _with_media(upload: Upload, ports: Ports) -> dict[str, Any]:
    found = None if upload.media_id is None else _media(upload.media_id, ports)
    return {"upload": _with_custody(upload, ports), **(found or {})}


def _recording(identifier: str, ports: Ports) -> dict[str, Any] | None:
    recording = ports.ledger.recording(identifier)
    if recording is None:
        return None
    reference = ports.ledger.reference(identifier, fingerprint_pipeline())
    return {
        "recording": recording.to_json(),
        "versions": [row.to_json() for row in ports.ledger.register_history(recording)],
        "lineup": [entry.to_json() for entry in ports.ledger.lineup(identifier)],
        "licences": [row.to_json() for row in ports.ledger.licences(recording_id=identifier)],
        "reference": None if reference is None else reference.to_json(),
        "matches": [match.to_json() for match in ports.ledger.matches_of_recording(identifier)],
        "disputes": [dispute.to_json() for dispute in ports.ledger.disputes(identifier)],
    }


def _performer(identifier: str, ports: Ports) -> dict[str, Any] | None:
    performer = ports.ledger.performer(identifier)
    if performer is None:
        return None
    return {
        "performer": performer.to_json(),
        "versions": [row.to_json() for row in ports.ledger.register_history(performer)],
        "mandates": [mandate.to_json() for mandate in ports.ledger.mandates(identifier)],
        "consents": [consent.to_json() for consent in ports.ledger.consents(identifier)],
        "licences": [row.to_json() for row in ports.ledger.licences(performer_id=identifier)],
    }
