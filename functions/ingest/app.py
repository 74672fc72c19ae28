"""Uploads and backfill: custody, probe, claim, route."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from rightscan.handling import handle_messages, origin_of
from rightscan.jobs.ingest import ingest
from rightscan.ports import Ports
from rightscan.records.messages import TestEvent, parse_s3_notification
from rightscan.runtime import function_logger, function_metrics

logger = function_logger("ingest")
metrics = function_metrics("ingest")


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Take each uploaded object into work."""
    return handle_messages(event, context, logger, _one)


def _one(record: SQSRecord, world: Ports) -> dict[str, Any]:
    events = parse_s3_notification(record.body, origin_of(record.event_source_arn))
    if isinstance(events, TestEvent):
        world.meter.count("TestEvent")
        return {"outcomes": ["test_event"]}
    outcomes = [ingest(change, world) for change in events]
    for outcome in outcomes:
        world.meter.count(f"Ingest.{outcome}")
    return {"objects": [change.ref.log_index for change in events], "outcomes": outcomes}
