"""The protocols through which use cases reach the world, and the bundle that carries them.

Two sets of adapters implement each of them (``adapters.local``, ``adapters.aws``); one contract suite
per port runs against both. A port speaks of the domain: uploads, claims, custody, uses; not of tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError, TransientError
from rightscan.media.limits import Limits
from rightscan.records.conflicts import RecordingConflict
from rightscan.records.findings import Finding, Match, Use, Verdict
from rightscan.records.media import Media, Scan
from rightscan.records.messages import DomainEvent
from rightscan.records.objects import CustodyEntry, ObjectRef, Upload
from rightscan.records.operations import Count, Incident, Pointer, Report
from rightscan.records.registers import (
    AnyRegisterRow,
    Consent,
    Licence,
    LineupEntry,
    Mandate,
    Performer,
    Recording,
    Reference,
    Registration,
)
from rightscan.records.reviews import Appeal, Case, Dispute, Review
from rightscan.records.vault import (
    Access,
    AccessEntry,
    LikenessAnswer,
    LikenessAsk,
    Suppression,
    Tombstone,
    VoicesHeard,
    VoiceTemplate,
)

if TYPE_CHECKING:
    # Importing the index brings numpy, which the zip functions do not carry.
    from rightscan.harmony import Catalogue
    from rightscan.index import Index


class Conflict(TransientError):
    """Somebody else changed the record since it was read; read again and decide anew."""

    def __init__(self, what: str) -> None:
        super().__init__("conflict", f"{what} was changed by another worker", "It is tried again by itself.")


class ObjectMissing(PermanentError):
    """The object, or this version of it, is not there (any more)."""

    def __init__(self, ref: ObjectRef) -> None:
        super().__init__(
            "object_missing", f"{ref.bucket}/{ref.key} ({ref.version}) is not there", "Upload it again."
        )


# ---- objects --------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class ObjectInfo:
    """What the store knows of one object version. ``sha256`` is set where the store computed it on write."""

    ref: ObjectRef
    size: int
    modified_at: datetime
    metadata: Mapping[str, str]
    sha256: str | None = None


class ObjectStore(Protocol):
    """Versioned objects in buckets."""

    def put(
        self,
        bucket: str,
        key: str,
        source: bytes | Path,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> ObjectInfo:
        """Write a new version; readers see all of it or nothing. Notifies whoever the wiring names."""
        ...

    def put_if_absent(self, bucket: str, key: str, source: bytes | Path) -> ObjectInfo:
        """Write an immutable object; where the key exists the existing one is returned untouched."""
        ...

    def head(self, ref: ObjectRef) -> ObjectInfo:
        """Facts of one version; ``version == "null"`` means the latest. Raises ``ObjectMissing``."""
        ...

    def open(self, ref: ObjectRef) -> BinaryIO:
        """A seekable reader that fetches ranges as they are asked for. Raises ``ObjectMissing``."""
        ...

    def download(self, ref: ObjectRef, path: Path) -> None:
        """Copy one version to a local file. Raises ``ObjectMissing``."""
        ...

    def list(self, bucket: str, prefix: str = "", *, after: str = "") -> Iterator[ObjectInfo]:
        """The latest versions by key, from after the key ``after`` on, in key order."""
        ...


# ---- records --------------------------------------------------------------------------------------------
class Ledger(Protocol):
    """All records, by the access patterns of the domain.

    Reads are strongly consistent unless said otherwise. A write may be repeated: the second one changes
    nothing. Where a call writes two records, the one that others read first comes last; a stop in between
    leaves a record that nobody follows yet, and the repeated call finishes the work.
    """

    # uploads and custody
    def add_upload(self, upload: Upload) -> Upload:
        """Record an upload once, as an alias of the bytes it carries; a repeated delivery gets what stands."""
        ...

    def upload(self, ref: ObjectRef) -> Upload | None:
        """The record of one object version."""
        ...

    def upload_named(self, log_index: str) -> Upload | None:
        """The upload whose custody log, or an entry of it, has this name: ``<sha1>/<version>[/<seq>]``."""
        ...

    def aliases(self, media_id: str) -> list[Upload]:
        """Every upload that carries these bytes, in a fixed order."""
        ...

    def uploads(self) -> Iterator[Upload]:
        """All uploads; a full read, for audits."""
        ...

    def uploads_in_period(self, period: str) -> Iterator[Upload]:
        """Uploads whose use period is this KST month."""
        ...

    def append_custody(
        self, ref: ObjectRef, *, at: datetime, actor: str, action: str, subject: str, detail: dict[str, Any]
    ) -> CustodyEntry:
        """Add an entry to the upload's chain; the same action on the same subject is entered once."""
        ...

    def custody(self, ref: ObjectRef) -> list[CustodyEntry]:
        """The chain of one upload, in order."""
        ...

    # media and analysis
    def add_media(self, media: Media) -> Media:
        """Create the record of these bytes, or return the one that stands."""
        ...

    def media(self, media_id: str) -> Media | None:
        """The record of these bytes."""
        ...

    def claim(self, media_id: str, *, token: str, now: datetime, lease_s: float) -> Media:
        """Take the bytes for analysis.

        Raises:
            Conflict: another worker holds a lease that has not expired.
            CancelledError: code ``already_analysed``; nothing is left to analyse.
            PermanentError: code ``unknown_media``.
        """
        ...

    def finish_claim(self, media: Media, *, token: str, scan: Scan | None) -> Media:
        """Write the outcome of a claim: ``media`` in its next state, and the scan where there is one.

        Raises:
            CancelledError: code ``claim_lost``; the lease ran out and somebody else took over.
        """
        ...

    def move_media(self, before: Media, after: Media) -> Media:
        """Replace the record if it still equals ``before``. Raises ``Conflict``."""
        ...

    def scan(self, media_id: str, pipeline_version: str) -> Scan | None:
        """The analysis of these bytes by this pipeline."""
        ...

    def scans(self, media_id: str) -> list[Scan]:
        """All analyses of these bytes."""
        ...

    def media_at_work(self, since: datetime, until: datetime, *, failed: bool = False) -> Iterator[Media]:
        """Unfinished (or failed) media first seen in the span; eventually consistent, for operations."""
        ...

    # verdicts
    def put_results(self, matches: list[Match], findings: list[Finding], uses: list[Use]) -> None:
        """Write results, one by one in the order given; each has an id of its own, so writing again is safe."""
        ...

    def commit_verdict(self, verdict: Verdict, before: Media, after: Media) -> Media:
        """Write the verdict, then move the media to it. Raises ``Conflict`` if ``before`` is stale."""
        ...

    def verdicts(self, media_id: str) -> list[Verdict]:
        """All verdicts on these bytes."""
        ...

    def matches(self, media_id: str) -> list[Match]:
        """All matches in these bytes, ended ones included."""
        ...

    def findings(self, media_id: str) -> list[Finding]:
        """All findings on these bytes, ended ones included."""
        ...

    def uses(self, media_id: str) -> list[Use]:
        """All uses of these bytes, ended ones included."""
        ...

    def matches_of_recording(self, recording_id: str) -> Iterator[Match]:
        """Where a recording was found, by time; eventually consistent."""
        ...

    def uses_in_period(self, period: str) -> Iterator[Use]:
        """Uses settled in this KST month, shard by shard; eventually consistent."""
        ...

    def use_in_period(self, use_id: str, period: str) -> Use | None:
        """The use of this id, where it is settled in this KST month; eventually consistent."""
        ...

    # people's decisions
    def open_case(self, case: Case) -> Case:
        """Create the case, or return the one that stands."""
        ...

    def case(self, case_id: str) -> Case | None:
        """The case of this id."""
        ...

    def cases(self, media_id: str) -> list[Case]:
        """All cases on these bytes, decided and ended ones included."""
        ...

    def cases_waiting(self) -> Iterator[Case]:
        """Cases that wait for people; eventually consistent."""
        ...

    def cases_in_period(self, period: str) -> Iterator[Case]:
        """Cases opened in this KST month; eventually consistent."""
        ...

    def cases_of_model(self, model: str) -> Iterator[Case]:
        """All cases that this model version judged, ``name@version``."""
        ...

    def move_case(self, before: Case, after: Case, review: Review | None = None) -> Case:
        """Replace the case if it still equals ``before``, and write the review with it or neither.

        Raises:
            Conflict: somebody else changed the case since it was read.
        """
        ...

    def reviews(self, media_id: str) -> list[Review]:
        """All reviews of the cases on these bytes, by time."""
        ...

    def add_dispute(self, dispute: Dispute) -> Dispute:
        """Create the dispute, or return the one that stands under its number."""
        ...

    def move_dispute(self, before: Dispute, after: Dispute) -> Dispute:
        """Replace the dispute if it still equals ``before``. Raises ``Conflict``."""
        ...

    def disputes(self, recording_id: str) -> list[Dispute]:
        """All disputes over shares of the recording and of its uses, ended ones included."""
        ...

    def disputes_waiting(self) -> Iterator[Dispute]:
        """Disputes that have not ended; eventually consistent."""
        ...

    def put_appeal(self, appeal: Appeal) -> None:
        """Write the state of an appeal."""
        ...

    def appeals(self, media_id: str) -> list[Appeal]:
        """All appeals against cases on these bytes."""
        ...

    # registers
    def save_register_row(self, row: AnyRegisterRow) -> tuple[str, AnyRegisterRow]:
        """Write a row of a register, a changed one as a new version.

        Returns:
            ``created``, ``updated`` or ``unchanged``, and the row that now stands.
        """
        ...

    def recording(self, recording_id: str) -> Recording | None:
        """The recording as it stands now."""
        ...

    def performer(self, performer_id: str) -> Performer | None:
        """The performer as they stand now."""
        ...

    def lineup(self, recording_id: str) -> list[LineupEntry]:
        """Who performed on the recording."""
        ...

    def mandates(self, performer_id: str) -> list[Mandate]:
        """The mandates of a performer."""
        ...

    def consents(self, performer_id: str) -> list[Consent]:
        """The consents of a performer, withdrawn ones included."""
        ...

    def licences(self, *, recording_id: str = "", performer_id: str = "") -> list[Licence]:
        """The licences for a recording, or for a performer."""
        ...

    def register_history(self, row: AnyRegisterRow) -> list[AnyRegisterRow]:
        """All versions of the row, oldest first."""
        ...

    def recordings(self) -> Iterator[Recording]:
        """All recordings; a full read, for audits and ``doctor``."""
        ...

    def put_reference(self, reference: Reference) -> None:
        """Write the state of a recording's fingerprint."""
        ...

    def reference(self, recording_id: str, pipeline_version: str) -> Reference | None:
        """A recording's fingerprint under a pipeline."""
        ...

    def references_ready(self) -> Iterator[Reference]:
        """Fingerprints that wait for the next index build; eventually consistent."""
        ...

    def put_registration(self, registration: Registration) -> None:
        """Write the state of a catalogue file's processing."""
        ...

    def registration(self, registration_id: str) -> Registration | None:
        """The processing of a catalogue file."""
        ...

    # conflicts between recordings
    def put_conflict(self, conflict: RecordingConflict) -> None:
        """Write the state of a conflict."""
        ...

    def conflicts_in(self, media_id: str) -> list[RecordingConflict]:
        """Conflicts over spans of these bytes, ended ones included."""
        ...

    def conflicts_of(self, recording_id: str) -> list[RecordingConflict]:
        """Conflicts of a recording over an ISRC or its sound, ended ones included."""
        ...

    def open_conflicts(self) -> Iterator[RecordingConflict]:
        """All conflicts that are open, by time; eventually consistent."""
        ...

    def recordings_with_isrc(self, isrc: str) -> list[Recording]:
        """The recordings that carry an ISRC now."""
        ...

    # voices
    def put_voices(self, heard: VoicesHeard) -> None:
        """Write what was heard in one analysis; a later comparison takes the place of an earlier one."""
        ...

    def voices(self, media_id: str, scan_id: str) -> VoicesHeard | None:
        """What was heard in this analysis."""
        ...

    def put_suppression(self, suppression: Suppression) -> None:
        """Write that nothing is reported of a performer's likeness, or that it is again."""
        ...

    def suppression(self, performer_id: str) -> Suppression | None:
        """The performer's suppression, lifted ones included; strongly consistent, as all reads of one record."""
        ...

    # operations
    def record_incident(self, incident: Incident) -> Incident:
        """Record a trouble once; the first record stands and is returned, the given one where it is the first."""
        ...

    def incidents_in_period(self, period: str) -> Iterator[Incident]:
        """Incidents first seen in this KST month."""
        ...

    def pointer(self, name: str) -> Pointer | None:
        """What a name points to."""
        ...

    def move_pointer(
        self, name: str, value: dict[str, Any], *, revision: int | None, at: datetime
    ) -> Pointer:
        """Point a name elsewhere, if it is still at ``revision`` (``None``: does not exist). Raises ``Conflict``."""
        ...

    def count_once(self, metric: str, *, event_id: str, at: datetime, amount: int = 1) -> bool:
        """Add to an hourly counter, once per event id; tells whether it was counted now."""
        ...

    def counts(self, metric: str, since: datetime, until: datetime) -> list[Count]:
        """A counter's hours in the span."""
        ...

    def start_report(self, report: Report) -> Report:
        """Record a report under the next number; the same ``request_id`` gets the one that stands.

        ``report_id`` and ``version`` of the argument are placeholders that the ledger replaces.
        """
        ...

    def finish_report(self, report: Report) -> Report:
        """Record the end of a report. A finished one is immutable: it is returned as it stands."""
        ...

    def reports(self, period: str) -> list[Report]:
        """The reports of a period, oldest first."""
        ...


