"""Analysis of claimed media: decode once, fingerprint, store the features."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from rightscan.handling import handle_messages, parse
from rightscan.jobs.scan import scan
from rightscan.jobs.versions import scan_pipeline
from rightscan.ports import Ports
from rightscan.records.identity import scan_id
from rightscan.records.messages import ScanRequested
from rightscan.runtime import function_logger, function_metrics

logger = function_logger("scan")
metrics = function_metrics("scan")


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Analyse each requested media."""
    return handle_messages(event, context, logger, _one)


def _one(record: SQSRecord, world: Ports) -> dict[str, Any]:
    request = parse(ScanRequested, record.body)
    logger.append_keys(scan_id=scan_id(request.media_id, scan_pipeline(world.settings.engines)))
    outcome = scan(request, world, token=record.message_id)
    world.meter.count(f"Scan.{outcome}")
    return {"media_id": request.media_id, "outcome": outcome}
