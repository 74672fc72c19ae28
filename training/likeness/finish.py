"""From weights to a shipped model: the file, the cohort, the calibration, the card with its error table.

The line from scores to likelihood ratios is fitted on the people of ``tune`` and ``report`` together, whom the
network never met: each stretch against a template of the rest of that person's stretches, and against everybody
else's. Its cost in the error table comes from lines fitted on other people (``bench.likeness``).
"""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench.likeness.embedding import heard, vector
from bench.likeness.material import Recording, speech
from bench.likeness.measures import line
from bench.likeness.run import SHORT_S, fitted, measure
from numpy.typing import NDArray

from rightscan.likeness import Cohort, Encoder, pack_cohort
from rightscan.likeness.prints import direction
from rightscan.models import Model
from rightscan.models.card import read_card
from training.likeness.corpus import speakers
from training.likeness.export import INPUT, OUTPUT, export
from training.likeness.network import DIMENSIONS, Network
from training.likeness.pool import BANDS
from training.synthesis.sources import admitted

NAME, VERSION = "voice-encoder", "1.0.0"
_MODEL, _COHORT = "model.onnx", "cohort.npz"
_LINES_S = (SHORT_S, 8.0)
_QUEUE, _ASSERT = 0.5, 1.5
"""log10 LR, set beforehand: 3 to 1 for a person to look, 30 to 1 for a reviewer to confirm."""

Float = NDArray[np.float32]


def finish(weights: Path, media: Path, folder: Path, singing: Path | None = None) -> dict[str, Any]:
    """Write ``model.onnx``, ``cohort.npz`` and ``card.json``; return the card.

    Args:
        weights: as ``train`` wrote them.
        media: folder with ``MANIFEST.csv``.
        folder: of the model.
        singing: folder of singers for the error table (``bench.likeness``); None leaves those rows out.
    """
    candidate = weights.parent / NAME
    network = Network()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    export(network.eval(), candidate / _MODEL)
    (candidate / _COHORT).write_bytes(b"")
    _write(candidate, media, _calibration([(SHORT_S, 0.0, 1.0)], 2, 0.0, 1.0), [_unmeasured()])
    encoder = _opened(candidate)
    cohort = _cohort(encoder, speech(media, "train"))
    (candidate / _COHORT).write_bytes(pack_cohort(cohort.embeddings))
    calibration = _fit(
        encoder, cohort, speech(media, "tune") + speech(media, "report"), speech(media, "tune")
    )
    _write(candidate, media, calibration, [_unmeasured()])
    rows = [row.told() for row in measure(_opened(candidate), media, singing, print, baseline=False)]
    card = _write(candidate, media, calibration, [_error(row) for row in rows])
    Cohort.load(_opened(candidate))
    folder.mkdir(parents=True, exist_ok=True)
    for name in (_MODEL, _COHORT, "card.json"):
        shutil.copyfile(candidate / name, folder / name)
    return card


def _opened(folder: Path) -> Encoder:
    return Encoder(Model(read_card(folder), folder))


def _cohort(encoder: Encoder, recordings: Sequence[Recording]) -> Cohort:
    """One vector of each person trained on."""
    rows: dict[str, list[Float]] = defaultdict(list)
    for one in recordings:
        rows[one.person].append(vector(heard(encoder, one.sound), encoder.dimensions))
    return Cohort(np.stack([direction(np.stack(rows[name])) for name in sorted(rows)]))


def _fit(
    encoder: Encoder, cohort: Cohort, people: Sequence[Recording], tuned: Sequence[Recording]
) -> dict[str, Any]:
    lines, met = [], 0
    for seconds in _LINES_S:
        trials = fitted(encoder, cohort, people, seconds)
        lines.append((seconds, *line(trials)))
        met = max(met, trials.people)
    within, spreads = _tuned(encoder, cohort, tuned)
    return _calibration(lines, met, within, spreads)


def _tuned(encoder: Encoder, cohort: Cohort, recordings: Sequence[Recording]) -> tuple[float, float]:
    """Cosine that a tenth of the windows of one voice fall under, and the spread that a tenth of recordings exceed."""
    cosines, spreads = [], []
    for one in recordings:
        found = heard(encoder, one.sound)
        rows = found.embeddings()
        if len(rows) < 2:
            continue
        directed = cohort.directed(rows)
        upper = np.triu_indices(len(rows), 1)
        cosines.extend((directed @ directed.T)[upper].tolist())
        spreads.append(found.spread)
    return float(np.quantile(cosines, 0.1)), float(np.quantile(spreads, 0.9))


