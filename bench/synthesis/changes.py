"""What is done to a sound before it is asked about; both classes get the same changes with the same draws."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from bench import sound
from bench.sound import RATE, Sound, fitted, mixed
from numpy.typing import NDArray

Change = Callable[[Sound, np.random.Generator], Sound]
"""From float32[n, 2] to float32[m, 2]."""

SEMITONE = 2 ** (1 / 12)
_TAPS, _PHASES = 32, 4096
"""Of the interpolation behind wow: its images lie 70 dB down, under the noise of 16-bit music in a single bin."""


@dataclass(frozen=True)
class Condition:
    """One change.

    Attributes:
        name: in tables.
        family: rows of one family stand together.
        change: what is done.
        seconds: of the sound that is asked about; None for what the run says. Shorter sounds are left out.
        ratio: the speed of the result, upload rate over original rate, where every line moves by one factor.
        backing: whether a real recording is put under the sound.
    """

    name: str
    family: str
    change: Change
    seconds: float | None = None
    ratio: float | None = None
    backing: bool = False


def _simply(change: Callable[[Sound], Sound]) -> Change:
    return lambda x, _rng: change(x)


def coded(codec: str, container: str, bit_rate: int, rate: int = RATE) -> Change:
    """Return a lossy codec and back; the rate of bits is that of both channels."""
    return _simply(lambda x: sound.coded(x, codec, container, bit_rate, rate))


def through_rate(x: Sound, rate: int) -> Sound:
    """Return sound after another sample rate and back."""
    return sound.resampled(sound.resampled(x, rate), RATE, called=rate)


def noisy(x: Sound, snr_db: float, rng: np.random.Generator) -> Sound:
    """Add white noise, its own in each channel, ``snr_db`` below the sound."""
    return mixed(x, rng.standard_normal(x.shape).astype(np.float32), snr_db)


def echoing(x: Sound, rng: np.random.Generator) -> Sound:
    """Put sound into a small room of 0.3 to 0.5 s."""
    return sound.convolved(x, sound.small_room(rng, float(rng.uniform(0.3, 0.5))))


def wowed(x: Sound, depth: float, hertz: float, phase: float = 0.0) -> Sound:
    """Let the speed sway around 1.

    Args:
        x: float32[n] or float32[n, channels].
        depth: largest deviation of the speed: 0.0005 for 0.05 %.
        hertz: how often it sways; 0.55 is one turn of a record.
        phase: where it begins, rad.
    """
    turn = 2 * np.pi * hertz / RATE
    out = np.empty_like(x)
    fractions = np.arange(_PHASES) / _PHASES
    offsets = np.arange(_TAPS) - (_TAPS // 2 - 1)
    table = np.sinc(offsets[None, :] - fractions[:, None])
    table *= np.i0(
        9 * np.sqrt(np.clip(1 - ((offsets[None, :] - fractions[:, None]) / (_TAPS / 2)) ** 2, 0, 1))
    )
    table = np.asarray(table / table.sum(axis=1, keepdims=True), np.float32)
    edge = _TAPS + int(np.ceil(depth / turn)) + 1
    padded = np.pad(x, [(edge, edge)] + [(0, 0)] * (x.ndim - 1))
    for at in range(0, x.shape[0], 1 << 17):
        n = np.arange(at, min(at + (1 << 17), x.shape[0]))
        place = n + depth / turn * (np.cos(phase) - np.cos(turn * n + phase))
        # Rounded to the next phase, which may be the first one of the next sample.
        fine = np.rint(place * _PHASES).astype(np.int64)
        whole, weights = fine // _PHASES + edge, table[fine % _PHASES]
        out[at : at + n.size] = _weighed(padded, whole, weights, offsets)
    return out


def _weighed(
    x: Sound, whole: NDArray[np.int64], weights: NDArray[np.float32], offsets: NDArray[np.int64]
) -> Sound:
    columns = x if x.ndim == 2 else x[:, None]
    total = np.zeros((whole.size, columns.shape[1]), np.float32)
    for k, offset in enumerate(offsets.tolist()):
        total += weights[:, k, None] * np.take(columns, whole + offset, axis=0)
    return total if x.ndim == 2 else total[:, 0]


def _wow(x: Sound, rng: np.random.Generator) -> Sound:
    return wowed(x, 0.0005, 0.55, float(rng.uniform(0, 2 * np.pi)))


def over_backing(x: Sound, backing: Sound) -> Sound:
    """Put a real recording under a sound, both equally loud."""
    return mixed(x, fitted(backing, x.shape[0]), 0.0)


def _same(x: Sound, _rng: np.random.Generator) -> Sound:
    return x


def _noise(snr: int) -> Condition:
    return Condition(f"noise_{snr}", "white noise, dB", lambda x, rng: noisy(x, snr, rng))


def _rate(rate: int) -> Condition:
    name = f"resample_{rate / 1000:g}k"
    return Condition(name, "sample rate and back", _simply(lambda x: through_rate(x, rate)))


def _faster(name: str, ratio: float) -> Condition:
    return Condition(name, "speed", _simply(lambda x: sound.faster(x, ratio)), ratio=ratio)


def _pitch(semitones: int) -> Condition:
    def change(x: Sound) -> Sound:
        return sound.stretched(x, semitones=semitones)

    return Condition(f"pitch_{semitones:+d}", "pitch", _simply(change), ratio=SEMITONE**semitones)


def _length(seconds: int) -> Condition:
    return Condition(f"length_{seconds}", "length, s", _same, seconds=seconds)


CLEAN = Condition("clean", "as it is", _same)
CONDITIONS: tuple[Condition, ...] = (
    CLEAN,
    Condition("mp3_128", "codec", coded("libmp3lame", "mp3", 128_000)),
    Condition("mp3_64", "codec", coded("libmp3lame", "mp3", 64_000)),
    Condition("aac_96", "codec", coded("aac", "mp4", 96_000)),
    Condition("opus_64", "codec", coded("libopus", "ogg", 64_000, 48_000)),
    Condition("opus_48", "codec", coded("libopus", "ogg", 48_000, 48_000)),
    *(_rate(rate) for rate in (16_000, 22_050, 24_000, 32_000)),
    *(_noise(snr) for snr in (30, 20, 10)),
    Condition("reverb", "room", echoing),
    *(_pitch(semitones) for semitones in (-1, 1)),
    _faster("semitone_slower", 1 / SEMITONE),
    _faster("semitone_faster", SEMITONE),
    *(_faster(f"speed_{p:+d}", 1 + p / 100) for p in (-6, -3, 3, 6)),
    Condition("wow_0.05", "wow", _wow),
    Condition("backing_0", "over a real backing, dB", _same, backing=True),
    *(_length(seconds) for seconds in (10, 20, 60, 120)),
)
BY_NAME = {c.name: c for c in CONDITIONS}
