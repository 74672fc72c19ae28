"""Clips to train on: an index of fakes and the real sound they were made from.

The index is a CSV file with the columns ``path, label (real|fake), family, lattice, site, subject, split,
source_path, start_s, sample_rate, licence``. A real clip and its fakes share ``source_path`` and ``start_s``:
they are one group, go through the same chains, and never lie on two sides of a fold.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.media.decode import open_audio
from rightscan.synthesis.voice.sound import RATE

_UNTRAINED = "-init"  # what a decoder gives before its training is for the lattice; nobody publishes it
_CLEAR = ("CC0", "CC BY ", "public domain", "own ")


@dataclass(frozen=True)
class Clip:
    """One row of the index."""

    path: Path
    fake: bool
    family: str
    lattice: bool
    site: str
    subject: str
    source: str
    start_s: float
    licence: str
    split: str

    @property
    def group(self) -> str:
        """What a real clip and the fakes made from it have in common."""
        return f"{self.source}@{self.start_s:.2f}"


def read_index(path: Path) -> list[Clip]:
    """Read an index.

    Raises:
        PermanentError: code ``licence_not_clear``, for a row that may not be trained on.
    """
    clips = []
    with path.open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            _clear(row)
            if row["family"].endswith(_UNTRAINED):
                continue
            clips.append(
                Clip(
                    path=_located(path.parent, row["path"]),
                    fake=row["label"] == "fake",
                    family=row["family"] or "real",
                    lattice=row["lattice"].strip().lower() in ("1", "true", "yes"),
                    site=row["site"],
                    subject=row["subject"],
                    source=row["source_path"],
                    start_s=float(row["start_s"] or 0.0),
                    licence=row["licence"],
                    split=row["split"],
                )
            )
    return clips


def _clear(row: dict[str, str]) -> None:
    if not row["licence"].startswith(_CLEAR):
        raise PermanentError(
            "licence_not_clear",
            f"{row['path']} is under {row['licence']!r}",
            "Train on CC0, CC BY, public domain or what was made here only.",
        )


def thinned(clips: list[Clip], most: int) -> list[Clip]:
    """Return about ``most`` clips of every family, chosen by their names, and every real one.

    More people teach more than more families of the same person, and measuring is what costs.
    """
    count = Counter(clip.family for clip in clips)
    return [clip for clip in clips if not clip.fake or _place(clip) < most / count[clip.family]]


def _place(clip: Clip) -> float:
    word = f"{clip.group}|{clip.family}"
    return int(hashlib.sha256(word.encode()).hexdigest()[:8], 16) / 2**32


def _located(folder: Path, name: str) -> Path:
    return Path(name) if Path(name).is_absolute() else folder / name


def load(path: Path) -> NDArray[np.float32]:
    """Decode a file to mono at ``RATE``: float32[n]."""
    with open_audio(path) as stream:
        return np.concatenate(list(stream.blocks(RATE)))


def seconds(path: Path) -> float:
    """Return the length of a file in seconds, as its header says; 0 where it says nothing."""
    with open_audio(path) as stream:
        return stream.facts.declared_duration_s or 0.0