# ---- templates ------------------------------------------------------------------------------------------
class Vault(Protocol):
    """Templates, each performer's under a data key of their own, and the log of who touched them.

    Every call that takes an ``Access`` writes it to the log before anything is read or changed, and does
    neither where it cannot. There is no call that lists templates without naming why.
    """

    def pseudonym(self, performer_id: str) -> str:
        """The performer's name in the vault, 32 hex digits: an HMAC under a key of the vault."""
        ...

    def log(self, access: Access) -> None:
        """Write an access that no other call writes."""
        ...

    def put_template(self, template: VoiceTemplate, access: Access) -> None:
        """Keep a template, in the place of the performer's earlier one of that register."""
        ...

    def templates_of(self, performer_id: str, access: Access) -> list[VoiceTemplate]:
        """One performer's templates, by register.

        Raises:
            PermanentError: ``vault_key_destroyed``, ``vault_corrupt``.
        """
        ...

    def snapshot(self, permitted: Callable[[str], bool], access: Access) -> dict[str, list[VoiceTemplate]]:
        """The templates of everybody whose performer id is ``permitted``, by pseudonym.

        The templates of others are not opened.
        """
        ...

    def enrolled(self, access: Access) -> list[str]:
        """The performer ids that have templates."""
        ...

    def count(self) -> int:
        """How many have templates; nothing of anybody is read, so it needs no reason."""
        ...

    def destroy(self, performer_id: str, access: Access) -> Tombstone:
        """Destroy the performer's data key, then remove what it had locked; may be repeated."""
        ...

    def tombstone(self, performer_id: str) -> Tombstone | None:
        """What is left of a withdrawal; it stays when the performer is enrolled again."""
        ...

    def accesses(self, since: datetime, until: datetime, access: Access) -> Iterator[AccessEntry]:
        """The log of a span, by time."""
        ...

    def forget_accesses(self, before: datetime, access: Access, *, apply: bool) -> int:
        """Remove log entries older than ``before``, or count them; returns how many."""
        ...


