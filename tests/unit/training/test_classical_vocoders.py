import numpy as np
import pytest
from training.synthesis.classical import CLASSICAL, levinson, mel_inverted
from training.synthesis.sound import rms, stft

RATE = 16000
NUMPY_ONLY = sorted(set(CLASSICAL) - {"world"})


@pytest.fixture(scope="module")
def voice() -> np.ndarray:
    """Pulses at a gliding pitch through two resonances, a second of it."""
    rng = np.random.default_rng(5)
    sound = 0.02 * rng.standard_normal(RATE)
    at = 0.0
    while at < RATE:
        sound[int(at)] += 1.0
        at += RATE / (120 + 30 * at / RATE)
    t = np.arange(400) / RATE
    response = np.exp(-t * 300) * (np.sin(2 * np.pi * 600 * t) + 0.5 * np.sin(2 * np.pi * 2200 * t))
    return (0.2 * np.convolve(sound, response)[:RATE]).astype(np.float32)


def distance_db(a: np.ndarray, b: np.ndarray) -> float:
    b = b * rms(a) / rms(b)
    x, y = (20 * np.log10(np.abs(stft(s, 1024, 256)) + 1e-2) for s in (a, b))
    return float(np.abs(x - y).mean())


@pytest.mark.parametrize("name", NUMPY_ONLY)
@pytest.mark.parametrize("seed", range(4))
def test_a_resynthesis_is_recognisable_and_not_the_same(name, seed, voice):
    out, settings = CLASSICAL[name](voice, RATE, np.random.default_rng(seed))
    assert out.shape == voice.shape
    assert out.dtype == np.float32
    assert np.isfinite(out).all()
    assert settings
    assert 0.05 < distance_db(voice, out) < 9


@pytest.mark.parametrize("name", NUMPY_ONLY)
def test_the_same_draw_gives_the_same_sound(name, voice):
    first, second = (CLASSICAL[name](voice, RATE, np.random.default_rng(3))[0] for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_linear_prediction_finds_the_filter_that_made_the_sound():
    rng = np.random.default_rng(0)
    drive, sound = rng.standard_normal(50_000), np.zeros(50_000)
    for n in range(2, sound.size):
        sound[n] = drive[n] + 1.2 * sound[n - 1] - 0.6 * sound[n - 2]
    correlation = np.array([[np.dot(sound[: sound.size - lag], sound[lag:]) for lag in range(3)]])
    filters, energy = levinson(correlation)
    np.testing.assert_allclose(filters[0], [1, -1.2, 0.6], atol=0.02)
    assert energy[0] / sound.size == pytest.approx(1.0, rel=0.03)


def test_inverted_bands_have_the_bands_they_came_from(voice):
    from training.synthesis.sound import mel_filters

    magnitude = np.abs(stft(voice, 1024, 256))
    found = mel_inverted(magnitude, RATE, 1024, 80)
    filters = mel_filters(RATE, 1024, 80)
    wanted, got = magnitude @ filters.T, found @ filters.T
    assert np.linalg.norm(wanted - got) < 0.1 * np.linalg.norm(wanted)


def test_world_where_it_is_installed(voice):
    pytest.importorskip("pyworld", reason="pyworld is in the training environment alone")
    out, _ = CLASSICAL["world"](voice, RATE, np.random.default_rng(0))
    assert out.shape == voice.shape
    assert np.isfinite(out).all()
