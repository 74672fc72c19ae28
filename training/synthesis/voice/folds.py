"""Cross-validation that leaves out a family of makers, a recording site and its people, all at once.

A fold is one family and one block of people: nothing of that family, of that block's people, nor of their
recordings is trained on. Sites are blocks; a site with most of the people is cut into blocks of people (its
people recorded at home, each in a room of their own).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.synthesis.voice import network, trees
from training.synthesis.voice.dataset import Rows

BLOCKS = 3
_FEWEST_PEOPLE = 3  # a smaller site joins a common block: one voice alone tells no rate


@dataclass(frozen=True)
class Held:
    """What the models of all folds said about what they had not seen; one row per window.

    ``row`` int64[n] into the rows measured, ``family`` str[n] of the fold, ``trees`` and ``network``
    float64[n].
    """

    row: NDArray[np.int64]
    family: NDArray[np.str_]
    trees: NDArray[np.float64]
    network: NDArray[np.float64]


def blocks_of(rows: Rows) -> NDArray[np.int64]:
    """Return the block of each row, int64[n]; people never lie in two."""
    people = {site: np.unique(rows.subject[rows.site == site]) for site in np.unique(rows.site)}
    total = sum(found.size for found in people.values())
    block = np.zeros(len(rows), np.int64)
    for site, found in people.items():
        here = rows.site == site
        if found.size < _FEWEST_PEOPLE:
            block[here] = -1
        elif found.size <= total / 2:
            block[here] = BLOCKS + int(hashlib.sha256(site.encode()).hexdigest()[:8], 16) % 1_000_000
        else:
            number = {
                person: int(hashlib.sha256(str(person).encode()).hexdigest()[:8], 16) % BLOCKS for person in found
            }
            block[here] = [number[person] for person in rows.subject[here]]
    return np.unique(block, return_inverse=True)[1].astype(np.int64)


def weights(rows: Rows) -> NDArray[np.float64]:
    """Return float64[n]: both classes weigh the same, within fakes every family, within reals every site.

    Sites and families count by the square root of what they have, so that one person's site does not outweigh
    a hundred people.
    """
    weight = np.zeros(len(rows))
    for kept, kind in ((rows.fake, rows.family), (~rows.fake, rows.site)):
        names, place, count = np.unique(kind[kept], return_inverse=True, return_counts=True)
        share = np.sqrt(count) / np.sqrt(count).sum()
        weight[kept] = (share / count)[place] if names.size else 0.0
    return weight * len(rows) / 2


def cross_validate(rows: Rows, say: Callable[[str], None]) -> Held:
    """Train without each family and block in turn, and score what was left out."""
    block = blocks_of(rows)
    parts: list[tuple[NDArray[np.int64], NDArray[np.str_], NDArray[np.float64], NDArray[np.float64]]] = []
    for family in np.unique(rows.family[rows.fake]):
        for left in np.unique(block):
            test = np.flatnonzero((block == left) & (~rows.fake | (rows.family == family)))
            if not rows.fake[test].any() or rows.fake[test].all():
                continue
            seen = rows.where((block != left) & (rows.family != family))
            booster = trees.fit(seen.values, seen.fake, weights(seen))
            net = network.fit(seen.values, seen.fake, weights(seen))
            values = rows.values[test]
            parts.append(
                (test, np.full(test.size, family), trees.logit(booster, values), net.logit(values))
            )
        say(f"left out: {family}")
    return Held(*(np.concatenate([part[k] for part in parts]) for k in range(4)))  # type: ignore[arg-type]
