"""What the ledger needs of a store: items under a two-part key, conditional writes, sparse indexes.

The ledger's rules stand once (``adapters.ledger``); SQLite and DynamoDB differ only below this line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True)
class Item:
    """A stored record: partition and sort key, kind, JSON body, its version, its sparse index entries.

    After ``expires`` the table may forget it; a store of one machine keeps it.
    """

    pk: str
    sk: str
    kind: str
    body: Mapping[str, Any]
    version: int = 0
    indexes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    expires: datetime | None = None


@dataclass(frozen=True)
class Put:
    """Write ``item`` if the stored version equals ``item.version`` (0: there must be none); stores version + 1."""

    item: Item


@dataclass(frozen=True)
class Add:
    """Add ``amount`` to the number ``value`` of a counter item, making it where it is missing."""

    pk: str
    sk: str
    kind: str
    amount: int


class ConditionFailed(Exception):
    """A stored version was not the expected one; nothing of the call was written."""


INDEXES = ("recording", "work", "period", "sound")
"""Names of the sparse indexes: by recording and time, work state, period, decoded-audio hash."""


class ItemStore(Protocol):
    """Items with optimistic versions."""

    def get(self, pk: str, sk: str) -> Item | None:
        """One item, strongly consistent."""
        ...

    def query(self, pk: str, prefix: str = "") -> Iterator[Item]:
        """The items of a partition whose sort key begins with ``prefix``, in sort-key order, strongly consistent."""
        ...

    def query_index(self, index: str, ipk: str, *, since: str = "", until: str = "\uffff") -> Iterator[Item]:
        """Items by a sparse index, ``since <= sort key < until``; eventually consistent."""
        ...

    def scan(self, kind: str) -> Iterator[Item]:
        """All items of a kind; reads the whole table on DynamoDB."""
        ...

    def write(self, writes: Sequence[Put | Add]) -> None:
        """All or nothing, at most 100 writes. Raises ``ConditionFailed``."""
        ...
