"""What travels between functions: references, never payloads."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rightscan.errors import PermanentError
from rightscan.records.base import Record, UtcDatetime
from rightscan.records.objects import ObjectRef, Origin

MAX_EVENT_BYTES = 120 * 1024
"""Half of EventBridge's and SQS's 256 KB: an event near the limit carries payload, not references."""


class Message(Record):
    """What lies in a queue: unknown fields are passed over, since during an upgrade both versions are at work."""

    model_config = ConfigDict(extra="ignore")


class UploadEvent(Record):
    """One object change in a bucket, taken from an S3 notification."""

    ref: ObjectRef
    name: str = Field(description="S3's event name, e.g. ObjectCreated:Put")
    event_time: UtcDatetime
    size: int | None = None
    sequencer: str = ""
    origin: Origin = "live"

    @property
    def created(self) -> bool:
        """Whether the object came to be (and not, say, a delete marker)."""
        return self.name.startswith("ObjectCreated:")


class ScanRequested(Message):
    """Analyse these bytes."""

    kind: Literal["scan"] = "scan"
    media_id: str
    origin: Origin = "live"


class MatchRequested(Message):
    """Compare stored features with the live index, or give a new alias its uses."""

    kind: Literal["match"] = "match"
    media_id: str
    cause: Literal["scanned", "alias", "sweep"]
    origin: Origin = "live"


class ReferenceRequested(Message):
    """Fingerprint a recording's own sound and bring it into the index."""

    kind: Literal["reference"] = "reference"
    recording_id: str
    registration_id: str


class ReportRequested(Message):
    """Write the export of a period."""

    kind: Literal["report"] = "report"
    period: str = Field(pattern=r"^\d{4}-\d{2}$")
    request_id: str
    language: Literal["ko", "en"] = "ko"


class ScheduledReport(Message):
    """``ReportRequested`` as the schedule sends it: ``previous`` is the month before ``scheduled_at``."""

    kind: Literal["report"] = "report"
    period: str = Field(pattern=r"^(\d{4}-\d{2}|previous)$")
    request_id: str
    language: Literal["ko", "en"] = "ko"
    scheduled_at: UtcDatetime | None = None


class FindingRecorded(Record):
    """Domain event: a verdict was committed."""

    detail_type: Literal["finding.recorded"] = "finding.recorded"
    media_id: str
    verdict_id: str
    state: str
    codes: tuple[str, ...]


class ExportReady(Record):
    """Domain event: a report can be fetched."""

    detail_type: Literal["export.ready"] = "export.ready"
    report_id: str
    period: str
    version: int
    manifest: ObjectRef


DomainEvent = Annotated[FindingRecorded | ExportReady, Field(discriminator="detail_type")]


class _S3Model(BaseModel):
    # S3 adds fields over time; we read ours and leave the rest.
    model_config = ConfigDict(extra="ignore", frozen=True)


class _S3Object(_S3Model):
    key: str = Field(min_length=1)
    size: int | None = None
    versionId: str = "null"  # noqa: N815 (S3's spelling)
    sequencer: str = ""


class _S3Bucket(_S3Model):
    name: str = Field(min_length=1)


class _S3Entity(_S3Model):
    bucket: _S3Bucket
    object: _S3Object


class _S3Record(_S3Model):
    eventName: str  # noqa: N815
    eventTime: datetime  # noqa: N815
    s3: _S3Entity


class _S3Notification(_S3Model):
    Records: list[_S3Record] = Field(min_length=1)


class TestEvent(Record):
    """``s3:TestEvent``, which S3 sends when a notification is set up."""

    bucket: str

    __test__ = False  # not a pytest class


def parse_s3_notification(body: str, origin: Origin = "live") -> list[UploadEvent] | TestEvent:
    """Read an S3 notification as it lies in a queue.

    Args:
        body: the message body, JSON.
        origin: which way the event came.

    Returns:
        The object changes with their keys decoded (S3 writes them form-encoded), or a ``TestEvent``.

    Raises:
        PermanentError: code ``event_shape`` where the text is not such a notification.
    """
    try:
        raw: Any = json.loads(body)
        if isinstance(raw, dict) and raw.get("Event") == "s3:TestEvent":
            return TestEvent(bucket=str(raw.get("Bucket", "")))
        parsed = _S3Notification.model_validate(raw)
        return [
            UploadEvent(
                ref=ObjectRef(
                    bucket=record.s3.bucket.name,
                    key=unquote_plus(record.s3.object.key),
                    version=record.s3.object.versionId,
                ),
                name=record.eventName.removeprefix("s3:"),
                event_time=record.eventTime,
                size=record.s3.object.size,
                sequencer=record.s3.object.sequencer,
                origin=origin,
            )
            for record in parsed.Records
        ]
    except (ValueError, ValidationError, RecursionError) as error:
        raise PermanentError(
            "event_shape",
            f"the message is no S3 notification: {type(error).__name__}",
            "Send the bucket's own notifications to this queue and nothing else; the message is kept as an incident.",
        ) from error


def parse_registration(body: str) -> ReferenceRequested | list[UploadEvent] | TestEvent:
    """Read what lies in the register queue: a recording to fingerprint, or a notification of a catalogue.

    Raises:
        PermanentError: code ``event_shape`` where the text is neither.
    """
    try:
        raw: Any = json.loads(body)
        if isinstance(raw, dict) and raw.get("kind") == "reference":
            return ReferenceRequested.model_validate(raw)
    except (ValueError, RecursionError) as error:
        raise PermanentError(
            "event_shape",
            f"the message is no registration: {type(error).__name__}",
            "Send catalogue notifications to this queue and nothing else; the message is kept as an incident.",
        ) from error
    return parse_s3_notification(body)
