"""Every score, one line a generator and one a site. Needs matplotlib (``make bench-deps``)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from bench.drawing import pyplot, save
from bench.seeds import rng_for
from bench.synthesis.changes import CLEAN
from bench.synthesis.run import Row

_FAKE, _REAL = "#d1495b", "#1b6ca8"


def draw(rows: Sequence[Row], title: str, path: Path) -> None:
    """Draw the scores of unchanged sound; a filled mark passed QUEUE, one with a dark edge ASSERT.

    Args:
        rows: of one run.
        title: names the run.
        path: of the picture, a PNG.

    Raises:
        ValueError: the picture has more than 200 kB, too much for a repository.
        ModuleNotFoundError: matplotlib is not installed.
    """
    plt = pyplot()
    kept = [r for r in rows if r.condition == CLEAN.name and r.score is not None]
    names = [(name, True) for name in sorted({r.made_by for r in kept if r.fake})]
    names += [(name, False) for name in sorted({r.site for r in kept if not r.fake})]
    figure, axis = plt.subplots(figsize=(10, 1.2 + 0.22 * max(len(names), 1)), layout="constrained")
    for place, (name, fake) in enumerate(names):
        mine = [r for r in kept if r.fake == fake and name == (r.made_by if fake else r.site)]
        lift = rng_for(1, "picture", name).uniform(-0.3, 0.3, len(mine))
        colour = _FAKE if fake else _REAL
        scores = np.array([r.score for r in mine])
        faces = [colour if r.queued else "none" for r in mine]
        edges = ["black" if r.asserted else colour for r in mine]
        axis.scatter(scores, place + lift, s=12, c=faces, edgecolors=edges, linewidths=0.6)
    axis.set_yticks(range(len(names)), [name for name, _ in names], fontsize=7)
    for label, (_, fake) in zip(axis.get_yticklabels(), names, strict=True):
        label.set_color(_FAKE if fake else _REAL)
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.25)
    axis.set_xlabel("score; red: by a machine, blue: by people; filled: QUEUE, dark edge: ASSERT", fontsize=9)
    axis.set_title(title, fontsize=10)
    save(figure, path)