def _calibration(
    lines: Sequence[tuple[float, float, float]], trials: int, same_voice: float, spread: float
) -> dict[str, Any]:
    return {
        "method": "logistic regression on scores normalised by the cohort, one line for each length of voice",
        "hypotheses": "log10 of: the voice is that of the person of the template, to: it is that of somebody else,"
        " of those the cohort is like (readers of English audiobooks)",
        "trials": trials,
        "seconds": [one[0] for one in lines],
        "offsets": [round(one[1], 4) for one in lines],
        "slopes": [round(one[2], 4) for one in lines],
        "same_voice_cosine": round(same_voice, 3),
        "most_spread": round(spread, 3),
        "cohort_file": _COHORT,
    }


def _write(
    folder: Path, media: Path, calibration: dict[str, Any], errors: list[dict[str, Any]]
) -> dict[str, Any]:
    card = {
        "name": NAME,
        "version": VERSION,
        "kind": "speaker",
        "file": _MODEL,
        "sha256": _digest(folder / _MODEL),
        "licence": "Apache-2.0",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "summary": "Turns four seconds of a voice into 128 numbers that lie near those of the same person: separable"
        " temporal convolutions with attentive statistics, 0.5 million weights, over 64 log-mel bands.",
        "training_data": {
            "statement": "Read speech under CC BY 4.0 alone, one recording of each person, varied here: at other"
            " speeds and with other vocal tracts as other people, resynthesised on held notes as the same person,"
            " coded, in rooms, under noise and music of clear licence. No song, no Korean, nobody who is reported on.",
            "sources": _sources(media),
        },
        "inputs": {
            "sample_rate": 16_000,
            "window_s": 4.0,
            "hop_s": 2.0,
            "form": "features",
            "layout": "frames_bands",
            "level_db": -26.0,
            "features": {"size": 512, "window": 400, "hop": 160, "bands": BANDS, "normalisation": "mean"},
            "arrays": [{"name": INPUT, "dtype": "float32", "shape": ["windows", "frames", BANDS]}],
        },
        "outputs": {"arrays": [{"name": OUTPUT, "dtype": "float32", "shape": ["windows", DIMENSIONS]}]},
        "validated_conditions": {
            "min_voiced_s": 2.5,
            "min_bandwidth_hz": 3_000.0,
            "min_snr_db": 12.0,
            "most_backing": 0.35,
            "registers": ["speaking"],
        },
        "thresholds": {"queue": _QUEUE, "assert": _ASSERT},
        "calibration": {**calibration, "cohort_sha256": _digest(folder / _COHORT)},
        "errors": errors,
        "limitations": [
            "Singing is outside what was validated: no song was trained on, and the answer is at most a candidate.",
            "A voice over music is outside too: separate it first, and even then read the row.",
            "Most people of the trials have one recording, so both sides share its room and microphone; the rows"
            " 'other recordings' are of few people.",
            "Everybody trained on, calibrated on and in the cohort reads English aloud; other languages are measured"
            " on a handful of people.",
            "It says 'sounds like' and nothing of who recorded it: an imitator or a synthetic copy scores as well.",
        ],
    }
    (folder / "card.json").write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8")
    return card


def _sources(media: Path) -> list[dict[str, Any]]:
    """Sources of voices of the training people, and of noise and music."""
    seconds: dict[tuple[str, str], float] = defaultdict(float)
    for person in speakers(media):
        if person.split == "train":
            for source in person.recordings:
                seconds[source.site, source.licence] += source.duration_s
    for source in admitted(media):
        if source.kind != "voice" and source.split != "report":
            seconds[source.site, source.licence] += source.duration_s
    seconds["own_synth", "own (synthesised)"] += 16 * 40.0
    return [
        {"name": site, "licence": licence, "seconds": round(total, 1)}
        for (site, licence), total in sorted(seconds.items())
    ]


def _error(row: dict[str, Any]) -> dict[str, Any]:
    low, high = row["eer_interval"]
    return {
        "condition": f"{row['condition']}; {row['kind']}",
        "generator": "people never trained on",
        "n_same": row["n_same"],
        "n_different": row["n_different"],
        "people": row["people"],
        "eer": row["eer"],
        "eer_interval": None if low is None or high is None else [low, high],
        "cllr": row["cllr"],
    }


def _unmeasured() -> dict[str, Any]:
    return {
        "condition": "not measured yet",
        "generator": "none",
        "n_same": 1,
        "n_different": 1,
        "eer": None,
        "cllr": None,
    }


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
