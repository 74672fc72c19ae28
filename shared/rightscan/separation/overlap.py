"""Long sound in pieces: each piece is worked on alone, and their overlaps are faded into each other.

Pieces begin at multiples of ``chunk - overlap`` samples from the beginning of the sound, so the result does not
depend on how the sound came in blocks. Over an overlap the earlier piece falls along half a cosine and the later one
rises along the rest; together they weigh 1 everywhere (``tests/unit/separation`` holds an identity to 1e-5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import UsageError

Sound = NDArray[np.float32]


def rising(overlap: int) -> Sound:
    """The weights float32[overlap, 1] of a piece over the end of the one before; ``1 - rising`` is the other's."""
    angle = np.pi * (np.arange(overlap) + 0.5) / overlap
    return (0.5 - 0.5 * np.cos(angle)).astype(np.float32)[:, None]


def overlap_add(
    blocks: Iterable[Sound], work: Callable[[Sound], Sound], chunk: int, overlap: int
) -> Iterator[tuple[Sound, Sound]]:
    """Work through a sound of any length; memory holds one chunk and one block.

    Args:
        blocks: float32[n, 2], in order, of any length.
        work: makes float32[n, 2] of a piece float32[n, 2], ``n`` up to ``chunk``.
        chunk: samples of a piece.
        overlap: samples by which it reaches into the next; at most half of ``chunk``.

    Yields:
        The sound as it came and as it was worked on, float32[m, 2] each; all of the same length but the last.
    """
    step = chunk - overlap
    rise = rising(overlap)
    fading: Sound | None = None  # what the piece before still adds to the beginning of this one
    held = np.zeros((0, 2), np.float32)
    waiting: list[Sound] = []
    count = 0
    for block in blocks:
        _check(block)
        waiting.append(block)
        count += len(block)
        if count < chunk:
            continue
        held = np.concatenate(waiting)
        start = 0
        while len(held) - start >= chunk:
            piece = held[start : start + chunk]
            worked = _joined(work(piece), fading, rise)
            fading = worked[step:] * (1 - rise)
            yield piece[:step], worked[:step]
            start += step
        waiting = [held[start:].copy()]
        count = len(waiting[0])
    if count:
        piece = np.concatenate(waiting)
        yield piece, _joined(work(piece), fading, rise)


def _joined(worked: Sound, fading: Sound | None, rise: Sound) -> Sound:
    if fading is None:
        return worked
    joined = worked.copy()
    joined[: len(rise)] = worked[: len(rise)] * rise + fading
    return joined


def _check(block: Sound) -> None:
    if block.ndim != 2 or block.shape[1] != 2 or block.dtype != np.float32:
        raise UsageError(
            "wrong_shape",
            f"a block of sound is {block.dtype} of shape {block.shape}",
            "hand over float32 of shape [n, 2]; mono sound has two equal columns",
        )
