"""Jobs as child processes that outlive whoever started them.

A job runs under a small runner process (this module as a program) that writes down how it ended. The
runner holds a lock on a file for as long as it lives: a job recorded as unfinished whose lock is free has
lost its runner, and is started again or, after its last attempt, failed. No process number is trusted.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from rightscan.adapters.local.database import Database
from rightscan.errors import PermanentError, UsageError

MAX_ATTEMPTS = 3
"""How often a job is started whose runner was killed; a job that fails by itself is not started again."""

_END = (
    "UPDATE jobs SET state=?, exit_status=?, reason=?, ended_at=?"
    " WHERE job_id=? AND state IN ('waiting', 'running') RETURNING pid"
)
_RUN = (
    "UPDATE jobs SET state='running', attempts=attempts+1, pid=?"
    " WHERE job_id=? AND state IN ('waiting', 'running') RETURNING job_id"
)


class LocalJobs:
    """Implements ``ports.Jobs``.

    Args:
        database: the store.
        folder: for the jobs' locks and logs; made where it is missing.
        commands: job type to the arguments after ``python``, where ``{argument}`` stands for one, e.g.
            ``("-m", "rightscan.jobs.video", "--media", "{media_id}")``.
    """

    def __init__(self, database: Database, folder: Path, commands: Mapping[str, Sequence[str]]) -> None:
        self._database = database
        self._folder = folder
        self._commands = commands
        folder.mkdir(parents=True, exist_ok=True)

    def submit(self, job_type: str, arguments: Mapping[str, str], *, name: str) -> str:
        """Start a job, or return the id of one of that name that has not ended.

        Raises:
            UsageError: codes ``unknown_job_type``, ``missing_argument``.
        """
        command = self._command(job_type, arguments)
        self.recover()
        with self._database.transaction() as connection:
            row = connection.execute(
                "SELECT job_id FROM jobs WHERE name=? AND state IN ('waiting', 'running')", (name,)
            ).fetchone()
            if row is not None:
                return str(row["job_id"])
            job_id = str(uuid.uuid4())
            connection.execute(
                "INSERT INTO jobs (job_id, name, job_type, arguments, state, submitted_at)"
                " VALUES (?,?,?,?,'waiting',?)",
                (job_id, name, job_type, json.dumps(dict(arguments)), time.time()),
            )
        self._start(job_id, command)
        return job_id

    def state(self, job_id: str) -> str:
        """``waiting``, ``running``, ``succeeded`` or ``failed``.

        Raises:
            PermanentError: code ``unknown_job``.
        """
        self.recover()
        return str(self._row(job_id)["state"])

    def cancel(self, job_id: str, reason: str) -> None:
        """Stop a job that has not ended, with SIGTERM to it and its children."""
        self._row(job_id)
        row = _end(self._database, job_id, None, reason)
        if row is not None and row["pid"] is not None and self._has_runner(job_id):
            with suppress(ProcessLookupError):
                os.killpg(row["pid"], signal.SIGTERM)

    def recover(self) -> None:
        """Start unfinished jobs again whose runner is gone, or fail them after their last attempt."""
        rows = (
            self._database.connection()
            .execute("SELECT * FROM jobs WHERE state IN ('waiting', 'running')")
            .fetchall()
        )
        for row in rows:
            if self._has_runner(row["job_id"]):
                continue
            if row["attempts"] >= MAX_ATTEMPTS:
                _end(self._database, row["job_id"], None, f"its process was killed {MAX_ATTEMPTS} times")
            else:
                self._start(row["job_id"], self._command(row["job_type"], json.loads(row["arguments"])))

    def _row(self, job_id: str) -> sqlite3.Row:
        row: sqlite3.Row | None = (
            self._database.connection().execute("SELECT * FROM jobs WHERE job_id=?", (job_id,)).fetchone()
        )
        if row is None:
            raise PermanentError(
                "unknown_job", f"no job {job_id}", "Submit it again if its results are not there."
            )
        return row

    def _command(self, job_type: str, arguments: Mapping[str, str]) -> list[str]:
        if job_type not in self._commands:
            raise UsageError(
                "unknown_job_type", f"no job type {job_type}", f"One of: {', '.join(self._commands)}."
            )
        try:
            return [part.format_map(arguments) for part in self._commands[job_type]]
        except KeyError as error:
            raise UsageError(
                "missing_argument", f"{job_type} needs {error}", "Pass every argument."
            ) from error

    def _has_runner(self, job_id: str) -> bool:
        with _lock(self._folder / f"{job_id}.lock") as taken:
            return not taken

    def _start(self, job_id: str, command: Sequence[str]) -> None:
        runner = ["-m", "rightscan.adapters.local.jobs", str(self._database.path), str(self._folder), job_id]
        with (self._folder / f"{job_id}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 (the commands are our own table)
                [sys.executable, *runner, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        # The runner speaks once it holds its lock: before that a second look would start a second runner.
        with process.stdout:  # type: ignore[union-attr]
            process.stdout.read(1)  # type: ignore[union-attr]


@contextmanager
def _lock(path: Path) -> Iterator[bool]:
    """Try to lock the file for the block; says whether it is ours."""
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _end(database: Database, job_id: str, exit_status: int | None, reason: str | None) -> sqlite3.Row | None:
    """Record how a job ended; ``None`` where that was known already."""
    with database.transaction() as connection:
        row: sqlite3.Row | None = connection.execute(
            _END, ("succeeded" if exit_status == 0 else "failed", exit_status, reason, time.time(), job_id)
        ).fetchone()
    return row


def run_job(database: Database, folder: Path, job_id: str, command: Sequence[str]) -> None:
    """Run a job to its end and record it; does nothing where another runner has it, or it was cancelled."""
    with _lock(folder / f"{job_id}.lock") as ours:
        if not ours:
            return
        with database.transaction() as connection:
            row = connection.execute(_RUN, (os.getpid(), job_id)).fetchone()
        os.write(1, b".")
        if row is None:
            return
        # The job's output goes to the log: nobody reads the pipe to the submitter any more.
        done = subprocess.run([sys.executable, *command], stdout=2, check=False)  # noqa: S603 (our own table)
        reason = None if done.returncode == 0 else f"exit status {done.returncode}"
        _end(database, job_id, done.returncode, reason)


if __name__ == "__main__":
    run_job(Database(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
