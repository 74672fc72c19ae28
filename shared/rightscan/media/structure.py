"""What a file's outer structure promises: where it ends, and whether its sound is encrypted.

Decoders are forgiving: FFmpeg plays a WAV, an Ogg or a Matroska file up to wherever it was cut off, and plays
encrypted AAC as noise, without a word. The containers say better, in sizes and marks that cost a few reads.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_SLACK = 64  # bytes; writers differ by a header or a pad byte, and 64 bytes are under 20 ms at 32 kbit/s
_FARTHEST = 1 << 48  # bytes; a 64-bit length from a header may be more than a file can seek to
_MOST_CHUNKS = 1_000_000  # 12 h of fragmented MP4 have 43,000
_PADDING = 1 << 16  # zeros up to this length behind a WAV's sound fill a sector or a page, and are no sound

_RIFF = struct.Struct("<4sI")
_AIFF = struct.Struct(">4sI")
_CAF = struct.Struct(">4sq")
_ASF = struct.Struct("<16sQ")

_MP4_TOP = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"styp", b"sidx", b"moof"})
_MP4_WITH_SOUND = frozenset({b"moov", b"mdat", b"moof"})
_MP4_PATH = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_MP4_ENCRYPTED = frozenset({b"enca", b"drms"})

_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_ENCRYPTED = frozenset(
    bytes.fromhex(guid)
    for guid in (
        "fbb3112223bdd211b4b700a0c955fc6e",
        "14e68a292226174cb935dae07ee9289c",
        "338505438161e6499b74ad12cb86d58c",
    )
)
_ASF_BROADCAST = 1

_EBML_SEGMENT = b"\x18\x53\x80\x67"
_OGG_LARGEST_PAGE = 65_307
_OGG_END_OF_STREAM = 4


@dataclass(frozen=True)
class Structure:
    """What the container says of itself.

    Attributes:
        missing: why the file is shorter than it says, in words for the record; empty where nothing says so.
        surplus_bytes: sound of a WAV that its header denies.
        encrypted: the sound is under a copy protection.
    """

    missing: str = ""
    surplus_bytes: int = 0
    encrypted: bool = False


@dataclass(frozen=True)
class _Chunk:
    name: bytes
    body: int
    end: int


def examine(file: BinaryIO, size: int) -> Structure:
    """Read the outer structure of a file; a kind that says nothing of its end gives an empty answer.

    Args:
        file: seekable.
        size: of the file, bytes.
    """
    head = _at(file, 0, 16)
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return _wave(file, size)
    if head[:4] == b"RIFF":
        return _short(_ends(file, size, 0, _RIFF, (b"RIFF",)), size)
    if head[:4] == b"FORM":
        return _short(_ends(file, size, 12, _AIFF, (b"SSND",)), size)
    if head[:4] == b"caff":
        return _short(_ends(file, size, 8, _CAF, (b"data",), pad=1), size)
    if head[4:8] in _MP4_TOP:
        return _mp4(file, size)
    if head == _ASF_HEADER:
        return _asf(file, size)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _matroska(file, size)
    if head[:4] == b"OggS":
        return _ogg(file, size)
    return Structure()


def _short(end: int, size: int) -> Structure:
    lacking = end - size
    if lacking <= _SLACK:
        return Structure()
    return Structure(f"{lacking} bytes of what the header promises are missing")


def _at(file: BinaryIO, position: int, length: int) -> bytes:
    if position > _FARTHEST:
        return b""
    file.seek(position)
    return file.read(length)


def _chunks(file: BinaryIO, start: int, end: int, header: struct.Struct, pad: int = 2) -> Iterator[_Chunk]:
    """Chunks of ``name, length`` one behind the other; the length does not count the header."""
    for _ in range(_MOST_CHUNKS):
        head = _at(file, start, header.size)
        if start + header.size > end or len(head) < header.size:
            return
        name, length = header.unpack(head)
        body = start + header.size
        if length < 0:
            return
        yield _Chunk(name, body, body + length)
        start = body + length + length % pad


def _ends(
    file: BinaryIO, size: int, start: int, header: struct.Struct, names: tuple[bytes, ...], pad: int = 2
) -> int:
    """Where the last chunk of these names ends; 0 where none has a length (a stream written without one)."""
    found = (chunk for chunk in _chunks(file, start, size, header, pad) if chunk.name in names)
    return max((chunk.end for chunk in found if chunk.end > chunk.body), default=0)


# ---- WAV ------------------------------------------------------------------------------------------------
def _wave(file: BinaryIO, size: int) -> Structure:
    long_size = 0
    for chunk in _chunks(file, 12, size, _RIFF):
        length = chunk.end - chunk.body
        if chunk.name == b"ds64" and length >= 16:
            long_size = int.from_bytes(_at(file, chunk.body + 8, 8), "little")
        if chunk.name == b"data":
            if length == 0xFFFFFFFF:
                length = long_size
            # Without a length the sound goes to the end of the file, as recorders leave it that lost power.
            if length == 0:
                return Structure()
            end = chunk.body + length
            if end > size + _SLACK:
                return _short(end, size)
            return Structure(surplus_bytes=_surplus(file, end + end % 2, size))
    return Structure()


def _surplus(file: BinaryIO, start: int, size: int) -> int:
    """Bytes behind the sound that are neither chunks nor padding."""
    surplus = size - start
    if surplus <= _SLACK or (surplus <= _PADDING and not any(_at(file, start, surplus))):
        return 0
    for chunk in _chunks(file, start, size, _RIFF):
        if not (chunk.name.isascii() and chunk.name.decode().isprintable()) or chunk.end > size + _SLACK:
            return surplus
    return 0


# ---- MP4 ------------------------------------------------------------------------------------------------
def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[_Chunk]:
    """Boxes of ISO/IEC 14496-12, 4.2."""
    for _ in range(_MOST_CHUNKS):
        head = _at(file, start, 16)
        if start + 8 > end or len(head) < 8:
            return
        length, name = struct.unpack(">I4s", head[:8])
        body = start + 8
        if length == 1 and len(head) == 16:
            length, body = struct.unpack(">Q", head[8:])[0], start + 16
        elif length == 0:
            length = end - start
        if length < body - start:
            return
        yield _Chunk(name, body, start + length)
        start += length


def _mp4(file: BinaryIO, size: int) -> Structure:
    end = max((box.end for box in _boxes(file, 0, size) if box.name in _MP4_WITH_SOUND), default=0)
    missing = _short(end, size).missing
    return Structure(
        missing, encrypted=any(name in _MP4_ENCRYPTED for name in _sample_entries(file, 0, size))
    )


def _sample_entries(file: BinaryIO, start: int, end: int, depth: int = 0) -> Iterator[bytes]:
    """The four-letter names of how the tracks' samples are coded."""
    for box in _boxes(file, start, end):
        if depth == len(_MP4_PATH):
            yield box.name
        elif box.name == _MP4_PATH[depth]:
            # A sample description begins with a version and a count (8 bytes) before its entries.
            skip = 8 if depth == len(_MP4_PATH) - 1 else 0
            yield from _sample_entries(file, box.body + skip, min(box.end, end), depth + 1)


