"""Write sound into a file of any format that uploads come in: for demonstrations, benches and tests."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from rightscan.errors import UsageError

# name: container, codec, sample format, rates it takes (none: any)
_CODECS: dict[str, tuple[str, str, str, tuple[int, ...]]] = {
    "wav": ("wav", "pcm_s16le", "s16", ()),
    "pcm_s16le": ("wav", "pcm_s16le", "s16", ()),
    "mp3": ("mp3", "libmp3lame", "fltp", (44100, 48000, 32000, 22050, 24000, 16000)),
    "m4a": ("ipod", "aac", "fltp", ()),
    "aac": ("ipod", "aac", "fltp", ()),
    "adts": ("adts", "aac", "fltp", ()),
    "flac": ("flac", "flac", "s16", ()),
    "ogg": ("ogg", "vorbis", "fltp", ()),
    "opus": ("ogg", "libopus", "flt", (48000,)),
    "wma": ("asf", "wmav2", "fltp", ()),
    "aiff": ("aiff", "pcm_s16be", "s16", ()),
    "mp4": ("mp4", "aac", "fltp", ()),
    "mov": ("mov", "aac", "fltp", ()),
    "mkv": ("matroska", "flac", "s16", ()),
    "webm": ("webm", "libopus", "flt", (48000,)),
    "avi": ("avi", "libmp3lame", "fltp", (44100, 48000, 32000)),
}
_PICTURES = {"mp4": "mpeg4", "mov": "mpeg4", "mkv": "mpeg4", "webm": "libvpx", "avi": "mpeg4"}
_FRAMES_PER_S = 5
_BLOCK = 1 << 16


def encode(
    samples: NDArray[np.float32], sample_rate: int, path: Path, codec: str, bit_rate: int | None = None
) -> None:
    """Encode sound; a video format gets a small moving picture beside it.

    Args:
        samples: float32[n] or float32[n, channels], -1 … 1.
        sample_rate: Hz; resampled where the codec does not take it.
        path: the file to write, whatever its suffix.
        codec: one of ``wav mp3 m4a adts flac ogg opus wma aiff mp4 mov mkv webm avi`` (``aac`` is ``m4a``,
            ``pcm_s16le`` is ``wav``).
        bit_rate: bit/s, where the codec has one.

    Raises:
        UsageError: code ``unknown_codec``.
    """
    if codec not in _CODECS:
        raise UsageError("unknown_codec", f"no codec {codec!r}", f"Take one of {', '.join(_CODECS)}.")
    container_name, codec_name, sample_format, rates = _CODECS[codec]
    sound = samples.reshape(samples.shape[0], -1).astype(np.float32)
    if codec_name == "vorbis" and sound.shape[1] == 1:
        sound = np.repeat(sound, 2, axis=1)  # FFmpeg's own Vorbis encoder knows stereo only
    layout = {1: "mono", 2: "stereo"}.get(sound.shape[1], f"{sound.shape[1]}c")
    rate = sample_rate if not rates or sample_rate in rates else rates[0]
    with av.open(str(path), "w", format=container_name) as container:
        options = {"strict": "experimental"} if codec_name == "vorbis" else {}
        stream: Any = container.add_stream(codec_name, rate=rate, layout=layout, options=options)
        stream.codec_context.format = sample_format
        if bit_rate is not None or codec == "wma":
            stream.bit_rate = bit_rate or 128_000  # WMA's encoder refuses to choose
        if codec in _PICTURES:
            _add_picture(container, _PICTURES[codec], sound.shape[0] / sample_rate)
        resampler = av.AudioResampler(
            format=sample_format, layout=layout, rate=rate, frame_size=stream.codec_context.frame_size or None
        )
        for start in range(0, sound.shape[0], _BLOCK):
            # Interleaved: PyAV (18.1) writes past the planes of a frame with eight or more of them.
            block = sound[start : start + _BLOCK].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, format="flt", layout=layout)
            frame.sample_rate = sample_rate
            frame.pts = start
            frame.time_base = Fraction(1, sample_rate)
            for part in resampler.resample(frame):
                container.mux(stream.encode(part))
        for part in resampler.resample(None):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def _add_picture(container: Any, codec_name: str, duration_s: float) -> None:
    stream: Any = container.add_stream(codec_name, rate=_FRAMES_PER_S)
    stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
    for number in range(max(1, int(duration_s * _FRAMES_PER_S))):
        picture = np.full((48, 64, 3), number * 7 % 256, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts = number
        frame.time_base = Fraction(1, _FRAMES_PER_S)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
