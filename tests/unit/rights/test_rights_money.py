"""Domain section 4's table, to the won, and who is paid when a line-up is not whole."""

import copy
import datetime as dt
from fractions import Fraction

import pytest

from rightscan.errors import PermanentError, UsageError
from rightscan.rights import vocabulary
from rightscan.rights.lineup import Lineup, LineupEntry
from rightscan.rights.money import (
    HoldReason,
    Share,
    largest_remainder,
    parse_profile,
    profile_named,
    share_lineup,
    split,
)


def pay(rule, featured, non_featured, total=1_000_000):
    performers = [Share(f"F{i:02}", True) for i in range(featured)]
    performers += [Share(f"N{i:02}", False) for i in range(non_featured)]
    parts = split(profile_named(rule), performers)
    won = largest_remainder(list(parts.values()), total, list(parts))
    assert sum(parts.values()) == 1
    assert sum(won) == total
    return won[:featured], won[featured:]


@pytest.mark.parametrize(
    ("rule", "n", "each_featured", "non_featured"),
    [
        ("KR-5050", 0, 500_000, []),
        ("KR-5050", 1, 250_000, [500_000]),
        ("KR-5050", 3, 250_000, [166_667] * 2 + [166_666]),
        ("KR-5050", 7, 250_000, [71_429] * 4 + [71_428] * 3),
        ("UK-PPL", 0, 500_000, []),
        ("UK-PPL", 1, 451_389, [97_222]),
        ("UK-PPL", 3, 377_907, [81_396] + [81_395] * 2),
        ("UK-PPL", 7, 325_000, [50_000] * 7),
        ("US-95/5", 0, 500_000, []),
        ("US-95/5", 1, 475_000, [50_000]),
        ("US-95/5", 3, 475_000, [16_667] * 2 + [16_666]),
        ("US-95/5", 7, 475_000, [7_143] * 6 + [7_142]),
    ],
)
def test_the_table_of_the_domain_page(rule, n, each_featured, non_featured):
    assert pay(rule, 2, n) == ([each_featured] * 2, non_featured)


def test_ppls_published_example():
    parts = split(profile_named("UK-PPL"), [Share("F", True), Share("N", False)])
    assert parts == {"F": Fraction(65, 72), "N": Fraction(7, 72)}
    assert [int(part * 10_000_000) for part in parts.values()] == [9_027_777, 972_222]


def test_a_performer_is_counted_once_whatever_the_number_of_roles():
    once = split(profile_named("KR-5050"), [Share("A", True), Share("B", True)])
    often = split(profile_named("KR-5050"), [Share("A", True), Share("B", True, roles=3), Share("A", True)])
    assert once == often == {"A": Fraction(1, 2), "B": Fraction(1, 2)}


def test_a_rule_may_count_roles():
    row = copy.deepcopy(vocabulary.load_json("rule_profiles.json")["profiles"][0])
    row["count"] = "role"
    parts = split(parse_profile(row), [Share("A", True), Share("B", True, roles=3)])
    assert parts == {"A": Fraction(1, 4), "B": Fraction(3, 4)}


def test_contradictions_and_models_are_refused():
    with pytest.raises(PermanentError, match="featured_conflict"):
        split(profile_named("KR-5050"), [Share("A", True), Share("A", False)])
    with pytest.raises(PermanentError, match="payee_not_a_person"):
        split(profile_named("KR-5050"), [Share("model:singer-1", True)])


def test_nobody_listed_gets_nothing():
    assert split(profile_named("KR-5050"), []) == {}


@pytest.mark.parametrize(
    "change", [{"split": {"featured": "1/2", "non_featured": "1/3"}}, {"rounding": "up"}, {"count": "song"}]
)
def test_a_bad_profile_is_refused(change):
    row = copy.deepcopy(vocabulary.load_json("rule_profiles.json")["profiles"][0]) | change
    with pytest.raises(PermanentError, match="bad_rule_profile"):
        parse_profile(row)


def test_profiles_are_dated_and_named_with_their_version():
    profile = profile_named("KR-5050", dt.date(2026, 10, 31))
    assert profile.rule == "KR-5050@1"
    with pytest.raises(UsageError, match="unknown_rule"):
        profile_named("KR-5050", dt.date(1990, 1, 1))
    with pytest.raises(UsageError, match="unknown_rule"):
        profile_named("XX")


def lineup(size, **featured):
    return Lineup("R", size, tuple(LineupEntry("R", name, value) for name, value in featured.items()))


def test_a_whole_line_up_holds_nothing():
    shares = share_lineup(profile_named("KR-5050"), lineup(3, a=True, b=False, c=False))
    assert shares.parts == {"a": Fraction(1, 2), "b": Fraction(1, 4), "c": Fraction(1, 4)}
    assert (shares.held, shares.hold_reason, shares.rule) == (0, HoldReason.NONE, "KR-5050@1")


def test_a_line_up_without_a_registered_size_is_taken_as_it_stands():
    assert share_lineup(profile_named("KR-5050"), lineup(None, a=True)).parts == {"a": 1}


def test_an_incomplete_line_up_pays_what_is_certain_and_holds_the_rest():
    shares = share_lineup(profile_named("KR-5050"), lineup(3, a=True, b=True))
    # The third is featured: a third each. The third is a session player: a quarter each.
    assert shares.parts == {"a": Fraction(1, 4), "b": Fraction(1, 4)}
    assert (shares.held, shares.hold_reason) == (Fraction(1, 2), HoldReason.LINEUP_INCOMPLETE)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        (lineup(3), HoldReason.LINEUP_INCOMPLETE),
        (lineup(1, a=True, b=True), HoldReason.LINEUP_CONTRADICTION),
        (lineup(2, a=True, b=None), HoldReason.FEATURED_UNKNOWN),
        (lineup(None, a=None), HoldReason.FEATURED_UNKNOWN),
    ],
)
def test_what_is_not_known_is_held_as_a_whole(entries, reason):
    shares = share_lineup(profile_named("KR-5050"), entries)
    assert (shares.parts, shares.held, shares.hold_reason) == ({}, 1, reason)


def test_the_pool_of_an_empty_group_is_held_where_no_rule_gives_it_away():
    shares = share_lineup(profile_named("US-95/5"), lineup(1, a=False))
    assert shares.parts == {"a": Fraction(5, 100)}
    assert (shares.held, shares.hold_reason) == (Fraction(95, 100), HoldReason.EMPTY_GROUP)


def test_ties_go_by_key_and_a_reversal_mirrors_the_payment():
    assert largest_remainder([1, 1, 1], 100, ["c", "a", "b"]) == [33, 34, 33]
    assert largest_remainder([1, 1, 1], -100, ["c", "a", "b"]) == [-33, -34, -33]
    assert largest_remainder([], 0) == []
    assert largest_remainder([0, 0], 0) == [0, 0]


@pytest.mark.parametrize(
    ("weights", "keys"), [([], None), ([0, 0], None), ([1, -1], None), ([1], ["a", "b"])]
)
def test_impossible_divisions_are_refused(weights, keys):
    with pytest.raises(UsageError, match="bad_weights"):
        largest_remainder(weights, 10, keys)
