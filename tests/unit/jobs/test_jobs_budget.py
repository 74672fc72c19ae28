"""The volume guard: backfill gives way, live files never do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rightscan.jobs import backfill as module
from rightscan.jobs.backfill import backfill
from rightscan.jobs.budget import allowance, units_today
from rightscan.jobs.count import metric_of
from rightscan.ports import Ports
from rightscan.records.media import MediaState
from system import RememberedAnalysis, System, quiet


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path / "store", RememberedAnalysis(tmp_path / "analysis"))


def budgeted(system: System, units: int) -> Ports:
    return replace(system.ports, settings=replace(system.ports.settings, units_per_day=units))


def finish(system: System, files: int, *, state: MediaState = MediaState.CLEAR, day: str = "today") -> None:
    """So many files ended."""
    for number in range(files):
        name = f"{day} {state} {number}"
        system.ports.ledger.count_once(metric_of(state), event_id=name, at=system.clock.now())


@pytest.mark.parametrize(
    ("finished", "queued", "left"),
    [
        (0, 0, 10),
        (10, 0, 10),  # live files have a half of their own
        (13, 0, 7),
        (20, 0, 0),
        (45, 0, 0),
        (0, 10, 0),  # backfill never passes its half, whatever live files leave
        (10, 10, 0),
        (10, 4, 6),  # 4 of them backfilled, 6 live
        (16, 4, 4),
        (2, 4, 6),  # most of what was queued is not finished yet
    ],
)
def test_backfill_has_half_the_budget_less_what_live_files_took_beyond_theirs(
    system: System, finished: int, queued: int, left: int
) -> None:
    finish(system, finished)
    assert allowance(budgeted(system, 20), queued) == left


def test_every_end_of_a_file_is_a_unit_and_the_korean_day_begins_anew(system: System) -> None:
    for state in (MediaState.CLEAR, MediaState.MATCHED, MediaState.FAILED, MediaState.REJECTED):
        finish(system, 2, state=state)
    assert units_today(system.ports) == 8
    # 03:00 UTC is noon in Seoul; twelve hours on it is the next day there.
    system.clock.advance(12 * 3600 - 1)
    assert units_today(system.ports) == 8
    system.clock.advance(1)
    assert units_today(system.ports) == 0
    finish(system, 1, day="tomorrow")
    assert units_today(system.ports) == 1


def lay(system: System, files: int) -> None:
    """Objects from before the system: nobody was told of them."""
    for number in range(files):
        system.ports.objects.put("uploads", f"old/{number:04d}.mp3", f"no music {number}".encode())
    system.database.connection().execute("DELETE FROM messages")


def test_backfill_stops_at_its_allowance_and_goes_on_the_next_day(system: System) -> None:
    lay(system, 7)
    world = budgeted(system, 6)
    first = backfill(world)
    assert (first.looked_at, first.queued, first.finished) == (3, 3, False)
    assert backfill(world).queued == 0
    with quiet():
        system.pump()
    system.clock.advance(24 * 3600)
    second = backfill(world)
    assert (second.looked_at, second.queued, second.finished) == (3, 3, False)
    system.clock.advance(24 * 3600)
    third = backfill(world)
    assert (third.queued, third.finished) == (1, True)


def test_live_files_are_taken_whatever_the_budget_says(system: System) -> None:
    finish(system, 100)
    assert allowance(budgeted(system, 2)) == 0
    info = system.ports.objects.put("uploads", "live.mp3", b"no music")
    with quiet():
        system.pump()
    upload = system.ports.ledger.upload(info.ref)
    assert system.ports.ledger.media(upload.media_id).state.value in ("failed", "rejected")


def test_a_long_run_notices_what_live_files_took_meanwhile(system: System, monkeypatch) -> None:
    lay(system, 9)
    monkeypatch.setattr(module, "ANEW", 3)
    world = budgeted(system, 20)
    inner = world.backfill_queue

    class Busy:
        sent = 0

        def send(self, body, *, delay_s: int = 0) -> None:
            inner.send(body)
            self.sent += 1
            if self.sent == 2:
                finish(system, 40)

    result = backfill(replace(world, backfill_queue=Busy()))
    assert (result.queued, result.finished) == (3, False)
