"""Objects as files in a folder, their versions and metadata in SQLite.

A version becomes visible, and its notifications are queued, in one transaction. Its bytes are written and
flushed before that under ``.incoming`` and moved to their place after it; a reader looks at both places.
A kill at any moment therefore leaves either nothing or everything, and what is left under ``.incoming``
tells by the database whether it belongs.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import sqlite3
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote_plus

from rightscan.adapters.local.clock import SystemClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.queues import insert_message
from rightscan.errors import PermanentError
from rightscan.ports import Clock, ObjectInfo, ObjectMissing
from rightscan.records.base import canonical_json
from rightscan.records.objects import ObjectRef

MAX_KEY_BYTES = 1024
"""S3's limit on the UTF-8 length of a key."""

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,62}")
_BLOCK = 1 << 20
_PAGE = 500
_LIST = (
    "SELECT * FROM objects o WHERE bucket=? AND key>? AND state='present' AND ordinal="
    " (SELECT max(ordinal) FROM objects WHERE bucket=o.bucket AND key=o.key AND state<>'purged')"
    " ORDER BY key LIMIT ?"
)
_LATEST = "SELECT * FROM objects WHERE bucket=? AND key=? AND state<>'purged' ORDER BY ordinal DESC LIMIT 1"


@dataclass(frozen=True)
class _Written:
    """Bytes that lie under ``.incoming`` and are no object yet; the open file holds their lock."""

    path: Path
    file: BinaryIO
    size: int
    sha256: str


