"""Compares the voices of a file with templates: the best candidate, what speaks for others, and under which conditions.

What is claimed is "sounds like", never that a recording of the person is in the file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.likeness.enrolment import Template
from rightscan.likeness.prints import VoicePrint, direction
from rightscan.likeness.register import REGISTERS, SINGING
from rightscan.likeness.scoring import Calibration, Cohort

Float = NDArray[np.float32]

NOT_TESTED, NO_MATCH, CANDIDATE, STRONG = "not_tested", "no_match", "candidate", "strong"
"""Words of axis B."""

MOST_ALTERNATIVES = 3
CLOSE = 0.5
"""log10 LR between the best and the next performer below which nobody is ``strong``: both cannot be the voice."""
_LEAST_USABLE_S = 1.0


@dataclass(frozen=True)
class Candidate:
    """A performer whom a voice in the file may be.

    Attributes:
        pseudonym: of the template.
        register: of the voice in the file.
        log10_lr: log10 of the likelihood ratio of "the voice is that of the person of the template" to "it is that
            of somebody else, of those the cohort is like", capped by the trials.
        score: normalised, before the calibration.
        seconds: of voice that were compared.
    """

    pseudonym: str
    register: str
    log10_lr: float
    score: float
    seconds: float


@dataclass(frozen=True)
class Comparison:
    """What the comparison says.

    Attributes:
        best: None where nothing could be compared.
        alternatives: the next best performers, best first, whatever their ratio.
        conditions: what limits the answer; words of the ``condition`` list.
        level: word of axis B: ``strong`` from ASSERT on within the validated conditions, ``candidate`` from QUEUE on,
            else ``no_match``; ``not_tested`` where there was no voice or no template.
    """

    best: Candidate | None
    alternatives: tuple[Candidate, ...]
    conditions: tuple[str, ...]
    level: str


@dataclass(frozen=True)
class _Query:
    """One voice of a file in one register."""

    register: str
    embedding: Float
    seconds: float


def compare(
    voice: VoicePrint,
    templates: Mapping[str, Sequence[Template]],
    cohort: Cohort,
    calibration: Calibration,
) -> Comparison:
    """Compare the voices of a file with everybody enrolled.

    Args:
        voice: of the file.
        templates: by pseudonym; those of another encoder are an error, not a low score.
        cohort: of the encoder.
        calibration: of the encoder.

    Raises:
        PermanentError: ``model_mismatch`` for a template of another encoder.
    """
    _same_model(voice, templates)
    queries = _queries(voice, cohort, calibration)
    if not queries or not any(templates.values()):
        return Comparison(None, (), () if queries else ("duration",), NOT_TESTED)
    ranked = sorted(
        (
            _ranked(pseudonym, own, queries, cohort, calibration)
            for pseudonym, own in templates.items()
            if own
        ),
        key=lambda one: (-one.ratio, one.candidate.pseudonym),
    )
    best, others = ranked[0], ranked[1 : 1 + MOST_ALTERNATIVES]
    conditions = _conditions(voice, best, len(queries), calibration)
    if others and others[0].ratio >= calibration.queue and best.ratio - others[0].ratio < CLOSE:
        conditions += ("close_alternative",)
    return Comparison(
        best.candidate,
        tuple(one.candidate for one in others),
        conditions,
        _level(best.candidate, conditions, calibration),
    )


def _same_model(voice: VoicePrint, templates: Mapping[str, Sequence[Template]]) -> None:
    others = {one.model for own in templates.values() for one in own} - {voice.model}
    if others:
        raise PermanentError(
            "model_mismatch",
            f"the file was heard by {voice.model}, templates are of {', '.join(sorted(others))}",
            "Enrol again with the encoder that is in use, or set the encoder back.",
        )


def _queries(voice: VoicePrint, cohort: Cohort, calibration: Calibration) -> list[_Query]:
    """The voices of a file, each register apart."""
    if voice.voiced_s < _LEAST_USABLE_S:
        return []
    queries = []
    for register in REGISTERS:
        rows = voice.embeddings(register)
        if not len(rows):
            continue
        groups = _groups(cohort.directed(rows), calibration.same_voice)
        largest = max(groups, key=len)
        for group in groups:
            seconds = voice.seconds(register) * len(group) / len(rows)
            # A stray window is no further voice: it would only cost the others their share of the evidence.
            if group is largest or (len(group) > 1 and seconds >= calibration.min_voiced_s):
                queries.append(_Query(register, direction(rows[group]), seconds))
    return queries


def _groups(directions: Float, same_voice: float) -> list[list[int]]:
    """Windows of one voice each: to the nearest group in order of time, then once more with the groups as found."""
    centres: list[Float] = []
    for row in directions:
        cosines = [float(row @ centre) / max(float(np.linalg.norm(centre)), 1e-9) for centre in centres]
        if cosines and max(cosines) >= same_voice:
            centres[int(np.argmax(cosines))] += row
        else:
            centres.append(row.copy())
    whole = np.stack(centres)
    whole /= np.maximum(np.linalg.norm(whole, axis=1, keepdims=True), 1e-9)
    nearest = (directions @ whole.T).argmax(axis=1)
    return [np.flatnonzero(nearest == group).tolist() for group in sorted(set(nearest.tolist()))]


@dataclass(frozen=True)
class _Ranked:
    """A candidate, the ratio before it was capped, and whether the template is of another register."""

    candidate: Candidate
    ratio: float
    mismatch: bool


def _ranked(
    pseudonym: str,
    templates: Sequence[Template],
    queries: Sequence[_Query],
    cohort: Cohort,
    calibration: Calibration,
) -> _Ranked:
    """The best of a person's templates against the voices of the file.

    "One of k voices is the person" is a k-th as likely for each of them: the best gives up log10 k.
    """
    scores = cohort.scores(
        np.stack([query.embedding for query in queries]), np.stack([one.embedding for one in templates])
    )
    found = []
    for row, query in enumerate(queries):
        fitting = [column for column, one in enumerate(templates) if one.register == query.register]
        column = max(fitting or range(len(templates)), key=lambda at, row=row: float(scores[row, at]))
        score = float(scores[row, column])
        ratio = calibration.log10_lr(score, query.seconds) - math.log10(len(queries))
        stated, seconds = round(calibration.stated(ratio), 3), round(query.seconds, 2)
        made = Candidate(pseudonym, query.register, stated, round(score, 3), seconds)
        found.append(_Ranked(made, ratio, not fitting))
    return max(found, key=lambda one: one.ratio)


def _conditions(voice: VoicePrint, best: _Ranked, voices: int, calibration: Calibration) -> tuple[str, ...]:
    """What lies outside what was validated; words in a fixed order."""
    found = (
        ("duration", best.candidate.seconds < calibration.min_voiced_s),
        ("bandwidth", voice.bandwidth_hz < calibration.min_bandwidth_hz),
        ("noise", voice.snr_db < calibration.min_snr_db),
        ("backing", voice.backing > calibration.most_backing),
        ("singing", best.candidate.register == SINGING and SINGING not in calibration.registers),
        ("register", best.mismatch),
        ("several_voices", voices > 1 and voice.spread > calibration.most_spread),
    )
    return tuple(word for word, holds in found if holds)


def _level(best: Candidate, conditions: tuple[str, ...], calibration: Calibration) -> str:
    if best.log10_lr >= calibration.assertion and not conditions:
        return STRONG
    return CANDIDATE if best.log10_lr >= calibration.queue else NO_MATCH
