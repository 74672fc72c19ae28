"""Pools and corrections whatever comes in: sums equal inputs, holds move no won, reversals take back won by won."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.errors import PermanentError, UsageError
from rightscan.reporting.columns import sheets
from rightscan.reporting.rows import normalise
from rightscan.rights import vocabulary
from rightscan.rights.corrections import (
    Amounts,
    LineKey,
    LineType,
    MoneyLine,
    adjustment_rows,
    correct,
    standing,
    total,
)
from rightscan.rights.distribution import NOBODY, Stake, distribute
from rightscan.rights.lineup import Lineup, LineupEntry
from rightscan.rights.money import HoldReason, profiles, share_lineup

PEOPLE = [f"P{number}" for number in range(5)]
RECORDINGS = ["R1", "R2", "R3"]
MANY = settings(max_examples=1000, deadline=None)

lineups = st.fixed_dictionaries(
    {
        name: st.tuples(
            st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from([True, False, None]), max_size=4),
            st.none() | st.integers(0, 6),
        )
        for name in RECORDINGS
    }
)
uses = st.lists(
    st.tuples(
        st.sampled_from(RECORDINGS),
        st.integers(0, 5000).map(lambda milli: Fraction(milli, 1000)),
        st.dictionaries(
            st.sampled_from(PEOPLE),
            st.sampled_from([HoldReason.DISPUTE, HoldReason.NOT_MANDATED]),
            max_size=2,
        ),
        st.sampled_from([HoldReason.NONE, HoldReason.NONE, HoldReason.CASE_UNDECIDED]),
    ),
    max_size=6,
)
pools = st.integers(0, 10**12) | st.sampled_from([0, 1, 2, 999_999])


def stakes_of(rule, known, said):
    shares = {
        name: share_lineup(
            rule, Lineup(name, size, tuple(LineupEntry(name, p, featured) for p, featured in entries.items()))
        )
        for name, (entries, size) in known.items()
    }
    return [
        Stake(f"U{number}", name, units, shares[name], holds, hold_all)
        for number, (name, units, holds, hold_all) in enumerate(said)
    ]


def by_person(portions):
    found = {}
    for one in portions:
        key = (one.recording_id, one.performer_id)
        found[key] = found.get(key, 0) + one.won
    return found


# ---- pools ----------------------------------------------------------------------------------------------
@MANY
@given(st.sampled_from(profiles()), lineups, uses, pools, st.data())
def test_a_pool_is_divided_to_the_won(rule, known, said, pool, data):
    stakes = stakes_of(rule, known, said)
    portions = distribute(pool, stakes)
    assert sum(one.won for one in portions) == pool
    assert sum(one.payable for one in portions) + sum(one.held for one in portions) == pool
    assert all(one.won >= 0 and one.payable >= 0 for one in portions)
    if any(stake.units for stake in stakes):
        assert sum(one.weight for one in portions) == 1
        for key, won in by_person(portions).items():
            exact = sum(o.weight for o in portions if (o.recording_id, o.performer_id) == key) * pool
            assert abs(won - exact) < 1
    # The order in which the uses are read decides nothing.
    assert distribute(pool, data.draw(st.permutations(stakes))) == portions


@MANY
@given(st.sampled_from(profiles()), lineups, uses, pools)
def test_a_hold_moves_no_won_between_people(rule, known, said, pool):
    held = distribute(pool, stakes_of(rule, known, said))
    free = distribute(
        pool, stakes_of(rule, known, [(name, units, {}, HoldReason.NONE) for name, units, *_ in said])
    )
    assert by_person(held) == by_person(free)
    for one in held:
        if one.performer_id == NOBODY:
            assert one.held == one.won


def test_equal_remainders_go_by_recording_then_performer_and_to_people_first():
    rule = next(profile for profile in profiles() if profile.rule_id == "KR-5050")
    known = {
        "R1": ({"P0": True, "P1": True}, None),
        "R2": ({"P0": True, "P2": True}, None),
        "R3": ({}, None),
    }
    said = [(name, Fraction(1), {}, HoldReason.NONE) for name in ("R2", "R1")]
    won = [
        (one.recording_id, one.performer_id, one.won) for one in distribute(2, stakes_of(rule, known, said))
    ]
    assert won == [("R1", "P0", 1), ("R1", "P1", 1), ("R2", "P0", 0), ("R2", "P2", 0)]
    (nobody,) = distribute(7, stakes_of(rule, known, [("R3", Fraction(1), {}, HoldReason.NONE)]))
    assert (nobody.performer_id, nobody.held, nobody.hold_reason) == (NOBODY, 7, HoldReason.LINEUP_INCOMPLETE)


def test_a_pool_without_uses_is_held_whole():
    (all_of_it,) = distribute(1_000, [])
    assert (all_of_it.won, all_of_it.hold_reason) == (1_000, HoldReason.NO_USE)
    with pytest.raises(UsageError, match="bad_pool"):
        distribute(-1, [])


def test_every_reason_to_hold_has_words():
    assert set(vocabulary.word_list("hold_reason")) == set(HoldReason)


# ---- corrections ----------------------------------------------------------------------------------------
keys = st.builds(
    LineKey, st.just("remuneration"), st.just("2026-10"), st.sampled_from(RECORDINGS), st.sampled_from(PEOPLE)
)


@st.composite
def amounts(draw):
    gross = draw(st.integers(0, 10**9))
    reason = draw(st.sampled_from([HoldReason.NONE, HoldReason.DISPUTE]))
    held = 0 if reason is HoldReason.NONE else gross
    return Amounts(gross, held, reason.value, Fraction(draw(st.integers(1, 9)), 9), "KR-5050@1")


states = st.lists(st.dictionaries(keys, amounts(), max_size=8), min_size=1, max_size=5)


def rows_from(prefix):
    numbers = itertools.count(1)
    return lambda: f"{prefix}-{next(numbers):07d}"


@MANY
@given(states)
def test_lines_follow_what_is_wanted_and_none_is_ever_edited(wanted_states):
    next_row_id = rows_from("R000001")
    issued = []
    for wanted in wanted_states:
        before = list(issued)
        rows = correct(issued, wanted, reason_code="dispute_adjusted", next_row_id=next_row_id)
        issued = [*issued, *rows]
        assert issued[: len(before)] == before
        assert {key: line.amounts for key, line in standing(issued).items()} == wanted
        assert total(issued) == (sum(a.gross for a in wanted.values()), sum(a.held for a in wanted.values()))
        # What the correction comes to is what sheet 06 adds up to.
        differences = [int(row["difference"]) for row in adjustment_rows(before, rows)]
        assert sum(differences) == total(issued)[0] - total(before)[0]
        assert correct(issued, wanted, reason_code="again", next_row_id=next_row_id) == []
    by_id = {line.row_id: line for line in issued}
    assert len(by_id) == len(issued)
    for line in issued:
        if line.line_type is LineType.REVERSAL:
            taken = by_id[line.supersedes]
            assert line.amounts.gross == -taken.amounts.gross
            assert line.amounts.held == -taken.amounts.held
            assert line.key == taken.key


@MANY
@given(lineups, uses, pools, st.data())
def test_a_corrected_distribution_nets_to_the_pool(known, said, pool, data):
    rule = profiles()[0]
    issued = []
    next_row_id = rows_from("R000002")
    for _ in range(2):
        wanted = {}
        for one in distribute(pool, stakes_of(rule, known, said)):
            key = LineKey("remuneration", "2026-10", one.recording_id, one.performer_id)
            now = wanted.get(key, Amounts(0))
            reason = one.hold_reason.value if one.held else now.hold_reason
            wanted[key] = Amounts(now.gross + one.won, now.held + one.held, reason)
        issued += correct(issued, wanted, reason_code="lineup_corrected", next_row_id=next_row_id)
        assert total(issued)[0] == pool
        known = data.draw(lineups)


KEY = LineKey("remuneration", "2026-10", "R1", "P0")
FIRST = MoneyLine("1", KEY, Amounts(100))
BACK = MoneyLine("2", KEY, Amounts(-100, 0, "none"), LineType.REVERSAL, "1", "x")
NEW = MoneyLine("3", KEY, Amounts(60), LineType.REPLACEMENT, "1", "x")


@pytest.mark.parametrize(
    "lines",
    [
        [FIRST, FIRST],
        [BACK],
        [FIRST, BACK, MoneyLine("4", KEY, Amounts(-100), LineType.REVERSAL, "1", "x")],
        [FIRST, MoneyLine("2", KEY, Amounts(-99), LineType.REVERSAL, "1", "x")],
        [FIRST, MoneyLine("2", KEY, Amounts(100))],
        [FIRST, NEW],
        [FIRST, BACK, NEW, MoneyLine("4", KEY, Amounts(-60), LineType.REVERSAL, "1", "x")],
        [FIRST, BACK, MoneyLine("3", KEY, Amounts(60), LineType.REPLACEMENT, "9", "x")],
    ],
)
def test_lines_that_were_tampered_with_are_refused(lines):
    with pytest.raises(PermanentError, match="broken_lines"):
        standing(lines)


def test_a_correction_needs_a_reason_and_reads_well():
    with pytest.raises(UsageError, match="no_reason"):
        correct([FIRST], {}, reason_code=" ", next_row_id=rows_from("r"))
    rows = correct(
        [FIRST],
        {KEY: Amounts(60, 60, "dispute")},
        reason_code="dispute",
        next_row_id=rows_from("R000003"),
    )
    for number, row in enumerate(adjustment_rows([FIRST], rows), 2):
        normalise(sheets()["06"], row, number)
    assert list(adjustment_rows([FIRST], rows)) == [
        {
            "row_id": "R000003-0000001", "supersedes": "1", "line_type": "reversal", "reason_code": "dispute",
            "old": "100", "difference": "-100",
        },
        {
            "row_id": "R000003-0000002", "supersedes": "1", "line_type": "replacement", "reason_code": "dispute",
            "old": "100", "new": "60 (dispute: 60)", "difference": "+60",
        },
    ]  # fmt: skip
