"""The child side of ``guard``: takes limits upon itself, then calls the target."""

from __future__ import annotations

import ctypes
import errno
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from rightscan import errors

_PR_SET_PDEATHSIG = 1
_HARD_CPU_S = 5  # between the signal that a limit was reached, and the kill


def _confine(limits: dict[str, float], parent: int) -> None:
    """Set this process's limits before anything untrusted is touched."""
    if sys.platform == "linux":
        # Without it a killed parent would leave the child decoding on.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)
    cpu = max(1, round(limits["cpu_s"]))
    for what, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_CPU, cpu, cpu + _HARD_CPU_S),
        (resource.RLIMIT_AS, int(limits["memory_bytes"]), int(limits["memory_bytes"])),
        (resource.RLIMIT_FSIZE, int(limits["output_bytes"]), int(limits["output_bytes"])),
        (resource.RLIMIT_NOFILE, 64, 64),
    ):
        resource.setrlimit(what, (soft, hard))


def _call(target: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer: a result, a declared error, a limit that was reached, or a bug."""
    try:
        module, _, name = target.partition(":")
        return {"result": getattr(importlib.import_module(module), name)(arguments)}
    except errors.RightscanError as error:
        return _error(_kind(error), error.code, error.cause, error.remedy)
    except MemoryError:
        return {"limit": "memory"}
    except Exception as error:  # noqa: BLE001 (the parent raises it)
        number = error.errno if isinstance(error, OSError) else None
        if number == errno.ENOMEM:
            return {"limit": "memory"}
        if number == errno.EFBIG:
            return {"limit": "output"}
        if number == errno.ENOSPC:
            return _error(
                "TransientError", "disk_full", "the temporary folder's disk is full", "Give it more room."
            )
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-6:]]
        return {"bug": type(error).__name__, "places": places}


def _error(kind: str, code: str, cause: str, remedy: str) -> dict[str, Any]:
    return {"error": {"class": kind, "code": code, "cause": cause, "remedy": remedy}}


def _kind(error: Exception) -> str:
    for kind in (errors.TransientError, errors.CancelledError, errors.UsageError):
        if isinstance(error, kind):
            return kind.__name__
    return errors.PermanentError.__name__


def main() -> int:
    """Read the request from standard input, write the answer beside it."""
    request = json.load(sys.stdin)
    _confine(request["limits"], request["parent"])
    answer = _call(request["target"], request["arguments"])
    partial = Path(request["answer"] + ".part")
    partial.write_text(json.dumps(answer), "utf-8")
    partial.rename(request["answer"])
    return 0


if __name__ == "__main__":
    status = main()
    # Skips the interpreter's clean-up: a decoder that corrupted its heap would crash after the answer stands.
    os._exit(status)
