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

from rightscan.index.alignment import HOPS_PER_SECOND, Alignment

_HARMONY = 0.292
_PEAKS = 0.093
MOST_PEAKS = 60.0  # nats
_SHARPNESS = 1.428
_CHANGED = -1.333
_CONSTANT = -2.858
_DECADES = 1.9  # of the tail over unregistered sound, for each unit of the fit
_EVEN = 0.6  # and its value where both classes are equally dense

ACCEPT_LOG10_LR = 2.5
"""A match is told from 300 to 1, which leaves about one in 30,000 unregistered excerpts: a wrong one moves money,
a missed one can still be found from a longer cut."""

TRIALS = 2500
"""Unregistered excerpts behind the ratio (`python -m bench.identification calibrate --n 625` repeats it): no ratio
beyond so many to one is ever stated to a person, however far the line runs on."""


def log10_lr(seen: Alignment) -> float:
    """Return log10 of P(evidence | the recording is here) / P(evidence | it is not)."""
    fit = (
        _HARMONY * seen.harmony
        + _PEAKS * min(max(seen.peaks, 0.0), MOST_PEAKS) ** 0.5
        + _SHARPNESS * min(max(seen.sharpness, 0.0), 1.0)
        + _CHANGED * seen.changed
        + _CONSTANT
    )
    return float(_DECADES * fit + _EVEN)


_LONG_ENOUGH_S = 10.0
_LEAST_UNCHANGED = -0.7
_LEAST_CHANGED = -0.3
_LEAST_TWICE_CHANGED = 0.6
_SAME_CENTS = 8.0
_SAME_RATE = 0.003


def is_fixation(seen: Alignment) -> bool:
    """Whether this is the recording itself rather than another performance of the same work.

    Both agree in harmony. Logistic fits (log10 odds, both classes alike) on degraded copies and on alignments of
    other performances that reach the threshold tell them by how much of the recording is heard and how exactly in
    time: a copy keeps both however long it runs, another performance drifts away from itself. Machines change the
    speed, the tempo or the pitch; that tempo and pitch differ each by an amount of its own is what musicians do,
    and asks for more. Of 308 alignments of other performances under an assumed change 5 pass, of 20 at the very
    speed and pitch 4; a copy that is changed *and* deep in noise is left unsaid.
    """
    sharpness = min(max(seen.sharpness, 0.0), 1.0)
    if not seen.changed:
        return 2.1 * seen.presence + 2.85 * sharpness - 2.24 >= _LEAST_UNCHANGED
    seconds = min(max((seen.stop - seen.start) / HOPS_PER_SECOND, 1.0), _LONG_ENOUGH_S)
    odds = (
        2.99 * seen.presence
        + 0.47 * sharpness
        + 2.34 * seen.presence * sharpness
        - 0.80 * math.log(seconds)
        - 1.08
    )
    own = seen.line.shift - 1200 * math.log2(seen.line.rate)
    once = min(abs(own), abs(seen.line.shift)) <= _SAME_CENTS or abs(seen.line.rate - 1) <= _SAME_RATE
    return odds >= (_LEAST_CHANGED if once else _LEAST_TWICE_CHANGED)