class LocalObjects:
    """Implements ``ports.ObjectStore``.

    A version lies at ``<root>/<bucket>/<2 hex>/<sha1 of the key>/<version>``, so that no key can be an
    unsafe path. Versions are counted per key and carry the head of their content's hash: the same writes
    in the same order give the same versions on every machine.

    Args:
        root: the folder of all buckets; made where it is missing.
        database: holds the versions, the notifications and the queues.
        clock: gives ``modified_at``.
    """

    def __init__(self, root: Path, database: Database, *, clock: Clock | None = None) -> None:
        self._root = root
        self._database = database
        self._clock = clock or SystemClock()
        self._incoming = root / ".incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._clean()

    def put(
        self,
        bucket: str,
        key: str,
        source: bytes | Path,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> ObjectInfo:
        """Write a new version and queue its notifications.

        Raises:
            PermanentError: codes ``bad_bucket_name``, ``bad_object_key``.
            OSError: the disk is full, or ``source`` cannot be read.
        """
        _check(bucket, key)
        with self._write(source) as written:
            return self._commit(bucket, key, written, dict(metadata or {}), content_type)

    def put_if_absent(self, bucket: str, key: str, source: bytes | Path) -> ObjectInfo:
        """Write an immutable object; where the key exists the existing one is returned untouched."""
        _check(bucket, key)
        standing = self._latest(self._database.connection(), bucket, key)
        if standing is not None:
            return standing
        with self._write(source) as written:
            return self._commit(bucket, key, written, {}, None, only_if_absent=True)

    def head(self, ref: ObjectRef) -> ObjectInfo:
        """Facts of one version. Raises ``ObjectMissing``."""
        return self._stored(ref)

    def open(self, ref: ObjectRef) -> BinaryIO:
        """A seekable reader. Raises ``ObjectMissing``."""
        stored = self._stored(ref).ref
        # The mover works between our two looks, so the first place is looked at again.
        for path in (self._path(stored), self._waiting_path(stored), self._path(stored)):
            with suppress(FileNotFoundError):
                return path.open("rb")
        raise ObjectMissing(ref)

    def download(self, ref: ObjectRef, path: Path) -> None:
        """Copy one version to a local file. Raises ``ObjectMissing``."""
        with self.open(ref) as source, path.open("wb") as target:
            while block := source.read(_BLOCK):
                target.write(block)

    def list(self, bucket: str, prefix: str = "", *, after: str = "") -> Iterator[ObjectInfo]:
        """The latest versions by key, in the order of the keys' UTF-8 bytes."""
        last = after
        if prefix and prefix.encode() > after.encode():
            # Keys with one prefix are neighbours, so the walk begins there; the prefix itself may be a key.
            last = prefix
            latest = self._latest(self._database.connection(), bucket, prefix)
            if latest is not None:
                yield latest
        while True:
            rows = self._database.connection().execute(_LIST, (bucket, last, _PAGE)).fetchall()
            for row in rows:
                if not row["key"].startswith(prefix):
                    return
                yield _info(row)
            if len(rows) < _PAGE:
                return
            last = rows[-1]["key"]

    def delete(self, ref: ObjectRef) -> None:
        """Delete as S3 does: the latest gets a delete marker, a named version is gone for good.

        Nothing happens where the object is not there.
        """
        if ref.version == "null":
            with self._database.transaction() as connection:
                if self._latest(connection, ref.bucket, ref.key) is not None:
                    ordinal = _next_ordinal(connection, ref.bucket, ref.key)
                    row = self._insert(
                        connection, ref.bucket, ref.key, ordinal, f"{ordinal:06d}-marker", "marker"
                    )
                    self._notify(connection, row, "ObjectRemoved:DeleteMarkerCreated")
            return
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE objects SET state='purged' WHERE bucket=? AND key=? AND version=?",
                (ref.bucket, ref.key, ref.version),
            )
        for path in (self._waiting_path(ref), self._path(ref)):
            path.unlink(missing_ok=True)

    # ---- writing ----------------------------------------------------------------------------------------
    @contextmanager
    def _write(self, source: bytes | Path) -> Iterator[_Written]:
        """Bytes under ``.incoming``, flushed and locked; gone at the end unless they were committed."""
        path, file = self._new_file()
        with file:
            try:
                digest, size = hashlib.sha256(), 0
                for block in _blocks(source):
                    digest.update(block)
                    size += file.write(block)
                file.flush()
                if self._database.durable:
                    os.fsync(file.fileno())
                yield _Written(path, file, size, digest.hexdigest())
            finally:
                path.unlink(missing_ok=True)

    def _new_file(self) -> tuple[Path, BinaryIO]:
        while True:
            path = self._incoming / uuid.uuid4().hex
            file = path.open("xb")
            # The lock says "its writer lives"; it follows the file through renames and ends with the process.
            fcntl.flock(file, fcntl.LOCK_EX)
            # Between the two calls another process's clean-up may have taken the file for an orphan.
            if os.fstat(file.fileno()).st_nlink:
                return path, file
            file.close()

    def _commit(
        self,
        bucket: str,
        key: str,
        written: _Written,
        metadata: dict[str, str],
        content_type: str | None,
        *,
        only_if_absent: bool = False,
    ) -> ObjectInfo:
        with self._database.transaction() as connection:
            if only_if_absent and (standing := self._latest(connection, bucket, key)) is not None:
                return standing
            ordinal = _next_ordinal(connection, bucket, key)
            version = f"{ordinal:06d}-{written.sha256[:16]}"
            row = self._insert(
                connection,
                bucket,
                key,
                ordinal,
                version,
                "present",
                size=written.size,
                sha256=written.sha256,
                metadata=metadata,
                content_type=content_type,
            )
            self._notify(connection, row, "ObjectCreated:Put")
            info = _info(row)
            waiting = self._waiting_path(info.ref)
            written.path.rename(waiting)
            if self._database.durable:
                _flush_folder(self._incoming)
        self._settle(info.ref, waiting)
        return info

    def _settle(self, ref: ObjectRef, waiting: Path) -> None:
        place = self._path(ref)
        place.parent.mkdir(parents=True, exist_ok=True)
        # Gone where the clean-up of another process was faster.
        with suppress(FileNotFoundError):
            waiting.rename(place)

    def _insert(
        self,
        connection: sqlite3.Connection,
        bucket: str,
        key: str,
        ordinal: int,
        version: str,
        state: str,
        *,
        size: int = 0,
        sha256: str | None = None,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> sqlite3.Row:
        row: sqlite3.Row = connection.execute(
            "INSERT INTO objects (bucket, key, ordinal, version, size, sha256, modified_at, metadata,"
            " content_type, state) VALUES (?,?,?,?,?,?,?,?,?,?) RETURNING *",
            (
                bucket,
                key,
                ordinal,
                version,
                size,
                sha256,
                self._clock.now().timestamp(),
                canonical_json(metadata or {}),
                content_type,
                state,
            ),
        ).fetchone()
        return row

    def _notify(self, connection: sqlite3.Connection, row: sqlite3.Row, event: str) -> None:
        rules = connection.execute("SELECT * FROM notifications WHERE bucket=?", (row["bucket"],)).fetchall()
        queues = {
            rule["queue"]
            for rule in rules
            if fnmatchcase(f"s3:{event}", rule["events"])
            and row["key"].startswith(rule["prefix"])
            and row["key"].endswith(rule["suffix"])
        }
        body = json.dumps({"Records": [_notification(row, event)]})
        for queue in sorted(queues):
            insert_message(connection, queue, body, now=row["modified_at"], delay_s=0)

    # ---- reading ----------------------------------------------------------------------------------------
    def _latest(self, connection: sqlite3.Connection, bucket: str, key: str) -> ObjectInfo | None:
        row = connection.execute(_LATEST, (bucket, key)).fetchone()
        return None if row is None or row["state"] != "present" else _info(row)

    def _stored(self, ref: ObjectRef) -> ObjectInfo:
        try:
            ref.key.encode()
        except UnicodeEncodeError as error:
            raise ObjectMissing(ref) from error
        connection = self._database.connection()
        if ref.version == "null":
            latest = self._latest(connection, ref.bucket, ref.key)
        else:
            row = connection.execute(
                "SELECT * FROM objects WHERE bucket=? AND key=? AND version=? AND state='present'",
                (ref.bucket, ref.key, ref.version),
            ).fetchone()
            latest = None if row is None else _info(row)
        if latest is None:
            raise ObjectMissing(ref)
        return latest

    # ---- places -----------------------------------------------------------------------------------------
    def _path(self, ref: ObjectRef) -> Path:
        name = _key_hash(ref.key)
        return self._root / ref.bucket / name[:2] / name / ref.version

    def _waiting_path(self, ref: ObjectRef) -> Path:
        return self._incoming / f"{ref.bucket}~{_key_hash(ref.key)}~{ref.version}"

    def _clean(self) -> None:
        """Finish or remove what killed writers left behind; living writers hold a lock on their files."""
        for path in sorted(self._incoming.iterdir()):
            with suppress(FileNotFoundError), path.open("rb") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    continue
                committed = self._committed(path.name)
                if committed is None:
                    path.unlink()
                else:
                    self._settle(committed, path)

    def _committed(self, name: str) -> ObjectRef | None:
        bucket, _, rest = name.partition("~")
        key_hash, _, version = rest.partition("~")
        rows = self._database.connection().execute(
            "SELECT bucket, key, version FROM objects WHERE bucket=? AND version=? AND state='present'",
            (bucket, version),
        )
        for row in rows.fetchall():
            if _key_hash(row["key"]) == key_hash:
                return ObjectRef(bucket=row["bucket"], key=row["key"], version=row["version"])
        return None


def _notification(row: sqlite3.Row, event: str) -> dict[str, object]:
    """One record of an S3 event notification for a row of ``objects``, as S3 writes it (event structure 2.1)."""
    entry: dict[str, object] = {
        # S3 form-encodes keys and leaves slashes.
        "key": quote_plus(row["key"], safe="/"),
        "versionId": row["version"],
        # Compared as text by its readers, hence the fixed width.
        "sequencer": f"{row['sequence']:016X}",
    }
    if row["sha256"] is not None:
        entry |= {"size": row["size"], "eTag": row["sha256"][:32]}
    moment = datetime.fromtimestamp(row["modified_at"], UTC)
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "local",
        "eventTime": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "eventName": event,
        "s3": {
            "s3SchemaVersion": "1.0",
            "bucket": {"name": row["bucket"], "arn": f"arn:aws:s3:::{row['bucket']}"},
            "object": entry,
        },
    }


