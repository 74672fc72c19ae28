"""Counters for operations, fed by the stream of record changes: each change is counted once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rightscan.ports import Ports
from rightscan.records.media import FINISHED, Media

UNITS = "units"
"""Metric of the spend and volume guard: files taken into work."""


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
    counted = False
    if before is None:
        counted = ports.ledger.count_once(UNITS, event_id=after.media_id, at=after.first_seen)
    entered = after.state in FINISHED and (before is None or before.state not in FINISHED)
    if entered and after.finished_at is not None:
        metric = f"media.{after.state.value}"
        counted = ports.ledger.count_once(metric, event_id=after.media_id, at=after.finished_at) or counted
    return counted
