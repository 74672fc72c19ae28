"""Which excerpts are asked for, and how each is made; everything drawn follows from the seed and the query's name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bench.identification.conditions import (
    BY_NAME,
    LONGEST_S,
    MASHUP,
    OUTSIDE,
    SPARE_S,
    Condition,
    N,
    audible,
    query_level,
    usable,
)
from bench.identification.material import Library, Material, Track
from bench.seeds import rng_for
from bench.sound import RATE, Sound, fitted


@dataclass(frozen=True)
class Appearance:
    """Where a recording sounds: seconds of the query, seconds of the recording at its start, and its rate."""

    recording: str
    start: float
    end: float
    reference: float
    factor: float = 1.0


@dataclass(frozen=True)
class Query:
    """An excerpt to be made.

    Attributes:
        condition: name of what is done to it.
        registered: whether the answer is a recording; otherwise it is none.
        k: number within its condition.
        tracks: indices into ``registered`` or ``held_out`` of the material, of which the first that fits is used
            (a second one too in a mash-up); none for what is not music.
    """

    condition: str
    registered: bool
    k: int
    tracks: tuple[int, ...]

    @property
    def key(self) -> tuple[str, str, int]:
        """What its random draws hang on."""
        return self.condition, "registered" if self.registered else "outside", self.k


def plan(material: Material, conditions: Sequence[Condition], n: int, outside: int) -> list[Query]:
    """List the excerpts: ``n`` a condition, ``outside`` for each of what is in no catalogue."""
    queries: list[Query] = []
    voices = bool(material.voices)
    for c in conditions:
        if not usable(c, voices=voices):
            continue
        fits = [i for i, t in enumerate(material.registered) if c.needs != "stereo" or t.channels > 1]
        order = rng_for(material.seed, "order", c.name).permutation(fits).tolist()
        for k in range(n if order else 0):
            # In a mash-up the second recording is half the catalogue further on: never the same twice together.
            far = k + max(len(order) // 2, 1)
            follow = (far,) if c is MASHUP else range(k + 1, k + 6) if c.needs == "stereo" else ()
            queries.append(Query(c.name, True, k, tuple(order[j % len(order)] for j in (k, *follow))))
    for name in OUTSIDE:
        if not voices and (name == "nonmusic" or BY_NAME[name].needs == "voices"):
            continue
        order = rng_for(material.seed, "outside", name).permutation(len(material.held_out)).tolist()
        queries += [
            Query(name, False, k, () if name == "nonmusic" else (order[k % len(order)],))
            for k in range(outside)
        ]
    return queries


def make(query: Query, library: Library) -> tuple[Sound, list[Appearance]] | None:
    """Make ten seconds of query and say what sounds in them; None where no track fits the condition."""
    material = library.material
    rng = rng_for(material.seed, *query.key)
    if query.condition == "nonmusic":
        y = library.talk(N, rng) if query.k % 2 else library.bed(N, rng)
        return y * np.float32(query_level(y)), []
    condition = BY_NAME[query.condition]
    pool = material.registered if query.registered else material.held_out
    tracks = [pool[i] for i in query.tracks]
    drawn = _stretch(condition, tracks, library, rng)
    if drawn is None:
        return None
    track, at, x = drawn
    y = fitted(np.asarray(condition.change(x, library, rng), np.float32), N)
    there = _appearances(condition, track.name, at)
    if condition is MASHUP:
        at = library.start(tracks[1], LONGEST_S + SPARE_S, rng)
        y = y + condition.change(library.cut(tracks[1], at, LONGEST_S), library, rng)
        there += _appearances(condition, tracks[1].name, at)
    gain = 1.0 if condition.keeps_level else query_level(y)
    return y * np.float32(gain), there if query.registered else []


def _stretch(
    condition: Condition, tracks: Sequence[Track], library: Library, rng: np.random.Generator
) -> tuple[Track, float, Sound] | None:
    seconds = condition.factor * (LONGEST_S + SPARE_S)
    for track in tracks:
        at = library.start(track, seconds, rng)
        x = library.cut(track, at, seconds)
        if condition.needs != "stereo" or audible(x):
            return track, at, x
    return None


def _appearances(condition: Condition, name: str, at: float) -> list[Appearance]:
    every = condition.loop_s or LONGEST_S
    starts = np.arange(0, LONGEST_S, every).tolist()
    return [Appearance(name, s, min(s + every, LONGEST_S), at, condition.factor) for s in starts]


def first_seconds(x: Sound, there: Sequence[Appearance], seconds: float) -> tuple[Sound, list[Appearance]]:
    """Return the beginning of a query and what sounds in it."""
    kept = [
        Appearance(a.recording, a.start, min(a.end, seconds), a.reference, a.factor)
        for a in there
        if a.start < seconds
    ]
    return x[: round(seconds * RATE)], kept
