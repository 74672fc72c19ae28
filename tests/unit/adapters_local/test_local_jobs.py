"""Jobs as child processes: their ends, their arguments, killed runners."""

from __future__ import annotations

import os
import signal
import time

import pytest

from rightscan.adapters.local.database import Database
from rightscan.adapters.local.jobs import MAX_ATTEMPTS, LocalJobs, run_job
from rightscan.errors import UsageError

# Ends with the test's folder too, since pytest keeps that only for a while; after 30 s in any case.
WAIT = (
    "import pathlib, sys, time\nended = pathlib.Path(sys.argv[1])\nlatest = time.monotonic() + 30\n"
    "while ended.parent.exists() and not ended.exists() and time.monotonic() < latest: time.sleep(0.01)"
)
COMMANDS = {
    "write": (
        "-c",
        "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])",
        "{path}",
        "{text}",
    ),
    "exit": ("-c", "import sys; sys.exit(int(sys.argv[1]))", "{status}"),
    "wait": ("-c", WAIT, "{path}"),
}


@pytest.fixture
def jobs(tmp_path):
    jobs = LocalJobs(Database(tmp_path / "store.sqlite", durable=False), tmp_path / "jobs", COMMANDS)
    yield jobs
    for row in rows(jobs):
        jobs.cancel(row["job_id"], "the test is over")


def rows(jobs):
    return jobs._database.connection().execute("SELECT * FROM jobs").fetchall()


def until(state, jobs, job_id):
    for _ in range(2000):
        if jobs.state(job_id) == state:
            return True
        time.sleep(0.01)
    return False


def test_a_job_ends_as_its_process_ends(jobs):
    for status, state in ((0, "succeeded"), (64, "failed")):
        job_id = jobs.submit("exit", {"status": str(status)}, name=f"exit-{status}")
        assert until(state, jobs, job_id)
        row = jobs._row(job_id)
        assert (row["exit_status"], row["attempts"]) == (status, 1)


def test_arguments_reach_the_process_as_they_are(jobs, tmp_path):
    text = "$(touch x); '\"{path} 각 🎵\n"
    job_id = jobs.submit("write", {"path": str(tmp_path / "out"), "text": text}, name="write")
    assert until("succeeded", jobs, job_id)
    assert (tmp_path / "out").read_text() == text
    with pytest.raises(UsageError) as caught:
        jobs.submit("write", {"path": "x"}, name="other")
    assert caught.value.code == "missing_argument"


def test_a_stopped_job_is_stopped(jobs, tmp_path):
    job_id = jobs.submit("wait", {"path": str(tmp_path / "go")}, name="wait")
    assert jobs.state(job_id) == "running"
    runner = jobs._row(job_id)["pid"]
    jobs.cancel(job_id, "superseded")
    assert jobs.state(job_id) == "failed"
    assert jobs._row(job_id)["reason"] == "superseded"
    os.waitpid(runner, 0)
    assert jobs.submit("wait", {"path": str(tmp_path / "go")}, name="wait") != job_id


def kill_runner(jobs, job_id):
    """Kill a job with its runner, and look until that is noticed."""
    before = jobs._row(job_id)
    os.killpg(before["pid"], signal.SIGKILL)
    os.waitpid(before["pid"], 0)
    while (row := jobs._row(job_id))["state"] == "running" and row["attempts"] == before["attempts"]:
        # A child of the runner that dies a moment later may still hold the lock.
        jobs.recover()
        time.sleep(0.01)


@pytest.mark.kill
def test_a_killed_runner_is_started_again_and_given_up_in_the_end(jobs, tmp_path):
    job_id = jobs.submit("wait", {"path": str(tmp_path / "go")}, name="wait")
    for attempt in range(1, MAX_ATTEMPTS + 1):
        row = jobs._row(job_id)
        assert (row["state"], row["attempts"]) == ("running", attempt)
        kill_runner(jobs, job_id)
    assert jobs.state(job_id) == "failed"
    assert "killed" in jobs._row(job_id)["reason"]


@pytest.mark.kill
def test_a_job_that_was_killed_once_can_still_succeed(jobs, tmp_path):
    job_id = jobs.submit("wait", {"path": str(tmp_path / "go")}, name="wait")
    kill_runner(jobs, job_id)
    assert jobs.state(job_id) == "running"
    (tmp_path / "go").touch()
    assert until("succeeded", jobs, job_id)


def test_a_second_runner_of_a_job_does_nothing(jobs, tmp_path):
    job_id = jobs.submit("wait", {"path": str(tmp_path / "go")}, name="wait")
    run_job(jobs._database, tmp_path / "jobs", job_id, ["-c", "raise SystemExit(1)"])
    assert jobs.state(job_id) == "running"
    assert jobs._row(job_id)["attempts"] == 1
