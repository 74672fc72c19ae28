"""Bring catalogue files into the registers, and recordings' own sound into the index."""

from __future__ import annotations

import posixpath
from itertools import islice
from typing import Any, Literal, get_args

from rightscan.engines import NOTHING_MORE
from rightscan.errors import PermanentError
from rightscan.jobs import incidents, recording_conflicts
from rightscan.jobs.analysis import FEATURES_FILE
from rightscan.jobs.register_rows import records_of
from rightscan.jobs.scan import store_features
from rightscan.jobs.versions import fingerprint_pipeline
from rightscan.ports import ObjectMissing, Ports
from rightscan.records import identity
from rightscan.records.base import canonical_json
from rightscan.records.messages import ReferenceRequested, TestEvent, UploadEvent, parse_registration
from rightscan.records.objects import ObjectRef
from rightscan.records.registers import (
    AnyRegisterRow,
    Recording,
    Reference,
    ReferenceState,
    Registration,
    RowOutcome,
)
from rightscan.rights.catalogue import (
    ParsedRow,
    RecordingRow,
    RowProblem,
    parse_catalogue,
    read_catalogue,
)
from rightscan.rights.problems import Severity, problem_words

MAX_CATALOGUE_BYTES = 64 << 20
"""A hundred thousand rows of every sheet are about 40 MB; more is split by the sender."""

MIN_LANDMARKS = 16
"""Fewer landmarks than an accepted match rests on: such a sound could never be found."""

MAX_ROWS = 20_000
"""A row takes up to 15 ms of table access: so many fit into a function's time with room to spare."""

MAX_ID_BYTES = 350_000
"""Of all recording ids of a file together: the record of its processing lists them, and DynamoDB's have 400 KB."""

OutcomeWord = Literal["created", "updated", "unchanged", "invalid", "warning"]


def register(body: str, ports: Ports) -> dict[str, Any]:
    """Handle one message of the register queue.

    Args:
        body: its text.
        ports: the world.

    Returns:
        What the log says of it; ``recordings`` are those that the next index build must bring in.

    Raises:
        PermanentError: code ``event_shape``.
    """
    asked = parse_registration(body)
    if isinstance(asked, TestEvent):
        ports.meter.count("TestEvent")
        return {"outcomes": ["test_event"]}
    if isinstance(asked, ReferenceRequested):
        outcome = fingerprint_reference(asked, ports)
        ports.meter.count(f"Reference.{outcome}")
        return {
            "registration_id": asked.registration_id,
            "recordings": [asked.recording_id],
            "outcome": outcome,
        }
    outcomes = [register_catalogue(change, ports) for change in asked]
    for word in outcomes:
        ports.meter.count(f"Catalogue.{word}")
    return {"objects": [change.ref.log_index for change in asked], "outcomes": outcomes}


def register_catalogue(event: UploadEvent, ports: Ports) -> str:
    """Read one catalogue file that arrived in the registrations bucket.

    Returns:
        One word for the log: ``read``, ``failed`` or ``ignored``.
    """
    if not event.created or event.ref.key.endswith("/"):
        return "ignored"
    registration_id = identity.registration_id(event.ref.bucket, event.ref.key, event.ref.version)
    registration = ports.ledger.registration(registration_id)
    if registration is None or registration.state == "received":
        try:
            registration = _read(registration_id, event.ref, ports)
        except PermanentError as error:
            trouble = incidents.info(error)
            incidents.record(ports, "catalogue", registration_id, trouble)
            registration = Registration(
                registration_id=registration_id,
                source=event.ref,
                state="failed",
                error=trouble,
                changed_at=ports.clock.now(),
            )
            ports.ledger.put_registration(registration)
    for recording_id in registration.recording_ids:
        if _owes_fingerprint(recording_id, ports):
            request = ReferenceRequested(recording_id=recording_id, registration_id=registration_id)
            ports.register_queue.send(request.to_json())
    return registration.state


def _owes_fingerprint(recording_id: str, ports: Ports) -> bool:
    reference = ports.ledger.reference(recording_id, fingerprint_pipeline())
    return reference is not None and reference.state is ReferenceState.PENDING


