"""From a stretch to a vector: as the product hears it, and the plain statistics it is held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from bench.likeness.material import Stretch
from bench.sound import Sound
from numpy.typing import NDArray

from rightscan.likeness import Cohort, Encoder, Listener, VoicePrint
from rightscan.likeness.activity import HOP, activity
from rightscan.likeness.features import MelSettings, log_mel
from rightscan.likeness.pieces import Pieces
from rightscan.likeness.prints import direction

Float = NDArray[np.float32]
Embed = Callable[[Sound], Float]

_BANDS = MelSettings(normalisation="none")


def heard(encoder: Encoder, x: Sound) -> VoicePrint:
    """Listen to float32[n] at 44.1 kHz."""
    listener = Listener(encoder)
    listener.add(x[:, None])
    return listener.finish()


def vector(print_: VoicePrint, dimensions: int) -> Float:
    """The common direction of all segments, float32[d]; zeros where no voice was found."""
    rows = print_.embeddings()
    return direction(rows) if len(rows) else np.zeros(dimensions, np.float32)


def statistics(x: Sound) -> Float:
    """Mean and standard deviation over time of log-mel bands where there is voice: float32[128]."""
    pieces = Pieces()
    sound = np.concatenate([*pieces.add(x), pieces.rest()])
    bands = log_mel(sound, _BANDS)
    active = np.flatnonzero(activity(sound).active) + 320 // HOP
    chosen = bands[active[active < len(bands)]] if active.size else bands
    chosen = chosen - chosen.mean()
    return np.concatenate([chosen.mean(axis=0), chosen.std(axis=0)]).astype(np.float32)


class Baseline:
    """Log-mel statistics, each figure brought to the mean and spread of a cohort, scored as embeddings are."""

    def __init__(self, cohort: Sequence[Sound]) -> None:
        rows = np.stack([statistics(x) for x in cohort])
        self._mean, self._width = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-3)
        self.cohort = Cohort(self._scaled(rows))

    def embed(self, x: Sound) -> Float:
        """float32[n] at 44.1 kHz -> float32[128] of unit length."""
        return self._scaled(statistics(x)[None])[0]

    def _scaled(self, rows: Float) -> Float:
        scaled = (rows - self._mean) / self._width
        return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True), np.float32)


def embedded(stretches: Sequence[Stretch], embed: Embed) -> Float:
    """float32[stretches, d]."""
    return np.stack([embed(one.sound) for one in stretches])
