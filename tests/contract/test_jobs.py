"""Heavy work, as child processes and on Batch (moto ends a job at once unless a test holds it)."""

from __future__ import annotations

import pytest

from rightscan.errors import PermanentError, UsageError


@pytest.fixture
def jobs(backend):
    return backend.jobs("video", "index")


def test_a_job_is_known_from_its_start(backend, jobs):
    job_id = jobs.submit("video", {"media_id": "m"}, name="video-m")
    backend.hold_job(job_id)
    assert jobs.state(job_id) in {"waiting", "running"}


def test_a_name_runs_once_at_a_time(backend, jobs):
    job_id = jobs.submit("video", {"media_id": "m"}, name="video m/각")
    backend.hold_job(job_id)
    assert jobs.submit("video", {"media_id": "m"}, name="video m/각") == job_id
    other = jobs.submit("video", {"media_id": "n"}, name="video n")
    assert other != job_id


def test_stopping_a_job_may_be_repeated(backend, jobs):
    # How it ends is each backend's own test: moto does not stop a held job, and Batch takes half a minute.
    job_id = jobs.submit("video", {"media_id": "m"}, name="video-m")
    backend.hold_job(job_id)
    for _ in range(2):
        jobs.cancel(job_id, "superseded")


def test_what_is_not_known_is_told(jobs):
    with pytest.raises(UsageError) as caught:
        jobs.submit("unknown", {}, name="x")
    assert caught.value.code == "unknown_job_type"
    with pytest.raises(PermanentError) as caught:
        jobs.state("00000000-0000-0000-0000-000000000000")
    assert caught.value.code == "unknown_job"
