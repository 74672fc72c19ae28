"""The pool that training draws from: log-mel bands of every training voice in several forms, computed once.

What is cheap in the bands (noise, music, other voices, tilt, band limits, tempo) is drawn anew for every step by
``drawing``; codecs, rooms, singing and other people need the sound and are done here.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rightscan.likeness.features import MelSettings, log_mel
from training.likeness.corpus import Speaker, place, speakers
from training.likeness.voicing import Voice
from training.synthesis.sound import read_mono
from training.synthesis.sources import admitted, own_music, sounds
from training.synthesis.sources import clips as cut_clips
from training.synthesis.voice.augment import coded

RATE = 16_000
SETTINGS = MelSettings(normalisation="none")
BANDS = SETTINGS.bands
SPEEDS = (0.84, 0.92, 1.09, 1.19)
"""Each makes another person of a recording (Ko et al. 2015 as used for x-vectors by Yamamoto et al. 2019)."""
FORMANTS = (0.88, 1.13)
_CODECS = (
    ("mp3", 16_000, 32_000),
    ("mp3", 44_100, 64_000),
    ("opus", 48_000, 16_000),
    ("opus", 48_000, 24_000),
    ("m4a", 44_100, 64_000),
)
_LONGEST_S = 16.0
_OWN_PIECES = 16
_NOISE_KEY = "#noise"

Sound = NDArray[np.float32]
Bands = NDArray[np.float16]


@dataclass(frozen=True)
class Pool:
    """Log-mel bands of all forms, one after the other.

    ``bands`` float16[frames, 64]; ``starts``, ``lengths`` int64[items]; ``people`` the person of each item, a word
    with ``@`` for one who was made; ``forms`` what was done. Items of ``#noise`` are noise and music.
    """

    bands: Bands
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    people: tuple[str, ...]
    forms: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write an .npz file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(
            path,
            bands=self.bands,
            starts=self.starts,
            lengths=self.lengths,
            people=np.array(self.people),
            forms=np.array(self.forms),
        )

    @classmethod
    def read(cls, paths: list[Path]) -> Pool:
        """Read files and join them."""
        parts = [np.load(path) for path in paths]
        offsets = np.cumsum([0, *(part["bands"].shape[0] for part in parts[:-1])])
        return cls(
            np.concatenate([part["bands"] for part in parts]),
            np.concatenate([part["starts"] + offset for part, offset in zip(parts, offsets, strict=True)]),
            np.concatenate([part["lengths"] for part in parts]),
            tuple(str(word) for part in parts for word in part["people"]),
            tuple(str(word) for part in parts for word in part["forms"]),
        )

    def item(self, index: int) -> Bands:
        """The bands of an item, float16[frames, 64]."""
        start = self.starts[index]
        return self.bands[start : start + self.lengths[index]]

    @property
    def noise(self) -> list[int]:
        """Items of noise and music."""
        return [index for index, person in enumerate(self.people) if person == _NOISE_KEY]


def build(items: Iterator[tuple[str, str, Sound]]) -> Pool:
    """Make a pool of (person, form, float32[n] at 16 kHz)."""
    bands, people, forms = [], [], []
    for person, form, sound in items:
        loudest = float(np.abs(sound).max(initial=1e-6))
        bands.append(log_mel(sound * np.float32(0.5 / loudest), SETTINGS).astype(np.float16))
        people.append(person)
        forms.append(form)
    lengths = np.array([len(band) for band in bands])
    return Pool(
        np.concatenate(bands),
        np.concatenate([[0], np.cumsum(lengths)[:-1]]),
        lengths,
        tuple(people),
        tuple(forms),
    )


def recorded(people: list[Speaker], media: Path) -> Iterator[tuple[str, str, Sound]]:
    """Every training voice as it is, coded, in a room, and at other speeds as other people."""
    for person in people:
        for source in person.recordings:
            rng = np.random.default_rng(int(place(source.path) * 2**32))
            sound = read_mono(media / source.path, RATE)[: round(_LONGEST_S * RATE)]
            yield person.name, "clean", sound
            codec = _CODECS[int(rng.integers(len(_CODECS)))]
            yield person.name, codec[0], coded(sound, *codec)
            yield person.name, "room", in_room(sound, rng)
            for speed in SPEEDS:
                other = at_speed(sound, speed)
                yield f"{person.name}@{speed}", "clean", other
                yield f"{person.name}@{speed}", "room", in_room(other, rng)


def varied(people: list[Speaker], media: Path) -> Iterator[tuple[str, str, Sound]]:
    """Every training voice sung and at other pitches, and as people with other vocal tracts who speak and sing."""
    for person in people:
        source = person.recordings[0]
        rng = np.random.default_rng(int(place(source.path + "#varied") * 2**32))
        voice = Voice.of(read_mono(media / source.path, RATE)[: round(_LONGEST_S * RATE)], RATE)
        yield person.name, "sung", voice.sung(rng)
        yield person.name, "sung", in_room(voice.sung(rng), rng)
        yield person.name, "repitched", voice.repitched(float(rng.uniform(1.0, 3.0)))
        for formants in FORMANTS:
            name = f"{person.name}@tract{formants}"
            yield name, "clean", voice.somebody(rng, formants)


def noises(media: Path) -> Iterator[tuple[str, str, Sound]]:
    """Noise and music of clear licence that no report uses, music made here, and noise of three colours."""
    sources = [s for s in admitted(media) if s.kind in ("noise", "music") and s.split != "report"]
    found = cut_clips([*sources, *own_music(_OWN_PIECES)])
    for clip, sound in sounds(found, media):
        count = round(sound.size * RATE / clip.source.rate)
        yield _NOISE_KEY, clip.source.kind, resampled(sound, count)
    rng = np.random.default_rng(26)
    for slope in (0.0, 0.5, 1.0, 0.0, 0.5):
        spectrum = np.fft.rfft(rng.standard_normal(20 * RATE))
        spectrum /= np.maximum(np.arange(spectrum.size), 20.0) ** slope
        yield _NOISE_KEY, "coloured", np.fft.irfft(spectrum).astype(np.float32)


def at_speed(sound: Sound, speed: float) -> Sound:
    """Play faster or slower, pitch and formants with it."""
    return resampled(sound, round(sound.size / speed))


def resampled(sound: Sound, count: int) -> Sound:
    """Bring a whole sound to another number of samples through its spectrum; its ends are faded over 5 ms."""
    fade = np.linspace(0, 1, 80, dtype=np.float32)
    sound = sound.copy()
    sound[:80] *= fade
    sound[-80:] *= fade[::-1]
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(count // 2 + 1, spectrum.dtype)
    common = min(kept.size, spectrum.size)
    kept[:common] = spectrum[:common]
    return (np.fft.irfft(kept, count) * (count / sound.size)).astype(np.float32)


def in_room(sound: Sound, rng: np.random.Generator) -> Sound:
    """Put a voice into a room: early reflections and a tail that decays by 60 dB in 0.15 to 0.8 s."""
    decay_s = rng.uniform(0.15, 0.8)
    count = round(decay_s * RATE)
    tail = rng.standard_normal(count) * 10 ** (-3 * np.arange(count) / count)
    tail[: round(0.003 * RATE)] = 0.0
    for at in rng.integers(round(0.003 * RATE), round(0.05 * RATE), 6):
        if at < count:
            tail[at] += rng.uniform(-8, 8)
    tail *= 10 ** (-rng.uniform(2.0, 12.0) / 20) / max(float(np.sqrt(np.sum(tail**2))), 1e-9)
    tail[0] = 1.0
    size = sound.size + count
    mixed = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(tail, size), size)[: sound.size]
    return mixed.astype(np.float32)


def main(arguments: list[str] | None = None) -> None:
    """``python -m training.likeness.pool --media DIR --out DIR [--part recorded|varied|noises]``."""
    parser = argparse.ArgumentParser(description="the pool the voice encoder is trained from")
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", choices=("recorded", "varied", "noises"), action="append")
    options = parser.parse_args(arguments)
    people = [person for person in speakers(options.media) if person.split == "train"]
    makers = {
        "noises": lambda: noises(options.media),
        "recorded": lambda: recorded(people, options.media),
        "varied": lambda: varied(people, options.media),
    }
    for part in options.part or makers:
        path = options.out / f"{part}.npz"
        if not path.exists():
            pool = build(makers[part]())
            pool.save(path)
            print(f"{path}: {len(pool.people)} items, {pool.bands.shape[0] / 6000:.0f} minutes", flush=True)


if __name__ == "__main__":
    main()
