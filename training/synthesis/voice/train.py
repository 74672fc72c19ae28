"""The steps in order: measure, cross-validate, calibrate, fit on everything, test on the unseen, write the card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from bench.synth import speech_like
from numpy.typing import NDArray

from rightscan.synthesis.voice import features
from rightscan.synthesis.voice.sound import RATE
from training.synthesis.voice import (
    calibrate,
    card,
    corpus,
    dataset,
    folds,
    graph,
    network,
    tables,
    trees,
    unseen,
)
from training.synthesis.voice.dataset import Rows
from training.synthesis.voice.folds import Held
from training.synthesis.voice.pooling import pools

Say = Callable[[str], None]
_PARITY = 1e-4  # of a logit, between what was trained and what is shipped (float32 sums of 250 trees)
MODEL_FILE = "model.onnx"
_CHECK_SEED, _CHECK_S = 3, 9.0


@dataclass(frozen=True)
class Plan:
    """Where things lie; ``chains`` drawn chains per clip; ``most`` clips of a family; ``date`` of the card, ISO."""

    index: Path
    media: Path | None
    out: Path
    cache: Path
    chains: int
    most: int
    date: str


def run(plan: Plan, say: Say) -> dict[str, Any]:
    """Do all steps; return every figure, as written into the card and the report."""
    clips = corpus.thinned(corpus.read_index(plan.index), plan.most)
    learnt = [clip for clip in clips if clip.split != "report"]
    rows = dataset.measure(learnt, plan.chains, plan.cache)
    say(f"{len(rows)} windows of {len(learnt)} clips, {np.unique(rows.subject).size} people or tracks")
    held = folds.cross_validate(rows, say)
    mix = _mix(rows, held)
    logit = mix[0] * held.trees + mix[1] * held.network + mix[2]
    trials = pools(rows, held.row, held.family, logit)
    trusted = min(np.unique(rows.subject[~rows.fake]).size, np.unique(rows.subject[rows.fake]).size)
    calibration = calibrate.fit(trials, trusted)
    ratios = calibrate.log10_lr(calibration, trials)
    say(f"mix {mix.round(3)}, {calibration}")
    model = plan.out / card.NAME / MODEL_FILE
    model.parent.mkdir(parents=True, exist_ok=True)
    _fit_all(rows, mix, model)
    heard = _heard(plan, learnt, model)
    known = (ratios[~trials.fake], trials.site[~trials.fake])
    new = tables.site_trials(*heard[unseen.AS_IT_IS], calibration) if heard else (np.zeros(0), known[1][:0])
    threshold = calibrate.queue_threshold(
        np.concatenate([known[0], new[0]]), np.concatenate([known[1], new[1]])
    )
    say(f"queue at {threshold}; by cross-validation alone {calibrate.queue_threshold(*known)}")
    figures: dict[str, Any] = {
        "mix": [float(value) for value in mix],
        "calibration": asdict(calibration),
        "queue": threshold,
        "left_out": tables.left_out(trials, ratios, threshold),
        "conditions": tables.conditions(rows, held, logit, calibration, threshold),
        "control": tables.control(rows, held, logit),
        "parts": tables.parts(rows, held, logit),
        "sites": tables.site_by_site(known, new),
        "unseen": [
            line
            for name, (pieces, logits) in heard.items()
            for line in tables.unseen(name, pieces, logits, calibration, threshold)
        ],
    }
    people = dataset.measure([clip for clip in clips if clip.split == "report"], plan.chains, plan.cache)
    figures["new_people"] = tables.new_people(people, score(model, people.values), calibration, threshold)
    for name in ("left_out", "conditions", "control", "parts", "new_people", "sites", "unseen"):
        for line in tables.lines(figures[name]):
            say(line)
    figures["check"] = _check(model)
    card.write(model, learnt, figures, plan.date)
    return figures


def score(model: Path, values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logits float64[n] that a model file gives to float32[n, F]."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["logit"], {"values": values})[0][:, 0], np.float64)


def _mix(rows: Rows, held: Held) -> NDArray[np.float64]:
    """Return how trees and network are added up, float64[3]: the mean of the two, each calibrated by itself.

    Fitted together, two scores that agree this well get weights that one family more or less turns around.
    """
    kind = np.where(rows.fake[held.row], held.family, rows.site[held.row]).astype(str)
    weight = calibrate.per_kind(kind)
    fake = rows.fake[held.row]
    by_trees, by_network = (
        calibrate.logistic(part[:, None], fake, weight) for part in (held.trees, held.network)
    )
    return np.array([by_trees[0], by_network[0], by_trees[1] + by_network[1]]) / 2


def _fit_all(rows: Rows, mix: NDArray[np.float64], path: Path) -> None:
    """Fit on all rows, write the graph and hold it against what was fitted."""
    weight = folds.weights(rows)
    booster = trees.fit(rows.values, rows.fake, weight)
    net = network.fit(rows.values, rows.fake, weight)
    graph.write(booster, net, mix, path)
    wanted = mix[0] * trees.logit(booster, rows.values) + mix[1] * net.logit(rows.values) + mix[2]
    apart = float(np.abs(score(path, rows.values) - wanted).max())
    if apart > _PARITY:
        raise ValueError(f"the exported graph differs from the models by {apart:.2e}")


def _heard(
    plan: Plan, learnt: list[corpus.Clip], model: Path
) -> dict[str, tuple[list[unseen.Piece], list[NDArray[np.float64]]]]:
    """Return by chain the files of the unseen test and the logits of their windows; nothing without media."""
    if plan.media is None:
        return {}
    trained = frozenset(clip.source for clip in learnt)
    people = frozenset(clip.subject.rsplit("-", 1)[-1] for clip in learnt)
    heard = {}
    for name in unseen.CHAINS:
        pieces = unseen.measure(plan.media, name, plan.cache, trained, people)
        logits = [score(model, piece.values) if len(piece.values) else np.zeros(0) for piece in pieces]
        heard[name] = pieces, logits
    return heard


def _check(model: Path) -> dict[str, Any]:
    """Return what the model says about a sound that anyone can make again."""
    sound = speech_like(_CHECK_SEED, _CHECK_S, sample_rate=RATE).mean(axis=1).astype(np.float32)
    logits = score(model, features(sound, RATE).values)
    facts = {"sound": "bench.synth.speech_like, mean of channels", "seed": _CHECK_SEED, "seconds": _CHECK_S}
    return {**facts, "sample_rate": RATE, "logits": [round(float(value), 5) for value in logits]}
