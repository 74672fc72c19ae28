"""What concerns the vault: templates, who read them and why, withdrawals, voices that were heard.

Only ``VoiceTemplate`` and ``VoicePrintRecord`` hold embeddings. The first lies nowhere but in the vault,
encrypted; the second travels with a call and lies nowhere at all.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from rightscan.errors import PermanentError
from rightscan.records.base import Record, UtcDatetime
from rightscan.rights.axes import AxisB

Register = Literal["singing", "speaking"]

NonEmpty = Annotated[str, Field(min_length=1, max_length=500)]


class Access(Record):
    """Who reads or changes what of whom, and why. Written before the data is touched."""

    actor: NonEmpty
    action: Literal["enrol", "compare", "subject", "withdraw", "read_log", "purge"]
    whose: str = Field(description="a pseudonym; 'all' where every template that consent permits is opened")
    reason: NonEmpty


class AccessEntry(Access):
    """An access as the log keeps it."""

    at: UtcDatetime


class VoiceTemplate(Record):
    """The numeric voice reference of an enrolled performer in one register."""

    performer_id: str
    voice_register: Register = Field(description="singing or speaking")
    embedding: str = Field(description="float32, little-endian, unit length, in base64")
    recordings: int = Field(ge=1)
    voiced_s: float = Field(ge=0)
    model: str = Field(
        description="name@version of the encoder; other encoders' embeddings say nothing to it"
    )
    made_at: UtcDatetime


class Tombstone(Record):
    """What is left of a performer in the vault after a withdrawal; it names nobody."""

    pseudonym: str
    withdrawn_at: UtcDatetime
    registers: tuple[str, ...] = ()


class Suppression(Record):
    """Nothing is reported of a performer's likeness from ``since`` on, unless it was lifted by a new consent."""

    performer_id: str
    since: UtcDatetime
    actor: str
    reason: str
    lifted_at: UtcDatetime | None = None


class VoiceSegmentRecord(Record):
    """A stretch of one voice. Times are seconds, half-open."""

    start_s: float
    end_s: float
    voiced_s: float
    voice_register: str


class VoicePrintRecord(Record):
    """The voice in one file, on its way from the one who listened to the one who compares."""

    model: str
    dimensions: int = Field(ge=1)
    embeddings: str = Field(description="float32[segments, dimensions], little-endian, in base64")
    segments: tuple[VoiceSegmentRecord, ...]
    voiced_s: float = Field(ge=0)
    snr_db: float = Field(description="voice over its pauses")
    spread: float = Field(description="mean distance of the segments from their common direction")
    bandwidth_hz: float
    backing: float = Field(description="other sound with a pitch, 0 to 1")


class VoiceCandidate(Record):
    """An enrolled performer whose voice a file resembles."""

    performer_id: str
    pseudonym: str
    voice_register: str
    log10_lr: float = Field(description="capped by the number of validation trials")
    seconds: float = Field(ge=0, description="of voice that was compared")


class VoicesHeard(Record):
    """Axis B of one analysis: best candidate first, then the alternatives. It holds no embedding."""

    media_id: str
    scan_id: str
    heard_at: UtcDatetime
    axis_b: AxisB
    candidates: tuple[VoiceCandidate, ...] = ()
    conditions: tuple[str, ...] = ()
    compared: int = Field(ge=0, description="performers")
    model: str


class EnrolProblem(Record):
    """Why a recording, or all of them, were not taken."""

    code: str
    cause: str
    remedy: str


class EnrolResult(Record):
    """What became of an enrolment; it holds no embedding."""

    performer_id: str
    state: Literal["enrolled", "refused"]
    pseudonym: str | None = None
    registers: tuple[str, ...] = ()
    recordings: int = 0
    voiced_s: float = 0.0
    model: str | None = None
    problems: tuple[EnrolProblem, ...] = ()


# ---- what the function `likeness` is asked, and what it answers -----------------------------------------
class _Ask(Record):
    actor: NonEmpty
    reason: NonEmpty


class AskCompare(_Ask):
    """Compare a file's voice with the templates that consent permits."""

    kind: Literal["compare"] = "compare"
    media_id: str
    scan_id: str
    print: VoicePrintRecord


class AskMayEnrol(_Ask):
    """Say whether a performer may be enrolled, before any of their recordings is opened."""

    kind: Literal["may_enrol"] = "may_enrol"
    performer_id: str


class AskEnrol(_Ask):
    """Make templates of a performer's recordings."""

    kind: Literal["enrol"] = "enrol"
    performer_id: str
    prints: tuple[VoicePrintRecord, ...]
    unread: tuple[EnrolProblem, ...] = Field(default=(), description="recordings that could not be decoded")


class AskWithdraw(_Ask):
    """End a performer's templates."""

    kind: Literal["withdraw"] = "withdraw"
    performer_id: str


class AskSubject(_Ask):
    """Give what the vault holds of one performer."""

    kind: Literal["subject"] = "subject"
    performer_id: str


class AskLog(_Ask):
    """Give the log of accesses in a span."""

    kind: Literal["log"] = "log"
    since: UtcDatetime
    until: UtcDatetime


class AskPurge(_Ask):
    """Find, or end, what has no consent any more and log entries older than their time."""

    kind: Literal["purge"] = "purge"
    log_before: UtcDatetime
    apply: bool
    forget_log: bool = Field(description="remove log entries; on AWS the table does it by itself, nobody may")


LikenessAsk = Annotated[
    AskCompare | AskMayEnrol | AskEnrol | AskWithdraw | AskSubject | AskLog | AskPurge,
    Field(discriminator="kind"),
]

_ASK: TypeAdapter[LikenessAsk] = TypeAdapter(LikenessAsk)


def read_ask(event: dict[str, Any]) -> LikenessAsk:
    """The question in an event.

    Raises:
        PermanentError: code ``event_shape``.
    """
    try:
        return _ASK.validate_python(event)
    except ValidationError as error:
        raise PermanentError(
            "event_shape",
            f"the event is no question to likeness: {error.error_count()} problems",
            "Both sides must be of one version; deploy again.",
        ) from None


class LikenessAnswer(Record):
    """The answer to any of them; what was not asked for is empty."""

    heard: VoicesHeard | None = None
    enrolment: EnrolResult | None = None
    pseudonym: str | None = None
    templates: tuple[VoiceTemplate, ...] = ()
    tombstone: Tombstone | None = None
    accesses: tuple[AccessEntry, ...] = ()
    without_consent: tuple[str, ...] = Field(default=(), description="performer ids")
    log_entries: int = Field(default=0, description="older than their time")
    comparisons: int = Field(default=0, description="accesses that opened all templates that consent permits")
