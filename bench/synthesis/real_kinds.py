"""Sound by people of kinds that are easily taken for a machine's: most of it made here, by code, and named so.

An organ holds its notes without a tremble, a games console divides one clock, a looped sample repeats with a fixed
period: each leaves steady lines, some on a lattice of their own. None of it is neural synthesis and none of it may be
flagged. Real recordings of such kinds come beside these through ``--real``; what is made here stands under
``kinds-made-here/<kind>``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from bench import sound
from bench.seeds import rng_for
from bench.sound import RATE, Sound, fitted, levelled, mixed, stereo
from bench.synth import room_noise, speech_like
from bench.synth.instruments import Gesture, make
from bench.synth.signal import Signal, hertz, ring, warp
from bench.synthesis.changes import wowed
from bench.synthesis.decoder_made import Piece
from bench.synthesis.material import Found, Item
from numpy.typing import NDArray

PREFIX = "kinds-made-here/"
Make = Callable[[np.random.Generator, float], Sound]
"""From a source of draws and seconds to float32[n] or float32[n, 2]."""

_SCALE = (0, 2, 4, 7, 9)
_NES_CLOCK = 1_789_773.0  # Hz, NTSC console
_FRAME_S = 1 / 60  # such consoles change pitch and volume once a picture
_FINE = 8  # a chip's output is made at eight times the rate where it is to be free of aliases


def _steady(
    n: int, hertzes: NDArray[np.floating], amplitudes: NDArray[np.floating], rng: np.random.Generator
) -> Signal:
    """Add sines that neither tremble nor die: float32[n]."""
    heard = hertzes < 0.45 * RATE
    forever = np.full(int(heard.sum()), 1e9)
    phases = rng.uniform(0, 2 * np.pi, forever.size)
    return ring(hertzes[heard], amplitudes[heard], forever, n, RATE, phases)


def _room(x: Sound, rng: np.random.Generator, rt60: float) -> Sound:
    return sound.convolved(x, sound.small_room(rng, rt60))


# ---- instruments that hold --------------------------------------------------------------------------------
def organ(rng: np.random.Generator, seconds: float) -> Sound:
    """Hold chords of three to seven seconds on ranks of pipes from 16' to a mixture, with wind, in a large room."""
    ranks = np.array([0.5, 1, 2, 3, 4, 5, 6, 8])
    drawn = np.array([0.5, 1, 0.8, 0.4, 0.5, 0.25, 0.3, 0.3]) * rng.uniform(0.3, 1, ranks.size)
    parts: list[Signal] = []
    root = int(rng.integers(45, 52))
    while sum(p.size for p in parts) < seconds * RATE:
        n = round(float(rng.uniform(3, 7)) * RATE)
        chord = root + int(rng.choice(_SCALE)) + np.array([0, 7, 12, 16])
        pitches = np.array([hertz(float(p)) for p in chord])
        # Each pipe is a few hundredths of a semitone off, and stays there.
        pipes = np.outer(pitches, ranks) * 2 ** (rng.normal(0, 0.02, (4, ranks.size)) / 12)
        harmonics = np.arange(1, 13)
        every = pipes[:, :, None] * harmonics
        strength = np.broadcast_to(drawn[None, :, None] * harmonics**-1.4, every.shape)
        x = _steady(n, every.ravel(), strength.ravel(), rng)
        edge = np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.08 * RATE)
        parts.append(x * np.minimum(edge, 1).astype(np.float32))
    x = levelled(fitted(np.concatenate(parts), round(seconds * RATE)), 0.1)
    return _room(mixed(x, sound.pink(x.size, rng), 45), rng, 2.5)


def cello(rng: np.random.Generator, seconds: float) -> Sound:
    """Hold one note as long as a bow lasts, ten to fifteen seconds, again and again, with little vibrato."""
    player = make("cello", RATE, rng)
    parts: list[Signal] = []
    pitch = float(rng.integers(36, 52))
    while sum(p.size for p in parts) < seconds * RATE:
        gesture = Gesture(pitch, float(rng.uniform(10, 15)), 0.8)
        parts.append(player.note(gesture, rng))
    return _room(fitted(np.concatenate(parts), round(seconds * RATE)), rng, 1.2)


