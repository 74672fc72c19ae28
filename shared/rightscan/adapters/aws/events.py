"""Domain events over EventBridge."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rightscan.adapters.aws.clients import aws_errors, late_client
from rightscan.errors import PermanentError, TransientError
from rightscan.records.messages import MAX_EVENT_BYTES, DomainEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

SOURCE = "rightscan"
"""What rules match on."""


class EventBridgeBus:
    """One event bus.

    Args:
        name: of the bus.
        client: an EventBridge client; default: the process's own.
    """

    def __init__(self, name: str, client: EventBridgeClient | None = None) -> None:
        self._name = name
        self._client: EventBridgeClient = client or late_client("events")

    def publish(self, event: DomainEvent) -> None:
        """Announce; the detail is the event without its ``detail_type``, which is the envelope's.

        Raises:
            PermanentError: code ``event_too_large``.
            TransientError: code ``event_not_taken`` where the bus refused the entry, or as ``aws_errors``.
        """
        body = event.to_json()
        detail_type = body.pop("detail_type")
        detail = json.dumps(body, separators=(",", ":"), allow_nan=False)
        if len(detail) > MAX_EVENT_BYTES:
            raise PermanentError(
                "event_too_large",
                f"{detail_type} of {len(detail)} bytes",
                f"At most {MAX_EVENT_BYTES}: an event carries references.",
            )
        with aws_errors(f"event bus {self._name}"):
            answer = self._client.put_events(
                Entries=[
                    {
                        "EventBusName": self._name,
                        "Source": SOURCE,
                        "DetailType": detail_type,
                        "Detail": detail,
                    }
                ]
            )
        # The call succeeds although an entry in it did not.
        if answer["FailedEntryCount"]:
            word = answer["Entries"][0].get("ErrorCode", "")
            raise TransientError(
                "event_not_taken", f"event bus {self._name}: {word}", "It is tried again by itself."
            )
