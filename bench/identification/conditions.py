"""What uploads do to a recording: the 31 conditions of the standing comparison, and the ones beyond them.

A condition turns a stretch of a recording into a query of ten seconds, of which the shorter queries are the
beginning. ``factor`` is how many seconds of the recording one second of the query holds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from bench import sound
from bench.identification.material import Library
from bench.sound import RATE, Sound, fitted, mixed, mono, rms

LONGEST_S = 10
DURATIONS = (2, 3, 5, 10)
SPARE_S = 1.0
"""Cut more than is needed, so that the ends of filters and codecs lie outside the query."""

N = LONGEST_S * RATE

Change = Callable[[Sound, Library, np.random.Generator], Sound]
"""From a stretch float32[n, 2] of the recording (mono files have two equal channels) to a mono query."""


@dataclass(frozen=True)
class Condition:
    """One kind of change.

    Attributes:
        name: in tables.
        family: curves of one family share a panel of the picture.
        change: what is done.
        factor: seconds of the recording in a second of the query.
        needs: what it cannot be made without: ``voices``, ``stereo``, or nothing.
        loop_s: the recording begins again after so many seconds of the query; 0 for never.
        keeps_level: the level is what is tested, so the query is not brought to half of full scale.
    """

    name: str
    family: str
    change: Change
    factor: float = 1.0
    needs: str = ""
    loop_s: float = 0.0
    keeps_level: bool = False


def _simply(change: Callable[[Sound], Sound]) -> Change:
    return lambda x, _library, _rng: change(mono(x))


def _clean() -> Condition:
    return Condition("clean", "codec", _simply(lambda x: x))


def _white(snr: int) -> Condition:
    def change(x: Sound, _: Library, rng: np.random.Generator) -> Sound:
        return mixed(fitted(mono(x), N), rng.standard_normal(N).astype(np.float32), snr)

    return Condition(f"white_{snr:+d}", "white noise", change)


def _ambient(snr: int) -> Condition:
    def change(x: Sound, library: Library, rng: np.random.Generator) -> Sound:
        return mixed(fitted(mono(x), N), library.bed(N, rng), snr)

    return Condition(f"ambient_{snr:+d}", "talk and noise", change, needs="voices")


def _reverb() -> Condition:
    def change(x: Sound, _: Library, rng: np.random.Generator) -> Sound:
        return sound.convolved(mono(x), sound.small_room(rng, float(rng.uniform(0.3, 0.5))))

    return Condition("reverb", "rooms", change)


def _speed(percent: int) -> Condition:
    ratio = 1 + percent / 100
    return Condition(f"speed_{percent:+d}", "speed", _simply(lambda x: sound.faster(x, ratio)), ratio)


def _tempo(percent: int) -> Condition:
    ratio = 1 + percent / 100
    return Condition(
        f"tempo_{percent:+d}", "tempo", _simply(lambda x: sound.stretched(x, tempo=ratio)), ratio
    )


def _pitch(semitones: float) -> Condition:
    return Condition(
        f"pitch_{semitones:+g}", "pitch", _simply(lambda x: sound.stretched(x, semitones=semitones))
    )


def _voiceover() -> Condition:
    def change(x: Sound, library: Library, rng: np.random.Generator) -> Sound:
        return mixed(fitted(mono(x), N), library.talk(N, rng), -6)

    return Condition("voiceover_6", "on top", change, needs="voices")


def _mashup(x: Sound, _library: Library, _rng: np.random.Generator) -> Sound:
    return fitted(sound.levelled(mono(x), 0.1), N)


MASHUP = Condition("mashup", "on top", _mashup)
"""Two recordings at equal level; ``queries`` adds the second one."""

STANDARD: tuple[Condition, ...] = (
    _clean(),
    Condition("mp3_32k", "codec", _simply(lambda x: sound.coded(x, "libmp3lame", "mp3", 32_000))),
    *(_white(snr) for snr in (10, 5, 0, -5)),
    *(_ambient(snr) for snr in (10, 5, 0, -5)),
    Condition("phone", "rooms", _simply(sound.telephone)),
    _reverb(),
    *(_speed(p) for p in (-10, -5, -2, 2, 5, 10)),
    *(_tempo(p) for p in (-20, -10, -5, 5, 10, 20)),
    *(_pitch(s) for s in (-2, -1, 1, 2)),
    Condition("nightcore_125", "speed", _simply(lambda x: sound.faster(x, 1.25)), 1.25),
    _voiceover(),
    MASHUP,
)

OUTSIDE = ("clean", "ambient_+0", "speed_+5", "nonmusic")
"""What is done to sound that is in no catalogue; ``nonmusic`` is speech or a room full of people instead."""


# ---- beyond them ------------------------------------------------------------------------------------------
def _filters(name: str, family: str, *filters: str) -> Condition:
    return Condition(name, family, _simply(lambda x: sound.filtered(x, *filters)))


def _side(x: Sound, _library: Library, _rng: np.random.Generator) -> Sound:
    return np.asarray((x[:, 0] - x[:, 1]) / 2, np.float32)


def _karaoke(x: Sound, _library: Library, _rng: np.random.Generator) -> Sound:
    return sound.without_centre(x)


def _loop(x: Sound, _library: Library, _rng: np.random.Generator) -> Sound:
    return fitted(np.tile(mono(x)[: 4 * RATE], 3), N)


def _loudspeaker(x: Sound, _library: Library, rng: np.random.Generator) -> Sound:
    """A phone held at a small loudspeaker: its band, the room, the microphone's noise, the phone's own gain."""
    small = sound.band_passed(mono(x), 250, 7000, order=2)
    room = sound.convolved(small, sound.small_room(rng, float(rng.uniform(0.4, 0.7)), direct_db=-3))
    noisy = mixed(room, sound.pink(room.size, rng), 15)
    return sound.filtered(noisy, "dynaudnorm=f=200:g=5:m=20")


# The levels of music here lie about -20 dBFS RMS; thresholds are set so that the device always works.
MORE: tuple[Condition, ...] = (
    _clean(),
    Condition("opus_24k", "codec", _simply(lambda x: sound.coded(x, "libopus", "ogg", 24_000, 48_000))),
    Condition("opus_48k", "codec", _simply(lambda x: sound.coded(x, "libopus", "ogg", 48_000, 48_000))),
    Condition("aac_64k", "codec", _simply(lambda x: sound.coded(x, "aac", "mp4", 64_000))),
    _filters("eq_bass", "equaliser", "bass=g=12:f=150"),
    _filters("eq_treble_cut", "equaliser", "lowpass=f=2000:p=2"),
    _filters(
        "eq_smiley", "equaliser", "bass=g=9:f=150", "equalizer=f=1000:t=o:w=2:g=-9", "treble=g=9:f=4000"
    ),
    _filters("compressor", "loudness", "acompressor=threshold=0.03:ratio=8:attack=5:release=100:makeup=4"),
    _filters("limiter", "loudness", "alimiter=level_in=8:limit=0.5:level=0"),
    _filters("agc", "loudness", "dynaudnorm=f=150:g=5:m=30"),
    Condition("quiet_30", "loudness", _simply(lambda x: x * np.float32(10 ** (-30 / 20))), keeps_level=True),
    Condition("inverted", "channels", _simply(lambda x: -x)),
    Condition("side", "channels", _side, needs="stereo"),
    Condition("karaoke", "channels", _karaoke, needs="stereo"),
    Condition("stem_harmonic", "a part alone", _simply(lambda x: sound.stem(x, "harmonic"))),
    Condition("stem_percussive", "a part alone", _simply(lambda x: sound.stem(x, "percussive"))),
    Condition("loop_4s", "a part alone", _loop, loop_s=4.0),
    Condition("loudspeaker", "rooms", _loudspeaker),
    *(_speed(p) for p in (-7, -3, 3, 7)),
    *(_pitch(s) for s in (-1.5, -0.5, 0.5, 1.5)),
)

BY_NAME = {c.name: c for c in (*STANDARD, *MORE)}


def query_level(y: Sound) -> float:
    """Return the gain of a query: peak at 0.5, a quiet one not made louder than 1.8 times."""
    return min(0.5 / max(float(np.abs(y).max(initial=0)), 1e-6), 1.8)


def usable(condition: Condition, *, voices: bool) -> bool:
    """Whether a condition can be made with the material there is."""
    return condition.needs != "voices" or voices


def audible(x: Sound) -> bool:
    """Whether the difference of the channels holds anything: under -55 dB below their sum it is a mono file."""
    return rms(x[:, 0] - x[:, 1]) > rms(x[:, 0] + x[:, 1]) * 10 ** (-55 / 20)
