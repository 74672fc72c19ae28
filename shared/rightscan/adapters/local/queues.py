"""Queues in SQLite with what SQS gives: visibility, receive counts, dead letters.

A message is held by whoever received it until it is acknowledged, released, or its visibility ends; a
receipt from an earlier holding does nothing. Delivery is at least once, in no promised order.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from rightscan.adapters.local.database import Database
from rightscan.errors import PermanentError, UsageError
from rightscan.ports import Clock, DeadLetter
from rightscan.records.messages import MAX_EVENT_BYTES

_DEAD = "DeadLetterQueue"
_PEEK = "SELECT 1 FROM messages WHERE queue=? AND visible_at<=? LIMIT 1"
_QUEUE = "SELECT * FROM queues WHERE name=?"
_HELD = "SELECT * FROM messages WHERE receipt IS NOT NULL AND (? IS NULL OR holder=?)"
_UNCOUNT = "UPDATE messages SET receives=max(receives-1, 0) WHERE sequence=?"
_RELEASE = "UPDATE messages SET visible_at=?, receipt=NULL, holder=NULL WHERE sequence=? AND receipt=?"


@dataclass(frozen=True)
class Message:
    """A message in hand."""

    message_id: str
    receipt: str
    body: str
    sent_at: datetime
    receives: int


def insert_message(
    connection: sqlite3.Connection, queue: str, body: str, *, now: float, delay_s: float
) -> None:
    """Queue a message as part of the caller's transaction.

    Args:
        connection: inside a write transaction.
        queue: the queue's name.
        body: the text.
        now: the time, s since 1970.
        delay_s: for how long nobody shall see it, s.
    """
    connection.execute(
        "INSERT INTO messages (queue, body, sent_at, visible_at) VALUES (?,?,?,?)",
        (queue, body, now, now + delay_s),
    )


def insert_dead_letter(connection: sqlite3.Connection, queue: str, body: str, *, now: float) -> None:
    """Put a notice into a dead-letter queue as part of the caller's transaction; arguments as above."""
    connection.execute(
        "INSERT INTO messages (queue, body, sent_at, visible_at, dead_since) VALUES (?,?,?,?,?)",
        (queue, body, now, now, now),
    )


class LocalQueue:
    """Implements ``ports.Queue``, and for the runtime the receiving side.

    Args:
        name: its name; the wiring must have made it (``Wiring.apply``).
        database: the store.
        clock: what visibility is measured by.
    """

    def __init__(self, name: str, database: Database, clock: Clock) -> None:
        self.name = name
        self._database = database
        self._clock = clock

    def send(self, body: Mapping[str, Any], *, delay_s: int = 0) -> None:
        """Add a message.

        Raises:
            PermanentError: codes ``message_too_large`` (above 120 KB), ``unknown_queue``.
        """
        text = json.dumps(body, separators=(",", ":"))
        if len(text) > MAX_EVENT_BYTES:
            raise PermanentError(
                "message_too_large",
                f"a message of {len(text)} bytes for {self.name}",
                f"At most {MAX_EVENT_BYTES}: store the payload as an object and send its reference.",
            )
        with self._database.transaction() as connection:
            self._configuration(connection)
            insert_message(connection, self.name, text, now=self._now(), delay_s=delay_s)

    def receive(self, max_messages: int, *, holder: str | None = None) -> list[Message]:
        """Take up to ``max_messages`` visible messages; those received too often become dead letters.

        Args:
            max_messages: at most so many.
            holder: names the process that takes them, for ``release_held``.

        Raises:
            PermanentError: code ``unknown_queue``.
        """
        now = self._now()
        # Most looks find nothing; they must not take the write lock from those who work.
        if self._database.connection().execute(_PEEK, (self.name, now)).fetchone() is None:
            return []
        with self._database.transaction() as connection:
            queue = self._configuration(connection)
            _bury(connection, queue, now)
            rows = connection.execute(
                "SELECT * FROM messages WHERE queue=? AND visible_at<=? ORDER BY visible_at, sequence LIMIT ?",
                (self.name, now, max_messages),
            ).fetchall()
            messages = [_message(row) for row in rows]
            connection.executemany(
                "UPDATE messages SET visible_at=?, receives=?, receipt=?, holder=? WHERE sequence=?",
                [
                    (now + queue["visibility_s"], m.receives, m.receipt, holder, _sequence(m.message_id))
                    for m in messages
                ],
            )
        return messages

    def acknowledge(self, message: Message) -> bool:
        """Delete a message in hand; ``False`` where somebody else has received it since."""
        with self._database.transaction() as connection:
            done = connection.execute(
                "DELETE FROM messages WHERE sequence=? AND receipt=?",
                (_sequence(message.message_id), message.receipt),
            )
        return done.rowcount == 1

    def release(self, message: Message, *, delay_s: float) -> bool:
        """Give a message in hand back, visible again after ``delay_s`` seconds; ``False`` as above.

        One that was received too often becomes a dead letter at once.
        """
        now = self._now()
        with self._database.transaction() as connection:
            done = connection.execute(
                _RELEASE, (now + delay_s, _sequence(message.message_id), message.receipt)
            )
            _bury(connection, self._configuration(connection), now)
        return done.rowcount == 1

    def _configuration(self, connection: sqlite3.Connection) -> sqlite3.Row:
        row: sqlite3.Row | None = connection.execute(_QUEUE, (self.name,)).fetchone()
        if row is None:
            raise PermanentError(
                "unknown_queue",
                f"this store has no queue {self.name}",
                "Apply the template's wiring to the store.",
            )
        return row

    def _now(self) -> float:
        return self._clock.now().timestamp()


