"""Log-mel bands in numpy: what most speaker encoders take, with the parameters that tell them apart.

The bands follow librosa (its ``melspectrogram`` is what the tests compare to); the settings cover encoders of the
GE2E family (Wan et al. 2018: 40 bands, linear power) and of the ECAPA family (Desplanques et al. 2020: 80 bands,
decibels, mean taken out over time).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from rightscan.errors import PermanentError

Float = NDArray[np.float32]

SCALES = ("ln", "db", "linear")
MEL_FORMULAS = ("slaney", "htk")
WINDOWS = ("hann", "hamming")
NORMALISATIONS = ("none", "mean", "mean_variance")

_CHUNK = 4096
"""Frames transformed at a time: 17 MB of spectrum, whatever the length of the sound."""


@dataclass(frozen=True)
class MelSettings:
    """How log-mel bands are taken.

    Attributes:
        sample_rate: Hz.
        size: of the transform, samples.
        window: length of the window, samples, at most ``size``; it lies in the middle of the transform.
        hop: samples between frames.
        bands: how many.
        low_hz: where the first band begins.
        high_hz: where the last ends.
        power: 2 for power, 1 for magnitude.
        formula: ``slaney`` or ``htk``.
        area_norm: bands of unit area (Slaney) instead of unit height.
        scale: ``ln``, ``db`` or ``linear``.
        floor: least value before the logarithm.
        centred: frames lie around multiples of the hop, with zeros outside; else they begin there.
        shape: ``hann`` or ``hamming``, periodic.
        normalisation: over the frames of a window: ``none``, ``mean`` or ``mean_variance``, band by band.
    """

    sample_rate: int = 16_000
    size: int = 512
    window: int = 400
    hop: int = 160
    bands: int = 64
    low_hz: float = 40.0
    high_hz: float = 7_600.0
    power: float = 2.0
    formula: str = "slaney"
    area_norm: bool = True
    scale: str = "ln"
    floor: float = 1e-8
    centred: bool = True
    shape: str = "hann"
    normalisation: str = "mean"

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> MelSettings:
        """Read the settings of a card.

        Raises:
            PermanentError: ``bad_model_card`` for a name that is unknown or a value that cannot be.
        """
        known = cls.__dataclass_fields__
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise _flaw(f"unknown feature setting {', '.join(unknown)}")
        try:
            settings = cls(**given)
            settings.check()
        except TypeError as error:
            raise _flaw("a feature setting is of another type") from error
        return settings

    def check(self) -> None:
        """Hold every value against what it may be.

        Raises:
            PermanentError: ``bad_model_card``.
        """
        choices = (
            (self.scale, SCALES),
            (self.formula, MEL_FORMULAS),
            (self.shape, WINDOWS),
            (self.normalisation, NORMALISATIONS),
        )
        for value, allowed in choices:
            if value not in allowed:
                raise _flaw(f"{value!r} is not one of {', '.join(allowed)}")
        sizes_fit = self.hop > 0 and 0 < self.window <= self.size and 0 < self.bands <= self.size // 2
        if not sizes_fit:
            raise _flaw("hop, window, size and bands do not fit each other")
        if not 0 <= self.low_hz < self.high_hz <= self.sample_rate / 2:
            raise _flaw("low_hz and high_hz must lie in order under half the sample rate")
        if self.floor <= 0 or self.power not in (1.0, 2.0):
            raise _flaw("floor must be positive and power 1 or 2")


def log_mel(sound: Float, settings: MelSettings) -> Float:
    """Mel bands of a sound, before the normalisation of windows.

    Args:
        sound: float32[n] at the settings' rate, full scale 1.
        settings: which bands.

    Returns:
        float32[frames, bands]; no frame where the sound is shorter than half a transform (centred) or than one.
    """
    half = settings.size // 2
    padded = np.pad(sound, half) if settings.centred else sound
    if padded.size < settings.size or (settings.centred and sound.size < half):
        return np.zeros((0, settings.bands), np.float32)
    frames = sliding_window_view(padded, settings.size)[:: settings.hop]
    shape, filters = _shape(settings), _filters(settings)
    out = np.empty((frames.shape[0], settings.bands), np.float32)
    for start in range(0, frames.shape[0], _CHUNK):
        magnitude = np.abs(np.fft.rfft(frames[start : start + _CHUNK] * shape, axis=1)).astype(np.float32)
        power = magnitude if settings.power == 1.0 else magnitude**2
        out[start : start + _CHUNK] = _scaled(power @ filters.T, settings)
    return out


def normalised(bands: Float, settings: MelSettings) -> Float:
    """Normalise one window: float32[frames, bands] -> the same shape."""
    if settings.normalisation == "none":
        return bands
    centred = bands - bands.mean(axis=0, keepdims=True)
    if settings.normalisation == "mean":
        return np.asarray(centred, np.float32)
    return np.asarray(centred / np.maximum(bands.std(axis=0, keepdims=True), 1e-5), np.float32)


def _scaled(power: Float, settings: MelSettings) -> Float:
    if settings.scale == "linear":
        return power
    floored = np.maximum(power, np.float32(settings.floor))
    if settings.scale == "ln":
        return np.asarray(np.log(floored), np.float32)
    return np.asarray((20.0 / settings.power) * np.log10(floored), np.float32)


@lru_cache(maxsize=8)
def _shape(settings: MelSettings) -> Float:
    turn = 2 * np.pi * np.arange(settings.window) / settings.window
    middle = 0.5 if settings.shape == "hann" else 0.54
    shape = np.zeros(settings.size, np.float32)
    start = (settings.size - settings.window) // 2
    shape[start : start + settings.window] = middle - (1 - middle) * np.cos(turn)
    return shape


@lru_cache(maxsize=8)
def _filters(settings: MelSettings) -> Float:
    """Triangles float32[bands, size // 2 + 1]."""
    to_mel, to_hertz = (_htk, _htk_hertz) if settings.formula == "htk" else (_slaney, _slaney_hertz)
    ends = to_mel(np.array([settings.low_hz, settings.high_hz]))
    edges = to_hertz(np.linspace(ends[0], ends[1], settings.bands + 2))
    hertz = np.arange(settings.size // 2 + 1) * settings.sample_rate / settings.size
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle)).clip(0)
    if settings.area_norm:
        triangles = triangles * (2.0 / (right - left))
    return np.asarray(triangles, np.float32)


def _htk(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(2595.0 * np.log10(1.0 + hertz / 700.0))


def _htk_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(700.0 * (10.0 ** (mel / 2595.0) - 1.0))


# Slaney's Auditory Toolbox: straight to 1 kHz (15 mel), above it 27 mel for a factor of 6.4.
_STRAIGHT, _CORNER_HZ, _CORNER_MEL = 200.0 / 3.0, 1_000.0, 15.0
_STEP = np.log(6.4) / 27.0


def _slaney(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    bent = _CORNER_MEL + np.log(np.maximum(hertz, 1e-9) / _CORNER_HZ) / _STEP
    return np.where(hertz < _CORNER_HZ, hertz / _STRAIGHT, bent)


def _slaney_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    bent = _CORNER_HZ * np.exp(_STEP * (mel - _CORNER_MEL))
    return np.where(mel < _CORNER_MEL, mel * _STRAIGHT, bent)


def _flaw(what: str) -> PermanentError:
    return PermanentError(
        "bad_model_card",
        f"features: {what}",
        "Correct the card after docs/likeness.md, or take the model out.",
    )
