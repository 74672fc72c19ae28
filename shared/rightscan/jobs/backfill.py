"""Scan what lay in the uploads bucket before the system went live, under its own limit, resumable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

from rightscan.jobs.budget import allowance
from rightscan.ports import ObjectInfo, Ports

POINTER = "backfill"
BATCH = 100
"""The position is written after this many objects: a stopped run repeats at most so many events."""


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
    pointer = ports.ledger.pointer(POINTER)
    after = "" if pointer is None or restart else str(pointer.value["after"])
    left = allowance(ports)
    looked_at = queued = 0
    for info in ports.objects.list(ports.settings.buckets.uploads, after=after):
        if left == queued:
            _remember(after, ports)
            return BackfillResult(looked_at, queued, finished=False)
        looked_at += 1
        if ports.ledger.upload(info.ref) is None:
            ports.backfill_queue.send(notification(info))
            queued += 1
        after = info.ref.key
        if looked_at % BATCH == 0:
            _remember(after, ports)
    # At the end the position goes back to the start: objects that come later may sort before it.
    _remember("", ports)
    return BackfillResult(looked_at, queued, finished=True)


def _remember(after: str, ports: Ports) -> None:
    pointer = ports.ledger.pointer(POINTER)
    revision = None if pointer is None else pointer.revision
    ports.ledger.move_pointer(POINTER, {"after": after}, revision=revision, at=ports.clock.now())


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
