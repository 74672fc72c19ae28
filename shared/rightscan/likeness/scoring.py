"""From embeddings to a score, and from a score to a likelihood ratio.

The score is a cosine around the mean of a background cohort, normalised on both sides by those of the cohort that
lie nearest (adaptive symmetric score normalisation, Matejka et al. 2017): how many standard deviations closer a voice
lies to a template than to the likeliest strangers. A straight line, fitted by logistic regression on people the
encoder never met (Brümmer and du Preez 2006), makes it a log10 likelihood ratio of

- "the voice is that of the person of the template" to
- "the voice is that of somebody else, of those the cohort is like".

It is stated no farther from 1 than the number of people behind the line.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.likeness.encoder import Encoder
from rightscan.models import ModelCard
from rightscan.npz import pack, unpack

Float = NDArray[np.float32]

NEAREST = 40
"""Of the cohort, on either side."""

_LEAST_DEVIATION = 0.02


@dataclass(frozen=True)
class Cohort:
    """Voices of people who are nobody's templates; ``embeddings`` float32[n, d], one of each person."""

    embeddings: Float

    @classmethod
    def load(cls, encoder: Encoder) -> Cohort:
        """Read the cohort beside an encoder's card.

        Raises:
            PermanentError: ``bad_model_card`` where the card names none, ``model_file_missing``,
                ``model_hash_mismatch``; ``bad_model`` where its vectors are not the encoder's.
        """
        card = encoder.model.card
        name, digest = (
            str((card.calibration or {}).get(key, "")) for key in ("cohort_file", "cohort_sha256")
        )
        if not name or "/" in name or "\\" in name:
            raise PermanentError(
                "bad_model_card",
                f"model {card.name}: calibration names no cohort file beside the card",
                "An encoder needs a cohort before it may compare anybody (docs/likeness.md).",
            )
        try:
            data = (encoder.folder / name).read_bytes()
        except OSError as error:
            raise PermanentError(
                "model_file_missing",
                f"{encoder.folder / name} cannot be read ({error.strerror})",
                "Put the file beside its card, or take the model out.",
            ) from error
        found = hashlib.sha256(data).hexdigest()
        if found != digest:
            raise PermanentError(
                "model_hash_mismatch",
                f"{encoder.folder / name} has the SHA-256 {found}, its card says {digest}",
                "Fetch the model again from where it came from; a changed cohort needs a card of its own.",
            )
        rows = unpack(data).get("embeddings", np.zeros((0, 0)))
        if rows.ndim != 2 or rows.shape[1] != encoder.dimensions or len(rows) < 2:
            raise PermanentError(
                "bad_model",
                f"model {card.name}: its cohort holds no vectors of {encoder.dimensions} dimensions",
                "Make the cohort with the encoder it lies beside (docs/likeness.md).",
            )
        return cls(np.asarray(rows, np.float32))

    @cached_property
    def centre(self) -> Float:
        """Mean of the cohort, float32[d]: what all voices have in common says nothing."""
        return np.asarray(self.embeddings.mean(axis=0), np.float32)

    @cached_property
    def _directions(self) -> Float:
        return self.directed(self.embeddings)

    def directed(self, embeddings: Float) -> Float:
        """Embeddings around the centre, brought to unit length: float32[n, d] -> float32[n, d]."""
        moved = embeddings - self.centre
        return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9), np.float32)

    def scores(self, queries: Float, templates: Float) -> Float:
        """Normalised scores: float32[q, d] and float32[t, d] -> float32[q, t]."""
        left, right = self.directed(queries), self.directed(templates)
        raw = left @ right.T
        centre_q, width_q = self._nearest(left)
        centre_t, width_t = self._nearest(right)
        by_query = (raw - centre_q[:, None]) / width_q[:, None]
        by_template = (raw - centre_t[None, :]) / width_t[None, :]
        return np.asarray((by_query + by_template) / 2, np.float32)

    def _nearest(self, directions: Float) -> tuple[Float, Float]:
        """Mean and standard deviation of the cosines to the nearest of the cohort, float32[n] each."""
        cosines = directions @ self._directions.T
        count = min(NEAREST, cosines.shape[1])
        top = np.partition(cosines, cosines.shape[1] - count, axis=1)[:, -count:]
        return top.mean(axis=1), np.maximum(top.std(axis=1), _LEAST_DEVIATION)


