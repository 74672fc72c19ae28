"""Folders of music, voices and noise, dealt by a seed into what is registered, what is not, and what tuning may see.

Tracks of one series (same folder and first word of the name) stay together, because they share samples. Series are
dealt into a tuning and a reporting half, and within a half into three folds, one of which is held out. Queries come
from one half alone; the catalogue also holds the other half. The halves are the same for every seed, or what one seed
tunes on another would report on; the seed chooses the fold. ``half="all"`` is for music that nobody tuned on: one
half, five folds, dealt by the seed.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import av
import av.error
import numpy as np
from bench.seeds import rng_for
from bench.sound import RATE, Sound, decode, files, levelled, mono, pink, rms

HALVES = ("report", "tuning", "all")
_HALVES_SEED = 1
SHORTEST_S = 20.0
LONGEST_S = 240.0
"""Of a track as a source of queries: ten minutes of one series would outweigh three songs."""

_LOUD_ENOUGH = 10 ** (-42 / 20)
_TRACKS_KEPT = 5  # decoded, 16-bit stereo: 42 MB for four minutes
_CLIPS_KEPT = 60
_CLIP_S = 30.0
_BED_S = 40.0


@dataclass(frozen=True)
class Track:
    """A file of music; ``name`` is its recording id."""

    name: str
    path: Path
    seconds: float
    channels: int


@dataclass(frozen=True)
class Material:
    """What one run draws from.

    Attributes:
        seed: of the deal and of every query.
        registered: in the catalogue, and queried.
        held_out: not in the catalogue.
        context: in the catalogue, never queried (the other half).
        voices: files of speech of this half.
        noise: files of noise of this half.
        generated: files of machine-made sound of this half, in no catalogue.
        left_out: files that could not be used, and why.
    """

    seed: int
    registered: tuple[Track, ...]
    held_out: tuple[Track, ...]
    context: tuple[Track, ...]
    voices: tuple[Path, ...]
    noise: tuple[Path, ...]
    generated: tuple[Path, ...]
    left_out: tuple[str, ...] = ()

    @property
    def catalogue(self) -> tuple[Track, ...]:
        """Everything that is registered."""
        return (*self.registered, *self.context)


def series(path: Path) -> str:
    """Name what may share samples: the folder and the first word of the file's name."""
    words = path.stem.replace("-", " ").replace("_", " ").split()
    return f"{path.parent.name}/{words[0] if words else path.stem}"


