"""Log-mel bands: as librosa takes them, and only with parameters that can be."""

from __future__ import annotations

import numpy as np
import pytest

from rightscan.errors import PermanentError
from rightscan.likeness.features import MelSettings, log_mel, normalised

RATE = 16_000


def sound(seconds: float = 1.5) -> np.ndarray:
    rng = np.random.default_rng(3)
    t = np.arange(round(seconds * RATE)) / RATE
    voice = np.sin(2 * np.pi * 140 * t) + 0.3 * np.sin(2 * np.pi * 2_900 * t)
    return (0.2 * voice + 0.02 * rng.standard_normal(t.size)).astype(np.float32)


SHAPES = {
    "own": (
        MelSettings(scale="linear"),
        {"n_fft": 512, "win_length": 400, "n_mels": 64, "fmin": 40, "fmax": 7_600},
    ),
    "GE2E": (
        MelSettings(size=400, bands=40, low_hz=0, high_hz=8_000, scale="linear"),
        {"n_fft": 400, "n_mels": 40},
    ),
    "ECAPA": (
        MelSettings(
            size=400,
            bands=80,
            low_hz=0,
            high_hz=8_000,
            formula="htk",
            area_norm=False,
            shape="hamming",
            scale="linear",
        ),
        {"n_fft": 400, "n_mels": 80, "htk": True, "norm": None, "window": "hamming"},
    ),
    "magnitudes": (
        MelSettings(power=1.0, scale="linear", low_hz=0, high_hz=8_000),
        {"n_fft": 512, "win_length": 400, "n_mels": 64, "power": 1.0},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_bands_are_those_of_librosa(name):
    librosa = pytest.importorskip("librosa", reason="librosa is installed with the tools of training")
    settings, given = SHAPES[name]
    wanted = librosa.feature.melspectrogram(
        y=sound(), sr=RATE, hop_length=160, pad_mode="constant", **given
    ).T
    found = log_mel(sound(), settings)
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() < 1e-5 * np.abs(wanted).max()


def test_a_tone_lies_in_the_band_of_its_pitch_and_scales_agree():
    t = np.arange(RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 1_000 * t)).astype(np.float32)
    linear = log_mel(tone, MelSettings(scale="linear"))
    loudest = int(linear[50].argmax())
    edges = np.linspace(0, 1, 66)  # of 64 bands from 40 Hz to 7.6 kHz, in mel: 1 kHz is 15 of the way to 42.3
    low, high = 0.6, 15 + np.log(7.6) / (np.log(6.4) / 27)
    assert (15 - low) / (high - low) == pytest.approx(edges[loudest + 1], abs=1 / 60)
    ln, db = log_mel(tone, MelSettings()), log_mel(tone, MelSettings(scale="db"))
    assert np.allclose(ln, np.log(np.maximum(linear, 1e-8)), atol=1e-5)
    assert np.allclose(db, ln * 10 / np.log(10), atol=1e-3)


def test_windows_are_normalised_band_by_band():
    bands = log_mel(sound(), MelSettings())
    assert np.abs(normalised(bands, MelSettings()).mean(axis=0)).max() < 1e-4
    whole = normalised(bands, MelSettings(normalisation="mean_variance"))
    assert np.allclose(whole.std(axis=0), 1, atol=1e-3)
    assert normalised(bands, MelSettings(normalisation="none")) is bands


def test_long_sound_is_taken_in_parts_without_a_seam():
    long = np.tile(sound(1.0), 50)
    whole = log_mel(long, MelSettings())
    assert np.allclose(whole[150:250], whole[4_150:4_250], atol=1e-4)
    assert log_mel(long[:100], MelSettings()).shape == (0, 64)


@pytest.mark.parametrize(
    "given",
    [
        {"bnads": 64},
        {"bands": "64"},
        {"bands": 0},
        {"scale": "log"},
        {"formula": "bark"},
        {"window": 800},
        {"low_hz": 8_000.0},
        {"high_hz": 9_000.0},
        {"floor": 0.0},
        {"power": 3.0},
        {"normalisation": "l2"},
    ],
)
def test_settings_that_cannot_be_are_refused(given):
    with pytest.raises(PermanentError) as error:
        MelSettings.of(given)
    assert error.value.code == "bad_model_card"
