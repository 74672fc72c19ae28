"""Weights to a model file with its card, measured through the code that will run it."""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import torch

from rightscan.models import Model
from rightscan.models.card import read_card
from training.separation.material import Material
from training.separation.measure import cost, error_table
from training.separation.network import BINS, FORM, Separator

NAME = "separator-small"
OPSET = 17
_VERSION = "3"


def export(
    weights: Path,
    material: Material,
    held_out: Material,
    media: Path,
    folder: Path,
    n: int = 39,
    seed: int = 1,
) -> dict[str, Any]:
    """Write ``model.onnx`` and ``card.json``.

    Args:
        weights: as ``train`` wrote them.
        material: what it was trained on, for the statement.
        held_out: what it is measured on.
        media: real media.
        folder: of the model.
        n: mixes for each condition.
        seed: draws them.

    Returns:
        The card, and besides it the cost.
    """
    candidate = weights.parent / NAME
    candidate.mkdir(parents=True, exist_ok=True)
    _write_file(weights, candidate / "model.onnx")
    unmeasured = {"condition": "not measured yet", "generator": "none", "n": 1}
    unmeasured |= {"improvement_vocal_db": None, "improvement_instrumental_db": None}
    _write_card(candidate, material, [unmeasured])
    model = Model(read_card(candidate), candidate)
    card = _write_card(candidate, material, error_table(model, held_out, media, n, seed))
    Model(read_card(candidate), candidate).prepare()
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.onnx", "card.json"):
        shutil.copyfile(candidate / name, folder / name)
    return card | {"cost_cpu_s_per_minute": round(cost(model), 2)}


def _write_file(weights: Path, path: Path) -> None:
    network = Separator().eval()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    with warnings.catch_warnings():
        # The exporter by tracing is on its way out, and writes one file of plain operators, which is what is wanted.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            (torch.zeros(1, 2, 64, BINS),),
            str(path),
            opset_version=OPSET,
            input_names=["magnitude"],
            output_names=["mask"],
            dynamic_axes={"magnitude": {2: "frames"}, "mask": {2: "frames"}},
            dynamo=False,
        )


def _write_card(folder: Path, material: Material, rows: list[dict[str, Any]]) -> dict[str, Any]:
    card = {
        "name": NAME,
        "version": _VERSION,
        "kind": "separation",
        "file": "model.onnx",
        "sha256": hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest(),
        "licence": "Apache-2.0",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "summary": "A small U-net that masks the magnitudes of mid and side: one voice apart from its backing.",
        "training_data": {
            "statement": "Mixes made anew at each step from voices and backings that were made apart. "
            "Recorded material is CC0, CC BY or in the public domain; the rest is synthesised by this repository. "
            "No singing by people is in it.",
            "sources": _sources(material),
        },
        "inputs": FORM
        | {"arrays": [{"name": "magnitude", "dtype": "float32", "shape": [1, 2, "frames", BINS]}]},
        "outputs": {"arrays": [{"name": "mask", "dtype": "float32", "shape": [1, 1, "frames", BINS]}]},
        "validated_conditions": {"min_duration_s": 10.0, "min_bandwidth_hz": 7600.0, "voices": 1},
        "thresholds": None,
        "calibration": None,
        "errors": rows,
        "limitations": [
            "Trained on speech, on speech resynthesised on notes and on synthesised singing. Singing by people is "
            "outside what it was trained on; it was measured on eight songs by one singer.",
            "Leans on a voice's place in the middle of the stereo picture: without one, and for voices in a wide "
            "room, much less is gained, and singing may be taken for backing altogether.",
            "Above 7.6 kHz it sees nothing; the mask goes on as the mean of its highest eighth.",
            "Instruments that sing (bowed strings, flutes, trumpets, leads) leak into the voice; choirs, "
            "rap over voices and several singers were not tried.",
            "A mask leaves traces in the sound: a detector that judges stems needs thresholds made on stems.",
        ],
    }
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    (folder / "card.json").write_text(text, "utf-8")
    return card


def _sources(material: Material) -> list[dict[str, Any]]:
    voices: dict[str, float] = {}
    for voice in material.voices:
        voices[voice.kind] = voices.get(voice.kind, 0.0) + len(voice.sound) / voice.rate
    people = len({voice.who for voice in material.voices if voice.kind == "speech"})
    music: dict[str, float] = {}
    for backing in material.backings:
        music[backing.kind] = music.get(backing.kind, 0.0) + len(backing.sound) / 44_100
    tracks = sum(backing.kind == "recorded" for backing in material.backings)
    listed = [
        (f"LibriSpeech, {people} speakers", "CC BY 4.0", voices["speech"]),
        ("LibriSpeech, resynthesised on notes with WORLD", "CC BY 4.0", voices["resung"]),
        (
            "singing and talk synthesised by bench/synth of this repository",
            "Apache-2.0",
            voices["synthesised"],
        ),
        (
            f"music of librosa's example data and of MDN's examples, {tracks} tracks",
            "CC0, CC BY or public domain",
            music["recorded"],
        ),
        ("music synthesised by bench/synth of this repository", "Apache-2.0", music["synthesised"]),
    ]
    return [
        {"name": name, "licence": licence, "seconds": round(seconds)} for name, licence, seconds in listed
    ]
