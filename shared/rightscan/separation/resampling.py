"""From one sample rate to another, through the spectrum."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

_PAD_S = 0.05  # of silence, so that the end does not ring into the beginning
_TAPER = 0.95  # of the lower of the two bands; from there the response falls along a cosine


def resample(sound: Sound, rate: int, wanted: int) -> Sound:
    """Resample a whole piece of sound.

    Flat up to 95 % of the narrower band, nothing above it, no delay. The transform is over the whole piece, so this
    is for pieces of seconds to minutes.

    Args:
        sound: float32[n, channels]; silence before and after.
        rate: its rate, Hz.
        wanted: the rate it is to have, Hz.

    Returns:
        float32[ceil(n * wanted / rate), channels].
    """
    if rate == wanted:
        return sound
    count = -(-len(sound) * wanted // rate)
    common = math.gcd(rate, wanted)
    # A whole number of periods of both rates, so that every sample lies exactly where it should.
    periods = _smooth(-(-(len(sound) + round(_PAD_S * rate)) // (rate // common)))
    before, after = periods * (rate // common), periods * (wanted // common)
    spectrum = np.fft.rfft(sound, before, axis=0)
    kept = min(before, after) // 2 + 1
    share = np.arange(kept) / (kept - 1)
    taper = np.cos(np.pi / 2 * np.clip((share - _TAPER) / (1 - _TAPER), 0, 1)) ** 2
    spectrum = spectrum[:kept] * (taper * (after / before)).astype(np.float32)[:, None]
    resampled: Sound = np.fft.irfft(spectrum, after, axis=0)[:count].astype(np.float32)
    return resampled


def _smooth(least: int) -> int:
    """The first number from ``least`` on without a prime factor above 5: transforms of such lengths are fast."""
    while True:
        rest = least
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return least
        least += 1
