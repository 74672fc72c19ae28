"""Recall against length, one panel a family of conditions. Needs matplotlib (``make bench-deps``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.drawing import pyplot, save
from bench.identification.conditions import BY_NAME

_COLUMNS = 4
_COLOURS = ("#1b6ca8", "#d1495b", "#2e933c", "#8d5a97", "#e08e1b", "#4f5d75", "#00a6a6", "#a44a3f")
_MARKS = "osD^vP*X"


def draw(told: Mapping[str, Any], title: str, path: Path) -> None:
    """Draw the share found (threshold of at most 1 % false) of every condition over the length of the excerpt.

    Args:
        told: ``report.excerpts``.
        title: names the run: seed, number of queries.
        path: of the picture, a PNG.

    Raises:
        ValueError: the picture has more than 200 kB, too much for a repository.
    """
    plt = pyplot()
    families: dict[str, list[str]] = {}
    for name in told["cells"]:
        families.setdefault(BY_NAME[name].family, []).append(name)
    rows = -(-len(families) // _COLUMNS)
    figure, axes = plt.subplots(
        rows,
        _COLUMNS,
        figsize=(13, 3.1 * rows),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for axis in axes.flat[len(families) :]:
        axis.set_axis_off()
    for axis, (family, names) in zip(axes.flat, families.items(), strict=False):
        axis.set_title(family, fontsize=10)
        for i, name in enumerate(names):
            _curve(axis, told, name, i, len(names))
        axis.set_xscale("log")
        axis.set_xticks(told["lengths"], [f"{s:g}" for s in told["lengths"]])
        axis.minorticks_off()
        axis.set_ylim(-3, 103)
        axis.grid(alpha=0.25)
        axis.legend(fontsize=7, loc="lower right", framealpha=0.85)
    figure.supxlabel("seconds of the excerpt", fontsize=10)
    figure.supylabel("found, % (bars: 95 %)", fontsize=10)
    figure.suptitle(title, fontsize=11)
    save(figure, path)


def _curve(axis: Any, told: Mapping[str, Any], name: str, number: int, of: int) -> None:
    lengths: Sequence[float] = [s for s in told["lengths"] if told["cells"][name][s]["at_1_percent"]["n"]]
    shares = [told["cells"][name][s]["at_1_percent"] for s in lengths]
    middle = [100 * c["share"] for c in shares]
    bars = (
        [max(m - 100 * c["low"], 0) for m, c in zip(middle, shares, strict=True)],
        [max(100 * c["high"] - m, 0) for m, c in zip(middle, shares, strict=True)],
    )
    # Beside each other, or the bars of curves at 100 % could not be told apart.
    places = [s * (1 + 0.02 * (number - (of - 1) / 2)) for s in lengths]
    axis.errorbar(
        places,
        middle,
        bars,
        label=name,
        color=_COLOURS[number % len(_COLOURS)],
        marker=_MARKS[number % len(_MARKS)],
        markersize=4,
        linewidth=1.3,
        elinewidth=0.5,
    )
