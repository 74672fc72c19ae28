"""What the ledger says of one upload, put together for a reader."""

from __future__ import annotations

from rightscan.ports import Ports
from rightscan.records.findings import Finding, Match
from rightscan.records.media import DECIDED, FINISHED
from rightscan.records.objects import ObjectRef, UploadState
from rightscan.records.results import FindingResult, ScanResult, SegmentResult, UseResult


def result_of(path: str, ref: ObjectRef, ports: Ports) -> ScanResult | None:
    """The outcome of one upload, ``None`` while work is owed on it.

    Args:
        path: as the caller gave it.
        ref: the upload.
        ports: the world.
    """
    upload = ports.ledger.upload(ref)
    if upload is None:
        return None
    if upload.state is not UploadState.LINKED or upload.media_id is None:
        return ScanResult(path=path, state=upload.state.value, error=upload.error)
    media = ports.ledger.media(upload.media_id)
    if media is None or media.state not in FINISHED:
        return None
    findings = [f for f in ports.ledger.findings(media.media_id) if f.status == "active"]
    matches = [m for m in ports.ledger.matches(media.media_id) if m.status == "active"]
    uses = [u for u in ports.ledger.uses(media.media_id) if u.status == "active" and u.upload == ref]
    if media.state in DECIDED and len(uses) < len(matches):
        return None  # an alias of bytes decided before: its uses are being written
    if not findings:
        return None
    return ScanResult(
        path=path,
        media_id=media.media_id,
        state=media.state.value,
        duration_s=None if media.duration_s is None else round(media.duration_s, 3),
        codec=media.codec,
        segments=tuple(_segment(match, ports) for match in sorted(matches, key=_position)),
        findings=tuple(_finding(finding) for finding in sorted(findings, key=_finding_position)),
        uses=tuple(
            UseResult(
                use_id=use.use_id,
                recording_id=use.recording_id,
                period=use.period,
                use_count=use.use_count,
                seconds_used=use.seconds_used,
            )
            for use in uses
        ),
        error=media.error,
    )


def _position(match: Match) -> tuple[float, str]:
    return match.media_start, match.recording_id


def _finding_position(finding: Finding) -> tuple[float, str]:
    return finding.media_start or 0.0, finding.recording_id or ""


def _segment(match: Match, ports: Ports) -> SegmentResult:
    recording = ports.ledger.recording(match.recording_id)
    isrc = None if recording is None or recording.isrc is None else recording.isrc.value
    return SegmentResult(
        recording_id=match.recording_id,
        isrc=isrc,
        title=None if recording is None else recording.title,
        media_start=match.media_start,
        media_end=match.media_end,
        reference_start=match.reference_start,
        reference_end=match.reference_end,
        score=match.log10_lr,
        stated_log10_lr=match.stated_log10_lr,
        coverage=match.coverage,
        modification=match.modification.kinds,
        speed=match.modification.speed,
        pitch_semitones=match.modification.pitch_semitones,
    )


def _finding(finding: Finding) -> FindingResult:
    return FindingResult(
        code=finding.code,
        axes=finding.axes,
        claim_basis=finding.claim_basis,
        recording_id=finding.recording_id,
        media_start=finding.media_start,
        media_end=finding.media_end,
        reason_ko=finding.reason_ko,
        reason_en=finding.reason_en,
        held_share=finding.held_share,
        performers=finding.performers,
    )
