"""What an untrusted file may ask for."""

from __future__ import annotations

from dataclasses import dataclass

GIB = 1 << 30


@dataclass(frozen=True)
class Limits:
    """Limits on one file. Sizes in bytes, times in seconds, rates in Hz.

    Attributes:
        max_bytes: of the file; ten gigabytes is what a function's temporary disk holds.
        hash_limit_bytes: above it a file is not hashed inside a function (2 GB take about 30 s).
        max_duration_s: of sound; a day's radio is cut into parts by its sender.
        max_streams: in the container; a film has a dozen, a bomb has thousands.
        max_channels: of one audio stream; 7.1.4 has twelve.
        max_sample_rate: the highest rate in use for music.
        min_sample_rate: half the telephone's; below it a small file would unfold into hours.
        decode_cpu_s: processor time of the child; 12 h of sound take about 7 minutes.
        decode_wall_s: clock time of the child; under a function's 15 minutes.
        decode_memory_bytes: address space of the child; numpy, FFmpeg and a fingerprint take under 1 GiB.
        output_bytes: largest file the child may write; the features of 12 h are about 40 MB.
    """

    max_bytes: int = 10 * GIB
    hash_limit_bytes: int = 2 * GIB
    max_duration_s: float = 12 * 3600.0
    max_streams: int = 64
    max_channels: int = 16
    max_sample_rate: int = 384_000
    min_sample_rate: int = 4_000
    decode_cpu_s: float = 780.0
    decode_wall_s: float = 840.0
    decode_memory_bytes: int = 3 * GIB
    output_bytes: int = GIB
