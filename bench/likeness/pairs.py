"""Which stretches are held against which."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from bench.likeness.material import Stretch
from bench.likeness.measures import Trials
from numpy.typing import NDArray

from rightscan.likeness import Cohort
from rightscan.likeness.prints import direction

Float = NDArray[np.float32]


def _numbers(stretches: Sequence[Stretch]) -> NDArray[np.int64]:
    names = {name: at for at, name in enumerate(sorted({one.person for one in stretches}))}
    return np.array([names[one.person] for one in stretches], np.int64)


def _strangers(stretches: Sequence[Stretch]) -> NDArray[np.bool_]:
    """bool[n, n]: surely different people."""
    groups = np.array([one.group for one in stretches])
    people = np.array([one.person for one in stretches])
    return np.asarray((groups[:, None] != groups[None, :]) & (people[:, None] != people[None, :]))


def every_pair(
    stretches: Sequence[Stretch], cohort: Cohort, queries: Float, templates: Float, *, between: bool = False
) -> Trials:
    """Every stretch against every other one.

    Args:
        stretches: of both sides.
        cohort: for the scores.
        queries: float32[n, d], as they are asked about (worn, say).
        templates: float32[n, d], as they are held.
        between: pairs of one person only where no recording is on both sides.
    """
    scores = cohort.scores(queries, templates).astype(np.float64)
    people = _numbers(stretches)
    same = people[:, None] == people[None, :]
    np.fill_diagonal(same, False)
    if between:
        shared = np.array(
            [[bool(set(a.recordings) & set(b.recordings)) for b in stretches] for a in stretches]
        )
        same &= ~shared
    if queries is templates:
        upper = np.triu(np.ones_like(same), 1)
        same, keep = same & upper, _strangers(stretches) & upper
    else:
        keep = _strangers(stretches)
    rows, columns = np.nonzero(same | keep)
    return Trials(scores[rows, columns], people[rows], people[columns])


def against_rest(stretches: Sequence[Stretch], cohort: Cohort, queries: Float, templates: Float) -> Trials:
    """Every stretch against the template of each person: of their other stretches.

    Where a person has other recordings, the template of their own is made of those alone.

    Args:
        stretches: of both sides.
        cohort: for the scores.
        queries: float32[n, d], as they are asked about.
        templates: float32[n, d], as they are held.
    """
    people = _numbers(stretches)
    rows: dict[int, list[int]] = defaultdict(list)
    for at, person in enumerate(people.tolist()):
        rows[person].append(at)
    whole = {person: direction(templates[own]) for person, own in rows.items()}
    strangers = _strangers(stretches)
    scores, left, right = [], [], []
    for at, one in enumerate(stretches):
        own = [k for k in rows[int(people[at])] if k != at]
        other = [k for k in own if not set(stretches[k].recordings) & set(one.recordings)]
        held = [(int(people[at]), direction(templates[other or own]))] if own else []
        held += [(person, whole[person]) for person, some in rows.items() if strangers[at, some[0]]]
        found = cohort.scores(queries[at : at + 1], np.stack([vector for _, vector in held]))[0]
        scores.extend(found.tolist())
        left.extend([int(people[at])] * len(held))
        right.extend([person for person, _ in held])
    return Trials(np.array(scores, np.float64), np.array(left, np.int64), np.array(right, np.int64))
