"""Trials of many lengths out of windows: single windows, and the windows of one person (or maker) together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.synthesis.voice.calibrate import COUNTS, Pool
from training.synthesis.voice.dataset import Rows


def pools(
    rows: Rows,
    row: NDArray[np.int64],
    family: NDArray[np.str_],
    logit: NDArray[np.float64],
    counts: tuple[int, ...] = COUNTS,
) -> Pool:
    """Pool windows of the same fold, class, maker and source.

    One clip of training is shorter than a file of an upload: longer trials take windows of several people of
    one site, made by one family through one kind of chain. They are named "made long" wherever they are shown.

    Args:
        rows: all windows.
        row: int64[n], which of them.
        family: str[n], of the fold.
        logit: float64[n].
        counts: how many windows a trial pools.
    """
    parts: dict[str, list[object]] = {name: [] for name in Pool.__dataclass_fields__}
    names = np.char.add(np.char.add(family.astype(str), "|"), rows.site[row].astype(str))
    keys = np.char.add(names, np.where(rows.fake[row], "|fake", "|real"))
    for key in np.unique(keys):
        members = np.flatnonzero(keys == key)
        # By person, then clip and chain: neighbours share a voice and a chain as long as there are enough.
        order = members[np.lexsort((row[members], rows.clip[row[members]], rows.subject[row[members]]))]
        for count in counts:
            for start in range(0, order.size - count + 1, count):
                chosen = order[start : start + count]
                first = row[chosen[0]]
                parts["pooled"].append(float(logit[chosen].mean()))
                parts["windows"].append(count)
                parts["fake"].append(bool(rows.fake[first]))
                parts["family"].append(str(family[chosen[0]]))
                parts["site"].append(str(rows.site[first]))
                parts["subject"].append(str(rows.subject[first]))
    return Pool(**{name: np.array(part) for name, part in parts.items()})  # type: ignore[arg-type]
