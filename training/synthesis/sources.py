"""What training may learn from: sound of clear licence, cut into clips, split by person and track for good."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from bench.synth import render

from training.synthesis.sound import Sound, read_mono

VOICE_S, VOICE_LEAST_S, VOICE_MOST = 10.0, 4.0, 2
MUSIC_S, MUSIC_LEAST_S, MUSIC_MOST = 20.0, 10.0, 4
OWN_SEED = 7_000_000
"""First of the seeds whose music is trained on; catalogues and programmes of the benches take theirs below."""
OWN_S, OWN_RATE = 40.0, 44100

# Chosen once, before anything was trained, so that the few tracks and the second voice site reach all splits.
_SALT = "synthesis-1244"
_SPLITS = (("train", 0.6), ("tune", 0.8), ("report", 1.0))

# What the manifest states for a whole source is not always true of each of its files; looked up one by one.
# The five other pieces of librosa_data are CC BY-NC, or were found without a statement of their own.
_LIBROSA_MUSIC = {
    "Hungarian_Dance_number_5": "public domain (US Army Strings, Musopen)",
    "Karissa_Hobbs_-_Lets_Go_Fishin": "CC BY 3.0 (Karissa Hobbs)",
    "Kevin_MacLeod_-_P_I_Tchaikovsky": "CC BY 3.0 (Kevin MacLeod)",
}
_LIBROSA_NOISE = {
    "glacier-bay-humpback": "public domain (US National Park Service)",
    "456440__inspectorj": "CC BY 3.0 (InspectorJ)",
}


@dataclass(frozen=True)
class Source:
    """One file, or one piece of the synthesiser.

    Attributes:
        path: as in the manifest, or ``synth:<seed>``.
        kind: ``voice``, ``music`` or ``noise``.
        site: where it comes from; recordings of a site share codecs and rooms.
        subject: person or track; never in two splits.
        rate: of the original, Hz.
        duration_s: seconds.
        licence: as checked.
    """

    path: str
    kind: str
    site: str
    subject: str
    rate: int
    duration_s: float
    licence: str

    @property
    def split(self) -> str:
        """``train``, ``tune`` or ``report``."""
        return split_of(self.subject)


@dataclass(frozen=True)
class Clip:
    """A stretch of a source, s."""

    source: Source
    start_s: float
    duration_s: float

    @property
    def name(self) -> str:
        """A word that no other clip has, fit for a file name."""
        digest = hashlib.sha256(f"{self.source.path}@{self.start_s:.2f}".encode()).hexdigest()[:10]
        return f"{self.source.kind}-{digest}"


def split_of(subject: str) -> str:
    """The split of a person or track: by hash, so that it never changes when others come or go."""
    share = place(subject)
    return next(name for name, upper in _SPLITS if share < upper)


def place(word: str) -> float:
    """A number from 0 to 1 that only the word decides."""
    return int.from_bytes(hashlib.sha256(f"{_SALT}:{word}".encode()).digest()[:4], "big") / 2**32


def licence_of(row: dict[str, str]) -> str | None:
    """The licence under which a file of the manifest may be trained on; None where it may not.

    Whatever a generator made and whatever stands beside it is for measuring alone, whatever its licence.
    """
    path = row["path"]
    if row["kind"] == "voice" and row["person_or_generator"].startswith("librispeech-"):
        return "CC BY 4.0 (LibriSpeech)"
    if path.startswith("music/mdn_examples/"):
        return "CC0 1.0 (Mozilla)"
    if path.startswith("music/lol373") and Path(path).name.startswith("bgm_"):
        return "CC BY 4.0 (Audionautix, Incompetech, Orchestralis)"
    checked = {"music/librosa_data/": _LIBROSA_MUSIC, "noise/librosa_data/": _LIBROSA_NOISE}
    for folder, names in checked.items():
        if path.startswith(folder):
            return next(
                (licence for begin, licence in names.items() if Path(path).name.startswith(begin)), None
            )
    return None


def admitted(media: Path) -> list[Source]:
    """Files of a media folder that may be trained on, in the order of its manifest."""
    with (media / "MANIFEST.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sources = []
    for row in rows:
        licence = licence_of(row)
        if licence is None:
            continue
        kind, path = row["kind"], row["path"]
        site = path.split("/")[1]
        subject = row["person_or_generator"] if kind == "voice" else path
        rate, duration_s = int(row["sample_rate"]), float(row["duration_s"])
        sources.append(Source(path, kind, site, subject, rate, duration_s, licence))
    return sources


def own_music(count: int) -> list[Source]:
    """Pieces of the synthesiser: music that nobody owns."""
    return [
        Source(f"synth:{seed}", "music", "own_synth", f"synth:{seed}", OWN_RATE, OWN_S, "own (synthesised)")
        for seed in range(OWN_SEED, OWN_SEED + count)
    ]


def clips(sources: Iterable[Source]) -> list[Clip]:
    """Cut voices into up to two clips of 4 to 10 s, other sound into up to four of 10 to 20 s."""
    found = []
    for source in sources:
        voice = source.kind == "voice"
        longest, least = (VOICE_S, VOICE_LEAST_S) if voice else (MUSIC_S, MUSIC_LEAST_S)
        most = VOICE_MOST if voice else MUSIC_MOST
        for number in range(most):
            start = number * longest
            duration = min(longest, source.duration_s - start)
            if duration >= least:
                found.append(Clip(source, start, duration))
    return found


def choose(found: list[Clip], most: int) -> list[Clip]:
    """At most so many clips of each kind and split, other subjects first.

    Args:
        found: clips.
        most: per kind and split; 0 is all.

    Returns:
        Clips, one of every subject before a second of any.
    """
    turn: dict[tuple[str, float], int] = defaultdict(int)
    order = []
    for clip in found:
        subject = clip.source.subject
        order.append((turn[subject, 0.0], place(subject + "#order"), clip))
        turn[subject, 0.0] += 1
    taken: dict[tuple[str, str], int] = defaultdict(int)
    chosen = []
    for _, _, clip in sorted(order, key=lambda item: item[:2]):
        key = (clip.source.kind, clip.source.split)
        if most == 0 or taken[key] < most:
            taken[key] += 1
            chosen.append(clip)
    return chosen


def sounds(chosen: Iterable[Clip], media: Path | None) -> Iterator[tuple[Clip, Sound]]:
    """The clips with their sound: float32[n], mono, at the source's rate; silent ones are left out."""
    for clip in chosen:
        whole = _whole(clip.source, media)
        start = round(clip.start_s * clip.source.rate)
        sound = whole[start : start + round(clip.duration_s * clip.source.rate)]
        if sound.size and float(np.abs(sound).max()) > 1e-3:
            yield clip, sound


@lru_cache(maxsize=512)  # all of a media folder of this size, about a gigabyte: every family reads it again
def _whole(source: Source, media: Path | None) -> Sound:
    if source.path.startswith("synth:"):
        stereo = render(int(source.path.removeprefix("synth:")), source.duration_s, sample_rate=source.rate)
        return np.asarray(stereo.mean(axis=1), dtype=np.float32)
    if media is None:
        raise ValueError(f"{source.path} needs the media folder")
    return read_mono(media / source.path, source.rate)
