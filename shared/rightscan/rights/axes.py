"""The four axes of a finding, and what stands beside them: domain page, section 3.

A finding is made per segment and claim basis. "Contains a real fixation" (the neighbouring right) and
"sounds like" (the publicity clause of the Unfair Competition Prevention Act) are never mixed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction


class AxisA(StrEnum):
    """Whether a registered recording is in the segment."""

    NOT_TESTED = "not_tested"
    NONE = "none"
    EXACT = "exact"
    MODIFIED = "modified"
    PARTIAL_STEM = "partial_stem"
    COVER_CANDIDATE = "cover_candidate"


class Modification(StrEnum):
    """In what a modified recording differs from the original."""

    SPEED = "speed"
    TEMPO = "tempo"
    PITCH = "pitch"
    EQ = "eq"
    LOOP = "loop"


class Stem(StrEnum):
    """Which separated part of a recording matched."""

    INSTRUMENTAL = "instrumental"
    VOCAL = "vocal"


class AxisB(StrEnum):
    """Whether an enrolled performer's voice or face appears."""

    NOT_TESTED = "not_tested"
    NO_MATCH = "no_match"
    CANDIDATE = "candidate"
    STRONG = "strong"


class AxisC(StrEnum):
    """Whether it was made by a machine."""

    NOT_TESTED = "not_tested"
    DECLARED = "declared"
    DETECTED = "detected"
    NONE_FOUND = "none_found"
    INCONCLUSIVE = "inconclusive"


class DeclaredBy(StrEnum):
    """Who or what declared the AI part."""

    C2PA = "c2pa"
    WATERMARK = "watermark"
    TAG = "tag"
    PLATFORM = "platform"
    PARTY = "party"


class DetectedPart(StrEnum):
    """What a detector found to be synthetic."""

    VOCAL = "vocal"
    INSTRUMENTAL = "instrumental"
    FULL = "full"
    FACE = "face"


class AxisD(StrEnum):
    """What the licence and use registers say."""

    NOT_TESTED = "not_tested"
    REGISTERED_USE = "registered_use"
    AI_LICENCE = "ai_licence"
    NONE_FOUND = "none_found"
    NOT_APPLICABLE = "not_applicable"
    UNKNOWN = "unknown"


class ClaimBasis(StrEnum):
    """The right a finding rests on."""

    FIXATION = "fixation"
    LIKENESS = "likeness"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Axes:
    """One finding's four axes, each with its kinds apart from its word."""

    a: AxisA = AxisA.NOT_TESTED
    b: AxisB = AxisB.NOT_TESTED
    c: AxisC = AxisC.NOT_TESTED
    d: AxisD = AxisD.NOT_TESTED
    modifications: tuple[Modification, ...] = ()
    stem: Stem | None = None
    declared_by: tuple[DeclaredBy, ...] = ()
    detected_parts: tuple[DetectedPart, ...] = ()

    @property
    def claim_basis(self) -> ClaimBasis:
        """Fixation where a recording or a stem of it matched, else likeness where a performer did."""
        if self.a in (AxisA.EXACT, AxisA.MODIFIED, AxisA.PARTIAL_STEM):
            return ClaimBasis.FIXATION
        if self.b in (AxisB.CANDIDATE, AxisB.STRONG):
            return ClaimBasis.LIKENESS
        return ClaimBasis.NONE


class LineupState(StrEnum):
    """Whether everybody who performed is known."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Completeness:
    """How much of a line-up is known.

    ``known`` counts performers, ``size`` is the registered number of them (None: never registered).
    Without a size nobody can say that a line-up is incomplete, except where no performer is known at
    all; with one, the numbers must agree: more performers than the size is a contradiction and goes to
    the same work queue as too few.
    """

    known: int = 0
    size: int | None = None

    @property
    def state(self) -> LineupState:
        """COMPLETE, INCOMPLETE (work queue, held share) or UNKNOWN (no size registered)."""
        if self.known == 0:
            return LineupState.INCOMPLETE
        if self.size is None:
            return LineupState.UNKNOWN
        return LineupState.COMPLETE if self.known == self.size else LineupState.INCOMPLETE

    @property
    def share(self) -> Fraction | None:
        """``known / size`` (above 1 in a contradiction); None where no size was registered."""
        return Fraction(self.known, self.size) if self.size else None


@dataclass(frozen=True, slots=True)
class Conditions:
    """Conditions the models were validated on and this segment does not meet (empty: all met).

    Names are words of the ``condition`` list: ``duration``, ``bandwidth``, ``bitrate``,
    ``vocal_to_backing``, ``content``.
    """

    failed: tuple[str, ...] = ()


class Processing(StrEnum):
    """Whether the media could be analysed."""

    OK = "ok"
    DECODE_FAILURE = "decode_failure"
    DRM = "drm"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Inputs:
    """What stands beside the axes when a code is derived."""

    completeness: Completeness = field(default_factory=Completeness)
    conditions: Conditions = field(default_factory=Conditions)
    processing: Processing = Processing.OK


class LrBand(StrEnum):
    """Verbal bands of a likelihood ratio, a factor of ten each from 1."""

    NONE = "none"
    LIMITED = "limited"
    MODERATE = "moderate"
    MODERATELY_STRONG = "moderately_strong"
    STRONG = "strong"
    VERY_STRONG = "very_strong"


def cap_log10_lr(log10_lr: float, trials: int) -> float:
    """``log10_lr`` no farther from 0 than ``trials`` independent validation trials can show."""
    limit = math.log10(max(trials, 1))
    return max(min(log10_lr, limit), -limit)


def lr_band(log10_lr: float) -> LrBand:
    """Band of a (capped) log10 likelihood ratio: 1-10 limited … above 10,000 very strong, below 1 none.

    Raises:
        ValueError: ``log10_lr`` is not a number.

    """
    if log10_lr < 0:
        return LrBand.NONE
    return tuple(LrBand)[1 + math.floor(min(log10_lr, 4.0))]
