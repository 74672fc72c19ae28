"""How a batch reaches a handler and what its answer means: Lambda's event source mappings.

The worker processes and the in-process runtime of the tests deliver through this module alone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rightscan.adapters.aws import attributes
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.patterns import matches
from rightscan.adapters.local.queues import LocalQueue, Message, insert_dead_letter
from rightscan.adapters.local.wiring import Function, QueueSource, StreamSource
from rightscan.errors import PermanentError
from rightscan.ports import Clock
from rightscan.records.base import canonical_json
from rightscan.runtime import ENGINE_VARIABLES, LocalPaths

Handler = Callable[[Any, Any], Any]
Invoke = Callable[[dict[str, Any]], Any]
"""An event to the handler's answer; raises what the handler raises."""
OnError = Callable[[Exception], None]

_ACCOUNT = "000000000000"
_MOST_DELAY_S = 60.0
_STREAM_DELAYS_S = (0.2, 10.0)


def retry_delay(receives: int) -> float:
    """Seconds until a failed message is tried again: 1, 4, 16, then 60.

    SQS waits for the end of the visibility, six times the function's time limit, because it cannot know
    that the function is gone. Here it is known.
    """
    return min(4.0 ** (receives - 1), _MOST_DELAY_S)


def load_handler(function: Function) -> Handler:
    """Import a function's handler from its folder.

    Raises:
        PermanentError: code ``no_handler`` where file or attribute is missing.
        Exception: whatever the module raises at import.
    """
    module_name, _, attribute = function.handler.rpartition(".")
    path = function.folder / f"{module_name.replace('.', '/')}.py"
    # All functions call their module "app"; under a name of its own each can live beside the others.
    name = f"rightscan_function_{function.name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise PermanentError(
            "no_handler", f"{function.name}: there is no {path}", "Compare the template with functions/."
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    handler: Handler | None = getattr(module, attribute, None)
    if handler is None:
        raise PermanentError(
            "no_handler", f"{path} has no {attribute}", "Compare the template with functions/."
        )
    return handler


def local_environment(function: Function, paths: LocalPaths) -> dict[str, str]:
    """A function's environment on one machine: the template's with the local store in the place of AWS.

    Args:
        function: with the environment of the template.
        paths: of the local store.
    """
    changed = {"RIGHTSCAN_BACKEND": "local", "RIGHTSCAN_HOME": str(paths.home)}
    # A person's own settings of the engines come before the template's defaults, as a deployment's do.
    changed |= {name: os.environ[name] for name in ENGINE_VARIABLES if os.environ.get(name)}
    if "RIGHTSCAN_INDEX_CACHE" in function.environment:
        changed["RIGHTSCAN_INDEX_CACHE"] = str(paths.index_cache)
    return {**function.environment, **changed, "AWS_LAMBDA_FUNCTION_NAME": function.name}


class Context:
    """What Lambda passes beside the event."""

    def __init__(self, function: Function) -> None:
        self.function_name = function.name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:local:{_ACCOUNT}:function:{function.name}"
        self.memory_limit_in_mb = function.memory_mb
        self.aws_request_id = str(uuid.uuid4())
        self.log_group_name = f"/aws/lambda/{function.name}"
        self.log_stream_name = "local"
        self._deadline = time.monotonic() + function.timeout_s

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function is killed."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


# ---- events and answers ---------------------------------------------------------------------------------
def sqs_event(queue: str, messages: Sequence[Message]) -> dict[str, Any]:
    """The event that Lambda makes of a batch of SQS messages."""
    return {
        "Records": [
            {
                "messageId": message.message_id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": str(message.receives),
                    "SentTimestamp": str(int(message.sent_at.timestamp() * 1000)),
                    "SenderId": _ACCOUNT,
                    "ApproximateFirstReceiveTimestamp": str(int(message.sent_at.timestamp() * 1000)),
                },
                "messageAttributes": {},
                "md5OfBody": hashlib.md5(message.body.encode(), usedforsecurity=False).hexdigest(),
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:local:{_ACCOUNT}:{queue}",
                "awsRegion": "local",
            }
            for message in messages
        ]
    }


@dataclass(frozen=True)
class Change:
    """One write to an item: its JSON bodies before and after."""

    number: int
    at: float
    pk: str
    sk: str
    kind: str
    old: str | None
    new: str | None


