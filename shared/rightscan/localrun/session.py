"""What the one-shot commands use: the runtime that serves the store, or one for as long as they need it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import rightscan
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.wiring import apply, read_wiring
from rightscan.errors import PermanentError
from rightscan.localrun import lock
from rightscan.localrun.supervisor import GRACE_S, RUNNING_ALREADY
from rightscan.runtime import LocalPaths

_POLL_S = (0.02, 0.2)
_MOST_FAILURES = 3
"""A runtime that was killed is started again; one that fails time after time would do so for ever."""

_START_S = 30.0
"""How long a runtime may take to start: it imports little, but a busy machine is slow."""


def default_template() -> Path:
    """The ``template.yaml`` of the clone that this package is installed from.

    Raises:
        PermanentError: code ``no_template`` where the package was installed without it.
    """
    path = Path(rightscan.__file__).resolve().parents[2] / "template.yaml"
    if not path.is_file():
        raise PermanentError(
            "no_template",
            f"there is no {path}: the local runtime runs the functions of a clone of the repository",
            "Run `make setup` in a clone and use its .venv/bin/rightscan.",
        )
    return path


class LocalSession:
    """A store with a runtime behind it, for the length of a ``with`` block.

    A runtime that is already there is used and left running. One that was started here stops at the end,
    after the batches in hand; what is left in the queues waits for the next.

    Args:
        home: the folder of the local store.
        template: default: the clone's own.
        cores: for a runtime that is started here.
    """

    def __init__(self, home: Path, template: Path | None = None, *, cores: int | None = None) -> None:
        self._paths = LocalPaths(home.resolve())
        self._template = template or default_template()
        self._cores = cores
        self._child: subprocess.Popen[bytes] | None = None
        self._failures = 0
        self._database = Database(self._paths.database)

    def __enter__(self) -> LocalSession:
        # Before the first upload: an object written before its bucket has a notification triggers nothing.
        if not lock.is_running(self._paths.home):
            apply(read_wiring(self._template), self._database)
        try:
            self._ensure_runtime()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def pending(self) -> int:
        """Messages that wait or are in hand, changes not yet read, jobs not ended; dead letters do not count."""
        return sum(self._database.connection().execute(query).fetchone()[0] for query in _PENDING)

    def idle(self) -> bool:
        """Whether nothing is left to do: no message waits or is in hand, no change is unread, no job runs."""
        return self.pending() == 0

    def wait_until(self, predicate: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until something holds, keeping a runtime at work.

        Args:
            predicate: looked at up to fifty times a second.
            timeout_s: the longest wait, s.

        Returns:
            Whether it held in time.

        Raises:
            PermanentError: code ``runtime_failed`` where the runtime cannot be started or kept running.
        """
        deadline = time.monotonic() + timeout_s
        pause, longest = _POLL_S
        while not predicate():
            if time.monotonic() > deadline:
                return False
            # Another command's runtime ends with that command.
            self._ensure_runtime()
            time.sleep(pause)
            pause = min(1.5 * pause, longest)
        return True

    def _ensure_runtime(self) -> None:
        deadline = time.monotonic() + _START_S
        while not lock.is_running(self._paths.home):
            status = None if self._child is None else self._child.poll()
            if status not in (None, 0, RUNNING_ALREADY):
                self._failures += 1
            if self._failures <= _MOST_FAILURES and (self._child is None or status is not None):
                self._child = self._start()
            elif status is not None or time.monotonic() > deadline:
                raise PermanentError(
                    "runtime_failed",
                    f"the local runtime of {self._paths.home} does not stay up (status {status})",
                    f"Read {self._log}.",
                )
            time.sleep(0.02)

    def _stop(self) -> None:
        """Stop the runtime that was started here; it finishes the batches in hand."""
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(GRACE_S + 10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None

    @property
    def _log(self) -> Path:
        return self._paths.logs / "runtime.log"

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "rightscan.localrun.supervisor"]
        command += ["--home", str(self._paths.home), "--template", str(self._template)]
        command += ["--parent", str(os.getpid())]
        if self._cores is not None:
            command += ["--cores", str(self._cores)]
        self._paths.logs.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 (our own module)
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C ends the command, whose end then stops the runtime in its own time.
                start_new_session=True,
            )


_PENDING = (
    "SELECT count(*) FROM messages WHERE dead_since IS NULL",
    "SELECT coalesce(sum(last - position), 0) FROM change_readers,"
    " (SELECT coalesce(max(id), 0) AS last FROM changes) WHERE position < last",
    "SELECT count(*) FROM jobs WHERE state IN ('waiting', 'running')",
)
