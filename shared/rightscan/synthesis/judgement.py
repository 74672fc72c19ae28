"""From evidence to what may be said: detected, none found, or inconclusive with the reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rightscan.synthesis.calibration import CALIBRATION, Calibration
from rightscan.synthesis.evidence import Evidence, Stretch
from rightscan.synthesis.lattice import Comb
from rightscan.synthesis.voice import VOICED_SHARE, VoiceScore, pool
from rightscan.synthesis.voice import Calibration as VoiceCalibration

NOT_SEPARATED = "vocal_not_separated"
"""Limits what is said of every mix: a voice made by a machine may lie under a band that drowns its traces."""

FAINT_VOCAL = "vocal_share"
"""Limits what is said of a mix with next to no voice."""

_VOICE_WEIGHT = 0.5  # on published makers its ratio says half of what it says on those made here
_MOSTLY_VOICE = 0.6  # of the windows: less, and the detector would hear the backing


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
    """What the file says of itself. Bit rate in bit/s, None for uncompressed sound; sample rate in Hz."""

    lossless: bool
    bit_rate: int | None
    sample_rate: int


class Part(StrEnum):
    """Which part of the sound is synthetic."""

    VOCAL = "vocal"
    INSTRUMENTAL = "instrumental"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class VoiceStandard:
    """How a model's logits are read.

    Attributes:
        calibration: of its pooled score.
        queue: log10 likelihood ratio from which a person looks at it.
    """

    calibration: VoiceCalibration
    queue: float


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
        part: what it speaks of; ``full`` also where nothing was taken apart. None below QUEUE.
        limits: what is said of the whole alone: the vocal was not separated, or is too faint to be judged apart.
        score: continuous, grows with the evidence; also where nothing may be said. In units of the lattice score.
        log10_lr: as it may be printed, capped by the number of trials.
        family: the lattice that was found, ``rate/stride``; None below QUEUE.
        spacing_hz: distance of its lines as they stand in this sound.
        ratio: of that distance to the decoder's own: changed speed or pitch.
        conditions: why nothing may be said, or what limits it; words of the ``condition`` list.
        passages: the timeline, neighbours of one outcome joined.
        version: of the calibration.
        voice: what the learned detector says of the voice; None where it was not asked or heard no voice.
    """

    outcome: Outcome
    level: Level
    part: Part | None
    limits: tuple[str, ...]
    score: float
    log10_lr: float
    family: str | None
    spacing_hz: float | None
    ratio: float
    conditions: tuple[str, ...]
    passages: tuple[Passage, ...]
    version: str
    voice: VoiceScore | None = None


def judge(
    evidence: Evidence,
    source: Source,
    calibration: Calibration = CALIBRATION,
    voices: Mapping[str, VoiceStandard] | None = None,
) -> Judgement:
    """Judge one sound.

    Args:
        evidence: what the analysis saw.
        source: what the file is.
        calibration: thresholds and validated conditions.
        voices: the models that may be heard, by name@version. One that is not among them says nothing.

    Returns:
        The judgement. Outside the validated conditions it is inconclusive and names them; between the two
        thresholds it is inconclusive and ``weak_evidence`` is named.
    """
    limits = _limits(evidence, calibration)
    faint = FAINT_VOCAL in limits
    stems = {Part(name): stem for name, stem in evidence.stems.items() if not (faint and name == Part.VOCAL)}
    sounds = {Part.FULL: evidence, **stems}
    found = {part: _best(sound, calibration) for part, sound in sounds.items()}
    best, lattice = max(found.values(), key=lambda entry: entry[1])
    voice, standard = (None, None) if faint else _voice(evidence, voices or {})
    level = _level(lattice, calibration)
    if level is Level.NONE and voice is not None and standard is not None and _ratio(voice) >= standard.queue:
        level = Level.QUEUE
    failed = _failed(evidence, source, calibration)
    outcome, conditions = _outcome(level, failed)
    log10_lr = calibration.log10_lr(lattice) + _gained(voice)
    parts = {part: score for part, (_, score) in found.items()} | ({Part.VOCAL: 0.0} if faint else {})
    named = lattice >= calibration.queue and best.family is not None
    return Judgement(
        outcome=outcome,
        level=level,
        part=None if level is Level.NONE else _part(parts, calibration),
        limits=limits,
        score=max(lattice, calibration.score_of(log10_lr)),
        log10_lr=calibration.stated(log10_lr),
        family=best.family.name if named and best.family else None,
        spacing_hz=best.family.spacing * best.ratio if named and best.family else None,
        ratio=best.ratio,
        conditions=conditions,
        passages=_passages(evidence, failed, calibration),
        version=calibration.version,
        voice=voice,
    )


def _voice(
    evidence: Evidence, voices: Mapping[str, VoiceStandard]
) -> tuple[VoiceScore | None, VoiceStandard | None]:
    """What the learned detector says: of the separated voice, or of a sound that is voice for the most part."""
    bare = "vocal" not in evidence.stems
    heard = evidence.voice if bare else evidence.stems["vocal"].voice
    standard = None if heard is None else voices.get(heard.model)
    if heard is None or standard is None:
        return None, None
    if bare and (not heard.logits.size or np.mean(heard.voiced_share >= VOICED_SHARE) < _MOSTLY_VOICE):
        return None, None
    score = pool(heard.logits, heard.times, heard.voiced_share, standard.calibration)
    return (score, standard) if score.windows else (None, None)


def _ratio(voice: VoiceScore) -> float:
    return -math.inf if voice.log10_lr is None else voice.log10_lr


def _gained(voice: VoiceScore | None) -> float:
    """What a voice adds to the lattice's ratio: a human-sounding voice takes nothing off a lattice."""
    return 0.0 if voice is None else _VOICE_WEIGHT * math.log10(1 + 10 ** _ratio(voice))


def _part(scores: Mapping[Part, float], calibration: Calibration) -> Part:
    """The one stem that shows a lattice while the other shows none; else the whole."""
    for part, other in ((Part.VOCAL, Part.INSTRUMENTAL), (Part.INSTRUMENTAL, Part.VOCAL)):
        if scores.get(part, 0.0) >= calibration.queue > scores.get(other, calibration.queue):
            return part
    return Part.FULL


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
    if source.sample_rate < calibration.min_sample_rate:
        failed.append("sample_rate")
    if evidence.snr_db is not None and evidence.snr_db < calibration.min_snr_db:
        failed.append("noise")
    return tuple(failed)


def _limits(evidence: Evidence, calibration: Calibration) -> tuple[str, ...]:
    """Why nothing is said of voice and backing apart: what a separator makes of no voice is no voice."""
    if not evidence.stems:
        return (NOT_SEPARATED,)
    faint = evidence.vocal_db is None or evidence.vocal_db < calibration.min_vocal_db
    return (FAINT_VOCAL,) if faint else ()


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
