"""Scan what lay in the uploads bucket before the system went live, under its own limit, resumable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from rightscan.jobs.budget import allowance
from rightscan.ports import ObjectInfo, Ports
from rightscan.rights.periods import kst_day

POINTER = "backfill"
BATCH = 100
"""The position is written after this many objects: a stopped run repeats at most so many events."""

ANEW = 1000
"""The day's allowance is reckoned anew after this many objects: a long run notices what live uploads take."""


@dataclass(frozen=True)
class BackfillResult:
    """What one run did. ``finished`` is False where the day's allowance ended it."""

    looked_at: int
    queued: int
    finished: bool


def backfill(ports: Ports, *, restart: bool = False) -> BackfillResult:
    """Queue every object that no upload record names.

    Args:
        ports: the world.
        restart: look at the whole bucket again instead of going on where the last run stopped.

    Returns:
        What was done; run it again (the next day, if the allowance ended it) to go on.
    """
    position = _Position.read(ports)
    if restart:
        position.after = ""
    left = allowance(ports, position.queued)
    looked_at = queued = 0
    for info in ports.objects.list(ports.settings.buckets.uploads, after=position.after):
        if looked_at and looked_at % ANEW == 0:
            left = allowance(ports, position.queued)
        if left <= 0:
            position.write(ports)
            return BackfillResult(looked_at, queued, finished=False)
        looked_at += 1
        if ports.ledger.upload(info.ref) is None:
            ports.backfill_queue.send(notification(info))
            queued += 1
            left -= 1
            position.queued += 1
        position.after = info.ref.key
        if looked_at % BATCH == 0:
            position.write(ports)
    # At the end the position goes back to the start: objects that come later may sort before it.
    position.after = ""
    position.write(ports)
    return BackfillResult(looked_at, queued, finished=True)


@dataclass
class _Position:
    """Where the last run stopped, and how many files were queued on its Korean day."""

    after: str
    day: str
    queued: int
    revision: int | None

    @classmethod
    def read(cls, ports: Ports) -> _Position:
        pointer = ports.ledger.pointer(POINTER)
        today = kst_day(ports.clock.now()).isoformat()
        if pointer is None:
            return cls("", today, 0, None)
        queued = int(pointer.value["queued"]) if pointer.value["day"] == today else 0
        return cls(str(pointer.value["after"]), today, queued, pointer.revision)

    def write(self, ports: Ports) -> None:
        value = {"after": self.after, "day": self.day, "queued": self.queued}
        moved = ports.ledger.move_pointer(POINTER, value, revision=self.revision, at=ports.clock.now())
        self.revision = moved.revision


def notification(info: ObjectInfo) -> Mapping[str, Any]:
    """The S3 notification that the object would have caused, without a sequencer."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "rightscan:backfill",
                "eventName": "ObjectCreated:Put",
                "eventTime": info.modified_at.isoformat(),
                "s3": {
                    "bucket": {"name": info.ref.bucket},
                    "object": {
                        "key": quote_plus(info.ref.key),
                        "size": info.size,
                        "versionId": info.ref.version,
                        "sequencer": "",
                    },
                },
            }
        ]
    }
