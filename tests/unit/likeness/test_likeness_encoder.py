"""Encoders come in by card: bands or sound, one window or many; what does not fit is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

import onnx_files
import speakers
from rightscan.errors import PermanentError
from rightscan.likeness import Cohort, Encoder
from rightscan.likeness.features import MelSettings, log_mel
from rightscan.models import Registry

RATE = 16_000


def window(seconds: float = 2.0, seed: int = 1) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))).astype(np.float32)


def test_bands_go_in_as_the_card_says(tmp_path):
    encoder = speakers.opened(speakers.ge2e_like(tmp_path))
    found = encoder.embed([window(seed=1), window(seed=2), window(1.5)])
    wanted = log_mel(window(seed=1), MelSettings(normalisation="none")).mean(axis=0)
    assert found.shape == (3, encoder.dimensions)
    assert np.allclose(found[0], wanted / np.linalg.norm(wanted), atol=1e-5)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert encoder.name == "tiny-voices@1"


def test_a_level_on_the_card_takes_the_loudness_of_a_recording_out(tmp_path):
    encoder = speakers.opened(speakers.ge2e_like(tmp_path, level_db=-26.0))
    loud, quiet = encoder.embed([window(), window() * np.float32(0.01)])
    assert np.allclose(loud, quiet, atol=1e-4)
    assert encoder.embed([]).shape == (0, 64)


def test_an_encoder_may_take_sound_and_one_window_of_a_fixed_length(tmp_path):
    size = 16
    data = onnx_files.model(
        onnx_files.node("Mul", ["sound", "gain"], ["embedding"]),
        onnx_files.constant("gain", np.full(size, 2.0, np.float32)),
        onnx_files.value(11, "sound", "float32", [1, size]),
        onnx_files.value(12, "embedding", "float32", [1, size]),
    )
    inputs = {
        "window_s": 1.0,
        "form": "waveform",
        "arrays": [{"name": "sound", "dtype": "float32", "shape": [1, size]}],
    }
    outputs = {"arrays": [{"name": "embedding", "dtype": "float32", "shape": [1, size]}]}
    encoder = speakers.opened(speakers.write_encoder(tmp_path, data, inputs, size, outputs=outputs))
    sounds = [window(1.0, 1), window(1.0, 2)]
    found = encoder.embed(sounds)
    for row, sound in zip(found, sounds, strict=True):
        assert np.allclose(row, sound[:size] / np.linalg.norm(sound[:size]), atol=1e-5)


def test_bands_may_come_before_frames(tmp_path):
    inputs = {
        "window_s": 1.6,
        "form": "features",
        "layout": "bands_frames",
        "features": speakers.FEATURES | {"normalisation": "none", "scale": "linear", "bands": 40},
        "arrays": [{"name": "bands", "dtype": "float32", "shape": ["windows", 40, "frames"]}],
    }
    data = speakers.means("bands", 2, [40, "frames"], 40)
    encoder = speakers.opened(speakers.write_encoder(tmp_path, data, inputs, 40))
    wanted = log_mel(window(), MelSettings(bands=40, scale="linear")).mean(axis=0)
    assert np.allclose(encoder.embed([window()])[0], wanted / np.linalg.norm(wanted), atol=1e-4)


@pytest.mark.parametrize(
    "changes",
    [
        {"form": "spectrum"},
        {"form": "waveform"},
        {"features": None},
        {"features": {"bands": 40}},
        {"features": {"sample_rate": 8_000, "high_hz": 4_000.0}},
        {"layout": "sideways"},
        {"window_s": None},
        {"window_s": 60.0},
        {"hop_s": 3.0},
        {"level_db": "loud"},
        {"window": 3},
        {"sample_rate": 44_100},
        {"arrays": [{"name": "bands", "dtype": "float32", "shape": ["windows", "frames", 32]}]},
        {"arrays": [{"name": "bands", "dtype": "float32", "shape": [64]}]},
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path, changes):
    folder = speakers.ge2e_like(tmp_path)
    card = json.loads((folder / "card.json").read_text("utf-8"))
    card["inputs"].update(changes)
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    with pytest.raises(PermanentError) as error:
        speakers.opened(folder)
    assert error.value.code == "bad_model_card"


def test_vectors_that_are_none_are_refused(tmp_path):
    data = onnx_files.model(
        onnx_files.node_with("ReduceMean", ["bands"], ["mean"], axes=[1], keepdims=0),
        onnx_files.node("Mul", ["mean", "nothing"], ["embedding"]),
        onnx_files.constant("nothing", np.array(0, np.float32)),
        onnx_files.value(11, "bands", "float32", ["windows", "frames", 64]),
        onnx_files.value(12, "embedding", "float32", ["windows", 64]),
    )
    speakers.ge2e_like(tmp_path)
    inputs = json.loads((tmp_path / "card.json").read_text("utf-8"))["inputs"]
    encoder = speakers.opened(speakers.write_encoder(tmp_path, data, inputs, 64))
    with pytest.raises(PermanentError) as error:
        encoder.embed([window()])
    assert error.value.code == "bad_model"


def test_it_is_opened_by_name_and_judges_nothing(tmp_path):
    speakers.ge2e_like(tmp_path / "tiny-voices")
    empty = tmp_path / "empty"
    empty.mkdir()
    registry = Registry.open([tmp_path / "tiny-voices"], shipped=empty)
    assert registry.models == {}
    assert Encoder.load("tiny-voices", [tmp_path / "tiny-voices"]).dimensions == 64
    for act in (
        lambda: Registry.open([tmp_path / "tiny-voices"], ["tiny-voices"], shipped=empty),
        lambda: Registry.open([tmp_path / "tiny-voices"], separator="tiny-voices", shipped=empty),
        lambda: Encoder.load("voice-synthesis"),
    ):
        with pytest.raises(PermanentError) as error:
            act()
        assert error.value.code == "unknown_model"


def test_the_cohort_is_held_against_its_card(tmp_path):
    folder = speakers.ge2e_like(tmp_path)
    assert Cohort.load(speakers.opened(folder)).embeddings.shape == (60, 64)
    data = (folder / "cohort.npz").read_bytes()
    (folder / "cohort.npz").write_bytes(data + b"x")
    with pytest.raises(PermanentError) as error:
        Cohort.load(speakers.opened(folder))
    assert error.value.code == "model_hash_mismatch"
    (folder / "cohort.npz").unlink()
    with pytest.raises(PermanentError) as error:
        Cohort.load(speakers.opened(folder))
    assert error.value.code == "model_file_missing"
    card = json.loads((folder / "card.json").read_text("utf-8"))
    card["calibration"]["cohort_file"] = "../cohort.npz"
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    with pytest.raises(PermanentError) as error:
        Cohort.load(speakers.opened(folder))
    assert error.value.code == "bad_model_card"
