"""What a container says of itself, from a bounded number of bytes and without decoding anything.

The magic numbers are those of the formats' own specifications; the facts behind them are read by tinytag.
A header may lie: what it says is recorded as a claim, and the decoder finds out.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import BinaryIO, Literal

from tinytag import TinyTag

from rightscan.errors import PermanentError, RightscanError
from rightscan.media.limits import Limits

Kind = Literal["audio", "video", "unknown"]

PROBE_BUDGET = 8 << 20
"""Bytes that one probe may read: an ID3 tag with a large cover picture fits."""

_HEAD = 4096
_READ_COST = 64  # bytes that any read costs, so that a parser that runs in circles comes to an end
_LEAST_BIT_RATE = (
    500.0  # bit/s; speech codecs begin at 700: under it a header claims more than the file holds
)
_RECOGNISED_AT_ZERO: tuple[tuple[bytes, str, Kind], ...] = (
    (b"fLaC", "flac", "audio"),
    (b"OggS", "ogg", "audio"),
    (b"\x1a\x45\xdf\xa3", "matroska", "video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf", "audio"),
    (b"caff", "caf", "audio"),
    (b"wvpk", "wavpack", "audio"),
    (b"MAC ", "ape", "audio"),
    (b"#!AMR", "amr", "audio"),
    (b"FLV\x01", "flv", "video"),
    (b"\x00\x00\x01\xba", "mpeg", "video"),
    (b"\x0b\x77", "ac3", "audio"),
    (b"ADIF", "aac", "audio"),
)
_RIFF = {b"WAVE": ("wav", "audio"), b"AVI ": ("avi", "video")}
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ")


@dataclass(frozen=True)
class ContainerFacts:
    """What the container claims. ``declared_duration_s`` is ``None`` where it says nothing."""

    container: str
    kind: Kind
    declared_duration_s: float | None = None
    sample_rate: int | None = None
    channels: int | None = None


class _BudgetSpent(Exception):
    """The probe has read as much as it may."""


class BoundedReader(io.RawIOBase):
    """Passes reads on until a budget of bytes is spent.

    Args:
        reader: a seekable binary reader.
        budget: bytes that may be read through it.
    """

    def __init__(self, reader: BinaryIO, budget: int) -> None:
        self._reader = reader
        self.left = budget
        self.failure: RightscanError | None = None
        """What the store answered instead of bytes: the parser above would take it for a bad file."""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See ``io.IOBase.seek``."""
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        """See ``io.IOBase.tell``."""
        return self._reader.tell()

    def read(self, size: int | None = -1) -> bytes:
        """Read at most ``size`` bytes, or as many as the budget allows."""
        wanted = self.left + 1 if size is None or size < 0 else size
        if self.left <= 0 < wanted:
            raise _BudgetSpent
        try:
            data = self._reader.read(min(wanted, self.left))
        except RightscanError as error:
            self.failure = error
            raise
        self.left -= max(len(data), _READ_COST)
        return data


def probe(
    reader: BinaryIO, size: int, *, limits: Limits | None = None, budget: int = PROBE_BUDGET
) -> ContainerFacts:
    """Look at a file's container.

    Args:
        reader: seekable, at any position; a ranged reader over an object store will do.
        size: of the file, bytes.
        limits: what the file may claim.
        budget: bytes that may be read.

    Returns:
        What the container claims.

    Raises:
        PermanentError: ``empty_file``, ``not_media``, ``too_large``, ``too_long``, ``too_many_channels``,
            ``sample_rate_too_high``, ``sample_rate_too_low``.
    """
    limits = limits or Limits()
    if size == 0:
        raise PermanentError(
            "empty_file", "the file has 0 bytes", "Upload it again; the transfer was cut off."
        )
    if size > limits.max_bytes:
        raise PermanentError(
            "too_large", f"the file has {size} bytes, the limit is {limits.max_bytes}", "Cut it into parts."
        )
    bounded = BoundedReader(reader, budget)
    bounded.seek(0)
    recognised = _recognise(bounded.read(_HEAD))
    if recognised is None:
        raise PermanentError(
            "not_media",
            "the content is no audio or video file, whatever its name says",
            "Upload the recording itself: wav, mp3, m4a, flac, ogg, opus, wma, aiff, mp4, mov, mkv, webm or avi.",
        )
    facts = _claims(bounded, *recognised)
    _check(facts, size, limits)
    return facts


