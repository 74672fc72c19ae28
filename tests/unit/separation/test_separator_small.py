"""The shipped separator: it separates what it never heard, costs what is said, and runs as it was trained."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from bench.synth import speech_like, stems

from rightscan.engines import EngineSettings
from rightscan.models import SHIPPED, Model, Registry
from rightscan.models.card import read_card
from rightscan.separation import Form, VocalShare, separate, separate_whole

NAME = "separator-small"
RATE = 44100


@functools.cache
def model() -> Model:
    found = Registry.of(EngineSettings(separator=NAME)).separator
    assert found is not None
    return found


@functools.cache
def piece() -> tuple[np.ndarray, np.ndarray]:
    """Talk over a piece of a seed far from those it was trained on, equally loud: voice and backing."""
    parts = stems(31_007, 14.0, style="ballad")
    backing = np.sum([x for name, x in parts.items() if name != "vocals"], axis=0)
    voice = speech_like(77, 14.0, sample_rate=RATE)[: len(backing)].astype(np.float32)
    voice = np.pad(voice, ((0, len(backing) - len(voice)), (0, 0)))
    return voice * np.float32(np.sqrt(np.mean(backing**2) / np.mean(voice**2))), backing


def si_sdr(estimate: np.ndarray, truth: np.ndarray) -> float:
    scaled = truth * (np.vdot(estimate, truth) / np.vdot(truth, truth))
    return float(10 * np.log10(np.sum(scaled**2) / np.sum((estimate - scaled) ** 2)))


def test_it_is_off_unless_it_is_named():
    assert Registry.open().separator is None
    assert NAME not in Registry.open().models


def test_it_takes_the_voice_from_a_piece_it_never_heard():
    voice, backing = piece()
    mix = voice + backing
    found = separate_whole(mix, model(), RATE)
    assert si_sdr(found.vocal, voice) > si_sdr(mix, voice) + 3
    assert si_sdr(found.instrumental, backing) > si_sdr(mix, backing) + 3


def test_singing_in_its_own_hall_is_separated_too():
    parts = stems(31_008, 14.0, style="pop")
    voice, backing = parts["vocals"], np.sum([x for name, x in parts.items() if name != "vocals"], axis=0)
    found = separate_whole(voice + backing, model(), RATE)
    assert si_sdr(found.vocal, voice) > si_sdr(voice + backing, voice) + 1
    assert si_sdr(found.instrumental, backing) > si_sdr(voice + backing, backing) + 1


def test_the_share_of_the_voice_tells_voice_from_backing():
    shares = []
    for sound in piece():
        share = VocalShare(RATE)
        for part in separate([sound], model(), RATE):
            share.add(part)
        shares.append(share.whole_db)
    assert shares[0] > 5
    assert shares[1] < -5


def test_level_does_not_matter_much():
    voice, backing = piece()
    mix = voice + backing
    loud = separate_whole(mix, model(), RATE).vocal
    quiet = separate_whole(mix * np.float32(0.1), model(), RATE).vocal * np.float32(10)
    assert si_sdr(quiet, loud) > 20


def test_it_is_small_and_within_its_form():
    folder = SHIPPED / NAME
    assert (folder / "model.onnx").stat().st_size < 2_000_000
    form = Form.of(read_card(folder))
    assert (form.masks, form.sample_rate, form.channels) == (True, RATE, 2)


def test_it_is_trained_on_what_it_is_run_on():
    torch = pytest.importorskip("torch")
    from training.separation.network import FORM, spectra

    from rightscan.separation.separate import _transform

    form = Form.of(read_card(SHIPPED / NAME))
    assert (form.window, form.hop, form.bins) == (FORM["window"], FORM["hop"], 352)
    sound = np.random.default_rng(1).standard_normal((form.hop * 9, 2)).astype(np.float32)
    window = np.sin(np.pi * (np.arange(form.window) + 0.5) / form.window).astype(np.float32)
    inside = _transform(sound, form, window)[1:-1, :, : form.bins]
    pair = np.stack([inside[:, 0] + inside[:, 1], inside[:, 0] - inside[:, 1]]) / (2 * window.sum())
    _, trained = spectra(torch.from_numpy(sound.T[None].copy()))
    np.testing.assert_allclose(np.abs(pair), trained[0].numpy(), atol=1e-6)
