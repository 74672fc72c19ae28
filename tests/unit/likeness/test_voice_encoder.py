"""The shipped encoder: it is as its card says, and tells people apart whom it never met."""

from __future__ import annotations

import functools

import numpy as np
import pytest

import speakers as made
from rightscan.likeness import (
    Calibration,
    Cohort,
    Encoder,
    Listener,
    VoicePrint,
    compare,
    enrolment_problems,
    template_of,
)
from rightscan.models import Registry


@functools.cache
def encoder() -> Encoder:
    return Encoder.load()


def heard(sound: np.ndarray) -> VoicePrint:
    listener = Listener(encoder())
    listener.add(sound)
    return listener.finish()


def test_it_runs_as_its_card_says_and_judges_nothing():
    encoder().model.prepare()
    calibration = Calibration.of(encoder().model.card)
    assert encoder().name.startswith("voice-encoder@")
    assert (encoder().dimensions, calibration.registers) == (128, ("speaking",))
    assert Cohort.load(encoder()).embeddings.shape[1] == 128
    assert "voice-encoder" not in Registry.open().models
    assert calibration.trials >= 50


def test_its_cohort_and_training_are_of_clear_licence():
    sources = encoder().model.card.training_data.sources
    assert all(one.licence.startswith(("CC0", "CC BY ", "public domain", "own ")) for one in sources)


def test_loudness_hardly_moves_an_embedding_and_the_same_sound_gives_the_same_bits():
    voice = made.glottal(130.0, 6.0, (600.0, 1_400.0, 2_600.0))
    loud, quiet, again = heard(voice), heard(0.1 * voice), heard(voice)
    assert np.array_equal(loud.embeddings(), again.embeddings())
    assert (loud.embeddings() * quiet.embeddings()).sum(axis=1).min() > 0.99


def test_made_voices_and_song_are_outside_what_it_is_validated_on():
    notes = [220.0, 262.0, 247.0, 196.0]
    sung = [heard(made.held(notes, 12.0, (600.0, 1_400.0, 2_600.0))) for _ in range(2)]
    template = template_of(sung, "singing")
    found = compare(sung[0], {"p": [template]}, Cohort.load(encoder()), Calibration.of(encoder().model.card))
    assert "singing" in found.conditions
    assert found.level in ("candidate", "no_match")


@pytest.mark.media
def test_unseen_readers_are_enrolled_and_found_again(media_folder):
    from bench.likeness.material import speech

    wanted = ("librispeech-1688", "librispeech-2033", "librispeech-3080", "librispeech-367")
    recordings = [one for one in speech(media_folder, "report") if one.person in wanted]
    prints = {name: [heard(one.sound) for one in recordings if one.person == name] for name in wanted}
    templates = {}
    for name, own in prints.items():
        long = [one for one in own[:-2] if one.voiced_s >= 3.0]
        assert "music_in_enrolment" not in enrolment_problems(long)
        templates[name] = [template_of(long, "speaking")]
    cohort, calibration = Cohort.load(encoder()), Calibration.of(encoder().model.card)
    right = 0
    for name, own in prints.items():
        for one in own[-2:]:
            found = compare(one, templates, cohort, calibration)
            assert found.best is not None
            assert len(found.alternatives) == 3
            right += found.best.pseudonym == name
    assert right >= 6  # of eight
