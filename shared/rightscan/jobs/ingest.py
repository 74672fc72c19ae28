"""Take an upload into custody, look at its container, and say who analyses it. Media is never decoded here."""

from __future__ import annotations

import hashlib
from typing import Literal

from rightscan.errors import PermanentError
from rightscan.jobs import custody, incidents
from rightscan.jobs.findings import unprocessable
from rightscan.jobs.lanes import ask_for_match, ask_for_scan
from rightscan.media.probe import probe
from rightscan.ports import ObjectInfo, ObjectMissing, Ports
from rightscan.records.media import DECIDED, Media, MediaState
from rightscan.records.messages import UploadEvent
from rightscan.records.objects import ErrorInfo, Upload, UploadFactsRecord, UploadState
from rightscan.rights import upload_facts
from rightscan.rights.periods import use_period

SIDECAR_SUFFIX = ".rs.json"
BYTES_GONE = "object_missing"
_CHUNK = 1 << 20


def ingest(event: UploadEvent, ports: Ports) -> str:
    """Handle one object change.

    Every step may be repeated: what stands in the ledger says where a stopped attempt got to.

    Args:
        event: the change, from the bucket's notification.
        ports: the world.

    Returns:
        One word for the log: ``ignored``, ``skipped``, ``gone``, ``rejected``, ``scan``, ``match``.

    Raises:
        TransientError: a store or queue did not answer; the event must come again.
    """
    if not event.created:
        return "ignored"
    upload = ports.ledger.upload(event.ref) or _receive(event, ports)
    if upload.error is not None:
        if upload.state is not UploadState.SKIPPED:
            incidents.record_upload(ports, upload, upload.error)
        return upload.state.value
    if upload.media_id is None:
        raise PermanentError(
            "upload_without_media", f"upload {upload.ref.log_index} has no bytes", "Report this bug."
        )
    media = ports.ledger.media(upload.media_id) or _add_media(upload, upload.media_id, ports)
    return _route(upload, media, ports)


def _receive(event: UploadEvent, ports: Ports) -> Upload:
    """The custody entry, then the upload's record."""
    skipped = _reason_to_skip(event)
    if skipped is not None:
        return ports.ledger.add_upload(_upload(event, ports, UploadState.SKIPPED, error=skipped))
    size = event.size
    try:
        info = ports.objects.head(event.ref)
        size = info.size
        facts, sender = _facts(info, ports)
        media_id = _digest(info, ports)
    except ObjectMissing as error:
        gone = _upload(event, ports, UploadState.GONE, error=incidents.info(error))
        return ports.ledger.add_upload(gone)
    except PermanentError as error:
        refused = _upload(event, ports, UploadState.REJECTED, error=incidents.info(error), size=size)
        return ports.ledger.add_upload(refused)
    ports.ledger.append_custody(
        event.ref,
        at=ports.clock.now(),
        actor="ingest",
        action="received",
        subject=media_id,
        detail={
            "sha256": media_id,
            "size": info.size,
            "event_time": event.event_time.isoformat(),
            **sender,
        },
    )
    return ports.ledger.add_upload(
        _upload(event, ports, UploadState.LINKED, media_id=media_id, size=info.size, facts=facts)
    )


def _reason_to_skip(event: UploadEvent) -> ErrorInfo | None:
    if event.ref.key.endswith("/"):
        return ErrorInfo(code="folder", cause="the event names a folder, not a file", remedy="Nothing to do.")
    if event.ref.key.endswith(SIDECAR_SUFFIX):
        return ErrorInfo(
            code="sidecar", cause="the object holds facts about another upload", remedy="Nothing to do."
        )
    return None


