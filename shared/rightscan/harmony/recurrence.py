"""How long two pieces go along the same harmonies: cross recurrence and its longest path.

J. Serra, X. Serra, R. G. Andrzejak, "Cross recurrence quantification for cover song identification", New Journal of
Physics 11 (2009) 093017. Windows of 4.5 s of both are compared; two moments recur where each is among the other's
nearest tenth, so that the number of recurrences is the same for any two pieces and the longest path through them
(which may bend to half or twice the tempo, and bridge short gaps at a price) tells whether their order agrees.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rightscan.harmony.chroma import Profile

Float = NDArray[np.float32]

EMBEDDED = 9
"""Frames of one compared window: 4.5 s at two frames a second."""

_NEAREST = 0.1
_GAP = np.float32(0.5)  # what a step without recurrence costs
_BETWEEN = 2  # empty columns between references, so that no path runs from one into the next
_MOST_COLUMNS = 60_000  # at a time: 480 rows of them take 115 MB


def windows(profile: Profile, rotated: int = 0, embedded: int = EMBEDDED) -> Float:
    """Return the windows of a profile, float32[n, 12 * embedded] of unit length (zero where silent).

    Args:
        profile: uint8[frames, 12].
        rotated: semitones by which it is moved up.
        embedded: frames of one window.
    """
    x = np.roll(profile, rotated, axis=1).astype(np.float32)
    x = _unit(x - x.mean(1, keepdims=True))
    if len(x) < embedded:
        return np.zeros((0, 12 * embedded), np.float32)
    rows = np.lib.stride_tricks.sliding_window_view(x, embedded, axis=0)
    return _unit(rows.reshape(len(rows), -1))


def _unit(x: Float) -> Float:
    size = np.linalg.norm(x, axis=1, keepdims=True)
    out: Float = x / np.maximum(size, np.float32(1e-6))
    return out


def recurrences(query: Float, reference: Float) -> NDArray[np.bool_]:
    """Return which moments of the two recur, bool[query, reference]."""
    likeness = query @ reference.T
    rows, columns = likeness.shape
    by_row = max(1, int(_NEAREST * columns))
    by_column = max(1, int(_NEAREST * rows))
    least_of_row = np.partition(likeness, columns - by_row, axis=1)[:, columns - by_row, None]
    least_of_column = np.partition(likeness, rows - by_column, axis=0)[rows - by_column]
    near: NDArray[np.bool_] = (likeness >= least_of_row) & (likeness >= least_of_column) & (likeness > 0)
    return near


def longest_paths(query: Float, references: Sequence[Float]) -> list[float]:
    """Return the length of the longest path (Qmax, frames, gaps deducted) of a query through each reference.

    The references lie side by side in one matrix and are worked through together, row by row.

    Args:
        query: ``windows`` of it.
        references: ``windows`` of each.
    """
    found: list[float] = []
    batch: list[NDArray[np.bool_]] = []
    columns = 0
    for reference in references:
        heard = len(query) > 0 and len(reference) > 0
        batch.append(recurrences(query, reference) if heard else np.zeros((len(query), 1), np.bool_))
        columns += batch[-1].shape[1] + _BETWEEN
        if columns >= _MOST_COLUMNS:
            found += _walk(batch)
            batch, columns = [], 0
    return found + _walk(batch) if batch else found


def _walk(near: Sequence[NDArray[np.bool_]]) -> list[float]:
    starts = np.cumsum([0, *(part.shape[1] + _BETWEEN for part in near)])
    width = int(starts[-1])
    wide = np.zeros((near[0].shape[0], width), np.bool_)
    for start, part in zip(starts, near, strict=False):
        wide[:, start : start + part.shape[1]] = part
    inside = np.zeros(width, np.float32)
    for start, part in zip(starts, near, strict=False):
        inside[start : start + part.shape[1]] = 1
    # Two columns before the first, for the steps that come from there.
    last = last_but_one = np.zeros(width + 2, np.float32)
    best = np.zeros(width, np.float32)
    for row in wide:
        onwards = np.maximum(np.maximum(last[1:-1], last_but_one[1:-1]), last[:-2])
        here = np.where(row, onwards + 1, np.maximum(onwards - _GAP, 0)) * inside
        np.maximum(best, here, out=best)
        last_but_one, last = last, np.concatenate((np.zeros(2, np.float32), here))
    return [float(part.max(initial=0.0)) for part in np.split(best, starts[1:-1])]
