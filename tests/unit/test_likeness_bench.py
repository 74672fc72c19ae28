"""The bench of voices counts people, not clips, and its lines are worth what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from bench.likeness import report
from bench.likeness.material import Recording, Stretch, joined, stretches
from bench.likeness.measures import Trials, cllr, eer, eer_with_interval, line
from bench.likeness.pairs import against_rest, every_pair
from bench.likeness.run import Crossed, Rate, Row
from bench.sound import RATE

from rightscan.likeness import Cohort


def trials(people: int = 30, gap: float = 3.0, seed: int = 1) -> Trials:
    """Three trials of everybody with themself, one of every pair; scores of width 1 and a gap between."""
    rng = np.random.default_rng(seed)
    same = np.repeat(np.arange(people), 3)
    a, b = np.triu_indices(people, 1)
    scores = np.concatenate([rng.normal(gap, 1, same.size), rng.normal(0, 1, a.size)])
    return Trials(scores, np.concatenate([same, a]), np.concatenate([same, b]))


def test_the_error_rate_is_where_both_errors_meet():
    wanted = 0.5 * math.erfc(1.5 / math.sqrt(2))  # two normal distributions three widths apart
    rate = eer_with_interval(trials(200), draws=60)
    assert rate.value == pytest.approx(wanted, abs=0.02)
    assert rate.low < wanted < rate.high
    assert eer(trials(40, gap=50.0)) == 0
    assert eer(trials(40, gap=0.0)) == pytest.approx(0.5, abs=0.08)
    flat = trials(20)
    assert eer(Trials(np.zeros(flat.scores.size), flat.left, flat.right)) == pytest.approx(0.5)


def test_every_person_counts_the_same():
    base = trials(20)
    many = np.full(400, 7)  # one person with four hundred failed trials more
    loaded = Trials(
        np.concatenate([base.scores, np.full(400, -9.0)]),
        np.concatenate([base.left, many]),
        np.concatenate([base.right, many]),
    )
    assert eer(loaded) <= eer(base) + 0.06
    assert np.allclose(np.bincount(base.left[base.same], base.weights[base.same]), 1)


def test_without_both_kinds_there_is_no_rate():
    base = trials(5)
    assert math.isnan(eer(base.some(base.same)))
    assert math.isnan(cllr(base.scores, np.ones(base.scores.size, bool), base.weights))


def test_a_fitted_line_is_calibrated_and_a_wrong_one_costs():
    learnt, asked = trials(200, seed=2), trials(200, seed=3)
    offset, slope = line(learnt)
    # Normal distributions of one width: log LR = gap * (x - gap / 2).
    assert slope == pytest.approx(3.0 / math.log(10), rel=0.15)
    assert offset == pytest.approx(-4.5 / math.log(10), rel=0.2)
    good = cllr(offset + slope * asked.scores, asked.same, asked.weights)
    assert good < 0.35
    assert cllr(3 * (offset + slope * asked.scores) + 2, asked.same, asked.weights) > good
    assert cllr(np.zeros(asked.scores.size), asked.same, asked.weights) == pytest.approx(1.0)


def stretch(person: str, recording: str, group: str | None = None) -> Stretch:
    return Stretch(person, group or person, (recording,), "speaking", "en", np.zeros(4, np.float32))


PIECES = [
    stretch("a", "a1", "g"),
    stretch("a", "a1", "g"),
    stretch("a", "a2", "g"),
    stretch("b", "b1", "g"),
    stretch("c", "c1"),
]
ROWS = np.random.default_rng(5).standard_normal((5, 8)).astype(np.float32)
ROWS /= np.linalg.norm(ROWS, axis=1, keepdims=True)
COHORT = Cohort(np.random.default_rng(6).standard_normal((30, 8)).astype(np.float32))


def test_pairs_leave_out_those_who_may_be_one_person_and_the_stretch_itself():
    whole = every_pair(PIECES, COHORT, ROWS, ROWS)
    assert (int(whole.same.sum()), int((~whole.same).sum())) == (3, 4)
    between = every_pair(PIECES, COHORT, ROWS, ROWS, between=True)
    assert int(between.same.sum()) == 2
    worn = every_pair(PIECES, COHORT, ROWS + 0, ROWS)
    assert (int(worn.same.sum()), int((~worn.same).sum())) == (6, 8)


def test_a_template_is_of_other_recordings_where_there_are_some():
    found = against_rest(PIECES, COHORT, ROWS, ROWS)
    assert int(found.same.sum()) == 3  # b and c have nothing else to make a template of
    rest = COHORT.scores(ROWS[:1], ROWS[2:3])[0, 0]
    assert found.scores[0] == pytest.approx(float(rest), abs=1e-4)


def test_recordings_are_cut_and_joined():
    sound = np.arange(int(9.5 * RATE), dtype=np.float32)
    one = Recording("a", "a", "a1", "speaking", "en", sound)
    assert [piece.sound.size for piece in stretches([one], 4.0)] == [4 * RATE, 4 * RATE]
    assert [piece.sound.size for piece in stretches([one], 4.0, 1.0)] == [
        4 * RATE,
        4 * RATE,
        round(1.5 * RATE),
    ]
    two = Recording("a", "a", "a2", "speaking", "en", sound)
    whole = joined([one, two], 8.0)
    assert [piece.recordings for piece in whole] == [("a1",), ("a1", "a2")]


def test_the_table_says_what_was_not_measured():
    nothing = Rate(math.nan, math.nan, math.nan)
    rows = [
        Row(
            "encoder", "clean", "pairs", 9, 20, 1_234, Rate(0.0512, 0.03, 0.08), Crossed(0.31, 0.6, 0.0012)
        ).told(),
        Row(
            "log-mel statistics",
            "clean",
            "pairs",
            9,
            20,
            1_234,
            nothing,
            Crossed(math.nan, math.nan, math.nan),
        ).told(),
    ]
    head = {"encoder": "voices@1", "date": "2026-11-27", "command": "c", "machine": "m"}
    table = report.lines({"head": head, "rows": rows})[-1]
    assert table == "| clean | pairs | 9 | 20 | 1,234 | 5.1 (3.0 to 8.0) | 0.31 | 60, 0.12 | – | – |"
