"""A file is heard block by block: where there is voice, whether it speaks or sings, however the blocks come."""

from __future__ import annotations

import numpy as np
import pytest

import speakers
from rightscan.likeness import Listener
from rightscan.likeness.activity import activity
from rightscan.likeness.pieces import Pieces
from rightscan.likeness.register import held_share, register_of

FORMANTS = (600.0, 1_400.0, 2_600.0)


def at_16k(sound: np.ndarray) -> np.ndarray:
    pieces = Pieces()
    return np.concatenate([*pieces.add(sound.astype(np.float32)), pieces.rest()])


def test_the_rate_is_changed_without_a_seam():
    t = np.arange(65 * speakers.RATE) / speakers.RATE
    tone = np.sin(2 * np.pi * 440 * t).astype(np.float32)
    found = at_16k(tone)
    wanted = np.sin(2 * np.pi * 440 * np.arange(found.size) / 16_000)
    assert abs(found.size - 65 * 16_000) <= 2
    assert np.abs(found - wanted)[800:-800].max() < 1e-3


def test_blocks_of_any_size_give_the_same_sound():
    sound = speakers.glottal(140.0, 31.5, FORMANTS)
    whole, pieces, found = at_16k(sound), Pieces(), []
    for at in range(0, sound.size, 10_007):
        block = sound[at : at + 10_007]
        found.extend(pieces.add(np.stack([block, block], axis=1)))
    assert np.allclose(np.concatenate([*found, pieces.rest()]), whole, atol=1e-6)


def test_pauses_are_found_and_the_pitch():
    sound = at_16k(speakers.held([220.0, 247.0, 262.0], 6.0, FORMANTS))
    silent = np.zeros(3 * 16_000, np.float32)
    found = activity(np.concatenate([silent, sound, silent]))
    assert found.voiced_s == pytest.approx(5.4, abs=0.7)
    assert not found.active[:280].any()
    assert np.median(found.pitch_hz[found.voiced]) == pytest.approx(247.0, rel=0.03)
    assert found.snr_db > 30
    assert found.backing < 0.1


def test_silence_and_a_moment_hold_no_voice():
    assert activity(np.zeros(100, np.float32)).voiced_s == 0
    assert activity(np.zeros(32_000, np.float32)).voiced_s == 0
    assert activity(np.zeros(32_000, np.float32)).bandwidth_hz == 0


def test_music_in_the_pauses_is_heard():
    voice = at_16k(speakers.glottal(130.0, 10.0, FORMANTS))
    t = np.arange(voice.size) / 16_000
    chord = sum(np.sin(2 * np.pi * f * t) for f in (262.0, 330.0, 392.0)).astype(np.float32)
    level = np.float32(np.sqrt(np.mean(voice**2) / np.mean(chord**2)) / 2)
    assert activity(voice + level * chord).backing > 0.5
    assert activity(voice).backing < 0.1


def test_held_notes_are_song_and_gliding_pitch_is_speech():
    sung = activity(at_16k(speakers.held([220.0, 262.0, 247.0, 196.0], 6.0, FORMANTS)))
    spoken = activity(at_16k(speakers.glottal(150.0, 6.0, FORMANTS)))
    assert held_share(sung.pitch_hz) > 0.6
    assert held_share(spoken.pitch_hz) < 0.3
    assert (register_of(sung.pitch_hz), register_of(spoken.pitch_hz)) == ("singing", "speaking")
    assert held_share(np.zeros(500, np.float32)) == 0


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return speakers.opened(speakers.ge2e_like(tmp_path_factory.mktemp("encoder")))


def test_a_print_has_windows_with_times_registers_and_unit_vectors(encoder):
    listener = Listener(encoder)
    speech, song = (
        speakers.glottal(140.0, 10.0, FORMANTS),
        speakers.held([220.0, 262.0, 196.0], 8.0, FORMANTS),
    )
    whole = np.concatenate([speech, np.zeros(speakers.RATE, np.float32), song])
    for at in range(0, whole.size, 44_100):
        listener.add(whole[at : at + 44_100, None])
    found = listener.finish()
    assert found.model == "tiny-voices@1"
    assert found.voiced_s == pytest.approx(13.5, abs=2.5)
    assert all(one.start_s < one.end_s <= 19.1 for one in found.segments)
    assert np.allclose(np.linalg.norm(found.embeddings(), axis=1), 1, atol=1e-5)
    assert found.segments[0].register == "speaking"
    assert found.segments[-1].register == "singing"
    assert found.seconds("speaking") + found.seconds("singing") == pytest.approx(found.voiced_s)
    assert 0 < found.spread < 1


def test_two_voices_spread_more_than_one(encoder):
    def spread(parts: list[np.ndarray]) -> float:
        listener = Listener(encoder)
        listener.add(np.concatenate(parts))
        return listener.finish().spread

    one = speakers.glottal(120.0, 12.0, FORMANTS)
    two = speakers.glottal(230.0, 12.0, (900.0, 2_200.0, 3_600.0), seed=2)
    assert spread([one[: one.size // 2], two[: two.size // 2]]) > 1.5 * max(spread([one]), spread([two]))


def test_what_comes_after_the_most_segments_is_not_listened_to(encoder):
    listener = Listener(encoder, most=3)
    listener.add(speakers.glottal(140.0, 40.0, FORMANTS))
    assert len(listener.finish().segments) == 3


def test_nothing_heard_is_a_print_without_segments(encoder):
    listener = Listener(encoder)
    empty = listener.finish()
    assert (empty.segments, empty.voiced_s, empty.spread) == ((), 0.0, 0.0)
    listener = Listener(encoder)
    listener.add(np.zeros((44_100 * 3, 2), np.float32))
    assert listener.finish().segments == ()
