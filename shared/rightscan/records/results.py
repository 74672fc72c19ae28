"""What the command line prints, one object per input. Times are seconds, half-open; see docs/architecture.md."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rightscan.records.base import Record
from rightscan.records.findings import (
    Axes,
    Declared,
    FindingPerformer,
    LicenceMiss,
    Likeness,
    SimilarRecording,
)
from rightscan.records.objects import ErrorInfo
from rightscan.records.registers import RowOutcome
from rightscan.rights.axes import AxisC


class Picture(Record):
    """A picture that was written; its size in pixels."""

    path: str
    width: int
    height: int


class SegmentResult(Record):
    """One appearance of a recording. ``speed`` is upload rate over original rate."""

    recording_id: str
    isrc: str | None = None
    title: str | None = None
    media_start: float
    media_end: float
    reference_start: float
    reference_end: float
    score: float = Field(description="log10 likelihood ratio of the evidence, comparable across lengths")
    stated_log10_lr: float = Field(description="the same, capped by the number of validation trials")
    coverage: float
    modification: tuple[str, ...]
    speed: float
    pitch_semitones: float


class SynthesisSegment(Record):
    """A stretch with one outcome. Times are seconds, half-open."""

    media_start: float
    media_end: float
    axis_c: AxisC
    kind: str | None = Field(default=None, description="what was detected: vocal, instrumental or full")
    log10_lr: float
    score: float
    family: str | None = None


class Measured(Record):
    """What the conditions are held against. Seconds, Hz, dB, bit/s."""

    heard_s: float | None = Field(default=None, description="sound that is no silence")
    band_hz: float | None = Field(default=None, description="highest frequency that carries sound")
    snr_db: float | None = Field(default=None, description="the sound over its noise floor")
    bit_rate: int | None = Field(default=None, description="of compressed sound")
    lossless: bool | None = None


class SynthesisResult(Record):
    """Axis C with its evidence. ``score`` is there wherever sound was analysed, whatever the word says."""

    axis_c: AxisC
    kind: str | None = Field(
        default=None,
        description="who declared it (c2pa, tag), or what was detected (vocal, instrumental, full)",
    )
    level: Literal["none", "queue", "assert"] | None = Field(
        default=None, description="of the sound's own evidence: nobody looks, a person looks, one may confirm"
    )
    score: float | None = Field(default=None, description="grows with the evidence")
    log10_lr: float | None = Field(default=None, description="capped by the number of validation trials")
    voice_log10_lr: float | None = Field(
        default=None, description="of the learned detector; None where it heard no bare voice"
    )
    vocal_db: float | None = Field(
        default=None, description="voice over backing, where a separator took them apart"
    )
    signals: dict[str, float | None] = Field(
        default_factory=dict,
        description="of other people's detectors, by name@version; null where one failed",
    )
    family: str | None = Field(default=None, description="lattice found: the decoder's rate over its stride")
    spacing_hz: float | None = None
    ratio: float | None = Field(
        default=None, description="of the spacing to the decoder's own: changed speed"
    )
    conditions: tuple[str, ...] = Field(default=(), description="what limits what is said of the sound")
    segments: tuple[SynthesisSegment, ...] = ()
    segments_left_out: int | None = Field(
        default=None, description="of the weakest, where there are very many"
    )
    measured: Measured = Measured()
    models: tuple[str, ...] = Field(default=(), description="name@version of what judged")


class Credentials(Record):
    """The C2PA manifest, in a word."""

    state: str


class ProvenanceResult(Record):
    """What the file says of its origin; ``rightscan classify`` prints the whole record."""

    c2pa: Credentials
    declarations: tuple[Declared, ...] = ()


class FindingResult(Record):
    """One finding with its four axes."""

    code: str
    axes: Axes
    claim_basis: str
    recording_id: str | None = None
    media_start: float | None = None
    media_end: float | None = None
    reason_ko: str
    reason_en: str
    hits: tuple[str, ...] = Field(default=(), description="every rule that held; the first gave the code")
    conditions: tuple[str, ...] = Field(
        default=(), description="validated conditions not met, and other limits"
    )
    tested: tuple[str, ...] = ()
    held_share: bool
    hold_reason: str | None = None
    contested_by: tuple[str, ...] = Field(
        default=(), description="other recordings that match the same sound: see `rightscan conflicts`"
    )
    similar: tuple[SimilarRecording, ...] = Field(
        default=(), description="recordings whose work it may be another performance of; no use of them"
    )
    performers: tuple[FindingPerformer, ...]
    licence_ids: tuple[str, ...] = Field(default=(), description="AI licences that permit the use")
    licence_misses: tuple[LicenceMiss, ...] = Field(
        default=(), description="licences that were looked at and do not cover it, with the reason"
    )
    likeness: tuple[Likeness, ...] = Field(
        default=(),
        description="enrolled performers whose voice it resembles: the best, then the alternatives",
    )
    next_step: str = Field(description="word of the rule table: what a person does next")


class UseResult(Record):
    """One use of this upload."""

    use_id: str
    recording_id: str
    period: str
    use_count: int
    seconds_used: float


class ScanResult(Record):
    """What became of one scanned path."""

    path: str
    media_id: str | None = None
    state: str
    duration_s: float | None = None
    codec: str | None = None
    segments: tuple[SegmentResult, ...] = ()
    findings: tuple[FindingResult, ...] = ()
    synthesis: SynthesisResult | None = Field(
        default=None, description="segments: those in which something is detected or inconclusive"
    )
    provenance: ProvenanceResult | None = None
    uses: tuple[UseResult, ...] = ()
    error: ErrorInfo | None = None


class ClassifyResult(Record):
    """What ``rightscan classify`` saw of one file."""

    path: str
    state: Literal["classified", "failed"]
    duration_s: float | None = None
    codec: str | None = None
    provenance: dict[str, Any] | None = Field(
        default=None, description="the whole record: docs/provenance.md"
    )
    synthesis: SynthesisResult | None = None
    picture: Picture | None = None
    error: ErrorInfo | None = None


class RegisterResult(Record):
    """What became of one catalogue."""

    path: str
    state: str
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    invalid: int = 0
    indexed: int = 0
    rows: tuple[RowOutcome, ...] = Field(default=(), description="rows that were refused or carry a warning")
    error: ErrorInfo | None = None


class PassageResult(Record):
    """A stretch of an upload laid along a recording, with the evidence of ``rightscan explain``."""

    media_start: float
    media_end: float
    reference_start: float
    reference_end: float
    score: float = Field(description="log10 likelihood ratio of the evidence, from its ten strongest seconds")
    stated_log10_lr: float = Field(description="the same, capped by the number of validation trials")
    offset_s: float = Field(description="time in the recording less time in the upload, where it begins")
    speed: float
    pitch_semitones: float
    modification: tuple[str, ...] | None = Field(description="null for an alignment that is not told")
    bounds: tuple[float, float] = Field(description="uncertainty of media_start and media_end, 95 %")
    coverage: float
    presence: float = Field(description="share of the recording's peaks that are heard, 0.05 to 0.95")
    sharpness: float | None = Field(description="share of the common peaks that meet within 6 ms")
    harmony: float | None = Field(description="the standardised statistic behind the score")
    strongest: tuple[float, float] = Field(description="upload span of the ten strongest seconds")
    peaks_matched: int
    peaks_possible: int
    landmarks: int = Field(description="equal landmarks on the line")
    evidence: tuple[tuple[float, float], ...] = Field(
        description="upload time and the peaks' log likelihood ratio (nats) summed up to it, by the second"
    )
    harmony_by_second: tuple[tuple[float, float], ...] = Field(
        description="beginning of a second of the upload and the harmony's standardised agreement in it"
    )


class ExplainResult(Record):
    """What ``rightscan explain`` saw of a pair."""

    path: str
    recording: str = Field(description="as given: a path or a recording id")
    state: Literal["matched", "clear", "inconclusive", "failed"]
    duration_s: float | None = None
    recording_duration_s: float | None = None
    threshold: float | None = None
    searched_deep: bool | None = None
    segments: tuple[PassageResult, ...] = ()
    not_told_because: tuple[str, ...] = ()
    strongest_followed: PassageResult | None = Field(
        default=None, description="the strongest alignment that was looked at, where none is told"
    )
    peaks_upload: int | None = None
    peaks_recording: int | None = None
    landmarks_elsewhere: int | None = None
    picture: Picture | None = None
    failed_input: str | None = None
    error: ErrorInfo | None = None
