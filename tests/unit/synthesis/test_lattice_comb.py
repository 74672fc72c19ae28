"""The lattice comb: what it finds, what it leaves alone, and what does not matter to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lattice_sound import RATE, decoded, music, resampled

from rightscan.errors import PermanentError
from rightscan.synthesis import (
    CALIBRATION,
    Analyser,
    Evidence,
    Level,
    Outcome,
    Source,
    judge,
)
from rightscan.synthesis.parameters import FAMILIES, PARAMETERS
from rightscan.synthesis.wow import track

UNCOMPRESSED = Source(True, None, 44_100)


def evidence(sound: np.ndarray, block: int = 4 * RATE) -> Evidence:
    analyser = Analyser()
    table = sound if sound.ndim == 2 else sound[:, None]
    for start in range(0, len(table), block):
        analyser.add(table[start : start + block].astype(np.float32))
    return analyser.finish()


@pytest.fixture(scope="module")
def real() -> np.ndarray:
    return music(25)


@pytest.fixture(scope="module")
def made(real: np.ndarray) -> np.ndarray:
    return decoded(real)


@pytest.mark.parametrize(
    ("strides", "spacing"),
    [((8, 8, 4, 2), RATE / 512), ((8, 5, 4, 2), RATE / 320), ((4, 4, 4, 2, 2), RATE / 256)],
    ids=["DAC", "EnCodec", "Oobleck"],
)
def test_a_decoders_lines_are_found_and_their_family_named(
    real: np.ndarray, strides: tuple[int, ...], spacing: float
) -> None:
    told = judge(evidence(decoded(real, strides)), UNCOMPRESSED)
    assert told.outcome is Outcome.DETECTED
    assert told.level is Level.ASSERT
    assert told.spacing_hz is not None
    multiple = told.spacing_hz / spacing
    assert multiple == pytest.approx(round(multiple), abs=1e-6), (
        "a lattice of a later stage is one of the same"
    )


def test_the_same_music_without_a_decoder_is_left_alone(real: np.ndarray) -> None:
    told = judge(evidence(real), UNCOMPRESSED)
    assert told.outcome is Outcome.NONE_FOUND
    assert told.family is None
    assert told.log10_lr < CALIBRATION.log10_lr(CALIBRATION.queue)


def _square(seconds: float) -> np.ndarray:
    """A chip's square waves on a melody of exact semitones, with its exact tempo of 120."""
    time = np.arange(int(seconds * RATE)) / RATE
    steps = np.array([0, 7, 12, 7, 3, 10, 15, 10])[(time / 0.125).astype(int) % 8]
    return 0.3 * np.sign(np.sin(2 * np.pi * 220 * 2 ** (steps / 12) * time))


