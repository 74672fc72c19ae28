"""The engine behind the interface of an audio identification harness: index a folder, query a file.

Imports nothing but rightscan and the standard library, so that it works wherever it is copied to.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rightscan.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint
from rightscan.index import Index, Segment
from rightscan.media.decode import open_audio


def fingerprint_of(path: str | Path) -> Fingerprint:
    """Decode and fingerprint a file, block by block."""
    with open_audio(Path(path)) as stream:
        return fingerprint(stream.blocks(SAMPLE_RATE), SAMPLE_RATE)


def _reference(path: str) -> tuple[str, Fingerprint]:
    return Path(path).stem, fingerprint_of(path)


def _cores() -> int:
    """How many cores this process may use: a harness may have held it on one."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Rightscan:
    """Adapter.

    Args:
        work: scratch folder.
        deep: ``"0"`` for the identity pass alone.
    """

    def __init__(self, work: str | None = None, deep: str = "1") -> None:
        self._folder = Path(work or tempfile.mkdtemp()) / "index"
        self._deep = deep != "0"
        self._index: Index | None = None

    def index(self, folder: str) -> None:
        """Index every ``*.wav`` of a folder; the file's name without the suffix is the recording's id."""
        paths = sorted(str(path) for path in Path(folder).glob("*.wav"))
        Index.build(self._references(paths), self._folder)
        self._index = Index.open([self._folder])
        # The first search maps the files and makes the table of keys: here, so that no query pays for it and
        # processes forked from this one share it. The shortest file is the cheapest to ask for.
        self._search(min(paths, key=lambda path: Path(path).stat().st_size), deep=False)

    def _references(self, paths: list[str]) -> Iterator[tuple[str, Fingerprint]]:
        # Fork: the harness is a script, which spawned processes would have to import again.
        with multiprocessing.get_context("fork").Pool(_cores()) as pool:
            yield from pool.imap(_reference, paths)

    def _search(self, path: str, *, deep: bool) -> list[Segment]:
        if self._index is None:
            raise RuntimeError("index(folder) comes first")
        return self._index.search(fingerprint_of(path), deep=deep)

    def query(self, path: str) -> tuple[str, float, float] | None:
        """The best recording, the position in it of the query's first sample (s), the score."""
        found = self.query_all(path)
        return found[0] if found else None

    def query_all(self, path: str) -> list[tuple[str, float, float]]:
        """Every recording in the file, the strongest first."""
        segments = sorted(self._search(path, deep=self._deep), key=lambda s: -s.log10_lr)
        return [
            (s.recording_id, s.reference_start - s.media_start * s.modification.speed, s.log10_lr)
            for s in segments
        ]

    def segments(self, path: str) -> list[tuple[str, float, float, float, float]]:
        """Where in the file each recording is: id, start, end, start in the recording (s), score."""
        return [
            (s.recording_id, s.media_start, s.media_end, s.reference_start, s.log10_lr)
            for s in self._search(path, deep=self._deep)
        ]

    def index_bytes(self) -> int:
        """Size of the stored index."""
        return sum(path.stat().st_size for path in self._folder.iterdir())

    def pids(self) -> list[int]:
        """No process of its own is left running."""
        return []

    def close(self) -> None:
        """Nothing to release: the files are mapped read-only."""
        self._index = None
