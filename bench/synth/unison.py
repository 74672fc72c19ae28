"""One melody and nothing else, as anthems are sung and much gugak is played: everybody in unison or octaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from bench.synth.composition import Note, compose
from bench.synth.instruments import make
from bench.synth.performance import PEAK, _at_home, _clock, _Player
from bench.synth.signal import Signal, convolve, room

_BANDS = (
    ("voice_low", "voice_high", "strings"),
    ("haegeum", "daegeum", "gayageum"),
    ("violin", "cello", "flute"),
    ("oboe", "clarinet", "voice_husky"),
)


def unison(
    seed: int, take: int, duration_s: float, *, key: int | None = None, sample_rate: int = 44100
) -> Signal:
    """Play the melody of piece ``seed`` in unison.

    Takes differ in instruments, tempo (up to a quarter), key, timing and room.

    Args:
        seed: which piece.
        take: which performance; 0 or more.
        duration_s: seconds.
        key: MIDI note of the tonic; None leaves it to the take.
        sample_rate: Hz.

    Returns:
        float32 ``[n, 2]``, peak -1 dBFS.

    Raises:
        ValueError: as ``compose``.
    """
    rng = np.random.default_rng([seed, 11, take])
    score = compose(seed, 1.4 * duration_s + 4, "gugak" if seed % 2 else "ballad")
    tempo = 1.0 if take == 0 else float(rng.uniform(0.8, 1.25))
    move = (0 if take == 0 else int(rng.integers(-4, 5))) if key is None else key - score.key
    n = round(duration_s * sample_rate)
    clock = _clock(int(score.sections[-1][0]) + 5 * score.bar + 2, score.bpm * tempo, 0.01, rng)
    melody: tuple[Note, ...] = tuple(replace(x, pitch=x.pitch + move) for x in score.tracks["melody"])
    out = np.zeros(n, np.float32)
    for name in _BANDS[(seed + take) % len(_BANDS)]:
        player = _Player(make(name, sample_rate, rng), clock, sample_rate, n, float(rng.uniform(-0.1, 0.1)))
        sound = player.play(_at_home(melody, name), rng, looseness=0.02, ornaments=0.1, legato=True)
        out += sound / np.float32(max(float(np.abs(sound).max()), 1e-6))
    wet = out + convolve(out, room(sample_rate, rng, t60=1.5))[:n].mean(axis=-1) * np.float32(0.3)
    stereo = np.repeat(wet[:, None], 2, axis=1)
    return stereo * np.float32(PEAK / max(float(np.abs(stereo).max()), 1e-6))
