"""Counters for operations, fed by the stream of record changes: each change is counted once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rightscan.ports import Ports
from rightscan.records.media import FINISHED, Media


def metric_of(state: str) -> str:
    """The counter of media that ended in a state."""
    return f"media.{state}"


def count_change(
    old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, kind: str, ports: Ports
) -> bool:
    """Count what one change of a media record says.

    Args:
        old: the record's body before, ``None`` if it is new.
        new: the body after, ``None`` if it was deleted.
        kind: the record's kind; only ``media`` counts.
        ports: the world.

    Returns:
        Whether something was counted now.
    """
    if kind != "media" or new is None:
        return False
    after = Media.model_validate(new)
    before = None if old is None else Media.model_validate(old)
    finished = after.state in FINISHED and (before is None or before.state not in FINISHED)
    if not finished or after.finished_at is None:
        return False
    return ports.ledger.count_once(
        metric_of(after.state.value), event_id=after.media_id, at=after.finished_at
    )
