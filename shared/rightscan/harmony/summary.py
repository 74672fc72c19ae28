"""One short vector of a whole piece, the same in every key: what a shortlist is drawn from.

T. Bertin-Mahieux, D. P. W. Ellis, "Large-scale cover song recognition using the 2D Fourier transform magnitude",
ISMIR 2012: the magnitudes of patches of pitch classes forget where in the octave and in time a pattern lies. The
patches here are of a fixed length, not of beats; a query is therefore summarised at several tempi.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rightscan.harmony.chroma import Profile

PATCH = 64
"""Frames of a patch: 32 s."""

STEP = 16
TEMPI = (0.75, 0.87, 1.0, 1.15, 1.33)
"""At which a query is summarised."""

_SLOWEST = 20  # of the 33 frequencies along time; faster ones are noise of the playing
_ALONG_PITCH = 7  # the others mirror these: the patch is real

LENGTH = _ALONG_PITCH * (2 * _SLOWEST - 1)
Summary = NDArray[np.float16]


def summary_of(profile: Profile) -> Summary:
    """Return the summary of a piece, float16[273]; the compressed medians of its patches' magnitudes."""
    x = profile.astype(np.float32)
    x -= x.mean(1, keepdims=True)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.float32(1e-6))
    if len(x) < PATCH:
        x = np.pad(x, ((0, PATCH - len(x)), (0, 0)))
    patches = np.lib.stride_tricks.sliding_window_view(x, PATCH, axis=0)[::STEP]
    magnitudes = np.abs(np.fft.fft2(patches))[:, :_ALONG_PITCH]
    slow = np.concatenate((magnitudes[..., :_SLOWEST], magnitudes[..., 1 - _SLOWEST :]), axis=2)
    summary: Summary = np.median(np.sqrt(slow), axis=0).reshape(-1).astype(np.float16)
    return summary


def at_tempo(profile: Profile, factor: float) -> Profile:
    """Return a profile as long as ``factor`` times itself, by linear interpolation."""
    if len(profile) < 2:
        return profile
    at = np.arange(max(1, round(len(profile) * factor))) / factor
    first = np.minimum(at.astype(np.int64), len(profile) - 2)
    weight = np.clip(at - first, 0, 1)[:, None]
    between = profile[first] * (1 - weight) + profile[first + 1] * weight
    stretched: Profile = np.round(between).astype(np.uint8)
    return stretched


def likeness(profile: Profile, summaries: Summary) -> NDArray[np.float32]:
    """Return how like a query is to each of the summaries: correlation at the best tempo, float32[n].

    Args:
        profile: of the query.
        summaries: float16[n, 273].
    """
    known = summaries.astype(np.float32)
    middle = known.mean(0)
    known = _unit(known - middle)
    asked = np.stack([summary_of(at_tempo(profile, tempo)) for tempo in TEMPI]).astype(np.float32)
    found: NDArray[np.float32] = (known @ _unit(asked - middle).T).max(1)
    return found


def _unit(x: NDArray[np.float32]) -> NDArray[np.float32]:
    out: NDArray[np.float32] = x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), np.float32(1e-6))
    return out
