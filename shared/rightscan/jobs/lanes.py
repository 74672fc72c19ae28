"""Where work goes on: live files and backfill have queues of their own all the way to the verdict."""

from __future__ import annotations

from typing import Literal

from rightscan.ports import Ports
from rightscan.records.messages import MatchRequested, ScanRequested
from rightscan.records.objects import Origin


def ask_for_scan(media_id: str, origin: Origin, ports: Ports) -> None:
    """Send bytes to analysis.

    Args:
        media_id: the bytes.
        origin: which way the upload came that asks.
        ports: the world.
    """
    queue = ports.scan_backfill_queue if origin == "backfill" else ports.scan_queue
    queue.send(ScanRequested(media_id=media_id, origin=origin).to_json())


def ask_for_match(
    media_id: str, cause: Literal["scanned", "alias", "sweep"], origin: Origin, ports: Ports
) -> None:
    """Send stored features to the comparison.

    Args:
        media_id: the bytes.
        cause: why.
        origin: as above.
        ports: the world.
    """
    queue = ports.match_backfill_queue if origin == "backfill" else ports.match_queue
    queue.send(MatchRequested(media_id=media_id, cause=cause, origin=origin).to_json())
