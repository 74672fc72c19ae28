"""Registrations: catalogue files into the registers, recordings' sound into the index."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from rightscan import runtime
from rightscan.errors import PermanentError
from rightscan.handling import handle_messages, parse
from rightscan.jobs.index_build import build_index
from rightscan.jobs.register import fingerprint_reference, register_catalogue
from rightscan.ports import Ports
from rightscan.records.messages import ReferenceRequested, TestEvent, parse_s3_notification

logger = runtime.function_logger("register")
metrics = Metrics(namespace="rightscan", service="register")


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle the batch, then bring what it fingerprinted into the index.

    A failed index build fails the whole batch: its messages come again and find their work done but for it.
    """
    fingerprinted: list[str] = []
    response = handle_messages(
        event, context, logger, lambda record, world: _one(record, world, fingerprinted)
    )
    if fingerprinted:
        version = build_index(runtime.ports(), fingerprinted)
        logger.info("index built", extra={"index_version": version, "recordings": len(fingerprinted)})
    return response


def _one(record: SQSRecord, world: Ports, fingerprinted: list[str]) -> dict[str, Any]:
    if _is_reference(record.body):
        request = parse(ReferenceRequested, record.body)
        outcome = fingerprint_reference(request, world)
        fingerprinted.append(request.recording_id)
        world.meter.count(f"Reference.{outcome}")
        return {"registration_id": request.registration_id, "outcome": outcome}
    events = parse_s3_notification(record.body)
    if isinstance(events, TestEvent):
        world.meter.count("TestEvent")
        return {"outcomes": ["test_event"]}
    outcomes = [register_catalogue(change, world) for change in events]
    return {"objects": [change.ref.log_index for change in events], "outcomes": outcomes}


def _is_reference(body: str) -> bool:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise PermanentError(
            "event_shape",
            "the message is no JSON",
            "Send catalogue notifications to this queue and nothing else.",
        ) from error
    return isinstance(parsed, dict) and parsed.get("kind") == "reference"
