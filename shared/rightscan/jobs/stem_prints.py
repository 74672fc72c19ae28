"""Fingerprints of the separated voice and backing of an upload, made while the separator works."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint
from rightscan.jobs.fed import Block, Fed
from rightscan.synthesis import SAMPLE_RATE as GIVEN_RATE

_FACTOR = GIVEN_RATE // SAMPLE_RATE
_TAPS = 161  # 3.6 ms: flat to 4.8 kHz, where the fingerprint looks no farther, and 60 dB down at 6.2 kHz


def _low_pass() -> NDArray[np.float32]:
    """A windowed sinc that ends at the lower rate's half."""
    at = np.arange(_TAPS) - _TAPS // 2
    taps = np.sinc(at / _FACTOR * 0.98) * np.kaiser(_TAPS, 6.0)
    low: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return low


class StemPrint:
    """Fingerprints one stem while it is separated."""

    def __init__(self) -> None:
        self._taps = _low_pass()
        self._held = np.zeros(_TAPS // 2, np.float32)
        self._found: Fingerprint | None = None
        self._printing = Fed(self._print)
        self.close = self._printing.close

    def add(self, block: Block) -> None:
        """Take float32[n, 2] at the rate of the analysis of synthesis."""
        self._held = np.concatenate([self._held, block.mean(axis=1, dtype=np.float32)])
        ready = (len(self._held) - _TAPS + 1) // _FACTOR
        if ready > 0:
            used = self._held[: (ready - 1) * _FACTOR + _TAPS]
            self._printing.add(np.convolve(used, self._taps, "valid")[::_FACTOR].astype(np.float32))
            self._held = self._held[ready * _FACTOR :]

    def finish(self) -> Fingerprint:
        """Return the fingerprint of what was given."""
        self.add(np.zeros((_TAPS // 2, 2), np.float32))
        self._printing.finish()
        if self._found is None:
            raise RuntimeError("the thread of a stem ended without a fingerprint and without an error")
        return self._found

    def _print(self, blocks: Iterator[Block]) -> None:
        self._found = fingerprint(blocks, SAMPLE_RATE)
