"""Speaking or singing: how much of the voice lies on held notes.

In song a pitch is held for a quarter of a second and more, vibrato aside; in speech it glides. Voices change so much
between the two that templates are kept for each, and speech says little about song.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SPEAKING, SINGING = "speaking", "singing"
REGISTERS = (SPEAKING, SINGING)

_HELD_FRAMES = 30
"""0.3 s."""
_HELD_SEMITONES = 0.75
"""Half the width in which nine tenths of a held note lie; vibrato is about 0.5 either way."""
SUNG_SHARE = 0.30
"""Of the voiced frames on held notes, from which a stretch is sung: read speech of the tune half lies under, the eight
solo songs of the media over it (docs/likeness.md)."""


def held_share(pitch_hz: NDArray[np.float32]) -> float:
    """The share of voiced frames that lie on held notes.

    Args:
        pitch_hz: float32[t], frames of 10 ms, 0 where there is no voice.

    Returns:
        0 to 1; 0 where nothing is voiced.
    """
    voiced = pitch_hz > 0
    total = int(voiced.sum())
    if total < _HELD_FRAMES:
        return 0.0
    note = 12 * np.log2(np.where(voiced, pitch_hz, 1.0))
    held = np.zeros(pitch_hz.size, bool)
    windows = np.lib.stride_tricks.sliding_window_view(note, _HELD_FRAMES)
    whole = np.lib.stride_tricks.sliding_window_view(voiced, _HELD_FRAMES).mean(axis=1) > 0.95
    low, high = np.quantile(windows, (0.05, 0.95), axis=1)
    for start in np.flatnonzero(whole & (high - low < 2 * _HELD_SEMITONES)):
        held[start : start + _HELD_FRAMES] = True
    return float((held & voiced).sum() / total)


def register_of(pitch_hz: NDArray[np.float32]) -> str:
    """``singing`` or ``speaking``; arguments as for ``held_share``."""
    return SINGING if held_share(pitch_hz) >= SUNG_SHARE else SPEAKING
