"""The live index on this machine: which version the pointer names, its segments fetched once and mapped."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from rightscan.errors import PermanentError, TransientError
from rightscan.harmony import Catalogue
from rightscan.index import Index
from rightscan.jobs import work_index
from rightscan.ports import Clock, Ledger, ObjectStore, OpenIndex
from rightscan.records.objects import ObjectRef

POINTER = "index"
KEEP_S = 60.0
"""A segment fetched so lately is not removed, s."""

KEEP_ARRIVING_S = 900.0
"""Nor one that may still be arriving, s: a function's time limit."""

_ARRIVING = ".arriving-"

EMPTY = OpenIndex(index=None, version="empty")
"""What a search meets before the first recording is registered."""


class LiveIndex:
    """Implements ``ports.IndexReader`` over the pointer record and the work bucket.

    Args:
        ledger: holds the pointer.
        objects: hold the segments.
        work_bucket: where they lie.
        clock: the time.
        cache: folder for fetched segments; on AWS ``/tmp`` or a mounted file system.
        refresh_s: how old the knowledge of the pointer may grow.
    """

    def __init__(
        self,
        ledger: Ledger,
        objects: ObjectStore,
        work_bucket: str,
        clock: Clock,
        cache: Path,
        refresh_s: float,
    ) -> None:
        self._ledger = ledger
        self._objects = objects
        self._bucket = work_bucket
        self._clock = clock
        self._cache = cache
        self._refresh = timedelta(seconds=refresh_s)
        self._looked_at: datetime | None = None
        self._open = EMPTY

    def current(self, *, fresh: bool = False) -> OpenIndex:
        """The live version.

        Args:
            fresh: look at the pointer whatever the age of what is known.

        Raises:
            TransientError: ``missing_segment`` or ``corrupt_index``: a part of the catalogue is never passed
                over in silence, and the work waits until the index is whole again.
        """
        now = self._clock.now()
        if fresh or self._looked_at is None or now - self._looked_at >= self._refresh:
            pointer = self._ledger.pointer(POINTER)
            if pointer is not None and pointer.value["version"] != self._open.version:
                # Let go of first: segments that are no longer named give their disk back only when unmapped.
                self._open = EMPTY
                self._forget(pointer.value)
                self._open = self._open_version(pointer.value)
            self._looked_at = now
        return self._open

    def _open_version(self, value: dict[str, Any]) -> OpenIndex:
        folders: list[Path] = []
        try:
            folders.extend(self.fetch(segment) for segment in value["segments"])
            works = cache(lambda: self._works(value["segments"]))
            return OpenIndex(index=Index.open(folders), version=value["version"], works=works)
        except PermanentError as error:
            if error.code != "missing_segment":
                # A damaged copy would be opened again and again; the next attempt fetches it anew.
                for folder in folders:
                    shutil.rmtree(folder, ignore_errors=True)
            # For the message it is an outage: the media is as good as before, so it waits for the repair.
            raise TransientError(error.code, error.cause, error.remedy) from error

    def _works(self, segments: list[dict[str, Any]]) -> Catalogue:
        try:
            return work_index.load(segments, self._file)
        except PermanentError as error:
            raise TransientError(error.code, error.cause, error.remedy) from error

    def _file(self, segment: dict[str, Any], name: str) -> Path:
        """One file of a segment; a folder fetched for the same recordings before may lack it."""
        path = self.fetch(segment) / name
        if not path.is_file():
            ref = ObjectRef(bucket=self._bucket, key=f"index/{segment['id']}/{name}")
            with tempfile.TemporaryDirectory(prefix=_ARRIVING, dir=self._cache) as arriving:
                self._objects.download(ref, Path(arriving) / name)
                (Path(arriving) / name).rename(path)
        return path

    def _forget(self, value: dict[str, Any]) -> None:
        """Remove fetched segments that the live version does not name: a function's disk holds one index, not two.

        Another process of this machine may have them mapped, which removing does not disturb; one about to open
        them has a minute, and then meets ``missing_segment``, which its next look at the pointer mends.
        """
        named = {str(segment["id"]) for segment in value["segments"]}
        for folder in self._cache.iterdir() if self._cache.is_dir() else ():
            keep_s = KEEP_ARRIVING_S if folder.name.startswith(_ARRIVING) else KEEP_S
            with suppress(FileNotFoundError):
                if folder.name not in named and folder.stat().st_mtime < time.time() - keep_s:
                    shutil.rmtree(folder, ignore_errors=True)

    def fetch(self, segment: dict[str, Any]) -> Path:
        """The folder of a segment, fetched if it is not here yet."""
        folder = self._cache / str(segment["id"])
        if folder.is_dir():
            return folder
        self._cache.mkdir(parents=True, exist_ok=True)
        arriving = Path(tempfile.mkdtemp(prefix=_ARRIVING, dir=self._cache))
        try:
            for name in segment["files"]:
                ref = ObjectRef(bucket=self._bucket, key=f"index/{segment['id']}/{name}")
                self._objects.download(ref, arriving / name)
            try:
                arriving.rename(folder)
            except OSError:
                # Another process was faster; its copy has the same content by name.
                if not folder.is_dir():
                    raise
        except PermanentError as error:
            raise PermanentError(
                "missing_segment",
                f"segment {segment['id']} of the live index cannot be fetched: {error.cause}",
                "Follow the runbook index-missing: roll the pointer back or rebuild the index.",
            ) from error
        finally:
            shutil.rmtree(arriving, ignore_errors=True)
        return folder
