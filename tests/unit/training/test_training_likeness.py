"""Whose voices the encoder learns from, and what a step sees of them."""

from __future__ import annotations

import numpy as np
import pytest
from training.likeness.corpus import place, speakers
from training.likeness.drawing import Drawer
from training.likeness.pool import BANDS, Pool, at_speed, build, in_room

RATE = 16_000


@pytest.mark.media
def test_nobody_is_in_two_splits_and_people_with_several_recordings_are_reported_on(media_folder):
    people = speakers(media_folder)
    assert len({person.name for person in people}) == len(people)
    by_split = {split: [p for p in people if p.split == split] for split in ("train", "tune", "report")}
    assert len(by_split["train"]) > 2 * len(by_split["report"]) > 4 * len(by_split["tune"])
    assert all(len(person.recordings) == 1 for split in ("train", "tune") for person in by_split[split])
    licences = {source.licence for person in people for source in person.recordings}
    assert licences == {"CC BY 4.0 (LibriSpeech)"}


def test_a_place_is_decided_by_the_word_alone():
    assert place("librispeech-19") == place("librispeech-19") != place("librispeech-26")
    assert 0 <= place("x") < 1


def sound(seconds: float, seed: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    path = tmp_path_factory.mktemp("pool") / "part.npz"
    build(iter([("#noise", "noise", sound(2.0, 9)), ("a", "clean", sound(3.0, 1))])).save(path)
    other = path.with_name("more.npz")
    build(
        iter([("a", "room", sound(2.5, 2)), ("b", "clean", sound(1.0, 3)), ("a@0.9", "clean", sound(2, 4))])
    ).save(other)
    return Pool.read([path, other])


def test_a_pool_keeps_its_items_apart(pool):
    assert pool.people == ("#noise", "a", "a", "b", "a@0.9")
    assert [len(pool.item(at)) for at in range(5)] == [201, 301, 251, 101, 201]
    assert pool.noise == [0]


def test_a_step_sees_two_stretches_of_each_person_worn_apart(pool):
    drawer = Drawer(pool, np.random.default_rng(1))
    assert drawer.people == ["a", "a@0.9", "b"]
    bands, who = drawer.batch(3, 160)
    assert bands.shape == (6, 160, BANDS)
    assert (who[:3] == who[3:]).all()
    assert sorted(who[:3].tolist()) == [0, 1, 2]
    assert np.isfinite(bands).all()
    assert np.abs(bands.mean(axis=1)).max() < 1e-3
    assert np.abs(bands[:3] - bands[3:]).max() > 0.1
    again = Drawer(pool, np.random.default_rng(1)).batch(3, 160)
    assert np.array_equal(again[0], bands)


def test_speed_moves_pitch_and_length_and_a_room_adds_a_tail():
    t = np.arange(2 * RATE) / RATE
    tone = np.sin(2 * np.pi * 400 * t).astype(np.float32)
    fast = at_speed(tone, 1.25)
    assert fast.size == round(tone.size / 1.25)
    assert np.abs(np.fft.rfft(fast)).argmax() * RATE / fast.size == pytest.approx(500, abs=1)
    click = np.zeros(RATE, np.float32)
    click[0] = 1.0
    room = in_room(click, np.random.default_rng(2))
    assert room[0] == pytest.approx(1.0, abs=1e-3)
    assert np.abs(room[200:1_000]).max() > 1e-4


def test_a_voice_is_varied_and_another_person_made_of_it():
    pytest.importorskip("pyworld", reason="pyworld is installed with the tools of training")
    from training.likeness.voicing import Voice

    import speakers as made

    spoken = made.glottal(120.0, 2.0, (600.0, 1_400.0))[:: made.RATE // RATE or 1][: 2 * RATE].astype(
        np.float32
    )
    voice = Voice.of(spoken, RATE)
    rng = np.random.default_rng(1)
    assert abs(voice.repitched(2.0).size - spoken.size) < 400
    assert voice.sung(rng).size > spoken.size
    assert np.isfinite(voice.somebody(rng, 1.13)).all()
