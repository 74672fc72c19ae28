"""What encoders left in a file: their names, and how much silence they put around the sound."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from rightscan.provenance.containers import at, tag_length
from rightscan.provenance.generators import is_tool_field
from rightscan.provenance.records import Trace, Traces
from rightscan.provenance.tags import Tags
from rightscan.provenance.text import clean

_MOST = 16
_FRAME = 4096  # bytes; the longest MPEG layer III frame has 1,441
_HEADERS = 1 << 16  # bytes; Vorbis and Opus name their library on the second page
_LONGEST_VENDOR = 1024
_XING_FIELDS = ((1, 4), (2, 4), (4, 100), (8, 4))  # flag and length of what stands before the encoder's name
_LAME_NAME, _LAME_GAPS = 9, 21  # length of the name, place of the two 12-bit gaps behind its beginning
_ITUNES_GAPS = re.compile(r"\A\s*[0-9A-F]{8}\s+([0-9A-F]{8})\s+([0-9A-F]{8})\b", re.IGNORECASE)
_FLAC_COMMENT = 4
_MOST_GAP = 1 << 20  # samples; more is no gap but garbage


def read_traces(path: Path, container: str, tags: Tags) -> Traces:
    """Collect encoder strings and gaps.

    Args:
        path: the file; it is opened for reading only.
        container: as ``containers.sniff`` names it.
        tags: of the file.

    Raises:
        OSError: the file cannot be opened.
    """
    encoders = [Trace(clean(name, 60), clean(value)) for name, value in tags.fields if is_tool_field(name)]
    gaps = _itunes_gaps(tags)
    with path.open("rb") as file:
        if container == "mp3":
            name, gaps = _lame(file, gaps)
            encoders += [Trace("lame header", name)] if name else []
        elif container in ("flac", "ogg") and (vendor := _vendor(file, container)):
            encoders.append(Trace("vendor", vendor))
    kept = tuple(dict.fromkeys(encoders))[:_MOST]
    return Traces(kept, *gaps) if gaps else Traces(kept)


def _itunes_gaps(tags: Tags) -> tuple[int, int] | None:
    """Delay and padding of the iTunSMPB comment, which MP4 and MP3 files carry."""
    for name, value in tags.fields:
        if name.lower().endswith("itunsmpb") and (found := _ITUNES_GAPS.match(value)):
            delay, padding = int(found[1], 16), int(found[2], 16)
            return (delay, padding) if max(delay, padding) < _MOST_GAP else None
    return None


def _lame(file: BinaryIO, gaps: tuple[int, int] | None) -> tuple[str, tuple[int, int] | None]:
    """Name and gaps of the header that LAME and its successors write into a silent first frame."""
    frame = at(file, tag_length(at(file, 0, 10)), _FRAME)
    start = max(frame.find(b"Xing", 0, 64), frame.find(b"Info", 0, 64))
    if start < 0 or len(frame) < start + 8:
        return "", gaps
    flags = int.from_bytes(frame[start + 4 : start + 8])
    place = start + 8 + sum(length for flag, length in _XING_FIELDS if flags & flag)
    name = clean(frame[place : place + _LAME_NAME].split(b"\0")[0].decode("latin-1"))
    packed = frame[place + _LAME_GAPS : place + _LAME_GAPS + 3]
    if not name.startswith("L") or len(packed) < 3:
        return "", gaps
    value = int.from_bytes(packed)
    return name, (value >> 12, value & 0xFFF)


def _vendor(file: BinaryIO, container: str) -> str:
    """The library that wrote a Vorbis comment (https://xiph.org/vorbis/doc/v-comment.html)."""
    head = at(file, 0, _HEADERS)
    if container == "ogg":
        starts = [
            place + len(mark) for mark in (b"\x03vorbis", b"OpusTags") if (place := head.find(mark)) >= 0
        ]
        return _counted(head, min(starts)) if starts else ""
    position = tag_length(head[:10]) + 4
    for _ in range(128):
        block = at(file, position, 4)
        if len(block) < 4:
            return ""
        if block[0] & 0x7F == _FLAC_COMMENT:
            return _counted(at(file, position + 4, _LONGEST_VENDOR + 4), 0)
        if block[0] & 0x80:
            return ""
        position += 4 + int.from_bytes(block[1:])
    return ""


def _counted(data: bytes, start: int) -> str:
    length = int.from_bytes(data[start : start + 4], "little")
    return clean(data[start + 4 : start + 4 + min(length, _LONGEST_VENDOR)].decode("utf-8", "replace"))
