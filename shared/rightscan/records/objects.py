"""Uploads as objects: where the bytes lie, what was said about them, and their chain of custody."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from rightscan.records import identity
from rightscan.records.base import Record, UtcDatetime, canonical_json


class ObjectRef(Record):
    """One version of one object. ``version`` is ``"null"`` in a bucket without versioning, as S3 says it."""

    bucket: str = Field(min_length=1)
    key: str = Field(min_length=1)
    version: str = Field(default="null", min_length=1)

    @property
    def object_id(self) -> str:
        """The name that logs may carry."""
        return identity.object_id(self.bucket, self.key)

    @property
    def log_index(self) -> str:
        """Names the version's custody chain: ``<sha1>/<version>``."""
        return f"{self.object_id}/{self.version}"


class ErrorInfo(Record):
    """What went wrong with one thing, and what to do about it."""

    code: str
    cause: str
    remedy: str


class UploadState(StrEnum):
    """What became of one upload; ``linked`` says: see the media it carries."""

    LINKED = "linked"
    SKIPPED = "skipped"
    REJECTED = "rejected"
    GONE = "gone"


class UploadFactsRecord(Record):
    """What a usage line needs and no sound can tell. Empty stays empty; nothing is guessed."""

    platform: str | None = None
    channel: str | None = None
    uploader_ref: str | None = None
    url: str | None = None
    posted_at: UtcDatetime | None = None
    captured_at: UtcDatetime | None = None
    use_type: str | None = None
    territory: str | None = None


Origin = Literal["live", "backfill"]
"""Which way work came: each has queues of its own, so that old files never stand before new ones."""


class Upload(Record):
    """One object version that reached the uploads bucket."""

    ref: ObjectRef
    state: UploadState
    media_id: str | None = None
    size: int | None = Field(default=None, ge=0, description="bytes")
    event_time: UtcDatetime
    sequencer: str = ""
    received_at: UtcDatetime
    use_period: str = Field(pattern=r"^\d{4}-\d{2}$", description="KST month the use belongs to")
    facts: UploadFactsRecord = UploadFactsRecord()
    origin: Origin = "live"
    error: ErrorInfo | None = None


class CustodyEntry(Record):
    """One link of an upload's chain: ``digest`` covers the entry and the digest before it."""

    ref: ObjectRef
    seq: int = Field(ge=1)
    at: UtcDatetime
    actor: str
    action: str
    subject: str = Field(description="with action, names the event: a repeated delivery appends nothing")
    detail: dict[str, Any] = Field(default_factory=dict)
    previous: str
    digest: str

    @property
    def log_index(self) -> str:
        """Where the audit log holds this entry: ``<sha1>/<version>/<seq>``."""
        return f"{self.ref.log_index}/{self.seq}"


GENESIS = "0" * 64
"""What the first entry of a chain names as the digest before it."""


def custody_digest(entry: CustodyEntry) -> str:
    """SHA-256 over the canonical JSON of the entry without its own digest."""
    body = entry.model_dump(mode="json", exclude={"digest"}, exclude_none=True)
    return hashlib.sha256(canonical_json(body).encode("utf-8", "surrogatepass")).hexdigest()


def link(
    previous: CustodyEntry | None,
    *,
    ref: ObjectRef,
    at: UtcDatetime,
    actor: str,
    action: str,
    subject: str,
    detail: dict[str, Any],
) -> CustodyEntry:
    """The next entry of the chain that ends with ``previous``."""
    entry = CustodyEntry(
        ref=ref,
        seq=1 if previous is None else previous.seq + 1,
        at=at,
        actor=actor,
        action=action,
        subject=subject,
        detail=detail,
        previous=GENESIS if previous is None else previous.digest,
        digest="",
    )
    return entry.model_copy(update={"digest": custody_digest(entry)})


def first_broken(chain: list[CustodyEntry]) -> CustodyEntry | None:
    """The first entry whose number, back reference or digest does not hold; ``None`` if all hold."""
    before = GENESIS
    for number, entry in enumerate(chain, start=1):
        if entry.seq != number or entry.previous != before or entry.digest != custody_digest(entry):
            return entry
        before = entry.digest
    return None
