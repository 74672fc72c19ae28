"""How well a separator does on people and music it never met, through the code that will run it.

Improvement is that of the scale-invariant signal-to-distortion ratio over the mix (dB). Intervals are percentiles of
2,000 draws of backing tracks with their mixes (of pieces made here where those are the backing): mixes over one
track are no independent trials.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from rightscan.models import Model
from rightscan.separation import VocalShare, separate_whole
from training.separation.material import MUSIC_RATE, Backing, Material, Voice
from training.separation.mixing import Sound, at_music_rate, at_ratio, in_room, placed

_LENGTH_S = 10.0
_KINDS = {
    "speech": "read speech",
    "resung": "speech resynthesised on notes (WORLD), no real singing",
    "synthesised": "singing and talk synthesised by this repository",
    "singing": "real solo singing, eight songs by one singer",
}
_RATIOS_DB = (0.0, 6.0, -6.0)
_SONGS = "music/ultrastar"


@dataclass(frozen=True)
class Mix:
    """One mix of the report: both parts float32[n, 2] at 44.1 kHz."""

    track: str
    voice: Sound
    backing: Sound


def error_table(model: Model, material: Material, media: Path, n: int, seed: int) -> list[dict[str, Any]]:
    """The rows of the card.

    Args:
        model: to be measured.
        material: the half that is held out.
        media: real media; songs in it show what real singing does.
        n: mixes for each condition.
        seed: draws them.
    """
    rows = []
    for voices, words in _KINDS.items():
        for ratio in _RATIOS_DB:
            mixes = _mixes(material, voices, "recorded", ratio, n, seed)
            rows.append(_row(model, f"{words}, voice {ratio:+.0f} dB", "recorded music", mixes))
        mixes = _mono(_mixes(material, voices, "recorded", 0.0, n, seed))
        rows.append(_row(model, f"{words}, voice +0 dB, mono", "recorded music", mixes))
    mixes = _mixes(material, "speech", "synthesised", 0.0, n, seed)
    rows.append(
        _row(model, f"{_KINDS['speech']}, voice +0 dB", "music synthesised by this repository", mixes)
    )
    rows.append(
        _row(
            model,
            "sung pieces as they were played",
            "pieces synthesised by this repository",
            _pieces(material),
        )
    )
    alone = [mix.voice for mix in _mixes(material, "speech", "recorded", 0.0, n, seed)]
    music = [_cut(one.sound, 0.4) for one in material.backings if one.kind == "recorded"]
    songs = [_cut(sound, at) for sound in _songs(media) for at in (0.3, 0.4, 0.5, 0.6)]
    rows.append(_share_row(model, "voice alone: share of the voice", "read speech", alone))
    rows.append(_share_row(model, "no voice: share of the voice", "recorded music", music))
    rows.append(_share_row(model, "songs with real singing: share of the voice", "recorded songs", songs))
    return rows


def cost(model: Model, seconds: float = 60.0) -> float:
    """Processor seconds for a minute of stereo sound at 44.1 kHz, the model being loaded."""
    sound = np.random.default_rng(1).standard_normal((round(seconds * MUSIC_RATE), 2)).astype(np.float32) / 10
    separate_whole(sound[:MUSIC_RATE], model, MUSIC_RATE)
    began = time.process_time()
    separate_whole(sound, model, MUSIC_RATE)
    return (time.process_time() - began) * 60 / seconds


def _mixes(
    material: Material, voices: str, backings: str, ratio_db: float, n: int, seed: int
) -> Iterator[Mix]:
    """Draw mixes: every track and person in turn."""
    rng = np.random.default_rng([seed, 42])
    count = round(_LENGTH_S * MUSIC_RATE)
    people = [v for v in material.voices if v.kind == voices]
    tracks = [b for b in material.backings if b.kind == backings]
    people = [people[i] for i in rng.permutation(len(people))]
    for number in range(n):
        voice = placed(in_room(_said(people, number, count), rng), rng)
        track: Backing = tracks[number % len(tracks)]
        start = int(rng.integers(max(1, len(track.sound) - count)))
        piece = np.resize(track.sound[start : start + count].astype(np.float32) / 32768, (count, 2))
        voice, piece = at_ratio(voice, piece, ratio_db)
        gain = np.float32(0.7 / max(float(np.abs(voice + piece).max()), 1e-6))
        yield Mix(track.name, voice * gain, piece * gain)


def _mono(mixes: Iterator[Mix]) -> Iterator[Mix]:
    """Without a stereo picture, which many uploads do not have, and at the level that is left."""
    for mix in mixes:
        voice, backing = (np.repeat(x.mean(1, keepdims=True), 2, 1) for x in (mix.voice, mix.backing))
        yield Mix(mix.track, *at_ratio(voice, backing, 0.0))


def _pieces(material: Material) -> Iterator[Mix]:
    """Whole pieces: voice and backing at the levels and in the hall that they were played in."""
    for name, sound in material.pieces:
        voice, backing = sound.astype(np.float32) / 32768
        yield Mix(name, voice, backing)


def _said(people: list[Voice], number: int, count: int) -> Sound:
    """Ten seconds of one person, from several utterances where one is short: float32[count]."""
    who = people[number % len(people)]
    own = [v for v in people if v.who == who.who]
    parts = [at_music_rate(v.sound, v.rate) for v in own]
    return np.resize(np.concatenate(parts), count)


def _row(model: Model, condition: str, generator: str, mixes: Iterator[Mix]) -> dict[str, Any]:
    gains: dict[str, list[tuple[float, float]]] = {}
    for mix in mixes:
        whole = mix.voice + mix.backing
        stems = separate_whole(whole, model, MUSIC_RATE)
        gain = (
            si_sdr(stems.vocal, mix.voice) - si_sdr(whole, mix.voice),
            si_sdr(stems.instrumental, mix.backing) - si_sdr(whole, mix.backing),
        )
        gains.setdefault(mix.track, []).append(gain)
    every = np.array([gain for track in gains.values() for gain in track])
    low, high = _interval(gains)
    row: dict[str, Any] = {
        "condition": condition,
        "generator": generator,
        "n": len(every),
        "tracks": len(gains),
    }
    for i, part in enumerate(("vocal", "instrumental")):
        row[f"improvement_{part}_db"] = round(float(every[:, i].mean()), 2)
        row[f"improvement_{part}_db_95"] = [round(float(low[i]), 2), round(float(high[i]), 2)]
        row[f"worst_tenth_{part}_db"] = round(float(np.percentile(every[:, i], 10)), 2)
    return row


def _share_row(model: Model, condition: str, generator: str, sounds: list[Sound]) -> dict[str, Any]:
    shares = []
    for sound in sounds:
        meter = VocalShare(MUSIC_RATE)
        meter.add(separate_whole(sound, model, MUSIC_RATE))
        shares.append(meter.whole_db)
    row: dict[str, Any] = {"condition": condition, "generator": generator, "n": len(shares)}
    row |= {"improvement_vocal_db": None, "improvement_instrumental_db": None}
    known = np.array(shares)[np.isfinite(shares)]
    for name, percent in (("median", 50), ("lowest_tenth", 10), ("highest_tenth", 90)):
        row[f"share_{name}_db"] = round(float(np.percentile(known, percent)), 1) if known.size else None
    return row


def si_sdr(estimate: Sound, truth: Sound) -> float:
    """Scale-invariant signal-to-distortion ratio, dB, over both channels at once."""
    a, b = estimate.ravel().astype(np.float64), truth.ravel().astype(np.float64)
    scaled = b * (np.dot(a, b) / max(np.dot(b, b), 1e-12))
    return float(10 * np.log10((np.sum(scaled**2) + 1e-12) / (np.sum((a - scaled) ** 2) + 1e-12)))


def _interval(gains: dict[str, list[tuple[float, float]]]) -> NDArray[np.float64]:
    rng = np.random.default_rng(43)
    tracks = [np.array(gain) for gain in gains.values()]
    means = [
        np.concatenate([tracks[i] for i in rng.integers(len(tracks), size=len(tracks))]).mean(0)
        for _ in range(2000)
    ]
    return np.percentile(means, [2.5, 97.5], axis=0)


def _songs(media: Path) -> Iterator[NDArray[np.int16]]:
    for path in sorted((media / _SONGS).iterdir()):
        if path.suffix in (".mp3", ".ogg"):
            sound, rate = soundfile.read(path, 120 * MUSIC_RATE, dtype="int16", always_2d=True)
            if rate == MUSIC_RATE and sound.shape[1] == 2:
                yield sound


def _cut(sound: NDArray[np.int16], at: float) -> Sound:
    count = round(_LENGTH_S * MUSIC_RATE)
    start = int(at * max(0, len(sound) - count))
    return sound[start : start + count].astype(np.float32) / 32768