def tones(rng: np.random.Generator, seconds: float) -> Sound:
    """Hold a synthesiser's drone: six tones with all their harmonics, over faint noise."""
    n = round(seconds * RATE)
    first = np.array([hertz(float(p)) for p in rng.integers(33, 72, 6)])
    harmonics = np.arange(1, 40)
    every = np.outer(first, harmonics)
    strength = np.broadcast_to(harmonics**-1.1, every.shape)
    x = levelled(_steady(n, every.ravel(), strength.ravel(), rng), 0.1)
    return mixed(x, sound.pink(n, rng), 50)


# ---- consoles and samplers --------------------------------------------------------------------------------
def _pulse(divider: NDArray[np.int64], duty: float, rate: float, n: int) -> NDArray[np.float32]:
    """Square wave of a divided clock, ``divider`` one value a picture; float32[n] at ``rate``."""
    frequency = np.repeat(_NES_CLOCK / (16 * (divider + 1.0)), round(rate * _FRAME_S) + 1)[:n]
    phase = np.cumsum(frequency / rate) % 1
    return np.where(phase < duty, 1.0, -1.0).astype(np.float32)


def _triangle(divider: NDArray[np.int64], rate: float, n: int) -> NDArray[np.float32]:
    """Triangle of sixteen steps, an octave lower."""
    frequency = np.repeat(_NES_CLOCK / (32 * (divider + 1.0)), round(rate * _FRAME_S) + 1)[:n]
    phase = np.cumsum(frequency / rate) % 1
    return np.asarray(np.round(15 * np.abs(2 * phase - 1)) / 7.5 - 1, np.float32)


def _shift_register() -> NDArray[np.float32]:
    """One round of the noise channel's 15-bit register, 32,767 values of -1 and 1."""
    out, state = np.zeros(32767, np.float32), 1
    for i in range(out.size):
        out[i] = 1.0 if state & 1 else -1.0
        state = state >> 1 | ((state ^ state >> 1) & 1) << 14
    return out


