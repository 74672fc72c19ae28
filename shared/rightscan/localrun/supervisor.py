"""The local runtime: keeps workers for the functions that have work, fires schedules, survives any kill.

A function has no process while it has nothing to do. When messages wait, workers are started up to the
machine's cores (``worker_limit``); a worker that dies gives its messages back, and the next one is
started after a pause that doubles.

    python -m rightscan.localrun.supervisor --home DIR --template template.yaml
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import BinaryIO

from rightscan.adapters.local.clock import SystemClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.objects import LocalObjects
from rightscan.adapters.local.queues import release_held
from rightscan.adapters.local.wiring import Function, Wiring, apply, read_wiring
from rightscan.errors import PermanentError
from rightscan.localrun import lock, schedules
from rightscan.localrun.delivery import local_environment, retry_delay
from rightscan.localrun.parent import end_with_parent
from rightscan.localrun.worker import Assignment
from rightscan.runtime import LocalPaths, function_logger

RUNNING_ALREADY = 75
"""Exit status where another runtime serves the store (EX_TEMPFAIL)."""

GRACE_S = 60.0
"""How long workers may finish the batch in hand when the runtime stops; then they are killed, and lose nothing."""

_TICK_S = (0.02, 0.2)
_RESTART_S = (0.5, 30.0)
_STEADY_S = 10.0  # a worker that lives this long ends the series of crashes
_HOUSEKEEPING_S = 3600.0
_KEEP_CHANGES_S = 86_400.0  # as long as DynamoDB keeps a stream
_LOG_BYTES = 16 << 20

logger = function_logger("localrun")


@dataclass
class _Worker:
    function: str
    index: int
    holder: str
    process: subprocess.Popen[bytes]
    started: float
    folder: Path


@dataclass
class _Restarts:
    """The crashes of one function in a row."""

    count: int = 0
    not_before: float = 0.0


def worker_limit(wiring: Wiring, function: Function, cores: int) -> int:
    """How many processes a function may have.

    All cores for one that takes a container image's worth of work per message, two for one whose messages
    are short, one for a reader of a stream, whose order must hold; and never more than the concurrency that
    its event sources allow.
    """
    sources = wiring.sources_of(function.name)
    if not sources:
        return 1
    heavy = function.image and all(source.batch_size == 1 for source in sources)
    allowed = sum(source.max_concurrency or cores for source in sources)
    return max(1, min(cores, allowed) if heavy else min(cores, allowed, 2))


class Supervisor:
    """Runs a template on a store until it is told to stop.

    Args:
        home: the folder of the local store.
        template: ``template.yaml``.
        parameters: values of template parameters.
        cores: how many to use; default: those this process may run on.

    Raises:
        PermanentError: from reading the wiring, see ``read_wiring``; code ``bad_schedule``.
    """

    def __init__(
        self,
        home: Path,
        template: Path,
        *,
        parameters: Mapping[str, str] | None = None,
        cores: int | None = None,
    ) -> None:
        self._paths = LocalPaths(home.resolve())
        self._wiring = read_wiring(template, parameters)
        schedules.check(self._wiring.schedules)
        self._clock = SystemClock()
        self._cores = cores or _cores()
        self._workers: list[_Worker] = []
        self._restarts = {name: _Restarts() for name in self._wiring.functions}
        self._signals = 0

    def run(self) -> None:
        """Serve the store until SIGTERM or SIGINT; at the second signal without waiting for workers.

        Raises:
            PermanentError: code ``runtime_running`` where another process serves it.
        """
        with lock.take(self._paths.home):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, self._on_signal)
            database = Database(self._paths.database)
            self._recover(database)
            logger.info("local runtime started", extra={"cores": self._cores})
            try:
                self._serve(database)
            finally:
                self._end_workers(database)
                logger.info("local runtime stopped")

    # ---- the loop ---------------------------------------------------------------------------------------
    def _serve(self, database: Database) -> None:
        pause, longest = _TICK_S
        housekeeping = 0.0
        while not self._signals:
            busy = self._reap(database) + self._start_needed(database)
            busy += schedules.send_due(self._wiring.schedules, database, self._clock)
            if time.monotonic() >= housekeeping:
                _forget_changes(database, self._clock.now().timestamp() - _KEEP_CHANGES_S)
                housekeeping = time.monotonic() + _HOUSEKEEPING_S
            pause = _TICK_S[0] if busy else min(2 * pause, longest)
            time.sleep(pause)

    def _recover(self, database: Database) -> None:
        """Put right what a killed runtime left: nobody else is at work in this store now."""
        apply(self._wiring, database, clock=self._clock)
        held = release_held(database, self._clock, None)
        LocalObjects(self._paths.objects, database)  # finishes or removes half-written objects
        shutil.rmtree(self._paths.workspaces, ignore_errors=True)
        self._paths.logs.mkdir(parents=True, exist_ok=True)
        if held:
            logger.warning("messages of a killed runtime given back", extra={"messages": held})

    def _start_needed(self, database: Database) -> int:
        """Start workers where more work waits than is at hand; returns how many."""
        started = 0
        for function in self._wiring.functions.values():
            restarts = self._restarts[function.name]
            if time.monotonic() < restarts.not_before:
                continue
            workers = [worker for worker in self._workers if worker.function == function.name]
            if any(time.monotonic() - worker.started > _STEADY_S for worker in workers):
                restarts.count = 0
            have = {worker.index for worker in workers}
            limit = worker_limit(self._wiring, function, self._cores)
            # After a crash one at a time, until it has shown that it lives.
            wanted = min(1 if restarts.count else limit, self._batches(database, function, limit))
            for index in range(limit):
                if len(have) >= wanted:
                    break
                if index not in have:
                    self._start(function, index)
                    have.add(index)
                    started += 1
        return started

    def _batches(self, database: Database, function: Function, limit: int) -> int:
        """How many batches wait or are in hand, counted up to ``limit``."""
        now = self._clock.now().timestamp()
        batches = 0
        for source in self._wiring.sources_of(function.name):
            most = limit * source.batch_size
            (messages,) = database.connection().execute(_COUNT, (source.queue, now, most)).fetchone()
            batches += -(-messages // source.batch_size)
        if any(source.function == function.name for source in self._wiring.stream_sources):
            batches += len(database.connection().execute(_UNREAD, (function.name,)).fetchall())
        return min(batches, limit)

    # ---- workers ----------------------------------------------------------------------------------------
    def _start(self, function: Function, index: int) -> None:
        holder = f"{function.name}:{index}:{uuid.uuid4().hex[:8]}"
        folder = self._paths.workspaces / holder.replace(":", "-")
        folder.mkdir(parents=True, exist_ok=True)
        assignment = Assignment(
            function=function,
            queues=tuple(
                source
                for source in self._wiring.sources_of(function.name)
                if source.max_concurrency is None or index < source.max_concurrency
            ),
            streams=tuple(
                s for s in self._wiring.stream_sources if s.function == function.name and index == 0
            ),
            database=self._paths.database,
            holder=holder,
            parent=os.getpid(),
        )
        with _open_log(self._paths.logs / f"{function.name}.log") as log:
            process = subprocess.Popen(  # noqa: S603 (our own module)
                [sys.executable, "-m", "rightscan.localrun.worker", "--function", function.name],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env=_environment(function, self._paths, folder),
                # A group of its own: Ctrl-C on a terminal must not reach the work in hand.
                start_new_session=True,
            )
        # A worker that ended before it read its assignment is reaped like any other.
        with suppress(BrokenPipeError), process.stdin:  # type: ignore[union-attr]
            process.stdin.write(assignment.to_json().encode())  # type: ignore[union-attr]
        self._workers.append(_Worker(function.name, index, holder, process, time.monotonic(), folder))

    def _reap(self, database: Database) -> int:
        """Take leave of workers that ended; returns how many."""
        ended = [worker for worker in self._workers if worker.process.poll() is not None]
        for worker in ended:
            self._workers.remove(worker)
            self._bury(worker, database)
        return len(ended)

    def _bury(self, worker: _Worker, database: Database) -> None:
        status = worker.process.returncode
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(worker.process.pid, signal.SIGKILL)  # what it may have left running
        shutil.rmtree(worker.folder, ignore_errors=True)
        held = release_held(database, self._clock, worker.holder, delay_s=retry_delay)
        if status in (0, -signal.SIGTERM):  # the latter where it was stopped before it was ready
            return
        restarts = self._restarts[worker.function]
        shortest, longest = _RESTART_S
        restarts.not_before = time.monotonic() + min(shortest * 2**restarts.count, longest)
        restarts.count += 1
        reason = "timeout" if status == -signal.SIGALRM else f"status {status}"
        logger.error(
            "a worker died",
            extra={"function": worker.function, "reason": reason, "messages_given_back": held},
        )

    def _end_workers(self, database: Database) -> None:
        for worker in self._workers:
            worker.process.terminate()
        deadline = time.monotonic() + GRACE_S
        for worker in self._workers:
            while worker.process.poll() is None and self._signals < 2 and time.monotonic() < deadline:
                with suppress(subprocess.TimeoutExpired):
                    worker.process.wait(0.1)
            worker.process.kill()
            worker.process.wait()
        self._reap(database)

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signature of a handler)
        self._signals += 1


_COUNT = """
    SELECT count(*) FROM (
        SELECT 1 FROM messages WHERE queue=? AND (visible_at<=? OR receipt IS NOT NULL) LIMIT ?
    )
