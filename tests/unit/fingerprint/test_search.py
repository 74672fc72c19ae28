"""What the search finds, where, and what it must not find."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench.synth import another_performance, render, room_noise, speech_like

from rightscan.fingerprint import SAMPLE_RATE
from rightscan.index import Index, Segment
from unit.fingerprint.catalogue import Sound, cut, items, of, sound

SEEDS = tuple(range(1, 9))


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder = tmp_path_factory.mktemp("catalogue") / "base"
    Index.build(items(*SEEDS), folder)
    return Index.open([folder])


def talk(seed: int, seconds: float) -> Sound:
    x = speech_like(seed, seconds, sample_rate=SAMPLE_RATE)
    x = x.mean(axis=1) if x.ndim == 2 else x
    return x[: round(seconds * SAMPLE_RATE)] * (0.08 / np.sqrt(np.mean(x**2)))


def played(x: Sound, speed: float) -> Sound:
    """The sound at another speed, pitch with it; by linear interpolation of the eightfold oversampled signal."""
    n = 1 << (len(x) - 1).bit_length()
    fine = np.fft.irfft(np.fft.rfft(x, n), 8 * n) * 8
    at = np.arange(int(len(x) / speed)) * speed * 8
    return np.interp(at, np.arange(fine.size), fine).astype(np.float32)


def where(s: Segment) -> tuple[float, float, float, float]:
    return s.media_start, s.media_end, s.reference_start, s.reference_end


@pytest.mark.parametrize("seed", SEEDS)
def test_a_copy_is_found_whole(index: Index, seed: int) -> None:
    (found,) = index.search(of(sound(seed)))
    assert found.recording_id == f"R{seed}"
    # A piece may begin or end with less than half a second of silence.
    assert where(found) == pytest.approx((0, 40, 0, 40), abs=0.5)
    assert found.log10_lr > 10
    assert found.coverage > 0.9
    assert found.modification.kinds == ()
    assert found.modification.speed == pytest.approx(1, abs=1e-3)
    assert found.modification.pitch_semitones == pytest.approx(0, abs=0.02)


@pytest.mark.parametrize("seconds", [3, 5, 10, 25])
def test_an_excerpt_is_found_where_it_is_from(index: Index, seconds: int) -> None:
    for seed in SEEDS[:4]:
        (found,) = index.search(of(cut(sound(seed), 11.3, 11.3 + seconds)))
        assert found.recording_id == f"R{seed}"
        assert where(found) == pytest.approx((0, seconds, 11.3, 11.3 + seconds), abs=0.5)


def test_a_programme_with_talk_and_three_recordings(index: Index) -> None:
    parts = [
        talk(1, 20),
        cut(sound(1), 5, 17),
        cut(sound(2), 0, 30),
        talk(2, 15),
        cut(sound(3), 20, 28),
        talk(3, 9),
    ]
    under = talk(4, 12)
    parts[1] = parts[1] + 0.5 * under
    found = index.search(of(np.concatenate(parts)))
    assert [s.recording_id for s in found] == ["R1", "R2", "R3"]
    expected = [(20, 32, 5, 17), (32, 62, 0, 30), (77, 85, 20, 28)]
    for segment, truth in zip(found, expected, strict=True):
        assert where(segment) == pytest.approx(truth, abs=0.6)
        assert segment.bounds[0] > 0
        assert segment.bounds[1] > 0


def test_one_excerpt_three_times_is_three_segments(index: Index) -> None:
    piece = cut(sound(4), 12, 19)
    found = index.search(of(np.concatenate([piece, talk(5, 6), piece, talk(6, 11), piece])))
    assert [s.recording_id for s in found] == ["R4"] * 3
    for segment, start in zip(found, (0, 13, 31), strict=True):
        assert where(segment) == pytest.approx((start, start + 7, 12, 19), abs=0.5)


def test_a_word_over_the_music_does_not_split_it(index: Index) -> None:
    x = sound(5).copy()
    x[15 * SAMPLE_RATE : 18 * SAMPLE_RATE] = talk(7, 3)
    (found,) = index.search(of(x))
    assert where(found) == pytest.approx((0, 40, 0, 40), abs=0.5)
    assert 0.85 < found.coverage < 0.97


def test_two_recordings_at_once_are_both_found(index: Index) -> None:
    found = index.search(of(cut(sound(1), 5, 25) + cut(sound(6), 10, 30)))
    assert {s.recording_id for s in found} == {"R1", "R6"}


def test_a_recording_registered_twice_is_reported_twice(index: Index, tmp_path: Path) -> None:
    Index.build([("TWIN", of(sound(1))), *items(1, 2)], tmp_path / "twins")
    found = Index.open([tmp_path / "twins"]).search(of(cut(sound(1), 10, 20)))
    assert {s.recording_id for s in found} == {"R1", "TWIN"}


@pytest.mark.parametrize("speed", [0.92, 1.01, 1.06, 1.25])
def test_another_speed_is_found_and_named(index: Index, speed: float) -> None:
    (found,) = index.search(of(played(cut(sound(2), 10, 24), speed)), deep=True)
    assert found.recording_id == "R2"
    assert found.modification.kinds == ("speed",)
    assert found.modification.speed == pytest.approx(speed, rel=2e-3)
    assert found.modification.pitch_semitones == pytest.approx(12 * np.log2(speed), abs=0.05)
    assert abs(found.modification.speed - speed) <= found.modification.speed_error < 0.005
    shift = 12 * np.log2(speed)
    assert abs(found.modification.pitch_semitones - shift) <= found.modification.pitch_error < 0.1
    assert found.reference_start == pytest.approx(10, abs=0.5)
    assert found.reference_end == pytest.approx(24, abs=0.5)


def test_without_the_deep_pass_a_changed_speed_is_not_found(index: Index) -> None:
    assert index.search(of(played(cut(sound(2), 10, 24), 1.25))) == []


@pytest.mark.parametrize("deep", [False, True])
def test_what_is_not_registered_is_not_found(index: Index, deep: bool) -> None:
    noise = room_noise(3, 12, sample_rate=SAMPLE_RATE)
    rng = np.random.default_rng(1)
    negatives = [
        *(render(seed, 20, sample_rate=SAMPLE_RATE).mean(axis=1) for seed in range(101, 105)),
        talk(9, 20),
        noise.mean(axis=1) if noise.ndim == 2 else noise,
        0.1 * rng.standard_normal(10 * SAMPLE_RATE),
        np.sin(2 * np.pi * 440 * np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE),
        np.repeat(rng.standard_normal(2000), 40)[: 8 * SAMPLE_RATE],
    ]
    for x in negatives:
        assert index.search(of(x), deep=deep) == []


def test_suppressed_recordings_are_not_found(index: Index) -> None:
    query = of(cut(sound(3), 10, 20))
    assert index.search(query, suppressed=["R3"]) == []
    assert index.search(query, suppressed=["R3"], deep=True) == []
    assert len(index.search(query, suppressed=["R1", "R77"])) == 1


def test_the_limit_keeps_the_strongest(index: Index) -> None:
    query = of(np.concatenate([cut(sound(s), 10, 20) for s in SEEDS[:4]]))
    everything = index.search(query)
    assert len(everything) == 4
    assert [s.media_start for s in everything] == sorted(s.media_start for s in everything)
    (strongest,) = index.search(query, limit=1)
    assert strongest == max(everything, key=lambda s: s.log10_lr)
    assert index.search(query, limit=0) == []


def test_the_same_question_has_the_same_answer(index: Index) -> None:
    query = of(np.concatenate([cut(sound(1), 3, 9), cut(sound(2), 3, 9)]))
    assert index.search(query, deep=True) == index.search(query, deep=True)


@pytest.mark.parametrize("seconds", [0, 0.0001, 0.02, 0.1, 0.5, 1])
def test_scraps_are_no_obstacle(index: Index, seconds: float) -> None:
    for segment in index.search(of(cut(sound(1), 10, 10 + seconds)), deep=True):
        assert segment.recording_id == "R1"


def test_segments_lie_inside_both_files(index: Index) -> None:
    for seed in SEEDS[:3]:
        for start, stop in ((0, 8), (31, 40)):
            query = of(cut(sound(seed), start, stop))
            for s in index.search(query, deep=True):
                assert 0 <= s.media_start < s.media_end <= query.duration_s
                assert 0 <= s.reference_start < s.reference_end <= 40
                assert 0 <= s.coverage <= 1


@pytest.mark.parametrize("seed", SEEDS)
def test_another_performance_of_the_same_work_is_not_the_recording(index: Index, seed: int) -> None:
    other = another_performance(seed, 1, 40, sample_rate=SAMPLE_RATE).mean(axis=1)
    assert index.search(of(other), deep=True) == []
