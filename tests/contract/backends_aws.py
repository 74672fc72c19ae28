"""The AWS adapters on moto, as one object that the contract tests take their adapters from."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import pytest
from botocore.client import BaseClient
from moto import mock_aws
from moto.batch.models import batch_backends
from moto.core import DEFAULT_ACCOUNT_ID

from rightscan.adapters.aws.clients import shared_client
from rightscan.adapters.aws.events import EventBridgeBus
from rightscan.adapters.aws.items import DynamoItems
from rightscan.adapters.aws.jobs import BatchJobs
from rightscan.adapters.aws.objects import S3Objects
from rightscan.adapters.aws.queues import DeadLetterQueue, SqsDeadLetters, SqsQueue
from rightscan.adapters.aws.vault import DynamoVaultItems, KmsMasterKey
from rightscan.adapters.items import INDEXES
from rightscan.adapters.vault import MasterKey, VaultItems
from rightscan.ports import DeadLetters, EventBus, Jobs, ObjectStore, Queue
from rightscan.records.objects import ObjectRef

REGION = "ap-northeast-2"
MAX_RECEIVES = 5
PROJECTIONS = {"recording": "ALL", "work": "KEYS_ONLY", "period": "ALL", "sound": "ALL"}


class AwsBackend:
    """One empty account. ``clock`` is ``None``: moto tells the time itself."""

    name = "aws"
    clock = None

    def __init__(self) -> None:
        self._queues: dict[str, DeadLetterQueue] = {}
        self._table: str | None = None
        self._bus = False
        self._vault: set[str] = set()
        self._key: str | None = None

    # ---- adapters ---------------------------------------------------------------------------------------
    def items(self, *, projection: str | None = None) -> DynamoItems:
        """The item store; ``projection`` is what its indexes hold, by default as in ``template.yaml``."""
        if self._table is None:
            self._table = "records"
            _make_table(self._table, projection)
        return DynamoItems(self._table)

    def objects(self, *buckets: str) -> ObjectStore:
        """The object store, with these versioned buckets."""
        s3 = shared_client("s3")
        for bucket in buckets:
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        return S3Objects()

    def queue(self, name: str) -> Queue:
        """A queue with its dead-letter queue."""
        if name not in self._queues:
            sqs = shared_client("sqs")
            dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
            arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"][
                "QueueArn"
            ]
            redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": MAX_RECEIVES})
            url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})["QueueUrl"]
            self._queues[name] = DeadLetterQueue(dead, url)
        return SqsQueue(self._queues[name].source_url or "")

    def dead_letters(self) -> DeadLetters:
        """The dead letters of all queues made so far."""
        return SqsDeadLetters(self._queues, wait_s=0)

    def events(self) -> EventBus:
        """The event bus."""
        if not self._bus:
            self._bus = True
            self.queue("bus-log")
            log = self._queues["bus-log"].source_url
            arn = shared_client("sqs").get_queue_attributes(QueueUrl=log, AttributeNames=["QueueArn"])[
                "Attributes"
            ]
            events = shared_client("events")
            events.create_event_bus(Name="rightscan")
            pattern = json.dumps({"source": ["rightscan"]})
            events.put_rule(Name="all", EventBusName="rightscan", EventPattern=pattern)
            events.put_targets(
                Rule="all", EventBusName="rightscan", Targets=[{"Id": "log", "Arn": arn["QueueArn"]}]
            )
        return EventBridgeBus("rightscan")

    def jobs(self, *job_types: str) -> Jobs:
        """Batch jobs of these types; moto ends a job well at once, ``hold_job`` takes that back."""
        _make_batch(job_types)
        return BatchJobs("jobs", {job_type: job_type for job_type in job_types})

    def vault_items(self, name: str) -> VaultItems:
        """A store of the vault: ``templates`` or ``keys``."""
        if name not in self._vault:
            self._vault.add(name)
            shared_client("dynamodb").create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("PK", "SK")],
                KeySchema=_schema("PK", "SK"),
            )
        return DynamoVaultItems(name)

    def master_key(self) -> MasterKey:
        """What wraps the data keys."""
        if self._key is None:
            self._key = shared_client("kms").create_key()["KeyMetadata"]["Arn"]
        return KmsMasterKey(self._key)

    # ---- what a test does around them -------------------------------------------------------------------
    def delete_object(self, ref: ObjectRef) -> None:
        """Delete as S3 does: the latest gets a marker, a named version is gone."""
        version = {} if ref.version == "null" else {"VersionId": ref.version}
        shared_client("s3").delete_object(Bucket=ref.bucket, Key=ref.key, **version)

    def receive(self, name: str) -> list[str]:
        """All visible bodies of a queue, taken out of it."""
        return _drain(self._queues[name].source_url or "")

    def bury(self, name: str) -> None:
        """Fail the queue's messages until they are dead letters."""
        sqs, url = shared_client("sqs"), self._queues[name].source_url
        while sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0).get("Messages"):
            pass

    def published(self) -> list[tuple[str, dict[str, Any]]]:
        """Detail types and details of what was announced since the last call."""
        events = [json.loads(body) for body in self.receive("bus-log")]
        return [(event["detail-type"], event["detail"]) for event in events]

    def hold_job(self, job_id: str) -> None:
        """Make a job one that still runs and that can be stopped."""
        job = batch_backends[DEFAULT_ACCOUNT_ID][REGION]._jobs[job_id]
        job.status, job.job_stopped = "RUNNING", False
        job.terminate = lambda _: job._mark_stopped(success=False)


@contextmanager
def aws_backend() -> Iterator[AwsBackend]:
    """An empty account in moto's memory, with a region and without anybody's profile."""
    environment = {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    one_at_a_time, call = threading.RLock(), BaseClient._make_api_call

    def locked_call(*arguments):
        # Each request of DynamoDB is atomic; moto's are not, where threads meet.
        with one_at_a_time:
            return call(*arguments)

    with (
        mock.patch.dict(os.environ, environment),
        mock_aws(config={"batch": {"use_docker": False}}),
        mock.patch.object(BaseClient, "_make_api_call", locked_call),
    ):
        yield AwsBackend()


@pytest.fixture
def aws() -> Iterator[AwsBackend]:
    with aws_backend() as backend:
        yield backend


def _make_table(name: str, projection: str | None) -> None:
    keys = ["PK", "SK", *(f"{index}_{part}" for index in INDEXES for part in ("pk", "sk"))]
    shared_client("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=_schema("PK", "SK"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": _schema(f"{index}_pk", f"{index}_sk"),
                "Projection": {"ProjectionType": projection or PROJECTIONS[index]},
            }
            for index in INDEXES
        ],
    )


def _schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]


def _make_batch(job_types: tuple[str, ...]) -> None:
    batch, iam = shared_client("batch"), shared_client("iam")
    role = iam.create_role(RoleName="batch", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    environment = batch.create_compute_environment(
        computeEnvironmentName="none", type="UNMANAGED", state="ENABLED", serviceRole=role
    )["computeEnvironmentArn"]
    batch.create_job_queue(
        jobQueueName="jobs",
        state="ENABLED",
        priority=1,
        computeEnvironmentOrder=[{"order": 1, "computeEnvironment": environment}],
    )
    for job_type in job_types:
        batch.register_job_definition(
            jobDefinitionName=job_type,
            type="container",
            containerProperties={"image": "none", "vcpus": 1, "memory": 128, "command": ["true"]},
        )


def _drain(url: str) -> list[str]:
    sqs, bodies = shared_client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            bodies.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return bodies
