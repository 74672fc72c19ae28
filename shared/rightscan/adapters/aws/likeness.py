"""Asks the function ``likeness`` in one synchronous call: embeddings travel in it and are kept nowhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from rightscan import errors
from rightscan.adapters.aws.clients import aws_errors, late_client
from rightscan.errors import PermanentError, RightscanError, TransientError
from rightscan.records.vault import LikenessAnswer, LikenessAsk

if TYPE_CHECKING:
    from rightscan.ports import Ports

MOST_BYTES = 6 * 1024 * 1024
"""Of what Lambda takes in a synchronous call."""

_KINDS: dict[str, type[RightscanError]] = {
    kind.__name__: kind
    for kind in (errors.PermanentError, errors.TransientError, errors.CancelledError, errors.UsageError)
}


class LambdaLikeness:
    """The deployed function.

    Args:
        function_name: its name or ARN.
        client: a Lambda client; default: the process's own.
    """

    def __init__(self, function_name: str, client: Any = None) -> None:
        self._name = function_name
        self._client = client or late_client("lambda")

    def __call__(self, ask: LikenessAsk, ports: Ports) -> LikenessAnswer:  # noqa: ARG002 (the port's signature)
        """Ask, and raise what the function raised.

        Raises:
            PermanentError: ``message_too_large``; what the function says.
            TransientError: as ``aws_errors``; ``likeness_failed`` where the function ended without an answer.
        """
        payload = ask.model_dump_json().encode()
        if len(payload) > MOST_BYTES:
            raise PermanentError(
                "message_too_large",
                f"a question of {len(payload)} bytes to the function likeness",
                "Give fewer or shorter recordings.",
            )
        with aws_errors("the function likeness"):
            reply = self._client.invoke(FunctionName=self._name, Payload=payload)
        body = reply["Payload"].read()
        if "FunctionError" in reply:
            # What it says may hold anything; the function's own log has type and place.
            raise TransientError(
                "likeness_failed",
                "the function likeness failed",
                "It is tried again by itself; the log of likeness says where.",
            )
        return read_reply(json.loads(body))


def read_reply(reply: dict[str, Any]) -> LikenessAnswer:
    """The answer, or the error, in what the function returned; raises what the function raised."""
    error = reply.get("error")
    if error is not None:
        raise _KINDS[error["kind"]](error["code"], error["cause"], error["remedy"])
    return LikenessAnswer.model_validate(reply["answer"])
