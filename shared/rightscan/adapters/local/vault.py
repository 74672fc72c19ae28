"""The vault on one machine: two SQLite files that nobody else may read, a master key from a keyring or a file."""

from __future__ import annotations

import base64
import importlib
import json
import os
import secrets
import sqlite3
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from rightscan.adapters.vault import Body, corrupt, seal, unseal
from rightscan.errors import PermanentError, TransientError, UsageError
from rightscan.records.base import canonical_json

_KEY_BYTES = 32
_OPEN_MODE = 0o077


class SqliteVaultItems:
    """Items in a file of their own, mode 0600.

    No write-ahead log, and freed pages are overwritten: what is deleted is not left behind in the file. A
    connection a call keeps the file clean of locks over forks and threads; a vault is asked a few times a scan.

    Args:
        path: the file; it and its folder (mode 0700) are made at the first write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, pk: str, sk: str) -> Body | None:
        """One item."""
        return next((body for _, body in self._read("pk=? AND sk=?", (pk, sk))), None)

    def query(self, pk: str, prefix: str = "") -> Iterator[tuple[str, Body]]:
        """Sort keys and bodies of a partition."""
        return iter(self._read("pk=? AND substr(sk,1,?)=? ORDER BY sk", (pk, len(prefix), prefix)))

    def put(self, pk: str, sk: str, body: Body, *, expires: datetime | None = None) -> None:  # noqa: ARG002 (purge ends entries here)
        """Write an item."""
        with self._connection() as connection:
            connection.execute(
                "INSERT INTO vault VALUES (?,?,?) ON CONFLICT DO UPDATE SET body=excluded.body",
                (pk, sk, canonical_json(dict(body))),
            )

    def put_if_absent(self, pk: str, sk: str, body: Body, *, expires: datetime | None = None) -> bool:  # noqa: ARG002
        """Write an item where none stands."""
        with self._connection() as connection:
            values = (pk, sk, canonical_json(dict(body)))
            done = connection.execute("INSERT INTO vault VALUES (?,?,?) ON CONFLICT DO NOTHING", values)
            return done.rowcount == 1

    def delete(self, pk: str, sk: str) -> None:
        """Remove an item."""
        with self._connection() as connection:
            connection.execute("DELETE FROM vault WHERE pk=? AND sk=?", (pk, sk))

    @property
    def empty(self) -> bool:
        """Whether nothing was ever written."""
        return not self._read("1 LIMIT 1", ())

    def _read(self, where: str, values: tuple[str | int, ...]) -> list[tuple[str, Body]]:
        if not self._path.exists():
            return []
        with self._connection() as connection:
            rows = connection.execute(f"SELECT sk, body FROM vault WHERE {where}", values)  # noqa: S608 (constants)
            return [(sk, json.loads(body)) for sk, body in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        try:
            connection = sqlite3.connect(self._path, timeout=60.0)
        except sqlite3.OperationalError as error:
            raise TransientError(
                "store_busy", f"{self._path}: {error}", "Try again; look for a stuck process."
            ) from error
        try:
            connection.execute("PRAGMA secure_delete=ON")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vault (pk TEXT, sk TEXT, body TEXT NOT NULL, PRIMARY KEY (pk, sk))"
                " WITHOUT ROWID"
            )
            with connection:
                yield connection
        finally:
            connection.close()


class KeySource(Protocol):
    """Where the master key of one machine is kept."""

    def read(self) -> bytes | None:
        """The key, or None where none was made yet."""
        ...

    def create(self) -> bytes:
        """Make the key, unless somebody made it meanwhile; returns what stands."""
        ...


class KeyFile:
    """A file of 32 bytes that its owner alone may read.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes | None:
        """The key.

        Raises:
            PermanentError: ``vault_key_mode`` where others may read or write it, ``bad_vault_key``.
        """
        try:
            mode = stat.S_IMODE(self._path.stat().st_mode)
        except FileNotFoundError:
            return None
        if mode & _OPEN_MODE:
            raise PermanentError(
                "vault_key_mode",
                f"{self._path} has mode {mode:04o}: others than its owner may reach it",
                f"chmod 600 {self._path}; if others could read it, withdraw and enrol anew under a new key.",
            )
        return _checked(self._path.read_bytes(), str(self._path))

    def create(self) -> bytes:
        """Make the key."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = secrets.token_bytes(_KEY_BYTES)
        draft = self._path.with_name(f"{self._path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        try:
            # A link takes the name only where it is free, and whoever reads it finds all 32 bytes.
            os.link(draft, self._path)
        except FileExistsError:
            return _expected(self.read())
        else:
            return key
        finally:
            draft.unlink()


class KeyringKey:
    """The key in the system's keyring, through the package ``keyring``.

    Args:
        name: ``service/user`` under which it lies there.

    Raises:
        UsageError: ``bad_environment`` where the name has no such form or the package is not installed.
    """

    def __init__(self, name: str) -> None:
        self._service, slash, self._user = name.partition("/")
        if not slash or not self._service or not self._user:
            raise UsageError(
                "bad_environment", f"RIGHTSCAN_VAULT_KEYRING is {name!r}", "Write it as service/user."
            )
        try:
            self._keyring = importlib.import_module("keyring")
        except ImportError as error:
            raise UsageError(
                "bad_environment",
                "RIGHTSCAN_VAULT_KEYRING is set, and the package keyring is not installed",
                "Install keyring, or unset the variable: the key then lies in a file.",
            ) from error

    def read(self) -> bytes | None:
        """The key.

        Raises:
            PermanentError: ``bad_vault_key``.
        """
        text = self._keyring.get_password(self._service, self._user)
        if text is None:
            return None
        try:
            return _checked(base64.b64decode(text, validate=True), f"{self._service}/{self._user}")
        except ValueError as error:
            raise _bad_key(f"{self._service}/{self._user} holds no base64") from error

    def create(self) -> bytes:
        """Make the key."""
        key = secrets.token_bytes(_KEY_BYTES)
        self._keyring.set_password(self._service, self._user, base64.b64encode(key).decode())
        return _expected(self.read())


def _expected(key: bytes | None) -> bytes:
    if key is None:
        raise _bad_key("it was written and is not there")
    return key


def _checked(key: bytes, where: str) -> bytes:
    if len(key) != _KEY_BYTES:
        raise _bad_key(f"{where} holds {len(key)} bytes, not {_KEY_BYTES}")
    return key


def _bad_key(what: str) -> PermanentError:
    return PermanentError("bad_vault_key", f"the vault's master key: {what}", "Restore it from your backup.")


class LocalMasterKey:
    """AES-256-GCM under one key of the machine.

    Args:
        source: where the key is kept.
        may_create: asked before a key is made: under a new one, what an old one wrapped is lost.
    """

    def __init__(self, source: KeySource, may_create: Callable[[], bool]) -> None:
        self._source = source
        self._may_create = may_create

    def new_key(self, context: Mapping[str, str]) -> tuple[bytes, str]:
        """A new data key, plain and wrapped.

        Raises:
            PermanentError: ``vault_key_missing``, and as the source.
        """
        master = self._source.read()
        if master is None:
            if not self._may_create():
                raise _missing()
            master = self._source.create()
        plain = secrets.token_bytes(_KEY_BYTES)
        return plain, seal(master, plain, canonical_json(dict(context)))

    def unwrap(self, wrapped: str, context: Mapping[str, str]) -> bytes:
        """The data key behind a wrapped one.

        Raises:
            PermanentError: ``vault_key_missing``, ``vault_corrupt``, and as the source.
        """
        master = self._source.read()
        if master is None:
            raise _missing()
        plain = unseal(master, wrapped, canonical_json(dict(context)))
        if len(plain) != _KEY_BYTES:
            raise corrupt("a wrapped key is of another length")
        return plain


def _missing() -> PermanentError:
    return PermanentError(
        "vault_key_missing",
        "the vault holds templates, and its master key is not there",
        "Restore the key file or keyring entry; without it the templates are lost and must be enrolled anew.",
    )
