"""How much faster than real time one core fingerprints, with and without decoding."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.measure.material import pieces

from rightscan.fingerprint import SAMPLE_RATE, fingerprint
from rightscan.media.decode import open_audio

CODECS = ("wav", "flac", "mp3", "m4a")
_RUNS = 5


def measure(work: Path) -> dict[str, Any]:
    """Times real time: seconds of sound by processor seconds of this process, median of five runs."""
    files = {codec: paths[0] for codec, paths in pieces(work, [1], *CODECS).items()}
    with open_audio(files["wav"]) as stream:
        blocks = list(stream.blocks(SAMPLE_RATE))
    seconds = sum(block.size for block in blocks) / SAMPLE_RATE
    result = fingerprint(blocks, SAMPLE_RATE)
    return {
        "sound_s": round(seconds, 1),
        "runs": _RUNS,
        "without_decoding": round(seconds / _median(lambda: fingerprint(blocks, SAMPLE_RATE))),
        "with_decoding": {
            codec: round(seconds / _median(lambda path=path: _decoded(path))) for codec, path in files.items()
        },
        "stored_bytes_per_hour": round(len(result.to_npz()) * 3600 / seconds),
    }


def _decoded(path: Path) -> None:
    with open_audio(path) as stream:
        fingerprint(stream.blocks(SAMPLE_RATE), SAMPLE_RATE)


def _median(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(_RUNS):
        before = time.process_time()
        work()
        spent.append(time.process_time() - before)
    return statistics.median(spent)
