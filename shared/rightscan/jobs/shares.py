"""Won per performer: the stored uses of a month, the registers of now, a pool for each ledger."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from rightscan.jobs.attribution import ledger_of, money_route
from rightscan.jobs.cases import case_of
from rightscan.jobs.dispute import disputes_over
from rightscan.jobs.lineups import DEFAULT_RULE, KnownLineup, lineup_of, mandate_of
from rightscan.ports import Ports
from rightscan.records.findings import Finding, Use
from rightscan.records.money import PerformerTotal, PoolShares, ShareRow
from rightscan.records.registers import Performer
from rightscan.records.reviews import Dispute
from rightscan.rights.distribution import NOBODY, Portion, Stake, distribute
from rightscan.rights.ledgers import Ledger, Mandate, MandateKind
from rightscan.rights.money import HoldReason, RuleProfile, profile_named
from rightscan.rights.periods import kst_day, month_bounds

Basis = Literal["use_count", "seconds_used"]
"""What the money follows."""

_PAID_ROUTES = frozenset(
    {"usage_line", "usage_line_flagged", "held_share", "usage_line_held", "ai_licence_ledger"}
)
_UNTIL_DECIDED = "usage_line_held"


def shares(
    period: str,
    pools: Mapping[Ledger, int],
    ports: Ports,
    *,
    rule: str = DEFAULT_RULE,
    basis: Basis = "use_count",
) -> list[PoolShares]:
    """Divide the pools of a month over the performers of its uses.

    Line-ups, mandates and disputes are read as they stand now: what is registered late counts from then on.
    Mandates are those of the use's Korean day; line-ups are as known today; the rule is that of the month's last
    day. A use that has no ledger, or happened in another month, takes no part and is counted.

    Args:
        period: KST month.
        pools: whole won by ledger.
        ports: the world.
        rule: id of the rule profile.
        basis: what the money follows.

    Returns:
        One result per pool, in the order given; the rows of each sum to its pool exactly.

    Raises:
        UsageError: ``bad_period``, ``unknown_rule``, ``bad_pool``.

    """
    _, end = month_bounds(period)
    profile = profile_named(rule, kst_day(end - dt.timedelta(seconds=1)))
    gathered = _Gathering(profile, basis, ports)
    for use in ports.ledger.uses_in_period(period):
        if use.status == "active":
            gathered.add(use, period)
    return [gathered.divided(period, ledger, won) for ledger, won in pools.items()]


@dataclass
class _Gathering:
    """The stakes of a month by ledger, and the registers read for them."""

    profile: RuleProfile
    basis: Basis
    ports: Ports
    stakes: dict[Ledger, list[Stake]] = field(default_factory=dict)
    no_ledger: int = 0
    other_periods: int = 0
    _lineups: dict[tuple[str, str | None], KnownLineup] = field(default_factory=dict)
    _disputes: dict[str, list[Dispute]] = field(default_factory=dict)
    _mandates: dict[str, tuple[Mandate, ...]] = field(default_factory=dict)
    _kinds: dict[tuple[Ledger, str], set[MandateKind]] = field(default_factory=dict)

    def add(self, use: Use, period: str) -> None:
        """Take one active use, if money follows it."""
        finding = next(f for f in self.ports.ledger.findings(use.media_id) if f.finding_id == use.finding_id)
        if money_route(finding) not in _PAID_ROUTES:
            return
        if use.use_period != period:
            self.other_periods += 1
            return
        # The ledger that the use belongs to is that of a member everywhere; who has no claim on it is held.
        ledger = ledger_of(use, finding, [Mandate("", MandateKind.MEMBER)]).ledger
        if ledger is None:
            self.no_ledger += 1
            return
        self.stakes.setdefault(ledger, []).append(self._stake(use, finding, ledger))

    def _stake(self, use: Use, finding: Finding, ledger: Ledger) -> Stake:
        lineup = self._lineup(use.recording_id, finding.stem)
        holds = self._unmandated(use, finding, ledger, lineup)
        hold_all = HoldReason.CONFLICT if finding.contested_by else self._case_hold(finding)
        for dispute in self._open_disputes(use):
            if dispute.whole:
                hold_all = HoldReason.DISPUTE
            holds[dispute.performer_id] = HoldReason.DISPUTE
        units = Fraction(use.use_count if self.basis == "use_count" else str(use.seconds_used))
        return Stake(use.use_id, use.recording_id, units, lineup.shares, holds, hold_all)

    def _unmandated(
        self, use: Use, finding: Finding, ledger: Ledger, lineup: KnownLineup
    ) -> dict[str, HoldReason]:
        """The performers of a use for whom the society does not act in its ledger."""
        found = {}
        for performer in lineup.performers:
            decision = ledger_of(use, finding, self._mandates_of(performer.performer_id))
            self._kinds.setdefault((ledger, performer.performer_id), set()).add(decision.mandate)
            if decision.ledger is not ledger:
                found[performer.performer_id] = HoldReason.NOT_MANDATED
        return found

    def _case_hold(self, finding: Finding) -> HoldReason:
        if money_route(finding) != _UNTIL_DECIDED:
            return HoldReason.NONE
        case = case_of(finding, self.ports.ledger.cases(finding.media_id))
        return HoldReason.NONE if case is not None and case.state.decided else HoldReason.CASE_UNDECIDED

    def _open_disputes(self, use: Use) -> Iterable[Dispute]:
        if use.recording_id not in self._disputes:
            self._disputes[use.recording_id] = [
                one for one in disputes_over(use.recording_id, self.ports.ledger) if one.state.holds
            ]
        return (one for one in self._disputes[use.recording_id] if one.use_id in (None, use.use_id))

    def _lineup(self, recording_id: str, stem: str | None) -> KnownLineup:
        key = recording_id, stem
        if key not in self._lineups:
            today = kst_day(self.ports.clock.now())
            self._lineups[key] = lineup_of(self.ports.ledger, recording_id, self.profile, today, stem)
        return self._lineups[key]

    def _mandates_of(self, performer_id: str) -> tuple[Mandate, ...]:
        if performer_id not in self._mandates:
            self._mandates[performer_id] = tuple(map(mandate_of, self.ports.ledger.mandates(performer_id)))
        return self._mandates[performer_id]

    # ---- one pool ----
    def divided(self, period: str, ledger: Ledger, won: int) -> PoolShares:
        """The pool of one ledger over its stakes."""
        stakes = self.stakes.get(ledger, [])
        portions = distribute(won, stakes)
        people = {one.performer_id: self.ports.ledger.performer(one.performer_id) for one in portions}
        rows = tuple(self._row(ledger, one, people[one.performer_id]) for one in portions)
        return PoolShares(
            period=period,
            ledger=ledger.value,
            pool=won,
            rule=self.profile.rule,
            basis=self.basis,
            uses=len(stakes),
            units=float(sum((stake.units for stake in stakes), Fraction(0))),
            payable=sum(row.payable for row in rows),
            held=sum(row.held for row in rows),
            performers=_totals(rows, people),
            rows=rows,
            no_ledger=self.no_ledger,
            other_periods=self.other_periods,
        )

    def _row(self, ledger: Ledger, one: Portion, performer: Performer | None) -> ShareRow:
        known = (lineup for (name, _), lineup in self._lineups.items() if name == one.recording_id)
        recording = next((lineup.recording for lineup in known), None)
        return ShareRow(
            recording_id=one.recording_id or None,
            title=None if recording is None else recording.title,
            performer_id=one.performer_id or None,
            member_no=None if performer is None else performer.member_no,
            name_ko=None if performer is None else performer.name_ko,
            mandate=self._mandate_word(ledger, one.performer_id),
            ledger=ledger.value,
            units=float(one.units),
            weight_num=one.weight.numerator,
            weight_den=one.weight.denominator,
            gross=one.won,
            held=one.held,
            hold_reason=one.hold_reason.value,
            payable=one.payable,
            rule=self.profile.rule,
            use_ids=one.use_ids,
        )

    def _mandate_word(self, ledger: Ledger, performer_id: str) -> str | None:
        """The mandate of a performer in a ledger; none where it changed within the month."""
        kinds = self._kinds.get((ledger, performer_id), set())
        return next(iter(kinds)).value if len(kinds) == 1 else None


def _totals(rows: Iterable[ShareRow], people: Mapping[str, Performer | None]) -> tuple[PerformerTotal, ...]:
    """Won per performer, by performer_id; nobody's money last."""
    by_performer: dict[str, list[ShareRow]] = {}
    for row in rows:
        by_performer.setdefault(row.performer_id or NOBODY, []).append(row)
    totals = []
    for performer_id, own in sorted(by_performer.items(), key=lambda entry: (entry[0] == NOBODY, entry[0])):
        performer = people[performer_id]
        mandates = {row.mandate for row in own}
        totals.append(
            PerformerTotal(
                performer_id=performer_id or None,
                name_ko=None if performer is None else performer.name_ko,
                name_roman=None if performer is None else performer.name_roman,
                mandate=mandates.pop() if len(mandates) == 1 else None,
                gross=sum(row.gross for row in own),
                held=sum(row.held for row in own),
                payable=sum(row.payable for row in own),
                hold_reasons=tuple(sorted({row.hold_reason for row in own if row.held})),
            )
        )
    return tuple(totals)
