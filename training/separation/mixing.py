"""Mixes of a voice and a backing, drawn anew each time: level, speed, room, place, tone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.separation.material import MUSIC_RATE, Backing, Material, Voice

Sound = NDArray[np.float32]

_QUIET = 1e-4  # RMS of a stretch, full scale 1: nothing to be heard there
_LONGEST_TAIL = int(1.5 * MUSIC_RATE)


def draw(material: Material, samples: int, rng: np.random.Generator) -> tuple[Sound, Sound]:
    """A voice and a backing to be added, each float32[samples, 2] at 44.1 kHz.

    A tenth of the mixes have no voice and a tenth no backing, so that the model also learns to leave things alone.
    """
    voice = placed(in_room(_stretch(_pick_voice(material, rng), samples, rng), rng), rng)
    backing = _backing(material, samples, rng)
    voice, backing = at_ratio(voice, backing, float(rng.uniform(-10, 10)))
    dice = rng.random()
    if dice < 0.1:
        voice = np.zeros_like(voice)
    elif dice < 0.2:
        backing = np.zeros_like(backing)
    # Half of them mono: place in the stereo picture is an easy cue, and many uploads have none.
    if rng.random() < 0.5:
        voice, backing = (np.repeat(x.mean(1, keepdims=True), 2, 1) for x in (voice, backing))
    peak = float(np.abs(voice + backing).max())
    gain = np.float32(10 ** rng.uniform(-1.2, 0.0) / max(peak, 1e-3))
    return voice * gain, backing * gain


def at_ratio(voice: Sound, backing: Sound, ratio_db: float) -> tuple[Sound, Sound]:
    """Scale the backing so that the voice lies ``ratio_db`` above it (energies over the whole stretch)."""
    energies = [max(float(np.mean(x**2)), _QUIET**2) for x in (voice, backing)]
    return voice, backing * np.float32(np.sqrt(energies[0] / energies[1]) * 10 ** (-ratio_db / 20))


def placed(voice: Sound, rng: np.random.Generator) -> Sound:
    """Put a voice near the middle, a quarter of them anywhere: float32[n] or float32[n, 2] to float32[n, 2]."""
    wide = voice if voice.ndim == 2 else voice[:, None]
    angle = np.pi / 4 + (rng.normal(0, 0.06) if rng.random() < 0.75 else rng.uniform(-0.5, 0.5))
    return (wide * np.array([np.cos(angle), np.sin(angle)]) * np.sqrt(2)).astype(np.float32)


def at_music_rate(sound: NDArray[np.int16], rate: float) -> Sound:
    """Bring a voice to 44.1 kHz through the spectrum: int16[n] to float32[m]."""
    count = round(len(sound) * MUSIC_RATE / rate)
    spectrum = np.fft.rfft(sound.astype(np.float32) / np.float32(32768))
    kept = np.zeros(count // 2 + 1, np.complex64)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    return (np.fft.irfft(kept, count) * (count / len(sound))).astype(np.float32)


def _pick_voice(material: Material, rng: np.random.Generator) -> Voice:
    kind = str(rng.choice(["speech", "resung", "synthesised"], p=[0.38, 0.37, 0.25]))
    fitting = [voice for voice in material.voices if voice.kind == kind] or list(material.voices)
    return fitting[int(rng.integers(len(fitting)))]


def _stretch(voice: Voice, samples: int, rng: np.random.Generator) -> Sound:
    """A stretch of the voice, float32[samples], with its speed and pitch changed together by up to 3 semitones."""
    rate = voice.rate * float(2 ** rng.uniform(-0.25, 0.25))
    needed = int(samples * rate / MUSIC_RATE) + 1
    start = int(rng.integers(max(1, len(voice.sound) - needed)))
    piece = np.resize(voice.sound[start : start + needed], needed)
    return np.resize(at_music_rate(piece, rate), samples)


def in_room(voice: Sound, rng: np.random.Generator) -> Sound:
    """Tone, and in two of three cases width: float32[n] to float32[n, 2].

    Wide are the reverberation of a room, another at either ear, and copies a few hundredths of a second late, as
    doubled voices and choruses have. Voices that all lie in the middle teach that whatever is wide is no voice.
    """
    size = len(voice) + _LONGEST_TAIL
    frequencies = np.fft.rfftfreq(size, 1 / MUSIC_RATE)
    low = 1 / np.sqrt(1 + (rng.uniform(40, 140) / np.maximum(frequencies, 1)) ** 4)
    dry = np.fft.rfft(voice, size) * (_tilt(frequencies, rng) * low).astype(np.float32)
    dice = rng.random()
    if dice < 0.33:
        return np.fft.irfft(dry, size)[: len(voice), None].repeat(2, 1).astype(np.float32)
    response = np.zeros((2, _LONGEST_TAIL), np.float32)
    response[:, 0] = 1
    if dice < 0.9:
        taps, wait = int(rng.uniform(0.15, 1.4) * MUSIC_RATE), int(rng.uniform(0, 0.04) * MUSIC_RATE)
        tail = rng.standard_normal((2, taps)) * np.exp(-6.9 * np.arange(taps) / taps)
        tail *= 10 ** (rng.uniform(-22, -2) / 20) / np.sqrt((tail**2).sum(1, keepdims=True))
        response[:, wait : wait + taps] += tail
    if dice > 0.75:
        for ear in (0, 1):
            for late in rng.integers(int(0.008 * MUSIC_RATE), int(0.04 * MUSIC_RATE), 2):
                response[ear, late] += rng.uniform(0.2, 0.8)
    wet = np.fft.irfft(dry * np.fft.rfft(response, size), size)
    return np.ascontiguousarray(wet[:, : len(voice)].T, dtype=np.float32)


def _tilt(frequencies: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Up to 3 dB an octave either way, around 1 kHz."""
    return np.asarray((np.maximum(frequencies, 80) / 1000) ** (rng.uniform(-3, 3) / 6.02))


def _backing(material: Material, samples: int, rng: np.random.Generator) -> Sound:
    kind = "recorded" if rng.random() < 0.5 else "synthesised"
    fitting = [one for one in material.backings if one.kind == kind]
    sound = _cut(fitting[int(rng.integers(len(fitting)))], samples, rng)
    if rng.random() < 0.25:  # two pieces at once: more kinds of texture than there are pieces
        other = _cut(fitting[int(rng.integers(len(fitting)))], samples, rng)
        sound = sound + np.float32(rng.uniform(0.3, 1.0)) * other
    if rng.random() < 0.5:
        sound = sound[:, ::-1]
    tilt = _tilt(np.fft.rfftfreq(len(sound), 1 / MUSIC_RATE), rng).astype(np.float32)
    toned = np.fft.irfft(np.fft.rfft(sound.T) * tilt, len(sound))
    return np.ascontiguousarray(toned.T, dtype=np.float32)


def _cut(backing: Backing, samples: int, rng: np.random.Generator) -> Sound:
    """A stretch, its speed and pitch changed together by up to 3 semitones: float32[samples, 2]."""
    rate = MUSIC_RATE * float(2 ** rng.uniform(-0.25, 0.25))
    needed = int(samples * rate / MUSIC_RATE) + 1
    start = int(rng.integers(max(1, len(backing.sound) - needed)))
    piece = backing.sound[start : start + needed]
    piece = np.pad(piece, ((0, needed - len(piece)), (0, 0)))
    at = np.linspace(0, needed - 1, samples)
    # Straight lines between samples dull the treble a little, which is a tone like any other here.
    return np.stack([np.interp(at, np.arange(needed), piece[:, ear] / 32768) for ear in (0, 1)], 1).astype(
        np.float32
    )
