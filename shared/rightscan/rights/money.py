"""Money: rule profiles as data, exact fractions, integer won by largest remainder.

Everything stays a fraction until one rounding per pool; the parts then sum to the whole exactly.
Domain page, section 4.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import Any, Literal

from rightscan.errors import PermanentError, UsageError
from rightscan.rights import vocabulary
from rightscan.rights.axes import LineupState
from rightscan.rights.lineup import Lineup

NOT_A_PAYEE_PREFIX = "model:"
"""Performer ids of made voices begin with this; a payee is a person or an estate, never a model."""


@dataclass(frozen=True, slots=True)
class RuleProfile:
    """One way to split a recording's money between its performers, valid for a time and a territory.

    ``featured`` and ``non_featured`` are the two pools (summing to 1), ``cap_per_non_featured`` the most
    a single non-featured performer draws before re-allocation. ``no_non_featured`` and ``no_featured``
    say who takes the pool of an empty group.
    """

    rule_id: str
    version: str
    effective_from: dt.date
    effective_to: dt.date | None
    territory: str
    ledgers: tuple[str, ...]
    featured: Fraction
    non_featured: Fraction
    cap_per_non_featured: Fraction | None
    no_non_featured: Literal["featured", "held"]
    no_featured: Literal["non_featured", "held"]
    count: Literal["performer", "role"]
    confirmed: bool
    source: str

    @property
    def rule(self) -> str:
        """``rule_id@version``, as stored with every line."""
        return f"{self.rule_id}@{self.version}"


def parse_profile(row: Mapping[str, Any]) -> RuleProfile:
    """One profile from its data form.

    Raises:
        PermanentError: ``bad_rule_profile`` where the pools do not sum to 1 or an option is not one
            that ``split`` implements.

    """
    pools = {name: Fraction(share) for name, share in row["split"].items()}
    options_known = (
        row["secondary"] == "proportional"
        and row["rounding"] == "largest_remainder"
        and row["no_non_featured"] in ("featured", "held")
        and row["no_featured"] in ("non_featured", "held")
        and row["count"] in ("performer", "role")
    )
    if set(pools) != {"featured", "non_featured"} or sum(pools.values()) != 1 or not options_known:
        raise PermanentError(
            "bad_rule_profile",
            f"rule profile {row['rule_id']}@{row['version']} has pools not summing to 1 or an unknown option",
            "Correct the profile; its file explains the options.",
        )
    start, end = vocabulary.effective_dates(row)
    cap = row["cap_per_non_featured"]
    return RuleProfile(
        rule_id=row["rule_id"],
        version=row["version"],
        effective_from=start,
        effective_to=end,
        territory=row["territory"],
        ledgers=tuple(row["ledger"]),
        featured=pools["featured"],
        non_featured=pools["non_featured"],
        cap_per_non_featured=Fraction(cap) if cap else None,
        no_non_featured=row["no_non_featured"],
        no_featured=row["no_featured"],
        count=row["count"],
        confirmed=row["confirmed"],
        source=row["source"],
    )


@cache
def profiles() -> tuple[RuleProfile, ...]:
    """Return the profiles shipped as ``data/rule_profiles.json``."""
    return tuple(map(parse_profile, vocabulary.load_json("rule_profiles.json")["profiles"]))


def profile_named(rule_id: str, on: dt.date | None = None) -> RuleProfile:
    """Return the version of ``rule_id`` in force on the Korean day ``on`` (None: the one without an end).

    Raises:
        UsageError: ``unknown_rule`` where there is none.

    """
    for profile in profiles():
        if profile.rule_id == rule_id and vocabulary.is_in_force(
            profile.effective_from, profile.effective_to, on
        ):
            return profile
    known = ", ".join(sorted({profile.rule_id for profile in profiles()}))
    raise UsageError("unknown_rule", f"no rule profile {rule_id} in force on {on}", f"Known: {known}.")


@dataclass(frozen=True, slots=True)
class Share:
    """One performer as ``split`` needs them; ``roles`` counts only under a per-role profile."""

    performer_id: str
    featured: bool
    roles: int = 1


def split(profile: RuleProfile, performers: Iterable[Share]) -> dict[str, Fraction]:
    """Compute each performer's part of one recording's money.

    A performer is counted once, however often they are listed, unless the profile counts roles.

    Returns:
        performer_id → fraction, in order of performer_id. The sum is 1, or less by the pool of an empty
        group that the profile holds; 0 performers give an empty result.

    Raises:
        PermanentError: ``featured_conflict`` (one performer both featured and not) or
            ``payee_not_a_person``.

    """
    units = _units(profile, performers)
    featured = sum(count for is_featured, count in units.values() if is_featured)
    non_featured = sum(count for is_featured, count in units.values() if not is_featured)
    each = _each(profile, featured, non_featured)
    return {performer: each[is_featured] * count for performer, (is_featured, count) in units.items()}


def _each(profile: RuleProfile, featured: int, non_featured: int) -> dict[bool, Fraction]:
    """Compute what one featured (True) and one non-featured (False) performer draws, given their numbers."""
    if not featured:
        pool = 1 if profile.no_featured == "non_featured" else profile.non_featured
        return {True: Fraction(0), False: Fraction(pool) / max(non_featured, 1)}
    if not non_featured:
        pool = 1 if profile.no_non_featured == "featured" else profile.featured
        return {True: Fraction(pool) / featured, False: Fraction(0)}
    each_non_featured = profile.non_featured / non_featured
    cap = profile.cap_per_non_featured
    if cap is None or each_non_featured <= cap:
        return {True: profile.featured / featured, False: each_non_featured}
    # The rest goes over all in proportion to what they have: everything divided by the sum of both pools.
    whole = profile.featured + cap * non_featured
    return {True: profile.featured / featured / whole, False: cap / whole}


def _units(profile: RuleProfile, performers: Iterable[Share]) -> dict[str, tuple[bool, int]]:
    """performer_id → (featured, shares taken), by performer_id."""
    units: dict[str, tuple[bool, int]] = {}
    for performer in performers:
        performer_id, featured = performer.performer_id, performer.featured
        if performer_id.casefold().startswith(NOT_A_PAYEE_PREFIX):
            raise PermanentError(
                "payee_not_a_person",
                f"{performer_id} is listed as a performer to be paid",
                "List the natural person who performed, or their estate.",
            )
        known = units.get(performer_id)
        if known and known[0] != featured:
            raise PermanentError(
                "featured_conflict",
                f"performer {performer_id} is listed both as featured and as non-featured",
                "Correct the line-up; until then its money is held.",
            )
        count = performer.roles if profile.count == "role" else 1
        if known and profile.count == "role":
            count += known[1]
        units[performer_id] = (featured, count)
    return dict(sorted(units.items()))


class HoldReason(StrEnum):
    """Why a part of a recording's money is not yet anybody's."""

    NONE = "none"
    LINEUP_INCOMPLETE = "lineup_incomplete"
    LINEUP_CONTRADICTION = "lineup_contradiction"
    FEATURED_UNKNOWN = "featured_unknown"
    EMPTY_GROUP = "empty_group"
    DISPUTE = "dispute"
    CASE_UNDECIDED = "case_undecided"
    NOT_MANDATED = "not_mandated"
    NO_USE = "no_use"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Shares:
    """The parts of one recording's money: ``parts`` and ``held`` sum to exactly 1."""

    parts: Mapping[str, Fraction]
    held: Fraction
    hold_reason: HoldReason
    rule: str