def _check(bucket: str, key: str) -> None:
    if not _BUCKET.fullmatch(bucket):
        raise PermanentError(
            "bad_bucket_name", f"{bucket!r} is no bucket name", "Use the configured buckets."
        )
    try:
        length = len(key.encode())
    except UnicodeEncodeError as error:
        raise PermanentError(
            "bad_object_key", f"the key {key!r} is no valid Unicode text", "Rename the file in UTF-8."
        ) from error
    if not 0 < length <= MAX_KEY_BYTES:
        raise PermanentError(
            "bad_object_key",
            f"the key {key[:40]!r}… has {length} bytes",
            f"A key has 1 to {MAX_KEY_BYTES} bytes in UTF-8; shorten the name.",
        )


def _next_ordinal(connection: sqlite3.Connection, bucket: str, key: str) -> int:
    row = connection.execute(
        "SELECT max(ordinal) FROM objects WHERE bucket=? AND key=?", (bucket, key)
    ).fetchone()
    return int(row[0] or 0) + 1


def _info(row: sqlite3.Row) -> ObjectInfo:
    return ObjectInfo(
        ref=ObjectRef(bucket=row["bucket"], key=row["key"], version=row["version"]),
        size=row["size"],
        modified_at=datetime.fromtimestamp(row["modified_at"], UTC),
        metadata=json.loads(row["metadata"]),
        sha256=row["sha256"],
    )


def _key_hash(key: str) -> str:
    return hashlib.sha1(key.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def _blocks(source: bytes | Path) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
