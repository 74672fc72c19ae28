"""What the tests of ``guard`` let a child do."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rightscan import errors
from rightscan.media.guard import run_guarded
from rightscan.media.limits import Limits


def look_around(arguments: dict[str, Any]) -> dict[str, Any]:
    """What the child sees of the world."""
    return {
        "arguments": arguments,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "temporary": tempfile.gettempdir(),
        "core": resource.getrlimit(resource.RLIMIT_CORE),
        "files": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "open": sorted(path.name for path in Path("/proc/self/fd").iterdir()),
        "paths": sys.path,
    }


def leave_files(_: dict[str, Any]) -> dict[str, Any]:
    """Leave files wherever a library might."""
    Path("left.bin").write_bytes(bytes(1000))
    Path("folder").mkdir()
    Path("folder/inside.bin").write_bytes(bytes(1000))
    Path(tempfile.mkstemp()[1]).write_bytes(bytes(1000))
    return {}


def leave_files_and_crash(_: dict[str, Any]) -> dict[str, Any]:
    """Leave files, then touch memory that is not ours."""
    leave_files({})
    ctypes.string_at(0)
    return {}


def abort(_: dict[str, Any]) -> dict[str, Any]:
    """As a library does that finds its heap broken."""
    os.abort()


def take_memory(_: dict[str, Any]) -> dict[str, Any]:
    """Ask for more and more."""
    kept = []
    while True:
        kept.append(bytearray(64 << 20))


def spin(_: dict[str, Any]) -> dict[str, Any]:
    """Use the processor for ever."""
    while True:
        pass


def sleep(_: dict[str, Any]) -> dict[str, Any]:
    """Do nothing for ever."""
    time.sleep(3600)
    return {}


def write_much(_: dict[str, Any]) -> dict[str, Any]:
    """Fill the disk."""
    with Path("much.bin").open("wb") as file:
        while True:
            file.write(bytes(1 << 16))


def chatter(_: dict[str, Any]) -> dict[str, Any]:
    """Print more than a pipe holds."""
    sys.stdout.write("x" * (1 << 20))
    sys.stderr.write("y" * (1 << 20))
    return {"said": True}


def fail(arguments: dict[str, Any]) -> dict[str, Any]:
    """Raise a declared error."""
    raise getattr(errors, arguments["class"])("some_code", "원인", "대책")


def fail_by_mistake(_: dict[str, Any]) -> dict[str, Any]:
    """Raise what nobody declared."""
    raise ValueError("비밀.mp3")


def disk_full(_: dict[str, Any]) -> dict[str, Any]:
    """As a write does on a full disk."""
    raise OSError(28, "No space left on device", "비밀.npz")


def leave(_: dict[str, Any]) -> dict[str, Any]:
    """End without an answer."""
    os._exit(3)


def be_killed(_: dict[str, Any]) -> dict[str, Any]:
    """As the kernel does when the machine's memory is spent."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def tell_pid_and_sleep(arguments: dict[str, Any]) -> dict[str, Any]:
    """Say who we are, then wait to be killed."""
    path = Path(arguments["path"])
    path.with_suffix(".part").write_text(str(os.getpid()))
    path.with_suffix(".part").rename(path)
    return sleep({})


def decode_silence(arguments: dict[str, Any]) -> dict[str, Any]:
    """Decode so many hours; tell the peak of memory, MiB."""
    from hostile_media import silent_flac  # heavy: the other calls start without it
    from rightscan.media.decode import open_audio

    path = Path("silence.flac")
    path.write_bytes(silent_flac(arguments["hours"]))
    with open_audio(path) as stream:
        samples = sum(block.size for block in stream.blocks(11025))
    outcome = stream.outcome
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    hours = samples / 11025 / 3600
    return {"hours": hours, "peak": peak, "complete": outcome.complete, "silent": outcome.silent}


if __name__ == "__main__":
    # The parent that a test kills.
    run_guarded(
        "guard_targets:tell_pid_and_sleep", {"path": sys.argv[1]}, limits=Limits(), workdir=Path(sys.argv[2])
    )
