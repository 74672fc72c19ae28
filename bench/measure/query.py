"""What it costs to look an excerpt up, and what the index takes on disk."""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bench.measure.material import PIECE_S
from bench.processes import spawned
from bench.synth import render

from rightscan.errors import RightscanError
from rightscan.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint
from rightscan.index import Index
from rightscan.media.decode import open_audio

EXCERPT_S = 10.0
_REGISTERED = 24
_STRANGERS = 8
_SONGS = 4  # an unknown one takes seconds
_HELD_OUT = 5  # every fifth real file is in no catalogue
_AUDIO = frozenset({".wav", ".mp3", ".m4a", ".flac", ".ogg", ".opus", ".wma", ".aiff"})


@dataclass(frozen=True)
class Sound:
    """The whole of a piece, ten seconds from a third into it, and its first three minutes at most."""

    name: str
    whole: Fingerprint
    excerpt: Fingerprint
    song: Fingerprint


def measure(work: Path) -> dict[str, Any]:
    """Against pieces of the synthesiser and, where ``RIGHTSCAN_MEDIA`` names a folder, against its music."""
    with spawned() as pool:
        made = list(pool.map(_synthesised, range(1, 1 + _REGISTERED + _STRANGERS)))
        found = {"synthesised": _against(work, made[:_REGISTERED], made[_REGISTERED:])}
        folder = os.environ.get("RIGHTSCAN_MEDIA", "")
        if folder:
            music = Path(folder) / "music"
            files = sorted(path for path in music.rglob("*") if path.suffix.lower() in _AUDIO)
            real = [sound for sound in pool.map(_decoded, files) if sound is not None]
            strangers = real[_HELD_OUT - 1 :: _HELD_OUT]
            registered = [sound for sound in real if sound not in strangers]
            found["real"] = _against(work, registered, strangers)
    return found


def _synthesised(seed: int) -> Sound:
    return _sound(str(seed), render(seed, PIECE_S, sample_rate=SAMPLE_RATE).mean(axis=1, dtype=np.float32))


def _decoded(path: Path) -> Sound | None:
    """The sound of a file; none where it is shorter than three excerpts or cannot be read."""
    try:
        with open_audio(path) as stream:
            samples = np.concatenate(list(stream.blocks(SAMPLE_RATE)))
    except RightscanError:
        return None
    return _sound(path.name, samples) if samples.size >= 3 * EXCERPT_S * SAMPLE_RATE else None


def _sound(name: str, samples: np.ndarray) -> Sound:
    start = samples.size // 3
    parts = (samples, samples[start : start + int(EXCERPT_S * SAMPLE_RATE)], samples[: 180 * SAMPLE_RATE])
    return Sound(name, *(fingerprint([part], SAMPLE_RATE) for part in parts))


def _against(work: Path, registered: Sequence[Sound], strangers: Sequence[Sound]) -> dict[str, Any]:
    folder = work / "index"
    shutil.rmtree(folder, ignore_errors=True)
    Index.build(((str(n), sound.whole) for n, sound in enumerate(registered)), folder)
    hours = sum(sound.whole.duration_s for sound in registered) / 3600
    index = Index.open([folder])
    size = sum(path.stat().st_size for path in folder.iterdir())
    found: dict[str, Any] = {
        "recordings": len(registered),
        "hours": round(hours, 2),
        "index_bytes_per_hour": round(size / hours),
        "excerpt_s": EXCERPT_S,
    }
    for name, sounds in (("registered", registered), ("unknown", strangers)):
        known = name == "registered"
        found[name] = {
            "identity": _median(index, [sound.excerpt for sound in sounds], known, deep=False),
            "deep": _median(index, [sound.excerpt for sound in sounds], known, deep=True),
            "song_deep": _median(index, [sound.song for sound in sounds[:_SONGS]], known, deep=True),
        }
    del index
    shutil.rmtree(folder)
    return found


def _median(index: Index, queries: Sequence[Fingerprint], known: bool, *, deep: bool) -> dict[str, Any]:
    """Search for each query; the number of a known one is the id of its recording."""
    spent, right, wrong = [], 0, 0
    for number, query in enumerate(queries):
        before = time.process_time()
        segments = index.search(query, deep=deep)
        spent.append(time.process_time() - before)
        names = {segment.recording_id for segment in segments}
        own = {str(number)} if known else set()
        right += names == own
        wrong += bool(names - own)
    return {
        "queries": len(queries),
        "right": right,
        "wrong": wrong,
        "cpu_s": round(statistics.median(spent), 4),
    }
