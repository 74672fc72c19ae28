"""A small vocoder made here: a sound taken apart into magnitudes and put together again as neural decoders do it.

Phases are estimated anew (D. Griffin, J. Lim, 1984), and frames become samples by a transposed convolution whose bias
writes the faint lattice that such decoders leave (A. Odena et al., 2016). No generator is imitated.
"""

from __future__ import annotations

import numpy as np
from bench.seeds import rng_for
from bench.synth.signal import Signal
from numpy.typing import NDArray

HOP = 512
_SIZE = 4 * HOP
_ROUNDS = 12
_BIAS = 0.02  # of the loudness of a frame: 34 dB under it, about where published decoders lie


def resynthesised(sound: Signal, seed: int) -> Signal:
    """Return the sound as the vocoder makes it.

    Args:
        sound: float32[n, channels]; heard as the mean of its channels.
        seed: of the phases and of the decoder's bias.

    Returns:
        float32[n, 2], both channels alike, peak as of the sound.
    """
    mono = sound.mean(axis=1)
    window = np.hanning(_SIZE).astype(np.float32)
    magnitude = np.abs(_frames(mono, window))
    rng = rng_for(seed, "vocoder", len(mono))
    spectrum = magnitude * np.exp(2j * np.pi * rng.random(magnitude.shape))
    for _ in range(_ROUNDS):
        again = _frames(_joined(spectrum, window, len(mono)), window)
        spectrum = magnitude * np.exp(1j * np.angle(again))
    loudness = np.sqrt((magnitude**2).mean(axis=1, keepdims=True)) * np.sqrt(2 / _SIZE)
    bias = rng.standard_normal((1, HOP)).astype(np.float32)
    made = _joined(spectrum, window, len(mono)) + _BIAS * (loudness * bias).reshape(-1)[: len(mono)]
    made *= np.abs(sound).max() / max(float(np.abs(made).max()), 1e-9)
    return np.repeat(made.astype(np.float32)[:, None], 2, axis=1)


def _frames(mono: NDArray[np.float32], window: NDArray[np.float32]) -> NDArray[np.complex128]:
    """Spectra complex[frames, bins], a frame every ``HOP`` samples."""
    count = -(-len(mono) // HOP)
    padded = np.pad(mono, (_SIZE // 2, _SIZE + HOP))
    view = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::HOP][:count]
    spectra: NDArray[np.complex128] = np.fft.rfft(view * window, axis=1)
    return spectra


def _joined(spectra: NDArray[np.complex128], window: NDArray[np.float32], n: int) -> NDArray[np.float32]:
    """Overlap-add, weighted so that unchanged spectra give the sound back."""
    parts = np.fft.irfft(spectra, _SIZE, axis=1).astype(np.float32) * window
    total = np.zeros((len(parts) + 4) * HOP, np.float32)
    weight = np.zeros_like(total)
    for quarter in range(4):
        at = slice(quarter * HOP, (quarter + len(parts)) * HOP)
        total[at] += parts[:, quarter * HOP : (quarter + 1) * HOP].reshape(-1)
        weight[at] += np.tile(window[quarter * HOP : (quarter + 1) * HOP] ** 2, len(parts))
    sound: NDArray[np.float32] = (total / np.maximum(weight, 1e-3))[_SIZE // 2 : _SIZE // 2 + n]
    return sound
