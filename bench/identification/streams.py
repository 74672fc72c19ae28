"""Programmes: registered recordings inside other sound, and programmes of nothing that is registered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle

import numpy as np
from bench import sound
from bench.identification.material import Library, Material, Track
from bench.identification.queries import Appearance
from bench.seeds import rng_for
from bench.sound import RATE, Sound, levelled, mixed, mono
from bench.synth import render

Made = tuple[Sound, list[Appearance]]

PROGRAMME_S, INSIDE_S = 180.0, 15.0
FRAGMENT_S, FRAGMENTS = 5.0, 6
THRICE_S = 10.0
COPY = " (registered again)"
_RAMP_S = 0.05


@dataclass(frozen=True)
class Stream:
    """A programme to be made: its kind and its number within it."""

    kind: str
    k: int


def _joined(parts: Sequence[Sound], total_s: float) -> Sound:
    return sound.fitted(np.concatenate(parts), round(total_s * RATE))


def _pick(tracks: Sequence[Track], rng: np.random.Generator) -> Track:
    return tracks[int(rng.integers(len(tracks)))]


def _piece(library: Library, track: Track, seconds: float, rng: np.random.Generator) -> tuple[Sound, float]:
    at = library.start(track, seconds, rng)
    return levelled(mono(library.cut(track, at, seconds))), at


def inside(library: Library, k: int, *, talk: bool) -> Made:
    """Put 15 s of a recording into three minutes of unregistered music; the voice over it is 3 dB louder."""
    material = library.material
    rng = rng_for(material.seed, "stream", k)
    parts: list[Sound] = []
    order = cycle(rng.permutation(len(material.held_out)).tolist())
    while sum(p.size for p in parts) < PROGRAMME_S * RATE:
        parts.append(_piece(library, material.held_out[next(order)], float(rng.uniform(35, 60)), rng)[0])
    bed = _joined(parts, PROGRAMME_S)
    track = _pick(material.registered, rng)
    x, reference = _piece(library, track, INSIDE_S, rng)
    at = round(float(rng.uniform(10, PROGRAMME_S - INSIDE_S - 15)), 2)
    first = round(at * RATE)
    edge = np.minimum(np.arange(x.size), np.arange(x.size)[::-1]) / (_RAMP_S * RATE)
    ramp = np.minimum(edge, 1).astype(np.float32)
    bed[first : first + x.size] = bed[first : first + x.size] * (1 - ramp) + x * ramp
    if talk:
        bed = mixed(bed, library.talk(bed.size, rng_for(material.seed, "stream talk", k)), -3)
    return bed, [Appearance(track.name, at, at + x.size / RATE, reference)]


def montage(library: Library, k: int) -> Made:
    """Cut six fragments of five seconds of different recordings back to back."""
    material = library.material
    rng = rng_for(material.seed, "montage", k)
    order = rng.permutation(len(material.registered)).tolist()
    parts: list[Sound] = []
    there: list[Appearance] = []
    for i in (order * FRAGMENTS)[:FRAGMENTS]:
        x, at = _piece(library, material.registered[i], FRAGMENT_S, rng)
        start = sum(p.size for p in parts) / RATE
        there.append(Appearance(material.registered[i].name, start, start + FRAGMENT_S, at))
        parts.append(x)
    return np.concatenate(parts), there


def thrice(library: Library, k: int) -> Made:
    """Play the same ten seconds three times, back to back."""
    material = library.material
    rng = rng_for(material.seed, "thrice", k)
    track = _pick(material.registered, rng)
    x, at = _piece(library, track, THRICE_S, rng)
    there = [Appearance(track.name, i * THRICE_S, (i + 1) * THRICE_S, at) for i in range(3)]
    return np.tile(x, 3), there


def copied(material: Material, n: int) -> list[Track]:
    """Choose the recordings that are registered a second time."""
    order = rng_for(material.seed, "copies").permutation(len(material.registered)).tolist()
    return [material.registered[i] for i in order[:n]]


def copy_of(library: Library, track: Track) -> Sound:
    """Return the second release of a recording: re-encoded, 2 dB quieter, as long as its cut of the first."""
    x = mono(library.track(track.path).astype(np.float32) / np.float32(32767))
    return sound.coded(x * np.float32(10 ** (-2 / 20)), "libmp3lame", "mp3", 96_000)


def twice(library: Library, k: int, copies: int) -> Made:
    """Cut ten seconds of a recording that is registered under two ids."""
    rng = rng_for(library.material.seed, "twice", k)
    track = copied(library.material, copies)[k % copies]
    x, at = _piece(library, track, 10.0, rng)
    return x, [Appearance(name, 0.0, 10.0, at) for name in (track.name, track.name + COPY)]


# ---- programmes of nothing registered -----------------------------------------------------------------------
Change = Callable[[Sound], Sound]

CHANGES: dict[str, Change] = {
    "as it is": lambda x: x,
    "mp3 32k": lambda x: sound.coded(x, "libmp3lame", "mp3", 32_000),
    "speed +6 %": lambda x: sound.faster(x, 1.06),
    "opus 24k": lambda x: sound.coded(x, "libopus", "ogg", 24_000, 48_000),
    "tempo -8 %": lambda x: sound.filtered(x, "atempo=0.92"),
    "speed -9 %": lambda x: sound.faster(x, 0.91),
    "telephone": sound.telephone,
    "tempo +15 %": lambda x: sound.filtered(x, "atempo=1.15"),
}
"""Each programme has gone through one of them, so that hours made of the same media are not repeats."""

_SYNTHESISED = 40_000_000  # seeds that no catalogue, demonstration or other bench uses


def unregistered(
    library: Library, k: int, seconds: float = 600.0, *, synthesised: float = 0.4
) -> tuple[Sound, str]:
    """Make a programme in which nothing is registered: music, half of it under talk, talk, noise, made sound.

    Args:
        library: of the material.
        k: number of the programme.
        seconds: its length before the change of speed.
        synthesised: share of the music that comes from the synthesiser, from seeds used once.

    Returns:
        The sound and the name of what was done to it.
    """
    material = library.material
    rng = rng_for(material.seed, "programme", k)
    parts: list[Sound] = []
    number = 0
    while sum(p.size for p in parts) < seconds * RATE:
        length = float(rng.uniform(20, 90))
        dice = float(rng.random())
        if dice < 0.15 and material.voices:
            x = library.talk(round(length / 2 * RATE), rng)
        elif dice < 0.22 and material.noise:
            x = library.drawn(material.noise, round(length / 3 * RATE), rng)
        elif dice < 0.30 and material.generated:
            x = library.drawn(material.generated, round(length / 3 * RATE), rng)
        elif rng.random() < synthesised:
            x = mono(render(_SYNTHESISED + 1000 * k + number + 10_000_000 * material.seed, length))
        else:
            x, _ = _piece(library, _pick(material.held_out, rng), length, rng)
        number += 1
        x = levelled(x)
        if dice >= 0.30 and material.voices and rng.random() < 0.5:
            x = mixed(x, library.talk(x.size, rng), float(rng.uniform(-6, 6)))
        parts.append(x)
    name = list(CHANGES)[k % len(CHANGES)]
    return CHANGES[name](_joined(parts, seconds)), name
