"""What the command line prints, one object per input. Times are seconds, half-open; see docs/architecture.md."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rightscan.records.base import Record
from rightscan.records.findings import Axes, FindingPerformer
from rightscan.records.objects import ErrorInfo
from rightscan.records.registers import RowOutcome


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
    held_share: bool
    performers: tuple[FindingPerformer, ...]


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
    uses: tuple[UseResult, ...] = ()
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


class Picture(Record):
    """A picture that was written; its size in pixels."""

    path: str
    width: int
    height: int


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
