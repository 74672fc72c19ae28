"""The bytes and their analysis: one state machine that only moves forward."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from rightscan.errors import CancelledError
from rightscan.records.base import Record, UtcDatetime
from rightscan.records.objects import ErrorInfo, ObjectRef


class MediaState(StrEnum):
    """``received → claimed → analysed → matched | clear | partial``; ``rejected`` and ``failed`` end it."""

    RECEIVED = "received"
    CLAIMED = "claimed"
    ANALYSED = "analysed"
    MATCHED = "matched"
    CLEAR = "clear"
    PARTIAL = "partial"
    REJECTED = "rejected"
    FAILED = "failed"


DECIDED = frozenset({MediaState.MATCHED, MediaState.CLEAR, MediaState.PARTIAL})
"""States with a verdict. A later sweep may move between them: a new recording turns clear into matched."""

FINISHED = DECIDED | {MediaState.REJECTED, MediaState.FAILED}
"""States in which no work is owed."""

_NEXT: dict[MediaState, frozenset[MediaState]] = {
    MediaState.RECEIVED: frozenset({MediaState.CLAIMED, MediaState.REJECTED}),
    MediaState.CLAIMED: frozenset(
        {MediaState.CLAIMED, MediaState.ANALYSED, MediaState.REJECTED, MediaState.FAILED}
    ),
    MediaState.ANALYSED: DECIDED | {MediaState.FAILED},
    MediaState.MATCHED: DECIDED,
    MediaState.CLEAR: DECIDED,
    MediaState.PARTIAL: DECIDED,
    MediaState.REJECTED: frozenset(),
    MediaState.FAILED: frozenset(),
}


def may_follow(before: MediaState, after: MediaState) -> bool:
    """Whether the state machine allows the step."""
    return after in _NEXT[before]


class Media(Record):
    """The bytes, by their SHA-256: one analysis however many uploads carry them."""

    media_id: str = Field(pattern="^[0-9a-f]{64}$")
    state: MediaState
    size: int = Field(ge=0, description="bytes")
    first_seen: UtcDatetime
    kind: str = Field(default="audio", pattern="^(audio|video|unknown)$")
    container: str | None = None
    declared_duration_s: float | None = None
    claim_token: str | None = None
    lease_until: UtcDatetime | None = None
    attempts: int = 0
    scan_id: str | None = None
    duration_s: float | None = None
    codec: str | None = None
    verdict_id: str | None = None
    checked_through: str | None = Field(default=None, description="index version last compared against")
    finished_at: UtcDatetime | None = None
    error: ErrorInfo | None = None

    def moved(self, after: MediaState, **changes: object) -> Media:
        """The record in its next state.

        Raises:
            CancelledError: code ``state_backward`` where the state machine does not allow the step;
                somebody else has moved the media on.
        """
        if not may_follow(self.state, after):
            raise CancelledError(
                "state_backward",
                f"media {self.media_id} cannot go from {self.state} to {after}",
                "Nothing to do: another worker has finished it.",
            )
        return self.model_copy(update={"state": after, **changes})

    def revived(self) -> Media:
        """The record of bytes that were gone before they could be read, now that they were uploaded again.

        The one step back that the state machine knows: nothing was ever found out about these bytes.
        """
        forgotten = ("claim_token", "lease_until", "error", "finished_at")
        return self.model_copy(update={"state": MediaState.RECEIVED, **dict.fromkeys(forgotten)})


class Scan(Record):
    """One analysis of the bytes: where its features lie and under which conditions they were taken."""

    scan_id: str
    media_id: str
    pipeline_version: str
    fingerprint_version: str | None = Field(
        default=None, description="pipeline of the fingerprint; absent where it is the whole pipeline"
    )
    features: ObjectRef
    features_sha256: str
    analysed_at: UtcDatetime
    duration_s: float = Field(ge=0, description="decoded, s")
    declared_duration_s: float | None = None
    container: str
    codec: str
    sample_rate: int = Field(description="Hz")
    channels: int
    bit_rate: int | None = Field(default=None, description="bit/s")
    lossless: bool | None = Field(default=None, description="whether the codec keeps every sample")
    complete: bool = Field(description="False where decoding lost part of the file")
    silent: bool
    problems: tuple[str, ...] = ()

    @property
    def fingerprinted_by(self) -> str:
        """Pipeline of the fingerprint, which decides what it can be compared with."""
        return self.fingerprint_version or self.pipeline_version
