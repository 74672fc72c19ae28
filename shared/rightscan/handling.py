"""What every queue-fed function does with its messages: permanent errors are recorded, transient ones return.

Logs carry ids, codes and places in the code; the text of an error goes to the record alone, since it may
hold a key, a title or a name.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel, ValidationError

from rightscan import runtime
from rightscan.errors import CancelledError, PermanentError, RightscanError, TransientError
from rightscan.jobs import incidents
from rightscan.ports import Ports
from rightscan.records.objects import Origin

M = TypeVar("M", bound=BaseModel)

Handle = Callable[[SQSRecord, Ports], dict[str, Any]]
"""Does the work of one message; returns what the log says of it."""


def handle_messages(
    event: dict[str, Any], context: LambdaContext, logger: Logger, handle: Handle
) -> PartialItemFailureResponse:
    """Handle a batch of queue messages one by one.

    Args:
        event: the event source mapping's event.
        context: the function's context.
        logger: the function's logger.
        handle: the work of one message.

    Returns:
        Which messages must come again.
    """
    for record in event.get("Records", [])[:1]:  # a batch comes from one queue
        runtime.mark_origin(origin_of(record["eventSourceARN"]))
    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, lambda record: _one(record, logger, handle), processor, context)


def origin_of(queue_arn: str) -> Origin:
    """Which way a queue's messages came; the queues of backfill have it in their names."""
    return "backfill" if "Backfill" in queue_arn.rpartition(":")[2] else "live"


def _one(record: SQSRecord, logger: Logger, handle: Handle) -> None:
    logger.remove_keys(["scan_id"])  # of the message before, which a warm function still remembers
    told: dict[str, Any] = {"message_id": record.message_id}
    try:
        told |= handle(record, runtime.ports())
    except CancelledError as error:
        logger.info("cancelled", extra={**told, "code": error.code})
    except PermanentError as error:
        incidents.record_event(runtime.ports(), record.body, error)
        logger.warning("permanent error, recorded", extra={**told, "code": error.code})
    except TransientError as error:
        logger.warning("transient error, comes again", extra={**told, "code": error.code})
        raise
    except Exception as error:
        logger.error("unexpected error", extra={**told, **describe(error)})  # noqa: TRY400 (its text stays out of the log)
        raise
    else:
        logger.info("done", extra=told)


def describe(error: BaseException) -> dict[str, Any]:
    """An unexpected error for the log: its type and where it came from, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    at = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-6:]]
    # A failure in the guarded child brings the places of the child's own code.
    return {"error": type(error).__name__, "at": [*at, *getattr(error, "places", ())]}


class UnexpectedError(Exception):
    """Something that nobody declares; the function's log has its type and place, and nobody else its text."""


_KINDS = ("PermanentError", "TransientError", "CancelledError", "UsageError")


def answer_question(
    event: dict[str, Any], context: LambdaContext, logger: Logger, answer: Callable[[Ports], BaseModel]
) -> dict[str, Any]:
    """Answer a synchronous call; an error of ours is an answer too, and raised again by the one who asked.

    Args:
        event: the question, of which the log says the kind.
        context: the function's context.
        logger: the function's logger.
        answer: gives the answer, or raises.

    Returns:
        ``{"answer": …}``, or ``{"error": {"kind", "code", "cause", "remedy"}}``.

    Raises:
        UnexpectedError: in the place of anything that is no ``RightscanError``, whose text may hold what was asked.
    """
    told = {"request_id": context.aws_request_id}
    try:
        given = answer(runtime.ports())
    except RightscanError as error:
        logger.warning("refused", extra={**told, "code": error.code})
        kind = next(base.__name__ for base in type(error).__mro__ if base.__name__ in _KINDS)
        return {"error": {"kind": kind, "code": error.code, "cause": error.cause, "remedy": error.remedy}}
    except Exception as error:  # noqa: BLE001 (whatever it is, it leaves under another name)
        logger.error("unexpected error", extra={**told, **describe(error)})  # noqa: TRY400
        raise UnexpectedError from None
    # Whoever got an answer asked one of the known questions: the word comes from us.
    logger.info("done", extra={**told, "kind": event.get("kind")})
    return {"answer": given.model_dump(mode="json", exclude_none=True)}


def parse(model: type[M], body: str) -> M:
    """A message body as its model.

    Raises:
        PermanentError: code ``event_shape``.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise PermanentError(
            "event_shape",
            f"the message is no {model.__name__}: {error.error_count()} problems",
            "Send messages of the schema in events/schemas to this queue; the message is kept as an incident.",
        ) from error
