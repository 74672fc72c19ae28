"""The export of a period, asked for by the schedule or by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from rightscan.handling import handle_messages, parse
from rightscan.jobs.report import report
from rightscan.ports import Ports
from rightscan.records.messages import ReportRequested, ScheduledReport
from rightscan.rights.periods import kst_month, month_bounds
from rightscan.runtime import function_logger, function_metrics

logger = function_logger("report")
metrics = function_metrics("report")


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Write each requested report."""
    return handle_messages(event, context, logger, _one)


def _one(record: SQSRecord, world: Ports) -> dict[str, Any]:
    asked = parse(ScheduledReport, record.body)
    period = asked.period
    if period == "previous":
        # The schedule fires in the first days of a month for the month before, by Korean time.
        this_month, _ = month_bounds(kst_month(asked.scheduled_at or world.clock.now()))
        period = kst_month(this_month - timedelta(seconds=1))
    request = ReportRequested(period=period, request_id=asked.request_id, language=asked.language)
    outcome = report(request, world)
    world.meter.count(f"Report.{outcome}")
    return {"period": period, "request_id": request.request_id, "outcome": outcome}
