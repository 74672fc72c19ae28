"""Tiny ONNX files for tests, written as protocol buffers by hand: the package ``onnx`` is no tool of the tests.

Only what a handful of nodes needs of onnx.proto3 (field numbers after https://onnx.ai/onnx/repo-docs/IR.html).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

TYPES = {"float32": 1, "int64": 7, "float64": 11}


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def chunk(field: int, data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def node(op: str, inputs: Sequence[str], outputs: Sequence[str]) -> bytes:
    body = b"".join(chunk(1, name) for name in inputs) + b"".join(chunk(2, name) for name in outputs)
    return chunk(1, body + chunk(4, op))


def node_with(op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: int | list[int]) -> bytes:
    """A node with attributes that are numbers or lists of numbers."""
    body = b"".join(chunk(1, name) for name in inputs) + b"".join(chunk(2, name) for name in outputs)
    for name, given in attributes.items():
        if isinstance(given, list):
            values = b"".join(number(8, one) for one in given) + number(20, 7)
        else:
            values = number(3, given) + number(20, 2)
        body += chunk(5, chunk(1, name) + values)
    return chunk(1, body + chunk(4, op))


def constant(name: str, value: np.ndarray) -> bytes:
    dims = b"".join(number(1, size) for size in value.shape)
    return chunk(5, dims + number(2, TYPES[str(value.dtype)]) + chunk(8, name) + chunk(9, value.tobytes()))


def value(field: int, name: str, dtype: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(chunk(1, number(1, d) if isinstance(d, int) else chunk(2, d)) for d in shape)
    return chunk(field, chunk(1, name) + chunk(2, chunk(1, number(1, TYPES[dtype]) + chunk(2, dims))))


def model(*parts: bytes) -> bytes:
    """A model of IR version 8, operator set 17, from nodes, constants and values (11 inputs, 12 outputs)."""
    graph = b"".join(parts) + chunk(2, "graph")
    return number(1, 8) + chunk(8, chunk(1, "") + number(2, 17)) + chunk(7, graph)


def affine(
    name_in: str,
    name_out: str,
    shape: Sequence[int | str],
    gain: float,
    shift: float,
    out: Sequence[int | str] = (),
) -> bytes:
    """``out = gain * in + shift``."""
    return model(
        node("Mul", [name_in, "gain"], ["scaled"]),
        node("Add", ["scaled", "shift"], [name_out]),
        constant("gain", np.array(gain, np.float32)),
        constant("shift", np.array(shift, np.float32)),
        value(11, name_in, "float32", shape),
        value(12, name_out, "float32", out or shape),
    )


def card_body(name: str, kind: str, data: bytes | None, inputs: dict, outputs: dict) -> dict:
    """A card that is as it must be."""
    rows = {
        "separation": {"n": 20, "improvement_vocal_db": 6.0, "improvement_instrumental_db": [4.0, 6.5]},
        "speaker": {"n_same": 40, "n_different": 400, "eer": 0.1, "cllr": 0.4},
        "external": {"n_fake": 10, "n_real": 10, "eer": 0.2},
        "synthesis": {
            **{"n_fake": 100, "n_real": 300, "false_alarm_queue": 0.01, "false_alarm_assert": None},
            **{"recall_queue": 0.8, "eer": 0.1, "cllr": 0.4},
        },
    }
    judges = kind == "synthesis"
    return {
        "name": name,
        "version": "1",
        "kind": kind,
        "file": None if data is None else "model.onnx",
        "sha256": None if data is None else hashlib.sha256(data).hexdigest(),
        "licence": "Apache-2.0",
        "date": "2026-11-27",
        "summary": "Made for a test.",
        "training_data": {
            "statement": "none",
            "sources": [{"name": "none", "licence": "CC0-1.0", "seconds": 0}],
        },
        "inputs": inputs,
        "outputs": outputs,
        "validated_conditions": {"min_duration_s": 4, "min_bandwidth_hz": 7000},
        "thresholds": {"queue": 1.0, "assert": None} if judges else None,
        "calibration": {"trials": 300} if judges else None,
        "errors": [{"condition": "clean", "generator": "all", **rows[kind]}],
        "limitations": ["It does nothing."],
    }


def write_model(folder: Path, card: dict, data: bytes | None) -> Path:
    """A model's folder: card and file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "card.json").write_text(json.dumps(card), "utf-8")
    if data is not None:
        (folder / "model.onnx").write_bytes(data)
    return folder


def detector_folder(folder: Path, name: str = "tiny", gain: float = 2.0) -> Path:
    """A detector of synthesis: ``score = gain * features + 1``, features float32[rows, 3]."""
    data = affine("features", "score", ["rows", 3], gain, 1.0)
    array = {"dtype": "float32", "shape": ["rows", 3]}
    inputs = {
        "sample_rate": 44100,
        "window_s": None,
        "arrays": [{"name": "features", **array}],
        "features": ["a"],
    }
    outputs = {"arrays": [{"name": "score", **array}]}
    return write_model(folder / name, card_body(name, "synthesis", data, inputs, outputs), data)


def mask_folder(
    folder: Path, gain: float, window: int = 512, bins: int = 200, frames: int | str = "frames", **settings
) -> Path:
    """A separator of the mask form whose mask is ``gain`` everywhere it sees."""
    data = affine("magnitude", "mask", [1, 1, frames, bins], 0.0, gain)
    form = {
        "form": "magnitude_mask",
        "window": window,
        "hop": window // 2,
        "frames_multiple": 4,
        "beyond": "hold",
    }
    return _separator(folder, data, ["magnitude", "mask"], [1, 1, frames, bins], form | settings)


def waveform_folder(
    folder: Path, gain: float, samples: int | str = "samples", channels: int = 2, **settings
) -> Path:
    """A separator of the waveform form that gives ``gain`` times what it gets."""
    data = affine("mix", "voice", [1, channels, samples], gain, 0.0)
    form = {"form": "waveform", "samples_multiple": 1}
    return _separator(folder, data, ["mix", "voice"], [1, channels, samples], form | settings)


def _separator(folder: Path, data: bytes, names: Sequence[str], shape: list, settings: dict) -> Path:
    arrays = [{"name": name, "dtype": "float32", "shape": shape} for name in names]
    inputs = {"sample_rate": 8000, "chunk_s": 1.0, "overlap_s": 0.25, "arrays": arrays[:1]} | settings
    return write_model(
        folder, card_body("tiny-separator", "separation", data, inputs, {"arrays": arrays[1:]}), data
    )
