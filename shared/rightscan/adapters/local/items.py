"""The item store over SQLite, with a change log in the place of DynamoDB's stream."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from typing import Any

from rightscan.adapters.items import Add, ConditionFailed, Item, Put
from rightscan.adapters.local.database import Database
from rightscan.records.base import canonical_json


class SqliteItems:
    """Items in the ``items`` table; every write also appends to ``changes``, in the same transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, pk: str, sk: str) -> Item | None:
        """One item."""
        row = (
            self._database.connection()
            .execute("SELECT * FROM items WHERE pk=? AND sk=?", (pk, sk))
            .fetchone()
        )
        return None if row is None else _item(row)

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        """Items of a partition by sort-key prefix."""
        # substr instead of LIKE: keys may hold % and _.
        rows = self._database.connection().execute(
            "SELECT * FROM items WHERE pk=? AND sk>=? AND substr(sk,1,?)=? ORDER BY sk",
            (pk, prefix, len(prefix), prefix),
        )
        return map(_item, rows.fetchall())

    def query_index(self, index: str, ipk: str, *, since: str = "", until: str = "\uffff") -> Iterator[Item]:
        """Items by a sparse index."""
        rows = self._database.connection().execute(
            "SELECT items.* FROM item_indexes x JOIN items ON items.pk=x.pk AND items.sk=x.sk"
            " WHERE x.name=? AND x.ipk=? AND x.isk>=? AND x.isk<? ORDER BY x.isk, x.pk, x.sk",
            (index, ipk, since, until),
        )
        return map(_item, rows.fetchall())

    def scan(self, kind: str) -> Iterator[Item]:
        """All items of a kind, in key order, a page at a time."""
        pk, sk = "", ""
        while True:
            rows = (
                self._database.connection()
                .execute(
                    "SELECT * FROM items WHERE kind=? AND (pk, sk) > (?, ?) ORDER BY pk, sk LIMIT 500",
                    (kind, pk, sk),
                )
                .fetchall()
            )
            yield from map(_item, rows)
            if len(rows) < 500:
                return
            pk, sk = rows[-1]["pk"], rows[-1]["sk"]

    def write(self, writes: Sequence[Put | Add]) -> None:
        """All or nothing."""
        with self._database.transaction() as connection:
            for write in writes:
                if isinstance(write, Put):
                    self._put(connection, write.item)
                else:
                    self._add(connection, write)

    def _put(self, connection: sqlite3.Connection, item: Item) -> None:
        row = connection.execute(
            "SELECT version, body FROM items WHERE pk=? AND sk=?", (item.pk, item.sk)
        ).fetchone()
        if (0 if row is None else row["version"]) != item.version:
            raise ConditionFailed(f"{item.kind} is not at version {item.version}")
        body = canonical_json(item.body)
        connection.execute(
            "INSERT INTO items (pk, sk, kind, version, body) VALUES (?,?,?,?,?)"
            " ON CONFLICT (pk, sk) DO UPDATE"
            " SET kind=excluded.kind, version=excluded.version, body=excluded.body",
            (item.pk, item.sk, item.kind, item.version + 1, body),
        )
        connection.execute("DELETE FROM item_indexes WHERE pk=? AND sk=?", (item.pk, item.sk))
        connection.executemany(
            "INSERT INTO item_indexes (name, ipk, isk, pk, sk) VALUES (?,?,?,?,?)",
            [(name, ipk, isk, item.pk, item.sk) for name, (ipk, isk) in sorted(item.indexes.items())],
        )
        self._log(connection, item.pk, item.sk, item.kind, None if row is None else row["body"], body)

    def _add(self, connection: sqlite3.Connection, add: Add) -> None:
        row = connection.execute(
            "SELECT version, body FROM items WHERE pk=? AND sk=?", (add.pk, add.sk)
        ).fetchone()
        version, value = (0, 0) if row is None else (row["version"], json.loads(row["body"])["value"])
        connection.execute(
            "INSERT INTO items (pk, sk, kind, version, body) VALUES (?,?,?,?,?)"
            " ON CONFLICT (pk, sk) DO UPDATE SET version=excluded.version, body=excluded.body",
            (add.pk, add.sk, add.kind, version + 1, canonical_json({"value": value + add.amount})),
        )

    @staticmethod
    def _log(connection: sqlite3.Connection, pk: str, sk: str, kind: str, old: str | None, new: str) -> None:
        connection.execute(
            "INSERT INTO changes (at, pk, sk, kind, old, new) VALUES (?,?,?,?,?,?)",
            (time.time(), pk, sk, kind, old, new),
        )


def _item(row: Any) -> Item:
    # The index entries are derived by the ledger at each write, so reading them back would serve nobody.
    return Item(row["pk"], row["sk"], row["kind"], json.loads(row["body"]), row["version"])