def share_lineup(profile: RuleProfile, lineup: Lineup, on: dt.date | None = None) -> Shares:
    """Split one recording's money over its line-up as known on the Korean day ``on``.

    With an incomplete line-up each known performer gets what is theirs whichever way the missing ones
    turn out to be featured or not (the least over all those cases); the rest is held, so that nobody is
    ever paid what a completed line-up would take back. Where it is not known who is featured, where more
    performers are listed than there were, or where nobody is known, everything is held. A line-up whose
    size was never registered is taken as it stands.

    Raises:
        PermanentError: ``payee_not_a_person``.

    """
    entries = lineup.performers(on)
    completeness = lineup.completeness(on)
    known = [
        Share(entry.performer_id, entry.featured, max(1, len(entry.roles)))
        for entry in entries
        if entry.featured is not None
    ]
    if not entries:
        return Shares({}, Fraction(1), HoldReason.LINEUP_INCOMPLETE, profile.rule)
    if len(known) < len(entries):
        return Shares({}, Fraction(1), HoldReason.FEATURED_UNKNOWN, profile.rule)
    if completeness.state is not LineupState.INCOMPLETE or completeness.size is None:
        return _with_held(profile, split(profile, known), HoldReason.EMPTY_GROUP)
    missing = completeness.size - len(entries)
    if missing < 0:
        return Shares({}, Fraction(1), HoldReason.LINEUP_CONTRADICTION, profile.rule)
    if profile.count == "role":  # how many roles the missing performers have bounds nothing
        return Shares({}, Fraction(1), HoldReason.LINEUP_INCOMPLETE, profile.rule)
    featured = sum(share.featured for share in known)
    cases = [
        _each(profile, featured + joined, len(known) - featured + missing - joined)
        for joined in range(missing + 1)
    ]
    parts = {
        performer: min(case[is_featured] for case in cases)
        for performer, (is_featured, _) in _units(profile, known).items()
    }
    return _with_held(profile, parts, HoldReason.LINEUP_INCOMPLETE)


def _with_held(profile: RuleProfile, parts: dict[str, Fraction], reason: HoldReason) -> Shares:
    held = 1 - sum(parts.values())
    return Shares(parts, Fraction(held), reason if held else HoldReason.NONE, profile.rule)


def largest_remainder(
    weights: Sequence[Fraction | int], total_won: int, tie_keys: Sequence[Any] | None = None
) -> list[int]:
    """Divide ``total_won`` by ``weights`` into whole won that sum to it exactly (Hare quota).

    Each part is its exact quota rounded down; the won left over go to the largest remainders, equal
    remainders in order of ``tie_keys`` (default: position). A negative total mirrors its positive one,
    so that a reversal takes back won by won what was given.

    Raises:
        UsageError: ``bad_weights`` where a weight is negative, the keys do not match, or won have to be
            given out and all weights are 0.

    """
    whole = sum(weights, Fraction(0))
    keys = range(len(weights)) if tie_keys is None else tie_keys
    if any(weight < 0 for weight in weights) or len(keys) != len(weights) or (total_won and not whole):
        raise UsageError(
            "bad_weights",
            f"{total_won} won cannot be divided by {len(weights)} weights with {len(keys)} tie keys",
            "Give weights of at least 0, not all 0, and one tie key for each.",
        )
    if not total_won:
        return [0] * len(weights)
    amount = abs(total_won)
    quotas = [weight * amount / whole for weight in weights]
    won = [int(quota) for quota in quotas]
    order = sorted(range(len(won)), key=lambda i: (won[i] - quotas[i], keys[i]))
    for i in order[: amount - sum(won)]:
        won[i] += 1
    return won if total_won > 0 else [-part for part in won]
