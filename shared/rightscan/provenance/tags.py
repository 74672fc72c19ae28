"""Read a file's tags: ID3, MP4, Vorbis comments, RIFF INFO, ASF and AIFF, and the text of XMP in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tinytag import TinyTag, UnsupportedFormatError
from tinytag.tinytag import TinyTagException

from rightscan.provenance.containers import BoundedReader, at, chunks
from rightscan.provenance.records import Problem, TagState
from rightscan.provenance.text import clean

LONGEST = 2000
"""Characters looked at of one tag; generators write under 200."""

_LONGEST_XMP = 1 << 18
_MOST_FIELDS = 500
_MOST_VALUES = 20
_NOT_TEXT = frozenset({"filename", "filesize", "mime_type"})
_XMP = "xmp"

# tinytag compares every value of a field with those before it, and its time grows with their square. These bounds
# keep a file made for that within seconds: 8,000 frames of ID3 or comments of FLAC, 12,000 items of RIFF or MP4.
_BUDGET = 8 << 20  # bytes
_LARGEST_READ = 128 << 10  # bytes; beyond are pictures
_READ_COST = 128  # bytes; a fragmented MP4 of 12 h takes 43,000 reads
_READ_COSTS = {"mp3": 512, "flac": 512}
# Ogg's comments come in pages that are read before they are counted.
_BUDGET_OGG = 512 << 10  # bytes
_MOST_COMMENTS = 4096
_COMMENT_HEADERS = (b"\x03vorbis", b"OpusTags")
_PARSED = frozenset({"wav", "mp3", "flac", "mp4", "m4a", "mov", "ogg", "asf", "aiff", "aac"})
_BEXT_ORIGINATOR = slice(256, 288)  # EBU Tech 3285, section 2.3


@dataclass(frozen=True, slots=True)
class Tags:
    """The text tags of a file.

    Attributes:
        state: whether they could be read.
        fields: name and value, names in lower case as tinytag calls them, values cleaned; in order.
        xmp: packets of XMP, raw.
        problems: why something is missing.
    """

    state: TagState
    fields: tuple[tuple[str, str], ...] = ()
    xmp: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def read_tags(path: Path, container: str) -> Tags:
    """Read the tags of a file.

    Args:
        path: the file; it is opened for reading only.
        container: as ``containers.sniff`` names it.

    Raises:
        OSError: the file cannot be opened.
    """
    if container not in _PARSED:
        return Tags("unsupported_container")
    with path.open("rb") as file:
        if container == "ogg" and _has_too_many(at(file, 0, _BUDGET_OGG)):
            return Tags("unreadable", problems=(Problem("tags_unreadable", "too many comments"),))
        budget = _BUDGET_OGG if container == "ogg" else _BUDGET
        file.seek(0)
        reader = BoundedReader(file, budget, _LARGEST_READ, _READ_COSTS.get(container, _READ_COST))
        try:
            tag = TinyTag.get(file_obj=reader, duration=False)  # type: ignore[arg-type]
        except UnsupportedFormatError:
            return Tags("unsupported_container")
        except (TinyTagException, OSError, ValueError) as error:
            return Tags("unreadable", problems=(Problem("tags_unreadable", _cause(error, reader)),))
        originator = _originator(file, path.stat().st_size) if container == "wav" else ""
    values = tag.as_dict()
    xmp = tuple(str(text)[:_LONGEST_XMP] for text in _listed(values.pop(_XMP, None)))
    fields = [(name, text) for name, entry in values.items() for text in _texts(name, entry)]
    if originator:
        fields.append(("originator", originator))
    problems = (Problem("too_many_entries", "tags"),) if len(fields) > _MOST_FIELDS else ()
    return Tags("read", tuple(fields[:_MOST_FIELDS]), xmp, problems)


def _has_too_many(head: bytes) -> bool:
    """Whether a comment header in Ogg counts more comments than anybody writes."""
    for mark in _COMMENT_HEADERS:
        place = head.find(mark)
        while place >= 0:
            vendor = place + len(mark)
            count = vendor + 4 + int.from_bytes(head[vendor : vendor + 4], "little")
            if int.from_bytes(head[count : count + 4], "little") > _MOST_COMMENTS:
                return True
            place = head.find(mark, place + 1)
    return False


def _cause(error: Exception, reader: BoundedReader) -> str:
    """Why tags could not be read: a type, for the library's words may quote the file."""
    return "read limit" if reader.spent else type(error.__cause__ or error).__name__


def _listed(entry: object) -> list[object]:
    return entry if isinstance(entry, list) else []


def _texts(name: str, entry: object) -> list[str]:
    if name in _NOT_TEXT:
        return []
    return [text for value in _listed(entry)[:_MOST_VALUES] if (text := clean(value, LONGEST))]


def _originator(file: BinaryIO, size: int) -> str:
    """The program or organisation that made a broadcast wave, which tinytag does not read."""
    for name, body, length in chunks(file, size):
        if name == b"bext" and length >= _BEXT_ORIGINATOR.stop:
            data = at(file, body, _BEXT_ORIGINATOR.stop)[_BEXT_ORIGINATOR]
            return clean(data.split(b"\0")[0].decode("utf-8", "replace"))
    return ""
