"""What the length of a path says, against the lengths that unrelated pairs reach.

The chance level is taken from the query itself: the other recordings that were examined, and all of them played
backwards, where the same harmonies follow in no order. A drone or a loop of two chords walks far through anything,
and so has a high level to beat. The fourth longest counts, so that three more performances of the work in the
catalogue hide nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rightscan.harmony.recurrence import EMBEDDED

THRESHOLD = 2.0
"""Least score of a candidate. Of 708 calibration queries (540 parts of other performances, 168 of real music) against
318 recordings the strongest pair of two works scored below 1.08 in 99 of 100, and 3.47 at most; of the pairs of one
work 87 % scored 2 or more."""

_CHANCE_RANK = 4
# Logistic regression on the same queries (`python -m bench.covers calibrate`): logarithms of the path, of the
# query's and the reference's number of windows, and of the chance level.
_PATH, _QUERY, _REFERENCE, _CHANCE, _CONSTANT = 21.14, -8.05, -0.99, -12.95, 2.56


def chance_level(lengths: Sequence[float]) -> float:
    """Return the chance level: the fourth longest of paths that are (mostly) of unrelated pairs, at least 1."""
    ranked = sorted(lengths, reverse=True)
    return max(ranked[min(_CHANCE_RANK, len(ranked)) - 1], 1.0) if ranked else 1.0


def score(length: float, chance: float, query: int, reference: int) -> float:
    """Return the log odds (natural logarithm) of a pair of the calibration, where one in ten was of one work.

    Args:
        length: of the path, frames.
        chance: see ``chance_level``.
        query: frames of the query.
        reference: frames of the recording.
    """
    values = (length, query - EMBEDDED + 1, reference - EMBEDDED + 1, chance)
    logs = [math.log(max(value, 1.0)) for value in values]
    weights = (_PATH, _QUERY, _REFERENCE, _CHANCE)
    return sum(w * x for w, x in zip(weights, logs, strict=True)) + _CONSTANT
