"""The container behind a file's first bytes, where a C2PA manifest lies in it, and reading within a budget."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

_MANIFEST_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""User type of the C2PA box (C2PA specification, "Embedding manifests into BMFF-based assets")."""

_MANIFEST_TYPES = (b"application/c2pa", b"application/x-c2pa-manifest-store")
_RIFF_KINDS = {b"WAVE": "wav", b"AVI ": "avi"}
_AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A "})
_AT_ZERO = (
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"caff", "caf"),
    (b"FORM", "aiff"),
    (b"FLV\x01", "flv"),
)
_QUICKTIME_TOPS = frozenset({b"moov", b"mdat", b"wide", b"free", b"skip"})
_MOST_CHUNKS = 200_000  # 12 h of fragmented MP4 have 43,000 boxes
_SEARCH_BLOCK = 1 << 20
_FARTHEST = 1 << 48  # bytes; a 64-bit length from a header may be more than a file can seek to


class BoundedReader(io.RawIOBase):
    """Reads of a file within limits that no parser above it can leave.

    Args:
        reader: seekable binary reader.
        budget: bytes that may be read through it.
        largest: bytes that one read gives. ``read`` moves on over what it does not give, so that a parser that
            asks for a picture meets a short one; ``readinto`` is short as files may be.
        cost: bytes that any read costs, so that a parser that runs in circles comes to an end.
    """

    def __init__(self, reader: BinaryIO, budget: int, largest: int, cost: int) -> None:
        self._reader = reader
        self._left = budget
        self._largest = largest
        self._cost = cost
        self.spent = False
        """A read was refused."""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See ``io.IOBase.seek``."""
        if abs(offset) > _FARTHEST:
            raise OSError("no file is that long")
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        """See ``io.IOBase.tell``."""
        return self._reader.tell()

    def read(self, size: int | None = -1) -> bytes:
        """Read ``size`` bytes, of which at most ``largest`` are given."""
        wanted = _FARTHEST if size is None or size < 0 else size
        start = self._reader.tell()
        data = self._take(min(wanted, self._largest))
        if wanted > len(data) == self._largest:
            self._reader.seek(start + wanted)
        return data

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fill a buffer, or its beginning."""
        data = self._take(min(len(buffer), self._largest))
        buffer[: len(data)] = data
        return len(data)

    def _take(self, size: int) -> bytes:
        if self._left <= 0 < size:
            self.spent = True
            raise OSError("the budget of this reader is spent")
        data = self._reader.read(size)
        self._left -= max(len(data), self._cost)
        return data


def sniff(file: BinaryIO) -> str | None:
    """Name the container by its first bytes; ``None`` where they tell nothing."""
    head = at(file, 0, 16)
    for magic, name in _AT_ZERO:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF":
        return _RIFF_KINDS.get(head[8:12])
    if head[:4] in (b"RF64", b"BW64"):
        return "rf64"
    if head[4:8] == b"ftyp":
        return _brand(head[8:12])
    if head[4:8] in _QUICKTIME_TOPS:
        return "mov"
    if head[:3] == b"ID3":
        return "flac" if at(file, tag_length(head), 4) == b"fLaC" else "mp3"
    return _frame_sync(head)


def _brand(brand: bytes) -> str:
    if brand == b"qt  ":
        return "mov"
    return "m4a" if brand in _AUDIO_BRANDS else "mp4"


def _frame_sync(head: bytes) -> str | None:
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    return "aac" if head[1] & 0x06 == 0 else "mp3"


def at(file: BinaryIO, position: int, length: int) -> bytes:
    """Bytes at a position; none where no file reaches."""
    if not 0 <= position <= _FARTHEST:
        return b""
    file.seek(position)
    return file.read(length)


def tag_length(head: bytes) -> int:
    """Length of the ID3v2 tag that begins with ``head``, its header counted; 0 where none begins."""
    if len(head) < 10 or head[:3] != b"ID3":
        return 0
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size


def chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Chunks of a RIFF file: name, position of the body, length of the body within the file."""
    position = 12
    for _ in range(_MOST_CHUNKS):
        head = at(file, position, 8)
        if len(head) < 8:
            return
        name, length = struct.unpack("<4sI", head)
        body = position + 8
        yield name, body, max(0, min(length, size - body))
        position = body + length + length % 2


def boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Top boxes of an MP4 file (ISO/IEC 14496-12, 4.2): as ``chunks``."""
    position = 0
    for _ in range(_MOST_CHUNKS):
        head = at(file, position, 16)
        if len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head[:8])
        body = position + 8
        if length == 1 and len(head) == 16:
            length, body = struct.unpack(">Q", head[8:])[0], position + 16
        elif length == 0:
            length = size - position
        if length < body - position:
            return
        yield name, body, max(0, min(position + length, size) - body)
        position += length


def manifest_bytes(file: BinaryIO, container: str, size: int) -> int:
    """Bytes of the file that a C2PA manifest takes, without parsing it.

    Args:
        file: seekable.
        container: as ``sniff`` names it.
        size: of the file, bytes.

    Returns:
        0 where none was found; for MP3 and FLAC the size of the ID3 tag that holds it.
    """
    if container in ("wav", "avi"):
        return sum(length for name, _, length in chunks(file, size) if name == b"C2PA")
    if container in ("mp4", "m4a", "mov"):
        return sum(
            length
            for name, body, length in boxes(file, size)
            if name == b"uuid" and at(file, body, 16) == _MANIFEST_BOX
        )
    length = min(tag_length(at(file, 0, 10)), size)
    return length if _holds(file, length) else 0


def _holds(file: BinaryIO, length: int) -> bool:
    """Whether the first ``length`` bytes name a manifest's media type."""
    overlap = max(len(name) for name in _MANIFEST_TYPES)
    return any(
        name in block
        for start in range(0, length, _SEARCH_BLOCK)
        for block in (at(file, start, min(_SEARCH_BLOCK + overlap, length - start)),)
        for name in _MANIFEST_TYPES
    )
