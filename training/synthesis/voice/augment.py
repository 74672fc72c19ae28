"""What happens to sound between its maker and an upload, drawn once per source and done to both classes alike.

A real clip and every fake made from it go through the same chain with the same numbers, so that neither band
nor format nor level nor noise tells them apart. Many of the real voices come as Opus files: an Opus (or MP3)
pass comes first in a share of the chains, so that the trace of a codec is found in both classes.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rightscan.media.decode import open_audio
from rightscan.media.encode import encode
from rightscan.synthesis.voice.sound import RATE, resample

Float = NDArray[np.float32]

_FORMATS: tuple[tuple[str, int, int], ...] = (  # codec, rate, bit/s
    ("mp3", 16_000, 32_000),
    ("mp3", 22_050, 48_000),
    ("mp3", 44_100, 64_000),
    ("mp3", 44_100, 96_000),
    ("mp3", 44_100, 128_000),
    ("mp3", 44_100, 192_000),
    ("m4a", 44_100, 64_000),
    ("m4a", 44_100, 96_000),
    ("opus", 48_000, 24_000),
    ("opus", 48_000, 48_000),
    ("opus", 48_000, 64_000),
    ("ogg", 44_100, 80_000),
)


# The real voices of one corpus came as Opus at 62 kbit/s (median); this pass comes before all else.
_FIRST: tuple[tuple[str, int, int], ...] = (
    ("opus", 48_000, 64_000),
    ("opus", 48_000, 64_000),
    ("opus", 48_000, 24_000),
    ("opus", 48_000, 16_000),
    ("mp3", 44_100, 128_000),
    ("mp3", 22_050, 64_000),
)


@dataclass(frozen=True)
class Chain:
    """One drawn chain. ``None`` leaves a step out; frequencies in Hz, levels in dB, ``speed`` a ratio."""

    seed: int
    first: tuple[str, int, int] | None
    speed: float | None
    reverb_s: float | None
    tilt_db: float | None
    noise_db: float | None
    pink: bool
    low_hz: float | None
    high_hz: float | None
    codec: tuple[str, int, int] | None
    level_db: float

    @property
    def word(self) -> str:
        """The chain in a few words, for tables of errors by condition."""
        steps = [
            f"{self.first[0]} first" if self.first else "",
            "speed" if self.speed else "",
            "reverb" if self.reverb_s else "",
            f"noise {self.noise_db:.0f}" if self.noise_db else "",
            f"low-pass {self.high_hz:.0f}" if self.high_hz else "",
            f"{self.codec[0]} {self.codec[2] // 1000}" if self.codec else "",
        ]
        return ", ".join(step for step in steps if step) or "clean"


CLEAN = Chain(0, None, None, None, None, None, False, None, None, None, -3.0)


def draw(seed: int) -> Chain:
    """Draw a chain from a seed; the same seed gives the same chain and the same noise."""
    r = np.random.default_rng(seed)

    def maybe(share: float, low: float, high: float) -> float | None:
        value = float(r.uniform(low, high))
        return value if r.random() < share else None

    return Chain(
        seed=seed,
        first=_FIRST[int(r.integers(len(_FIRST)))] if r.random() < 0.4 else None,
        speed=maybe(0.15, 0.95, 1.05),
        reverb_s=maybe(0.2, 0.1, 0.6),
        tilt_db=maybe(0.4, -8.0, 8.0),
        noise_db=maybe(0.35, 18.0, 50.0),
        pink=bool(r.random() < 0.5),
        low_hz=maybe(0.2, 50.0, 250.0),
        high_hz=maybe(0.25, 3_300.0, 7_600.0),
        codec=_FORMATS[int(r.integers(len(_FORMATS)))] if r.random() < 0.7 else None,
        level_db=float(r.uniform(-24.0, -0.5)),
    )


def apply(sound: Float, chain: Chain) -> Float:
    """Send sound through a chain: float32[n] at ``RATE`` -> float32[m] at ``RATE``, of 16-bit depth."""
    r = np.random.default_rng(chain.seed)
    sound = coded(sound, *chain.first) if chain.first else sound
    sound = _faster(sound, chain.speed) if chain.speed else sound
    sound = _in_room(sound, chain.reverb_s, r) if chain.reverb_s else sound
    sound = _filtered(sound, chain)
    sound = _noisy(sound, chain.noise_db, chain.pink, r) if chain.noise_db else sound
    peak = float(np.abs(sound).max(initial=1e-9))
    sound = (sound * np.float32(10 ** (chain.level_db / 20) / peak)).astype(np.float32)
    sound = coded(sound, *chain.codec) if chain.codec else sound
    return (np.round(sound * 32767.0) / 32767.0).astype(np.float32)


def coded(sound: Float, codec: str, sample_rate: int, bit_rate: int) -> Float:
    """Encode at a rate and decode again: float32[n] -> float32[about n], both at ``RATE``."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        path = Path(folder) / "sound"
        # Codecs overshoot; 1.12 (1 dB) keeps their peaks below full scale.
        encode(_at(sound, sample_rate) / np.float32(1.12), sample_rate, path, codec, bit_rate)
        with open_audio(path) as stream:
            return np.concatenate(list(stream.blocks(RATE))) * np.float32(1.12)


def _at(sound: Float, sample_rate: int) -> Float:
    length = round(sound.size * sample_rate / RATE)
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(length // 2 + 1, spectrum.dtype)
    common = min(kept.size, spectrum.size)
    kept[:common] = spectrum[:common]
    return (np.fft.irfft(kept, length) * (length / sound.size)).astype(np.float32)


def _faster(sound: Float, speed: float) -> Float:
    return resample(sound, round(RATE * speed / 100) * 100)


def _in_room(sound: Float, seconds: float, r: np.random.Generator) -> Float:
    length = int(seconds * RATE)
    tail = r.normal(size=length) * 10 ** (-3 * np.arange(length) / length) * r.uniform(0.02, 0.15)
    tail[0] = 1.0
    size = 1 << (sound.size + length).bit_length()
    return np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: sound.size].astype(
        np.float32
    )


def _filtered(sound: Float, chain: Chain) -> Float:
    if chain.tilt_db is None and chain.low_hz is None and chain.high_hz is None:
        return sound
    frequency = np.fft.rfftfreq(sound.size, 1 / RATE)
    gain = 10 ** ((chain.tilt_db or 0.0) * np.log2(np.maximum(frequency, 100.0) / 1_000.0) / 3 / 20)
    if chain.low_hz:
        gain = gain / np.sqrt(1 + (chain.low_hz / np.maximum(frequency, 1.0)) ** 4)
    if chain.high_hz:
        gain = gain / np.sqrt(1 + (frequency / chain.high_hz) ** 40)
    return np.fft.irfft(np.fft.rfft(sound) * gain, sound.size).astype(np.float32)


def _noisy(sound: Float, decibels: float, pink: bool, r: np.random.Generator) -> Float:
    noise = r.normal(size=sound.size)
    if pink:
        shape = 1 / np.sqrt(np.maximum(np.fft.rfftfreq(sound.size, 1 / RATE), 50.0))
        noise = np.fft.irfft(np.fft.rfft(noise) * shape, sound.size)
    loud = float(np.sqrt(np.mean(sound.astype(np.float64) ** 2)))
    return (sound + noise * (loud * 10 ** (-decibels / 20) / np.sqrt(np.mean(noise**2)))).astype(np.float32)
