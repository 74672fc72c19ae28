"""The SQLite file: opened by many at once, never by an older version, whole transactions only."""

from __future__ import annotations

import os
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rightscan.adapters.local import database as database_module
from rightscan.adapters.local.database import Database
from rightscan.errors import PermanentError, TransientError


def queues(database):
    return [row["name"] for row in database.connection().execute("SELECT name FROM queues ORDER BY name")]


def add(connection, name):
    connection.execute("INSERT INTO queues (name, visibility_s, max_receives) VALUES (?, 1, 1)", (name,))


def fail_after_a_write(database, error):
    with database.transaction() as connection:
        add(connection, "lost")
        raise error


def test_a_transaction_is_whole_or_nothing(tmp_path):
    database = Database(tmp_path / "new" / "store.sqlite")
    with database.transaction() as connection:
        add(connection, "kept")
    for error in (ValueError, KeyboardInterrupt):
        with pytest.raises(error):
            fail_after_a_write(database, error)
    assert queues(database) == ["kept"]


def test_many_open_a_new_store_at_once(tmp_path):
    barrier = threading.Barrier(8)

    def open_and_write(number):
        barrier.wait()
        with Database(tmp_path / "store.sqlite").transaction() as connection:
            add(connection, f"q{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(open_and_write, range(8)))
    assert queues(Database(tmp_path / "store.sqlite")) == [f"q{number}" for number in range(8)]


def test_a_store_of_a_later_version_is_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "store.sqlite")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(PermanentError) as caught:
        Database(tmp_path / "store.sqlite")
    assert caught.value.code == "store_too_new"


def test_an_older_store_gets_what_it_lacks(tmp_path, monkeypatch):
    with Database(tmp_path / "store.sqlite").transaction() as connection:
        add(connection, "kept")
    later = (*database_module.MIGRATIONS, "CREATE TABLE added (x); INSERT INTO added VALUES (1)")
    monkeypatch.setattr(database_module, "MIGRATIONS", later)
    for _ in range(2):
        database = Database(tmp_path / "store.sqlite")
        assert database.connection().execute("SELECT count(*) FROM added").fetchone()[0] == 1
    assert queues(database) == ["kept"]


def test_a_store_that_stays_locked_is_told(tmp_path):
    database = Database(tmp_path / "store.sqlite")
    database.connection().execute("PRAGMA busy_timeout=10")
    blocker = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientError) as caught, database.transaction():
        pass
    assert caught.value.code == "store_busy"
    blocker.execute("ROLLBACK")
    blocker.close()


def test_a_child_has_a_connection_of_its_own(tmp_path):
    database = Database(tmp_path / "store.sqlite")
    with database.transaction() as connection:
        add(connection, "parent")
    child = os.fork()
    if child == 0:
        with database.transaction() as connection:
            add(connection, "child")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert queues(database) == ["child", "parent"]
    with database.transaction() as connection:
        add(connection, "parent again")
    assert len(queues(database)) == 3
