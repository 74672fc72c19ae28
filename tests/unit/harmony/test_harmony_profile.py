"""Pitch classes of known sound: notes, tuning, blocks, silence, and what is stored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.errors import PermanentError
from rightscan.harmony import FRAMES_PER_SECOND, SAMPLE_RATE, Harmony, Listener, harmony_of
from rightscan.harmony.summary import LENGTH, at_tempo, likeness, summary_of


def tone(midi: float, seconds: float = 4.0, overtones: int = 4) -> np.ndarray:
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    hertz = 440 * 2 ** ((midi - 69) / 12)
    return sum(np.sin(2 * np.pi * hertz * k * t) / k for k in range(1, overtones + 1)).astype(np.float32)


def melody(notes: list[float]) -> np.ndarray:
    return np.concatenate([tone(note, 1.0) for note in notes])


@pytest.mark.parametrize("midi", [45, 57, 60, 69, 73, 80])
def test_a_note_is_its_pitch_class(midi: int) -> None:
    profile = harmony_of(tone(midi)).profile
    assert set(profile[2:-2].argmax(1)) == {(midi - 69) % 12}


@pytest.mark.parametrize("cents", [-40, -20, 0, 15, 35])
def test_the_tuning_is_measured_and_taken_out(cents: int) -> None:
    detuned = harmony_of(melody([57 + cents / 100, 64 + cents / 100, 61 + cents / 100]))
    assert detuned.tuning == pytest.approx(cents / 100, abs=0.06)
    plain = harmony_of(melody([57, 64, 61]))
    assert (detuned.profile[1:-1].argmax(1) == plain.profile[1:-1].argmax(1)).mean() > 0.9


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 40_000), max_size=8), st.integers(0, 3))
def test_blocks_make_no_difference(cuts: list[int], seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal(60_000).astype(np.float32)
    listener = Listener()
    for part in np.split(x, sorted(set(c for c in np.cumsum(cuts) if c < len(x)))):
        listener.add(part)
    found, whole = listener.finish(), harmony_of(x)
    assert np.array_equal(found.profile, whole.profile)
    assert found.tuning == pytest.approx(whole.tuning, abs=1e-6)


def test_silence_and_nothing_have_no_pitch() -> None:
    sound = np.concatenate((tone(60, 4.0), np.zeros(4 * SAMPLE_RATE, np.float32)))
    profile = harmony_of(sound).profile
    assert profile[:6].any(axis=1).all()
    assert not profile[12:].any()
    assert len(harmony_of(np.zeros(0, np.float32)).profile) == 0
    assert not harmony_of(np.zeros(SAMPLE_RATE, np.float32)).profile.any()


def test_a_minute_takes_no_more_than_1500_bytes() -> None:
    profile = harmony_of(tone(60, 60.0)).profile
    assert profile.nbytes <= 1500
    assert len(profile) == pytest.approx(60 * FRAMES_PER_SECOND, abs=1)


def test_it_comes_back_from_a_file_and_another_pipeline_does_not() -> None:
    made = harmony_of(tone(60))
    arrays = made.to_arrays()
    again = Harmony.from_arrays(arrays)
    assert again is not None
    assert np.array_equal(again.profile, made.profile)
    other = arrays | {"form": np.frombuffer(b"hm0-else", np.uint8)}
    assert Harmony.from_arrays(other) is None
    for broken in ({"form": arrays["form"]}, arrays | {"profile": np.zeros((4, 11), np.uint8)}):
        with pytest.raises(PermanentError) as trouble:
            Harmony.from_arrays(broken)
        assert trouble.value.code == "corrupt_features"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 11), st.integers(20, 200), st.integers(0, 5))
def test_a_summary_is_the_same_in_every_key(rotation: int, frames: int, seed: int) -> None:
    profile = np.random.default_rng(seed).integers(0, 256, (frames, 12), dtype=np.uint8)
    one, other = summary_of(profile), summary_of(np.roll(profile, rotation, axis=1))
    assert one.shape == (LENGTH,)
    assert np.allclose(one.astype(float), other.astype(float), atol=0.02)


def test_a_query_is_most_like_itself_at_another_tempo() -> None:
    rng = np.random.default_rng(1)
    pieces = [np.repeat(rng.integers(0, 256, (40, 12), dtype=np.uint8), 4, axis=0) for _ in range(12)]
    summaries = np.stack([summary_of(piece) for piece in pieces])
    asked = np.roll(at_tempo(pieces[3], 1.15), 5, axis=1)
    assert int(np.argmax(likeness(asked, summaries))) == 3
    assert len(at_tempo(pieces[0][:1], 2.0)) == 1