"""
_UNREAD = (
    "SELECT 1 FROM change_readers WHERE reader=? AND position < (SELECT coalesce(max(id), 0) FROM changes)"
)


def _forget_changes(database: Database, before: float) -> None:
    with database.transaction() as connection:
        connection.execute(
            "DELETE FROM changes WHERE at<? AND id <= coalesce((SELECT min(position) FROM change_readers), id)",
            (before,),
        )


def _environment(function: Function, paths: LocalPaths, temporary: Path) -> dict[str, str]:
    """What a worker sees: the function's own variables and what a process needs to start, nothing else."""
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    return {
        **passed,
        # Decoding and searching run in as many processes as there are cores; threads would only fight them.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(temporary),
        **local_environment(function, paths),
    }


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _open_log(path: Path) -> BinaryIO:
    if path.exists() and path.stat().st_size > _LOG_BYTES:
        path.replace(path.with_suffix(".log.1"))
    return path.open("ab")


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="rightscan.localrun.supervisor")
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--cores", type=int)
    parser.add_argument("--parent", type=int, help="stop when this process, which started us, is gone")
    arguments = parser.parse_args()
    supervisor = Supervisor(arguments.home, arguments.template, cores=arguments.cores)
    if arguments.parent is not None:
        end_with_parent(arguments.parent, signal.SIGTERM)
    try:
        supervisor.run()
    except PermanentError as error:
        if error.code != "runtime_running":
            raise
        return RUNNING_ALREADY
    return 0


if __name__ == "__main__":
    sys.exit(main())
