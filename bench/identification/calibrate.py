"""The fit behind ``rightscan.index.calibration``: log10 of the likelihood ratio over the harmony statistic.

Everything that the engine followed counts, told or not, on the tuning half: excerpts of registered recordings that
were changed, and excerpts of what is in no catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench.identification import run
from bench.identification.conditions import BY_NAME, LONGEST_S, SPARE_S, Condition, usable
from bench.identification.material import Material, rng_for
from bench.identification.sound import RATE, mono

CHANGES = ("mp3_32k", "white_+0", "white_-5", "voiceover_6", "opus_24k", "phone")
LENGTHS = (3, 5, 10)


@dataclass(frozen=True)
class _Task:
    registered: bool
    k: int


def _changes(material: Material) -> list[Condition]:
    return [BY_NAME[c] for c in CHANGES if usable(BY_NAME[c], voices=bool(material.voices))]


def _harmony(task: _Task) -> list[float]:
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
        change = changes[task.k % len(changes)].change
        x = change(library.cut(track, library.start(track, need, rng), need), library, rng)
        followed = index.followed(run.fingerprint_of_sound(x[: seconds * RATE]))
        return [a.harmony for name, a in followed if name == track.name]
    pools: list[Sequence[Path]] = [
        [t.path for t in material.held_out],
        *(p for p in (material.voices, material.noise, material.generated) if p),
    ]
    pool = pools[task.k % len(pools)]
    path = pool[task.k // len(pools) % len(pool)]
    x = mono(library.track(path).astype(np.float32) / np.float32(32767))
    at = int(rng.integers(max(x.size - seconds * RATE, 0) + 1))
    # One in eight under every assumed change: the tail is longer there, the search many times dearer.
    followed = index.followed(
        run.fingerprint_of_sound(x[at : at + seconds * RATE]), deep=task.k // len(pools) % 8 == 0
    )
    return [a.harmony for _, a in followed]


def measure(material: Material, folder: Path, *, n: int, jobs: int) -> dict[bool, list[float]]:
    """Return the harmony of all that was followed, of ``n`` registered excerpts and four times as many others."""
    tasks = [_Task(True, k) for k in range(n)] + [_Task(False, k) for k in range(4 * n)]
    found: dict[bool, list[float]] = {True: [], False: []}
    with run.workers(material, (folder,), jobs) as pool:
        for task, values in zip(tasks, run.spread(pool, _harmony, tasks, "calibration"), strict=True):
            found[task.registered] += values
    return found


def fitted(scores: dict[bool, list[float]]) -> tuple[float, float]:
    """Return slope and constant of log10 LR over the statistic: logistic regression, both kinds of equal weight."""
    h = np.array(scores[True] + scores[False])
    y = np.array([1.0] * len(scores[True]) + [0.0] * len(scores[False]))
    w = np.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    a = np.stack([h, np.ones_like(h)], 1)
    b = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(a @ b, -50, 50)))
        step = (a * (w * p * (1 - p))[:, None]).T @ a + 1e-9 * np.eye(2)
        b -= np.linalg.solve(step, a.T @ (w * (p - y)))
    slope, constant = b / math.log(10)
    return float(slope), float(constant)


def lines(scores: dict[bool, list[float]]) -> list[str]:
    """Write the fit and the tail of the unregistered."""
    slope, constant = fitted(scores)
    tail = np.array(scores[False])
    return [
        f"log10_lr = {slope:.3f} * harmony + {constant:.3f}",
        f"registered n = {len(scores[True])}, unregistered n = {len(scores[False])}",
        *(
            f"  unregistered harmony > {t}: {(tail > t).sum()} ({(tail > t).mean():.2e})"
            for t in range(2, 13)
        ),
    ]
