"""Sound as it is decoded, block by block, to pieces of half a minute in mono at 16 kHz."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

SOURCE_RATE = 44_100
"""Hz, of the blocks that come in."""
SAMPLE_RATE = 16_000
"""Hz, of what is listened to."""

_UP, _DOWN = 160, 441
PIECE = 30 * SOURCE_RATE
_CONTEXT = 441 * 50
"""Half a second of either side goes through the resampling with a piece and is cut off again: a spectrum knows no
ends, and what rings at the join must not be heard."""


class Pieces:
    """Collects blocks; gives pieces that lie end to end."""

    def __init__(self) -> None:
        self._held: list[Float] = []
        self._count = 0
        self._before = np.zeros(0, np.float32)

    def add(self, block: Float) -> Iterator[Float]:
        """Take float32[n] or float32[n, channels] at 44.1 kHz; give float32[480_000] at 16 kHz as they fill up."""
        mono = block if block.ndim == 1 else block.mean(axis=1)
        self._held.append(np.asarray(mono, np.float32))
        self._count += mono.size
        while self._count >= PIECE + _CONTEXT:
            whole = np.concatenate(self._held)
            yield self._at_rate(whole[:PIECE], whole[PIECE : PIECE + _CONTEXT])
            self._keep(whole[PIECE:])

    def rest(self) -> Float:
        """Give what is left: float32[n] at 16 kHz, n up to 480,000 and half a second."""
        whole = np.concatenate(self._held) if self._held else np.zeros(0, np.float32)
        self._keep(whole[:0])
        return self._at_rate(whole, np.zeros(0, np.float32))

    def _keep(self, rest: Float) -> None:
        self._held, self._count = [rest], rest.size

    def _at_rate(self, piece: Float, after: Float) -> Float:
        before = self._before
        self._before = piece[-_CONTEXT:]
        if not piece.size:
            return piece
        count = piece.size * _UP // _DOWN
        padded = np.concatenate([before, piece, after])
        padded = np.pad(padded, (0, -padded.size % _DOWN))
        spectrum = np.fft.rfft(padded)
        size = padded.size // _DOWN * _UP
        out = np.fft.irfft(spectrum[: size // 2 + 1], size) * (_UP / _DOWN)
        start = before.size * _UP // _DOWN
        return np.asarray(out[start : start + count], np.float32)
