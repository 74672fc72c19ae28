"""Counters fed by the table's stream."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from rightscan import runtime
from rightscan.adapters.aws.items import item_of
from rightscan.handling import describe
from rightscan.jobs.count import count_change

logger = runtime.function_logger("counters")
metrics = runtime.function_metrics("counters")


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Count each change once."""
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
    return process_partial_response(event, _one, processor, context)


def _one(record: DynamoDBRecord) -> None:
    change: dict[str, Any] = record.raw_event["dynamodb"]
    try:
        items = {name: item_of(change[name]) for name in ("OldImage", "NewImage") if name in change}
        bodies = {name: item.body for name, item in items.items()}
        kind = items["NewImage"].kind if "NewImage" in items else ""
        count_change(bodies.get("OldImage"), bodies.get("NewImage"), kind, runtime.ports())
    except Exception as error:
        logger.error("change not counted", extra=describe(error))  # noqa: TRY400 (its text stays out of the log)
        raise
