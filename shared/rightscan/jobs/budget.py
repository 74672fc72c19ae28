"""The spend and volume guard: sweeps and backfill slow down before anything touches live scans."""

from __future__ import annotations

from datetime import timedelta

from rightscan.jobs.count import UNITS
from rightscan.ports import Ports
from rightscan.rights.periods import KST


def units_today(ports: Ports) -> int:
    """Files taken into work since midnight, Korean time."""
    now = ports.clock.now()
    midnight = now.astimezone(KST).replace(hour=0, minute=0, second=0, microsecond=0)
    counts = ports.ledger.counts(UNITS, midnight, now + timedelta(hours=1))
    return sum(count.value for count in counts)


def allowance(ports: Ports) -> int:
    """How many more files backfill and sweeps may start today.

    A share of the day's budget is kept for live uploads, which are never held back; what live uploads
    have already used beyond it comes off the allowance too.
    """
    budget = ports.settings.units_per_day
    open_to_bulk = int(budget * (1.0 - ports.settings.live_reserve))
    used = units_today(ports)
    ports.meter.count("BudgetUsedPercent", 100.0 * used / max(budget, 1))
    return max(0, open_to_bulk - used)
