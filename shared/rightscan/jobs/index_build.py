"""Bring fingerprinted recordings into the live index: a small segment, merged upwards as they gather."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rightscan.fingerprint import Fingerprint
from rightscan.harmony import Harmony
from rightscan.index import Index
from rightscan.jobs import recording_conflicts, work_index
from rightscan.jobs.features import harmony_in
from rightscan.jobs.live_index import POINTER
from rightscan.jobs.versions import fingerprint_pipeline
from rightscan.ports import Conflict, Ports
from rightscan.records.objects import ObjectRef
from rightscan.records.operations import Pointer
from rightscan.records.registers import Reference, ReferenceState

_MODULUS = 1 << 256
_ATTEMPTS = 5

MAX_BATCH_BYTES = 200_000
"""Of the recordings that one move of the pointer brings in: the pointer lists them, and a record has 400 KB."""


def build_index(ports: Ports, recently: Iterable[str] = ()) -> str | None:
    """Put every fingerprint that waits into the live index.

    Args:
        ports: the world.
        recently: recordings fingerprinted just now; the list of those that wait may not show them yet.

    Returns:
        The live version, ``None`` if there is none.

    Raises:
        Conflict: others kept moving the pointer; try again.
    """
    recently = sorted(set(recently))
    conflicts = 0
    while conflicts < _ATTEMPTS:
        pointer = ports.ledger.pointer(POINTER)
        if pointer is not None:
            _settle(pointer, ports)
        waiting = _waiting(ports, recently)
        if not waiting:
            return None if pointer is None else str(pointer.value["version"])
        try:
            _settle(_extend(pointer, _portion(waiting), ports), ports)
        except Conflict:
            conflicts += 1
    raise Conflict("the index pointer")


def _portion(waiting: dict[str, Reference]) -> dict[str, Reference]:
    """As many of those that wait as one pointer can list; after an outage there may be many."""
    portion: dict[str, Reference] = {}
    size = 0
    for recording_id, reference in waiting.items():
        size += len(recording_id.encode()) + len(reference.features_sha256 or "") + 8
        if portion and size > MAX_BATCH_BYTES:
            break
        portion[recording_id] = reference
    return portion


def _waiting(ports: Ports, recently: Iterable[str]) -> dict[str, Reference]:
    found = {reference.recording_id: reference for reference in ports.ledger.references_ready()}
    for recording_id in recently:
        reference = ports.ledger.reference(recording_id, fingerprint_pipeline())
        if reference is not None:
            found[recording_id] = reference
    return {
        recording_id: reference
        for recording_id, reference in sorted(found.items())
        if reference.state is ReferenceState.READY and reference.pipeline_version == fingerprint_pipeline()
    }


def _settle(pointer: Pointer, ports: Ports) -> None:
    """Mark the recordings that the pointer's last move brought in; a stop after the move left this undone."""
    owed = []
    for recording_id, digest in pointer.value["batch"].items():
        reference = ports.ledger.reference(recording_id, pointer.value["pipeline"])
        if (
            reference is not None
            and reference.state is ReferenceState.READY
            and reference.features_sha256 == digest
        ):
            owed.append(reference)
    recording_conflicts.keep_of_sound([reference.recording_id for reference in owed], ports)
    for reference in owed:
        indexed = {"state": ReferenceState.INDEXED, "indexed_sha256": reference.features_sha256}
        ports.ledger.put_reference(reference.model_copy(update=indexed))


def _extend(pointer: Pointer | None, waiting: dict[str, Reference], ports: Ports) -> Pointer:
    # Fingerprints of another pipeline cannot be compared: a new pipeline begins a new index.
    same = pointer is not None and pointer.value["pipeline"] == fingerprint_pipeline()
    live: list[dict[str, Any]] = list(pointer.value["segments"]) if pointer is not None and same else []
    content = int(pointer.value["content"], 16) if pointer is not None and same else 0
    with ports.workspace() as folder:
        new = folder / "delta"
        harmonies: dict[str, Harmony] = {}
        manifest = Index.build(_fingerprints(waiting, harmonies, ports), new)
        work_index.write(harmonies.items(), new)
        recordings = len(waiting)
        # Each segment stays at least twice as large as the next, so their number grows with the logarithm.
        while live and live[-1]["recordings"] < 2 * recordings:
            older = live.pop()
            fetched = _fetch(older, folder, ports)
            merged = folder / f"merged-{len(live)}"
            manifest = Index.merge([fetched, new], merged)
            work_index.merge([fetched, new], merged, frozenset(manifest.recording_ids))
            for merged_in in (fetched, new):  # a merge of all segments must not need the disk three times
                shutil.rmtree(merged_in)
            new, recordings = merged, len(manifest.recording_ids)
        live.append(_publish(new, manifest.version, recordings, ports))
    for reference in waiting.values():
        content -= _entry_hash(reference.recording_id, reference.indexed_sha256)
        content += _entry_hash(reference.recording_id, reference.features_sha256)
    content %= _MODULUS
    value = {
        "pipeline": fingerprint_pipeline(),
        "version": _version(content),
        "content": f"{content:064x}",
        "segments": live,
        "batch": {reference.recording_id: reference.features_sha256 for reference in waiting.values()},
    }
    return ports.ledger.move_pointer(
        POINTER, value, revision=None if pointer is None else pointer.revision, at=ports.clock.now()
    )


def _entry_hash(recording_id: str, digest: str | None) -> int:
    if digest is None:
        return 0
    return int.from_bytes(hashlib.sha256(f"{recording_id}\0{digest}".encode()).digest())


def _version(content: int) -> str:
    """The version of an index: of what it finds, not of how its segments are cut.

    ``content`` is the sum of the entries' hashes (an additive set hash, Bellare and Micciancio 1997): it is
    brought forward with each change instead of being computed over the whole catalogue, and merging
    segments does not change it, so that a merge re-matches nothing.
    """
    return hashlib.sha256(f"{fingerprint_pipeline()}\0{content:064x}".encode()).hexdigest()[:16]


def _fingerprints(
    waiting: dict[str, Reference], harmonies: dict[str, Harmony], ports: Ports
) -> Iterator[tuple[str, Fingerprint]]:
    """Read what waits; the harmonies on the way, since both lie in one object."""
    for recording_id, reference in waiting.items():
        if reference.features is not None:
            with ports.objects.open(reference.features) as reader:
                data = reader.read()
            harmony = harmony_in(data)
            if harmony is not None:
                harmonies[recording_id] = harmony
            yield recording_id, Fingerprint.from_npz(data)


def _fetch(segment: dict[str, Any], folder: Path, ports: Ports) -> Path:
    target = folder / str(segment["id"])
    target.mkdir()
    for name in segment["files"]:
        ref = ObjectRef(bucket=ports.settings.buckets.work, key=f"index/{segment['id']}/{name}")
        ports.objects.download(ref, target / name)
    return target


def _publish(folder: Path, version: str, recordings: int, ports: Ports) -> dict[str, Any]:
    files = sorted(path.name for path in folder.iterdir())
    for name in files:
        ports.objects.put_if_absent(ports.settings.buckets.work, f"index/{version}/{name}", folder / name)
    size = sum((folder / name).stat().st_size for name in files)
    return {
        "id": version,
        "files": files,
        "recordings": recordings,
        "bytes": size,
        work_index.KEY: work_index.name_in(folder),
    }
