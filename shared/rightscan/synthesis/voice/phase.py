"""Second differences of phase: in a voice they follow its harmonics, in a resynthesis the method that made them.

Everything is computed from unit phasors and their products, so no phase is ever unwrapped, and a change of
level, polarity or whole-sample delay leaves every value as it is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.voice.sound import BANDS, BIN_HZ, BINS, EDGES_HZ, Complex, Float, Frames

CLASSES = ("voiced_loud", "voiced_quiet", "unvoiced")
KINDS = ("time", "time2", "frequency", "both")
_SIGNED = ("frequency", "both")  # the sine part of the others tells where the pitch went, not who made it
_FEWEST = 40  # frame-bins that a mean is taken over
_LOCAL = 5  # half width, bins, of the mean that a bin is loud or quiet against

BAND_STARTS: NDArray[np.int64] = np.ceil(np.array(EDGES_HZ) / BIN_HZ).astype(np.int64)


def _names() -> tuple[str, ...]:
    names = []
    for kind in KINDS:
        for group in CLASSES:
            for part in ("cos", "cos2") + (("sin",) if kind in _SIGNED else ()):
                names += [f"phase_{kind}_{group}_{part}_{band}" for band in range(BANDS)]
    return tuple(names)


NAMES = _names()


def band_sums(per_bin: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum float64[bins ≥ the last edge] over the bands: float64[BANDS]."""
    sums: NDArray[np.float64] = np.add.reduceat(per_bin[: BAND_STARTS[-1]], BAND_STARTS[:-1])
    return sums


def local_level(log_magnitude: Float) -> Float:
    """Return log magnitude float32[t, BINS] minus its mean over ±5 bins: what stands out and what lies low."""
    width = 2 * _LOCAL + 1
    padded = np.pad(log_magnitude, ((0, 0), (_LOCAL + 1, _LOCAL)), mode="edge")
    total = np.cumsum(padded, axis=1, dtype=np.float64)
    mean = (total[:, width:] - total[:, :-width]) / width
    return (log_magnitude - mean).astype(np.float32)


def phase_values(frames: Frames, local: Float) -> Float:
    """Return float32[len(NAMES)]; NaN where a group has too few frame-bins.

    Args:
        frames: one window.
        local: float32[t, BINS], see ``local_level``.
    """
    magnitude = np.abs(frames.spectrum)
    unit: Complex = (frames.spectrum / np.maximum(magnitude, np.float32(1e-12))).astype(
        np.complex64, copy=False
    )
    loud = local > 0
    groups = [
        frames.voiced[:, None] & loud,
        frames.voiced[:, None] & ~loud,
        np.broadcast_to((frames.active & ~frames.voiced)[:, None], loud.shape),
    ]
    weights = [group.astype(np.float32) for group in groups]
    values = []
    for kind in KINDS:
        turn, rows = _turn(unit, kind)
        parts = [turn.real, 2 * turn.real**2 - 1] + ([turn.imag] if kind in _SIGNED else [])
        for weight in weights:
            values += _means(parts, weight[rows])
    return np.concatenate(values).astype(np.float32)


def _turn(unit: Complex, kind: str) -> tuple[Complex, slice]:
    """Return the phasors of a second difference, complex64[t', BINS - 1], and the rows they belong to."""
    if kind in ("time", "time2"):
        step = 1 if kind == "time" else 2
        if unit.shape[0] <= 2 * step:
            return unit[:0, 1:], slice(0, 0)
        middle = np.conj(unit[step:-step])
        return (unit[2 * step :] * middle * middle * unit[: -2 * step])[:, 1:], slice(step, -step)
    across = unit[:, 1:] * np.conj(unit[:, :-1])
    if kind == "frequency":
        turn = np.zeros_like(across)
        turn[:, 1:] = across[:, 1:] * np.conj(across[:, :-1])
        return turn, slice(None)
    return across[1:] * np.conj(across[:-1]), slice(1, None)


def _means(parts: list[Float], weight: Float) -> list[NDArray[np.float64]]:
    """Return the mean of each part over the weighted frame-bins of each band."""
    kept = weight[:, : BINS - 1]
    count = band_sums(kept.sum(axis=0, dtype=np.float64))
    with np.errstate(invalid="ignore", divide="ignore"):
        return [
            np.where(
                count >= _FEWEST,
                band_sums(np.einsum("tf,tf->f", part, kept).astype(np.float64)) / count,
                np.nan,
            )
            for part in parts
        ]
