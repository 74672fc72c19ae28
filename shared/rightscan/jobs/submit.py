"""Bring files from a person's disk into the buckets: media with their facts, catalogues with their audio."""

from __future__ import annotations

import hashlib
import posixpath
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rightscan.errors import PermanentError, UsageError
from rightscan.jobs.ingest import SIDECAR_SUFFIX
from rightscan.ports import ObjectMissing, ObjectStore, Ports
from rightscan.records.base import canonical_json
from rightscan.records.objects import ObjectRef
from rightscan.records.registers import RowOutcome
from rightscan.rights.catalogue import CatalogueRow, parse_catalogue, read_catalogue
from rightscan.rights.names import clean_text, safe_filename
from rightscan.rights.problems import problem_words
from rightscan.rights.upload_facts import ParsedFacts, UploadFacts, read_sidecar, to_metadata

MAX_KEY_BYTES = 1024
MAX_PLACES = 10
"""Rows that a refusal of a whole catalogue names."""

CATALOGUE_SUFFIXES = (".xlsx", ".csv", ".jsonl")


# ---- media ----------------------------------------------------------------------------------------------
def media_files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files to scan: a folder's own, in order, without hidden ones and sidecars of facts.

    A path that is not there comes back as it is: sending it says so, and stops no other.
    """
    for path in paths:
        if path.is_dir():
            inside = sorted(found for found in path.rglob("*") if found.is_file())
            yield from (
                found
                for found in inside
                if not found.name.startswith(".") and not found.name.endswith(SIDECAR_SUFFIX)
            )
        else:
            yield path


def listed_under(path: Path, listed: dict[str, ParsedFacts]) -> str | None:
    """The name under which a facts file lists a file: its path as given, or its name alone."""
    return next((name for text in (str(path), path.name) if (name := clean_text(text)) in listed), None)


def facts_of(path: Path, listed: dict[str, ParsedFacts]) -> ParsedFacts:
    """The upload facts of a file: its line of a facts file, else its sidecar, else none."""
    name = listed_under(path, listed)
    if name is not None:
        return listed[name]
    sidecar = path.with_name(path.name + SIDECAR_SUFFIX)
    if sidecar.is_file():
        return read_sidecar(sidecar.read_bytes())
    return ParsedFacts(UploadFacts())


def object_key(path: Path) -> str:
    """The key of a file: its path as given, without what S3 or a reader could trip over.

    A path that leaves the working folder is named in full. A key above 1,024 bytes keeps its end behind a
    hash of the whole.
    """
    shown = path.resolve() if path.is_absolute() or ".." in path.parts else path
    key = posixpath.normpath(clean_text(shown.as_posix())).lstrip("/")
    if len(key.encode()) > MAX_KEY_BYTES:
        digest = hashlib.sha256(key.encode()).hexdigest()[:16]
        key = f"{digest}/{safe_filename(posixpath.basename(key), 255)}"
    return key


def upload_media(path: Path, facts: UploadFacts, ports: Ports) -> ObjectRef:
    """Put a file into the uploads bucket.

    The same file with the same facts under the same name is one upload however often it is sent: a
    person who repeats a command has not used the recording twice.

    Raises:
        UsageError: ``no_such_path``, ``unreadable_file``.
    """
    if not path.exists():
        raise UsageError("no_such_path", f"{path} is not there", "Check the path.")
    if not path.is_file():  # a pipe would be waited for without end
        raise UsageError("unreadable_file", f"{path} is no file", "Name a file.")
    bucket, key = ports.settings.buckets.uploads, object_key(path)
    metadata = to_metadata(facts)
    try:
        digest = file_sha256(path)
    except OSError as error:
        raise UsageError(
            "unreadable_file", f"{path}: {error.strerror}", "Check the file's rights."
        ) from error
    metadata["sha256"] = digest
    try:
        standing = ports.objects.head(ObjectRef(bucket=bucket, key=key))
    except ObjectMissing:
        pass
    else:
        if dict(standing.metadata) == metadata:
            return standing.ref
    return ports.objects.put(bucket, key, path, metadata=metadata).ref


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# ---- catalogues -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class SentCatalogue:
    """A catalogue on its way: the object whose event starts the registration, and rows refused before."""

    ref: ObjectRef
    refused: tuple[RowOutcome, ...]
    sounds: Mapping[str, tuple[CatalogueRow, str]]
    """By recording id: the row that names its sound, and what its cell says."""


def send_catalogue(path: Path, ports: Ports) -> SentCatalogue:
    """Upload a catalogue file or folder with the audio it names.

    Args:
        path: a workbook, CSV or JSON Lines file, or a folder of them; audio lies beside the file that
            names it, or where an absolute path says.
        ports: the world.

    A file of a folder that cannot be read is refused as a whole; the others go on.

    Raises:
        UsageError: ``no_such_path``, ``no_catalogue``.
        PermanentError: no file can be read, or one holds personal numbers (``personal_number``); nothing was
            uploaded.
    """
    refused: list[RowOutcome] = []
    rows: list[tuple[Path, CatalogueRow]] = []
    files = _catalogue_files(path)
    for file in files:
        try:
            rows += [(file, row) for row in list(read_catalogue(file.name, file.read_bytes()))]
        except PermanentError as error:
            if len(refused) == len(files) - 1:
                raise
            refused.append(_unreadable(file, error))
    parsed = parse_catalogue([row for _, row in rows], allow_absolute_audio=True)
    leaks = {
        f"{problem.file} {problem.sheet} row {problem.row}"
        for item in parsed
        for problem in item.problems
        if problem.code == "personal_number"
    }
    if leaks:
        # Refused here already: once in a bucket it would lie in its versions. The place is named, never the value.
        words = problem_words("personal_number")
        places = ", ".join(sorted(leaks)[:MAX_PLACES])
        raise PermanentError("personal_number", f"{words['en']}: {places}", str(words["remedy_en"]))
    folder = f"catalogues/{safe_filename(clean_text(path.resolve().stem), 120)}"
    lines: list[str] = []
    sounds: dict[str, tuple[CatalogueRow, str]] = {}
    for file, row in rows:
        cells = dict(row.cells)
        if row.sheet == "recordings" and cells.get("audio"):
            audio = _find_audio(file.parent, cells["audio"])
            if audio is None:
                refused.append(_missing_audio(row, cells["audio"]))
                continue
            sounds[cells.get("recording_id", "")] = (row, cells["audio"])
            cells["audio"] = _send_audio(audio, folder, ports.objects, ports.settings.buckets.registrations)
        lines.append(
            canonical_json({**row.extra, **cells, "_sheet": row.sheet, "_file": row.file, "_row": row.row})
        )
    data = "".join(line + "\n" for line in lines).encode()
    info = ports.objects.put(ports.settings.buckets.registrations, f"{folder}/catalogue.jsonl", data)
    return SentCatalogue(info.ref, tuple(refused), sounds)


def _catalogue_files(path: Path) -> list[Path]:
    if not path.exists():
        raise UsageError("no_such_path", f"{path} is not there", "Check the path.")
    if path.is_file():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix.lower() in CATALOGUE_SUFFIXES)
    if not found:
        raise UsageError(
            "no_catalogue",
            f"{path} holds no catalogue file (.xlsx, .csv, .jsonl)",
            "`rightscan template catalogue --out DIR` writes examples.",
        )
    return found


def _find_audio(folder: Path, named: str) -> Path | None:
    """The audio file that a cell names; a disk may hold the name in another Unicode form."""
    path = folder / named.replace("\\", "/")
    if path.is_file():
        return path
    if path.parent.is_dir():
        wanted = unicodedata.normalize("NFC", path.name)
        for beside in sorted(path.parent.iterdir()):
            if unicodedata.normalize("NFC", beside.name) == wanted and beside.is_file():
                return beside
    return None


def _unreadable(file: Path, error: PermanentError) -> RowOutcome:
    return RowOutcome(
        file=file.name,
        sheet="",
        row=0,
        outcome="invalid",
        value=error.cause,
        code=error.code,
        remedy=error.remedy,
    )


def _missing_audio(row: CatalogueRow, named: str) -> RowOutcome:
    return RowOutcome(
        file=row.file,
        sheet=row.sheet,
        row=row.row,
        outcome="invalid",
        key=row.cells.get("recording_id"),
        column="audio",
        value=named,
        code="audio_missing",
        remedy="Put the audio file where the cell says, relative to the catalogue file, and register again.",
    )


def _send_audio(path: Path, folder: str, objects: ObjectStore, bucket: str) -> str:
    name = f"audio/{file_sha256(path)}{path.suffix.lower()}"
    objects.put_if_absent(bucket, f"{folder}/{name}", path)
    return name
