"""Fingerprints of the separated voice and backing of an upload, made while the separator works."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint
from rightscan.synthesis import SAMPLE_RATE as GIVEN_RATE

_FACTOR = GIVEN_RATE // SAMPLE_RATE
_TAPS = 161  # 3.6 ms: flat to 4.8 kHz, where the fingerprint looks no farther, and 60 dB down at 6.2 kHz
_WAITING = 4

Block = NDArray[np.float32]


def _low_pass() -> NDArray[np.float32]:
    """A windowed sinc that ends at the lower rate's half."""
    at = np.arange(_TAPS) - _TAPS // 2
    taps = np.sinc(at / _FACTOR * 0.98) * np.kaiser(_TAPS, 6.0)
    low: NDArray[np.float32] = (taps / taps.sum()).astype(np.float32)
    return low


class StemPrint:
    """Fingerprints one stem in a thread of its own: the fingerprint asks for blocks, the separator gives them."""

    def __init__(self) -> None:
        self._taps = _low_pass()
        self._held = np.zeros(_TAPS // 2, np.float32)
        self._blocks: queue.Queue[Block | None] = queue.Queue(_WAITING)
        self._found: Fingerprint | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def add(self, block: Block) -> None:
        """Take float32[n, 2] at the rate of the analysis of synthesis."""
        self._held = np.concatenate([self._held, block.mean(axis=1, dtype=np.float32)])
        ready = (len(self._held) - _TAPS + 1) // _FACTOR
        if ready > 0:
            used = self._held[: (ready - 1) * _FACTOR + _TAPS]
            self._blocks.put(np.convolve(used, self._taps, "valid")[::_FACTOR].astype(np.float32))
            self._held = self._held[ready * _FACTOR :]

    def finish(self) -> Fingerprint:
        """Return the fingerprint of what was given."""
        self.add(np.zeros((_TAPS // 2, 2), np.float32))
        self.close()
        if self._error is not None:
            raise self._error
        if self._found is None:
            raise RuntimeError("the thread of a stem ended without a fingerprint and without an error")
        return self._found

    def close(self) -> None:
        """Stop, after an error elsewhere too."""
        self._blocks.put(None)
        self._thread.join()

    def _work(self) -> None:
        blocks = self._given()
        try:
            self._found = fingerprint(blocks, SAMPLE_RATE)
        except BaseException as error:  # noqa: BLE001 - raised again by finish, in the thread that waits
            self._error = error
            for _ in blocks:
                pass

    def _given(self) -> Iterator[Block]:
        while (block := self._blocks.get()) is not None:
            yield block
