"""Which of the twelve pitch classes sound, twice a second, in the tuning of the sound itself.

Peaks of the spectrum are folded into one octave (harmonic pitch class profile: E. Gomez, PhD thesis, Universitat
Pompeu Fabra 2006). Fine bins are kept until the end, when the mean deviation of all peaks from equal temperament
tells the tuning: a string orchestra at 443 Hz and a piano at 440 then give the same profile.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan import npz
from rightscan.harmony.parameters import FRAMES_PER_SECOND, PARAMETERS, PIPELINE, SAMPLE_RATE

P = PARAMETERS
Profile = NDArray[np.uint8]

_BATCH = 64  # spectra at a time: 4 MB
_BINS = 12 * P.fine
_LOW = int(P.lowest_hz * P.window / SAMPLE_RATE)
_HIGH = int(P.highest_hz * P.window / SAMPLE_RATE)
_AUDIBLE = 3e-2  # of a spectrum's highest peak
_FORM = "form"


@dataclass(frozen=True, eq=False)
class Harmony:
    """The pitch classes of one file.

    Attributes:
        profile: uint8[frames, 12], pitch class 0 is A in the tuning of the file; the strongest of a frame has 255,
            a silent frame has zeros.
        tuning: semitones by which the file lies above 440 Hz, -0.5 to 0.5.
    """

    profile: Profile
    tuning: float

    @property
    def seconds(self) -> float:
        """Length, s."""
        return len(self.profile) / FRAMES_PER_SECOND

    def between(self, start_s: float, end_s: float) -> Harmony:
        """The part of a file; times in s."""
        first, last = (max(round(t * FRAMES_PER_SECOND), 0) for t in (start_s, end_s))
        return Harmony(self.profile[first:last], self.tuning)

    def to_arrays(self) -> npz.Arrays:
        """What ``from_arrays`` reads."""
        return {
            _FORM: np.frombuffer(PIPELINE.encode(), np.uint8),
            "profile": self.profile,
            "tuning": np.array([self.tuning], np.float32),
        }

    @classmethod
    def from_arrays(cls, arrays: npz.Arrays) -> Harmony | None:
        """Read it; None where another pipeline wrote it, which cannot be compared.

        Raises:
            PermanentError: ``corrupt_features``.
        """
        try:
            form = arrays[_FORM].tobytes().decode("ascii", "replace")
            profile, tuning = arrays["profile"], float(arrays["tuning"][0])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise npz.corrupt("the harmony lacks a part") from error
        if form != PIPELINE:
            return None
        if profile.ndim != 2 or profile.shape[1] != 12 or profile.dtype != np.uint8:
            raise npz.corrupt("the harmony has another form")
        return cls(profile.astype(np.uint8, copy=False), tuning)


class Listener:
    """Takes the sound block by block."""

    def __init__(self) -> None:
        self._rest = np.zeros(P.window // 2, np.float32)  # the first spectrum is centred on the beginning
        self._fine: list[NDArray[np.float32]] = []
        self._level: list[NDArray[np.float32]] = []
        self._deviation = 0j

    def add(self, block: NDArray[np.float32]) -> None:
        """Hear the next samples.

        Args:
            block: float32[n], mono, 11,025 Hz.
        """
        self._rest = np.concatenate((self._rest, block.reshape(-1)))
        while len(self._rest) >= P.window + (_BATCH - 1) * P.hop:
            self._take(_BATCH)

    def through(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Hear blocks on their way to somebody else."""
        for block in blocks:
            self.add(block)
            yield block

    def finish(self) -> Harmony:
        """Say what was heard."""
        self._rest = np.concatenate((self._rest, np.zeros(P.window // 2, np.float32)))
        left = (len(self._rest) - P.window) // P.hop + 1
        if left > 0:
            self._take(left)
        if not self._fine:
            return Harmony(np.zeros((0, 12), np.uint8), 0.0)
        tuning = float(np.angle(self._deviation) / (2 * np.pi)) if self._deviation else 0.0
        fine, level = np.concatenate(self._fine), np.concatenate(self._level)
        whole = len(fine) - len(fine) % P.pooled
        if whole == 0:
            return Harmony(np.zeros((0, 12), np.uint8), tuning)
        pooled = fine[:whole].reshape(-1, P.pooled, _BINS).sum(1)
        loud = level[:whole].reshape(-1, P.pooled).max(1)
        return Harmony(_folded(pooled, loud, tuning), tuning)

    def _take(self, count: int) -> None:
        rows = np.lib.stride_tricks.sliding_window_view(self._rest, P.window)[:: P.hop][:count]
        fine, deviation = _peaks(rows)
        self._fine.append(fine)
        self._level.append(np.sqrt(np.square(rows).mean(1)))
        self._deviation += deviation
        self._rest = self._rest[count * P.hop :].copy()


_HANN = np.hanning(P.window).astype(np.float32)


def _peaks(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], complex]:
    """Return the peaks of each spectrum by fine pitch class, and their summed deviation from semitones."""
    spectrum = np.abs(np.fft.rfft(rows * _HANN, axis=1)[:, _LOW - 1 : _HIGH + 2]).astype(np.float32)
    here, before, after = spectrum[:, 1:-1], spectrum[:, :-2], spectrum[:, 2:]
    high = here.max(1, keepdims=True)
    row, column = np.nonzero((here > before) & (here >= after) & (here > _AUDIBLE * high))
    if row.size == 0:
        return np.zeros((len(rows), _BINS), np.float32), 0j
    low, mid, top = (np.log(part[row, column] + 1e-12) for part in (before, here, after))
    shift = 0.5 * (low - top) / np.minimum(low - 2 * mid + top, -1e-6)
    hertz = (column + _LOW + np.clip(shift, -0.5, 0.5)) * (SAMPLE_RATE / P.window)
    pitch = 12 * np.log2(hertz / 440.0)
    weight = np.sqrt(here[row, column] / high[row, 0])
    at = row * _BINS + np.round(pitch * P.fine).astype(np.int64) % _BINS
    fine = np.bincount(at, weight, len(rows) * _BINS).reshape(len(rows), _BINS)
    return fine.astype(np.float32), complex((weight * np.exp(2j * np.pi * pitch)).sum())


def _folded(fine: NDArray[np.float32], loud: NDArray[np.float32], tuning: float) -> Profile:
    """Sum fine bins around each semitone of the tuning, and scale each frame to bytes."""
    offset = (np.arange(_BINS) / P.fine - tuning)[:, None] - np.arange(12)[None, :]
    away = np.abs((offset + 6) % 12 - 6)
    kernel = (np.cos(np.pi * np.minimum(away, 0.5)) ** 2).astype(np.float32)
    folded = fine @ kernel
    sounding = loud > loud.max() * 10 ** (P.floor_db / 20)
    highest = folded.max(1)
    scale = np.where(sounding & (highest > 0), 255 / np.maximum(highest, 1e-9), 0)
    return np.round(folded * scale[:, None]).astype(np.uint8)


def harmony_of(samples: NDArray[np.float32]) -> Harmony:
    """The harmony of sound at hand: float32[n], mono, 11,025 Hz."""
    listener = Listener()
    listener.add(np.asarray(samples, np.float32))
    return listener.finish()
