"""What happens to a voice before it is asked about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench import sound
from bench.likeness.material import backings
from bench.seeds import rng_for
from bench.sound import Sound


@dataclass(frozen=True)
class Wear:
    """One condition: its word in tables, and what is done to float32[n] at 44.1 kHz with the seed of a stretch."""

    name: str
    words: str
    change: Callable[[Sound, int], Sound]


def wears(media: Path) -> list[Wear]:
    """All conditions; over a backing only where there is music."""
    music = list(backings(media))

    def over(x: Sound, seed: int) -> Sound:
        track = music[seed % len(music)]
        rng = rng_for(seed, "backing")
        start = int(rng.integers(max(track.size - x.size, 0) + 1))
        return sound.mixed(x, sound.fitted(track[start:], x.size), 6.0)

    found = [
        Wear("mp3_64", "MP3, 64 kbit/s", lambda x, _seed: sound.coded(x, "libmp3lame", "mp3", 64_000)),
        Wear("noise_20", "white noise, 20 dB under the voice", _noisy),
        Wear("phone", "telephone band, 300 to 3400 Hz", lambda x, _seed: sound.band_passed(x, 300.0, 3400.0)),
    ]
    if music:
        found.append(Wear("backing_6", "music 6 dB under the voice", over))
    return found


def _noisy(x: Sound, seed: int) -> Sound:
    rng = rng_for(seed, "noise")
    return sound.mixed(x, rng.standard_normal(x.size).astype(np.float32), 20.0)
