"""To which ledger and to whom a stored use belongs, by the registers as they are now (late binding)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from fractions import Fraction

from rightscan.jobs.lineups import DEFAULT_RULE, lineup_of, mandate_of
from rightscan.ports import Ports
from rightscan.records.findings import Finding, FindingPerformer, Use
from rightscan.records.money import AttributionChange
from rightscan.rights import attribution, ledgers
from rightscan.rights.codes import Code, code_table
from rightscan.rights.money import profile_named
from rightscan.rights.periods import kst_day


def day_of(use: Use) -> dt.date:
    """The Korean day of the use: what mandates and ledger rules are looked up on."""
    return kst_day(use.facts.posted_at or use.facts.captured_at or use.recorded_at)


def money_route(finding: Finding) -> str:
    """Where the code sends the money of a finding: a word of ``money_routes`` in the code table."""
    return code_table().infos[Code(finding.code)].money_route


def ledger_of(use: Use, finding: Finding, mandates: Iterable[ledgers.Mandate]) -> ledgers.LedgerDecision:
    """The ledger of one use for one performer; a licensed AI use pays from AI licence fees wherever it runs."""
    licensed = money_route(finding) == "ai_licence_ledger"
    use_type = "ai_generation" if licensed else use.facts.use_type or ""
    return ledgers.ledger_for(use_type, use.facts.territory or "", mandates, day_of(use))


def attribution_changes(period: str, ports: Ports) -> list[AttributionChange]:
    """Where the registers of now would attribute the period's stored uses otherwise than their findings did.

    Each finding is attributed anew as on the day it was recorded, under its own rule, so that what differs is
    what was registered, corrected or withdrawn since. Nothing is written: a comparison with cause ``sweep`` does.

    Args:
        period: the KST month the uses are settled in.
        ports: the world.

    Returns:
        By recording, use and performer.

    """
    found = []
    for use in ports.ledger.uses_in_period(period):
        if use.status != "active":
            continue
        finding = next(f for f in ports.ledger.findings(use.media_id) if f.finding_id == use.finding_id)
        found += _changes(use, finding, ports)
    return sorted(found, key=lambda one: (one.recording_id, one.use_id, one.performer_id))


def _changes(use: Use, finding: Finding, ports: Ports) -> list[AttributionChange]:
    day = kst_day(finding.recorded_at)
    rule_id = (finding.rule or DEFAULT_RULE).partition("@")[0]
    now = lineup_of(ports.ledger, use.recording_id, profile_named(rule_id, day), day, finding.stem)
    differences = attribution.changes(map(_attributed, finding.performers), map(_attributed, now.performers))
    return [_change(use, finding, one, ports) for one in differences]


def _attributed(performer: FindingPerformer) -> attribution.Attributed:
    num, den = performer.weight_num, performer.weight_den
    weight = None if num is None or den is None else Fraction(num, den)
    return attribution.Attributed(performer.performer_id, performer.mandate, performer.featured, weight)


def _change(use: Use, finding: Finding, one: attribution.Change, ports: Ports) -> AttributionChange:
    before, after = one.before, one.after
    decision = ledger_of(use, finding, map(mandate_of, ports.ledger.mandates(one.performer_id)))
    return AttributionChange(
        use_id=use.use_id,
        recording_id=use.recording_id,
        performer_id=one.performer_id,
        what=one.what,
        mandate_before=None if before is None else before.mandate,
        mandate_now=None if after is None else after.mandate,
        featured_before=None if before is None else before.featured,
        featured_now=None if after is None else after.featured,
        weight_before=_said(before),
        weight_now=_said(after),
        ledger_now=None if after is None or decision.ledger is None else decision.ledger.value,
    )


def _said(one: attribution.Attributed | None) -> str | None:
    return None if one is None or one.weight is None else f"{one.weight.numerator}/{one.weight.denominator}"
