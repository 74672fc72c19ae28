"""What the benches' pictures share. Needs matplotlib (``make bench-deps``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_MOST_BYTES = 200_000


def pyplot() -> Any:
    """Return matplotlib's drawing module, set to draw into files.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    return plt


def save(figure: Any, path: Path) -> None:
    """Write a figure as PNG and close it.

    Raises:
        ValueError: the picture has more than 200 kB, too much for a repository.
    """
    figure.savefig(path, dpi=85, metadata={"Software": None})
    pyplot().close(figure)
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path} has {path.stat().st_size} bytes, more than {_MOST_BYTES}")