def _recognise(head: bytes) -> tuple[str, Kind] | None:
    for magic, container, kind in _RECOGNISED_AT_ZERO:
        if head.startswith(magic):
            return container, kind
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:12] in _RIFF:
        container, riff_kind = _RIFF[head[8:12]]
        return container, "video" if riff_kind == "video" else "audio"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff", "audio"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return "mov", "audio" if head[8:12] in _AUDIO_BRANDS else "video"
    if head[:3] == b"ID3":
        return "mp3", "audio"
    if len(head) >= 377 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts", "video"
    return _frame_sync(head)


def _frame_sync(head: bytes) -> tuple[str, Kind] | None:
    """MPEG audio without a tag: ADTS AAC, or three MP3 frames in a row (a radio recording begins in mid-frame)."""
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac", "audio"
    start = head.find(b"\xff")
    while start >= 0:
        if _leads_on(head, start):
            return "mp3", "audio"
        start = head.find(b"\xff", start + 1)
    return None


def _leads_on(head: bytes, start: int) -> bool:
    """Whether a frame header leads to two more; a file shorter than the head may hold a single frame."""
    found, position = 0, start
    while found < 3 and position + 4 <= len(head):
        length = mpeg_frame_length(head[position : position + 4])
        if length is None:
            return False
        found, position = found + 1, position + length
    return found == 3 or (start == 0 and found > 0 and len(head) < _HEAD)


def mpeg_frame_length(head: bytes) -> int | None:
    """Length of an MPEG-1/2/2.5 frame of layer III or II in bytes; ``None`` where none begins here.

    Args:
        head: the frame's first four bytes (ISO/IEC 11172-3, 2.4.2.3).
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate_index, rate_index = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer not in (1, 2) or rate_index == 3 or bitrate_index in (0, 15):
        return None
    kbps_v1_l3 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
    kbps_v1_l2 = (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384)
    kbps_v2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    table = kbps_v2 if version != 3 else (kbps_v1_l3 if layer == 1 else kbps_v1_l2)
    rate = (44100, 48000, 32000)[rate_index] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 576 if layer == 1 and version != 3 else 1152
    return samples // 8 * table[bitrate_index] * 1000 // rate + (head[2] >> 1 & 1)


def _claims(bounded: BoundedReader, container: str, kind: Kind) -> ContainerFacts:
    bounded.seek(0)
    try:
        tag = TinyTag.get(file_obj=bounded, tags=False, image=False)  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001 (a stranger's bytes make a parser raise anything; the decoder has the last word)
        if bounded.failure is not None:
            raise bounded.failure from None
        return ContainerFacts(container, kind)
    duration = float(tag.duration or 0.0)
    return ContainerFacts(
        container,
        kind,
        duration if math.isfinite(duration) and duration > 0 else None,
        int(tag.samplerate) if tag.samplerate else None,
        int(tag.channels) if tag.channels else None,
    )


def _check(facts: ContainerFacts, size: int, limits: Limits) -> None:
    check_stream(facts.channels, facts.sample_rate, limits)
    duration = facts.declared_duration_s or 0.0
    # An estimate from the bit rate may be wrong by a factor; the decoder measures, so allow twice the limit.
    if duration > 2 * limits.max_duration_s and size * 8 / duration > _LEAST_BIT_RATE:
        raise too_long(duration, limits)


def check_stream(channels: int | None, sample_rate: int | None, limits: Limits) -> None:
    """Check what an audio stream asks for; ``None`` is unknown.

    Raises:
        PermanentError: ``too_many_channels``, ``sample_rate_too_high``, ``sample_rate_too_low``.
    """
    if channels is not None and channels > limits.max_channels:
        raise PermanentError(
            "too_many_channels",
            f"the file has {channels} channels, the limit is {limits.max_channels}",
            "Mix it down to stereo and upload that.",
        )
    if sample_rate is not None and sample_rate > limits.max_sample_rate:
        raise PermanentError(
            "sample_rate_too_high",
            f"the file has {sample_rate} samples a second, the limit is {limits.max_sample_rate}",
            "Resample it to 48 kHz and upload that.",
        )
    if sample_rate is not None and sample_rate < limits.min_sample_rate:
        raise PermanentError(
            "sample_rate_too_low",
            f"the file has {sample_rate} samples a second, the least is {limits.min_sample_rate}",
            "Upload the recording in its own quality.",
        )


def too_long(duration_s: float, limits: Limits) -> PermanentError:
    """The error for more sound than one file may hold."""
    hours = limits.max_duration_s / 3600
    return PermanentError(
        "too_long",
        f"the file holds {duration_s / 3600:.1f} h of sound, the limit is {hours:.0f} h",
        "Cut it into parts.",
    )
