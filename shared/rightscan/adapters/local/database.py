"""The one SQLite file of a local store: connections, transactions, migrations.

Records, queues and object versions share the file, so that "object written" and "its event queued" are
one transaction: a kill between the two cannot lose an upload.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rightscan.errors import PermanentError, TransientError

# Each entry is one migration; the file's user_version says how many it has seen. Append, never edit.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE items (
        pk TEXT NOT NULL, sk TEXT NOT NULL, kind TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
        PRIMARY KEY (pk, sk)
    ) WITHOUT ROWID;
    CREATE INDEX items_by_kind ON items (kind, pk, sk);
    CREATE TABLE item_indexes (
        name TEXT NOT NULL, ipk TEXT NOT NULL, isk TEXT NOT NULL, pk TEXT NOT NULL, sk TEXT NOT NULL,
        PRIMARY KEY (name, ipk, isk, pk, sk)
    ) WITHOUT ROWID;
    CREATE INDEX item_indexes_by_item ON item_indexes (pk, sk);
    CREATE TABLE changes (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, pk TEXT NOT NULL, sk TEXT NOT NULL,
        kind TEXT NOT NULL, old TEXT, new TEXT
    );
    CREATE TABLE change_readers (
        reader TEXT PRIMARY KEY, position INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID;
    CREATE TABLE queues (
        name TEXT PRIMARY KEY, visibility_s REAL NOT NULL, max_receives INTEGER NOT NULL, dead_letters TEXT
    ) WITHOUT ROWID;
    CREATE TABLE messages (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, body TEXT NOT NULL,
        sent_at REAL NOT NULL, visible_at REAL NOT NULL, receives INTEGER NOT NULL DEFAULT 0, receipt TEXT,
        holder TEXT, source_queue TEXT, dead_since REAL
    );
    CREATE INDEX messages_by_visibility ON messages (queue, visible_at);
    CREATE TABLE objects (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT, bucket TEXT NOT NULL, key TEXT NOT NULL,
        ordinal INTEGER NOT NULL, version TEXT NOT NULL, size INTEGER NOT NULL, sha256 TEXT,
        modified_at REAL NOT NULL, metadata TEXT NOT NULL, content_type TEXT, state TEXT NOT NULL
    );
    CREATE UNIQUE INDEX objects_by_ordinal ON objects (bucket, key, ordinal);
    CREATE INDEX objects_by_version ON objects (bucket, key, version);
    CREATE TABLE notifications (
        bucket TEXT NOT NULL, queue TEXT NOT NULL, events TEXT NOT NULL, prefix TEXT NOT NULL,
        suffix TEXT NOT NULL, PRIMARY KEY (bucket, queue, events, prefix, suffix)
    ) WITHOUT ROWID;
    CREATE TABLE published (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at REAL NOT NULL, detail_type TEXT NOT NULL,
        detail TEXT NOT NULL
    );
    CREATE TABLE jobs (
        job_id TEXT PRIMARY KEY, name TEXT NOT NULL, job_type TEXT NOT NULL, arguments TEXT NOT NULL,
        state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, pid INTEGER, submitted_at REAL NOT NULL,
        ended_at REAL, exit_status INTEGER, reason TEXT
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX jobs_by_live_name ON jobs (name) WHERE state IN ('waiting', 'running');
    CREATE TABLE schedules (
        name TEXT PRIMARY KEY, expression TEXT NOT NULL, last_run REAL NOT NULL
    ) WITHOUT ROWID;
    """,
)


class Database:
    """Connections to one store's SQLite file, one per thread and process.

    Args:
        path: the file; it and its folder are made where they are missing.
        durable: ``False`` skips the disk flush at each commit (tests that never lose power).

    Raises:
        PermanentError: code ``store_too_new`` where a later version of rightscan wrote the file.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.path = path
        self.durable = durable
        self._abandoned: list[sqlite3.Connection] = []
        self._local = threading.local()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._migrate()

    def connection(self) -> sqlite3.Connection:
        """This thread's connection in autocommit mode; use ``transaction`` to group statements."""
        # A connection must not cross a fork: SQLite's locks would be shared and released by the child.
        if getattr(self._local, "pid", None) != os.getpid():
            if getattr(self._local, "pid", None) is not None:
                # The parent's: closing it here would close a file the parent still works on.
                self._abandoned.append(self._local.connection)
            connection = sqlite3.connect(self.path, timeout=60.0, isolation_level=None)
            connection.row_factory = sqlite3.Row
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if self.durable else 'OFF'}")
            connection.execute("PRAGMA busy_timeout=60000")
            self._local.connection = connection
            self._local.pid = os.getpid()
        held: sqlite3.Connection = self._local.connection
        return held

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A write transaction: committed at the end, rolled back when an exception leaves the block.

        Raises:
            TransientError: code ``store_busy`` where another process held the file for a minute.
        """
        connection = self.connection()
        try:
            # IMMEDIATE takes the write lock at once; a deferred one could fail half-way through.
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise TransientError(
                "store_busy", f"{self.path}: {error}", "Try again; look for a stuck process."
            ) from error
        try:
            yield connection
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        """Close this thread's connection."""
        if getattr(self._local, "pid", None) == os.getpid():
            self._local.connection.close()
            self._local.pid = None

    def _migrate(self) -> None:
        if self._seen(self.connection()) == len(MIGRATIONS):
            return
        with self.transaction() as connection:
            seen = self._seen(connection)
            if seen > len(MIGRATIONS):
                raise PermanentError(
                    "store_too_new",
                    f"{self.path} was written by a later version (schema {seen}, known {len(MIGRATIONS)})",
                    "Upgrade rightscan, or choose another --home.",
                )
            for statement in ";".join(MIGRATIONS[seen:]).split(";"):
                if statement.strip():
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")

    @staticmethod
    def _seen(connection: sqlite3.Connection) -> int:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
