"""The vault on AWS: two DynamoDB tables of its own and a KMS key of its own."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from rightscan.adapters.aws.clients import aws_errors, error_code, late_client
from rightscan.adapters.vault import Body, corrupt

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class DynamoVaultItems:
    """Items of one table with the key ``PK``, ``SK``; ``expires`` is its time to live, s since 1970.

    Args:
        table_name: the table.
        client: a DynamoDB client; default: the process's own.
    """

    def __init__(self, table_name: str, client: DynamoDBClient | None = None) -> None:
        self._table = table_name
        self._client: DynamoDBClient = client or late_client("dynamodb")

    def get(self, pk: str, sk: str) -> Body | None:
        """One item, strongly consistent."""
        with aws_errors("an item of the vault"):
            answer = self._client.get_item(TableName=self._table, Key=_key(pk, sk), ConsistentRead=True)
        return _body(answer["Item"]) if "Item" in answer else None

    def query(self, pk: str, prefix: str = "") -> Iterator[tuple[str, Body]]:
        """Sort keys and bodies of a partition, strongly consistent."""
        condition, values = "PK = :pk", {":pk": {"S": pk}}
        if prefix:
            condition += " AND begins_with(SK, :prefix)"
            values[":prefix"] = {"S": prefix}
        more: dict[str, Any] = {}
        while True:
            with aws_errors("a partition of the vault"):
                page = self._client.query(
                    TableName=self._table,
                    KeyConditionExpression=condition,
                    ExpressionAttributeValues=values,
                    ConsistentRead=True,
                    **more,
                )
            for item in page["Items"]:
                yield item["SK"]["S"], _body(item)
            if "LastEvaluatedKey" not in page:
                return
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def put(self, pk: str, sk: str, body: Body, *, expires: datetime | None = None) -> None:
        """Write an item."""
        with aws_errors("an item of the vault"):
            self._client.put_item(TableName=self._table, Item=_item(pk, sk, body, expires))

    def put_if_absent(self, pk: str, sk: str, body: Body, *, expires: datetime | None = None) -> bool:
        """Write an item where none stands."""
        with aws_errors("an item of the vault"):
            try:
                self._client.put_item(
                    TableName=self._table,
                    Item=_item(pk, sk, body, expires),
                    ConditionExpression="attribute_not_exists(PK)",
                )
            except ClientError as error:
                if error_code(error) != "ConditionalCheckFailedException":
                    raise
                return False
        return True

    def delete(self, pk: str, sk: str) -> None:
        """Remove an item."""
        with aws_errors("an item of the vault"):
            self._client.delete_item(TableName=self._table, Key=_key(pk, sk))


def _key(pk: str, sk: str) -> dict[str, Any]:
    return {"PK": {"S": pk}, "SK": {"S": sk}}


def _item(pk: str, sk: str, body: Body, expires: datetime | None) -> dict[str, Any]:
    item = _key(pk, sk) | {"body": {"M": {name: {"S": value} for name, value in body.items()}}}
    return item if expires is None else item | {"expires": {"N": str(int(expires.timestamp()))}}


def _body(item: Mapping[str, Any]) -> Body:
    return {name: value["S"] for name, value in item["body"]["M"].items()}


class KmsMasterKey:
    """A key of KMS wraps the data keys; the plain ones are never stored.

    The encryption context names whose key it is: it stands in CloudTrail beside each use, and a wrapped key that
    was moved to another performer does not open.

    Args:
        key_id: the key's ARN.
        client: a KMS client; default: the process's own.
    """

    def __init__(self, key_id: str, client: Any = None) -> None:
        self._key_id = key_id
        self._client = client or late_client("kms")

    def new_key(self, context: Mapping[str, str]) -> tuple[bytes, str]:
        """A new data key, plain and wrapped."""
        with aws_errors("the key of the vault"):
            answer = self._client.generate_data_key(
                KeyId=self._key_id, KeySpec="AES_256", EncryptionContext=dict(context)
            )
        return answer["Plaintext"], base64.b64encode(answer["CiphertextBlob"]).decode()

    def unwrap(self, wrapped: str, context: Mapping[str, str]) -> bytes:
        """The data key behind a wrapped one.

        Raises:
            PermanentError: ``vault_corrupt``; it was wrapped under another key, for another performer, or changed.
        """
        with aws_errors("the key of the vault"):
            try:
                answer = self._client.decrypt(
                    KeyId=self._key_id,
                    CiphertextBlob=base64.b64decode(wrapped),
                    EncryptionContext=dict(context),
                )
            except ClientError as error:
                if error_code(error) not in ("InvalidCiphertextException", "IncorrectKeyException"):
                    raise
                raise corrupt("a wrapped key does not open for this performer") from error
        plain: bytes = answer["Plaintext"]
        return plain
