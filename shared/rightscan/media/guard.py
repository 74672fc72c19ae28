"""Run the decoding of an untrusted file in a child process with limits on time, memory and output.

A subprocess and not ``multiprocessing``: AWS Lambda has no shared memory for the latter's queues and locks. A
new program and not a fork: the child starts without the parent's environment and memory. It runs as the same
user, so it contains accidents and greed, and is no sandbox against code that takes it over.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from rightscan import errors
from rightscan.errors import PermanentError, RightscanError, TransientError
from rightscan.media.limits import Limits

_KINDS = {
    kind.__name__: kind
    for kind in (errors.PermanentError, errors.TransientError, errors.CancelledError, errors.UsageError)
}
_CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGSYS}
)


class ChildError(Exception):
    """The function in the child failed in a way that it does not declare: a bug, not a bad file.

    Args:
        what: type of the child's exception, or how the child ended.
        places: files, lines and functions of the child's code, innermost last; no text of the exception.

    ``places`` of the exception holds both, for the log.
    """

    def __init__(self, what: str, places: tuple[str, ...] = ()) -> None:
        super().__init__(what, *places)
        self.places = (what, *places)


def run_guarded(target: str, arguments: dict[str, Any], *, limits: Limits, workdir: Path) -> dict[str, Any]:
    """Call a function in a guarded child.

    Args:
        target: ``module:function``; takes ``arguments`` and returns JSON values.
        arguments: JSON values.
        limits: of processor time, clock time, memory and file size.
        workdir: where the child gets a folder of its own for its time; that is gone afterwards.

    Returns:
        What the function returned.

    Raises:
        RightscanError: what the function raised, of the same class.
        PermanentError: ``decoder_crashed``, ``decode_memory_limit``, ``decode_time_limit`` or
            ``decode_output_limit`` where the file made the child end otherwise.
        TransientError: ``child_stopped`` where somebody else did, ``disk_full``.
        ChildError: the function raised something else.
    """
    with tempfile.TemporaryDirectory(prefix="child-", dir=workdir) as scratch:
        answer = Path(scratch, "answer.json")
        request = {
            "target": target,
            "arguments": arguments,
            "answer": str(answer),
            "parent": os.getpid(),
            "limits": {
                "cpu_s": limits.decode_cpu_s,
                "memory_bytes": limits.decode_memory_bytes,
                "output_bytes": limits.output_bytes,
            },
        }
        status = _run(json.dumps(request).encode(), limits.decode_wall_s, Path(scratch))
        if not answer.is_file():
            raise _ended(status, limits)
        told = json.loads(answer.read_text("utf-8"))
    match told:
        case {"result": dict() as result}:
            return result
        case {"error": {"class": str(kind), "code": code, "cause": cause, "remedy": remedy}}:
            raise _KINDS[kind](code, cause, remedy)
        case {"limit": "memory"}:
            raise _memory_limit(limits)
        case {"limit": "output"}:
            raise _output_limit(limits)
    raise ChildError(str(told.get("bug")), tuple(told.get("places", ())))


def _run(request: bytes, wall_s: float, folder: Path) -> int | None:
    """The child's exit status, ``None`` if it had to be killed for taking too long."""
    # A clean environment: no credentials reach code that reads untrusted bytes.
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        # Where a Python built shared has its own library, as in Lambda's images.
        "LD_LIBRARY_PATH": str(sysconfig.get_config_var("LIBDIR") or ""),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    # To a file, not a pipe: what a crashing library prints is nobody's to read and must not block it.
    with tempfile.TemporaryFile(dir=folder) as output:
        child = subprocess.Popen(
            # -P: nothing is imported from the working folder; -s: nor from the user's own site.
            [sys.executable, "-P", "-s", "-m", "rightscan.media.guard_child"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        try:
            child.communicate(request, timeout=wall_s)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
    return child.returncode


def _ended(status: int | None, limits: Limits) -> Exception:
    """What it means that a child ended without an answer."""
    if status is None or status == -signal.SIGXCPU:
        return _time_limit(limits)
    if -status in _CRASHES:
        return PermanentError(
            "decoder_crashed",
            f"the decoder ended with {signal.Signals(-status).name}",
            "Export the file again in a common format, and send this one to the engineers: it should not crash.",
        )
    if status < 0:
        # The machine ran out of memory, or is being stopped: neither says anything of the file.
        return TransientError(
            "child_stopped", f"signal {-status} stopped the decoder", "It is tried again by itself."
        )
    return ChildError(f"exit status {status}")


def _time_limit(limits: Limits) -> RightscanError:
    return PermanentError(
        "decode_time_limit",
        f"decoding took over {limits.decode_cpu_s:.0f} s of processor or {limits.decode_wall_s:.0f} s of clock time",
        "Cut the file into parts, or export it again in a common format.",
    )


def _memory_limit(limits: Limits) -> RightscanError:
    return PermanentError(
        "decode_memory_limit",
        f"decoding asked for more than {limits.decode_memory_bytes >> 20} MiB",
        "Export the file again in a common format; this one is malformed or made to exhaust memory.",
    )


def _output_limit(limits: Limits) -> RightscanError:
    return PermanentError(
        "decode_output_limit",
        f"decoding wrote more than {limits.output_bytes >> 20} MiB",
        "Cut the file into parts.",
    )
