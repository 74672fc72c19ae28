"""The harmonies beside the index: each segment has those of its recordings in one file, named by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any

from rightscan.errors import PermanentError
from rightscan.harmony import Catalogue, Harmony

_PATTERN = "harmony-*.npz"
KEY = "harmony"
"""Of a segment in the pointer: the name of its file. Segments built before harmonies were taken have none."""


def write(items: Iterable[tuple[str, Harmony]], folder: Path) -> None:
    """Put the harmonies of a new segment into its folder."""
    _put(Catalogue.of(items), folder)


def merge(folders: Iterable[Path], out: Path, keep: Collection[str]) -> None:
    """Put the harmonies of a merged segment into its folder.

    Args:
        folders: what was merged, oldest first.
        out: the new segment.
        keep: the recordings it holds.
    """
    parts = [_read(path) for folder in folders for path in folder.glob(_PATTERN)]
    _put(Catalogue.merge(parts, keep), out)


def name_in(folder: Path) -> str:
    """The name of a segment's file."""
    (path,) = folder.glob(_PATTERN)
    return path.name


def load(segments: Iterable[dict[str, Any]], fetch: Callable[[dict[str, Any], str], Path]) -> Catalogue:
    """Read the harmonies of an index.

    Args:
        segments: as the pointer names them, oldest first.
        fetch: brings a file of a segment onto this machine.

    Raises:
        PermanentError: ``corrupt_index``: a file is not what its name says.
    """
    return Catalogue.merge([_read(fetch(s, s[KEY])) for s in segments if KEY in s])


def _put(catalogue: Catalogue, folder: Path) -> None:
    data = catalogue.to_bytes()
    (folder / f"harmony-{_digest(data)}.npz").write_bytes(data)


def _read(path: Path) -> Catalogue:
    data = path.read_bytes()
    if path.name != f"harmony-{_digest(data)}.npz":
        raise PermanentError(
            "corrupt_index",
            f"the file {path.name} of the index does not have the content that its name says",
            "Follow the runbook index-missing: roll the pointer back or rebuild the index.",
        )
    return Catalogue.from_bytes(data)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
