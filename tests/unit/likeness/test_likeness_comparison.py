"""Who a voice may be: scores against a cohort, ratios that are capped, alternatives, conditions, levels."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import speakers
from rightscan.errors import PermanentError
from rightscan.likeness import Calibration, Cohort, Template, compare
from rightscan.models.card import read_card

SIZE = 24


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


COHORT = Cohort(unit(np.random.default_rng(7).standard_normal((80, SIZE)) + 0.5))


def voice(seed: int, count: int = 3, noise: float = 0.2) -> np.ndarray:
    """float32[count, SIZE] of one voice among those of the cohort."""
    rng = np.random.default_rng(seed)
    return unit(rng.standard_normal(SIZE) + 0.5 + noise * rng.standard_normal((count, SIZE)))


def template(seed: int, register: str = "speaking", model: str = "tiny-voices@1") -> Template:
    return Template(register, unit(voice(seed, 6).sum(axis=0)), 3, 40.0, model)


@pytest.fixture(scope="module")
def calibration(tmp_path_factory):
    return Calibration.of(read_card(speakers.ge2e_like(tmp_path_factory.mktemp("card"))))


def people(*seeds: int) -> dict[str, list[Template]]:
    return {f"p{seed}": [template(seed)] for seed in seeds}


def test_the_right_person_is_strong_and_others_stand_beside(calibration):
    found = compare(speakers.voice_print(voice(1)), people(1, 2, 3, 4, 5, 6), COHORT, calibration)
    assert found.best.pseudonym == "p1"
    assert (found.level, found.conditions) == ("strong", ())
    assert len(found.alternatives) == 3
    ratios = [found.best.log10_lr, *(one.log10_lr for one in found.alternatives)]
    assert ratios == sorted(ratios, reverse=True)
    assert found.best.seconds == pytest.approx(12.0)


def test_a_stranger_is_no_match_and_the_best_is_still_shown(calibration):
    found = compare(speakers.voice_print(voice(40)), people(1, 2, 3), COHORT, calibration)
    assert found.level == "no_match"
    assert found.best is not None
    assert len(found.alternatives) == 2


def test_no_ratio_goes_beyond_the_trials(calibration):
    few = dataclasses.replace(calibration, trials=20)
    found = compare(speakers.voice_print(voice(1)), people(1, 4), COHORT, few)
    assert found.best.log10_lr == pytest.approx(math.log10(20), abs=1e-3)
    assert found.alternatives[0].log10_lr == pytest.approx(-math.log10(20), abs=1e-3)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"bandwidth_hz": 2_000.0}, "bandwidth"),
        ({"snr_db": 5.0}, "noise"),
        ({"backing": 0.9}, "backing"),
        ({"register": "singing"}, "singing"),
    ],
)
def test_outside_the_validated_conditions_nobody_is_more_than_a_candidate(calibration, changes, word):
    found = compare(speakers.voice_print(voice(1), **changes), people(1, 2), COHORT, calibration)
    assert found.level == "candidate"
    assert word in found.conditions


def test_little_voice_is_a_condition_and_none_is_not_tested(calibration):
    short = speakers.voice_print(voice(1, 1), voiced_s=1.5)
    assert "duration" in compare(short, people(1), COHORT, calibration).conditions
    for silent in (
        speakers.voice_print(voice(1, 1), voiced_s=0.2),
        speakers.voice_print(voice(1), segments=()),
    ):
        found = compare(silent, people(1), COHORT, calibration)
        assert (found.best, found.level, found.conditions) == (None, "not_tested", ("duration",))
    found = compare(speakers.voice_print(voice(1)), {}, COHORT, calibration)
    assert (found.best, found.level, found.conditions) == (None, "not_tested", ())


def test_a_template_of_the_same_register_is_taken_and_another_is_named(calibration):
    both = {"p1": [template(9, "singing"), template(1, "speaking")]}
    found = compare(speakers.voice_print(voice(1)), both, COHORT, calibration)
    assert (found.best.register, "register" in found.conditions, found.level) == ("speaking", False, "strong")
    only = {"p1": [template(1, "singing")]}
    found = compare(speakers.voice_print(voice(1)), only, COHORT, calibration)
    assert (found.conditions, found.level) == (("register",), "candidate")


def test_two_performers_who_fit_alike_are_both_candidates(calibration):
    twin = Template("speaking", unit(template(1).embedding + 0.01), 3, 40.0, "tiny-voices@1")
    found = compare(speakers.voice_print(voice(1)), {"a": [template(1)], "b": [twin]}, COHORT, calibration)
    assert (found.level, found.conditions) == ("candidate", ("close_alternative",))


def test_each_voice_of_a_file_is_asked_and_pays_for_the_others(calibration):
    alone = compare(speakers.voice_print(voice(1)), people(1, 2), COHORT, calibration)
    both = speakers.voice_print(np.concatenate([voice(1), voice(30)]), spread=0.6)
    found = compare(both, people(1, 2), COHORT, calibration)
    assert found.best.pseudonym == "p1"
    assert "several_voices" in found.conditions
    assert found.best.seconds == pytest.approx(12.0)
    assert alone.best.score == pytest.approx(found.best.score, abs=0.01)


def test_templates_of_another_encoder_are_an_error(calibration):
    with pytest.raises(PermanentError) as error:
        compare(speakers.voice_print(voice(1)), {"p1": [template(1, model="voices@2")]}, COHORT, calibration)
    assert error.value.code == "model_mismatch"


def test_scores_do_not_depend_on_who_else_is_asked_about():
    queries, templates = voice(1, 4), voice(2, 3)
    whole = COHORT.scores(queries, templates)
    assert np.allclose(whole[1:2, 2:], COHORT.scores(queries[1:2], templates[2:]), atol=1e-4)
    assert np.allclose(whole.T, COHORT.scores(templates, queries), atol=1e-4)


def test_strangers_score_around_nothing_and_a_person_far_above():
    strangers = COHORT.scores(voice(50, 1), np.concatenate([voice(seed, 1) for seed in range(51, 90)]))
    assert strangers.mean() < 1
    assert COHORT.scores(voice(1, 1), voice(1, 6)[5:])[0, 0] > strangers.max()


def test_the_line_is_mixed_between_lengths_and_held_beyond(calibration):
    assert calibration.log10_lr(2.0, 1.0) == pytest.approx(-1.0)
    assert calibration.log10_lr(2.0, 6.0) == pytest.approx(-0.5)
    assert calibration.log10_lr(2.0, 60.0) == pytest.approx(0.0)


@pytest.mark.parametrize(
    "change",
    [
        {"slopes": [1.0]},
        {"slopes": [0.0, 1.0]},
        {"seconds": [8.0, 4.0]},
        {"offsets": ["a", 1.0]},
        {"seconds": None},
    ],
)
def test_an_incomplete_calibration_is_refused(tmp_path, change):
    card = read_card(speakers.ge2e_like(tmp_path))
    broken = dataclasses.replace(card, calibration={**card.calibration, **change})
    with pytest.raises(PermanentError) as error:
        Calibration.of(broken)
    assert error.value.code == "bad_model_card"
