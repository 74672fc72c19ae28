"""Every kind of bad media file that the tests meet, made here, with what must become of it."""

from __future__ import annotations

import functools
import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from bench.synth import render

from rightscan.media.encode import encode

RATE = 22050
PIECE_S = 10.0


@dataclass(frozen=True)
class Hostile:
    """One bad file.

    ``ends`` is the code of the permanent error that decoding it raises, or ``partial`` or ``complete``;
    ``refused`` the code with which the probe refuses it before that; ``sound_s`` how much sound it gives.
    """

    name: str
    ends: str
    write: Callable[[Path], None]
    refused: str | None = None
    sound_s: float | None = None
    silent: bool = False


@functools.cache
def piece(seed: int = 5) -> np.ndarray:
    """A short stereo piece, float32[n, 2] at 22,050 Hz."""
    return render(seed, PIECE_S, sample_rate=RATE)


@functools.cache
def encoded(codec: str, **options: str) -> bytes:
    """The piece in a format; ``options`` go to the muxer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "whole")
        if not options:
            encode(piece(), RATE, path, codec)
        else:
            container_name, codec_name = {"mp3": ("mp3", "libmp3lame"), "m4a": ("ipod", "aac")}[codec]
            with av.open(str(path), "w", format=container_name, options=options) as container:
                _add_sound(container, codec_name, piece())
        return path.read_bytes()


@functools.cache
def _second(codec: str) -> bytes:
    """Half of the piece at twice the rate, one channel."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "second")
        encode(piece()[:, 0], 2 * RATE, path, codec)
        return path.read_bytes()


def _add_sound(container: av.container.OutputContainer, codec_name: str, sound: np.ndarray) -> None:
    stream = container.add_stream(codec_name, rate=RATE, layout="stereo")
    resampler = av.AudioResampler(
        format=stream.codec_context.format,
        layout="stereo",
        rate=RATE,
        frame_size=stream.codec_context.frame_size or 1152,
    )
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode(None))


# ---- WAV and FLAC by hand -------------------------------------------------------------------------------
def wav(
    data: bytes, *, rate: int, channels: int, bits: int = 16, kind: int = 1, claimed: int | None = None
) -> bytes:
    """A WAV file whose header may claim another length than that of ``data``; ``kind`` 3 is floating point."""
    frame = channels * bits // 8
    fmt = struct.pack("<HHIIHH", kind, channels, rate, rate * frame % 2**32, frame % 2**16, bits)
    length = len(data) if claimed is None else claimed
    head = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", length)
    return b"RIFF" + struct.pack("<I", (len(head) + length) % 2**32) + head + data


