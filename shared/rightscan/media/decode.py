"""The sound of a file as one stream of mono blocks; memory does not grow with duration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.media.limits import Limits
from rightscan.media.probe import sample_rate_too_high, too_long, too_many_channels

FORMATS = "wav,w64,mp3,mov,flac,ogg,asf,aiff,matroska,webm,avi,aac,caf,wv,ape,amr,flv,mpeg,mpegts,ac3,eac3"
"""Demuxers that may touch an upload. Playlists (hls, concat, dash) are not among them: they open other files."""

SILENCE_DBFS = -70.0
"""A peak below this is silence: 16-bit dither lies at -90, the quietest passages of music above -60."""

SHORTEST_S = 0.1
_FRAME = 4096  # samples per resampled frame; the downmix is decided per frame, so blocks do not matter
_CANCELLED = 0.01  # a mean with less than 1 % (-20 dB) of the channels' energy: the channels cancel
_LENGTH_TOLERANCE_S = 0.5  # encoder delay and padding are under 0.1 s, a lost packet of the end up to 0.1 s
_LENGTH_TOLERANCE = 0.01
_TRUSTED_LENGTH = frozenset({"wav", "w64", "flac", "aiff", "mov", "asf", "caf"})
_DRM_TAGS = frozenset({"drms", "enca", "encv", "drmi"})

av.logging.set_level(None)  # FFmpeg writes file names and metadata into its messages


@dataclass(frozen=True)
class AudioFacts:
    """What the chosen audio stream is. Rates in Hz and bit/s, times in seconds."""

    container: str
    codec: str
    sample_rate: int
    channels: int
    declared_duration_s: float | None
    length_is_trusted: bool
    bit_rate: int | None
    streams: int
    has_video: bool


@dataclass(frozen=True)
class DecodeOutcome:
    """How the decoding went. ``complete`` is ``False`` where part of the sound is missing."""

    decoded_duration_s: float
    complete: bool
    problems: tuple[str, ...]
    peak_dbfs: float
    silent: bool


class AudioStream:
    """One pass over a file's first audio stream. Time 0 is the stream's own beginning."""

    def __init__(self, container: Any, facts: AudioFacts, limits: Limits) -> None:
        self._container = container
        self._limits = limits
        self._outcome: DecodeOutcome | None = None
        self._broken_packets = 0
        self._read_error = False
        self.facts = facts

    @property
    def outcome(self) -> DecodeOutcome:
        """How the pass went.

        Raises:
            PermanentError: code ``not_decoded`` while blocks are still to come.
        """
        if self._outcome is None:
            raise PermanentError(
                "not_decoded", "the stream has not been read to its end", "Exhaust blocks() first."
            )
        return self._outcome

    def blocks(self, sample_rate: int, block_s: float = 4.0) -> Iterator[NDArray[np.float32]]:
        """Decode, mix down and resample.

        Mono is the mean of the channels; where they cancel (one polarity-inverted against the other, a way
        to hide a recording from fingerprints) the first channel is heard instead.

        Args:
            sample_rate: wanted rate, Hz.
            block_s: length of the blocks, s; has no influence on the samples.

        Yields:
            float32[n] in -1 … 1, all of ``block_s`` but the last.

        Raises:
            PermanentError: ``too_long``, ``too_short``, ``decode_failed``.
        """
        size = max(1, round(block_s * sample_rate))
        waiting: list[NDArray[np.float32]] = []
        held = decoded = 0
        peak = 0.0
        for frame in self._frames(sample_rate):
            mono = _mix_down(frame)
            decoded += mono.size
            if decoded > self._limits.max_duration_s * sample_rate:
                raise too_long(decoded / sample_rate, self._limits)
            peak = max(peak, float(np.abs(mono).max(initial=0.0)))
            waiting.append(mono)
            held += mono.size
            if held >= size:
                joined = np.concatenate(waiting)
                for start in range(0, held - size + 1, size):
                    yield joined[start : start + size]
                rest = joined[held - held % size :]
                waiting, held = [rest], rest.size
        if held:
            yield np.concatenate(waiting)
        self._conclude(decoded / sample_rate, peak)

    def _frames(self, sample_rate: int) -> Iterator[NDArray[np.float32]]:
        """Frames float32[channels, n] at the wanted rate, of equal length but the last."""
        resampler = av.AudioResampler(format="fltp", rate=sample_rate, frame_size=_FRAME)
        for frame in self._decoded():
            frame.pts = None  # gaps in the time stamps of a damaged file would come out as an error
            try:
                resampled = resampler.resample(frame)
            except (av.error.FFmpegError, ValueError):
                # The layout or rate changed in mid-stream; a new resampler goes on where the old one ends.
                for rest in resampler.resample(None):
                    yield _array(rest)
                resampler = av.AudioResampler(format="fltp", rate=sample_rate, frame_size=_FRAME)
                resampled = resampler.resample(frame)
            for part in resampled:
                yield _array(part)
        for part in resampler.resample(None):
            yield _array(part)

    def _decoded(self) -> Iterator[Any]:
        stream = self._container.streams.audio[0]
        packets = self._container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except (av.error.FFmpegError, OSError):
                self._read_error = True
                return
            try:
                frames = packet.decode()
            except (av.error.InvalidDataError, av.error.PatchWelcomeError):
                self._broken_packets += 1
                continue
            except av.error.EOFError:
                return
            yield from frames

    def _conclude(self, decoded_s: float, peak: float) -> None:
        if decoded_s == 0.0:
            raise PermanentError(
                "decode_failed",
                f"no sound could be decoded ({self.facts.container}, {self.facts.codec})",
                "The file is damaged: export it again from its source.",
            )
        if decoded_s < SHORTEST_S:
            raise PermanentError(
                "too_short", f"the file holds {decoded_s:.3f} s of sound", "Upload at least two seconds."
            )
        problems = []
        declared = self.facts.declared_duration_s
        if declared is not None and self.facts.length_is_trusted:
            missing = declared - decoded_s
            if missing > max(_LENGTH_TOLERANCE_S, _LENGTH_TOLERANCE * declared):
                problems.append(f"truncated: {decoded_s:.2f} of {declared:.2f} s declared")
        if self._read_error:
            problems.append("read_error: the container ends in mid-stream")
        if self._broken_packets:
            problems.append(f"broken_packets: {self._broken_packets}")
        peak_dbfs = 20 * float(np.log10(max(peak, 1e-10)))
        self._outcome = DecodeOutcome(
            decoded_duration_s=decoded_s,
            complete=not problems,
            problems=tuple(problems),
            peak_dbfs=peak_dbfs,
            silent=peak_dbfs < SILENCE_DBFS,
        )


def _array(frame: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = frame.to_ndarray()
    return array


def _mix_down(frame: NDArray[np.float32]) -> NDArray[np.float32]:
    first: NDArray[np.float32] = frame[0]
    if frame.shape[0] == 1:
        return first
    mono: NDArray[np.float32] = frame.mean(axis=0, dtype=np.float32)
    channels = float(np.mean(np.square(frame, dtype=np.float64)))
    if float(np.mean(np.square(mono, dtype=np.float64))) < _CANCELLED * channels:
        return first
    return mono


@contextmanager
def open_audio(path: Path, limits: Limits | None = None) -> Iterator[AudioStream]:
    """Open the first audio stream of a file.

    Args:
        path: a local file; its name plays no part in recognising it.
        limits: what it may ask for.

    Raises:
        PermanentError: ``not_media``, ``truncated`` (an MP4 without its index), ``no_audio``,
            ``drm_protected``, ``too_many_streams``, ``too_many_channels``, ``sample_rate_too_high``,
            ``decode_failed``.
    """
    limits = limits or Limits()
    container = _open(path)
    try:
        yield AudioStream(container, _facts(container, path, limits), limits)
    finally:
        container.close()


def _open(path: Path) -> Any:
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    try:
        # file: keeps a name such as "concat:a|b" from being taken for a protocol.
        return av.open(f"file:{path}", mode="r", options=options, metadata_errors="replace")
    except av.error.InvalidDataError as error:
        if path.open("rb").read(12)[4:8] == b"ftyp":
            raise PermanentError(
                "truncated",
                "the MP4 file has no index (its end is missing)",
                "Upload it again; the transfer or the export was cut off.",
            ) from error
        raise _not_media() from error
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise _not_media() from error


def _not_media() -> PermanentError:
    return PermanentError(
        "not_media",
        "the content is no audio or video file that can be opened",
        "Upload the recording itself.",
    )


def _facts(container: Any, path: Path, limits: Limits) -> AudioFacts:
    count = len(container.streams)
    if count > limits.max_streams:
        raise PermanentError(
            "too_many_streams",
            f"the file has {count} streams, the limit is {limits.max_streams}",
            "Export one stream.",
        )
    if not container.streams.audio:
        raise PermanentError("no_audio", "the file has no audio stream", "Upload a copy with its sound.")
    stream = container.streams.audio[0]
    context = stream.codec_context
    if context is None or str(context.codec_tag) in _DRM_TAGS:
        raise PermanentError(
            "drm_protected" if context is not None else "decode_failed",
            "the audio stream is encrypted or of an unknown codec",
            "Upload a copy without protection, in one of the usual formats.",
        )
    if context.channels > limits.max_channels:
        raise too_many_channels(context.channels, limits)
    if context.sample_rate > limits.max_sample_rate:
        raise sample_rate_too_high(context.sample_rate, limits)
    name = container.format.name.split(",")[0]
    trusted = name in _TRUSTED_LENGTH or (name == "mp3" and _has_length_header(path))
    return AudioFacts(
        container=name,
        codec=context.name,
        sample_rate=context.sample_rate,
        channels=context.channels,
        declared_duration_s=_declared(container, stream),
        length_is_trusted=trusted,
        bit_rate=stream.bit_rate or container.bit_rate or None,
        streams=count,
        has_video=any(
            video.disposition != av.stream.Disposition.attached_pic for video in container.streams.video
        ),
    )


def _declared(container: Any, stream: Any) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def _has_length_header(path: Path) -> bool:
    """Whether an MP3 says its length (Xing, Info or VBRI header); without one it is guessed from the bit rate."""
    with path.open("rb") as file:
        head = file.read(10)
        start = 0
        if head[:3] == b"ID3":
            size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
            start = 10 + size
        file.seek(start)
        frame = file.read(4096)
    return any(name in frame for name in (b"Xing", b"Info", b"VBRI"))
