"""The fit behind ``rightscan.index.calibration``: a logistic one over what is known of an alignment, and its tail.

Everything that the engine followed counts, told or not, on the tuning half: the best alignment of each excerpt of a
registered recording that was changed, and every one of excerpts of what is in no catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench.identification import run
from bench.identification.conditions import BY_NAME, LONGEST_S, SPARE_S, Condition, usable
from bench.identification.material import Material
from bench.processes import spread
from bench.seeds import rng_for
from bench.sound import RATE, mono

from rightscan.index import calibration
from rightscan.index.alignment import Alignment

CHANGES = (
    "mp3_32k",
    "white_+0",
    "white_-5",
    "ambient_+0",
    "ambient_-5",
    "voiceover_6",
    "phone",
    "speed_+5",
    "tempo_-10",
    "pitch_+1",
)
LENGTHS = (2, 3, 5, 10)
FEATURES = ("harmony", "sqrt(peaks)", "sharpness", "changed", "constant")
LEVELS = (-2.0, -1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0)


@dataclass(frozen=True)
class _Task:
    registered: bool
    k: int


def _changes(material: Material) -> list[Condition]:
    return [BY_NAME[c] for c in CHANGES if usable(BY_NAME[c], voices=bool(material.voices))]


def features(seen: Alignment) -> tuple[float, ...]:
    """Return what the score is made from, in the order of ``FEATURES``."""
    return (
        seen.harmony,
        math.sqrt(min(max(seen.peaks, 0.0), calibration.CALIBRATION.most_peaks)),
        min(max(seen.sharpness, 0.0), 1.0),
        float(seen.changed),
        1.0,
    )


@dataclass(frozen=True)
class Seen:
    """What was followed for one excerpt: features of each alignment and the score it has today."""

    registered: bool
    features: list[tuple[float, ...]]
    scores: list[float]


def _follow(task: _Task) -> Seen:
    library, index = run.Here.library, run.Here.index
    if index is None:
        raise RuntimeError("this worker was given no index")
    material = library.material
    rng = rng_for(material.seed, "calibrate", task.registered, task.k)
    seconds = LENGTHS[task.k % len(LENGTHS)]
    if task.registered:
        track = material.registered[task.k % len(material.registered)]
        need = LONGEST_S + SPARE_S
        changes = _changes(material)
        condition = changes[task.k // len(LENGTHS) % len(changes)]
        x = library.cut(track, library.start(track, condition.factor * need, rng), condition.factor * need)
        x = condition.change(x, library, rng)
        followed = index.followed(run.fingerprint_of_sound(x[: seconds * RATE]), deep=True)
        mine = [a for name, a in followed if name == track.name]
        best = [max(mine, key=calibration.log10_lr)] if mine else []
        return Seen(True, [features(a) for a in best], [calibration.log10_lr(a) for a in best])
    pools: list[Sequence[Path]] = [
        [t.path for t in material.held_out],
        *(p for p in (material.voices, material.noise, material.generated) if p),
    ]
    pool = pools[task.k // len(LENGTHS) % len(pools)]
    path = pool[int(rng.integers(len(pool)))]
    x = mono(library.track(path).astype(np.float32) / np.float32(32767))
    at = int(rng.integers(max(x.size - seconds * RATE, 0) + 1))
    followed = index.followed(run.fingerprint_of_sound(x[at : at + seconds * RATE]), deep=True)
    return Seen(False, [features(a) for _, a in followed], [calibration.log10_lr(a) for _, a in followed])


def measure(material: Material, folder: Path, *, n: int, jobs: int) -> list[Seen]:
    """Return what was followed for ``n`` registered excerpts and four times as many others."""
    tasks = [_Task(True, k) for k in range(n)] + [_Task(False, k) for k in range(4 * n)]
    with run.workers(material, (folder,), jobs) as pool:
        return list(spread(pool, _follow, tasks, "calibration"))


def fitted(seen: Sequence[Seen]) -> list[float]:
    """Return the weights of ``FEATURES`` in log10 odds: logistic regression, both kinds of equal weight."""
    a = np.array([f for s in seen for f in s.features])
    y = np.array([float(s.registered) for s in seen for _ in s.features])
    w = np.where(y == 1, 0.5 / max(y.sum(), 1), 0.5 / max((1 - y).sum(), 1))
    b = np.zeros(a.shape[1])
    ridge = 1e-6 * np.eye(a.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(a @ b, -50, 50)))
        step = (a * (w * p * (1 - p))[:, None]).T @ a + ridge
        b -= np.linalg.solve(step, a.T @ (w * (p - y)) + ridge @ b)
    return [float(x) for x in b / math.log(10)]


def lines(seen: Sequence[Seen]) -> list[str]:
    """Write the fit, and how many excerpts of either kind today's score puts above each level."""
    weights = ", ".join(f"{name} {weight:.3f}" for name, weight in zip(FEATURES, fitted(seen), strict=True))
    kinds = {
        kind: np.array([max(s.scores, default=-math.inf) for s in seen if s.registered == kind])
        for kind in (True, False)
    }
    return [
        f"log10 odds: {weights}",
        f"registered n = {kinds[True].size}, unregistered n = {kinds[False].size}",
        *(
            f"  log10_lr >= {t:4.1f}: registered {(kinds[True] >= t).mean():.3f}, "
            f"unregistered {(kinds[False] >= t).sum()} ({(kinds[False] >= t).mean():.1e})"
            for t in LEVELS
        ),
    ]