def pcm16(sound: np.ndarray) -> bytes:
    """float32[n, channels] as 16-bit samples."""
    return (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()


def _crc(data: bytes, polynomial: int, bits: int) -> int:
    top, mask, value = 1 << bits - 1, (1 << bits) - 1, 0
    for byte in data:
        value ^= byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
    return value


def silent_flac(hours: float, rate: int = 11025) -> bytes:
    """Hours of digital silence in 10 kB per hour: FLAC frames (RFC 9639) of one constant each."""
    block = 65535
    count = int(hours * 3600 * rate) // block
    info = (
        struct.pack(">HH", block, block)
        + bytes(6)
        + (rate << 44 | 15 << 36 | count * block).to_bytes(8)
        + bytes(16)
    )
    frames = []
    for number in range(count):
        header = b"\xff\xf8\x7d\x08" + _utf8(number) + struct.pack(">HH", block - 1, rate)
        body = header + bytes([_crc(header, 0x07, 8)]) + bytes(3)
        frames.append(body + struct.pack(">H", _crc(body, 0x8005, 16)))
    return b"fLaC\x80" + len(info).to_bytes(3) + info + b"".join(frames)


def _utf8(number: int) -> bytes:
    # Frame numbers are written as UTF-8 writes characters, surrogates included.
    return chr(number).encode("utf-8", "surrogatepass")


# ---- MP4 by hand ----------------------------------------------------------------------------------------
def _box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def encrypted_m4a(data: bytes) -> bytes:
    """An MP4 file, its index at the end, marked as encrypted by Common Encryption (ISO/IEC 23001-7)."""
    protection = _box(
        b"sinf",
        _box(b"frma", b"mp4a")
        + _box(b"schm", bytes(4) + b"cenc" + struct.pack(">I", 0x10000))
        + _box(b"schi", _box(b"tenc", bytes(6) + b"\x01\x08" + b"\x11" * 16)),
    )
    table = data.find(b"stsd")
    entry = data.find(b"mp4a", table)
    end = entry - 4 + int.from_bytes(data[entry - 4 : entry])
    out = bytearray(data[:entry] + b"enca" + data[entry + 4 : end] + protection + data[end:])
    around = [data.rfind(name, 0, table) for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl")]
    for position in (*around, table, entry):
        length = int.from_bytes(out[position - 4 : position]) + len(protection)
        out[position - 4 : position] = length.to_bytes(4)
    return bytes(out)


def endless_index(data: bytes) -> bytes:
    """An MP4 file whose table of sample sizes claims four thousand million entries."""
    out = bytearray(data)
    table = data.find(b"stsz")
    out[table + 12 : table + 16] = b"\xff\xff\xff\xff"
    return bytes(out)


_ASF_ENCRYPTION = bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e")


def encrypted_wma(data: bytes) -> bytes:
    """A WMA file with a Content Encryption Object behind its other headers."""
    size, count = struct.unpack("<QI", data[16:28])
    extra = _ASF_ENCRYPTION + struct.pack("<Q", 40) + struct.pack("<4I", 0, 0, 0, 0)
    head = data[:16] + struct.pack("<QI", size + len(extra), count + 1) + data[28:size]
    return head + extra + data[size:]


# ---- the files ------------------------------------------------------------------------------------------
def _written(make: Callable[[], bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(make())

    return write


def _cut(codec: str, share: float = 0.6, **options: str) -> Callable[[Path], None]:
    def make() -> bytes:
        data = encoded(codec, **options)
        return data[: int(len(data) * share)]

    return _written(make)


def _video_without_sound(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 20, np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 5)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _many_streams(path: Path) -> None:
    with av.open(str(path), "w", format="matroska") as container:
        streams = [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(65)]
        for stream in streams:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 8000, 0, Fraction(1, 8000)
            container.mux(stream.encode(frame))


def _korean_tags() -> bytes:
    """A title in CP949, as Korean recorders write it; no valid UTF-8."""
    title = "첫째 곡".encode("cp949") + b"\0"
    info = b"INFOINAM" + struct.pack("<I", len(title)) + title
    data = wav(pcm16(piece()), rate=RATE, channels=2) + b"LIST" + struct.pack("<I", len(info)) + info
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def _not_numbers() -> bytes:
    sound = piece().astype("<f4").copy()
    sound[1000:1100], sound[2000, 0], sound[3000, 1], sound[4000:4100] = np.nan, np.inf, -np.inf, 1e30
    return wav(sound.tobytes(), rate=RATE, channels=2, bits=32, kind=3)


def _eight_channels() -> bytes:
    slow = np.repeat(piece()[: RATE * 4, :1], 8, axis=1)
    wide = np.repeat(slow, 192_000 // 24_000, axis=0)  # eight times as many samples: 176.4 kHz shown as 192
    return wav(pcm16(wide), rate=192_000, channels=8)


def _lying(claimed: int) -> Callable[[Path], None]:
    return _written(lambda: wav(pcm16(piece()), rate=RATE, channels=2, claimed=claimed))


def _inverted() -> bytes:
    one = piece()[:, :1]
    return wav(pcm16(np.hstack([one, -one])), rate=RATE, channels=2)


def _chained(codec: str) -> Callable[[Path], None]:
    """Two files in one, the second of another rate and with one channel, as web radio sends them."""
    return _written(lambda: encoded(codec) + _second(codec))


def _damaged(codec: str, length: float) -> Callable[[Path], None]:
    """A share of the bytes in the middle overwritten."""

    def make() -> bytes:
        data = bytearray(encoded(codec))
        start, count = len(data) // 2, int(len(data) * length)
        data[start : start + count] = np.random.default_rng(1).bytes(count)
        return bytes(data)

    return _written(make)


def _concat(path: Path) -> None:
    inside = path.with_name("inside.wav")
    inside.write_bytes(wav(pcm16(piece()), rate=RATE, channels=2))
    path.write_text(f"ffconcat version 1.0\nfile '{inside}'\n")


def _playlist(path: Path) -> None:
    inside = path.with_name("inside.wav")
    inside.write_bytes(wav(pcm16(piece()), rate=RATE, channels=2))
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{inside}\n#EXT-X-ENDLIST\n")


_REAL = len(pcm16(np.zeros((int(PIECE_S * RATE), 2), np.float32)))

FILES = (
    Hostile("empty.mp3", "not_media", _written(lambda: b""), refused="empty_file"),
    Hostile("text.mp3", "not_media", _written(lambda: "음악이 아닙니다\n".encode() * 200), refused="not_media"),
    Hostile("zip.m4a", "not_media", _written(lambda: b"PK\x03\x04" + bytes(5000)), refused="not_media"),
    Hostile("tag_only.mp3", "not_media", _written(lambda: b"ID3\x04" + bytes(range(256)) * 40)),
    Hostile("playlist.m3u8", "not_media", _playlist, refused="not_media"),
    Hostile("concat.mp3", "not_media", _concat, refused="not_media"),
    Hostile("truncated.mp3", "partial", _cut("mp3"), sound_s=0.6 * PIECE_S),
    Hostile("truncated_no_header.mp3", "partial", _cut("mp3", write_xing="0"), sound_s=0.6 * PIECE_S),
    Hostile("truncated_at_once.mp3", "too_short", _cut("mp3", 0.01)),
    Hostile("truncated.m4a", "truncated", _cut("m4a")),
    Hostile("truncated_index_first.m4a", "partial", _cut("m4a", movflags="faststart"), sound_s=0.58 * PIECE_S),
    Hostile("truncated.flac", "partial", _cut("flac"), sound_s=0.58 * PIECE_S),
    Hostile("truncated.ogg", "partial", _cut("ogg"), sound_s=0.53 * PIECE_S),
    Hostile("truncated.opus", "partial", _cut("opus"), sound_s=0.6 * PIECE_S),
    Hostile("truncated.wma", "partial", _cut("wma"), sound_s=0.6 * PIECE_S),
    Hostile("truncated.aiff", "partial", _cut("aiff"), sound_s=0.6 * PIECE_S),
    Hostile("truncated.mkv", "partial", _cut("mkv"), sound_s=0.58 * PIECE_S),
    Hostile("truncated.webm", "partial", _cut("webm"), sound_s=0.6 * PIECE_S),
    Hostile("truncated.avi", "partial", _cut("avi"), sound_s=0.6 * PIECE_S),
    Hostile("truncated.adts", "partial", _cut("adts"), sound_s=0.6 * PIECE_S),
    Hostile("header_too_long.wav", "partial", _lying(10 * _REAL), sound_s=PIECE_S),
    Hostile("header_too_short.wav", "partial", _lying(_REAL // 10), sound_s=PIECE_S),
    Hostile("header_without_length.wav", "complete", _lying(0), sound_s=PIECE_S),
    Hostile("one_sample.wav", "too_short", _written(lambda: wav(b"\1\0", rate=44100, channels=1))),
    Hostile("no_sample.wav", "too_short", _written(lambda: wav(b"", rate=44100, channels=1))),
    Hostile(
        "silence.wav", "complete",
        _written(lambda: wav(bytes(8000 * 8), rate=8000, channels=1)), sound_s=4.0, silent=True,
    ),
    Hostile("eight_channels.wav", "complete", _written(_eight_channels)),
    Hostile(
        "thirty_two_channels.wav", "too_many_channels",
        _written(lambda: wav(bytes(64000), rate=8000, channels=32)), refused="too_many_channels",
    ),
    Hostile(
        "rate_too_high.wav", "sample_rate_too_high",
        _written(lambda: wav(bytes(64000), rate=768_000, channels=1)), refused="sample_rate_too_high",
    ),
    Hostile(
        "rate_too_low.wav", "sample_rate_too_low",
        _written(lambda: wav(bytes(64000), rate=1, channels=1)), refused="sample_rate_too_low",
    ),
    Hostile("no_channels.wav", "no_audio", _written(lambda: wav(bytes(64000), rate=8000, channels=0))),
    Hostile("not_numbers.wav", "complete", _written(_not_numbers), sound_s=PIECE_S),
    Hostile("korean_tags.wav", "complete", _written(_korean_tags), sound_s=PIECE_S),
    Hostile("inverted.wav", "complete", _written(_inverted), sound_s=PIECE_S),
    Hostile("chained.mp3", "complete", _chained("mp3"), sound_s=1.5 * PIECE_S),
    Hostile("chained.adts", "complete", _chained("adts"), sound_s=1.5 * PIECE_S),
    Hostile("chained.ogg", "partial", _chained("ogg"), sound_s=PIECE_S),
    Hostile("damaged.mp3", "partial", _damaged("mp3", 0.3)),
    Hostile("damaged.flac", "partial", _damaged("flac", 0.3)),
    Hostile("scratched.adts", "complete", _damaged("adts", 0.001), sound_s=PIECE_S),
    Hostile("scratched.flac", "partial", _damaged("flac", 0.0001), sound_s=PIECE_S),
    Hostile("video_only.mp4", "no_audio", _video_without_sound),
    Hostile("many_streams.mkv", "too_many_streams", _many_streams),
    Hostile("protected.m4a", "drm_protected", _written(lambda: encrypted_m4a(encoded("m4a")))),
    Hostile("protected.wma", "drm_protected", _written(lambda: encrypted_wma(encoded("wma")))),
    Hostile("endless_index.m4a", "not_media", _written(lambda: endless_index(encoded("m4a")))),
)  # fmt: skip
"""All of them but the long one: ``silent_flac`` makes that."""


def write(name: str, folder: Path) -> Path:
    """Write the file of this name into a folder."""
    path = folder / name
    next(file for file in FILES if file.name == name).write(path)
    return path
