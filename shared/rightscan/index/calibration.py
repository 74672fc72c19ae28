"""What the evidence is worth: harmony turned into a likelihood ratio, and the threshold for telling it.

Over unrelated sound the harmony statistic has an exponential tail (measured: half a decade per unit, the same
for music, speech and noise and for excerpts of 3, 5 and 10 s), over registered sound it is spread widely, so the
log of their ratio is a straight line; its two numbers come from a logistic fit with both classes weighted alike.
The peaks choose where to look and carry no weight of their own here: given the harmony they add nothing
(log loss 0.0143 with the harmony alone, 0.0141 with both), and shared drum samples live in them.
"""

from __future__ import annotations

_PER_UNIT = 0.496
_CONSTANT = -2.69

ACCEPT_LOG10_LR = 3.0
"""A match is told from 1,000 to 1: a wrong one moves money, a missed one can still be found from a longer cut."""

TRIALS = 800
"""Unregistered excerpts behind the ratio (`python -m bench.fingerprint_accuracy --calibrate --n 200`): no ratio
beyond so many to one is ever stated to a person, however far the line runs on."""


def log10_lr(harmony: float) -> float:
    """Return log10 of P(harmony | the recording is here) / P(harmony | it is not)."""
    return _PER_UNIT * harmony + _CONSTANT


_PRESENCE = 2.1
_SHARPNESS = 2.85
_FIXATION_CONSTANT = -2.24
_LEAST_UNCHANGED = -1.2
_LEAST_CHANGED = 0.5


def is_fixation(presence: float, sharpness: float, *, changed: bool) -> bool:
    """Whether this is the recording itself rather than another performance of the same work.

    Both agree in harmony. A logistic fit (log10 odds, both classes alike) on 55 chance alignments of other
    performances and 277 degraded copies tells them by how much of the recording is heard and how exactly in
    time. Other performances hardly ever run at the very speed and pitch of the recording (1 of 55), so only a
    changed copy has to show clearly what it is; a copy that is changed *and* deep in noise is left unsaid.
    """
    odds = _PRESENCE * presence + _SHARPNESS * sharpness + _FIXATION_CONSTANT
    return odds >= (_LEAST_CHANGED if changed else _LEAST_UNCHANGED)
