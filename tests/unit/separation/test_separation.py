"""Separation: reconstruction whatever the pieces, both forms of model, rates, memory, the share of the voice."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onnx_files import mask_folder, waveform_folder
from rightscan.errors import PermanentError, UsageError
from rightscan.models import Model
from rightscan.models.card import read_card
from rightscan.separation import Form, Stems, VocalShare, resample, separate, separate_whole
from rightscan.separation.overlap import overlap_add, rising

RATE = 8000


def model_of(folder: Path) -> Model:
    return Model(read_card(folder), folder)


def noise(count: int, seed: int = 1) -> np.ndarray:
    return (0.3 * np.random.default_rng(seed).standard_normal((count, 2))).astype(np.float32)


def cut(sound: np.ndarray, sizes: list[int]) -> Iterator[np.ndarray]:
    at, turn = 0, 0
    while at < len(sound):
        size = sizes[turn % len(sizes)]
        yield sound[at : at + size]
        at, turn = at + size, turn + 1


def together(pieces: list[Stems]) -> tuple[np.ndarray, np.ndarray]:
    assert [p.start for p in pieces] == np.cumsum([0] + [len(p.vocal) for p in pieces])[:-1].tolist()
    return tuple(np.concatenate([getattr(p, name) for p in pieces]) for name in ("vocal", "instrumental"))


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> dict[str, Model]:
    """Separators that take all of the sound for voice, one of each kind."""
    folder = tmp_path_factory.mktemp("separators")
    return {
        "mask": model_of(mask_folder(folder / "a", 1.0)),
        "mask, hop a quarter": model_of(mask_folder(folder / "b", 1.0, window=1024, hop=256, bins=500)),
        "mask, fixed length": model_of(mask_folder(folder / "c", 1.0, frames=36)),
        "waveform": model_of(waveform_folder(folder / "d", 1.0)),
        "waveform, fixed length": model_of(waveform_folder(folder / "e", 1.0, samples=9000)),
    }


# ---- reconstruction ----------------------------------------------------------------------------------------
@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(
        ["mask", "mask, hop a quarter", "mask, fixed length", "waveform", "waveform, fixed length"]
    ),
    count=st.integers(1, 5 * RATE),
    sizes=st.lists(st.integers(1, 2 * RATE), min_size=1, max_size=4),
    seed=st.integers(0, 99),
)
def test_an_identity_gives_the_sound_back_whatever_the_pieces(everything, kind, count, sizes, seed):
    sound = noise(count, seed)
    sizes = [max(size, count // 40 + 1) for size in sizes]
    vocal, instrumental = together(list(separate(cut(sound, sizes), everything[kind], RATE)))
    assert vocal.shape == sound.shape
    assert vocal.dtype == np.float32
    np.testing.assert_allclose(vocal, sound, atol=1e-5)
    np.testing.assert_allclose(instrumental, 0, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 6000),
    chunk=st.integers(20, 900),
    share=st.floats(0.01, 0.5),
    sizes=st.lists(st.integers(1, 2000), min_size=1, max_size=3),
)
def test_overlaps_weigh_one_whatever_their_length(count, chunk, share, sizes):
    sound = noise(count)
    overlap = max(1, int(share * chunk))
    pairs = list(overlap_add(cut(sound, sizes), np.copy, chunk, overlap))
    np.testing.assert_array_equal(np.concatenate([mix for mix, _ in pairs]), sound)
    np.testing.assert_allclose(np.concatenate([worked for _, worked in pairs]), sound, atol=1e-6)
    assert all(len(mix) == chunk - overlap for mix, _ in pairs[:-1])
    np.testing.assert_allclose(rising(overlap) + rising(overlap)[::-1], 1, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 3 * RATE), gain=st.floats(0, 1), size=st.integers(500, 9000))
def test_the_stems_sum_to_the_mix_and_blocks_do_not_matter(tmp_path_factory, count, gain, size):
    model = model_of(mask_folder(tmp_path_factory.mktemp("half") / "m", gain))
    sound = noise(count)
    vocal, instrumental = together(list(separate(cut(sound, [size]), model, RATE)))
    np.testing.assert_allclose(vocal + instrumental, sound, rtol=0, atol=np.finfo(np.float32).eps)
    whole = separate_whole(sound, model, RATE)
    np.testing.assert_array_equal(whole.vocal, vocal)
    np.testing.assert_allclose(vocal, np.float32(gain) * sound, atol=1e-5)


def test_nothing_gives_nothing(everything):
    empty = np.zeros((0, 2), np.float32)
    assert list(separate([], everything["mask"], RATE)) == []
    assert separate_whole(empty, everything["mask"], RATE).vocal.shape == (0, 2)


def test_above_its_band_a_mask_is_held_or_zero(tmp_path):
    times = np.arange(2 * RATE) / RATE
    sound = np.sin(2 * np.pi * 3500 * times).astype(np.float32)[:, None].repeat(2, 1)  # bins end at 3,125 Hz
    held = separate_whole(sound, model_of(mask_folder(tmp_path / "a", 1.0)), RATE)
    np.testing.assert_allclose(held.vocal, sound, atol=1e-5)
    zero = separate_whole(sound, model_of(mask_folder(tmp_path / "b", 1.0, beyond="zero")), RATE)
    assert np.abs(zero.vocal[200:-200]).max() < 0.01


def test_a_mask_beyond_one_is_cut_off(tmp_path):
    sound = noise(RATE)
    loud = separate_whole(sound, model_of(mask_folder(tmp_path / "a", 3.0)), RATE)
    np.testing.assert_allclose(loud.vocal, sound, atol=1e-5)


def test_one_channel_in_is_both_channels_out(tmp_path):
    sound = noise(RATE)
    stems = separate_whole(sound, model_of(waveform_folder(tmp_path / "a", 1.0, channels=1)), RATE)
    np.testing.assert_allclose(stems.vocal, sound.mean(1, keepdims=True).repeat(2, 1), atol=1e-6)


# ---- rates -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rate", [44100, 16000, 11025, 8000])
def test_sound_of_another_rate_comes_back_at_its_own(everything, rate):
    times = np.arange(round(3.7 * rate)) / rate
    tones = (
        sum(np.sin(2 * np.pi * f * times + f) for f in (110.0, 997.0, 2800.0)) * np.hanning(len(times)) / 4
    )
    sound = np.stack([tones, -0.5 * tones], 1).astype(np.float32)
    vocal, _ = together(list(separate(cut(sound, [rate // 3]), everything["mask"], rate)))
    assert vocal.shape == sound.shape
    # At the seams the pieces end sharply, which the narrower band cannot carry; there they weigh next to nothing.
    assert np.sqrt(np.mean((vocal - sound) ** 2)) < 1e-3 * np.sqrt(np.mean(sound**2))


@settings(max_examples=40, deadline=None)
@given(
    rates=st.tuples(*[st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000])] * 2),
    count=st.integers(1, 9000),
)
def test_resampling_keeps_length_and_place(rates, count):
    rate, wanted = rates
    sound = np.ones((count, 1), np.float32) * np.hanning(count + 2)[1:-1, None].astype(np.float32)
    out = resample(sound, rate, wanted)
    assert out.shape == (-(-count * wanted // rate), 1)
    assert out.dtype == np.float32
    if count > 2000:
        there = np.interp(np.arange(len(out)) / wanted, np.arange(count) / rate, sound[:, 0])
        np.testing.assert_allclose(out[:, 0], there, atol=2e-3)


def test_resampling_removes_what_the_lower_rate_cannot_carry():
    times = np.arange(44100) / 44100
    high = (np.sin(2 * np.pi * 9000 * times) * np.hanning(44100)).astype(np.float32)[:, None]
    assert np.abs(resample(high, 44100, 16000)).max() < 1e-3
    low = (np.sin(2 * np.pi * 7000 * times) * np.hanning(44100)).astype(np.float32)[:, None]
    np.testing.assert_allclose(resample(resample(low, 44100, 16000), 16000, 44100), low, atol=2e-4)


# ---- bounds ------------------------------------------------------------------------------------------------
def test_memory_does_not_grow_with_the_sound(everything):
    model = everything["mask"]
    block = noise(RATE)
    for _ in separate([block] * 3, model, RATE):
        pass

    def most(seconds: int) -> int:
        tracemalloc.start()
        for _ in separate((block for _ in range(seconds)), model, RATE):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert most(120) < 1.2 * most(10)


@pytest.mark.parametrize("block", [np.zeros(9, np.float32), np.zeros((9, 1), np.float32), np.zeros((9, 2))])
def test_blocks_of_another_shape_are_refused(everything, block):
    with pytest.raises(UsageError) as caught:
        list(separate([block], everything["mask"], RATE))
    assert caught.value.code == "wrong_shape"


def test_a_model_that_gives_no_numbers_is_refused(tmp_path):
    with pytest.raises(PermanentError) as caught:
        separate_whole(noise(RATE), model_of(mask_folder(tmp_path / "a", float("nan"))), RATE)
    assert caught.value.code == "bad_model"


# ---- cards -------------------------------------------------------------------------------------------------
def edited(folder: Path, **changes) -> Path:
    path = folder / "card.json"
    card = json.loads(path.read_text("utf-8"))
    card["inputs"] = {k: v for k, v in (card["inputs"] | changes).items() if v is not ...}
    path.write_text(json.dumps(card), "utf-8")
    return folder


@pytest.mark.parametrize(
    "change",
    [
        {"form": "image"},
        {"form": ...},
        {"chunk_s": 0.3},
        {"chunk_s": 61},
        {"overlap_s": 0.01},
        {"hop": 100},
        {"hop": 512},
        {"hop": ...},
        {"window": 256, "hop": 128},
        {"frames_multiple": 0},
        {"beyond": "guess"},
        {"more": 1},
        {"arrays": [{"name": "magnitude", "dtype": "float32", "shape": [1, 1, "frames"]}]},
        {"arrays": [{"name": "magnitude", "dtype": "float32", "shape": [1, 3, "frames", 200]}]},
        {"arrays": [{"name": "magnitude", "dtype": "float32", "shape": [1, 1, "frames", "bins"]}]},
        {"arrays": [{"name": "magnitude", "dtype": "float32", "shape": [1, 1, 8, 200]}]},
        {"arrays": [{"name": "magnitude", "dtype": "float64", "shape": [1, 1, "frames", 200]}]},
    ],
    ids=str,
)
def test_a_form_that_does_not_hold_is_refused(tmp_path, change):
    folder = edited(mask_folder(tmp_path / "a", 1.0), **change)
    with pytest.raises(PermanentError) as caught:
        Form.of(read_card(folder))
    assert caught.value.code == "bad_model_card"


def test_a_fixed_length_must_fit_the_pieces(tmp_path):
    with pytest.raises(PermanentError) as caught:
        Form.of(read_card(mask_folder(tmp_path / "a", 1.0, frames=30)))
    assert caught.value.code == "bad_model_card"
    with pytest.raises(PermanentError):
        Form.of(read_card(waveform_folder(tmp_path / "b", 1.0, samples=7999)))


# ---- the share of the voice --------------------------------------------------------------------------------
def test_the_share_is_told_by_the_second():
    share = VocalShare(RATE)
    loud, quiet = noise(RATE), noise(RATE, 2) * np.float32(0.1)
    silent = np.zeros((RATE, 2), np.float32)
    vocal, backing = (
        np.concatenate([loud, quiet, silent, loud, silent]),
        np.concatenate([quiet, loud, silent, silent, loud]),
    )
    for start, stop in ((0, 3000), (3000, 20001), (20001, 5 * RATE)):
        share.add(Stems(start, vocal[start:stop], backing[start:stop]))
    share.add(Stems(5 * RATE, silent[:0], silent[:0]))
    seconds = share.per_second_db
    np.testing.assert_allclose(seconds[[0, 1, 3, 4]], [20, -20, 60, -60], atol=0.3)
    assert np.isnan(seconds[2])
    assert share.whole_db == pytest.approx(0, abs=0.1)
    assert np.isnan(VocalShare(RATE).whole_db)
