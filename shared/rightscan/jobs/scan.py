"""Analyse the bytes once: decode, fingerprint, store the features. Rights are not looked at here."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from rightscan.errors import CancelledError, PermanentError
from rightscan.jobs import incidents
from rightscan.jobs.analysis import FEATURES_FILE
from rightscan.jobs.findings import unprocessable
from rightscan.jobs.lanes import ask_for_match
from rightscan.jobs.refusals import refuse_uploads
from rightscan.jobs.versions import fingerprint_pipeline, scan_pipeline
from rightscan.jobs.voices import heard
from rightscan.ports import Conflict, ObjectInfo, ObjectMissing, Ports
from rightscan.records import identity
from rightscan.records.media import Media, MediaState, Scan
from rightscan.records.messages import ScanRequested
from rightscan.records.objects import ErrorInfo


def scan(request: ScanRequested, ports: Ports, *, token: str) -> str:
    """Analyse one media.

    Args:
        request: which bytes.
        ports: the world.
        token: the message's id. A message that comes again is the same worker's; another message for the
            same bytes while the claim holds is a duplicate, and the first message is still in its queue.

    Returns:
        One word for the log: ``analysed``, ``failed``, ``in_work`` or ``done_before``.
    """
    lease_s = ports.settings.scan_lease_s
    pipeline = scan_pipeline(ports.settings.engines)
    try:
        media = ports.ledger.claim(request.media_id, token=token, now=ports.clock.now(), lease_s=lease_s)
    except Conflict:
        return "in_work"
    except CancelledError:
        standing = ports.ledger.media(request.media_id)
        if standing is not None and standing.state is MediaState.ANALYSED:
            ask_for_match(request.media_id, "scanned", request.origin, ports)
        elif standing is not None and standing.state is MediaState.FAILED and standing.error is not None:
            refuse_uploads(standing.media_id, standing.error, ports)
        return "done_before"
    try:
        record = _analyse(media, pipeline, ports)
    except PermanentError as error:
        _fail(media, incidents.info(error), ports, token)
        return "failed"
    analysed = media.moved(
        MediaState.ANALYSED, scan_id=record.scan_id, duration_s=record.duration_s, codec=record.codec
    )
    ports.ledger.finish_claim(analysed, token=token, scan=record)
    ask_for_match(media.media_id, "scanned", request.origin, ports)
    return "analysed"


def _analyse(media: Media, pipeline: str, ports: Ports) -> Scan:
    with ports.workspace() as folder:
        path = folder / "upload"
        _download(media, path, ports)
        features = folder / FEATURES_FILE
        facts = ports.analyse(path, features, ports.settings.limits, heard.engines_for(ports))
        heard.ask(media.media_id, identity.scan_id(media.media_id, pipeline), folder, ports)
        stored, digest = store_features(
            f"features/{pipeline}/{media.media_id[:2]}/{media.media_id}.npz", features, ports
        )
    return _record(media, pipeline, stored, digest, facts, ports)


def store_features(key: str, features: Path, ports: Ports) -> tuple[ObjectInfo, str]:
    """Write a features object once; returns it and the SHA-256 of what stands there."""
    stored = ports.objects.put_if_absent(ports.settings.buckets.work, key, features)
    if stored.sha256 is not None:
        return stored, stored.sha256
    with ports.objects.open(stored.ref) as reader:
        return stored, hashlib.sha256(reader.read()).hexdigest()


def _download(media: Media, path: Path, ports: Ports) -> None:
    """Fetch the bytes from whichever upload still holds them."""
    missing: ObjectMissing | None = None
    for upload in ports.ledger.aliases(media.media_id):
        try:
            ports.objects.download(upload.ref, path)
        except ObjectMissing as error:
            missing = error
        else:
            return
    raise missing or PermanentError(
        "no_upload", f"no upload holds media {media.media_id}", "Upload the file again."
    )


def _record(
    media: Media, pipeline: str, stored: ObjectInfo, digest: str, facts: dict[str, Any], ports: Ports
) -> Scan:
    return Scan(
        scan_id=identity.scan_id(media.media_id, pipeline),
        media_id=media.media_id,
        pipeline_version=pipeline,
        fingerprint_version=fingerprint_pipeline(),
        features=stored.ref,
        features_sha256=digest,
        analysed_at=ports.clock.now(),
        duration_s=facts["duration_s"],
        declared_duration_s=facts["declared_duration_s"],
        container=facts["container"],
        codec=facts["codec"],
        sample_rate=facts["sample_rate"],
        channels=facts["channels"],
        bit_rate=facts["bit_rate"],
        lossless=facts["lossless"],
        complete=facts["complete"],
        silent=facts["silent"],
        problems=tuple(facts["problems"]),
    )


def _fail(media: Media, error: ErrorInfo, ports: Ports, token: str) -> None:
    """Record the failure before the state that ends the work, so that no stop in between loses it."""
    ports.ledger.put_results([], [unprocessable(media, error, ports.clock.now())], [])
    refuse_uploads(media.media_id, error, ports)
    failed = media.moved(MediaState.FAILED, error=error, finished_at=ports.clock.now())
    ports.ledger.finish_claim(failed, token=token, scan=None)
    refuse_uploads(media.media_id, error, ports)