# ---- queues, events, jobs -------------------------------------------------------------------------------
class Queue(Protocol):
    """Where one kind of work waits. Delivery is at least once, in any order."""

    def send(self, body: Mapping[str, Any], *, delay_s: int = 0) -> None:
        """Add a message. Raises ``PermanentError`` (``message_too_large``) above 120 KB."""
        ...


@dataclass(frozen=True)
class DeadLetter:
    """A message that could not be handled."""

    queue: str
    message_id: str
    body: str
    receives: int
    dead_since: datetime


class DeadLetters(Protocol):
    """The dead-letter queues. A message in one means a bug or an outage."""

    def show(self, limit: int = 100) -> list[DeadLetter]:
        """Messages that lie there; looking does not take them."""
        ...

    def redrive(self, queue: str | None = None, message_id: str | None = None) -> int:
        """Send them back to their queues; returns how many."""
        ...

    def drop(self, message_id: str) -> bool:
        """Delete one for good; tells whether it was there."""
        ...


class EventBus(Protocol):
    """Low-volume domain events."""

    def publish(self, event: DomainEvent) -> None:
        """Announce. Raises ``PermanentError`` (``event_too_large``) above 120 KB."""
        ...


class Jobs(Protocol):
    """Heavy work outside functions: AWS Batch, or child processes on one machine."""

    def submit(self, job_type: str, arguments: Mapping[str, str], *, name: str) -> str:
        """Start a job; the same name while one runs returns that one's id."""
        ...

    def state(self, job_id: str) -> str:
        """``waiting``, ``running``, ``succeeded`` or ``failed``."""
        ...

    def cancel(self, job_id: str, reason: str) -> None:
        """Stop a job that has not ended."""
        ...