def pack_cohort(embeddings: Float) -> bytes:
    """The bytes of a cohort file: float32[n, d] -> npz; the same vectors give the same bytes."""
    return pack({"embeddings": np.asarray(embeddings, np.float32)})


@dataclass(frozen=True)
class Calibration:
    """What a normalised score is worth.

    Attributes:
        seconds: of voice, rising, where a line was fitted; between them the lines are mixed, beyond them held.
        offsets: log10 LR at score 0.
        slopes: log10 LR for each unit of the score.
        trials: people behind the lines; no ratio is stated beyond so many to one.
        queue: log10 LR from which a person looks at it.
        assertion: log10 LR from which a reviewer may confirm.
        same_voice: cosine around the centre from which two windows are taken for one voice.
        most_spread: spread from which a recording is taken to hold several voices.
        min_voiced_s: shortest voice that was validated.
        min_bandwidth_hz: narrowest band.
        min_snr_db: loudest noise.
        most_backing: most of other sound with a pitch.
        registers: validated.
    """

    seconds: tuple[float, ...]
    offsets: tuple[float, ...]
    slopes: tuple[float, ...]
    trials: int
    queue: float
    assertion: float
    same_voice: float
    most_spread: float
    min_voiced_s: float
    min_bandwidth_hz: float
    min_snr_db: float
    most_backing: float
    registers: tuple[str, ...]

    @classmethod
    def of(cls, card: ModelCard) -> Calibration:
        """Read it from the card of an encoder.

        Raises:
            PermanentError: ``bad_model_card`` where a figure is missing or of another type.
        """
        given, conditions = dict(card.calibration or {}), card.validated_conditions
        try:
            made = cls(
                seconds=_numbers(given["seconds"]),
                offsets=_numbers(given["offsets"]),
                slopes=_numbers(given["slopes"]),
                trials=int(given["trials"]),
                queue=_number(card.thresholds.queue),
                assertion=_number(card.thresholds.assertion),
                same_voice=_number(given["same_voice_cosine"]),
                most_spread=_number(given["most_spread"]),
                min_voiced_s=_number(conditions["min_voiced_s"]),
                min_bandwidth_hz=_number(conditions["min_bandwidth_hz"]),
                min_snr_db=_number(conditions["min_snr_db"]),
                most_backing=_number(conditions["most_backing"]),
                registers=tuple(str(word) for word in conditions["registers"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise _uncalibrated(card, f"{error}") from error
        same = len(made.seconds) == len(made.offsets) == len(made.slopes) > 0
        if not same or list(made.seconds) != sorted(set(made.seconds)) or min(made.slopes) <= 0:
            raise _uncalibrated(card, "seconds, offsets and slopes do not fit each other")
        return made

    def log10_lr(self, score: float, seconds: float) -> float:
        """The ratio for a score of so many seconds of voice, not capped."""
        offset = float(np.interp(seconds, self.seconds, self.offsets))
        slope = float(np.interp(seconds, self.seconds, self.slopes))
        return offset + slope * score

    def stated(self, log10_lr: float) -> float:
        """A ratio as it may be stated: no farther from 1 than the number of people behind the line."""
        limit = math.log10(self.trials)
        return max(-limit, min(limit, log10_lr))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(_number(value) for value in values)


def _uncalibrated(card: ModelCard, what: str) -> PermanentError:
    return PermanentError(
        "bad_model_card",
        f"model {card.name}: its calibration is not complete ({what})",
        "Enter what docs/likeness.md lists, or take the model out.",
    )