def _organ(seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    chord = (130.81, 196.0, 261.63, 329.63)
    return sum(0.1 / k * np.sin(2 * np.pi * f * k * time) for f in chord for k in range(1, 30))


def _loop(seconds: float) -> np.ndarray:
    """Half a second of noise over and over: lines at every second hertz, those of 100 Hz among them."""
    once = np.random.default_rng(3).standard_normal(RATE // 2) * 0.1
    return np.tile(once, int(seconds * 2))


def _drone(seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    sound = 0.001 * np.random.default_rng(4).standard_normal(time.size)
    return sound + sum(0.1 / k * np.sin(2 * np.pi * 97.3 * k * time) for k in range(1, 200))


def _hum(seconds: float) -> np.ndarray:
    time = np.arange(int(seconds * RATE)) / RATE
    lines = sum(np.sin(2 * np.pi * 1000 * k * time + k) for k in range(1, 20)) * 0.003
    return music(seconds) * 0.5 + lines


@pytest.mark.parametrize(
    "sound", [_square, _organ, _hum, _loop, _drone], ids=["chip", "organ", "bus clock", "loop", "drone"]
)
def test_other_lines_are_no_decoders(sound) -> None:
    told = judge(evidence(sound(25.0)), UNCOMPRESSED)
    assert told.level is not Level.ASSERT


@pytest.mark.parametrize("speed", [1.03, 0.97, 1.0595])
def test_a_changed_speed_is_found_again_with_its_ratio(made: np.ndarray, speed: float) -> None:
    seen = evidence(resampled(made, speed))
    assert seen.changed.ratio == pytest.approx(speed, rel=0.002)
    assert seen.changed.score > 6


@pytest.mark.parametrize(("height", "found"), [(1.0, True), (0.0, False)], ids=["lines", "none"])
def test_a_wavering_lattice_is_followed(height: float, found: bool) -> None:
    random = np.random.default_rng(6)
    family = next(f for f in FAMILIES if f.name == "44100/512")
    windows = random.normal(0, 0.6, (70, PARAMETERS.coarse // 2 + 1)).astype(np.float32)
    hz = RATE / PARAMETERS.coarse
    ratios = 1 + 1.2e-3 * np.sin(np.arange(70) / 6)
    lines = np.arange(20, 130) * family.spacing / hz
    for window, ratio in zip(windows, ratios, strict=True):
        window[np.rint(lines * ratio).astype(int)] += height
    told = track(windows, 20_000.0)
    assert (told.score > 3.5) is found
    if found:
        assert told.family is not None
        assert (told.family.spacing / family.spacing) % 1 == pytest.approx(0, abs=1e-6)


def test_how_the_sound_is_cut_into_blocks_makes_no_difference(made: np.ndarray) -> None:
    one, many = evidence(made, len(made)), evidence(made, 7_919)
    assert one.to_arrays()["head"].tobytes() == many.to_arrays()["head"].tobytes()


@pytest.mark.parametrize("change", ["half", "inverted", "second channel cancels", "stereo"])
def test_level_polarity_and_channels_do_not_matter(made: np.ndarray, change: str) -> None:
    changed = {
        "half": made * 0.5,
        "inverted": -made,
        "second channel cancels": np.stack([made, -made], axis=1),
        "stereo": np.stack([made, made], axis=1),
    }[change]
    assert evidence(changed).whole.score == pytest.approx(evidence(made).whole.score, abs=0.3)


def test_a_synthetic_passage_in_a_real_programme_is_placed() -> None:
    programme = music(80, seed=5)
    programme[20 * RATE : 60 * RATE] = decoded(programme[20 * RATE : 60 * RATE])
    told = judge(evidence(programme), UNCOMPRESSED)
    detected = [p for p in told.passages if p.outcome is Outcome.DETECTED]
    assert [(p.start_s, p.end_s) for p in detected] == [(20.0, 60.0)]


def test_silence_and_little_sound_are_inconclusive_by_name() -> None:
    silent = judge(evidence(np.zeros(10 * RATE)), UNCOMPRESSED)
    assert (silent.outcome, silent.level) == (Outcome.INCONCLUSIVE, Level.NONE)
    assert "duration" in silent.conditions
    short = judge(evidence(music(2.0)), UNCOMPRESSED)
    assert short.conditions == ("duration",)
    assert np.isfinite(short.score)


def test_a_telephones_band_is_inconclusive_by_name() -> None:
    sound = music(12)
    spectrum = np.fft.rfft(sound)
    spectrum[(3400 * 12) :] = 0
    narrow = np.fft.irfft(spectrum).astype(np.float32)
    assert judge(evidence(narrow), UNCOMPRESSED).conditions == ("bandwidth",)


def test_a_low_bit_rate_is_inconclusive_by_name(made: np.ndarray) -> None:
    told = judge(evidence(made), Source(False, 16_000, 44_100))
    assert (told.outcome, told.conditions) == (Outcome.INCONCLUSIVE, ("bitrate",))
    assert told.score > CALIBRATION.sure, "the score is told all the same"


def test_a_low_sample_rate_is_inconclusive_by_name(made: np.ndarray) -> None:
    told = judge(evidence(made), Source(True, None, 11_025))
    assert (told.outcome, told.conditions) == (Outcome.INCONCLUSIVE, ("sample_rate",))


@pytest.mark.parametrize("snr_db", [30, 20, 10, 0])
def test_noise_is_measured_and_too_much_of_it_named(snr_db: int) -> None:
    tones = np.sin(2 * np.pi * np.outer(np.arange(20 * RATE) / RATE, [440, 880, 1320])).sum(axis=1) / 4
    noise = np.random.default_rng(snr_db).standard_normal(tones.size)
    noise *= np.sqrt((tones**2).mean()) * 10 ** (-snr_db / 20)
    seen = evidence((tones + noise).astype(np.float32))
    assert seen.snr_db is not None
    truth = 10 * np.log10(1 + 10 ** (snr_db / 10))  # what is heard is the tones and the noise
    assert truth - 0.5 <= seen.snr_db <= truth + 3, "the lowest tenth of the moments reads a little low"
    assert ("noise" in judge(seen, UNCOMPRESSED).conditions) == (snr_db == 0)


def test_evidence_comes_back_as_it_was(made: np.ndarray) -> None:
    seen = evidence(made)
    again = Evidence.from_arrays(seen.to_arrays())
    assert judge(again, UNCOMPRESSED) == judge(Evidence.from_arrays(again.to_arrays()), UNCOMPRESSED)
    assert judge(again, UNCOMPRESSED).score == pytest.approx(judge(seen, UNCOMPRESSED).score, abs=1e-3)
    assert seen.lines is not None
    assert again.lines is not None
    assert np.abs(again.lines.whole - seen.lines.whole).max() <= 1 / 79


@pytest.mark.parametrize("damage", ["no head", "no json", "other pipeline", "one row"])
def test_damaged_evidence_is_refused(damage: str) -> None:
    arrays = evidence(music(3)).to_arrays()
    head = arrays["head"].tobytes()
    if damage == "no head":
        del arrays["head"]
    elif damage == "no json":
        arrays["head"] = np.frombuffer(b"{", np.uint8)
    elif damage == "other pipeline":
        arrays["head"] = np.frombuffer(head.replace(b'"pipeline":"syn-', b'"pipeline":"old-'), np.uint8)
    else:
        arrays["lines"] = arrays["lines"][:1]
    with pytest.raises(PermanentError) as raised:
        Evidence.from_arrays(arrays)
    assert raised.value.code == ("unknown_pipeline" if damage == "other pipeline" else "corrupt_features")


def test_families_are_distinct_and_none_lies_on_a_bus_clock() -> None:
    spacings = [family.spacing for family in FAMILIES]
    assert len({round(s, 3) for s in spacings}) == len(spacings)
    assert all(s % 1000 for s in spacings)
    for known in (44_100 / 512, 32_000 / 320, 48_000 / 320, 44_100 / 32, 48_000 / 256):
        assert any(abs(s - known) < 1e-6 for s in spacings)


@given(st.lists(st.floats(-20, 60), min_size=2, max_size=2))
def test_more_evidence_is_never_worth_less(scores: list[float]) -> None:
    low, high = sorted(scores)
    assert CALIBRATION.log10_lr(low) <= CALIBRATION.log10_lr(high)
    assert abs(CALIBRATION.stated(CALIBRATION.log10_lr(high))) <= np.log10(CALIBRATION.trials) + 1e-9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([0.0, 1e-6, 1.0, 1e3]), st.integers(1, 3 * RATE))
def test_no_sound_upsets_it(seed: int, level: float, length: int) -> None:
    sound = level * np.random.default_rng(seed).standard_normal((length, 2)).astype(np.float32)
    told = judge(evidence(sound), UNCOMPRESSED)
    assert np.isfinite(told.score)
    assert told.level is not Level.ASSERT
