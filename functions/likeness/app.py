"""The vault's only reader: comparisons for scan, enrolment and withdrawal for people."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import ValidationError

from rightscan import runtime
from rightscan.errors import PermanentError, RightscanError
from rightscan.handling import describe
from rightscan.jobs.likeness import answer
from rightscan.records.vault import LIKENESS_ASK, LikenessAsk

logger = runtime.function_logger("likeness")
metrics = runtime.function_metrics("likeness")


@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer one question; an error of ours is an answer too, and raised again by the one who asked."""
    try:
        ask = _parse(event)
        told = answer(ask, runtime.ports())
    except RightscanError as error:
        logger.warning("refused", extra={"code": error.code, "request_id": context.aws_request_id})
        kind = next(base.__name__ for base in type(error).__mro__ if base.__name__ in _KINDS)
        return {"error": {"kind": kind, "code": error.code, "cause": error.cause, "remedy": error.remedy}}
    except Exception as error:  # noqa: BLE001 (whatever it is, it leaves under another name)
        # Its text may hold what came with the question, and so would Lambda's own account of it.
        logger.error("unexpected error", extra=describe(error))  # noqa: TRY400
        raise UnexpectedError from None
    runtime.ports().meter.count(f"Likeness.{ask.kind}")
    logger.info("done", extra={"kind": ask.kind, "request_id": context.aws_request_id})
    return {"answer": told.to_json()}


_KINDS = ("PermanentError", "TransientError", "CancelledError", "UsageError")


class UnexpectedError(Exception):
    """Something that nobody declares; the log has its type and place."""


def _parse(event: dict[str, Any]) -> LikenessAsk:
    try:
        return LIKENESS_ASK.validate_python(event, strict=False)
    except ValidationError as error:
        raise PermanentError(
            "event_shape",
            f"the event is no question to likeness: {error.error_count()} problems",
            "Send messages of the schema in events/schemas; both sides must be of one version.",
        ) from None
