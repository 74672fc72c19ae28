"""What may be enrolled, and what a template is made of."""

from __future__ import annotations

import numpy as np
import pytest

import speakers
from rightscan.errors import PermanentError
from rightscan.likeness import enrolment_problems, template_of

SIZE = 16


def person(seed: int, count: int = 4, noise: float = 0.15) -> np.ndarray:
    """Embeddings of one voice: float32[count, SIZE]."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal(SIZE) + noise * rng.standard_normal((count, SIZE))


def good() -> list:
    return [speakers.voice_print(person(1)), speakers.voice_print(person(1))]


def test_two_clean_recordings_of_one_voice_are_enrolled():
    assert enrolment_problems(good()) == ()


@pytest.mark.parametrize(
    ("prints", "code"),
    [
        ([speakers.voice_print(person(1, 8))], "too_few_recordings"),
        ([speakers.voice_print(person(1, 2)), speakers.voice_print(person(1, 2))], "voice_too_short"),
        ([*good(), speakers.voice_print(person(1, 1), voiced_s=0.8)], "voice_too_short"),
        ([*good(), speakers.voice_print(person(1), snr_db=6.0)], "voice_too_noisy"),
        ([*good(), speakers.voice_print(person(1), spread=0.6)], "several_voices"),
        ([*good(), speakers.voice_print(-person(1))], "several_voices"),
        ([*good(), speakers.voice_print(person(1), backing=0.8)], "music_in_enrolment"),
    ],
)
def test_what_is_wrong_has_a_code(prints, code):
    assert enrolment_problems(prints) == (code,)


def test_everything_wrong_is_said_in_one_order():
    nothing = speakers.voice_print(person(1, 1), voiced_s=1.0, snr_db=3.0, spread=0.9, backing=0.9)
    assert enrolment_problems([nothing]) == (
        "too_few_recordings",
        "voice_too_short",
        "voice_too_noisy",
        "several_voices",
        "music_in_enrolment",
    )
    assert enrolment_problems([]) == ("too_few_recordings", "voice_too_short")


def test_speech_and_song_of_one_person_may_differ():
    sung = speakers.voice_print(person(9), register="singing")
    assert enrolment_problems([*good(), sung]) == ()


def test_every_recording_counts_the_same_in_a_template():
    long, short = person(1, 12, 0.0), person(2, 2, 0.0)
    template = template_of([speakers.voice_print(long), speakers.voice_print(short)], "speaking")
    wanted = long[0] / np.linalg.norm(long[0]) + short[0] / np.linalg.norm(short[0])
    assert np.allclose(template.embedding, wanted / np.linalg.norm(wanted), atol=1e-5)
    assert (template.recordings, template.register, template.model) == (2, "speaking", "tiny-voices@1")
    assert template.voiced_s == pytest.approx(56.0)


def test_a_template_needs_a_voice_in_its_register_and_one_encoder():
    with pytest.raises(PermanentError) as error:
        template_of(good(), "singing")
    assert error.value.code == "voice_too_short"
    with pytest.raises(PermanentError) as error:
        template_of([*good(), speakers.voice_print(person(1), model="other@1")], "speaking")
    assert error.value.code == "model_mismatch"
