"""Voices and encoders for tests: made sound, and models so small that their embeddings can be told beforehand."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

import onnx_files
from rightscan.likeness import Encoder, VoicePrint, VoiceSegment, pack_cohort
from rightscan.models import Model
from rightscan.models.card import read_card

RATE = 44_100
FEATURES = {"size": 512, "window": 400, "hop": 160, "bands": 64, "normalisation": "mean"}


def card(kind: str, data: bytes, inputs: dict[str, Any], dimensions: int, cohort: bytes) -> dict[str, Any]:
    """The card of an encoder that is as it must be."""
    body = onnx_files.card_body(
        "tiny-voices",
        kind,
        data,
        {"sample_rate": 16_000, **inputs},
        {"arrays": [{"name": "embedding", "dtype": "float32", "shape": ["windows", dimensions]}]},
    )
    body["thresholds"] = {"queue": 0.5, "assert": 1.5}
    body["calibration"] = {
        "trials": 100,
        "seconds": [4.0, 8.0],
        "offsets": [-3.0, -3.0],
        "slopes": [1.0, 1.5],
        "same_voice_cosine": 0.2,
        "most_spread": 0.4,
        "cohort_file": "cohort.npz",
        "cohort_sha256": hashlib.sha256(cohort).hexdigest(),
    }
    body["validated_conditions"] = {
        "min_voiced_s": 2.5,
        "min_bandwidth_hz": 3_000,
        "min_snr_db": 12,
        "most_backing": 0.35,
        "registers": ["speaking"],
    }
    return body


def means(name: str, axis: int, inner: list[int | str], dimensions: int) -> bytes:
    """A model that gives the mean of its input over one dimension."""
    return onnx_files.model(
        onnx_files.node_with("ReduceMean", [name], ["embedding"], axes=[axis], keepdims=0),
        onnx_files.value(11, name, "float32", ["windows", *inner]),
        onnx_files.value(12, "embedding", "float32", ["windows", dimensions]),
    )


def write_encoder(folder: Path, data: bytes, inputs: dict[str, Any], dimensions: int, **changes: Any) -> Path:
    """A folder with card, model and cohort."""
    rows = np.random.default_rng(8).standard_normal((60, dimensions)).astype(np.float32)
    cohort = pack_cohort(rows / np.linalg.norm(rows, axis=1, keepdims=True))
    body = card("speaker", data, inputs, dimensions, cohort) | changes
    onnx_files.write_model(folder, body, data)
    (folder / "cohort.npz").write_bytes(cohort)
    return folder


def ge2e_like(folder: Path, **settings: Any) -> Path:
    """An encoder over bands: float32[windows, frames, 64] -> their mean over time."""
    inputs = {
        "window_s": 2.0,
        "form": "features",
        "features": FEATURES | {"normalisation": "none"},
        "arrays": [{"name": "bands", "dtype": "float32", "shape": ["windows", "frames", 64]}],
    }
    return write_encoder(folder, means("bands", 1, ["frames", 64], 64), inputs | settings, 64)


def opened(folder: Path) -> Encoder:
    """The encoder of a folder."""
    return Encoder(Model(read_card(folder), folder))


def glottal(pitch_hz: float, seconds: float, formants: tuple[float, ...], seed: int = 1) -> np.ndarray:
    """Something like a voice that speaks: pulses of a wandering pitch through resonances, with pauses.

    Returns:
        float32[n] at 44.1 kHz.
    """
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    t = np.arange(n) / RATE
    wander = 1 + 0.25 * np.sin(2 * np.pi * 2.3 * t + rng.uniform(0, 6)) * np.sin(2 * np.pi * 0.9 * t)
    return _voiced(pitch_hz * wander, formants) * (np.sin(2 * np.pi * 0.8 * t) > -0.7)


def held(notes_hz: list[float], seconds: float, formants: tuple[float, ...]) -> np.ndarray:
    """Something like a voice that sings: each note held for a share of the time, float32[n] at 44.1 kHz."""
    n = round(seconds * RATE)
    steps = np.minimum(np.arange(n) * len(notes_hz) // n, len(notes_hz) - 1)
    t = np.arange(n) / RATE
    sounding = (np.arange(n) * len(notes_hz) / n) % 1 < 0.85
    return _voiced(np.array(notes_hz)[steps] * (1 + 0.01 * np.sin(2 * np.pi * 5.5 * t)), formants) * sounding


def _voiced(pitch: np.ndarray, formants: tuple[float, ...]) -> np.ndarray:
    phase = np.cumsum(pitch / RATE)
    source = np.diff(np.floor(phase), prepend=0.0).astype(np.float64)
    hertz = np.fft.rfftfreq(source.size, 1 / RATE)
    shape = sum(1 / (1 + ((hertz - f) / 90.0) ** 2) for f in formants) + 0.02
    made = np.fft.irfft(np.fft.rfft(source) * shape, source.size)
    return (0.3 * made / np.abs(made).max()).astype(np.float32)


def voice_print(
    rows: np.ndarray, register: str = "speaking", model: str = "tiny-voices@1", **changes: Any
) -> VoicePrint:
    """A print whose segments of 4 s have these embeddings."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    segments = tuple(
        VoiceSegment(4.0 * at, 4.0 * at + 4.0, row.astype(np.float32), 4.0, register)
        for at, row in enumerate(rows)
    )
    values = {
        "segments": segments,
        "voiced_s": 4.0 * len(rows),
        "snr_db": 35.0,
        "spread": 0.05,
        "bandwidth_hz": 8_000.0,
        "backing": 0.0,
        "model": model,
    }
    return VoicePrint(**(values | changes))
