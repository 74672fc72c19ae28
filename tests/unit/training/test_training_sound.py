import numpy as np
import pytest
from training.synthesis.excitation import excitation, pitch, pulses
from training.synthesis.lines import contrast_db, spacings, whitened
from training.synthesis.sound import band_edge, band_limited, istft, mel_filters, resample, rms, stft

RATE = 16000


def tone(hertz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def noise(seconds: float = 1.0) -> np.ndarray:
    return 0.1 * np.random.default_rng(1).standard_normal(round(seconds * RATE)).astype(np.float32)


def loudest_hz(sound: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(sound * np.hanning(sound.size))).argmax() * rate / sound.size)


@pytest.mark.parametrize(("size", "hop"), [(512, 128), (1024, 512), (400, 50)])
def test_transform_and_back_is_the_sound(size, hop):
    sound = noise(0.7)
    assert stft(sound, size, hop).shape == (sound.size // hop + 1, size // 2 + 1)
    np.testing.assert_allclose(istft(stft(sound, size, hop), size, hop, sound.size), sound, atol=1e-4)


@pytest.mark.parametrize(("rate", "to"), [(16000, 24000), (44100, 32000), (44100, 24000), (24000, 16000)])
def test_resampling_keeps_a_tone(rate, to):
    out = resample(tone(1000, 1.0, rate), rate, to)
    assert out.size == to
    np.testing.assert_allclose(
        out[to // 10 : -to // 10], tone(1000, 1.0, to)[to // 10 : -to // 10], atol=2e-3
    )


def test_the_band_is_limited_and_nothing_else_taken():
    both = tone(1000) + tone(6000) + 0.2
    np.testing.assert_allclose(band_limited(both, RATE, 4000)[800:-800], tone(1000)[800:-800], atol=2e-3)
    assert band_edge(band_limited(noise(), RATE, 5000), RATE) == pytest.approx(5000, rel=0.03)


def test_mel_bands_cover_every_bin_between_the_ends():
    filters = mel_filters(RATE, 1024, 80)
    assert filters.shape == (80, 513)
    np.testing.assert_allclose(filters.sum(axis=1), 1.0, rtol=1e-5)
    assert (filters.sum(axis=0)[1:-1] > 0).all()


def test_pitch_of_pulses():
    sound = np.zeros(RATE, np.float32)
    sound[::128] = 0.5
    found = pitch(sound, RATE, 80)
    assert np.median(found) == pytest.approx(125, rel=0.01)
    assert np.mean(pitch(noise(), RATE, 80) > 0) < 0.1


def test_excitation_is_as_loud_as_noise():
    f0 = np.full(201, 125.0)
    rng = np.random.default_rng(0)
    marks, voiced = pulses(f0, RATE, 80, RATE, rng)
    assert voiced.all()
    assert np.diff(marks).mean() == pytest.approx(128, abs=1)
    for share in (1.0, 0.5):
        assert rms(excitation(f0, RATE, 80, RATE, rng, voiced_share=share)) == pytest.approx(1.0, rel=0.1)


def test_lines_are_seen_at_their_spacing_alone():
    sound = noise(8.0)
    comb = np.zeros_like(sound)
    comb[::32] = 0.05
    for spacing, low, high in ((500.0, 5, 60), (500.0 * 1.07, -2, 3)):
        assert low < contrast_db(whitened(sound + comb), RATE, spacing, 8000) < high
    assert abs(contrast_db(whitened(sound), RATE, 500.0, 8000)) < 1.5
    assert spacings(24000, "strides=8x5x4x2 steps=0") == [12000, 3000, 600, 75]
    assert spacings(24000, "bits=8") == []
