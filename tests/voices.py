"""Voices without a model, for tests of what is done with them: each person is a direction, each window lies near it."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rightscan.engines import EngineSettings
from rightscan.jobs.voices import likeness
from rightscan.jobs.voices.prints import Ruler, print_record
from rightscan.likeness import Calibration, Cohort, VoicePrint, VoiceSegment
from rightscan.records.vault import VoicePrintRecord

MODEL = "voice-encoder@0.0.1"
SIZE = 64
WINDOW_S = 4.0

CALIBRATION = Calibration(
    seconds=(4.0, 16.0),
    offsets=(-2.0, -2.0),
    slopes=(1.0, 1.0),
    trials=1000,
    queue=1.0,
    assertion=2.5,
    same_voice=0.3,
    most_spread=0.3,
    min_voiced_s=8.0,
    min_bandwidth_hz=3_000.0,
    min_snr_db=10.0,
    most_backing=0.5,
    registers=("speaking", "singing"),
)


def direction(person: str) -> np.ndarray:
    """The direction of a person's voice, float32[SIZE]."""
    seed = zlib.crc32(person.encode())
    row = np.random.default_rng(seed).normal(size=SIZE)
    return np.asarray(row / np.linalg.norm(row), np.float32)


COHORT = Cohort(np.stack([direction(f"stranger {n}") for n in range(200)]))


def voice(
    *people: str,
    windows: int = 8,
    register: str = "singing",
    seed: int = 0,
    snr_db: float = 30.0,
    backing: float = 0.0,
    spread: float = 0.1,
) -> VoicePrintRecord:
    """The print of a file in which these people are heard one after the other."""
    rng = np.random.default_rng(seed)
    segments = []
    for number, person in enumerate(p for p in people for _ in range(windows)):
        row = direction(person) + rng.normal(size=SIZE).astype(np.float32) * 0.03
        row = np.asarray(row / np.linalg.norm(row), np.float32)
        start = number * WINDOW_S
        segments.append(VoiceSegment(start, start + WINDOW_S, row, WINDOW_S, register))
    heard = VoicePrint(
        segments=tuple(segments),
        voiced_s=len(segments) * WINDOW_S,
        snr_db=snr_db,
        spread=spread if len(people) < 2 else 0.5,
        bandwidth_hz=8_000.0,
        backing=backing,
        model=MODEL,
    )
    return print_record(heard, SIZE)


class WrittenEars:
    """In the place of an encoder: a file says itself who is heard in it (``{"people": [...]}`` and options)."""

    def __init__(self, said: dict[str, Any]) -> None:
        self._said = dict(said)

    def record(self) -> VoicePrintRecord:
        people = self._said.pop("people")
        return voice(*people, **self._said)


def use_written_voices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure against this module's cohort, and hear in a recording what is written in it."""

    def hear(path: Path, limits: Any, engines: EngineSettings, folder: Path) -> VoicePrintRecord:
        text = path.read_text("utf-8")
        if not text.startswith("{"):
            from rightscan.errors import PermanentError

            raise PermanentError("not_media", "the content is no audio or video file", "Send audio.")
        return WrittenEars(json.loads(text)).record()

    monkeypatch.setattr(likeness, "ruler", lambda engines: Ruler(MODEL, COHORT, CALIBRATION))
    monkeypatch.setattr("rightscan.jobs.voices.enrol.hear_guarded", hear)
    likeness.forget_snapshots()


def recording(folder: Path, name: str, *people: str, **options: Any) -> Path:
    """A recording of these people for ``use_written_voices``."""
    path = folder / name
    path.write_text(json.dumps({"people": people, **options}), "utf-8")
    return path
