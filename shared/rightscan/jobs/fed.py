"""Joins what gives blocks to what asks for them: the one who asks runs in a thread of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

_WAITING = 4  # blocks of 4 s between the two: 3 MB each

Block = NDArray[np.float32]


class Fed:
    """A thread that works on blocks as they come; memory holds a few of them.

    Args:
        work: takes the blocks until they end. What it raises is raised by ``finish``.
    """

    def __init__(self, work: Callable[[Iterator[Block]], None]) -> None:
        self._work = work
        self._blocks: queue.Queue[Block | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, block: Block) -> None:
        """Give one block; waits while the work is behind."""
        self._blocks.put(block)

    def finish(self) -> None:
        """Wait for the end of the work; raises what it raised."""
        self.close()
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Stop, after an error elsewhere too; may be called again."""
        if self._thread.is_alive():
            self._blocks.put(None)
            self._thread.join()

    def _run(self) -> None:
        blocks = self._given()
        try:
            self._work(blocks)
        except BaseException as error:  # noqa: BLE001 - raised again by finish, in the thread that waits
            self._error = error
        for _ in blocks:  # whatever the work left lying would block the one who gives
            pass

    def _given(self) -> Iterator[Block]:
        while (block := self._blocks.get()) is not None:
            yield block
