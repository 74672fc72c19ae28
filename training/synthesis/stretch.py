"""Longer or shorter without another pitch (WSOLA: Verhelst & Roelands 1993)."""

from __future__ import annotations

import numpy as np

from training.synthesis.sound import Sound, hann

_FRAME_S = 0.04  # two periods of the lowest voice
_SEARCH_S = 0.01


def stretch(sound: Sound, rate: int, factor: float) -> Sound:
    """Change the length by overlap-add of frames that continue each other.

    Args:
        sound: float32[n].
        rate: Hz.
        factor: of the length; 0.5 to 2 sounds natural.

    Returns:
        float32[round(n * factor)].
    """
    hop = round(_FRAME_S * rate / 2)
    size, reach = 2 * hop, round(_SEARCH_S * rate)
    length = round(sound.size * factor)
    count = length // hop + 2
    padded = np.pad(sound, (reach + hop, reach + 3 * size + round(2 * hop / factor)))
    window = hann(size)
    out = np.zeros((count + 1) * hop, dtype=np.float32)
    follows = padded[reach : reach + size]
    for number in range(count):
        ideal = reach + min(round(number * hop / factor), sound.size + size)
        region = padded[ideal - reach : ideal + reach + size]
        points = 1 << int(np.ceil(np.log2(region.size + size)))
        match = np.fft.irfft(np.fft.rfft(region, points) * np.conj(np.fft.rfft(follows, points)), points)
        at = ideal - reach + int(match[: 2 * reach + 1].argmax())
        out[number * hop : number * hop + size] += padded[at : at + size] * window
        follows = padded[at + hop : at + hop + size]
    # The padding in front is one hop of silence; it comes out as long as it went in.
    return np.asarray(np.pad(out[hop:], (0, max(0, length - out.size + hop)))[:length], dtype=np.float32)
