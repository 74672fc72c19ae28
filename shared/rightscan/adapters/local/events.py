"""The event bus of one machine: a log of what was announced."""

from __future__ import annotations

import json
from typing import Any

from rightscan.adapters.local.database import Database
from rightscan.errors import PermanentError
from rightscan.ports import Clock
from rightscan.records.base import canonical_json
from rightscan.records.messages import MAX_EVENT_BYTES, DomainEvent


class LocalEvents:
    """Implements ``ports.EventBus``."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def publish(self, event: DomainEvent) -> None:
        """Announce. Raises ``PermanentError`` (``event_too_large``) above 120 KB."""
        detail = event.to_json()
        detail_type = detail.pop("detail_type")
        text = canonical_json(detail)
        if len(text.encode()) > MAX_EVENT_BYTES:
            raise PermanentError(
                "event_too_large",
                f"{detail_type} of {len(text.encode())} bytes",
                f"An event holds {MAX_EVENT_BYTES} bytes; store the payload and announce its reference.",
            )
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO published (at, detail_type, detail) VALUES (?,?,?)",
                (self._clock.now().timestamp(), detail_type, text),
            )

    def published(self, after: int = 0) -> list[tuple[int, str, dict[str, Any]]]:
        """What was announced since: (number, detail type, detail), oldest first."""
        rows = self._database.connection().execute(
            "SELECT id, detail_type, detail FROM published WHERE id>? ORDER BY id", (after,)
        )
        return [(row["id"], row["detail_type"], json.loads(row["detail"])) for row in rows.fetchall()]
