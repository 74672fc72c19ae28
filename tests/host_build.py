"""The artefacts of all functions, built for this machine; several test processes build them once."""

from __future__ import annotations

import fcntl
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def make(*arguments: str) -> None:
    """Run make; one at a time, since test processes share the build folder."""
    (ROOT / "build").mkdir(exist_ok=True)
    with (ROOT / "build/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@functools.cache
def host_artefacts() -> Path:
    """The folder with one artefact a function (by its folder's name) and ``core``, the layer."""
    make("host-artefacts")
    return ROOT / "build/host"
