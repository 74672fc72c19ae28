"""The sound of a file as one stream of mono blocks; memory does not grow with duration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
from rightscan.media.probe import check_stream, mpeg_frame_length, too_long
from rightscan.media.structure import Structure, examine

FORMATS = "wav,w64,mp3,mov,flac,ogg,asf,aiff,matroska,webm,avi,aac,caf,wv,ape,amr,flv,mpeg,mpegts,ac3,eac3"
"""Demuxers that may touch an upload. Playlists (hls, concat, dash) are not among them: they open other files."""

DECODERS = "pcm_s16le,pcm_s16be,mp3,aac,flac,vorbis,opus,wmav2"
"""What a file of the formats that the README promises may need."""

SILENCE_DBFS = -70.0
"""A peak below this is silence: 16-bit dither lies at -90, the quietest passages of music above -60."""

SHORTEST_S = 0.1
_FRAME = 16384  # samples per resampled frame; the downmix is decided per frame, so blocks do not matter
# Of the energy that independent channels leave in their mean. In stereo it is a correlation under -0.5: what
# the mean drops is three times what it keeps. Of fourteen pieces of music one comes there for long.
_CANCELLED = 0.5
_LOUDEST = 8.0  # 18 dB over full scale; overshoot of lossy codecs stays under 6 dB, more is no sound
# Broken packets in mid-stream, in all: up to the longer of the two the sound counts as complete.
_LOST_S, _LOST_SHARE = 0.5, 0.001
# Formats whose header counts the samples, and how far the count may be off, s: MP3 encoders differ by the
# frame that holds the count (0.03 s), MP4 edit lists and ASF by their encoder delay.
_COUNTED = {"flac": 0.05, "mp3": 0.1, "mov": 0.5, "asf": 0.5, "wv": 0.05, "ape": 0.05}

# Tags in other encodings than UTF-8 are common (CP949). PyAV 19 lets them pass by itself.
_ANY_TAGS: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}

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
    lossless: bool
    streams: int
    has_video: bool


@dataclass(frozen=True)
class DecodeOutcome:
    """How the decoding went.

    ``complete`` is ``False`` where part of the sound is missing, or the header denies part of it.
    """

    decoded_duration_s: float
    complete: bool
    problems: tuple[str, ...]
    peak_dbfs: float
    silent: bool


@dataclass(frozen=True)
class Tap:
    """A second hearing of the same pass, at a rate of its own.

    Attributes:
        sample_rate: wanted rate, Hz.
        sink: takes each block in turn: float32[n, channels], finite, full scale at 1. Mono sound has one column,
            stereo two; more channels are mixed to stereo by their layout, or to one mean where they have none.
    """

    sample_rate: int
    sink: Callable[[NDArray[np.float32]], None]


class AudioStream:
    """One pass over the audio stream that a player would choose. Time 0 is the stream's own beginning."""

    def __init__(
        self, container: Any, stream: Any, structure: Structure, facts: AudioFacts, limits: Limits
    ) -> None:
        self._container = container
        self._stream = stream
        self._structure = structure
        self._limits = limits
        self._outcome: DecodeOutcome | None = None
        self._packets = self._broken_packets = 0
        self._cut_off = False
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

    def blocks(
        self, sample_rate: int, block_s: float = 4.0, tap: Tap | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Decode, mix down and resample.

        Mono is the mean of the channels; where they cancel (one polarity-inverted against the other, a way
        to hide a recording from fingerprints) one of them is heard instead.

        Args:
            sample_rate: wanted rate, Hz.
            block_s: length of the blocks, s; has no influence on the samples.
            tap: also hears the sound, as its channels are; has no influence on the samples either.

        Yields:
            float32[n], finite, full scale at 1, all of ``block_s`` but the last.

        Raises:
            PermanentError: ``too_long``, ``too_short``, ``decode_failed``.
        """
        size = max(1, round(block_s * sample_rate))
        waiting: list[NDArray[np.float32]] = []
        held = decoded = 0
        peak = 0.0
        for frame in self._frames(sample_rate, tap):
            mono = _mix_down(_sound(frame))
            decoded += mono.size
            if decoded > self._limits.max_duration_s * sample_rate:
                raise too_long(decoded / sample_rate, self._limits)
            peak = max(peak, _peak(mono))
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

    def _frames(self, sample_rate: int, tap: Tap | None) -> Iterator[NDArray[np.float32]]:
        """Frames float32[n, channels] at the wanted rate, of equal length but the last."""
        main = _Converter(sample_rate, _own_layout)
        side = None if tap is None else _Converter(tap.sample_rate, _at_most_stereo)
        try:
            for frame in self._decoded():
                frame.pts = None  # gaps in the time stamps of a damaged file would come out as an error
                if tap is not None and side is not None:
                    _pour(side.convert(frame), tap)
                yield from main.convert(frame)
            if tap is not None and side is not None:
                _pour(side.rest(), tap)
            yield from main.rest()
        except _UnconvertibleError as error:
            raise self._undecodable() from error

    def _decoded(self) -> Iterator[Any]:
        last: Any = None
        last_is_broken = False
        for packet in self._demuxed():
            if packet.size:
                last, last_is_broken = packet, False
                self._packets += 1
            try:
                frames = packet.decode()
            except av.error.EOFError:
                break
            except MemoryError:
                raise
            except (av.error.FFmpegError, ValueError):
                self._broken_packets += 1
                last_is_broken = True
                continue
            yield from frames
        if last is not None and self.facts.container == "mp3":
            # FFmpeg decodes half a frame without complaint, and takes what follows the last one for frames.
            last_is_broken = last.size < (mpeg_frame_length(bytes(memoryview(last)[:4])) or 0)
        self._cut_off = self._cut_off or last_is_broken

    def _demuxed(self) -> Iterator[Any]:
        """Packets, as far as the container can be read."""
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except MemoryError:
                raise
            except (av.error.FFmpegError, OSError):
                self._cut_off = True
                return
            yield packet

    def _conclude(self, decoded_s: float, peak: float) -> None:
        if decoded_s == 0.0 and self._broken_packets:
            raise self._undecodable()
        if decoded_s < SHORTEST_S:
            raise PermanentError(
                "too_short", f"the file holds {decoded_s:.3f} s of sound", "Upload at least two seconds."
            )
        lost_s = decoded_s * self._broken_packets / max(1, self._packets - self._broken_packets)
        truncated = self._truncated(decoded_s, lost_s)
        problems = [f"truncated: {truncated}"] if truncated else []
        if self._structure.surplus_bytes:
            problems.append(
                f"header_lies: {self._structure.surplus_bytes} bytes of sound are not in its count"
            )
        complete = not problems and lost_s <= max(_LOST_S, _LOST_SHARE * decoded_s)
        if self._broken_packets:
            problems.append(f"broken_packets: {self._broken_packets} ({lost_s:.2f} s)")
        peak_dbfs = 20 * float(np.log10(max(peak, 1e-10)))
        self._outcome = DecodeOutcome(
            decoded_duration_s=decoded_s,
            complete=complete,
            problems=tuple(problems),
            peak_dbfs=peak_dbfs,
            silent=peak_dbfs < SILENCE_DBFS,
        )

    def _undecodable(self) -> PermanentError:
        return PermanentError(
            "decode_failed",
            f"no sound could be decoded ({self.facts.container}, {self.facts.codec})",
            "The file is damaged: export it again from its source.",
        )

    def _truncated(self, decoded_s: float, lost_s: float) -> str:
        """Why the end is taken to be missing; empty where it is not."""
        if self._structure.missing:
            return self._structure.missing
        declared = self.facts.declared_duration_s if self.facts.length_is_trusted else None
        if declared is not None and declared - decoded_s - lost_s > _COUNTED[self.facts.container]:
            return f"{decoded_s:.2f} of {declared:.2f} s declared"
        return "the last packet is cut off" if self._cut_off else ""


class _UnconvertibleError(Exception):
    """A frame that no new resampler takes."""


class _Converter:
    """Brings decoded frames to one rate.

    Args:
        sample_rate: wanted rate, Hz.
        layout: what the channels of a frame become; None leaves them as they are.
    """

    def __init__(self, sample_rate: int, layout: Callable[[Any], str | None]) -> None:
        self._sample_rate = sample_rate
        self._layout = layout
        self._resampler: Any = None

    def convert(self, frame: Any) -> Iterator[NDArray[np.float32]]:
        """Frames float32[n, channels] that are now full."""
        if self._resampler is None:
            parts = self._begin(frame)
        else:
            try:
                parts = self._resampler.resample(frame)
            except (av.error.FFmpegError, ValueError):
                # The layout or rate changed in mid-stream; a new resampler goes on where the old one ends.
                yield from self.rest()
                parts = self._begin(frame)
        for part in parts:
            yield _array(part)

    def rest(self) -> Iterator[NDArray[np.float32]]:
        """What has not filled a frame."""
        if self._resampler is not None:
            for part in self._resampler.resample(None):
                yield _array(part)

    def _begin(self, frame: Any) -> Any:
        """What a new resampler gives for its first frame."""
        # Interleaved: PyAV (18.1) reads past the planes of a frame with eight or more of them, and crashes.
        self._resampler = av.AudioResampler(
            format="flt", layout=self._layout(frame), rate=self._sample_rate, frame_size=_FRAME
        )
        try:
            return self._resampler.resample(frame)
        except MemoryError:
            raise
        except (av.error.FFmpegError, ValueError) as error:
            raise _UnconvertibleError from error


def _own_layout(_frame: Any) -> str | None:
    return None


def _at_most_stereo(frame: Any) -> str | None:
    """Stereo for channels with known places; those without are left to be averaged."""
    channels = frame.layout.nb_channels
    return None if channels <= 2 or _is_nameless(frame.layout) else "stereo"


def _is_nameless(layout: Any) -> bool:
    """Whether FFmpeg knows how many channels there are, but not where they stand ("3 channels")."""
    return str(layout.name).endswith("channels")


def _pour(parts: Iterator[NDArray[np.float32]], tap: Tap) -> None:
    for part in parts:
        sound = _sound(part)
        tap.sink(sound if sound.shape[1] <= 2 else sound.mean(axis=1, dtype=np.float32)[:, None])


def _array(frame: Any) -> NDArray[np.float32]:
    array: NDArray[np.float32] = frame.to_ndarray().reshape(frame.samples, -1)
    return array


def _sound(frame: NDArray[np.float32]) -> NDArray[np.float32]:
    """The frame without what no sound is: floating-point files may hold infinities and no-numbers."""
    if _peak(frame) <= _LOUDEST:
        return frame
    cleaned: NDArray[np.float32] = np.clip(np.nan_to_num(frame), -_LOUDEST, _LOUDEST)
    return cleaned


def _peak(samples: NDArray[np.float32]) -> float:
    """The largest magnitude; no number where a sample is none."""
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def _mix_down(frame: NDArray[np.float32]) -> NDArray[np.float32]:
    channels = frame.shape[1]
    if channels == 1:
        only: NDArray[np.float32] = frame[:, 0]
        return only
    mono: NDArray[np.float32] = frame @ np.full(channels, 1 / channels, np.float32)
    energies = np.einsum("nc,nc->c", frame, frame)
    if np.dot(mono, mono) * channels < _CANCELLED * energies.mean():
        # The first that is about as loud as the loudest: two of a loudness must not take turns.
        mono = frame[:, int(np.argmax(energies >= energies.max() / 2))]
    return mono


@contextmanager
def open_audio(path: Path, limits: Limits | None = None) -> Iterator[AudioStream]:
    """Open the audio stream of a file that a player would choose.

    Args:
        path: a local file, best without a suffix: FFmpeg lets that weigh where the content is unclear.
        limits: what it may ask for.

    Raises:
        PermanentError: ``not_media``, ``truncated`` (an MP4 without its index), ``no_audio``,
            ``drm_protected``, ``too_many_streams``, ``too_many_channels``, ``sample_rate_too_high``,
            ``sample_rate_too_low``, ``decode_failed``.
    """
    limits = limits or Limits()
    with path.open("rb") as file:
        structure = examine(file, path.stat().st_size)
    if structure.encrypted:
        raise PermanentError(
            "drm_protected",
            "the sound is under a copy protection",
            "Upload a copy without protection, in one of the usual formats.",
        )
    container = _open(path, structure)
    try:
        stream = _choose(container, limits)
        yield AudioStream(container, stream, structure, _facts(container, stream, path), limits)
    finally:
        container.close()


def _open(path: Path, structure: Structure) -> Any:
    options = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
    if structure.surplus_bytes:
        options["ignore_length"] = "1"
    try:
        # file: keeps a name such as "concat:a|b" from being taken for a protocol.
        return av.open(f"file:{path}", mode="r", options=options, **_ANY_TAGS)
    except MemoryError:
        raise
    except (av.error.FFmpegError, ValueError) as error:
        if structure.missing:
            raise PermanentError(
                "truncated",
                f"the file cannot be opened: {structure.missing}",
                "Upload it again; the transfer or the export was cut off.",
            ) from error
        raise PermanentError(
            "not_media",
            "the content is no audio or video file that can be opened",
            "Upload the recording itself.",
        ) from error


def missing_decoders() -> list[str]:
    """Decoders that this machine's FFmpeg lacks of those every installation needs."""
    return sorted(set(DECODERS.split(",")) - av.codec.codecs_available)


def _choose(container: Any, limits: Limits) -> Any:
    """The audio stream, within the limits; the others are not read."""
    count = len(container.streams)
    if count > limits.max_streams:
        raise PermanentError(
            "too_many_streams",
            f"the file has {count} streams, the limit is {limits.max_streams}",
            "Export one stream.",
        )
    stream = container.streams.best("audio")
    if stream is None:
        raise PermanentError("no_audio", "the file has no audio stream", "Upload a copy with its sound.")
    context = stream.codec_context
    if context is None:
        raise PermanentError(
            "decode_failed",
            "the sound is in an unknown codec",
            "Upload a copy in one of the usual formats.",
        )
    check_stream(context.channels, context.sample_rate, limits)
    for other in container.streams:
        if other is not stream:
            other.discard = av.stream.Discard.all
    return stream


def _facts(container: Any, stream: Any, path: Path) -> AudioFacts:
    context = stream.codec_context
    name = container.format.name.split(",")[0]
    trusted = name in _COUNTED and (name != "mp3" or _has_length_header(path))
    return AudioFacts(
        container=name,
        codec=context.codec.canonical_name,  # mp3, not the decoder mp3float
        sample_rate=context.sample_rate,
        channels=context.channels,
        declared_duration_s=_declared(container, stream),
        length_is_trusted=trusted,
        bit_rate=stream.bit_rate or container.bit_rate or None,
        lossless=context.codec.lossless and not context.codec.lossy,
        streams=len(container.streams),
        has_video=any(
            not video.disposition & av.stream.Disposition.attached_pic for video in container.streams.video
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
