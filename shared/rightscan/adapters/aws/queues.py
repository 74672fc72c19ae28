"""Queues and dead letters over SQS."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rightscan.adapters.aws.clients import aws_errors, late_client
from rightscan.errors import PermanentError, UsageError
from rightscan.ports import DeadLetter
from rightscan.records.messages import MAX_EVENT_BYTES

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

_MAX_DELAY_S = 900
_LOOK_S = 120
"""While dead letters are looked through nobody else sees those already seen; at most this long."""


class SqsQueue:
    """One queue.

    Args:
        url: of the queue.
        client: an SQS client; default: the process's own.
    """

    def __init__(self, url: str, client: SQSClient | None = None) -> None:
        self._url = url
        self._client: SQSClient = client or late_client("sqs")

    def send(self, body: Mapping[str, Any], *, delay_s: int = 0) -> None:
        """Add a message; SQS delays by 15 minutes at most, a longer ``delay_s`` is cut to that."""
        # ASCII: SQS refuses characters that XML has not, which a file name may hold; JSON escapes them.
        text = json.dumps(body, separators=(",", ":"), allow_nan=False)
        if len(text) > MAX_EVENT_BYTES:
            raise PermanentError(
                "message_too_large",
                f"a message of {len(text)} bytes for {self._url.rpartition('/')[2]}",
                f"At most {MAX_EVENT_BYTES}: send a reference to an object instead.",
            )
        with aws_errors(f"queue {self._url}"):
            self._client.send_message(
                QueueUrl=self._url, MessageBody=text, DelaySeconds=min(delay_s, _MAX_DELAY_S)
            )


@dataclass(frozen=True)
class DeadLetterQueue:
    """A dead-letter queue and the queue it belongs to; ``None``: a stream's, which has no way back."""

    url: str
    source_url: str | None


class SqsDeadLetters:
    """The dead-letter queues of a deployment.

    Looking receives the messages and makes them visible again at the end: for two minutes at most a second
    looker sees fewer. SQS counts each look as a receive, so ``receives`` grows with them.

    Args:
        queues: by the name of the queue that a message failed in.
        client: an SQS client; default: the process's own.
        wait_s: how long to wait for further messages; without a wait SQS asks only some of its servers.
    """

    def __init__(
        self, queues: Mapping[str, DeadLetterQueue], client: SQSClient | None = None, *, wait_s: int = 1
    ) -> None:
        self._queues = queues
        self._client: SQSClient = client or late_client("sqs")
        self._wait_s = wait_s

    def show(self, limit: int = 100) -> list[DeadLetter]:
        """Messages that lie there, queue by queue; ``dead_since`` is when they were first sent."""
        letters: list[DeadLetter] = []
        for name, queue in self._queues.items():
            with self._look(queue.url) as messages:
                for message in messages:
                    if len(letters) == limit:
                        return letters
                    letters.append(_letter(name, message))
        return letters

    def redrive(self, queue: str | None = None, message_id: str | None = None) -> int:
        """Send messages back to their queues.

        One by one and not by SQS's move task: the count is exact, one message can be meant, and a stop in the
        middle delivers one message twice at worst.

        Raises:
            UsageError: codes ``unknown_queue``, ``not_redrivable`` (a stream's or the scheduler's).
        """
        if queue is not None:
            if queue not in self._queues:
                raise UsageError("unknown_queue", f"no queue {queue}", f"One of: {', '.join(self._queues)}.")
            if self._queues[queue].source_url is None:
                raise UsageError(
                    "not_redrivable",
                    f"what lies in {queue} came from no queue (a stream, the scheduler)",
                    "Follow the runbook of its alarm.",
                )
        done = 0
        for name, dead in self._queues.items():
            if dead.source_url is not None and queue in (None, name):
                done += self._take(dead.url, message_id, resend_to=dead.source_url)
        return done

    def drop(self, message_id: str) -> bool:
        """Delete one for good."""
        return any(self._take(dead.url, message_id) for dead in self._queues.values())

    def _take(self, url: str, message_id: str | None, *, resend_to: str | None = None) -> int:
        """Delete the message of this id, or all, having sent them on where that is asked for."""
        taken = 0
        with self._look(url) as messages:
            for message in messages:
                if message_id in (None, message["MessageId"]):
                    if resend_to is not None:
                        self._client.send_message(QueueUrl=resend_to, MessageBody=message["Body"])
                    self._client.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                    taken += 1
                    if message_id is not None:
                        break
        return taken

    @contextmanager
    def _look(self, url: str) -> Iterator[Iterator[MessageTypeDef]]:
        """The messages of a queue, each once; what was not deleted is visible again at the end."""
        seen: dict[str, str] = {}

        def messages() -> Iterator[MessageTypeDef]:
            while True:
                answer = self._client.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=10,
                    VisibilityTimeout=_LOOK_S,
                    WaitTimeSeconds=self._wait_s,
                    MessageSystemAttributeNames=["SentTimestamp", "ApproximateReceiveCount"],
                )
                fresh = [
                    message for message in answer.get("Messages", []) if message["MessageId"] not in seen
                ]
                seen.update(
                    {message["MessageId"]: message["ReceiptHandle"] for message in answer.get("Messages", [])}
                )
                if not fresh:
                    return
                yield from fresh

        with aws_errors(f"queue {url}"):
            try:
                yield messages()
            finally:
                receipts = list(seen.values())
                for start in range(0, len(receipts), 10):
                    # The answer names deleted messages as failed, which they are meant to be.
                    self._client.change_message_visibility_batch(
                        QueueUrl=url,
                        Entries=[
                            {"Id": str(number), "ReceiptHandle": receipt, "VisibilityTimeout": 0}
                            for number, receipt in enumerate(receipts[start : start + 10])
                        ],
                    )


def _letter(queue: str, message: MessageTypeDef) -> DeadLetter:
    facts = message["Attributes"]
    return DeadLetter(
        queue=queue,
        message_id=message["MessageId"],
        body=message["Body"],
        receives=int(facts["ApproximateReceiveCount"]),
        dead_since=datetime.fromtimestamp(int(facts["SentTimestamp"]) / 1000, UTC),
    )
