"""The item store over one DynamoDB table."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rightscan.adapters.aws import attributes
from rightscan.adapters.aws.attributes import Attribute
from rightscan.adapters.aws.clients import aws_errors, error_code, late_client
from rightscan.adapters.items import Add, ConditionFailed, Item, Put
from rightscan.errors import PermanentError, TransientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MAX_ITEM_BYTES = 400 * 1024
MAX_PK_BYTES, MAX_SK_BYTES = 2048, 1024
MAX_WRITES = 100
"""Of one transaction."""

_BATCH = 100  # keys of one BatchGetItem
_ATTEMPTS = 6


class DynamoItems:
    """Items of one table with the key ``PK``, ``SK`` and the sparse indexes of ``adapters.items``.

    The attributes are ``kind``, ``version``, ``body`` (a native map), ``<index>_pk`` and ``<index>_sk``; a
    counter keeps its sum in ``added``, since DynamoDB adds to top-level attributes only. ``expires`` is the
    table's time to live, s since 1970.

    Args:
        table_name: the table.
        client: a DynamoDB client; default: the process's own.
    """

    def __init__(self, table_name: str, client: DynamoDBClient | None = None) -> None:
        self._table = table_name
        self._client: DynamoDBClient = client or late_client("dynamodb")

    def get(self, pk: str, sk: str) -> Item | None:
        """One item, strongly consistent."""
        with aws_errors(f"item {pk} {sk}"):
            answer = self._client.get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        return item_of(answer["Item"]) if "Item" in answer else None

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        """The items of a partition by sort-key prefix, strongly consistent."""
        condition, values = "PK = :pk", {":pk": {"S": _text(pk)}}
        if prefix:
            condition += " AND begins_with(SK, :prefix)"
            values[":prefix"] = {"S": _text(prefix)}
        pages = self._read_all(
            self._client.query,
            TableName=self._table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        return map(item_of, pages)

    def query_index(self, index: str, ipk: str, *, since: str = "", until: str = "\uffff") -> Iterator[Item]:
        """Items by a sparse index, whatever it projects; eventually consistent."""
        if since.encode() >= until.encode():
            return
        pk_name, sk_name = f"{index}_pk", f"{index}_sk"
        # One condition on the sort key is all a query may have: BETWEEN, whose end is then left out.
        condition, values = f"{sk_name} < :until", {":pk": {"S": _text(ipk)}, ":until": {"S": _text(until)}}
        if since:
            condition = f"{sk_name} BETWEEN :since AND :until"
            values[":since"] = {"S": _text(since)}
        entries = self._read_all(
            self._client.query,
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression=f"{pk_name} = :pk AND {condition}",
            ExpressionAttributeValues=values,
        )
        found: list[Mapping[str, Any]] = []
        for entry in entries:
            if entry[sk_name]["S"] != until:
                found.append(entry)
            if len(found) == _BATCH:
                yield from map(item_of, self._whole(found, pk_name, ipk))
                found = []
        yield from map(item_of, self._whole(found, pk_name, ipk))

    def scan(self, kind: str) -> Iterator[Item]:
        """All items of a kind; reads the whole table, a page at a time."""
        pages = self._read_all(
            self._client.scan,
            TableName=self._table,
            FilterExpression="#kind = :kind",
            ExpressionAttributeNames={"#kind": "kind"},
            ExpressionAttributeValues={":kind": {"S": kind}},
            ConsistentRead=True,
        )
        return map(item_of, pages)

    def write(self, writes: Sequence[Put | Add]) -> None:
        """All or nothing.

        Raises:
            ConditionFailed: a stored version was not the expected one.
            PermanentError: codes ``record_too_large``, ``key_too_large``, ``not_unicode``, ``too_many_writes``.
            TransientError: as ``aws_errors``; ``transaction_cancelled`` where other writers kept the items busy.
        """
        if len(writes) > MAX_WRITES:
            raise PermanentError(
                "too_many_writes",
                f"{len(writes)} writes in one transaction",
                f"Split it: at most {MAX_WRITES}.",
            )
        if len(writes) == 1 and isinstance(writes[0], Put):
            self._put(writes[0].item)
        elif writes:
            # A lone Add goes this way too: a transaction carries a token that makes the SDK's own retries
            # count once, an UpdateItem repeated after a lost answer would add twice.
            self._transact(
                [self._put_action(w.item) if isinstance(w, Put) else self._add_action(w) for w in writes]
            )

    def _put(self, item: Item) -> None:
        request = self._put_action(item)["Put"]
        with aws_errors(f"{item.kind} {item.pk}"):
            try:
                self._client.put_item(**request)
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                retried = error.response["ResponseMetadata"].get("RetryAttempts", 0) > 0
                if retried and self._stands(request["Item"]):
                    return
                raise ConditionFailed(f"{item.kind} is not at version {item.version}") from error

    def _stands(self, written: Mapping[str, Attribute]) -> bool:
        # The answer to a first attempt was lost and its write, standing by then, refused the second one.
        key = {"PK": written["PK"], "SK": written["SK"]}
        stored = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item")
        return stored is not None and item_of(stored) == item_of(written)

    def _transact(self, actions: list[dict[str, Any]]) -> None:
        for attempt in range(_ATTEMPTS):
            with aws_errors(f"a transaction of {len(actions)} writes"):
                try:
                    self._client.transact_write_items(TransactItems=actions)  # type: ignore[arg-type]
                except self._client.exceptions.TransactionCanceledException as error:
                    reasons = {str(reason.get("Code")) for reason in error.response["CancellationReasons"]}
                    if "ConditionalCheckFailed" in reasons:
                        raise ConditionFailed("an item of the transaction is at another version") from error
                    last = error
                else:
                    return
            # The SDK does not retry a cancelled transaction; these waits are 0.8 s at most.
            time.sleep(random.uniform(0, 0.025 * 2**attempt))  # noqa: S311 (jitter)
        raise TransientError(
            "transaction_cancelled",
            f"{len(actions)} writes, {_ATTEMPTS} times: {sorted(reasons)}",
            "It is tried again by itself.",
        ) from last

    def _put_action(self, item: Item) -> dict[str, Any]:
        stored: dict[str, Attribute] = {
            **_key(item.pk, item.sk),
            "kind": {"S": item.kind},
            "version": {"N": str(item.version + 1)},
            "body": attributes.encode(item.body),
        }
        if item.expires is not None:
            stored["expires"] = {
                "N": str(int(item.expires.timestamp()))
            }  # the table's TimeToLiveSpecification
        for index, (ipk, isk) in item.indexes.items():
            _check_key(ipk, isk)
            stored[f"{index}_pk"], stored[f"{index}_sk"] = {"S": ipk}, {"S": isk}
        try:
            bytes_ = attributes.size(stored)
        except UnicodeEncodeError as error:
            raise _not_unicode(item.kind) from error
        if bytes_ > MAX_ITEM_BYTES:
            raise PermanentError(
                "record_too_large",
                f"{item.kind} {item.pk} has {bytes_} bytes",
                f"A record holds {MAX_ITEM_BYTES}; keep what is larger as an object and refer to it.",
            )
        put: dict[str, Any] = {"TableName": self._table, "Item": stored}
        if item.version == 0:
            put["ConditionExpression"] = "attribute_not_exists(PK)"
        else:
            put["ConditionExpression"] = "#version = :version"
            put["ExpressionAttributeNames"] = {"#version": "version"}
            put["ExpressionAttributeValues"] = {":version": {"N": str(item.version)}}
        return {"Put": put}

    def _add_action(self, add: Add) -> dict[str, Any]:
        return {
            "Update": {
                "TableName": self._table,
                "Key": _key(add.pk, add.sk),
                "UpdateExpression": "SET #kind = if_not_exists(#kind, :kind)"
                " ADD #added :amount, #version :one",
                "ExpressionAttributeNames": {"#kind": "kind", "#added": "added", "#version": "version"},
                "ExpressionAttributeValues": {
                    ":kind": {"S": add.kind},
                    ":amount": {"N": str(add.amount)},
                    ":one": {"N": "1"},
                },
            }
        }

    def _read_all(self, operation: Callable[..., Any], **request: Any) -> Iterator[Mapping[str, Any]]:
        while True:
            with aws_errors(f"table {self._table}"):
                page = operation(**request)
            yield from page["Items"]
            if "LastEvaluatedKey" not in page:
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]

    def _whole(self, entries: list[Mapping[str, Any]], pk_name: str, ipk: str) -> Iterator[Mapping[str, Any]]:
        """The whole items behind at most 100 index entries, in the order of the entries."""
        keys = [{"PK": e["PK"], "SK": e["SK"]} for e in entries if "version" not in e]
        by_key = {
            (e["PK"]["S"], e["SK"]["S"]): e for e in (*entries, *self._get_batch(keys)) if "version" in e
        }
        for entry in entries:
            whole = by_key.get((entry["PK"]["S"], entry["SK"]["S"]))
            # An index lags behind: the item may have left it since.
            if whole is not None and whole.get(pk_name) == {"S": ipk}:
                yield whole

    def _get_batch(self, keys: list[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
        attempt = 0
        while keys:
            with aws_errors(f"{len(keys)} items"):
                answer = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
                )
            yield from answer["Responses"].get(self._table, [])
            # Left over where the answer would pass 16 MB, or under load.
            left = answer["UnprocessedKeys"].get(self._table, {"Keys": []})["Keys"]
            attempt = attempt + 1 if len(left) == len(keys) else 0
            if attempt == _ATTEMPTS:
                raise TransientError(
                    "aws_throttled", f"{len(left)} items unread", "It is tried again by itself."
                )
            if attempt:
                time.sleep(random.uniform(0, 0.05 * 2**attempt))  # noqa: S311 (jitter)
            keys = [dict(key) for key in left]


def item_of(image: Mapping[str, Any]) -> Item:
    """The item behind an image of the table or its stream, in attribute values."""
    body: dict[str, Any] = attributes.decode(image["body"]) if "body" in image else {}
    if "added" in image:
        body["value"] = body.get("value", 0) + attributes.decode(image["added"])
    # Without the index entries: the ledger derives them at each write.
    return Item(image["PK"]["S"], image["SK"]["S"], image["kind"]["S"], body, int(image["version"]["N"]))


def _key(pk: str, sk: str) -> dict[str, Attribute]:
    _check_key(pk, sk)
    return {"PK": {"S": pk}, "SK": {"S": sk}}


def _check_key(pk: str, sk: str) -> None:
    for text, limit in ((pk, MAX_PK_BYTES), (sk, MAX_SK_BYTES)):
        if len(_text(text).encode()) > limit:
            raise PermanentError(
                "key_too_large",
                f"a key of {len(text.encode())} bytes, {text[:40]}…",
                f"At most {limit}: shorten the id.",
            )


def _text(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _not_unicode("a key") from error
    return text


def _not_unicode(what: str) -> PermanentError:
    return PermanentError(
        "not_unicode", f"{what} holds half of a surrogate pair", "Write the text as valid UTF-8."
    )
