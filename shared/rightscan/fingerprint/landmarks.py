"""Pairs of spectral peaks and the keys they are looked up by.

The idea is Wang's ("An industrial-strength audio search algorithm", ISMIR 2003): two peaks that stand together
in time and frequency are far more telling than one. Pitch is logarithmic here, so a change of speed or key is an
addition and a query can be compared under any of them without a second index.

Everything is integer arithmetic on stored peaks: the same peaks give the same keys on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint.parameters import PARAMETERS as P
from rightscan.fingerprint.spectrum import Peaks

Int = NDArray[np.int64]

STEPS_PER_SEMITONE = 6
MAX_STEP = -(-P.max_cents * STEPS_PER_SEMITONE // 100)
_DF_VALUES = 2 * MAX_STEP + 1
_DT_VALUES = P.max_dt - P.min_dt + 1
LOW_STEP = int(12 * STEPS_PER_SEMITONE * np.log2(P.low_hz / P.pitch_origin_hz))
_F_VALUES = int(np.ceil(12 * STEPS_PER_SEMITONE * np.log2(P.high_hz / P.pitch_origin_hz))) - LOW_STEP + 1
KEY_COUNT: int = _F_VALUES * _DF_VALUES * _DT_VALUES
NO_KEY = np.uint32(0xFFFFFFFF)
_SECTION = 4096 * P.ticks_per_hop  # 95 s of peaks paired at a time, so that memory does not grow


@dataclass(frozen=True)
class Pairs:
    """Landmarks: the anchor's ``ticks`` and ``cents``, its partner's distance ``dt`` (ticks) and ``df`` (cents)."""

    ticks: Int
    cents: Int
    dt: Int
    df: Int


def pairs(peaks: Peaks, max_rank: int, max_dt: int, targets: int | None = None) -> Pairs:
    """Pair each peak with those that follow it inside the landmark zone.

    Args:
        peaks: in order of time.
        max_rank: only peaks ranked below this take part.
        max_dt: longest distance in hops.
        targets: keep this many strongest partners of an anchor; None keeps all.
    """
    keep = peaks.rank < max_rank
    ticks = peaks.ticks[keep].astype(np.int64)
    cents = peaks.cents[keep].astype(np.int64)
    strength = peaks.strength[keep].astype(np.int64)
    n = ticks.size
    anchors: list[Int] = []
    partners: list[Int] = []
    index = np.arange(n)
    for lag in range(1, n):
        dt = ticks[lag:] - ticks[:-lag]
        # Half a hop more than the longest: the key rounds.
        inside = dt < (2 * max_dt + 1) * P.ticks_per_hop // 2
        if not inside.any():
            break
        df = np.abs(cents[lag:] - cents[:-lag])
        inside &= (
            (dt >= (2 * P.min_dt - 1) * P.ticks_per_hop // 2) & (df >= P.min_cents) & (df <= P.max_cents)
        )
        i = index[:-lag][inside]
        anchors.append(i)
        partners.append(i + lag)
    if not anchors:
        none = np.zeros(0, np.int64)
        return Pairs(none, none, none, none)
    a = np.concatenate(anchors)
    b = np.concatenate(partners)
    # Strongest partner first, then the nearer one: the order decides which pairs a reference keeps.
    order = np.lexsort((b, -strength[b], a))
    a, b = a[order], b[order]
    if targets is not None:
        start = np.searchsorted(a, index)
        keep = np.arange(a.size) - start[a] < targets
        a, b = a[keep], b[keep]
    return Pairs(ticks[a], cents[a], ticks[b] - ticks[a], cents[b] - cents[a])


def steps(cents: Int) -> Int:
    """Round cents to sixths of a semitone, halves upwards."""
    return (3 * cents + 25) // 50


def keys(cents: Int, df: Int, dt: Int) -> NDArray[np.uint32]:
    """Return the key uint32[n] of landmarks, ``NO_KEY`` where one lies outside the zone.

    Args:
        cents: pitch of the anchor above 55 Hz.
        df: cents from anchor to partner.
        dt: ticks from anchor to partner.
    """
    f = steps(cents) - LOW_STEP
    d = steps(df) + MAX_STEP
    t = (dt + P.ticks_per_hop // 2) // P.ticks_per_hop - P.min_dt
    return compose(f, d, t)


def compose(f: Int, d: Int, t: Int) -> NDArray[np.uint32]:
    """Return keys from the three bin numbers, ``NO_KEY`` where one is out of range."""
    good = (f >= 0) & (f < _F_VALUES) & (d >= 0) & (d < _DF_VALUES) & (t >= 0) & (t < _DT_VALUES)
    return np.where(good, (f * _DF_VALUES + d) * _DT_VALUES + t, int(NO_KEY)).astype(np.uint32)


def reference_keys(peaks: Peaks) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Return the keys uint32[n] a recording is registered under and their times float32[n] in s."""
    zone = (2 * P.max_dt + 1) * P.ticks_per_hop // 2
    keys_found: list[NDArray[np.uint32]] = [np.zeros(0, np.uint32)]
    times: list[NDArray[np.float32]] = [np.zeros(0, np.float32)]
    end = int(peaks.ticks[-1]) + 1 if peaks.ticks.size else 0
    for first in range(0, end, _SECTION):
        p = pairs(peaks.between(first, first + _SECTION + zone), P.reference_rank, P.max_dt, P.targets)
        k = keys(p.cents, p.df, p.dt)
        mine = (k != NO_KEY) & (p.ticks < first + _SECTION)
        keys_found.append(k[mine])
        times.append((p.ticks[mine] * (P.hop / P.ticks_per_hop / P.sample_rate)).astype(np.float32))
    return np.concatenate(keys_found), np.concatenate(times)
