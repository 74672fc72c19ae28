"""The card of the shipped model: everything a reader needs to trust it as far as it deserves."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from rightscan.synthesis.voice import FEATURES, NAMES, VOICED_SHARE
from rightscan.synthesis.voice.sound import RATE, WINDOW_S
from training.synthesis.voice.corpus import Clip, seconds
from training.synthesis.voice.dataset import LONGEST_S

NAME = "voice-synthesis"
VERSION = "1.1.0"
_LICENCE = "Apache-2.0"
_LIMITATIONS = (
    "Graded evidence: it may queue a recording for a person to look at; it has no threshold to assert anything.",
    "It knows the makers it was trained with, and their kin, far better than published generators: see the rows"
    " 'unseen', where areas reach from chance to 0.99 and Cllr is about 1. There its ratio is a hint, little more.",
    "Music without a voice has false alarms (one site near 10 % before it took part in the threshold): ask it about"
    " voices alone.",
    "The queue threshold was set on real sound of the rows 'unseen, as it is' too; the rows 'threshold … set without"
    " it' say what a new site gets.",
    "Judges windows with at least 0.6 s of voice in 4 s. Over a backing it hears the backing too: separate the voice.",
    "Looks at nothing above 7.2 kHz; families that differ from a recording only above are not seen.",
    "Longer trials of the table are windows of several people put together (made long); real long files hold one.",
    "False alarms differ between recording sites; a site unlike those measured may have more of them.",
    "Makers newer than those measured may go unseen: a low score proves nothing.",
)


def write(model: Path, learnt: list[Clip], figures: dict[str, Any], date: str) -> None:
    """Write ``card.json`` beside the model file."""
    rows = [
        *figures["left_out"],
        *figures["conditions"],
        *figures["new_people"],
        *figures["sites"],
        *figures["unseen"],
    ]
    sources: dict[tuple[str, str], float] = defaultdict(float)
    for clip in learnt:
        sources[
            (clip.site if not clip.fake else f"{clip.family}, made here from {clip.site}", clip.licence)
        ] += min(seconds(clip.path), LONGEST_S)
    card = {
        "name": NAME,
        "version": VERSION,
        "kind": "synthesis",
        "file": model.name,
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "licence": _LICENCE,
        "date": date,
        "summary": "Scores machine-made voices by phase, excitation, cepstral movement and fast modulation, for makers"
        " that leave no lattice of spectral lines: gradient boosted trees and a small network, calibrated and added.",
        "training_data": {
            "statement": "Real sound of clear licence only (CC0, CC BY, public domain, or made here); every fake was"
            " made from it by this repository (training/synthesis/decoders). Nothing any published generator put out"
            " was trained on.",
            "sources": [
                {"name": name, "licence": licence, "seconds": round(seconds, 1)}
                for (name, licence), seconds in sorted(sources.items())
            ],
        },
        "inputs": {
            "sample_rate": RATE,
            "window_s": WINDOW_S,
            "arrays": [{"name": "values", "dtype": "float32", "shape": ["windows", len(NAMES)]}],
            "features": FEATURES,
            "voiced_share": VOICED_SHARE,
        },
        "outputs": {
            "arrays": [
                {"name": name, "dtype": "float32", "shape": ["windows", 1]}
                for name in ("logit", "trees", "network")
            ],
            "check": figures["check"],
        },
        "validated_conditions": {
            "min_duration_s": WINDOW_S,
            "min_bandwidth_hz": 3_300,
            "min_bit_rate": 32_000,
            "min_snr_db": 18,
            "min_voiced_share": VOICED_SHARE,
            "backing": "none, or voice separated",
        },
        "thresholds": {"queue": figures["queue"], "assert": None},
        "calibration": {
            "method": "logistic regression on pooled logits of models that had seen neither family, people nor site",
            **figures["calibration"],
        },
        "errors": rows,
        "limitations": list(_LIMITATIONS),
    }
    text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
    (model.parent / "card.json").write_text(text, encoding="utf-8")