def probe(path: Path, root: Path) -> Track | str:
    """Look a file up, or say why it is left out."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            length = container.duration / 1e6 if container.duration else 0.0
            channels = stream.codec_context.channels
    except (av.error.FFmpegError, IndexError) as error:
        return f"{path.name}: {error}"
    if length < SHORTEST_S:
        return f"{path.name}: {length:.0f} s, under {SHORTEST_S:.0f} s"
    return Track(str(path.relative_to(root).with_suffix("")), path, length, channels)


def deal(names: Sequence[str], seed: int, half: str, fold: int = 0) -> dict[str, str]:
    """Give every series its role: ``registered``, ``held_out`` or ``context``.

    Args:
        names: of the series.
        seed: chooses the fold that is held out, of ``all`` also the folds themselves.
        half: ``report``, ``tuning`` or ``all``.
        fold: how many folds further on: three in a half, five in ``all``.
    """
    ordered = sorted(set(names))
    order = np.random.default_rng(seed if half == "all" else _HALVES_SEED).permutation(len(ordered))
    roles: dict[str, str] = {}
    for place, s in enumerate(order.tolist()):
        mine = half == "all" or (place % 2 == 0) == (half == "tuning")
        out = place % 5 == fold % 5 if half == "all" else place // 2 % 3 == (seed + 1 + fold) % 3
        roles[ordered[s]] = ("held_out" if out else "registered") if mine else "context"
    return roles


def _share(paths: Sequence[Path], half: str) -> tuple[Path, ...]:
    """Take the part of a half, whole folders (a person, a generator) together."""
    if half == "all":
        return tuple(paths)
    flat = len({p.parent for p in paths}) < 4  # few folders of many kinds: dealt file by file

    def tuning(p: Path) -> bool:
        digest = hashlib.sha256(f"{_HALVES_SEED}|{p.name if flat else p.parent.name}".encode()).digest()
        return digest[0] < 128

    return tuple(p for p in paths if tuning(p) == (half == "tuning"))


def gather(
    music: Path,
    noise: Path | None,
    voices: Path | None,
    *,
    generated: Path | None = None,
    seed: int = 1,
    half: str = "report",
    fold: int = 0,
    most: int | None = None,
) -> Material:
    """Deal folders of media.

    Args:
        music: tracks, one folder per source.
        noise: surroundings to mix in.
        voices: speech, one folder per person.
        generated: machine-made sound for negatives.
        seed: of what is held out.
        half: which half the queries come from.
        fold: how many folds further on that is.
        most: use only so many tracks of music (drawn by the seed, a quick look).
    """
    paths = files(music)
    roles = deal([series(p) for p in paths], seed, half, fold)
    if most is not None and most < len(paths):
        kept = rng_for(seed, "most").permutation(len(paths))[:most]
        paths = [paths[i] for i in sorted(kept.tolist())]
    found = [probe(p, music) for p in paths]
    tracks = [t for t in found if isinstance(t, Track)]

    def of(role: str) -> tuple[Track, ...]:
        return tuple(t for t in tracks if roles[series(t.path)] == role)

    registered, held_out = of("registered"), of("held_out")
    if not registered or not held_out:
        raise ValueError(
            f"{len(tracks)} usable tracks in {len(roles)} series are too few to register some and hold out others"
        )
    return Material(
        seed,
        registered,
        held_out,
        of("context"),
        *(_share(files(folder), half) for folder in (voices, noise, generated)),
        left_out=tuple(t for t in found if isinstance(t, str)),
    )


class Library:
    """The sounds of a ``Material``, decoded when asked for; the last few stay.

    Args:
        material: files.
        rooms: different rooms full of people that are made when the first is asked for.
    """

    def __init__(self, material: Material, rooms: int = 6) -> None:
        self.material = material
        self._rooms = rooms
        self._tracks: OrderedDict[Path, np.ndarray] = OrderedDict()
        self._clips: OrderedDict[Path, Sound] = OrderedDict()

    def track(self, path: Path) -> np.ndarray:
        """Return a track, int16[n, 2], its first ``LONGEST_S`` s."""
        if path not in self._tracks:
            x = decode(path, channels=2, most_s=LONGEST_S)
            self._tracks[path] = np.rint(np.clip(x, -1, 1) * 32767).astype(np.int16)
            while len(self._tracks) > _TRACKS_KEPT:
                self._tracks.popitem(last=False)
        self._tracks.move_to_end(path)
        return self._tracks[path]

    def cut(self, track: Track, start_s: float, seconds: float) -> Sound:
        """Return a stretch of a track, stereo; shorter where the track ends."""
        at = round(start_s * RATE)
        return self.track(track.path)[at : at + round(seconds * RATE)].astype(np.float32) / np.float32(32767)

    def start(self, track: Track, seconds: float, rng: np.random.Generator) -> float:
        """Draw where a stretch may begin that is not silent at once."""
        last = max(self.track(track.path).shape[0] / RATE - seconds - 0.05, 0.001)
        for _ in range(30):
            at = round(float(rng.uniform(0, last)), 3)
            if rms(mono(self.cut(track, at, 2.0))) > _LOUD_ENOUGH:
                break
        return at

    def clip(self, path: Path) -> Sound:
        """Return the first 30 s of a file, mono; empty where it cannot be read."""
        if path not in self._clips:
            try:
                self._clips[path] = decode(path, most_s=_CLIP_S)
            except av.error.FFmpegError:
                self._clips[path] = np.zeros(0, np.float32)
            while len(self._clips) > _CLIPS_KEPT:
                self._clips.popitem(last=False)
        return self._clips[path]

    def drawn(self, paths: Sequence[Path], n: int, rng: np.random.Generator) -> Sound:
        """Join clips, each at RMS 0.1, to ``n`` samples."""
        pieces: list[Sound] = []
        missing, tries = n, 0
        while missing > 0:
            x = self.clip(paths[int(rng.integers(len(paths)))])
            tries += 1
            if rms(x) < 1e-4:
                if tries > 1000:
                    raise ValueError("none of the clips has sound")
                continue
            if x.size > missing:
                at = int(rng.integers(x.size - missing + 1))
                x = x[at : at + missing]
            pieces.append(levelled(x, 0.1))
            missing -= x.size
        return np.concatenate(pieces)

    def talk(self, n: int, rng: np.random.Generator) -> Sound:
        """Return speech, one person after another."""
        return self.drawn(self.material.voices, n, rng)

    @cached_property
    def beds(self) -> list[Sound]:
        """Rooms full of people: five voices at once, surroundings and pink noise 3 dB below them, each."""
        rng = rng_for(self.material.seed, "beds")
        n = round(_BED_S * RATE)
        beds = []
        for _ in range(self._rooms):
            babble = np.sum([self.talk(n, rng) for _ in range(5)], axis=0)
            around = self.drawn(self.material.noise, n, rng) if self.material.noise else pink(n, rng)
            parts = ((babble, 1.0), (around, 0.7), (pink(n, rng), 0.7))
            beds.append(np.sum([levelled(x, gain) for x, gain in parts], axis=0, dtype=np.float32))
        return beds

    def bed(self, n: int, rng: np.random.Generator) -> Sound:
        """Return a stretch of such a room."""
        bed = self.beds[int(rng.integers(len(self.beds)))]
        at = int(rng.integers(bed.size - n + 1))
        return bed[at : at + n]
