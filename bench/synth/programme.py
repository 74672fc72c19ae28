"""What surrounds music in real uploads: talk, room noise, and programmes that join pieces under talk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from bench.synth.instruments import Gesture, Voice
from bench.synth.performance import PEAK, render
from bench.synth.signal import Signal, convolve, decibels, room, shaped_noise

_OWN_MUSIC = 1_000_000  # programmes take their other music from seeds that catalogues do not use


def speech_like(seed: int, duration_s: float, *, sample_rate: int = 44100) -> Signal:
    """Babble in the rhythm of talk: phrases of syllables on a falling, accented pitch, with pauses.

    Returns:
        float32 ``[n, 2]``, peak -1 dBFS; the voice in the middle of a small room.
    """
    rng = np.random.default_rng([seed, 20])
    n = round(duration_s * sample_rate)
    woman = bool(rng.random() < 0.5)
    voice = Voice(sample_rate, rng, tract=1.17 if woman else 1.0, husky=0.3, spoken=True)
    base = float(rng.uniform(53, 58) if woman else rng.uniform(42, 48))
    pace = float(rng.uniform(0.12, 0.18))
    out = np.zeros(n, dtype=np.float32)
    at, syllable = float(rng.uniform(0.05, 0.3)), 0
    while at < duration_s:
        count = int(rng.integers(5, 18))
        before: float | None = None
        for i in range(count):
            # Accentual phrases of Seoul Korean rise and fall in groups of about four syllables, and decline.
            accent = (0.0, 2.5, 1.0, 3.0)[i % 4]
            pitch = base + accent + 4 * (1 - i / count) + rng.normal(0, 0.5)
            seconds = pace * float(rng.uniform(0.7, 1.4)) * (1.8 if i == count - 1 else 1.0)
            gesture = Gesture(pitch, seconds, float(rng.uniform(0.6, 1.0)), before, "", syllable)
            sound = voice.note(gesture, rng)
            start = int(at * sample_rate)
            sound = sound[: max(0, n - start)]
            out[start : start + len(sound)] += sound
            at, syllable, before = at + seconds, syllable + 1, pitch
        at += float(rng.uniform(0.25, 0.9))
    mix = out[:, None] + 0.12 * convolve(out, room(sample_rate, rng, t60=0.35))
    return np.asarray(mix * np.float32(PEAK / max(float(np.abs(mix).max()), 1e-9)))


def room_noise(
    seed: int, duration_s: float, *, level_dbfs: float = -45.0, sample_rate: int = 44100
) -> Signal:
    """Make the sound of a quiet room: pinkish noise that differs between the ears, mains hum at 60 Hz.

    Returns:
        float32 ``[n, 2]`` of RMS ``level_dbfs``.
    """
    rng = np.random.default_rng([seed, 21])
    n = round(duration_s * sample_rate)
    pink = lambda f: 1 / np.sqrt(np.maximum(f, 30.0))  # noqa: E731
    common, left, right = (shaped_noise(n, sample_rate, rng, pink) for _ in range(3))
    t = np.arange(n) / sample_rate
    hum = np.zeros(n)
    for k in (1, 2, 3, 5):
        hum += np.sin(2 * np.pi * 60 * k * t + rng.uniform(0, 6)) / k**1.5
    out = np.stack((common + left, common + right), axis=1) + 0.2 * hum[:, None]
    return np.asarray(out * (decibels(level_dbfs) / np.sqrt(np.mean(out**2))), dtype=np.float32)


@dataclass(frozen=True)
class Span:
    """Where a part lies in a programme.

    Attributes:
        part: its number in the list given.
        kind: ``audio`` for an array, else ``talk``, ``music``, ``noise`` or ``silence``.
        start: seconds of its first sample; the first ``crossfade_s`` overlap the part before.
        end: seconds after its last sample; half-open.
        under_talk: talk lies over it.
    """

    part: int
    kind: str
    start: float
    end: float
    under_talk: bool


Part = Signal | tuple[str, float]


def _sound(part: Part, seed: int, sample_rate: int) -> tuple[str, Signal]:
    if isinstance(part, np.ndarray):
        return "audio", part.astype(np.float32, copy=False)
    kind, seconds = part
    match kind:
        case "talk":
            return kind, speech_like(seed, seconds, sample_rate=sample_rate)
        case "music":
            return kind, render(_OWN_MUSIC + seed, seconds, sample_rate=sample_rate)
        case "noise":
            return kind, room_noise(seed, seconds, sample_rate=sample_rate)
        case "silence":
            return kind, np.zeros((round(seconds * sample_rate), 2), dtype=np.float32)
    raise ValueError(f"part {kind!r}: talk, music, noise or silence")


def programme(
    parts: Sequence[Part],
    *,
    seed: int = 0,
    sample_rate: int = 44100,
    crossfade_s: float = 0.4,
    talk_over: Collection[int] = (),
    duck_db: float = -8.0,
) -> tuple[Signal, list[Span]]:
    """Join parts as a broadcaster would.

    Args:
        parts: float32 ``[n, 2]`` arrays, or (kind, seconds) with kind ``talk``, ``music`` (some other piece),
            ``noise`` or ``silence``.
        seed: draws the parts that are made here.
        sample_rate: Hz, of the arrays too.
        crossfade_s: overlap of neighbours, equal power; at most half of the shorter one.
        talk_over: numbers of the parts over which somebody talks.
        duck_db: level of a part while it is talked over.

    Returns:
        The programme, float32 ``[n, 2]`` with peak at most -1 dBFS, and one span per part.

    Raises:
        ValueError: no parts, or an unknown kind.
    """
    if not parts:
        raise ValueError("a programme needs at least one part")
    sounds = [_sound(part, 1000 * seed + i, sample_rate) for i, part in enumerate(parts)]
    for i in talk_over:
        kind, sound = sounds[i]
        talk = speech_like(1000 * seed + 500 + i, len(sound) / sample_rate, sample_rate=sample_rate)
        sounds[i] = kind, decibels(duck_db) * sound + talk[: len(sound)]
    starts, at = [], 0
    fades = [0]
    for (_, a), (_, b) in pairwise(sounds):
        fades.append(min(round(crossfade_s * sample_rate), len(a) // 2, len(b) // 2))
    fades.append(0)
    for (_, sound), fade in zip(sounds, fades, strict=False):
        starts.append(at - fade)
        at = starts[-1] + len(sound)
    out = np.zeros((at, 2), dtype=np.float32)
    spans = []
    for i, ((kind, sound), start) in enumerate(zip(sounds, starts, strict=True)):
        gain = np.ones(len(sound), dtype=np.float32)
        into, outof = fades[i], fades[i + 1]
        if into:
            gain[:into] = np.sin(np.linspace(0, np.pi / 2, into))
        if outof:
            gain[len(sound) - outof :] *= np.cos(np.linspace(0, np.pi / 2, outof))
        out[start : start + len(sound)] += gain[:, None] * sound
        end = (start + len(sound)) / sample_rate
        spans.append(Span(i, kind, start / sample_rate, end, i in talk_over))
    peak = float(np.abs(out).max(initial=0.0))
    return (out * np.float32(PEAK / peak) if peak > PEAK else out), spans
