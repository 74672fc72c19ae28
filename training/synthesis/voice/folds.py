"""Cross-validation that leaves out a family of makers, a recording site and its people, all at once.

A fold is one family and one block of people: nothing of that family, of that block's people, nor of their
recordings is trained on. A site lies in one block; a site with most of the people is cut into blocks of people
(volunteers who recorded at home, each in a room of their own).
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
_KINDS = ("griffin_lim", "istft_head", "hifigan", "encodec", "dac", "oobleck", "flow")


@dataclass(frozen=True)
class Held:
    """What the models of all folds said about what they had not seen; one row per window.

    ``row`` int64[n] into the rows measured, ``family`` str[n] what the fold left out (``kin``), ``trees`` and
    ``network`` float64[n].
    """

    row: NDArray[np.int64]
    family: NDArray[np.str_]
    trees: NDArray[np.float64]
    network: NDArray[np.float64]


def blocks_of(rows: Rows) -> NDArray[np.int64]:
    """Return the block of each row, 0 … BLOCKS - 1, int64[n]; a person never lies in two."""
    people = {site: np.unique(rows.subject[rows.site == site]).size for site in np.unique(rows.site)}
    total = sum(people.values())
    whole = {site for site, count in people.items() if count <= total / 2}
    words = [site if site in whole else person for site, person in zip(rows.site, rows.subject, strict=True)]
    return np.array([_number(str(word)) % BLOCKS for word in words], np.int64)


def _number(word: str) -> int:
    return int(hashlib.sha256(word.encode()).hexdigest()[:8], 16)


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


def kin(family: str) -> str:
    """Return what is left out together: one kind of decoder at every rate, before and after its training."""
    return next((kind for kind in _KINDS if family.startswith(kind)), family.split("-")[0])


def cross_validate(rows: Rows, say: Callable[[str], None]) -> Held:
    """Train without each family and block in turn, and score what was left out."""
    block = blocks_of(rows)
    kinds = np.array([kin(str(family)) for family in rows.family])
    parts: list[tuple[NDArray[np.int64], NDArray[np.str_], NDArray[np.float64], NDArray[np.float64]]] = []
    for family in np.unique(kinds[rows.fake]):
        for left in range(BLOCKS):
            test = np.flatnonzero((block == left) & (~rows.fake | (kinds == family)))
            if not rows.fake[test].any() or rows.fake[test].all():
                continue
            seen = rows.where((block != left) & (kinds != family))
            weight = weights(seen)
            booster = trees.fit(seen.values, seen.fake, weight)
            net = network.fit(seen.values, seen.fake, weight)
            values = rows.values[test]
            parts.append((test, np.full(test.size, family), trees.logit(booster, values), net.logit(values)))
        say(f"left out: {family}")
    return Held(*(np.concatenate([part[k] for part in parts]) for k in range(4)))  # type: ignore[arg-type]
