"""This project's own engine, as ``bench.synthesis.engine`` wants one: the sound alone, no tags and no credentials."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.sound import Sound, blocks

from rightscan.synthesis import Analyser, Level, Source, judge

_SOUND = Source(
    lossless=True, bit_rate=None
)  # samples have no bit rate: that condition is never the reason here


def score(x: Path | Sound) -> dict[str, Any]:
    """Judge a file or float32[n, 2] at 44.1 kHz."""
    analyser = Analyser()
    for block in blocks(x, channels=2) if isinstance(x, Path) else (x,):
        analyser.add(block)
    told = judge(analyser.finish(), _SOUND)
    return {
        "score": told.score,
        "log10_lr": told.log10_lr,
        "axis_c": told.outcome.value,
        "kind": "full" if told.level is not Level.NONE else None,
        "family": told.family,
        "conditions": list(told.conditions),
        "queue": told.level is not Level.NONE,
        "assert": told.level is Level.ASSERT,
        "segments": [asdict(passage) for passage in told.passages],
        "ratio": told.ratio if told.family else None,
    }
