"""From evidence to what may be said: detected, none found, or inconclusive with the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from rightscan.synthesis.calibration import CALIBRATION, Calibration
from rightscan.synthesis.evidence import Evidence, Stretch
from rightscan.synthesis.lattice import Comb


class Outcome(StrEnum):
    """What the sound itself says."""

    DETECTED = "detected"
    NONE_FOUND = "none_found"
    INCONCLUSIVE = "inconclusive"


class Level(StrEnum):
    """How far the evidence goes: nobody looks, a person looks, a person may confirm."""

    NONE = "none"
    QUEUE = "queue"
    ASSERT = "assert"


@dataclass(frozen=True, slots=True)
class Source:
    """What the file says of itself. Bit rate in bit/s; None for uncompressed sound."""

    lossless: bool
    bit_rate: int | None


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of time with its own outcome. Times in seconds, half-open."""

    start_s: float
    end_s: float
    outcome: Outcome
    score: float
    log10_lr: float
    family: str | None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What may be said of one sound.

    Attributes:
        outcome: the word.
        level: how far the evidence goes.
        score: continuous, grows with the evidence; also where nothing may be said.
        log10_lr: as it may be printed, capped by the number of trials.
        family: the lattice that was found, ``rate/stride``; None below QUEUE.
        spacing_hz: distance of its lines as they stand in this sound.
        ratio: of that distance to the decoder's own: changed speed or pitch.
        conditions: why nothing may be said, or what limits it; words of the ``condition`` list.
        passages: the timeline, neighbours of one outcome joined.
        version: of the calibration.
    """

    outcome: Outcome
    level: Level
    score: float
    log10_lr: float
    family: str | None
    spacing_hz: float | None
    ratio: float
    conditions: tuple[str, ...]
    passages: tuple[Passage, ...]
    version: str


def judge(evidence: Evidence, source: Source, calibration: Calibration = CALIBRATION) -> Judgement:
    """Judge one sound.

    Args:
        evidence: what the analysis saw.
        source: what the file is.
        calibration: thresholds and validated conditions.

    Returns:
        The judgement. Outside the validated conditions it is inconclusive and names them; between the two
        thresholds it is inconclusive and ``weak_evidence`` is named.
    """
    best, score = _best(evidence, calibration)
    level = _level(score, calibration)
    failed = _failed(evidence, source, calibration)
    outcome, conditions = _outcome(level, failed)
    found = level is not Level.NONE and best.family is not None
    return Judgement(
        outcome=outcome,
        level=level,
        score=score,
        log10_lr=calibration.stated(calibration.log10_lr(score)),
        family=best.family.name if found and best.family else None,
        spacing_hz=best.family.spacing * best.ratio if found and best.family else None,
        ratio=best.ratio,
        conditions=conditions,
        passages=_passages(evidence, failed, calibration),
        version=calibration.version,
    )


def _best(evidence: Evidence, calibration: Calibration) -> tuple[Comb, float]:
    """The strongest lattice of all that were looked for, and its score after what it gives up for choice."""
    scores = [(evidence.whole, evidence.whole.score), (evidence.coarse, evidence.coarse.score)]
    scores.append((evidence.tracked, evidence.tracked.score))
    changed = min(evidence.changed.score - calibration.changed_cost, calibration.most_changed)
    scores.append((evidence.changed, changed))
    cost = calibration.per_doubling * math.log2(max(1, len(evidence.stretches)))
    scores += [(s.found, s.found.score - cost) for s in evidence.stretches]
    return max(scores, key=lambda entry: entry[1])


def _level(score: float, calibration: Calibration) -> Level:
    if score >= calibration.sure:
        return Level.ASSERT
    return Level.QUEUE if score >= calibration.queue else Level.NONE


def _failed(evidence: Evidence, source: Source, calibration: Calibration) -> tuple[str, ...]:
    failed = []
    if evidence.heard_s < calibration.min_heard_s:
        failed.append("duration")
    if evidence.band_hz < calibration.min_band_hz:
        failed.append("bandwidth")
    if not source.lossless and source.bit_rate is not None and source.bit_rate < calibration.min_bit_rate:
        failed.append("bitrate")
    return tuple(failed)


def _outcome(level: Level, failed: tuple[str, ...]) -> tuple[Outcome, tuple[str, ...]]:
    if failed:
        return Outcome.INCONCLUSIVE, failed
    if level is Level.QUEUE:
        return Outcome.INCONCLUSIVE, ("weak_evidence",)
    return (Outcome.DETECTED if level is Level.ASSERT else Outcome.NONE_FOUND), ()


def _passages(evidence: Evidence, failed: tuple[str, ...], calibration: Calibration) -> tuple[Passage, ...]:
    passages: list[Passage] = []
    for stretch in evidence.stretches:
        passage = _passage(stretch, failed, calibration)
        last = passages[-1] if passages else None
        if last is not None and last.outcome is passage.outcome and last.end_s == passage.start_s:
            strongest = max(last, passage, key=lambda p: p.score)
            passages[-1] = Passage(
                last.start_s,
                passage.end_s,
                passage.outcome,
                strongest.score,
                strongest.log10_lr,
                strongest.family,
            )
        else:
            passages.append(passage)
    return tuple(passages)


def _passage(stretch: Stretch, failed: tuple[str, ...], calibration: Calibration) -> Passage:
    score = stretch.found.score
    level = _level(score, calibration)
    outcome, _ = _outcome(level, failed)
    family = stretch.found.family
    return Passage(
        stretch.start_s,
        stretch.end_s,
        outcome,
        score,
        calibration.stated(calibration.log10_lr(score)),
        family.name if family is not None and level is not Level.NONE else None,
    )
