"""One work in two performances, in unison, in the same key as others; the catalogue on disk."""

from __future__ import annotations

import numpy as np
import pytest
from bench.synth import another_performance, unison
from bench.synth.composition import compose
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.errors import PermanentError
from rightscan.harmony import SAMPLE_RATE, Catalogue, Harmony, harmony_of
from rightscan.harmony import catalogue as module
from rightscan.harmony.recurrence import longest_paths, windows
from rightscan.harmony.score import chance_level, score

STYLES = ("gugak", "pop", "ballad", "classical")
FIRST = 41_000


def performed(seed: int, take: int, seconds: float = 60.0) -> Harmony:
    style = STYLES[seed % 4]
    return harmony_of(
        another_performance(seed, take, seconds, style=style, sample_rate=SAMPLE_RATE).mean(axis=1)
    )


@pytest.fixture(scope="module")
def works() -> Catalogue:
    return Catalogue.of((f"W{seed}", performed(seed, 0)) for seed in range(FIRST, FIRST + 16))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + 8))
def test_another_performance_finds_its_work_and_no_other(works: Catalogue, seed: int) -> None:
    found = works.search(performed(seed, 1, 50.0))
    assert [c.recording_id for c in found][:1] == [f"W{seed}"]
    assert works.search(performed(seed, 1, 50.0), without=[f"W{seed}"]) == []


def test_an_excerpt_finds_its_work(works: Catalogue) -> None:
    part = performed(FIRST + 1, 2, 60.0).between(10.0, 45.0)
    assert [c.recording_id for c in works.search(part)] == [f"W{FIRST + 1}"]


def test_unrelated_pieces_in_the_same_key_are_no_candidates() -> None:
    seeds = range(FIRST + 100, FIRST + 110)
    same_key = Catalogue.of(
        (f"T{seed}", harmony_of(unison(seed, 0, 60.0, key=62, sample_rate=SAMPLE_RATE).mean(axis=1)))
        for seed in seeds
    )
    for seed in seeds:
        query = harmony_of(unison(seed, 1, 45.0, key=62, sample_rate=SAMPLE_RATE).mean(axis=1))
        assert [c.recording_id for c in same_key.search(query)] == [f"T{seed}"]
        assert same_key.search(query, without=[f"T{seed}"]) == []


@pytest.mark.parametrize("seed", [FIRST + 100, FIRST + 101])
def test_a_melody_in_unison_is_found_in_another_key_and_tempo(seed: int) -> None:
    style = "gugak" if seed % 2 else "ballad"
    home = compose(seed, 30.0, style).key
    tunes = Catalogue.of(
        [
            (f"T{n}", harmony_of(unison(n, 0, 60.0, sample_rate=SAMPLE_RATE).mean(axis=1)))
            for n in (seed, seed + 6)
        ]
    )
    query = harmony_of(unison(seed, 3, 45.0, key=home + 4, sample_rate=SAMPLE_RATE).mean(axis=1))
    (found,) = tunes.search(query)
    assert (found.recording_id, found.transposition) == (f"T{seed}", 4)


def test_one_recording_alone_is_enough_of_a_catalogue() -> None:
    alone = Catalogue.of([("W", performed(FIRST, 0))])
    assert [c.recording_id for c in alone.search(performed(FIRST, 1))] == ["W"]
    assert alone.search(performed(FIRST + 4, 1)) == []


def test_three_more_performances_in_the_catalogue_hide_nothing(works: Catalogue) -> None:
    seed = FIRST + 3
    more = Catalogue.merge(
        [works, Catalogue.of((f"W{seed}-{take}", performed(seed, take)) for take in (2, 3, 4))]
    )
    found = {c.recording_id for c in more.search(performed(seed, 1))}
    assert found == {f"W{seed}", f"W{seed}-2", f"W{seed}-3", f"W{seed}-4"}


def test_noise_and_short_sound_have_no_candidates(works: Catalogue) -> None:
    noise = np.random.default_rng(2).standard_normal(60 * SAMPLE_RATE).astype(np.float32)
    assert works.search(harmony_of(noise)) == []
    assert works.search(performed(FIRST, 1, 20.0)) == []
    assert works.search(harmony_of(np.zeros(60 * SAMPLE_RATE, np.float32))) == []
    assert Catalogue.of([]).search(performed(FIRST, 1)) == []


def test_a_drone_is_like_nothing(works: Catalogue) -> None:
    t = np.arange(60 * SAMPLE_RATE) / SAMPLE_RATE
    drone = sum(np.sin(2 * np.pi * f * t) for f in (110, 165, 220)).astype(np.float32)
    assert works.search(harmony_of(drone)) == []


# ---- storage ------------------------------------------------------------------------------------------------
profiles = st.dictionaries(
    st.sampled_from(["가", "b", "R-1", "R-2", "R-3"]),
    st.integers(0, 40).map(lambda n: np.random.default_rng(n).integers(0, 256, (n, 12), dtype=np.uint8)),
    max_size=4,
)


@settings(max_examples=30, deadline=None)
@given(profiles, profiles)
def test_a_merge_is_what_would_have_been_built_at_once(old, new) -> None:
    def of(part):
        return Catalogue.of((name, Harmony(profile, 0.0)) for name, profile in part.items())

    merged = Catalogue.merge([of(old), of(new)])
    assert merged.to_bytes() == of(old | new).to_bytes()
    again = Catalogue.from_bytes(merged.to_bytes())
    assert again.recording_ids == tuple(sorted(old | new))
    for number, name in enumerate(again.recording_ids):
        assert np.array_equal(again.profile(number), (old | new)[name])
    kept = Catalogue.merge([merged], keep={"b"})
    assert set(kept.recording_ids) <= {"b"}


def test_a_damaged_file_is_refused_and_one_of_another_pipeline_is_empty(monkeypatch) -> None:
    made = Catalogue.of([("R", performed(FIRST, 0, 35.0))])
    data = made.to_bytes()
    with pytest.raises(PermanentError) as trouble:
        Catalogue.from_bytes(data[:200])
    assert trouble.value.code == "corrupt_features"
    short = Catalogue(["R"], [5], made.profile(0), np.zeros((1, 273), np.float16))
    with pytest.raises(PermanentError):
        Catalogue.from_bytes(short.to_bytes())
    monkeypatch.setattr(module, "PIPELINE", "hm9-other")
    assert len(Catalogue.from_bytes(data)) == 0


# ---- paths --------------------------------------------------------------------------------------------------
def test_paths_do_not_run_from_one_reference_into_the_next(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    piece = rng.integers(0, 256, (120, 12), dtype=np.uint8)
    asked = windows(piece)
    halves = [windows(piece[:60]), windows(piece[60:]), windows(piece[:5])]
    together = longest_paths(asked, halves)
    assert together == [longest_paths(asked, [half])[0] for half in halves]
    monkeypatch.setattr("rightscan.harmony.recurrence._MOST_COLUMNS", 10)
    assert longest_paths(asked, halves) == together
    assert together[0] == pytest.approx(52, abs=2)
    assert together[2] == 0


def test_the_score_rises_with_the_path_and_falls_with_chance() -> None:
    assert score(60, 20, 120, 240) > score(40, 20, 120, 240) > score(40, 30, 120, 240)
    assert chance_level([]) == 1.0
    assert chance_level([5, 9, 7, 3, 8]) == 5
