"""Stored features against the live index: matches, findings, uses."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from rightscan.handling import handle_messages, parse
from rightscan.jobs.match import match
from rightscan.ports import Ports
from rightscan.records.messages import MatchRequested
from rightscan.runtime import function_logger, function_metrics

logger = function_logger("match")
metrics = function_metrics("match")


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Give each media its verdict."""
    return handle_messages(event, context, logger, _one)


def _one(record: SQSRecord, world: Ports) -> dict[str, Any]:
    request = parse(MatchRequested, record.body)
    outcome = match(request, world, seen=lambda scan_id: logger.append_keys(scan_id=scan_id))
    world.meter.count(f"Match.{outcome}")
    return {"media_id": request.media_id, "outcome": outcome}
