"""Registrations: catalogue files into the registers, recordings' sound into the index."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from rightscan import runtime
from rightscan.handling import handle_messages
from rightscan.jobs.index_build import build_index
from rightscan.jobs.register import register
from rightscan.ports import Ports

logger = runtime.function_logger("register")
metrics = runtime.function_metrics("register")


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Handle the batch, then bring what it fingerprinted into the index; that failing, all of it comes again."""
    fingerprinted: list[str] = []

    def one(record: SQSRecord, world: Ports) -> dict[str, Any]:
        told = register(record.body, world)
        fingerprinted.extend(told.pop("recordings", ()))
        return told

    response = handle_messages(event, context, logger, one)
    if fingerprinted:
        version = build_index(runtime.ports(), fingerprinted)
        logger.info("index built", extra={"index_version": version, "recordings": len(fingerprinted)})
    return response
