"""What is mixed: voices and backings of clear licence, and music that is synthesised here, each in two halves.

People, tracks and seeds of the half ``held_out`` are never trained on; the report is made on them alone. Music
under the GPL and other licences that do not allow training is in ``held_out`` only, to be measured on.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
from bench.synth import speech_like, stems
from numpy.typing import NDArray

from training.separation.singing import sing

Half = Literal["train", "held_out"]
Samples = NDArray[np.int16]

MUSIC_RATE = 44_100
VOICE_RATE = 16_000
_PIECE_S = 20.0
_LONGEST_S = 120  # of a track, from its middle
_SUNG_S = 6.0

# CC0, CC BY or public domain by the sources' own statement, and instrumental. Left out: a song with words
# ("Lets_Go_Fishin"), "outfoxing" (may hold a voice), and a folder in which one track's licence is unknown.
_TRAIN_MUSIC = (
    "music/mdn_examples/alignment.mp3",
    "music/mdn_examples/okay.mp3",
    "music/mdn_examples/secret.mp3",
    "music/mdn_examples/viper.mp3",
    "music/librosa_data/147793__setuniman__sweet-waltz-0i-22mi.hq.ogg",
    "music/librosa_data/442789__lena-orsa__happy-music-pistachio-ice-cream-ragtime.hq.ogg",
    "music/librosa_data/Hungarian_Dance_number_5_-_Allegro_in_F_sharp_minor_(string_orchestra).hq.ogg",
    "music/librosa_data/Kevin_MacLeod_-_P_I_Tchaikovsky_Dance_of_the_Sugar_Plum_Fairy.hq.ogg",
    "music/librosa_data/Kevin_MacLeod_-_Vibe_Ace.hq.ogg",
    "music/librosa_data/admiralbob77_-_Choice_-_Drum-bass.hq.ogg",
    "music/librosa_data/sorohanro_-_solo-trumpet-06.hq.ogg",
)
# Measured on, never trained on. "nunc_dimittis" is a choir.
_HELD_OUT_MUSIC = ("music/lol373_audionautix_incompetech", "music/shattered_pixel_dungeon", "music/wesnoth")
_NOT_INSTRUMENTAL = ("nunc_dimittis",)
# LibriSpeech alone (CC BY 4.0); its test-other part is held out whole, and every fifth other person.
_VOICES = ("librispeech_test_other", "librispeech_train_clean_1each", "dali_librispeech_237", "librosa_data")
_SINGING = "ai/saebyulgan_korean_svs/real"
_SUFFIXES = (".flac", ".wav", ".ogg", ".opus")
_SYNTH_STYLES = ("pop", "ballad", "gugak", "pop", "classical")
_SYNTH_PIECES = {"train": range(100, 160), "held_out": range(9100, 9115)}
_SUNG_PEOPLE = {"train": 110, "held_out": 48}


@dataclass(frozen=True)
class Voice:
    """A voice alone: int16[n] at ``rate`` Hz; ``kind`` is ``speech``, ``resung``, ``synthesised`` or ``singing``."""

    kind: str
    who: str
    rate: int
    sound: Samples


@dataclass(frozen=True)
class Backing:
    """Music without a voice: int16[n, 2] at 44.1 kHz; ``kind`` is ``recorded`` or ``synthesised``."""

    kind: str
    name: str
    sound: Samples


@dataclass(frozen=True)
class Material:
    """Everything of one half; ``pieces`` are whole sung pieces: name, and voice and backing int16[2, n, 2]."""

    voices: tuple[Voice, ...]
    backings: tuple[Backing, ...]
    pieces: tuple[tuple[str, Samples], ...]


def gather(media: Path, half: Half, cache: Path) -> Material:
    """Read and synthesise the material of a half.

    Args:
        media: folder of real media with ``music/`` and ``voices/``.
        half: ``train`` or ``held_out``.
        cache: folder for what takes long to make.
    """
    speech = tuple(_speech(media, half))
    sung = tuple(_resung(speech, half, cache))
    singing = tuple(_singing(media)) if half == "held_out" else ()
    made_voices, made_backings, pieces = _synthesised(half, cache)
    return Material(speech + sung + made_voices + singing, tuple(_music(media, half)) + made_backings, pieces)


def _speech(media: Path, half: Half) -> Iterator[Voice]:
    for folder in _VOICES:
        for person in sorted(path for path in (media / "voices" / folder).iterdir() if path.name.isdigit()):
            held_out = folder == "librispeech_test_other" or zlib.crc32(person.name.encode()) % 5 == 0
            if held_out != (half == "held_out"):
                continue
            for path in sorted(path for path in person.iterdir() if path.suffix in _SUFFIXES):
                sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
                if rate >= VOICE_RATE and len(sound) >= 2 * rate:
                    yield Voice("speech", person.name, VOICE_RATE, _int16(_at_voice_rate(sound[:, 0], rate)))


def _at_voice_rate(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Opus decodes at 48 kHz what was recorded at 16 kHz."""
    count = round(len(sound) * VOICE_RATE / rate)
    spectrum = np.fft.rfft(sound)[: count // 2 + 1]
    return (np.fft.irfft(spectrum, count) * (count / len(sound))).astype(np.float32)


def _singing(media: Path) -> Iterator[Voice]:
    """Real singing without accompaniment: eight songs by one singer (CC0), too little to train on and measure too."""
    for path in sorted((media / _SINGING).iterdir()):
        sound, rate = soundfile.read(path, dtype="int16", always_2d=True)
        yield Voice("singing", path.stem, rate, sound[:, 0])


def _resung(speech: Sequence[Voice], half: Half, cache: Path) -> Iterator[Voice]:
    people = {voice.who: voice for voice in reversed(speech)}
    for number, (who, voice) in enumerate(sorted(people.items())[: _SUNG_PEOPLE[half]]):
        spoken = voice.sound[: round(_SUNG_S * VOICE_RATE)].astype(np.float64) / 32768
        sound = _cached(
            cache / f"resung-{who}.npy", lambda s=spoken, n=number: _int16(sing(s, VOICE_RATE, seed=n))
        )
        yield Voice("resung", who, VOICE_RATE, sound)


def _music(media: Path, half: Half) -> Iterator[Backing]:
    paths = [media / name for name in _TRAIN_MUSIC]
    if half == "held_out":
        paths = [path for name in _HELD_OUT_MUSIC for path in sorted((media / name).iterdir())]
    for path in paths:
        if path.stem in _NOT_INSTRUMENTAL or path.suffix not in (".ogg", ".mp3"):
            continue
        info = soundfile.info(path)
        start = max(0, info.frames - _LONGEST_S * info.samplerate) // 2
        sound, rate = soundfile.read(path, _LONGEST_S * info.samplerate, start, dtype="int16", always_2d=True)
        if rate == MUSIC_RATE:
            yield Backing(
                "recorded", path.stem, np.repeat(sound, 2, 1)[:, :2] if sound.shape[1] == 1 else sound
            )


def _synthesised(
    half: Half, cache: Path
) -> tuple[tuple[Voice, ...], tuple[Backing, ...], tuple[tuple[str, Samples], ...]]:
    voices: list[Voice] = []
    backings: list[Backing] = []
    pieces: list[tuple[str, Samples]] = []
    for seed in _SYNTH_PIECES[half]:
        style = _SYNTH_STYLES[seed % len(_SYNTH_STYLES)]
        made = _cached(cache / f"piece-{seed}.npy", lambda s=seed, style=style: _piece(s, style))
        if made[0].any():
            voices.append(Voice("synthesised", f"piece {seed}", MUSIC_RATE, made[0, :, 0]))
            pieces.append((f"piece {seed}", made))
        backings.append(Backing("synthesised", f"piece {seed}", made[1]))
        if seed % 6 == 0:
            talk = _cached(cache / f"talk-{seed}.npy", lambda s=seed: _int16(speech_like(s, _PIECE_S)[:, 0]))
            voices.append(Voice("synthesised", f"talk {seed}", MUSIC_RATE, talk))
    return tuple(voices), tuple(backings), tuple(pieces)


def _piece(seed: int, style: str) -> Samples:
    """Voice and backing of a piece made here, int16[2, n, 2]."""
    parts = stems(seed, _PIECE_S, style=style)
    backing = np.sum([part for name, part in parts.items() if name != "vocals"], axis=0)
    return np.stack([_int16(parts.get("vocals", np.zeros_like(backing))), _int16(backing)])


def _int16(sound: NDArray[np.floating]) -> Samples:
    peak = float(np.abs(sound).max(initial=0.0))
    return np.asarray(np.rint(sound * (32000 / max(peak, 1.0))), dtype=np.int16)


def _cached(path: Path, make: Callable[[], Samples]) -> Samples:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.npy")
        np.save(part, make())
        part.rename(path)
    return np.load(path)
