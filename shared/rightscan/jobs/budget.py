"""The spend and volume guard: sweeps and backfill slow down before anything touches live scans."""

from __future__ import annotations

from datetime import timedelta

from rightscan.jobs.count import metric_of
from rightscan.ports import Ports
from rightscan.records.media import FINISHED
from rightscan.rights.periods import KST


def units_today(ports: Ports) -> int:
    """Files finished since midnight, Korean time."""
    now = ports.clock.now()
    midnight = now.astimezone(KST).replace(hour=0, minute=0, second=0, microsecond=0)
    until = now + timedelta(hours=1)
    return sum(
        count.value for state in FINISHED for count in ports.ledger.counts(metric_of(state), midnight, until)
    )


def allowance(ports: Ports, queued_today: int = 0) -> int:
    """How many more files backfill and sweeps may start today.

    A share of the day's budget is kept for live uploads, which are never held back; what live uploads
    have already used beyond it comes off the allowance.

    Args:
        ports: the world.
        queued_today: files that backfill and sweeps queued today, finished or not. What was finished beyond
            their number must have been live (or was queued the day before, and counts as if it were).
    """
    budget = ports.settings.units_per_day
    open_to_bulk = int(budget * (1.0 - ports.settings.live_reserve))
    live = max(0, units_today(ports) - queued_today)
    return max(0, open_to_bulk - queued_today - max(0, live - (budget - open_to_bulk)))
