"""What the command line prints, one object per input. Times are seconds, half-open; see docs/architecture.md."""

from __future__ import annotations

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
