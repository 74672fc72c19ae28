"""Only one runtime serves a store: a lock on a file in its folder that ends with the process."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from typing import TextIO

from rightscan.errors import PermanentError

_PATIENCE_S = 1.0
"""Those who only look hold the lock for a moment; the one who wants it waits this long for them."""


def lock_path(home: Path) -> Path:
    """Where the lock of a store lies."""
    return home / "runtime.lock"


def take(home: Path) -> TextIO:
    """Become the one runtime of a store, for as long as the returned file is open.

    Raises:
        PermanentError: code ``runtime_running`` where another process is it.
    """
    home.mkdir(parents=True, exist_ok=True)
    file = lock_path(home).open("a+")
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            file.seek(0)
            pid = file.read().strip() or "unknown"
            file.close()
            raise PermanentError(
                "runtime_running",
                f"process {pid} already runs the local runtime of {home}",
                "Use that one, stop it, or choose another --home.",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        return file


def is_running(home: Path) -> bool:
    """Whether a runtime serves the store now."""
    try:
        file = lock_path(home).open("rb")
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False
