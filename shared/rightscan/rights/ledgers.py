"""Which ledger a use is paid from (징수구분), and whom KMPU acts for on a day.

Statutory remuneration also reaches non-members; trust licences are for members only. The rules are
dated data; what no rule covers has no ledger and a reason, never a guess.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from rightscan.rights import vocabulary


class Ledger(StrEnum):
    """사용료, 보상금 or AI이용허락료."""

    LICENCE_FEE = "licence_fee"
    REMUNERATION = "remuneration"
    AI_LICENCE_FEE = "ai_licence_fee"


class MandateKind(StrEnum):
    """회원, 비회원 or 해외."""

    MEMBER = "member"
    NON_MEMBER = "non_member"
    RECIPROCAL = "reciprocal"


@dataclass(frozen=True, slots=True)
class Mandate:
    """From when to when (Korean days, both included; None: open), where and for what KMPU acts.

    Empty ``ledgers`` or ``territories`` mean all.
    """

    performer_id: str
    kind: MandateKind
    ledgers: tuple[Ledger, ...] = ()
    territories: tuple[str, ...] = ()
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None


@dataclass(frozen=True, slots=True)
class LedgerRule:
    """One row of the ledger table; empty ``territories`` mean all."""

    rule_id: str
    use_types: frozenset[str]
    territories: frozenset[str]
    mandates: frozenset[MandateKind]
    ledger: Ledger
    effective_from: dt.date
    effective_to: dt.date | None


class NoLedger(StrEnum):
    """Why a use has no ledger."""

    NO_USE_TYPE = "no_use_type"
    NO_TERRITORY = "no_territory"
    NO_RULE = "no_rule"
    NOT_MANDATED = "not_mandated"


@dataclass(frozen=True, slots=True)
class LedgerDecision:
    """The ledger of one use and performer with the mandate it rests on; ``ledger`` None has a ``reason``."""

    ledger: Ledger | None
    mandate: MandateKind
    rule_id: str
    reason: NoLedger | None


@cache
def ledger_rules() -> tuple[LedgerRule, ...]:
    """Return the rules shipped as ``data/ledgers.json``."""
    return tuple(
        LedgerRule(
            row["rule_id"],
            frozenset(row["use_types"]),
            frozenset(row["territories"]),
            frozenset(map(MandateKind, row["mandates"])),
            Ledger(row["ledger"]),
            *vocabulary.effective_dates(row),
        )
        for row in vocabulary.load_json("ledgers.json")["rules"]
    )


def mandate_status(
    mandates: Iterable[Mandate], on: dt.date, *, ledger: Ledger | None = None, territory: str = ""
) -> MandateKind:
    """Find the mandate of one performer on the Korean day ``on``.

    Args:
        mandates: this performer's mandates.
        on: Korean day of the use.
        ledger: count only mandates that cover it; None: any.
        territory: ISO 3166-1 alpha-2 code; count only mandates that cover it; empty: any.

    Returns:
        Member before reciprocal where two mandates overlap; non-member where none is in force.

    """
    kinds = {
        mandate.kind
        for mandate in mandates
        if vocabulary.is_in_force(mandate.valid_from, mandate.valid_to, on)
        and (ledger is None or not mandate.ledgers or ledger in mandate.ledgers)
        and (not territory or not mandate.territories or territory in mandate.territories)
    }
    for kind in (MandateKind.MEMBER, MandateKind.RECIPROCAL):
        if kind in kinds:
            return kind
    return MandateKind.NON_MEMBER


def ledger_for(use_type: str, territory: str, mandates: Iterable[Mandate], on: dt.date) -> LedgerDecision:
    """Find the ledger of one use for one performer.

    Args:
        use_type: code of the ``use_type`` list; empty or unknown gives no ledger.
        territory: ISO 3166-1 alpha-2 code of the use; empty gives no ledger, except where a rule holds
            everywhere.
        mandates: the performer's mandates; none makes them a non-member.
        on: Korean day of the use.

    """
    mandates = tuple(mandates)
    status = mandate_status(mandates, on, territory=territory)
    if use_type not in vocabulary.word_list("use_type"):
        return LedgerDecision(None, status, "", NoLedger.NO_USE_TYPE)
    covered = False
    for rule in ledger_rules():
        if (
            use_type not in rule.use_types
            or (rule.territories and territory not in rule.territories)
            or not vocabulary.is_in_force(rule.effective_from, rule.effective_to, on)
        ):
            continue
        covered = True
        status = mandate_status(mandates, on, ledger=rule.ledger, territory=territory)
        if status in rule.mandates:
            return LedgerDecision(rule.ledger, status, rule.rule_id, None)
    if covered:
        return LedgerDecision(None, status, "", NoLedger.NOT_MANDATED)
    return LedgerDecision(None, status, "", NoLedger.NO_RULE if territory else NoLedger.NO_TERRITORY)