def _read(registration_id: str, ref: ObjectRef, ports: Ports) -> Registration:
    size = ports.objects.head(ref).size
    if size > MAX_CATALOGUE_BYTES:
        raise PermanentError(
            "catalogue_too_large",
            f"the catalogue file has {size} bytes, the limit is {MAX_CATALOGUE_BYTES}",
            "Split it into several files.",
        )
    with ports.objects.open(ref) as reader:
        data = reader.read()
    rows = list(islice(read_catalogue(posixpath.basename(ref.key), data), MAX_ROWS + 1))
    if len(rows) > MAX_ROWS:
        raise PermanentError(
            "catalogue_too_large",
            f"the catalogue file has more than {MAX_ROWS} rows",
            "Split it into several files.",
        )
    parsed = parse_catalogue(rows)
    named = {row.record.recording_id for row in parsed if isinstance(row.record, RecordingRow)}
    if sum(len(recording_id.encode()) + 1 for recording_id in named) > MAX_ID_BYTES:
        raise PermanentError(
            "catalogue_too_large",
            f"the ids of the file's {len(named)} recordings have more than {MAX_ID_BYTES} bytes",
            "Split it into several files.",
        )
    leaks = sum(1 for row in parsed for problem in row.problems if problem.code == "personal_number")
    if leaks:
        words = problem_words("personal_number")
        raise PermanentError("personal_number", f"{words['en']} ({leaks} cells)", str(words["remedy_en"]))
    outcomes: list[RowOutcome] = []
    recording_ids: list[str] = []
    for row in parsed:
        outcomes += _problems(row.problems)
        if row.record is not None:
            outcomes.append(_take(row, registration_id, ref, recording_ids, ports))
    stored = ports.objects.put_if_absent(
        ports.settings.buckets.work,
        f"registrations/{registration_id}.jsonl",
        "".join(canonical_json(outcome.to_json()) + "\n" for outcome in outcomes).encode(),
    )
    count = {word: sum(outcome.outcome == word for outcome in outcomes) for word in get_args(OutcomeWord)}
    registration = Registration(
        registration_id=registration_id,
        source=ref,
        state="read",
        created=count["created"],
        updated=count["updated"],
        unchanged=count["unchanged"],
        invalid=count["invalid"],
        outcomes=stored.ref,
        recording_ids=tuple(recording_ids),
        changed_at=ports.clock.now(),
    )
    ports.ledger.put_registration(registration)
    return registration


def _problems(problems: tuple[RowProblem, ...]) -> list[RowOutcome]:
    return [
        RowOutcome(
            file=problem.file,
            sheet=problem.sheet,
            row=problem.row,
            outcome="invalid" if problem.severity is Severity.ERROR else "warning",
            column=problem.column or None,
            value=problem.value or None,
            code=problem.code,
            remedy=problem.remedy,
        )
        for problem in problems
    ]


def _take(
    row: ParsedRow, registration_id: str, source: ObjectRef, recording_ids: list[str], ports: Ports
) -> RowOutcome:
    """Write one row to its register."""
    place: dict[str, Any] = {"file": row.row.file, "sheet": row.row.sheet, "row": row.row.row}
    audio: ObjectRef | None = None
    digest: str | None = None
    if isinstance(row.record, RecordingRow):
        key = posixpath.normpath(posixpath.join(posixpath.dirname(source.key), row.record.audio))
        try:
            info = ports.objects.head(ObjectRef(bucket=source.bucket, key=key))
        except ObjectMissing:
            return RowOutcome(
                **place,
                outcome="invalid",
                column="audio",
                value=row.record.audio,
                code="audio_missing",
                remedy="Upload the audio file beside the catalogue file and send the catalogue file again.",
            )
        audio, digest = info.ref, info.sha256 or f"{info.ref.key}@{info.ref.version}"
    stamps = {
        "changed_at": ports.clock.now(),
        "changed_by": "catalogue",
        "reason": f"registration {registration_id}",
        "extra": row.row.extra,
    }
    word: OutcomeWord = "unchanged"
    key_shown = ""
    records = [] if row.record is None else records_of(row.record, stamps, audio, digest)
    for record in records:
        change, standing = _save(record, ports)
        if change == "unchanged" and standing.reason == stamps["reason"]:
            # Written by this very registration before it was stopped.
            change = "created" if standing.version == 1 else "updated"
        if change != "unchanged" and word == "unchanged":
            word = "created" if change == "created" else "updated"
        key_shown = key_shown or _shown_key(standing)
        if isinstance(standing, Recording):
            recording_conflicts.keep_of_isrc(standing, ports)
        if isinstance(standing, Recording) and standing.audio is not None:
            if standing.recording_id not in recording_ids:
                recording_ids.append(standing.recording_id)
            _note_reference(standing, registration_id, ports)
    return RowOutcome(**place, outcome=word, key=key_shown)


