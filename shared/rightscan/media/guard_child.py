"""The child side of ``guard``: takes limits upon itself, then calls the target."""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def _confine(limits: dict[str, float]) -> None:
    """Set this process's limits before anything untrusted is touched."""
    if sys.platform == "linux":
        # Without it a killed parent would leave the child decoding on.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    cpu = int(limits["cpu_s"])
    for what, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_CPU, cpu),
        (resource.RLIMIT_AS, int(limits["memory_bytes"])),
        (resource.RLIMIT_FSIZE, int(limits["output_bytes"])),
        (resource.RLIMIT_NOFILE, 64),
    ):
        resource.setrlimit(what, (value, value))


def main() -> int:
    """Read the request from standard input, write the answer beside it."""
    request = json.load(sys.stdin)
    _confine(request["limits"])
    from rightscan.errors import RightscanError

    try:
        module, _, name = request["target"].partition(":")
        answer = {"result": getattr(importlib.import_module(module), name)(request["arguments"])}
    except RightscanError as error:
        answer = {
            "error": {
                "class": _kind(error),
                "code": error.code,
                "cause": error.cause,
                "remedy": error.remedy,
            }
        }
    except MemoryError:
        answer = {"memory": True}
    partial = Path(request["answer"] + ".part")
    partial.write_text(json.dumps(answer), "utf-8")
    partial.rename(request["answer"])
    return 0


def _kind(error: Exception) -> str:
    from rightscan import errors

    for kind in (errors.TransientError, errors.CancelledError, errors.UsageError):
        if isinstance(error, kind):
            return kind.__name__
    return errors.PermanentError.__name__


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # Skips the interpreter's clean-up: a decoder that corrupted its heap would crash after the answer stands.
    os._exit(status)
