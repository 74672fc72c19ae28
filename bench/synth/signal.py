"""Signal primitives of the synthesiser: each is one or a few numpy passes over a whole note.

All signals are float32, mono, at ``sample_rate`` Hz. Slow curves (pitch, loudness, timbre) are given as
*controls*: one value every ``HOP`` samples, joined by straight lines.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float32]
Control = NDArray[np.floating]
Rng = np.random.Generator

HOP = 64  # 1.5 ms at 44.1 kHz: vibrato and attacks are far slower
TABLE = 8192  # read without interpolation: 73 dB below the fundamental, 47 dB below harmonic 20
_RAMP = np.arange(HOP, dtype=np.float32)


def points(n: int) -> int:
    """Count the control points that cover ``n`` samples."""
    return -(-n // HOP) + 1


def spread(control: Control, n: int) -> Signal:
    """Join control points by straight lines to ``n`` samples."""
    c = np.asarray(control, dtype=np.float32)
    slope = np.diff(c) / np.float32(HOP)
    return (c[:-1, None] + slope[:, None] * _RAMP).reshape(-1)[:n]


def decibels(db: float) -> float:
    """Amplitude ratio of a level difference in dB."""
    return float(10 ** (db / 20))


def hertz(midi: float) -> float:
    """Frequency in Hz of a (fractional) MIDI note number, A4 = 69 = 440 Hz."""
    return float(440.0 * 2 ** ((midi - 69.0) / 12.0))


def wavetable(amplitudes: NDArray[np.floating], phases: NDArray[np.floating]) -> Signal:
    """One period of a harmonic sound: ``TABLE`` samples, harmonics 1..K, peak 1."""
    spectrum = np.zeros(TABLE // 2 + 1, dtype=np.complex128)
    k = min(len(amplitudes), TABLE // 2 - 1)
    spectrum[1 : k + 1] = amplitudes[:k] * np.exp(1j * phases[:k])
    wave = np.fft.irfft(spectrum, TABLE)
    return peak_one(wave.astype(np.float32))


def oscillate(
    frequency: Control, n: int, sample_rate: int, first: Signal, second: Signal, morph: Control, phase: float
) -> Signal:
    """Read two wavetables at a moving frequency (Hz), ``morph`` 0 giving the first and 1 the second."""
    step = np.asarray(frequency[:-1], dtype=np.float64) * (TABLE / sample_rate)
    start = np.concatenate(([0.0], np.cumsum(step[:-1] * HOP))) + phase * TABLE
    begin, rise = np.mod(start, TABLE).astype(np.float32)[:, None], step.astype(np.float32)[:, None]
    out = np.empty((len(step), HOP), dtype=np.float32)
    morph = np.asarray(morph, dtype=np.float32)
    slope = np.diff(morph)[:, None] / np.float32(HOP)
    for rows in _chunks(len(step)):
        index = (begin[rows] + rise[rows] * _RAMP).astype(np.intp)
        index &= TABLE - 1
        wave = np.take(second, index)
        if first is not second:
            other = np.take(first, index)
            wave -= other
            wave *= morph[:-1][rows, None] + slope[rows] * _RAMP
            wave += other
        out[rows] = wave
    return out.reshape(-1)[:n]


def _chunks(rows: int) -> list[slice]:
    """Blocks of 8,192 samples: temporaries above malloc's mmap threshold cost three times the arithmetic."""
    return [slice(at, min(at + 128, rows)) for at in range(0, rows, 128)]


