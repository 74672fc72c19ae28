"""What every record shares: immutability, strict fields, UTC times, canonical JSON and content hashes."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

# A day from the calendar's ends: nearer to them a time has no date in some zone, and Python overflows.
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


def _to_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time needs a zone; times are stored in UTC")
    if not _EARLIEST <= moment <= _LATEST:
        raise ValueError("a time beyond what every zone's calendar holds")
    return moment.astimezone(UTC)


UtcDatetime = Annotated[datetime, AfterValidator(_to_utc)]
"""An aware datetime, normalised to UTC. A naive one is refused."""


class Record(BaseModel):
    """A value that is stored or sent: immutable, and closed to fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="float")

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, without the fields that are ``None`` (absent and null are the same)."""
        return self.model_dump(mode="json", exclude_none=True)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no blanks and no escapes: the same value always gives the same text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any, length: int = 16) -> str:
    """The first ``length`` hex digits of the SHA-256 of the value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:length]
