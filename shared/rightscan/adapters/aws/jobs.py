"""Heavy work over AWS Batch."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rightscan.adapters.aws.clients import aws_errors, late_client
from rightscan.errors import PermanentError, UsageError

if TYPE_CHECKING:
    from mypy_boto3_batch import BatchClient

_STATES = {
    "SUBMITTED": "waiting",
    "PENDING": "waiting",
    "RUNNABLE": "waiting",
    "STARTING": "running",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
}


class BatchJobs:
    """Jobs in one Batch queue; its compute environments (Spot first, on-demand second) are the template's.

    Args:
        queue: name or ARN of the job queue.
        definitions: job type to the name or ARN of its job definition. A job's arguments are the
            definition's parameters, which its command names as ``Ref::<argument>``.
        client: a Batch client; default: the process's own.
    """

    def __init__(self, queue: str, definitions: Mapping[str, str], client: BatchClient | None = None) -> None:
        self._queue = queue
        self._definitions = definitions
        self._client: BatchClient = client or late_client("batch")

    def submit(self, job_type: str, arguments: Mapping[str, str], *, name: str) -> str:
        """Start a job, or return the id of one of that name that has not ended.

        Two submitters at one moment may both start one: a job's results are written conditionally.

        Raises:
            UsageError: code ``unknown_job_type``.
        """
        if job_type not in self._definitions:
            raise UsageError(
                "unknown_job_type", f"no job type {job_type}", f"One of: {', '.join(self._definitions)}."
            )
        job_name = _job_name(name)
        with aws_errors(f"job {name}"):
            pages = self._client.get_paginator("list_jobs").paginate(
                jobQueue=self._queue, filters=[{"name": "JOB_NAME", "values": [job_name]}]
            )
            for page in pages:
                for job in page["jobSummaryList"]:
                    if job["jobName"] == job_name and _STATES[job["status"]] in ("waiting", "running"):
                        return job["jobId"]
            return self._client.submit_job(
                jobName=job_name,
                jobQueue=self._queue,
                jobDefinition=self._definitions[job_type],
                parameters=dict(arguments),
            )["jobId"]

    def state(self, job_id: str) -> str:
        """``waiting``, ``running``, ``succeeded`` or ``failed``.

        Raises:
            PermanentError: code ``unknown_job``; Batch forgets a job some days after its end.
        """
        with aws_errors(f"job {job_id}"):
            jobs = self._client.describe_jobs(jobs=[job_id])["jobs"]
        if not jobs:
            raise PermanentError(
                "unknown_job", f"no job {job_id}", "Submit it again if its results are not there."
            )
        return _STATES[jobs[0]["status"]]

    def cancel(self, job_id: str, reason: str) -> None:
        """Stop a job that has not ended; it gets a SIGTERM and half a minute."""
        with aws_errors(f"job {job_id}"):
            # Unlike CancelJob this stops running ones too.
            self._client.terminate_job(jobId=job_id, reason=reason)


def _job_name(name: str) -> str:
    """The name as Batch allows it: 128 letters, digits, ``-`` and ``_``; others get a hash to stay apart."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}", name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{re.sub(r'[^A-Za-z0-9_-]', '-', name)[:100]}-{digest}".lstrip("-_")
