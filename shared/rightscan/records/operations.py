"""What operations need: incidents, pointers, reports, counters."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from rightscan.records.base import Record, UtcDatetime
from rightscan.records.objects import ObjectRef


class Incident(Record):
    """A trouble of one source, recorded where a person will look for it (sheet 07, ``show``, ``doctor``)."""

    incident_id: str
    source_kind: Literal["upload", "media", "event", "catalogue", "reference", "report", "enrolment"]
    source_ref: str
    code: str
    cause: str
    remedy: str
    period: str = Field(pattern=r"^\d{4}-\d{2}$", description="KST month of the first sight")
    first_seen: UtcDatetime
    attempts: int = 1


class Pointer(Record):
    """Names the live version of something. ``revision`` guards against two movers."""

    name: str
    value: dict[str, Any]
    revision: int = Field(ge=1)
    moved_at: UtcDatetime


class Report(Record):
    """One export. A finished one is immutable; a later one of the period is a new version."""

    report_id: str = Field(pattern=r"^R\d{6}$")
    request_id: str = Field(description="who asks twice with one request id gets one report")
    period: str = Field(pattern=r"^\d{4}-\d{2}$")
    version: int = Field(ge=1)
    state: Literal["started", "ready", "failed"]
    language: Literal["ko", "en"] = "ko"
    created_at: UtcDatetime
    manifest: ObjectRef | None = None
    files: dict[str, str] = Field(default={}, description="name shown to staff: storage key")
    rows: int = 0
    error: str | None = None


class Count(Record):
    """A counter's value in one hour."""

    metric: str
    hour: str = Field(description="UTC, yyyy-mm-ddThh")
    value: int
