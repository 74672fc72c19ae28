"""Features of a voice: what they leave out, what they refuse, and that nothing but meaning moves them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from bench.synth import speech_like
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.errors import PermanentError
from rightscan.synthesis.voice import FEATURES, NAMES, features
from rightscan.synthesis.voice.excitation import prediction
from rightscan.synthesis.voice.judgement import Calibration, pool
from rightscan.synthesis.voice.sound import RATE, begins, cut, resample, take_apart

CALIBRATION = {"slope": 1.0, "slope_windows": 0.5, "offset": -0.2, "most_windows": 8, "trials": 100}


@cache
def speech(rate: int = RATE, seconds: float = 9.0) -> np.ndarray:
    sound = speech_like(3, seconds + 1, sample_rate=rate).mean(axis=1).astype(np.float32)
    return sound[begins(sound) :][: round(seconds * rate)]


def low_passed(sound: np.ndarray, rate: int, edge_hz: float) -> np.ndarray:
    spectrum = np.fft.rfft(sound)
    spectrum[np.fft.rfftfreq(sound.size, 1 / rate) > edge_hz] = 0
    return np.fft.irfft(spectrum, sound.size).astype(np.float32)


def test_windows_cover_the_sound_and_carry_names():
    measured = features(speech(), RATE)
    assert measured.values.shape == (3, len(NAMES))
    assert measured.values.dtype == np.float32
    assert len(set(measured.names)) == len(NAMES)
    assert measured.judged.all()
    assert measured.times[0, 0] == 0.0
    assert measured.times[-1, 1] == pytest.approx(9.0)
    assert np.isfinite(measured.values).mean() > 0.98
    assert not np.isinf(measured.values).any()


def test_a_second_run_gives_the_same_bits():
    assert features(speech(), RATE).values.tobytes() == features(speech(), RATE).values.tobytes()


@settings(max_examples=8, deadline=None)
@given(st.floats(-40.0, 0.0), st.booleans(), st.integers(0, 3 * RATE))
def test_level_polarity_and_leading_silence_change_nothing(level_db: float, inverted: bool, silence: int):
    sound = speech() * np.float32(10 ** (level_db / 20) * (-1 if inverted else 1))
    plain = features(speech(), RATE)
    moved = features(np.concatenate([np.zeros(silence, np.float32), sound]), RATE)
    assert moved.times[0, 0] == pytest.approx(plain.times[0, 0] + silence / RATE)
    np.testing.assert_allclose(moved.values, plain.values, rtol=2e-3, atol=2e-3)
    np.testing.assert_allclose(moved.voiced_share, plain.voiced_share, atol=1e-3)


def test_the_rate_of_the_file_hardly_moves_the_features():
    at_44 = features(resampled(speech(), RATE, 44_100), 44_100)
    plain = features(speech(), RATE)
    both = np.isfinite(at_44.values[:2]) & np.isfinite(plain.values[:2])
    assert np.median(np.abs(at_44.values[:2] - plain.values[:2])[both]) < 0.01


def resampled(sound: np.ndarray, rate: int, to: int) -> np.ndarray:
    length = round(sound.size * to / rate)
    kept = np.zeros(length // 2 + 1, complex)
    spectrum = np.fft.rfft(sound)
    kept[: min(kept.size, spectrum.size)] = spectrum[: kept.size]
    return (np.fft.irfft(kept, length) * length / sound.size).astype(np.float32)


@pytest.mark.parametrize("edge_hz", [3_400.0, 5_500.0])
def test_bands_that_are_not_there_are_missing_and_the_others_stay(edge_hz: float):
    plain, limited = features(speech(), RATE), features(low_passed(speech(), RATE, edge_hz), RATE)
    assert np.all(np.abs(limited.bandwidth_hz - edge_hz) < 400)
    missing = np.isnan(limited.values).all(axis=0)
    assert 0.1 < missing.mean() < 0.6
    low = [k for k, name in enumerate(NAMES) if name.startswith("phase") and name.endswith("_1")]
    # Periodicity is heard over the whole band, so a few frames change sides between voiced and not.
    moved = np.abs(limited.values[:, low] - plain.values[:, low])
    assert np.median(moved) < 0.02
    assert moved.max() < 0.2


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000])
def test_every_rate_is_taken(rate: int):
    measured = features(speech(rate, 5.0), rate)
    assert measured.values.shape[0] == 2
    assert measured.bandwidth_hz.max() <= min(RATE, rate) / 2
    assert not np.isinf(measured.values).any()


def test_silence_noise_and_scraps_are_not_judged():
    noise = np.random.default_rng(0).normal(0, 0.1, 5 * RATE).astype(np.float32)
    for sound in (np.zeros(5 * RATE, np.float32), noise):
        measured = features(sound, RATE)
        assert not measured.judged.any()
        assert not np.isinf(measured.values).any()
    assert features(speech()[: RATE // 2], RATE).values.shape == (0, len(NAMES))
    assert features(np.zeros(0, np.float32), RATE).values.shape == (0, len(NAMES))


def test_a_click_in_silence_gives_no_warning_and_no_judgement():
    sound = np.zeros(4 * RATE, np.float32)
    sound[RATE] = 1.0
    with np.errstate(all="raise", under="ignore"):
        assert not features(sound, RATE).judged.any()


def test_the_last_window_ends_with_the_sound():
    assert cut(RATE // 2, RATE) == []
    assert cut(3 * RATE, RATE) == [(0, 3 * RATE)]
    assert cut(9 * RATE, RATE) == [(0, 4 * RATE), (4 * RATE, 8 * RATE), (5 * RATE, 9 * RATE)]
    assert cut(8 * RATE + 100, RATE) == [(0, 4 * RATE), (4 * RATE, 8 * RATE)]


def test_resampling_keeps_a_tone_where_it_is():
    tone = np.sin(2 * np.pi * 1_000 * np.arange(4 * 44_100) / 44_100).astype(np.float32)
    result = resample(tone, 44_100)
    wanted = np.sin(2 * np.pi * 1_000 * np.arange(4 * RATE) / RATE)
    assert result.size == 4 * RATE
    np.testing.assert_allclose(result[200:-200], wanted[200:-200], atol=2e-3)


def test_prediction_finds_a_resonator():
    noise = np.random.default_rng(1).normal(size=4_000)
    sound = np.zeros(4_000)
    for n in range(2, 4_000):
        sound[n] = noise[n] + 1.6 * sound[n - 1] - 0.9 * sound[n - 2]
    correlation = np.correlate(sound, sound, "full")[3_999 : 3_999 + 40][None, :].astype(np.float32)
    coefficients, gain = prediction(correlation)
    np.testing.assert_allclose(coefficients[0, :3], (1.0, -1.6, 0.9), atol=0.05)
    assert gain[0] > 1.0


def test_voiced_frames_are_those_with_a_period():
    assert take_apart(speech()[: 4 * RATE]).voiced_share > 0.4
    noise = np.random.default_rng(2).normal(0, 0.1, 4 * RATE).astype(np.float32)
    assert take_apart(noise).voiced_share < 0.02


def test_evidence_grows_with_score_and_length_up_to_what_trials_support():
    calibration = Calibration.read(FEATURES, CALIBRATION)
    assert calibration.log10_lr(1.0, 1) < calibration.log10_lr(2.0, 1) < calibration.log10_lr(2.0, 4)
    assert calibration.log10_lr(1.0, 8) == calibration.log10_lr(1.0, 80)
    assert calibration.log10_lr(1e6, 1) == pytest.approx(2.0)
    assert calibration.log10_lr(-1e6, 1) == pytest.approx(-2.0)


def test_a_model_of_other_features_is_refused():
    with pytest.raises(PermanentError, match="model_features"):
        Calibration.read("voice-0", CALIBRATION)


def test_pooling_hears_judged_windows_alone():
    calibration = Calibration.read(FEATURES, CALIBRATION)
    sound = np.concatenate(
        [speech(RATE, 4.0), np.random.default_rng(0).normal(0, 0.01, 4 * RATE).astype(np.float32)]
    )
    measured = features(sound, RATE)
    logits = np.where(measured.judged, 1.5, 99.0).astype(np.float32)
    result = pool(logits, measured, calibration)
    assert result.windows == int(measured.judged.sum()) >= 1
    assert result.score == pytest.approx(1.5)
    assert result.log10_lr == pytest.approx(calibration.log10_lr(1.5, result.windows))
    silent = features(np.zeros(4 * RATE, np.float32), RATE)
    assert pool(np.zeros(silent.values.shape[0], np.float32), silent, calibration).score is None
