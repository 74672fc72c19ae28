"""Checks of an installation, each with what to do where it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from rightscan.errors import RightscanError
from rightscan.jobs.audit import LogAudit
from rightscan.jobs.budget import units_today
from rightscan.jobs.versions import pipeline_version
from rightscan.ports import Ports
from rightscan.records.registers import ReferenceState

STUCK_AFTER = timedelta(hours=6)
"""Work unfinished for so long has been through all its attempts: six visibility timeouts of the scan queue."""


@dataclass(frozen=True)
class Check:
    """One check's outcome."""

    name: str
    state: Literal["ok", "warning", "failed"]
    found: str
    remedy: str = ""


def doctor(ports: Ports) -> Iterator[Check]:
    """Run the checks one by one; one that cannot be run has failed."""
    checks: tuple[Callable[[Ports], Check], ...] = (
        _store,
        _index,
        _references,
        _dead_letters,
        _stuck,
        _custody,
        _budget,
    )
    for check in checks:
        try:
            yield check(ports)
        except RightscanError as error:
            yield Check(check.__name__.strip("_"), "failed", f"{error.cause} [{error.code}]", error.remedy)


def _store(ports: Ports) -> Check:
    recordings = sum(1 for _ in ports.ledger.recordings())
    if recordings == 0:
        return Check("store", "warning", "no recording is registered", "Run `rightscan register CATALOGUE`.")
    return Check("store", "ok", f"{recordings} recordings")


def _index(ports: Ports) -> Check:
    live = ports.index.current()
    if live.index is None:
        return Check("index", "warning", "there is no index yet", "Run `rightscan register CATALOGUE`.")
    return Check("index", "ok", f"version {live.version}, opened and verified")


def _references(ports: Ports) -> Check:
    missing = []
    for recording in ports.ledger.recordings():
        reference = ports.ledger.reference(recording.recording_id, pipeline_version())
        if reference is None or reference.state is not ReferenceState.INDEXED:
            missing.append(recording.recording_id)
    if missing:
        some = ", ".join(missing[:5])
        return Check(
            "references",
            "warning",
            f"{len(missing)} recordings are not in the index, e.g. {some}",
            "`rightscan show RECORDING` says why; register them again with usable audio.",
        )
    return Check("references", "ok", "every recording is in the index")


def _dead_letters(ports: Ports) -> Check:
    letters = ports.dead_letters.show()
    if letters:
        return Check(
            "dead letters",
            "failed",
            f"{len(letters)} messages in dead-letter queues",
            "Read docs/runbooks/dead-letters.md; then `rightscan dlq redrive` or `rightscan dlq drop ID`.",
        )
    return Check("dead letters", "ok", "none")


def _stuck(ports: Ports) -> Check:
    now = ports.clock.now()
    stuck = [m.media_id for m in ports.ledger.media_at_work(now - timedelta(hours=24), now - STUCK_AFTER)]
    if stuck:
        return Check(
            "work",
            "failed",
            f"{len(stuck)} files unfinished for over 6 h, e.g. {stuck[0]}",
            "`rightscan dlq show`",
        )
    return Check("work", "ok", "nothing is stuck")


def _custody(ports: Ports) -> Check:
    audit = LogAudit(ports)
    broken = list(audit.run())
    if broken:
        return Check(
            "custody",
            "failed",
            f"{len(broken)} chains are broken, first at {broken[0].log_index}",
            "`rightscan verify-log`",
        )
    return Check("custody", "ok", f"{audit.chains} chains, {audit.entries} entries hold")


def _budget(ports: Ports) -> Check:
    used, budget = units_today(ports), ports.settings.units_per_day
    if used > budget:
        return Check(
            "budget",
            "warning",
            f"{used} files today, the budget is {budget}",
            "Read docs/runbooks/volume-budget.md.",
        )
    return Check("budget", "ok", f"{used} of {budget} files today")
