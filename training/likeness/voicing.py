"""A voice varied within what one person does, and beyond it to make people who do not exist (WORLD; Morise 2016)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyworld
from numpy.typing import NDArray

from training.separation.singing import melody

_FRAME_MS = 5.0
_SCALED_PITCH = (0.8, 2.2)
"""Longer vocal tracts go with lower voices: pitch moves by the formants' factor to a power drawn from here."""

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Voice:
    """What WORLD finds in a recording: float64 arrays of 5 ms frames."""

    sample_rate: int
    pitch: NDArray[np.float64]
    envelope: NDArray[np.float64]
    aperiodicity: NDArray[np.float64]

    @classmethod
    def of(cls, sound: Sound, sample_rate: int) -> Voice:
        """Take a recording apart: float32[n]."""
        wide = sound.astype(np.float64)
        rough, times = pyworld.dio(wide, sample_rate, frame_period=_FRAME_MS)
        pitch = pyworld.stonemask(wide, rough, times, sample_rate)
        return cls(
            sample_rate,
            pitch,
            pyworld.cheaptrick(wide, pitch, times, sample_rate),
            pyworld.d4c(wide, pitch, times, sample_rate),
        )

    def repitched(self, semitones: float, formants: float = 1.0) -> Sound:
        """Speak at another pitch; ``formants`` other than 1 moves the resonances too: another person."""
        return self._made(
            self.pitch * 2 ** (semitones / 12), _warped(self.envelope, formants), self.aperiodicity
        )

    def somebody(self, rng: np.random.Generator, formants: float) -> Sound:
        """Somebody else who says the same: formants and pitch scaled, in proportions no recording changes by."""
        semitones = 12 * np.log2(formants) * rng.uniform(*_SCALED_PITCH) + rng.uniform(-1.0, 1.0)
        return self.repitched(float(semitones), formants)

    def sung(self, rng: np.random.Generator) -> Sound:
        """Something like the same person singing: vowels held on the notes of a scale."""
        voiced = self.pitch > 0
        pace = np.where(voiced, rng.uniform(1.5, 2.5), 1.0)
        ends = np.cumsum(pace)
        rows = np.clip(np.searchsorted(ends, np.arange(int(ends[-1]))), 0, len(self.pitch) - 1)
        tune = melody(self.pitch[rows], voiced[rows], rng)
        aperiodicity = np.where(tune[:, None] > 0, self.aperiodicity[rows] * 0.7, self.aperiodicity[rows])
        return self._made(tune, self.envelope[rows], aperiodicity)

    def _made(
        self,
        pitch: NDArray[np.float64],
        envelope: NDArray[np.float64],
        aperiodicity: NDArray[np.float64],
    ) -> Sound:
        sound = pyworld.synthesize(
            np.ascontiguousarray(pitch),
            np.ascontiguousarray(envelope),
            np.ascontiguousarray(aperiodicity),
            self.sample_rate,
            _FRAME_MS,
        )
        return np.asarray(sound, np.float32)


def _warped(envelope: NDArray[np.float64], formants: float) -> NDArray[np.float64]:
    if formants == 1.0:
        return envelope
    bins = envelope.shape[1]
    where = np.minimum(np.arange(bins) / formants, bins - 1)
    low = where.astype(np.int64)
    high, part = np.minimum(low + 1, bins - 1), where - low
    return np.asarray(envelope[:, low] * (1 - part) + envelope[:, high] * part)
