"""What was found: matches, findings on four axes, uses that money follows, and the verdict over them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rightscan.records.base import Record, UtcDatetime
from rightscan.records.objects import ObjectRef, UploadFactsRecord
from rightscan.rights.axes import AxisA, AxisB, AxisC, AxisD, ClaimBasis


class Modification(Record):
    """How the upload differs from the original. ``speed`` is upload rate over original rate.

    The errors are half widths of 95 % intervals; 0 in records that were written before they were measured.
    """

    kinds: tuple[str, ...] = ()
    speed: float = Field(default=1.0, gt=0)
    pitch_semitones: float = 0.0
    speed_error: float = Field(default=0.0, ge=0)
    pitch_error: float = Field(default=0.0, ge=0)


class Match(Record):
    """One appearance of a recording in the bytes. Times are seconds, half-open."""

    match_id: str
    media_id: str
    recording_id: str
    occurrence_id: str
    media_start: float
    media_end: float
    reference_start: float
    reference_end: float
    log10_lr: float = Field(description="of the evidence, comparable across lengths")
    stated_log10_lr: float = Field(description="what is printed: capped by the number of validation trials")
    coverage: float = Field(ge=0, le=1)
    modification: Modification
    border_uncertainty_s: float = Field(ge=0)
    index_version: str
    found_at: UtcDatetime
    stem: Literal["vocal", "instrumental"] | None = Field(
        default=None, description="the part that matched: of a registered stem, or of the separated upload"
    )
    status: Literal["active", "ended"] = "active"
    ended_at: UtcDatetime | None = None

    @property
    def seconds(self) -> float:
        """Length of the appearance in the upload, s."""
        return self.media_end - self.media_start


class FindingPerformer(Record):
    """A performer behind a finding, as the line-up had it."""

    performer_id: str
    name_ko: str | None = None
    name_roman: str | None = None
    stage_name: str | None = None
    categories: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    featured: bool | None = None
    mandate: str | None = None
    weight_num: int | None = Field(default=None, ge=0, description="share of the recording; None while held")
    weight_den: int | None = Field(default=None, gt=0)


class Axes(Record):
    """The four axes of the domain page."""

    a: AxisA
    a_kinds: tuple[str, ...] = ()
    b: AxisB
    c: AxisC
    c_kind: str | None = None
    d: AxisD


class Likeness(Record):
    """An enrolled performer whose voice the file resembles. What is claimed is "sounds like", never a fixation."""

    performer_id: str
    voice_register: str = Field(description="of the voice in the file: singing or speaking")
    log10_lr: float = Field(
        description="of 'it is this person' to 'it is somebody else', capped by the number of trials"
    )
    seconds: float = Field(ge=0, description="of voice that was compared")


class LicenceMiss(Record):
    """A licence of the register that concerns the recording or performer and does not cover the use."""

    licence_id: str
    shortfall: str = Field(description="word of the licence_shortfall list")


class SimilarRecording(Record):
    """A registered recording whose work the sound may be another performance of: counter-evidence, no use of it."""

    recording_id: str
    score: float = Field(description="log odds under the calibration of docs/covers.md")
    seconds: float = Field(description="in which the harmonies follow in the same order, s")
    transposition: int = Field(description="semitones from the recording up to the sound")


class Finding(Record):
    """What the machine says of one segment and claim basis. It never says more than its evidence."""

    finding_id: str
    media_id: str
    subject: str = Field(
        description="an occurrence id, 'whole', or a passage of its own: 'synthesis-' and its start"
    )
    match_id: str | None = None
    recording_id: str | None = None
    claim_basis: ClaimBasis
    axes: Axes
    code: str
    hits: tuple[str, ...] = Field(description="every rule that held, in table order; the first gave the code")
    reason_ko: str
    reason_en: str
    media_start: float | None = None
    media_end: float | None = None
    conditions: tuple[str, ...] = ()
    tested: tuple[str, ...] = ()
    lineup_known: int | None = None
    lineup_size: int | None = None
    held_share: bool = False
    hold_reason: str | None = Field(
        default=None, description="word of the hold_reason list; None where nothing is held"
    )
    contested_by: tuple[str, ...] = Field(
        default=(), description="other recordings that match the same sound: a conflict"
    )
    similar: tuple[SimilarRecording, ...] = Field(
        default=(), description="candidates behind cover_candidate, likeliest first"
    )
    performers: tuple[FindingPerformer, ...] = ()
    rule: str | None = Field(default=None, description="rule profile, id@version")
    likeness: tuple[Likeness, ...] = Field(
        default=(), description="axis B: the best candidate, then the alternatives as counter-evidence"
    )
    licence_ids: tuple[str, ...] = Field(default=(), description="AI licences that permit the use")
    licence_misses: tuple[LicenceMiss, ...] = Field(
        default=(), description="counter-evidence: licences that were looked at and do not cover it"
    )
    verdict_id: str
    recorded_at: UtcDatetime
    status: Literal["active", "ended"] = "active"

    @property
    def stem(self) -> str | None:
        """The part of the recording that is in the file, ``vocal`` or ``instrumental``; None: all of it."""
        return self.axes.a_kinds[0] if self.axes.a is AxisA.PARTIAL_STEM and self.axes.a_kinds else None


class Use(Record):
    """One appearance of a recording in one upload: what is counted and paid."""

    use_id: str
    media_id: str
    upload: ObjectRef
    recording_id: str
    occurrence_id: str
    match_id: str
    finding_id: str
    period: str = Field(pattern=r"^\d{4}-\d{2}$", description="KST month it is settled in")
    use_period: str = Field(pattern=r"^\d{4}-\d{2}$")
    use_count: int = Field(default=1, ge=0)
    seconds_used: float = Field(ge=0)
    facts: UploadFactsRecord
    recorded_at: UtcDatetime
    status: Literal["active", "ended"] = "active"


class Declared(Record):
    """One statement in the file that a machine made it, or part of it."""

    by: str = Field(description="c2pa or tag")
    part: str
    extent: str
    generator: str | None = None
    trusted: bool = Field(default=False, description="signed under a configured authority")


class SynthesisPassage(Record):
    """A stretch of the file with one outcome. Times are seconds, half-open."""

    media_start: float
    media_end: float
    axis_c: AxisC
    score: float
    log10_lr: float
    family: str | None = None


class Synthesis(Record):
    """Axis C of the whole file, with the evidence behind the word."""

    axis_c: AxisC
    kind: str | None = Field(
        default=None,
        description="who declared it (c2pa, tag), or what was detected (vocal, instrumental, full)",
    )
    level: Literal["none", "queue", "assert"] | None = Field(
        default=None, description="how far the sound's own evidence goes; None where it was not tested"
    )
    score: float | None = Field(
        default=None, description="grows with the evidence; kept below any threshold too"
    )
    log10_lr: float | None = Field(default=None, description="as printed: capped by the number of trials")
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
    family: str | None = Field(default=None, description="lattice found: rate of the decoder over its stride")
    spacing_hz: float | None = None
    ratio: float | None = Field(default=None, description="of the spacing to the decoder's own")
    conditions: tuple[str, ...] = Field(default=(), description="what limits what is said of the sound")
    heard_s: float | None = None
    band_hz: float | None = None
    snr_db: float | None = Field(default=None, description="the sound over its noise floor")
    passages: tuple[SynthesisPassage, ...] = Field(
        default=(), description="in which something is detected or inconclusive; in the rest none is found"
    )
    passages_left_out: int | None = Field(
        default=None, description="of the weakest, where there are too many to keep"
    )
    models: tuple[str, ...] = Field(default=(), description="name@version of what judged")
    c2pa: str | None = Field(default=None, description="state of the manifest; None where it was not read")
    declared: tuple[Declared, ...] = ()


class Verdict(Record):
    """The outcome of comparing one analysis with one index and one state of the registers."""

    verdict_id: str
    media_id: str
    scan_id: str
    pipeline_version: str
    score_version: str
    index_version: str
    rights_version: str
    decided_at: UtcDatetime
    state: str
    synthesis: Synthesis | None = None
    match_ids: tuple[str, ...] = ()
    finding_ids: tuple[str, ...] = ()
