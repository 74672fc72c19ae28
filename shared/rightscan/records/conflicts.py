"""Conflicts between registered recordings: listed until a person settles the registers, never resolved in silence."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rightscan.records.base import Record, UtcDatetime

ConflictKind = Literal["shared_span", "same_isrc", "same_sound"]
"""The same span of an upload is heard as both; both carry one ISRC; their registered sounds are nearly identical."""


class RecordingConflict(Record):
    """Two recordings that claim one thing. The times are of the upload, s, half-open."""

    conflict_id: str
    kind: ConflictKind
    recording_ids: tuple[str, str] = Field(description="in order of their ids")
    isrc: str | None = None
    media_id: str | None = Field(default=None, description="the upload's bytes, of a shared span")
    media_start: float | None = None
    media_end: float | None = None
    found_at: UtcDatetime
    status: Literal["open", "ended"] = "open"
    ended_at: UtcDatetime | None = None


class ConflictResult(Record):
    """What ``rightscan conflicts`` tells of a pair of recordings: its open conflicts of one kind."""

    kind: ConflictKind
    recording_ids: tuple[str, str]
    titles: tuple[str | None, str | None]
    isrc: str | None = None
    media: int = Field(default=0, description="files with a shared span")
    seconds: float = Field(default=0.0, description="of all shared spans")
    first_found_at: UtcDatetime
    conflict_ids: tuple[str, ...]