def _chip(rng: np.random.Generator, seconds: float, fine: int) -> Sound:
    rate = RATE * fine
    n, frames = round(seconds * rate), round(seconds / _FRAME_S) + 1
    beat = int(rng.integers(7, 12))
    notes = rng.choice(_SCALE, frames // beat + 1) + 12 * rng.integers(5, 7, frames // beat + 1)
    chords = rng.choice(_SCALE, frames // (8 * beat) + 1)
    at = np.arange(frames)

    def dividers(pitches: NDArray[np.int64]) -> NDArray[np.int64]:
        wanted = 440.0 * 2 ** ((pitches - 69.0) / 12)
        return np.rint(_NES_CLOCK / (16 * wanted) - 1).astype(np.int64)

    lead = dividers(notes[at // beat])
    broken = dividers(48 + chords[at // (8 * beat)] + np.array([0, 4, 7])[at % 3])
    bass = dividers(36 + chords[at // (8 * beat)])
    hold = round(rate * _FRAME_S) + 1
    fall = np.repeat(np.maximum(1 - (at % beat) / 15, 0.2), hold)[:n].astype(np.float32)
    hit = np.repeat(np.maximum(1 - (at % (2 * beat)) / 5, 0), hold)[:n].astype(np.float32)
    step = (np.arange(n) * (_NES_CLOCK / 128 / rate)).astype(np.int64) % 32767
    x = 0.5 * fall * _pulse(lead, 0.5, rate, n) + 0.3 * _pulse(broken, 0.25, rate, n)
    x += 0.5 * _triangle(bass, rate, n) + 0.3 * hit * _shift_register()[step]
    short = x.size // fine * fine
    return np.asarray(x[:short].reshape(-1, fine).mean(axis=1), np.float32)


def chiptune(rng: np.random.Generator, seconds: float) -> Sound:
    """Play a console's two pulses, triangle and noise, made at 353 kHz and averaged down."""
    return _chip(rng, seconds, _FINE)


def chiptune_aliased(rng: np.random.Generator, seconds: float) -> Sound:
    """Play the same at 44.1 kHz directly, as simple emulators do: the square waves fold back."""
    return _chip(rng, seconds, 1)


def looped_sample(rng: np.random.Generator, seconds: float) -> Sound:
    """Loop short tables of 64 to 600 samples at the file's own rate: the lines lie at multiples of 44,100 / length."""
    parts: list[Signal] = []
    lengths = rng.choice([64, 100, 128, 147, 200, 256, 300, 441, 512, 600], 3, replace=False)
    tables = [np.cumsum(rng.standard_normal(int(k))) for k in lengths]
    tables = [np.asarray(t - np.linspace(t[0], t[-1], t.size), np.float32) for t in tables]
    while sum(p.size for p in parts) < seconds * RATE:
        table = tables[int(rng.integers(len(tables)))]
        n = round(float(rng.uniform(0.4, 3)) * RATE)
        edge = np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.01 * RATE)
        parts.append(levelled(np.resize(table, n), 0.1) * np.minimum(edge, 1).astype(np.float32))
    x = fitted(np.concatenate(parts), round(seconds * RATE))
    return mixed(x, sound.pink(x.size, rng), 45)


def bar_loop(rng: np.random.Generator, seconds: float) -> Sound:
    """Repeat one bar of a piece to the sample, as loop-based music does."""
    piece = Piece(int(rng.integers(71_000_000, 72_000_000)), 8.0).sound()
    bar = piece[: int(rng.integers(round(1.2 * RATE), round(2.4 * RATE)))]
    return np.tile(bar, (round(seconds * RATE) // bar.shape[0] + 1, 1))[: round(seconds * RATE)]


def sampler(rng: np.random.Generator, seconds: float) -> Sound:
    """Play notes from one sample an instrument, faster or slower for other pitches, as a simple sampler does."""
    n = round(seconds * RATE)
    out = np.zeros(n + 4 * RATE, np.float32)
    names = ("piano", "violin", "flute", "clarinet", "guitar", "marimba")
    picked = [names[int(i)] for i in rng.permutation(len(names))[:3]]
    samples = [make(name, RATE, rng).note(Gesture(60.0, 2.0, 0.8), rng) for name in picked]
    at = 0
    while at < n:
        x = samples[int(rng.integers(len(samples)))]
        ratio = 2 ** (float(rng.choice(_SCALE) + 12 * rng.integers(-1, 2)) / 12)
        length = round(float(rng.uniform(0.3, 2.0)) * RATE)
        note = warp(x, np.full(length // 64 + 2, ratio), length)
        note[-441:] *= np.linspace(1, 0, 441, dtype=np.float32)
        out[at : at + note.size] += note * np.float32(rng.uniform(0.4, 1))
        at += round(float(rng.choice([0.25, 0.25, 0.5])) * RATE)
    return _room(out[:n], rng, 0.8)


def _rendered(style: str) -> Make:
    def play(rng: np.random.Generator, seconds: float) -> Sound:
        return Piece(int(rng.integers(72_000_000, 73_000_000)), seconds, style).sound()

    return play


# ---- what surrounds a recording -----------------------------------------------------------------------------
def old_recording(rng: np.random.Generator, seconds: float) -> Sound:
    """Transfer a piece from shellac: 150 to 5,000 Hz, hiss, hum with harmonics, crackle, 0.2 % wow, one channel."""
    x = Piece(int(rng.integers(73_000_000, 74_000_000)), seconds, "classical").sound()
    narrow = levelled(sound.band_passed(sound.mono(x), 150, 5000), 0.1)
    turned = wowed(narrow, 0.002, 1.3, float(rng.uniform(0, 2 * np.pi)))
    crackle = np.zeros(turned.size, np.float32)
    crackle[rng.integers(turned.size, size=round(25 * seconds))] = 1
    crackle = sound.band_passed(
        crackle * rng.standard_normal(crackle.size).astype(np.float32), 800, 9000, order=2
    )
    hum = _steady(turned.size, 50.0 * np.arange(1, 25), np.arange(1, 25) ** -1.0, rng)
    y = mixed(mixed(turned, rng.standard_normal(turned.size).astype(np.float32), 24), hum, 30)
    return mixed(y, crackle, 22)


def device_lines(rng: np.random.Generator, seconds: float) -> Sound:
    """Talk in a room beside electronics: mains hum, a 1 kHz frame whine, a telephone's 217 Hz buzz, 15,625 Hz.

    The whine of USB sound has teeth at multiples of 1 kHz and the buzz at multiples of 216.7 Hz: lattices, of a device.
    """
    n = round(seconds * RATE)
    x = mixed(
        levelled(sound.mono(speech_like(int(rng.integers(1 << 30)), seconds))),
        levelled(sound.mono(room_noise(int(rng.integers(1 << 30)), seconds))),
        20,
    )
    mains = float(rng.choice([50.0, 60.0]))
    teeth = (
        (mains * np.arange(1, 41), np.arange(1, 41) ** -0.8, 25.0),
        (1000.0 * np.arange(1, 17), rng.uniform(0.3, 1, 16), 45.0),
        (216.7 * np.arange(1, 60), np.arange(1, 60) ** -0.5, 35.0),
        (np.array([15625.0]), np.ones(1), 45.0),
    )
    for frequencies, amplitudes, below in teeth:
        x = mixed(x, _steady(n, frequencies, amplitudes, rng), below)
    return x


def talk(rng: np.random.Generator, seconds: float) -> Sound:
    """Speak, by rule: pulses under formants."""
    return speech_like(int(rng.integers(1 << 30)), seconds)


def room(rng: np.random.Generator, seconds: float) -> Sound:
    """Leave a room to itself."""
    return room_noise(int(rng.integers(1 << 30)), seconds)


KINDS: dict[str, Make] = {
    "organ": organ,
    "long cello note": cello,
    "stationary tones": tones,
    "chiptune": chiptune,
    "chiptune, aliased": chiptune_aliased,
    "looped sample": looped_sample,
    "bar loop": bar_loop,
    "sampler": sampler,
    "synthesised band, pop": _rendered("pop"),
    "synthesised band, ballad": _rendered("ballad"),
    "synthesised band, classical": _rendered("classical"),
    "synthesised band, gugak": _rendered("gugak"),
    "old recording": old_recording,
    "device lines": device_lines,
    "synthesised talk": talk,
    "synthesised room": room,
}


@dataclass(frozen=True)
class Kind:
    """One piece of a kind."""

    name: str
    seed: int
    seconds: float

    def sound(self) -> Sound:
        """Make it: float32[n, 2], root mean square 0.1, never above full scale."""
        x = stereo(KINDS[self.name](rng_for(self.seed, "kind", self.name), self.seconds))
        y = levelled(x, 0.1)
        peak = float(np.abs(y).max(initial=0))
        return y if peak <= 0.99 else np.asarray(y * np.float32(0.99 / peak), np.float32)


def kinds(n: int, seconds: float, seed: int = 1) -> Found:
    """List ``n`` pieces of every kind."""
    return Found(
        tuple(
            Item(
                name=f"{name} {k + 1}",
                made_by=PREFIX + name,
                fake=False,
                site=PREFIX + name,
                source=f"{name} {k + 1}",
                seconds=seconds,
                origin=Kind(name, 1000 * seed + k, seconds),
            )
            for name in KINDS
            for k in range(n)
        )
    )
