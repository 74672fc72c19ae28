"""The object store over S3."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from rightscan.adapters.aws.clients import aws_errors, error_code, late_client
from rightscan.errors import PermanentError, TransientError
from rightscan.ports import ObjectInfo, ObjectMissing
from rightscan.records.objects import ObjectRef

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MULTIPART_BYTES = 64 << 20
"""Above this a file goes up in parts; S3 takes no single part above 5 GB."""

PART_BYTES = 16 << 20
MAX_PARTS = 10_000
MAX_KEY_BYTES = 1024
_UPLOADS = 4  # parts on their way at once: 64 MB of memory
_READ_ATTEMPTS = 4

# 404 is what a HEAD says for all of them; a delete marker asked for by its version is 405 MethodNotAllowed,
# a version id that S3 never gave out is 400 InvalidArgument.
_MISSING = frozenset(
    {"404", "405", "NoSuchKey", "NoSuchVersion", "NoSuchBucket", "MethodNotAllowed", "InvalidArgument"}
)

_File = io.BytesIO | io.BufferedReader


class S3Objects:
    """Objects in S3 buckets, encrypted as each bucket says.

    The role needs ``s3:ListBucket``: without it S3 answers 403 for a missing object, which says nothing.

    Args:
        client: an S3 client; default: the process's own.
    """

    def __init__(self, client: S3Client | None = None) -> None:
        self._client: S3Client = client or late_client("s3")

    def put(
        self,
        bucket: str,
        key: str,
        source: bytes | Path,
        *,
        metadata: Mapping[str, str] | None = None,
        content_type: str | None = None,
    ) -> ObjectInfo:
        """Write a new version; S3 checks the SHA-256. ``metadata`` is ASCII (the caller percent-encodes).

        ``modified_at`` is this machine's time.

        Raises:
            PermanentError: codes ``bad_object_key``, ``aws_refused``.
            OSError: ``source`` cannot be read.
        """
        with aws_errors(f"{bucket}/{key}"):
            return self._put(bucket, key, source, metadata or {}, content_type, {})

    def put_if_absent(self, bucket: str, key: str, source: bytes | Path) -> ObjectInfo:
        """Write an immutable object, or return the one that stands."""
        with aws_errors(f"{bucket}/{key}"):
            try:
                return self._put(bucket, key, source, {}, None, {"IfNoneMatch": "*"})
            except ClientError as error:
                if error_code(error) != "PreconditionFailed":
                    raise
        return self.head(ObjectRef(bucket=bucket, key=key))

    def head(self, ref: ObjectRef) -> ObjectInfo:
        """Facts of one version. Raises ``ObjectMissing``."""
        return _info(ref, self._head(ref))

    def open(self, ref: ObjectRef) -> BinaryIO:
        """A seekable reader, fixed to the version found now; its ``raw`` is a ``RangeReader``.

        Raises:
            ObjectMissing: here, or at a read where the version was deleted meanwhile.
        """
        head = self._head(ref)
        # An unversioned bucket has only the ETag to tell that the object was replaced between two ranges.
        pinned = {"VersionId": head["VersionId"]} if "VersionId" in head else {"IfMatch": head["ETag"]}
        return io.BufferedReader(
            RangeReader(self._client, ref, head["ContentLength"], pinned), RangeReader.FIRST_BYTES
        )

    def download(self, ref: ObjectRef, path: Path) -> None:
        """Copy one version to a local file, in parallel ranges. Raises ``ObjectMissing``."""
        with aws_errors(f"{ref.bucket}/{ref.key}"):
            try:
                self._client.download_file(ref.bucket, ref.key, str(path), ExtraArgs=_version(ref))
            except ClientError as error:
                if error_code(error) == "400":
                    self._reason(ref)
                if error_code(error) in _MISSING:
                    raise ObjectMissing(ref) from error
                raise
            except Boto3Error as error:
                raise TransientError(
                    "aws_unreachable", f"{ref.bucket}/{ref.key}: {error}", "Try again."
                ) from error

    def list(self, bucket: str, prefix: str = "", *, after: str = "") -> Iterator[ObjectInfo]:
        """The latest versions by key from after ``after`` on; a listing carries no metadata and no hash."""
        # Versions, not keys: an upload is known by its version, and "latest" would make it a second upload.
        start: dict[str, Any] = {"KeyMarker": after} if after else {}
        paginator = self._client.get_paginator("list_object_versions")
        pages = iter(paginator.paginate(Bucket=bucket, Prefix=prefix, **start))
        while True:
            with aws_errors(f"bucket {bucket}"):
                page = next(pages, None)
            if page is None:
                return
            for entry in page.get("Versions", []):
                if entry["IsLatest"] and entry["Key"] != after:
                    ref = ObjectRef(bucket=bucket, key=entry["Key"], version=entry["VersionId"])
                    yield ObjectInfo(ref, entry["Size"], entry["LastModified"].astimezone(UTC), {})

    # ---- reading ----------------------------------------------------------------------------------------
    def _head(self, ref: ObjectRef) -> Mapping[str, Any]:
        with aws_errors(f"{ref.bucket}/{ref.key}"):
            try:
                return self._client.head_object(
                    Bucket=ref.bucket, Key=ref.key, ChecksumMode="ENABLED", **_version(ref)
                )
            except ClientError as error:
                if error_code(error) == "400":
                    self._reason(ref)
                if error_code(error) in _MISSING:
                    raise ObjectMissing(ref) from error
                raise

    def _reason(self, ref: ObjectRef) -> None:
        """Ask again with a GET: a HEAD has no room for the reason of a 400 (a bad version? an old token?)."""
        try:
            self._client.get_object(Bucket=ref.bucket, Key=ref.key, Range="bytes=0-0", **_version(ref))[
                "Body"
            ].close()
        except ClientError as error:
            if error_code(error) in _MISSING:
                raise ObjectMissing(ref) from error
            raise

    # ---- writing ----------------------------------------------------------------------------------------
    def _put(
        self,
        bucket: str,
        key: str,
        source: bytes | Path,
        metadata: Mapping[str, str],
        content_type: str | None,
        condition: Mapping[str, Any],
    ) -> ObjectInfo:
        if not bucket:
            # Not the data's fault: a function that was not told its bucket must not refuse what it was given.
            raise TransientError(
                "aws_failed",
                f"no bucket is given to write {key} to",
                "Give the function the bucket's variable in template.yaml; the message waits.",
            )
        _check_key(key)
        facts: dict[str, Any] = {"Metadata": dict(metadata)}
        if content_type is not None:
            facts["ContentType"] = content_type
        target = {"Bucket": bucket, "Key": key}
        with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            if size > MULTIPART_BYTES:
                digest, answer = self._put_parts(file, size, target, facts, condition)
            else:
                digest, answer = self._put_whole(file, {**target, **facts, **condition})
        ref = ObjectRef(bucket=bucket, key=key, version=answer.get("VersionId", "null"))
        # A write's answer has no time; asking for it would need the right to read.
        return ObjectInfo(ref, size, datetime.now(UTC), dict(metadata), digest.hex())

    def _put_whole(self, file: _File, request: Mapping[str, Any]) -> tuple[bytes, Mapping[str, Any]]:
        digest = hashlib.file_digest(file, "sha256").digest()
        file.seek(0)
        checksum = base64.b64encode(digest).decode()
        return digest, self._client.put_object(
            Body=file, ChecksumAlgorithm="SHA256", ChecksumSHA256=checksum, **request
        )

    def _put_parts(
        self,
        file: _File,
        size: int,
        target: dict[str, Any],
        facts: dict[str, Any],
        condition: Mapping[str, Any],
    ) -> tuple[bytes, Mapping[str, Any]]:
        """Upload in parts; boto3's own transfer does not tell which version it wrote."""
        part_bytes = max(PART_BYTES, -(-size // MAX_PARTS))
        upload = {
            **target,
            "UploadId": self._client.create_multipart_upload(ChecksumAlgorithm="SHA256", **target, **facts)[
                "UploadId"
            ],
        }
        whole = hashlib.sha256()
        try:
            with ThreadPoolExecutor(_UPLOADS) as pool:
                parts: list[Future[CompletedPartTypeDef]] = []
                while chunk := file.read(part_bytes):
                    whole.update(chunk)
                    parts.append(pool.submit(self._put_part, chunk, len(parts) + 1, upload))
                    waiting = [part for part in parts if not part.done()]
                    if len(waiting) >= _UPLOADS:
                        for part in wait(waiting, return_when=FIRST_COMPLETED).done:
                            part.result()  # raises what the upload raised, before the rest is sent
            answer = self._client.complete_multipart_upload(
                **upload, MultipartUpload={"Parts": [part.result() for part in parts]}, **condition
            )
        except BaseException:
            # Parts of an upload that nobody ends are stored and billed.
            self._client.abort_multipart_upload(**upload)
            raise
        return whole.digest(), answer

    def _put_part(self, chunk: bytes, number: int, upload: Mapping[str, Any]) -> CompletedPartTypeDef:
        checksum = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
        answer = self._client.upload_part(Body=chunk, PartNumber=number, ChecksumSHA256=checksum, **upload)
        return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum}


class RangeReader(io.RawIOBase):
    """Reads one object version by ranged requests, of which each is read as a stream.

    The first range after a seek has 128 KB, each further one in a row twice as many: a probe of a few
    headers fetches little, a reading from end to end needs few requests. Memory does not grow with either.
    """

    FIRST_BYTES = 128 << 10
    MOST_BYTES = 64 << 20

    def __init__(self, client: S3Client, ref: ObjectRef, size: int, pinned: Mapping[str, str]) -> None:
        super().__init__()
        self._client = client
        self._ref = ref
        self._size = size
        self._pinned = pinned
        self._position = 0
        self._body: Any = None
        self._left = 0  # bytes of the open range not yet read
        self._next_range = self.FIRST_BYTES
        self.bytes_fetched = 0
        """Bytes read from S3 so far."""
        self.requests = 0
        """Ranges asked for so far."""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is fetched before the next read."""
        position = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if position < 0:
            raise ValueError(f"seek to {position}")
        if position != self._position:
            self._drop()
            self._next_range = self.FIRST_BYTES
            self._position = position
        return position

    def tell(self) -> int:
        """The position in bytes."""
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill as much of ``buffer`` as the open range gives; 0 at the end of the object."""
        view = memoryview(buffer).cast("B")
        if self._position >= self._size or not view:
            return 0
        data = self._fetch(len(view))
        view[: len(data)] = data
        self._position += len(data)
        self._left -= len(data)
        self.bytes_fetched += len(data)
        if self._left == 0:
            self._drop()
        return len(data)

    def close(self) -> None:
        """Give up the open range."""
        self._drop()
        super().close()

    def _fetch(self, limit: int) -> bytes:
        what = f"{self._ref.bucket}/{self._ref.key}"
        for _ in range(_READ_ATTEMPTS):
            with aws_errors(what):
                if self._body is None:
                    self._open_range()
            try:
                data: bytes = self._body.read(min(limit, self._left))
            except BotoCoreError:
                # The connection broke in the middle: a new range from here on takes the place of the rest.
                data = b""
            if data:
                return data
            self._drop()
        raise TransientError("aws_unreachable", f"{what} broke off at byte {self._position}", "Try again.")

    def _open_range(self) -> None:
        end = min(self._position + self._next_range, self._size)
        try:
            self._body = self._client.get_object(
                Bucket=self._ref.bucket,
                Key=self._ref.key,
                Range=f"bytes={self._position}-{end - 1}",
                **self._pinned,  # type: ignore[arg-type]
            )["Body"]
        except ClientError as error:
            if error_code(error) in _MISSING:
                raise ObjectMissing(self._ref) from error
            raise
        self._left = end - self._position
        self._next_range = min(2 * self._next_range, self.MOST_BYTES)
        self.requests += 1

    def _drop(self) -> None:
        if self._body is not None:
            self._body.close()
            self._body = None
            self._left = 0


def _check_key(key: str) -> None:
    try:
        fits = 0 < len(key.encode()) <= MAX_KEY_BYTES
    except UnicodeEncodeError:
        fits = False
    if not fits:
        raise PermanentError(
            "bad_object_key",
            f"S3 cannot hold the key {key[:40]!r}",
            f"A key has 1 to {MAX_KEY_BYTES} bytes of valid UTF-8; rename the file.",
        )


def _version(ref: ObjectRef) -> dict[str, Any]:
    return {} if ref.version == "null" else {"VersionId": ref.version}


def _info(ref: ObjectRef, head: Mapping[str, Any]) -> ObjectInfo:
    # A multipart object has a checksum over its parts' checksums ("…-3"), which is no hash of the bytes.
    checksum = head.get("ChecksumSHA256", "")
    whole = bool(checksum) and "-" not in checksum
    modified: datetime = head["LastModified"]
    return ObjectInfo(
        ref.model_copy(update={"version": head.get("VersionId", ref.version)}),
        head["ContentLength"],
        modified.astimezone(UTC),
        head["Metadata"],
        base64.b64decode(checksum).hex() if whole else None,
    )
