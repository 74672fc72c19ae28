"""What the evidence is worth: an alignment turned into a likelihood ratio, and the threshold for telling it.

A logistic fit (both classes weighted alike) over degraded copies and over whatever the search followed in
unregistered sound gives one number from four: how well the harmony agrees, how much more often than by chance the
recording's peaks are met, how exactly in time they are met, and whether speed or pitch had to be assumed changed
(44 assumptions are 44 chances to be wrong). The peaks count through a square root and only so far, since songs
made of the same samples share them without end; their harmony tells such songs apart. The number is then put on
the scale of a likelihood ratio by the tail that unregistered sound leaves in it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rightscan.index.alignment import HOPS_PER_SECOND, Alignment


@dataclass(frozen=True)
class Calibration:
    """Every number that turns an alignment into words; a change of any of them is a new ``score_version``.

    The first five are the weights of the fit, ``most_peaks`` its limit in nats; ``decades`` is the tail of unregistered
    sound for each unit of the fit, ``even`` the score where both classes are equally dense.
    """

    harmony: float = 0.292
    peaks: float = 0.093
    sharpness: float = 1.428
    changed: float = -1.333
    constant: float = -2.858
    most_peaks: float = 60.0
    decades: float = 1.9
    even: float = 0.6
    accept_log10_lr: float = 3.1
    trials: int = 2500
    # Fixation or another performance: log10 odds.
    unchanged_presence: float = 2.1
    unchanged_sharpness: float = 2.85
    unchanged_constant: float = -2.24
    least_unchanged: float = -0.7
    changed_presence: float = 2.99
    changed_sharpness: float = 0.47
    changed_both: float = 2.34
    changed_log_seconds: float = -0.80
    changed_constant: float = -1.08
    least_changed: float = -0.3
    least_twice_changed: float = 0.6
    long_enough_s: float = 10.0
    same_cents: float = 8.0
    same_rate: float = 0.003


CALIBRATION = Calibration()
_C = CALIBRATION

ACCEPT_LOG10_LR: float = CALIBRATION.accept_log10_lr
"""A match is told from 1,250 to 1. By the fit's tail 2.5 would do; ten hours of programmes then brought one
unregistered loop that reached 3.05. A wrong match moves money, a missed one can still be found from a longer cut."""

TRIALS: int = CALIBRATION.trials
"""Unregistered excerpts behind the ratio (`python -m bench.identification calibrate --n 625` repeats the
experiment with draws of its own): no ratio
beyond so many to one is ever stated to a person, however far the line runs on."""


def log10_lr(seen: Alignment) -> float:
    """Return log10 of P(evidence | the recording is here) / P(evidence | it is not)."""
    fit = (
        _C.harmony * seen.harmony
        + _C.peaks * math.sqrt(min(max(seen.peaks, 0.0), _C.most_peaks))
        + _C.sharpness * min(max(seen.sharpness, 0.0), 1.0)
        + _C.changed * seen.changed
        + _C.constant
    )
    return _C.decades * fit + _C.even


def is_fixation(seen: Alignment) -> bool:
    """Whether this is the recording itself rather than another performance of the same work.

    Both agree in harmony. Logistic fits (log10 odds, both classes alike) on degraded copies and on alignments of
    other performances that reach the threshold tell them by how much of the recording is heard and how exactly in
    time: a copy keeps both however long it runs, another performance drifts away from itself. Machines change the
    speed, the tempo or the pitch; that tempo and pitch differ each by an amount of its own is what musicians do,
    and asks for more. Of 308 alignments of other performances under an assumed change 3 pass, of 20 at the very
    speed and pitch 4; a copy that is changed *and* deep in noise is left unsaid.
    """
    sharpness = min(max(seen.sharpness, 0.0), 1.0)
    if not seen.changed:
        odds = (
            _C.unchanged_presence * seen.presence + _C.unchanged_sharpness * sharpness + _C.unchanged_constant
        )
        return odds >= _C.least_unchanged
    seconds = min(max((seen.stop - seen.start) / HOPS_PER_SECOND, 1.0), _C.long_enough_s)
    odds = (
        _C.changed_presence * seen.presence
        + _C.changed_sharpness * sharpness
        + _C.changed_both * seen.presence * sharpness
        + _C.changed_log_seconds * math.log(seconds)
        + _C.changed_constant
    )
    own = seen.line.shift - 1200 * math.log2(seen.line.rate)
    once = min(abs(own), abs(seen.line.shift)) <= _C.same_cents or abs(seen.line.rate - 1) <= _C.same_rate
    return odds >= (_C.least_changed if once else _C.least_twice_changed)