class Clock(Protocol):
    """The time, as something tests can set."""

    def now(self) -> datetime:
        """Now, aware, UTC."""
        ...


class Meter(Protocol):
    """Metrics with few dimensions."""

    def count(self, name: str, value: float = 1.0) -> None:
        """Add to a metric of the running function."""
        ...


class Workspace(Protocol):
    """A temporary folder that is gone at the end, whichever way the work ends."""

    def __call__(self) -> AbstractContextManager[Path]:
        """Open a folder of one's own."""
        ...


@dataclass(frozen=True)
class OpenIndex:
    """An index opened for searching, and the version that verdicts name.

    ``works`` reads the recordings' harmonies, at the first call of a version; None where there are none.
    """

    index: Index | None
    version: str
    works: Callable[[], Catalogue | None] = lambda: None


class IndexReader(Protocol):
    """The live index."""

    def current(self, *, fresh: bool = False) -> OpenIndex:
        """The live version, looked up anew every ``index_refresh_s`` or where ``fresh`` is asked for.

        Work under way keeps its own.
        """
        ...


Analyse = Callable[[Path, Path, Limits, EngineSettings], "dict[str, Any]"]
"""Decode and analyse a file: (input, features file to write, limits, engines) to facts. Guarded in production."""


AskLikeness = Callable[[LikenessAsk, "Ports"], LikenessAnswer]
"""Ask the function ``likeness``, which alone opens the vault; on one machine, in this process."""


@dataclass(frozen=True)
class Buckets:
    """The names of the four buckets."""

    uploads: str
    registrations: str
    work: str
    exports: str


@dataclass(frozen=True)
class Settings:
    """What a deployment sets. Times in seconds, units are files."""

    buckets: Buckets
    limits: Limits = field(default_factory=Limits)
    engines: EngineSettings = field(default_factory=EngineSettings)
    scan_lease_s: float = 900.0
    index_refresh_s: float = 30.0
    units_per_day: int = 100_000
    live_reserve: float = 0.5
    uploader_key: bytes = b""
    language: str = "ko"


@dataclass(frozen=True)
class Ports:
    """Everything a use case may touch."""

    settings: Settings
    objects: ObjectStore
    ledger: Ledger
    ingest_queue: Queue
    backfill_queue: Queue
    scan_queue: Queue
    scan_backfill_queue: Queue
    match_queue: Queue
    match_backfill_queue: Queue
    register_queue: Queue
    report_queue: Queue
    dead_letters: DeadLetters
    events: EventBus
    jobs: Jobs
    clock: Clock
    meter: Meter
    analyse: Analyse
    workspace: Workspace
    index: IndexReader
    vault: Vault
    likeness: AskLikeness
