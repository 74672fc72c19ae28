"""Stretches of voices whose people the encoder never met, from real media.

Speech: the people of the split ``report`` (``training.likeness.corpus``), each in one split for good by hash; those
with several recordings are all in it. Song: the eight solo songs of one singer beside the published fakes, and a
folder of singers that whoever runs the bench names.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench.sound import RATE, SUFFIXES, Sound, decode
from training.likeness.corpus import speakers

_SONGS = "ai/saebyulgan_korean_svs/real"
_BACKINGS = ("music/wesnoth", "music/shattered_pixel_dungeon")
_NOT_INSTRUMENTAL = ("nunc_dimittis",)
_BACKING_S = 60.0


@dataclass(frozen=True)
class Stretch:
    """A stretch of one voice.

    Attributes:
        person: who.
        group: people of one group with different names may be one person; trials of different people take two groups.
        recordings: what it was cut from.
        register: ``speaking`` or ``singing``.
        language: a word, ``en`` for the speech of LibriSpeech.
        sound: float32[n], mono, 44.1 kHz.
    """

    person: str
    group: str
    recordings: tuple[str, ...]
    register: str
    language: str
    sound: Sound


@dataclass(frozen=True)
class Recording:
    """A whole recording of one voice; fields as of ``Stretch``."""

    person: str
    group: str
    name: str
    register: str
    language: str
    sound: Sound


def speech(media: Path, split: str) -> list[Recording]:
    """All recordings of the people of a split."""
    return [
        Recording(person.name, person.name, source.path, "speaking", "en", decode(media / source.path))
        for person in speakers(media)
        if person.split == split
        for source in person.recordings
    ]


def songs(media: Path) -> list[Recording]:
    """Eight children's songs by one Korean singer (CC0), no backing."""
    folder = media / _SONGS
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    return [
        Recording("saebyulgan", "saebyulgan", path.name, "singing", "kr", decode(path))
        for path in paths
        if path.suffix in SUFFIXES
    ]


def singers(folder: Path) -> list[Recording]:
    """Recordings of a folder with ``index.csv`` (path, person, group, register; the group is the language)."""
    with (folder / "index.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return [
        Recording(
            row["person"],
            row["group"],
            row["path"],
            row["register"],
            row["group"],
            decode(folder / row["path"]),
        )
        for row in rows
    ]


def stretches(recordings: list[Recording], seconds: float) -> list[Stretch]:
    """Cut every recording into stretches that do not overlap; what is left at the end is not used."""
    size = round(seconds * RATE)
    return [
        Stretch(one.person, one.group, (one.name,), one.register, one.language, one.sound[at : at + size])
        for one in recordings
        for at in range(0, one.sound.size - size + 1, size)
    ]


def joined(recordings: list[Recording], seconds: float) -> list[Stretch]:
    """Cut stretches from the recordings of each person and register, one behind the other."""
    size = round(seconds * RATE)
    whole: dict[tuple[str, str], list[Recording]] = defaultdict(list)
    for one in recordings:
        whole[one.person, one.register].append(one)
    found = []
    for parts in whole.values():
        sound = np.concatenate([part.sound for part in parts])
        ends = np.cumsum([part.sound.size for part in parts])
        for at in range(0, sound.size - size + 1, size):
            names = tuple(
                part.name
                for part, end in zip(parts, ends, strict=True)
                if end > at and end - part.sound.size < at + size
            )
            first = parts[0]
            found.append(
                Stretch(
                    first.person, first.group, names, first.register, first.language, sound[at : at + size]
                )
            )
    return found


def backings(media: Path) -> Iterator[Sound]:
    """Instrumental music that no training of the encoder uses: float32[n], mono."""
    for folder in _BACKINGS:
        place = media / folder
        for path in sorted(place.iterdir()) if place.is_dir() else []:
            if path.suffix in SUFFIXES and path.stem not in _NOT_INSTRUMENTAL:
                yield decode(path, most_s=_BACKING_S)
