"""Records as the use cases write them, of ordinary size, for the contract tests of the ledger."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from rightscan.records import identity
from rightscan.records.findings import (
    Axes,
    Declared,
    Finding,
    FindingPerformer,
    Match,
    Modification,
    Synthesis,
    SynthesisPassage,
    Use,
    Verdict,
)
from rightscan.records.media import Media, MediaState, Scan
from rightscan.records.objects import ErrorInfo, ObjectRef, Upload, UploadFactsRecord, UploadState
from rightscan.records.operations import Incident, Report
from rightscan.records.registers import LineupEntry, Mandate, Performer, Recording, Reference, ReferenceState
from rightscan.rights.axes import AxisA, AxisB, AxisC, AxisD, ClaimBasis

NOW = datetime(2026, 11, 3, 4, 5, 6, 789012, tzinfo=UTC)
INDEX = "i-0123456789abcdef"
VERDICT_ID = "0123456789abcdef" * 2
PIPELINE = "lm1-0123456789abcdef"
STAMPS: dict[str, Any] = {"changed_at": NOW, "changed_by": "catalogue", "reason": "catalogue.xlsx"}


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def media_id(name: str = "a") -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def ref(
    key: str = "방송/2026-11-03 저녁 뉴스.mp4", version: str = "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"
) -> ObjectRef:
    return ObjectRef(bucket="rightscan-uploads-prod", key=key, version=version)


def upload(where: ObjectRef | None = None, **changes: Any) -> Upload:
    facts = UploadFactsRecord(
        platform="kbs2",
        channel="저녁 뉴스",
        uploader_ref="9f86d081884c7d65",
        url="https://example.org/watch?v=0123456789",
        posted_at=NOW,
        use_type="broadcast",
        territory="KR",
    )
    values: dict[str, Any] = {
        "ref": where or ref(),
        "state": UploadState.LINKED,
        "media_id": media_id(),
        "size": 5_000_000,
        "event_time": NOW,
        "sequencer": "0055AED6DCD90281E5",
        "received_at": NOW,
        "use_period": "2026-11",
        "facts": facts,
    }
    return Upload(**{**values, **changes})


def media(name: str = "a", **changes: Any) -> Media:
    values: dict[str, Any] = {
        "media_id": media_id(name),
        "state": MediaState.RECEIVED,
        "size": 5_000_000,
        "first_seen": NOW,
        "container": "mp4",
        "declared_duration_s": 212.5,
    }
    return Media(**{**values, **changes})


def scan(name: str = "a", pipeline: str = PIPELINE) -> Scan:
    return Scan(
        scan_id=identity.scan_id(media_id(name), pipeline),
        media_id=media_id(name),
        pipeline_version=pipeline,
        features=ObjectRef(bucket="rightscan-work-prod", key=f"features/{pipeline}/{media_id(name)}.npz"),
        features_sha256=media_id("features"),
        analysed_at=NOW,
        duration_s=212.48,
        declared_duration_s=212.5,
        container="mp4",
        codec="aac",
        sample_rate=48_000,
        channels=2,
        bit_rate=128_000,
        complete=True,
        silent=False,
    )


def match(number: int = 0, recording_id: str = "R-0001", **changes: Any) -> Match:
    start = 30.0 * number
    occurrence = identity.occurrence_id(media_id(), recording_id, start, 0.0)
    values: dict[str, Any] = {
        "match_id": identity.match_id(media_id(), recording_id, occurrence),
        "media_id": media_id(),
        "recording_id": recording_id,
        "occurrence_id": occurrence,
        "media_start": start,
        "media_end": start + 20.0,
        "reference_start": 0.1 + 0.2,
        "reference_end": 20.3,
        "log10_lr": 12.0,
        "stated_log10_lr": 3.0,
        "coverage": 0.93,
        "modification": Modification(speed=1.25, pitch_semitones=3.863),
        "border_uncertainty_s": 0.25,
        "index_version": INDEX,
        "found_at": NOW,
    }
    return Match(**{**values, **changes})


def finding(of: Match | None = None) -> Finding:
    """A U1 with five performers, or an N1."""
    subject = "whole" if of is None else of.occurrence_id
    performers = tuple(
        FindingPerformer(
            performer_id=f"P-{number:04d}",
            name_ko="김민수",
            name_roman="Kim Min-su",
            categories=("연주",),
            roles=("연주",),
            instruments=("기타",),
            featured=number == 0,
            mandate="member",
            weight_num=1,
            weight_den=8,
        )
        for number in range(0 if of is None else 5)
    )
    return Finding(
        finding_id=identity.finding_id(media_id(), subject),
        media_id=media_id(),
        subject=subject,
        match_id=None if of is None else of.match_id,
        recording_id=None if of is None else of.recording_id,
        claim_basis=next(iter(ClaimBasis)),
        axes=Axes(
            a=AxisA.NONE if of is None else AxisA.EXACT,
            b=AxisB.NOT_TESTED,
            c=AxisC.NOT_TESTED,
            d=AxisD.NOT_TESTED,
        ),
        code="N1" if of is None else "U1",
        hits=("N1",) if of is None else ("U1",),
        reason_ko="등록된 음원과 일치하는 구간이 없습니다.",
        reason_en="No stretch agrees with a registered recording.",
        media_start=None if of is None else of.media_start,
        media_end=None if of is None else of.media_end,
        tested=("recording",),
        performers=performers,
        verdict_id=VERDICT_ID,
        recorded_at=NOW,
    )


def use(of: Match, where: ObjectRef | None = None, **changes: Any) -> Use:
    where = where or ref()
    values: dict[str, Any] = {
        "use_id": identity.use_id(where.bucket, where.key, where.version, of.recording_id, of.occurrence_id),
        "media_id": of.media_id,
        "upload": where,
        "recording_id": of.recording_id,
        "occurrence_id": of.occurrence_id,
        "match_id": of.match_id,
        "finding_id": identity.finding_id(of.media_id, of.occurrence_id),
        "period": "2026-11",
        "use_period": "2026-11",
        "seconds_used": 20.0,
        "facts": upload().facts,
        "recorded_at": NOW,
    }
    return Use(**{**values, **changes})


def synthesis() -> Synthesis:
    """Of a file that declares itself and shows a little in one passage."""
    return Synthesis(
        axis_c=AxisC.DECLARED,
        kind="tag",
        level="queue",
        score=-9.0,
        log10_lr=1.278,
        family="44100/512",
        spacing_hz=86.1328,
        ratio=1.0,
        conditions=("weak_evidence", "vocal_not_separated"),
        heard_s=209.3,
        band_hz=16_022.0,
        snr_db=31.3,
        passages=(
            SynthesisPassage(
                media_start=60.0,
                media_end=80.0,
                axis_c=AxisC.INCONCLUSIVE,
                score=4.3,
                log10_lr=1.28,
                family="44100/512",
            ),
        ),
        models=("lattice@syn-0123456789ab/2026.11",),
        c2pa="absent",
        declared=(Declared(by="tag", part="whole", extent="full", generator="생성기"),),
    )


def verdict(index_version: str = INDEX, matches: tuple[Match, ...] = ()) -> Verdict:
    return Verdict(
        verdict_id=VERDICT_ID
        if index_version == INDEX
        else hashlib.sha256(index_version.encode()).hexdigest()[:32],
        media_id=media_id(),
        scan_id=scan().scan_id,
        pipeline_version=PIPELINE,
        score_version="s-0123456789abcdef",
        index_version=index_version,
        rights_version="r-0123456789abcdef",
        decided_at=NOW,
        state="matched" if matches else "clear",
        synthesis=synthesis(),
        match_ids=tuple(m.match_id for m in matches),
        finding_ids=tuple(finding(m).finding_id for m in matches) or (finding().finding_id,),
    )


def incident(number: int = 0, period: str = "2026-11") -> Incident:
    source = f"upload-{number}"
    return Incident(
        incident_id=identity.incident_id("upload", source, "not_media"),
        source_kind="upload",
        source_ref=source,
        code="not_media",
        cause="the file holds no sound",
        remedy="Upload the recording itself.",
        period=period,
        first_seen=NOW,
    )


def report(request_id: str, period: str = "2026-11") -> Report:
    return Report(
        report_id="R000000", request_id=request_id, period=period, version=1, state="started", created_at=NOW
    )


def recording(recording_id: str = "R-0001", **changes: Any) -> Recording:
    return Recording(**{**STAMPS, "recording_id": recording_id, "title": "봄날", "lineup_size": 5, **changes})


def performer(performer_id: str = "P-0001", **changes: Any) -> Performer:
    return Performer(**{**STAMPS, "performer_id": performer_id, "name_ko": "김민수", **changes})


def lineup_entry(performer_id: str = "P-0001", recording_id: str = "R-0001", **changes: Any) -> LineupEntry:
    values = {
        "recording_id": recording_id,
        "performer_id": performer_id,
        "roles": ("가창",),
        "featured": True,
    }
    return LineupEntry(**{**STAMPS, **values, **changes})


def mandate(performer_id: str = "P-0001", **changes: Any) -> Mandate:
    values = {"performer_id": performer_id, "mandate": "member", "valid_from": "2020-01-01"}
    return Mandate(**{**STAMPS, **values, **changes})


def reference(
    recording_id: str = "R-0001", state: ReferenceState = ReferenceState.READY, **changes: Any
) -> Reference:
    values: dict[str, Any] = {
        "recording_id": recording_id,
        "pipeline_version": PIPELINE,
        "audio": ObjectRef(bucket="rightscan-registrations-prod", key=f"audio/{recording_id}.flac"),
        "audio_sha256": media_id(recording_id),
        "state": state,
        "registration_id": "g",
        "duration_s": 212.48,
        "changed_at": NOW,
    }
    return Reference(**{**values, **changes})


def error(code: str = "decode_failed") -> ErrorInfo:
    return ErrorInfo(code=code, cause="the stream breaks off", remedy="Upload a whole copy.")