def pluck(
    period: int, n: int, rng: Rng, *, loss: float, damping: float, position: float, dark: float
) -> Signal:
    """Pluck a string after Karplus and Strong (Computer Music Journal 7(2), 1983).

    A burst of noise runs around a delay line of ``period`` samples through a two-point average. The recursion
    reaches back one whole period, so a period is computed at once: no Python per sample. The pitch is
    ``sample_rate / (period + damping)``.

    Args:
        period: samples in the delay line.
        n: samples to render.
        rng: where the burst comes from.
        loss: gain per turn, just below 1.
        damping: weight of the older sample in the average, 0 to 0.5; more dulls faster.
        position: place of the pluck on the string, 0 to 0.5 of its length (a comb in the spectrum).
        dark: smoothing of the burst, 0 (hard plectrum) to 0.9 (thumb).
    """
    burst = rng.standard_normal(period).astype(np.float32)
    for _ in range(2):
        burst = (1 - dark) * burst + dark * np.roll(burst, 1)
    burst = burst - np.roll(burst, max(1, int(position * period)))
    turns = -(-n // period)
    line = np.zeros(1 + (turns + 1) * period, dtype=np.float32)
    line[1 : 1 + period] = burst
    newer, older = np.float32(loss * (1 - damping)), np.float32(loss * damping)
    scratch = np.empty(period, dtype=np.float32)
    for at in range(1 + period, 1 + (turns + 1) * period, period):
        np.multiply(line[at - period : at], newer, out=line[at : at + period])
        np.multiply(line[at - period - 1 : at - 1], older, out=scratch)
        line[at : at + period] += scratch
    return peak_one(line[1 : 1 + n])


def ring(
    frequencies: NDArray[np.floating],
    amplitudes: NDArray[np.floating],
    t60: NDArray[np.floating],
    n: int,
    sample_rate: int,
    phases: NDArray[np.floating],
) -> Signal:
    """Sum of decaying sinusoids (modal synthesis), ``t60`` being the seconds to -60 dB of each.

    A geometric sequence factors over blocks, z^(mL+l) = z^(mL) z^l, so the sum over the modes is one matrix
    product instead of a sine per sample and mode.
    """
    block = 256
    blocks = -(-n // block)
    pole = (-6.9078 / t60 + 2j * np.pi * frequencies) / sample_rate
    coarse = np.exp(np.outer(np.arange(blocks) * block, pole)) * (amplitudes * np.exp(1j * phases))
    fine = np.exp(np.outer(pole, np.arange(block)))
    left = np.concatenate((coarse.real, -coarse.imag), axis=1).astype(np.float32)
    right = np.concatenate((fine.real, fine.imag), axis=0).astype(np.float32)
    return (left @ right).reshape(-1)[:n]


def shaped_noise(n: int, sample_rate: int, rng: Rng, response: Callable[[Control], Control]) -> Signal:
    """White noise given a magnitude response over frequency in Hz; RMS 1."""
    size = 1 << max(6, (n - 1).bit_length())
    spectrum = np.fft.rfft(rng.standard_normal(size).astype(np.float32))
    spectrum *= response(np.fft.rfftfreq(size, 1 / sample_rate)).astype(np.float32)
    noise = np.fft.irfft(spectrum, size)[:n].astype(np.float32)
    return noise / np.float32(max(float(np.sqrt(np.mean(noise**2))), 1e-12))


def band(low: float, high: float, order: int = 2) -> Callable[[Control], Control]:
    """Magnitude response of a band from ``low`` to ``high`` Hz with Butterworth-like skirts."""

    def response(f: Control) -> Control:
        f = np.maximum(f, 1e-3)
        return np.asarray(1 / np.sqrt((1 + (low / f) ** (2 * order)) * (1 + (f / high) ** (2 * order))))

    return response


def decay(n: int, sample_rate: int, t60: float) -> Signal:
    """Exponential decay from 1, -60 dB after ``t60`` seconds."""
    return spread(np.exp(np.arange(points(n)) * (-6.9078 * HOP / (t60 * sample_rate))), n)


def warp(sample: Signal, ratio: Control, n: int) -> Signal:
    """Play a stored sound at a moving speed (1 as stored), ``n`` samples; silence after its end."""
    step = np.asarray(ratio[:-1], dtype=np.float64)
    start = np.concatenate(([0.0], np.cumsum(step[:-1] * HOP)))
    out = np.zeros((len(step), HOP), dtype=np.float32)
    for rows in _chunks(int(np.searchsorted(start + step * HOP, len(sample) - 1))):
        position = start[rows, None] + step[rows, None] * _RAMP
        index = position.astype(np.intp)
        left = np.take(sample, index)
        index += 1
        out[rows] = left + (position - index + 1).astype(np.float32) * (np.take(sample, index) - left)
    return out.reshape(-1)[:n]


def peak_one(x: Signal) -> Signal:
    """Scale to peak 1; silence stays silence."""
    peak = float(np.abs(x).max(initial=0.0))
    return x / np.float32(peak) if peak > 0 else x


def convolve(x: Signal, response: Signal) -> Signal:
    """Causal convolution by overlap-add, as long as ``x`` (response shape ``[taps, channels]``)."""
    taps, channels = response.shape
    size = 1 << max(12, (2 * taps - 1).bit_length())
    chunk = size - taps + 1
    transfer = np.fft.rfft(response, size, axis=0)
    out = np.zeros((len(x) + size, channels), dtype=np.float32)
    for at in range(0, len(x), chunk):
        spectrum = np.fft.rfft(x[at : at + chunk], size)
        for c in range(channels):
            out[at : at + size, c] += np.fft.irfft(spectrum * transfer[:, c], size)
    return out[: len(x)]


def room(sample_rate: int, rng: Rng, *, t60: float, predelay_s: float = 0.018) -> Signal:
    """Make the response of a room, ``[taps, 2]``: early echoes, then noise that dies faster in the treble.

    Both ears get their own noise, which is what makes the tail wide. Unit energy per ear.
    """
    n = int(t60 * 0.8 * sample_rate)  # the last fifth lies under -48 dB
    out = np.zeros((n, 2), dtype=np.float32)
    start = int(predelay_s * sample_rate)
    length = n - start
    for ear in range(2):
        low = shaped_noise(length, sample_rate, rng, band(150, 2500, 1)) * decay(length, sample_rate, t60)
        high = shaped_noise(length, sample_rate, rng, band(2500, 7000, 1)) * decay(
            length, sample_rate, 0.5 * t60
        )
        out[start:, ear] = low + 0.5 * high
        early = rng.integers(int(0.006 * sample_rate), int(0.045 * sample_rate), 6)
        out[early, ear] += (rng.uniform(2.0, 6.0, 6) * rng.choice([-1.0, 1.0], 6)).astype(np.float32)
    out /= np.sqrt((out**2).sum(axis=0, keepdims=True))
    return out