def stream_event(table: str, changes: Sequence[Change]) -> dict[str, Any]:
    """The event that Lambda makes of a batch of DynamoDB stream records (NEW_AND_OLD_IMAGES).

    The images carry the attributes of ``adapters.aws.items`` without the index entries. Their ``version``
    is the change's number: it grows with each write as the item's own does, and is not that.
    """
    return {"Records": [_stream_record(table, change) for change in changes]}


def _stream_record(table: str, change: Change) -> dict[str, Any]:
    key = {"PK": {"S": change.pk}, "SK": {"S": change.sk}}
    images = {
        name: {
            **key,
            "kind": {"S": change.kind},
            "version": {"N": str(version)},
            "body": attributes.encode(json.loads(body)),
        }
        for name, version, body in (
            ("OldImage", change.number - 1, change.old),
            ("NewImage", change.number, change.new),
        )
        if body is not None
    }
    name = "INSERT" if change.old is None else "REMOVE" if change.new is None else "MODIFY"
    return {
        "eventID": hashlib.sha256(f"{table}/{change.number}".encode()).hexdigest()[:32],
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "dynamodb": {
            "ApproximateCreationDateTime": int(change.at),
            "Keys": key,
            **images,
            "SequenceNumber": str(change.number),
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": f"arn:aws:dynamodb:local:{_ACCOUNT}:table/{table}/stream/local",
    }


def failed_items(answer: Any, known: Sequence[str]) -> set[str]:
    """The identifiers that an answer reports as failed, by the rules of ``ReportBatchItemFailures``.

    Args:
        answer: what the handler returned.
        known: the identifiers of the batch.

    Returns:
        None of them where the answer is empty; all of them where it is malformed or names an unknown one,
        because what failed cannot be told then.
    """
    if answer is None or answer == {}:
        return set()
    items = answer.get("batchItemFailures", known) if isinstance(answer, Mapping) else known
    if items is None:
        return set()
    if not isinstance(items, list):
        return set(known)
    failed = {str(item.get("itemIdentifier")) if isinstance(item, Mapping) else "" for item in items}
    return failed if failed <= set(known) else set(known)


# ---- consumers ------------------------------------------------------------------------------------------
class QueueConsumer:
    """Feeds a function from one queue.

    Args:
        source: the mapping.
        database: the store.
        clock: the queue's clock.
        holder: names this process as holder of the messages in hand.
    """

    def __init__(
        self, source: QueueSource, database: Database, clock: Clock, holder: str | None = None
    ) -> None:
        self.source = source
        self._queue = LocalQueue(source.queue, database, clock)
        self._holder = holder

    def take(self, limit: int | None = None) -> list[Message]:
        """Messages for one batch, or up to ``limit``."""
        return self._queue.receive(limit or self.source.batch_size, holder=self._holder)

    def deliver(
        self,
        messages: Sequence[Message],
        invoke: Invoke,
        on_error: OnError,
        again: Callable[[Message], float | None] = lambda _: None,
    ) -> None:
        """Hand a batch to the function; acknowledge what it did, give back what failed.

        Args:
            messages: in hand.
            invoke: the function.
            on_error: is told of an exception, which fails the whole batch.
            again: seconds after which a message comes again although it was done, as if its
                acknowledgement had been lost; ``None``: it does not.
        """
        known = [message.message_id for message in messages]
        try:
            answer = invoke(sqs_event(self.source.queue, messages))
        except Exception as error:  # noqa: BLE001 (whatever it is, the batch returns to its queue)
            on_error(error)
            failed = set(known)
        else:
            failed = failed_items(answer, known) if self.source.partial_failures else set()
        for message in messages:
            if message.message_id in failed:
                self._queue.release(message, delay_s=retry_delay(message.receives))
            elif (delay := again(message)) is not None:
                self._queue.release(message, delay_s=delay)
            else:
                self._queue.acknowledge(message)

    def step(self, invoke: Invoke, on_error: OnError) -> bool:
        """Take and deliver one batch; ``False`` where there was none."""
        messages = self.take()
        if messages:
            self.deliver(messages, invoke, on_error)
        return bool(messages)


class StreamConsumer:
    """Feeds a function from the change log, in order, one batch at a time.

    The position moves after the function has succeeded. Attempts are counted in the store before each of
    them, so that a change that kills its worker is counted too. After ``max_retries`` the changes are given
    up: a notice in the shape of Lambda's goes to the on-failure queue.
    """

    def __init__(self, source: StreamSource, database: Database, clock: Clock) -> None:
        self.source = source
        self._database = database
        self._clock = clock
        self._not_before = 0.0

    def due_in(self) -> float | None:
        """Seconds until there is something to deliver (0: now); ``None`` where nothing waits."""
        position, _ = self._reader()
        row = (
            self._database.connection()
            .execute("SELECT 1 FROM changes WHERE id>? LIMIT 1", (position,))
            .fetchone()
        )
        return None if row is None else max(0.0, self._not_before - self._now())

    def step(self, invoke: Invoke, on_error: OnError) -> bool:
        """Deliver one batch; ``False`` where none was due."""
        if self._now() < self._not_before:
            return False
        position, attempts = self._reader()
        changes = self._read(position, self._size(attempts))
        if not changes:
            return False
        wanted = [change for change in changes if self._wants(change)]
        if not wanted:
            self._move(changes[-1].number, 0)
            return True
        self._move(position, attempts + 1)
        known = [str(change.number) for change in wanted]
        reported = False
        try:
            answer = invoke(stream_event(self.source.table, wanted))
        except Exception as error:  # noqa: BLE001 (whatever it is, the batch is tried again)
            on_error(error)
            failed = set(known)
        else:
            failed = failed_items(answer, known) if self.source.partial_failures else set()
            reported = True
        first = min((int(number) for number in failed), default=None)
        if first is None:
            self._move(changes[-1].number, 0)
        elif first > wanted[0].number:
            # Everything before the first failure is done; from there on it is a new batch.
            self._move(first - 1, 0)
        elif self._exhausted(attempts + 1):
            self._give_up(wanted[:1] if reported else wanted, attempts + 1)
        else:
            shortest, longest = _STREAM_DELAYS_S
            self._not_before = self._now() + min(shortest * 2**attempts, longest)
        return True

    def _wants(self, change: Change) -> bool:
        patterns = self.source.patterns
        record = _stream_record(self.source.table, change) if patterns else {}
        return not patterns or any(matches(pattern, record) for pattern in patterns)

    def _size(self, attempts: int) -> int:
        """The batch size after so many failures at one position."""
        return max(1, self.source.batch_size >> attempts) if self.source.bisect else self.source.batch_size

    def _exhausted(self, attempts: int) -> bool:
        if self.source.max_retries is None:
            return False
        # Halvings until one change stands alone are not retries, as with Lambda.
        halvings = self.source.batch_size.bit_length() - 1 if self.source.bisect else 0
        return attempts > halvings + self.source.max_retries

    def _give_up(self, changes: Sequence[Change], attempts: int) -> None:
        notice = {
            "version": "1.0",
            "timestamp": self._clock.now().isoformat(),
            "requestContext": {
                "functionArn": f"arn:aws:lambda:local:{_ACCOUNT}:function:{self.source.function}",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": attempts,
            },
            "DDBStreamBatchInfo": {
                "shardId": "local",
                "startSequenceNumber": str(changes[0].number),
                "endSequenceNumber": str(changes[-1].number),
                "approximateArrivalOfFirstRecord": datetime.fromtimestamp(changes[0].at, UTC).isoformat(),
                "approximateArrivalOfLastRecord": datetime.fromtimestamp(changes[-1].at, UTC).isoformat(),
                "batchSize": len(changes),
                "streamArn": f"arn:aws:dynamodb:local:{_ACCOUNT}:table/{self.source.table}/stream/local",
            },
        }
        with self._database.transaction() as connection:
            if self.source.on_failure is not None:
                insert_dead_letter(
                    connection, self.source.on_failure, canonical_json(notice), now=self._now()
                )
            connection.execute(
                "UPDATE change_readers SET position=?, attempts=0 WHERE reader=?",
                (changes[-1].number, self.source.function),
            )

    def _reader(self) -> tuple[int, int]:
        row = (
            self._database.connection()
            .execute("SELECT position, attempts FROM change_readers WHERE reader=?", (self.source.function,))
            .fetchone()
        )
        if row is None:
            raise PermanentError(
                "unknown_reader",
                f"this store has no stream reader {self.source.function}",
                "Apply the template's wiring to the store.",
            )
        return row["position"], row["attempts"]

    def _read(self, position: int, limit: int) -> list[Change]:
        rows = self._database.connection().execute(
            "SELECT id, at, pk, sk, kind, old, new FROM changes WHERE id>? ORDER BY id LIMIT ?",
            (position, limit),
        )
        return [Change(*row) for row in rows.fetchall()]

    def _move(self, position: int, attempts: int) -> None:
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE change_readers SET position=?, attempts=? WHERE reader=?",
                (position, attempts, self.source.function),
            )

    def _now(self) -> float:
        return self._clock.now().timestamp()