def release_held(
    database: Database, clock: Clock, holder: str | None, *, delay_s: Callable[[int], float] = lambda _: 0.0
) -> int:
    """Give back the messages that a process held which is gone.

    Where the whole runtime was killed (``holder`` is ``None``) no message is to blame: it was not received.
    One that kills its own worker is counted, and ends as a dead letter.

    Args:
        database: the store.
        clock: the queues' clock.
        holder: the process; ``None`` for all, where no process can be at work.
        delay_s: from the number of receives to the seconds until they are visible again.

    Returns:
        How many there were.
    """
    now = clock.now().timestamp()
    with database.transaction() as connection:
        rows = connection.execute(_HELD, (holder, holder)).fetchall()
        for row in rows:
            visible_at = now + delay_s(row["receives"])
            connection.execute(_RELEASE, (visible_at, row["sequence"], row["receipt"]))
            if holder is None:
                connection.execute(_UNCOUNT, (row["sequence"],))
        for queue in sorted({row["queue"] for row in rows}):
            _bury(connection, connection.execute(_QUEUE, (queue,)).fetchone(), now)
    return len(rows)


def _bury(connection: sqlite3.Connection, queue: sqlite3.Row, now: float) -> None:
    """Make dead letters of what was received too often and is in nobody's hands."""
    if queue["dead_letters"] is not None:
        connection.execute(
            "UPDATE messages SET queue=?, source_queue=queue, dead_since=?, visible_at=?, receipt=NULL,"
            " holder=NULL WHERE queue=? AND receives>=? AND (receipt IS NULL OR visible_at<=?)",
            (queue["dead_letters"], now, now, queue["name"], queue["max_receives"], now),
        )


class LocalDeadLetters:
    """Implements ``ports.DeadLetters``; a letter's ``queue`` is the one that it failed in."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def show(self, limit: int = 100) -> list[DeadLetter]:
        """Messages that lie there, oldest first; the notice of a failed stream batch names the function."""
        rows = self._database.connection().execute(
            "SELECT * FROM messages WHERE dead_since IS NOT NULL ORDER BY dead_since, sequence LIMIT ?",
            (limit,),
        )
        return [
            DeadLetter(
                queue=row["source_queue"] or row["queue"].removesuffix(_DEAD),
                message_id=_message_id(row["sequence"]),
                body=row["body"],
                receives=row["receives"],
                dead_since=datetime.fromtimestamp(row["dead_since"], UTC),
            )
            for row in rows.fetchall()
        ]

    def redrive(self, queue: str | None = None, message_id: str | None = None) -> int:
        """Send them back to their queues with a fresh count.

        Raises:
            UsageError: code ``unknown_queue``; ``not_redrivable`` where the queue holds notices of failed
                stream batches, which have no queue to go back to.
        """
        if queue is not None:
            self._check_source(queue)
        one = None if message_id is None else _sequence(message_id)
        with self._database.transaction() as connection:
            done = connection.execute(
                "UPDATE messages SET queue=source_queue, source_queue=NULL, dead_since=NULL, receives=0,"
                " visible_at=? WHERE dead_since IS NOT NULL AND source_queue IS NOT NULL"
                " AND (? IS NULL OR source_queue=?) AND (? IS NULL OR sequence=?)",
                (self._clock.now().timestamp(), queue, queue, one, one),
            )
        return done.rowcount

    def drop(self, message_id: str) -> bool:
        """Delete one for good; tells whether it was there."""
        with self._database.transaction() as connection:
            done = connection.execute(
                "DELETE FROM messages WHERE sequence=? AND dead_since IS NOT NULL", (_sequence(message_id),)
            )
        return done.rowcount == 1

    def _check_source(self, queue: str) -> None:
        rows = (
            self._database.connection()
            .execute("SELECT name, dead_letters FROM queues ORDER BY name")
            .fetchall()
        )
        sources = {row["name"]: row["dead_letters"] for row in rows}
        if sources.get(queue) is not None:
            return
        if queue + _DEAD in sources:
            raise UsageError(
                "not_redrivable",
                f"what lies in {queue} came from no queue (a stream, the scheduler)",
                "Follow the runbook of its alarm.",
            )
        known = ", ".join(name for name, dead_letters in sources.items() if dead_letters)
        raise UsageError("unknown_queue", f"no queue {queue}", f"One of: {known}.")


def _message_id(sequence: int) -> str:
    # Counted, not drawn: the same messages in the same order have the same ids in every run.
    return str(uuid.UUID(int=sequence))


def _sequence(message_id: str) -> int:
    """The number behind an id; 0, which no message has, where it is none of ours."""
    try:
        number = uuid.UUID(message_id).int
    except ValueError:
        return 0
    return number if number < 1 << 63 else 0


def _message(row: sqlite3.Row) -> Message:
    return Message(
        message_id=_message_id(row["sequence"]),
        receipt=uuid.uuid4().hex,
        body=row["body"],
        sent_at=datetime.fromtimestamp(row["sent_at"], UTC),
        receives=row["receives"] + 1,
    )
