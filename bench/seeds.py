"""Random draws that can be repeated."""

from __future__ import annotations

import hashlib

import numpy as np


def rng_for(seed: int, *key: object) -> np.random.Generator:
    """Return the generator of one purpose; each purpose has its own, so none disturbs another."""
    digest = hashlib.sha256("|".join(map(str, (seed, *key))).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))
