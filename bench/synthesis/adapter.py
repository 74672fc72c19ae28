"""This project's own engine, as ``bench.synthesis.engine`` wants one: the sound alone, no tags and no credentials.

The shipped models are on. ``RIGHTSCAN_SEPARATOR`` names a separator, as it does for the program itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.sound import Sound, blocks

from rightscan.engines import EngineSettings
from rightscan.jobs.listening import Listening
from rightscan.jobs.voice_standards import voice_standards
from rightscan.synthesis import SAMPLE_RATE, Level, Source, judge

_ENGINES = EngineSettings(separator=os.environ.get("RIGHTSCAN_SEPARATOR") or None)
# Samples have no bit rate, and are at the engine's rate: neither condition is ever the reason here.
_SOUND = Source(lossless=True, bit_rate=None, sample_rate=SAMPLE_RATE)
_BLOCK = 4 * SAMPLE_RATE


def _cut(sound: Sound) -> Iterator[Sound]:
    for start in range(0, len(sound), _BLOCK):
        yield sound[start : start + _BLOCK]


def score(x: Path | Sound) -> dict[str, Any]:
    """Judge a file or float32[n, 2] at 44.1 kHz."""
    listening = Listening(_ENGINES)
    try:
        for block in blocks(x, channels=2) if isinstance(x, Path) else _cut(x):
            listening.add(block)
        told = judge(listening.finish(), _SOUND, voices=voice_standards(_ENGINES))
    finally:
        listening.close()
    return {
        "score": told.score,
        "log10_lr": told.log10_lr,
        "axis_c": told.outcome.value,
        "kind": None if told.part is None else told.part.value,
        "family": told.family,
        "conditions": list(told.conditions),
        "queue": told.level is not Level.NONE,
        "assert": told.level is Level.ASSERT,
        "segments": [asdict(passage) for passage in told.passages],
        "ratio": told.ratio if told.family else None,
    }
