"""The vault's only reader: comparisons for scan; enrolment, withdrawal and access for people."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from rightscan.handling import answer_question
from rightscan.jobs.voices.likeness import answer
from rightscan.ports import Ports
from rightscan.records.vault import LikenessAnswer, read_ask
from rightscan.runtime import function_logger, function_metrics

logger = function_logger("likeness")
metrics = function_metrics("likeness")


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one question."""
    return answer_question(event, context, logger, lambda world: _one(event, world))


def _one(event: dict[str, Any], world: Ports) -> LikenessAnswer:
    ask = read_ask(event)
    told = answer(ask, world)
    world.meter.count(f"Likeness.{ask.kind}")
    return told
