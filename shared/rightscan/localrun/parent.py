"""A child process that does not outlive its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, how: signal.Signals) -> None:
    """Get a signal when the parent dies, however it dies. Linux alone can; elsewhere see ``is_orphan``.

    Args:
        parent: the parent's process number, which it passed on.
        how: the signal.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, how, 0, 0, 0)
    # It may have died before the call above.
    if is_orphan(parent):
        os.kill(os.getpid(), how)


def is_orphan(parent: int) -> bool:
    """Whether the parent is gone and the process was given to another."""
    return os.getppid() != parent
