"""The features of a voice from a stream: window by window, as the blocks come."""

from __future__ import annotations

import numpy as np

from rightscan.synthesis.voice.features import NAMES, WindowFeatures, window_values
from rightscan.synthesis.voice.sound import SHORTEST_S, WINDOW_S, Float

MOST = 15
"""A minute. The calibration counts eight windows at most, and each costs as much as eight seconds of the comb."""

_BEGINS = 1e-4  # -80 dBFS; the loudest sample, against which the whole is held, is not known yet


class Listener:
    """Takes mono sound block by block; holds one window of it and the rows measured so far.

    Args:
        sample_rate: of the blocks, Hz.
        most: windows; what comes after is not measured.
    """

    def __init__(self, sample_rate: int, most: int = MOST) -> None:
        self._rate = sample_rate
        self._most = most
        self._size = round(WINDOW_S * sample_rate)
        self._held = np.zeros(0, np.float32)
        self._last = np.zeros(0, np.float32)
        self._start: int | None = None
        self._passed = 0
        self._rows: list[tuple[Float, float, float]] = []
        self._ranges: list[tuple[int, int]] = []

    def add(self, block: Float) -> None:
        """Take float32[n]."""
        if len(self._rows) >= self._most:
            self._held = self._held[:0]
            return
        if self._start is None:
            heard = np.abs(block) > _BEGINS
            lead = int(np.argmax(heard)) if heard.any() else block.size
            self._passed += lead
            if lead == block.size:
                return
            self._start, block = self._passed, block[lead:]
        self._held = np.concatenate([self._held, block])
        while self._held.size >= self._size and len(self._rows) < self._most:
            self._measure(self._held[: self._size], self._passed)
            self._last, self._held = self._held[: self._size], self._held[self._size :]
            self._passed += self._size

    def finish(self) -> WindowFeatures:
        """Return the rows; a rest of a second or more is measured with what comes before it, as one window."""
        if self._held.size >= SHORTEST_S * self._rate and len(self._rows) < self._most:
            joined = np.concatenate([self._last, self._held])[-self._size :]
            self._measure(joined, self._passed + self._held.size - joined.size)
        rows = self._rows
        return WindowFeatures(
            times=np.array(self._ranges, np.float64).reshape(-1, 2) / self._rate,
            values=np.stack([row[0] for row in rows]) if rows else np.zeros((0, len(NAMES)), np.float32),
            names=NAMES,
            voiced_share=np.array([row[1] for row in rows], np.float32),
            bandwidth_hz=np.array([row[2] for row in rows], np.float32),
        )

    def _measure(self, window: Float, start: int) -> None:
        self._rows.append(window_values(window, self._rate))
        self._ranges.append((start, start + window.size))
