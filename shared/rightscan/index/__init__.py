"""The catalogue's index: immutable segments on disk, and the search in them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import numpy as np

from rightscan.fingerprint import Fingerprint
from rightscan.index import shard as _shard
from rightscan.index.alignment import Alignment
from rightscan.index.result import Modification, Segment
from rightscan.index.search import Search
from rightscan.index.search import search as _search
from rightscan.index.shard import Manifest, Shard

__all__ = ["Index", "Manifest", "Modification", "Segment", "index_version"]


class Index:
    """Mapped segments, searched together. Reading only: any number of processes may map the same files."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._shards = tuple(shards)
        last = {i: n for n, shard in enumerate(self._shards) for i in shard.manifest.recording_ids}
        self._active = tuple(
            np.array([last[i] == n for i in shard.manifest.recording_ids], np.bool_)
            for n, shard in enumerate(self._shards)
        )
        self.recording_ids: frozenset[str] = frozenset(last)
        self.version = index_version(shard.manifest for shard in self._shards)

    @staticmethod
    def build(items: Iterable[tuple[str, Fingerprint]], directory: str | Path) -> Manifest:
        """Write a segment of recordings.

        The same items in any order give the same bytes; the folder appears complete or not at all.

        Args:
            items: ``(recording_id, fingerprint)``, each recording once.
            directory: to be made. A folder already there with the same content is left as it is.

        Raises:
            UsageError: ``duplicate_recording``, ``segment_exists`` (another content), ``segment_too_large``.
            PermanentError: ``unknown_pipeline`` or ``corrupt_features`` for a fingerprint that cannot be indexed.
        """
        return _shard.write((_shard.Entry.of(i, fp) for i, fp in items), Path(directory))

    @staticmethod
    def merge(dirs: Sequence[str | Path], out: str | Path, *, drop: Collection[str] = ()) -> Manifest:
        """Write one segment that finds what several find together.

        The result has the same bytes as one built from the recordings at once.

        Args:
            dirs: segments; of a recording in several the last counts.
            out: folder to be made.
            drop: recordings to leave out.

        Raises:
            PermanentError: as ``open``.
            UsageError: as ``build``.
        """
        entries: dict[str, _shard.Entry] = {}
        for directory in dirs:
            shard = Shard(Path(directory), verify=True)
            entries |= {entry.recording_id: entry for entry in shard.entries(frozenset(drop))}
        return _shard.write(entries.values(), Path(out))

    @classmethod
    def open(cls, dirs: Sequence[str | Path], *, verify: bool = True) -> Index:
        """Map segments.

        Args:
            dirs: segments; of a recording in several the last counts.
            verify: compare every array with its hash (reads all of it; sizes are always compared).

        Raises:
            PermanentError: ``missing_segment``, ``corrupt_index``, ``unknown_pipeline``. Never a part of the
                segments in silence.
        """
        return cls([Shard(Path(d), verify=verify) for d in dirs])

    def search(
        self, fp: Fingerprint, *, deep: bool = False, limit: int = 20, suppressed: Collection[str] = ()
    ) -> list[Segment]:
        """Return where recordings of the index sound in an upload, by time; an empty list is a plain no.

        Args:
            fp: of the upload, any length.
            deep: also look for changed speed, tempo and pitch where the first pass found nothing.
            limit: segments at most, the strongest.
            suppressed: recordings not to be found.

        Raises:
            PermanentError: ``unknown_pipeline`` or ``corrupt_features`` for a fingerprint of another kind.
        """
        _shard.check_pipeline("the upload's fingerprint", fp.pipeline)
        return _search(self._shards, fp, deep=deep, limit=limit, suppressed=suppressed, active=self._active)

    def followed(self, fp: Fingerprint, *, deep: bool = False) -> list[tuple[str, Alignment]]:
        """Return every alignment that was followed, told or not: what calibration and explanation look at.

        Args:
            fp: of the upload.
            deep: as in ``search``.
        """
        everything = Search(self._shards, self._active, fp, selective=False).run(deep)
        return [
            (self._shards[a.line.shard].manifest.recording_ids[a.line.number], a)
            for a in (found.alignment for found in everything)
        ]


def index_version(manifests: Iterable[Manifest]) -> str:
    """Return the content hash of an index: of its segments' manifests, in order."""
    text = "\n".join(manifest.version for manifest in manifests)
    return "ix1-" + hashlib.sha256(text.encode()).hexdigest()[:16]