# ---- ASF, Matroska, Ogg ---------------------------------------------------------------------------------
def _asf(file: BinaryIO, size: int) -> Structure:
    """ASF specification (Microsoft, 01.20.03), sections 3.1, 3.2 and 3.14 ff."""
    header_size = struct.unpack("<Q", _at(file, 16, 8).ljust(8, b"\0"))[0]
    missing, encrypted, position = "", False, 30
    for _ in range(1000):
        head = _at(file, position, _ASF.size)
        if position >= min(header_size, size) or len(head) < _ASF.size:
            break
        name, length = _ASF.unpack(head)
        encrypted = encrypted or name in _ASF_ENCRYPTED
        if name == _ASF_FILE:
            total, flags = struct.unpack("<Q40xI", _at(file, position + 40, 52).ljust(52, b"\0"))
            missing = "" if flags & _ASF_BROADCAST else _short(total, size).missing
        position += max(length, _ASF.size)
    return Structure(missing, encrypted=encrypted)


def _matroska(file: BinaryIO, size: int) -> Structure:
    """The size of the segment (RFC 8794, section 4), which a live stream leaves open."""
    body, length = _vint(file, 4)
    start = body + (length or 0)
    if _at(file, start, 4) != _EBML_SEGMENT:
        return Structure()
    body, segment = _vint(file, start + 4)
    return Structure() if segment is None else _short(body + segment, size)


def _vint(file: BinaryIO, position: int) -> tuple[int, int | None]:
    """Where a variable-length number ends, and its value; ``None`` is "unknown"."""
    data = _at(file, position, 8).ljust(8, b"\0")
    width = 9 - data[0].bit_length()
    if width > 8:
        return position + 1, None
    value = int.from_bytes(data[:width]) & ((1 << 7 * width) - 1)
    return position + width, None if value == (1 << 7 * width) - 1 else value


def _ogg(file: BinaryIO, size: int) -> Structure:
    """Whether the last page is whole and marks the end of its stream (RFC 3533, section 6)."""
    tail = _at(file, max(0, size - _OGG_LARGEST_PAGE), _OGG_LARGEST_PAGE)
    start = tail.rfind(b"OggS")
    page = tail[start:] if start >= 0 else b""
    if len(page) < 27 or len(page) < 27 + page[26] + sum(page[27 : 27 + page[26]]):
        return Structure("the last page is cut off")
    return (
        Structure() if page[5] & _OGG_END_OF_STREAM else Structure("the mark of the stream's end is missing")
    )