def _upload(
    event: UploadEvent,
    ports: Ports,
    state: UploadState,
    *,
    error: ErrorInfo | None = None,
    media_id: str | None = None,
    size: int | None = None,
    facts: UploadFactsRecord | None = None,
) -> Upload:
    facts = facts or UploadFactsRecord()
    return Upload(
        ref=event.ref,
        state=state,
        media_id=media_id,
        size=event.size if size is None else size,
        event_time=event.event_time,
        sequencer=event.sequencer,
        received_at=ports.clock.now(),
        use_period=use_period(facts.posted_at, facts.captured_at, event.event_time),
        facts=facts,
        origin=event.origin,
        error=error,
    )


def _facts(info: ObjectInfo, ports: Ports) -> tuple[UploadFactsRecord, dict[str, str]]:
    """The facts a usage line needs, and what the custody entry says of the sender."""
    parsed = upload_facts.from_metadata(info.metadata)
    facts = parsed.facts
    sender = {name: value for name in ("uploader", "url") if (value := getattr(facts, name))}
    if parsed.problems:
        sender["fact_problems"] = "; ".join(f"{problem.name}: {problem.code}" for problem in parsed.problems)
    uploader_ref = None
    if facts.uploader:
        uploader_ref = upload_facts.uploader_ref(facts.uploader, ports.settings.uploader_key)
    record = UploadFactsRecord(
        platform=facts.platform or None,
        channel=facts.channel or None,
        uploader_ref=uploader_ref,
        url=facts.url or None,
        posted_at=facts.posted_at,
        captured_at=facts.captured_at,
        use_type=facts.use_type or None,
        territory=facts.territory or None,
    )
    return record, sender


def _digest(info: ObjectInfo, ports: Ports) -> str:
    limit = ports.settings.limits.hash_limit_bytes
    if info.size > limit:
        raise PermanentError(
            "too_large",
            f"the upload has {info.size} bytes, the limit is {limit}",
            "Cut the recording into parts and upload them one by one.",
        )
    digest = hashlib.sha256()
    with ports.objects.open(info.ref) as reader:
        while chunk := reader.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _add_media(upload: Upload, media_id: str, ports: Ports) -> Media:
    media = Media(
        media_id=media_id,
        state=MediaState.RECEIVED,
        size=upload.size or 0,
        first_seen=ports.clock.now(),
    )
    try:
        with ports.objects.open(upload.ref) as reader:
            facts = probe(reader, media.size, limits=ports.settings.limits)
    except PermanentError as error:
        media = media.moved(MediaState.REJECTED, error=incidents.info(error), finished_at=ports.clock.now())
    else:
        media = media.model_copy(
            update={
                "kind": facts.kind,
                "container": facts.container,
                "declared_duration_s": facts.declared_duration_s,
            }
        )
    return ports.ledger.add_media(media)


def _route(upload: Upload, media: Media, ports: Ports) -> str:
    if media.state in (MediaState.RECEIVED, MediaState.CLAIMED):
        ask_for_scan(media.media_id, upload.origin, ports)
        return "scan"
    if media.state is MediaState.ANALYSED or media.state in DECIDED:
        # Uses are written for every alias at the finish; one that came later asks for its own.
        cause: Literal["scanned", "alias"] = "scanned" if media.state is MediaState.ANALYSED else "alias"
        ask_for_match(media.media_id, cause, upload.origin, ports)
        return "match"
    if media.error is not None and media.error.code == BYTES_GONE and _is_there(upload, ports):
        ports.ledger.move_media(media, media.revived())
        ask_for_scan(media.media_id, upload.origin, ports)
        return "scan"
    if media.error is not None:
        custody.record_outcome(upload, "refused", media.error.code, {"code": media.error.code}, ports)
        if not ports.ledger.findings(media.media_id):
            ports.ledger.put_results([], [unprocessable(media, media.error, ports.clock.now())], [])
        incidents.record_upload(ports, upload, media.error)
    return "rejected"


def _is_there(upload: Upload, ports: Ports) -> bool:
    try:
        ports.objects.head(upload.ref)
    except ObjectMissing:
        return False
    return True
