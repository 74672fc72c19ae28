"""Files per minute through the local runtime: the ``rightscan`` command, the functions, the store, two cores."""

from __future__ import annotations

import csv
import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.measure.material import UPLOAD_S, excerpt, pieces

from rightscan import runtime

_CORES = 2
_REGISTERED = range(1, 4)
_STRANGERS = range(101, 104)
_STARTS_S = (0.0, 3.5, 7.0, 10.5, 14.0, 17.5)
"""Where in its piece an upload begins: each piece gives six uploads of different sound."""


def measure(work: Path) -> dict[str, Any]:
    """Scan three-minute MP3 files, half of them of registered recordings, and count by the ledger's times.

    Raises:
        RuntimeError: the runtime did not find what was put in.
    """
    store, uploads = work / "store", work / "uploads"
    for folder in (store, uploads):
        shutil.rmtree(folder, ignore_errors=True)
    uploads.mkdir(parents=True)
    registered = pieces(work, _REGISTERED, "flac", "mp3")
    strangers = pieces(work, _STRANGERS, "mp3")
    sources = [*registered["mp3"], *strangers["mp3"]]
    # Registered and not registered take turns, as they would arrive.
    for number, source in enumerate(
        source for pair in zip(*(registered["mp3"], strangers["mp3"]), strict=True) for source in pair
    ):
        for start in _STARTS_S:
            excerpt([source], uploads / f"{number:02d}-{start:04.1f}-{source.stem}.mp3", start, UPLOAD_S)
    catalogue = _catalogue(work, registered["flac"])
    with _two_cores() as used:
        _rightscan(store, "register", str(catalogue))
        before = _spent()
        lines = _rightscan(store, "scan", str(uploads), "--json")
        cpu_s = _spent() - before
    results = [json.loads(line) for line in lines.splitlines()]
    _check(results, {path.stem for path in registered["mp3"]})
    seconds = _seconds(store)
    shutil.rmtree(store)
    return {
        "files": len(results),
        "file_s": UPLOAD_S,
        "cores": used,
        "catalogue_recordings": len(registered["flac"]),
        "registered_among_files": len(_STARTS_S) * len(registered["mp3"]),
        "pieces": len(sources),
        "seconds": round(seconds, 2),
        "files_per_minute": round(60 * len(results) / seconds, 1),
        "cpu_s_per_file": round(cpu_s / len(results), 2),
    }


def _catalogue(work: Path, files: list[Path]) -> Path:
    path = work / "recordings.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ["recording_id", "title", "audio"])
        writer.writeheader()
        writer.writerows(
            {"recording_id": audio.stem, "title": audio.stem, "audio": str(audio)} for audio in files
        )
    return path


def _rightscan(store: Path, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("rightscan")), "--home", str(store), *arguments]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def _check(results: list[dict[str, Any]], registered: set[str]) -> None:
    for result in results:
        piece = "-".join(Path(result["path"]).stem.split("-")[2:])
        found = {segment["recording_id"] for segment in result.get("segments", [])}
        wanted = {piece} & registered
        if found != wanted or result["state"] != ("matched" if wanted else "clear"):
            raise RuntimeError(f"{result['path']}: {result['state']}, found {found}, expected {wanted}")


def _seconds(store: Path) -> float:
    """From the first upload to the last verdict."""
    ledger = runtime.local_ports(store).ledger
    uploads = list(ledger.uploads())
    ended = [ledger.media(upload.media_id or "") for upload in uploads]
    last = max(media.finished_at for media in ended if media is not None and media.finished_at is not None)
    return (last - min(upload.event_time for upload in uploads)).total_seconds()


def _spent() -> float:
    """Processor seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@contextmanager
def _two_cores() -> Iterator[int]:
    """Let what is started inside run on two cores; gives the number where the machine has fewer or no say."""
    if not hasattr(os, "sched_setaffinity"):
        yield os.cpu_count() or 1
        return
    before = os.sched_getaffinity(0)
    chosen = sorted(before)[:_CORES]
    os.sched_setaffinity(0, chosen)
    try:
        yield len(chosen)
    finally:
        os.sched_setaffinity(0, before)
