"""Run the decoding of an untrusted file in a child process with limits on time, memory and output.

A subprocess and not ``multiprocessing``: AWS Lambda has no shared memory for the latter's queues and locks.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from rightscan import errors
from rightscan.errors import PermanentError
from rightscan.media.limits import Limits

_KINDS = {
    kind.__name__: kind
    for kind in (errors.PermanentError, errors.TransientError, errors.CancelledError, errors.UsageError)
}


def run_guarded(target: str, arguments: dict[str, Any], *, limits: Limits, workdir: Path) -> dict[str, Any]:
    """Call a function in a guarded child.

    Args:
        target: ``module:function``; takes ``arguments`` and returns JSON values.
        arguments: JSON values.
        limits: of processor time, clock time, memory and file size.
        workdir: the caller's folder for this work; whatever the child leaves is in it.

    Returns:
        What the function returned.

    Raises:
        RightscanError: what the function raised, of the same class; ``decoder_crashed``,
            ``decode_memory_limit`` or ``decode_time_limit`` where the child ended otherwise.
    """
    answer = workdir / "answer.json"
    answer.unlink(missing_ok=True)
    request = {
        "target": target,
        "arguments": arguments,
        "answer": str(answer),
        "limits": {
            "cpu_s": limits.decode_cpu_s,
            "memory_bytes": limits.decode_memory_bytes,
            "output_bytes": limits.output_bytes,
        },
    }
    status = _run(json.dumps(request).encode(), limits.decode_wall_s, workdir)
    if status is None or status == -signal.SIGXCPU:
        raise _time_limit(limits)
    if not answer.is_file():
        raise _ended(status, limits)
    told = json.loads(answer.read_text("utf-8"))
    if "memory" in told:
        raise _memory_limit(limits)
    if "error" in told:
        error = told["error"]
        raise _KINDS[error["class"]](error["code"], error["cause"], error["remedy"])
    result: dict[str, Any] = told["result"]
    return result


def _run(request: bytes, wall_s: float, workdir: Path) -> int | None:
    """The child's exit status, ``None`` if it had to be killed for taking too long."""
    # A clean environment: no credentials reach code that reads untrusted bytes.
    environment = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": str(workdir),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    # To a file, not a pipe: what a crashing library prints is nobody's to read and must not block it.
    with tempfile.TemporaryFile(dir=workdir) as output:
        child = subprocess.Popen(
            [sys.executable, "-m", "rightscan.media.guard_child"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=workdir,
            start_new_session=True,
        )
        try:
            child.communicate(request, timeout=wall_s)
        except subprocess.TimeoutExpired:
            return None
        except BrokenPipeError:
            child.wait()
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
    return child.returncode


def _time_limit(limits: Limits) -> PermanentError:
    return PermanentError(
        "decode_time_limit",
        f"decoding took over {limits.decode_cpu_s:.0f} s of processor or {limits.decode_wall_s:.0f} s of clock time",
        "Cut the file into parts, or export it again in a common format.",
    )


def _memory_limit(limits: Limits) -> PermanentError:
    return PermanentError(
        "decode_memory_limit",
        f"decoding asked for more than {limits.decode_memory_bytes >> 20} MiB",
        "Export the file again in a common format; this one is malformed or made to exhaust memory.",
    )


def _ended(status: int, limits: Limits) -> PermanentError:
    if status in (-signal.SIGKILL, -signal.SIGXFSZ):
        return _memory_limit(limits)
    how = f"signal {-status}" if status < 0 else f"exit status {status}"
    return PermanentError(
        "decoder_crashed",
        f"the decoder ended with {how}",
        "Export the file again in a common format, and send this one to the engineers: it should not crash.",
    )
