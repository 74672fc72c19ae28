"""From recordings of one person to templates: what must hold of the recordings, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.likeness.prints import VoicePrint, direction

Float = NDArray[np.float32]

LEAST_RECORDINGS = 2
"""One recording teaches its room and microphone along with the voice."""
LEAST_VOICED_S = 20.0
"""Of all recordings together; templates of the bench have 20 to 60 s."""
LEAST_EACH_S = 3.0
LEAST_SNR_DB = 12.0
MOST_SPREAD = 0.20
"""Of 16 people of the tune half no recording exceeds 0.17; of two of them put together nine in ten exceed 0.18."""
LEAST_AGREEMENT = 0.40
"""Cosine between two recordings of one person: of the same 16 people the halves of a recording agree by 0.48 and more,
and nine strangers in ten by less than 0.41. Both figures are of the shipped encoder."""
LEAST_AGREEMENT_OF_MORE = 0.54
"""Cosine of each of three and more recordings with the direction of the others: of ten people never trained on, 51
recordings agree by 0.55 and more, and nine strangers in ten by less than 0.55 (one of the ten people: 0.55). The
least of all pairs would refuse one person in ten with six recordings: it falls with their number."""
MOST_BACKING = 0.35


@dataclass(frozen=True)
class Template:
    """The voice of a person in one register, as a number of a model.

    Attributes:
        register: ``speaking`` or ``singing``.
        embedding: float32[d] of unit length.
        recordings: that it was made from.
        voiced_s: seconds of voice in them.
        model: name and version of the encoder; comparable with nothing of another.
    """

    register: str
    embedding: Float
    recordings: int
    voiced_s: float
    model: str


def enrolment_problems(prints: Sequence[VoicePrint]) -> tuple[str, ...]:
    """Say why recordings cannot be enrolled.

    Args:
        prints: one of each recording, all said to be of one person.

    Returns:
        Codes, in this order, none twice: ``too_few_recordings``, ``voice_too_short``, ``voice_too_noisy``,
        ``several_voices``, ``music_in_enrolment``. Empty where nothing is wrong.
    """
    heard = [one for one in prints if one.segments]
    found = (
        ("too_few_recordings", len(prints) < LEAST_RECORDINGS),
        ("voice_too_short", _too_short(prints)),
        ("voice_too_noisy", any(one.snr_db < LEAST_SNR_DB for one in heard)),
        ("several_voices", _several(heard)),
        ("music_in_enrolment", any(one.backing > MOST_BACKING for one in heard)),
    )
    return tuple(code for code, holds in found if holds)


def template_of(prints: Sequence[VoicePrint], register: str) -> Template:
    """Make the template of a register: every recording counts the same, whatever its length.

    Raises:
        PermanentError: ``voice_too_short`` where no recording has voice in that register, ``model_mismatch`` where
            the recordings were heard by different encoders.
    """
    models = {one.model for one in prints}
    if len(models) > 1:
        raise PermanentError(
            "model_mismatch",
            f"recordings were heard by different encoders: {', '.join(sorted(models))}",
            "Listen to all recordings again with one encoder.",
        )
    rows = [
        direction(one.embeddings(register))
        for one in prints
        if any(segment.register == register for segment in one.segments)
    ]
    if not rows:
        raise PermanentError(
            "voice_too_short",
            f"no recording has a voice in the register {register}",
            "Send recordings in which the person speaks or sings for some time.",
        )
    voiced = sum(one.seconds(register) for one in prints)
    return Template(register, direction(np.stack(rows)), len(rows), voiced, models.pop())


def _too_short(prints: Sequence[VoicePrint]) -> bool:
    total = sum(one.voiced_s for one in prints)
    return total < LEAST_VOICED_S or any(one.voiced_s < LEAST_EACH_S for one in prints)


def _several(prints: Sequence[VoicePrint]) -> bool:
    """Whether one recording holds several voices, or two recordings of a register hold different ones."""
    if any(one.spread > MOST_SPREAD for one in prints):
        return True
    for register in ("speaking", "singing"):
        rows = [direction(one.embeddings(register)) for one in prints if len(one.embeddings(register))]
        least = LEAST_AGREEMENT if len(rows) == LEAST_RECORDINGS else LEAST_AGREEMENT_OF_MORE
        if len(rows) >= LEAST_RECORDINGS and min(_with_the_others(rows)) < least:
            return True
    return False


def _with_the_others(rows: Sequence[Float]) -> list[float]:
    """Cosine of each recording with the common direction of the others."""
    return [float(row @ direction(np.stack([*rows[:at], *rows[at + 1 :]]))) for at, row in enumerate(rows)]