def _save(record: AnyRegisterRow, ports: Ports) -> tuple[str, AnyRegisterRow]:
    if isinstance(record, Recording):
        standing = ports.ledger.recording(record.recording_id)
        if standing is not None and standing.audio_sha256 == record.audio_sha256:
            # The same sound sent again under another object version is no change of the recording.
            record = record.model_copy(update={"audio": standing.audio})
    return ports.ledger.save_register_row(record)


def _shown_key(row: AnyRegisterRow) -> str:
    fields = ("recording_id", "licence_id", "performer_id")
    return "/".join(value for name in fields if (value := getattr(row, name, None)))


def _note_reference(recording: Recording, registration_id: str, ports: Ports) -> None:
    """Owe the recording's sound a fingerprint, unless the one that stands is of this very sound."""
    standing = ports.ledger.reference(recording.recording_id, fingerprint_pipeline())
    if recording.audio is None or recording.audio_sha256 is None:
        return
    same_sound = standing is not None and standing.audio_sha256 == recording.audio_sha256
    if standing is not None and same_sound and standing.state is not ReferenceState.FAILED:
        return
    ports.ledger.put_reference(
        Reference(
            recording_id=recording.recording_id,
            pipeline_version=fingerprint_pipeline(),
            audio=recording.audio,
            audio_sha256=recording.audio_sha256,
            state=ReferenceState.PENDING,
            registration_id=registration_id,
            indexed_sha256=None if standing is None else standing.indexed_sha256,
            changed_at=ports.clock.now(),
        )
    )


def fingerprint_reference(request: ReferenceRequested, ports: Ports) -> str:
    """Fingerprint one recording's own sound; the next index build takes it from there.

    Returns:
        One word for the log: ``ready``, ``failed`` or ``done_before``.
    """
    reference = ports.ledger.reference(request.recording_id, fingerprint_pipeline())
    if reference is None or reference.state is not ReferenceState.PENDING:
        return "done_before"
    try:
        ready = _fingerprint(reference, ports)
    except PermanentError as error:
        trouble = incidents.info(error)
        incidents.record(ports, "reference", request.recording_id, trouble)
        failed = {"state": ReferenceState.FAILED, "error": trouble, "changed_at": ports.clock.now()}
        ports.ledger.put_reference(reference.model_copy(update=failed))
        return "failed"
    ports.ledger.put_reference(ready)
    return "ready"


def _fingerprint(reference: Reference, ports: Ports) -> Reference:
    pipeline = fingerprint_pipeline()
    size, limit = ports.objects.head(reference.audio).size, ports.settings.limits.hash_limit_bytes
    if size > limit:
        # Refused before it fills the function's disk, which would look like an outage.
        raise PermanentError(
            "too_large",
            f"the audio of recording {reference.recording_id} has {size} bytes, the limit is {limit}",
            "Send the recording in a smaller format, e.g. FLAC.",
        )
    with ports.workspace() as folder:
        path = folder / "audio"
        ports.objects.download(reference.audio, path)
        features = folder / FEATURES_FILE
        facts = ports.analyse(path, features, ports.settings.limits, NOTHING_MORE)
        if facts["silent"] or facts["landmarks"] < MIN_LANDMARKS:
            raise PermanentError(
                "reference_without_sound",
                f"recording {reference.recording_id} gives {facts['landmarks']} landmarks",
                "Send the recording's full audio; silence and a few seconds of noise cannot be found again.",
            )
        name = identity.object_id(reference.recording_id, reference.audio_sha256)
        key = f"references/{pipeline}/{name[:2]}/{name}.npz"
        stored, digest = store_features(key, features, ports)
    return reference.model_copy(
        update={
            "state": ReferenceState.READY,
            "features": stored.ref,
            "features_sha256": digest,
            "duration_s": facts["duration_s"],
            "error": None,
            "changed_at": ports.clock.now(),
        }
    )


def outcomes_of(registration: Registration, ports: Ports) -> list[RowOutcome]:
    """The row outcomes of a processed catalogue file."""
    if registration.outcomes is None:
        return []
    with ports.objects.open(registration.outcomes) as reader:
        lines = reader.read().decode().splitlines()
    return [RowOutcome.model_validate_json(line) for line in lines]
