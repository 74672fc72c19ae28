"""One boto3 session per process, its clients, and what their failures mean to a caller."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from rightscan.errors import PermanentError, RightscanError, TransientError

# Standard mode: exponential backoff with jitter and a retry quota, so that an outage is not made worse.
# 30 s of silence is far above any answer these services give and far below a function's time limit.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 6},
    connect_timeout=3,
    read_timeout=30,
    max_pool_connections=16,
    tcp_keepalive=True,
)

_clients: dict[str, Any] = {}
_session: boto3.session.Session | None = None
_lock = threading.Lock()


def shared_client(service: str) -> Any:
    """The process's client of a service, made at the first call. Clients may be shared by threads.

    Raises:
        TransientError: code ``aws_unreachable`` where neither the environment nor a profile names a region.
    """
    global _session  # noqa: PLW0603 (one per process is the point)
    with _lock:
        if service not in _clients:
            with aws_errors(f"a client of {service}"):
                _session = _session or boto3.session.Session()
                _clients[service] = _session.client(service, config=_CONFIG)  # type: ignore[call-overload]
        return _clients[service]


class LateClient:
    """Stands for the process's client of a service until the first call needs it.

    A function gets all adapters and uses a few; each client it need not make saves 15 to 200 ms of its start.
    """

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(shared_client(self._service), name)


def late_client(service: str) -> Any:
    """The process's client of a service, made when it is first used."""
    return LateClient(service)


_BY_DATA = frozenset(
    {
        "InvalidMessageContents",
        "KeyTooLongError",
        "MetadataTooLarge",
        "EntityTooLarge",
    }
)
"""AWS's words for "what you sent can never be accepted".

DynamoDB's ValidationException is none of them: the item store checks sizes, keys and text itself, so what is
left of it is a table or index that is not as the code expects, which a deployment repairs.
"""

_BY_LOAD = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "RequestThrottled",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
        "ConditionalRequestConflict",
    }
)


def error_code(error: ClientError) -> str:
    """AWS's word for what went wrong; a HEAD request has only the HTTP status."""
    return str(error.response.get("Error", {}).get("Code", ""))


def translate(error: ClientError, what: str) -> RightscanError:
    """The failure as our tree of errors says it.

    Only what the data itself causes is permanent. A refused right or a missing table is a fault of the
    deployment: the message goes back to its queue and waits, if need be in the dead letters, for the repair.
    """
    word = error_code(error)
    cause = f"{what}: {word}"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if word in _BY_DATA:
        return PermanentError(
            "aws_refused", cause, "The value breaks a limit of the service; change the input."
        )
    if word in _BY_LOAD or "Throttl" in word:
        return TransientError(
            "aws_throttled", cause, "It is tried again by itself; lower the concurrency if it stays."
        )
    if status >= 500:
        return TransientError(
            "aws_unavailable", cause, "It is tried again by itself; see the region's health page."
        )
    if status in (401, 403) or "AccessDenied" in word:
        return TransientError("aws_denied", cause, "Give the role this right; the message waits until then.")
    return TransientError("aws_failed", cause, "Compare the deployment with the template; the message waits.")


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Turn the SDK's exceptions inside the block into ours.

    Args:
        what: names the object that was worked on.

    Raises:
        PermanentError: code ``aws_refused``; the service can never accept this value.
        TransientError: codes ``aws_throttled``, ``aws_unavailable``, ``aws_denied``, ``aws_failed``,
            ``aws_unreachable``.
    """
    try:
        yield
    except ClientError as error:
        raise translate(error, what) from error
    except ParamValidationError as error:
        raise PermanentError("aws_refused", f"{what}: {error}", "Change the input.") from error
    except BotoCoreError as error:
        raise TransientError(
            "aws_unreachable", f"{what}: {error}", "Check the network, the region and the credentials."
        ) from error
