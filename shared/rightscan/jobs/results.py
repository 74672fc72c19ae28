"""What the ledger says of one upload, put together for a reader."""

from __future__ import annotations

from rightscan.jobs.voices.heard import as_it_may_be_shown
from rightscan.ports import Ports
from rightscan.records.findings import Finding, Match, Synthesis, SynthesisPassage
from rightscan.records.media import DECIDED, FINISHED, Media
from rightscan.records.objects import ObjectRef, UploadState
from rightscan.records.results import (
    Credentials,
    FindingResult,
    Measured,
    ProvenanceResult,
    ScanResult,
    SegmentResult,
    SynthesisResult,
    SynthesisSegment,
    UseResult,
)
from rightscan.rights.axes import AxisC, DetectedPart
from rightscan.rights.codes import Code, code_table


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
    verdicts = ports.ledger.verdicts(media.media_id)
    said = next((v.synthesis for v in verdicts if v.verdict_id == media.verdict_id), None)
    return ScanResult(
        path=path,
        media_id=media.media_id,
        state=media.state.value,
        duration_s=None if media.duration_s is None else round(media.duration_s, 3),
        codec=media.codec,
        segments=tuple(_segment(match, ports) for match in sorted(matches, key=_position)),
        findings=tuple(finding_result(one, ports) for one in sorted(findings, key=_finding_position)),
        synthesis=None if said is None else _synthesis(said, media, ports),
        provenance=None if said is None else _provenance(said),
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


def synthesis_result(
    said: Synthesis, passages: tuple[SynthesisPassage, ...] | None = None
) -> SynthesisResult:
    """A judgement for the screen.

    Args:
        said: as the verdict has it.
        passages: the whole timeline, where it is at hand; else those that the verdict keeps.
    """
    shown = said.passages if passages is None else passages
    same = said.model_dump(
        exclude={"passages", "passages_left_out", "heard_s", "band_hz", "snr_db", "c2pa", "declared"}
    )
    return SynthesisResult(
        **same,
        segments=tuple(_synthesis_segment(passage) for passage in shown),
        segments_left_out=said.passages_left_out if passages is None else None,
        measured=Measured(heard_s=said.heard_s, band_hz=said.band_hz, snr_db=said.snr_db),
    )


def _synthesis_segment(passage: SynthesisPassage) -> SynthesisSegment:
    detected = passage.axis_c is AxisC.DETECTED
    return SynthesisSegment(**dict(passage), kind=DetectedPart.FULL.value if detected else None)


def _synthesis(said: Synthesis, media: Media, ports: Ports) -> SynthesisResult:
    """The verdict's judgement, beside it what the scan knows of the coding."""
    result = synthesis_result(said)
    scan = next((s for s in ports.ledger.scans(media.media_id) if s.scan_id == media.scan_id), None)
    if scan is None:
        return result
    coding = {"bit_rate": scan.bit_rate, "lossless": scan.lossless}
    return result.model_copy(update={"measured": result.measured.model_copy(update=coding)})


def _provenance(said: Synthesis) -> ProvenanceResult | None:
    if said.c2pa is None:
        return None
    return ProvenanceResult(c2pa=Credentials(state=said.c2pa), declarations=said.declared)


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


def finding_result(finding: Finding, ports: Ports) -> FindingResult:
    """A finding for the screen, without whoever has withdrawn since."""
    finding = as_it_may_be_shown(finding, ports)
    return FindingResult(
        code=finding.code,
        axes=finding.axes,
        claim_basis=finding.claim_basis,
        recording_id=finding.recording_id,
        media_start=finding.media_start,
        media_end=finding.media_end,
        reason_ko=finding.reason_ko,
        reason_en=finding.reason_en,
        hits=finding.hits,
        conditions=finding.conditions,
        tested=finding.tested,
        held_share=finding.held_share,
        hold_reason=finding.hold_reason,
        contested_by=finding.contested_by,
        similar=finding.similar,
        performers=finding.performers,
        licence_ids=finding.licence_ids,
        licence_misses=finding.licence_misses,
        likeness=finding.likeness,
        next_step=code_table().infos[Code(finding.code)].next_step,
    )
