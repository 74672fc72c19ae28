"""What every family needs of a sound: short-time transforms, mel bands, resampling, one common band."""

from __future__ import annotations

from math import gcd
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rightscan.media.decode import open_audio
from rightscan.media.encode import encode

Sound = NDArray[np.float32]
Spectrum = NDArray[np.complex64]
Magnitude = NDArray[np.float32]

_PAD_S = 0.05  # ahead of and behind what a transform over the whole clip would join end to end
_LOW_HZ = (20.0, 40.0)
_EDGE_BELOW_PEAK_DB = 72.0  # 16-bit noise of a clip that peaks at -6 dBFS lies at about -85


def hann(size: int) -> Sound:
    """A periodic Hann window, float32[size]."""
    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size), dtype=np.float32)


def stft(sound: Sound, size: int, hop: int) -> Spectrum:
    """Short-time Fourier transform, frames centred on multiples of the hop.

    Args:
        sound: float32[n].
        size: of the Hann window, samples, even.
        hop: samples between frames.

    Returns:
        complex64[frames, size // 2 + 1], ``n // hop + 1`` frames.
    """
    padded = np.pad(sound, (size // 2, size // 2 + hop), mode="reflect" if sound.size > size else "constant")
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: sound.size // hop + 1]
    return np.asarray(np.fft.rfft(frames * hann(size), axis=1), dtype=np.complex64)


def overlap_add(frames: Sound, hop: int) -> Sound:
    """Add frames up where they lie.

    Args:
        frames: float32[frames, size].
        hop: samples between frames.

    Returns:
        float32[(frames - 1) * hop + size].
    """
    count, size = frames.shape
    steps = -(-size // hop)
    wide = np.zeros((count, steps * hop), dtype=np.float32)
    wide[:, :size] = frames
    out = np.zeros((count + steps - 1, hop), dtype=np.float32)
    for step in range(steps):
        out[step : step + count] += wide[:, step * hop : (step + 1) * hop]
    return np.asarray(out.reshape(-1)[: (count - 1) * hop + size])


def istft(spectrum: Spectrum, size: int, hop: int, length: int) -> Sound:
    """The sound whose transform lies nearest to a spectrum (least squares).

    Args:
        spectrum: complex64[frames, size // 2 + 1], of ``stft``.
        size: of the window, samples.
        hop: samples between frames.
        length: samples wanted.

    Returns:
        float32[length].
    """
    window = hann(size)
    frames = np.fft.irfft(spectrum, n=size, axis=1).astype(np.float32) * window
    total = overlap_add(frames, hop)
    weight = overlap_add(np.broadcast_to(window**2, frames.shape), hop)
    sound = (total / np.maximum(weight, 1e-3))[size // 2 : size // 2 + length]
    return np.asarray(np.pad(sound, (0, length - sound.size)), dtype=np.float32)


def mel_filters(
    rate: int, size: int, bands: int, low_hz: float = 0.0, high_hz: float | None = None
) -> Magnitude:
    """Triangular mel bands (O'Shaughnessy's formula) of unit area, for magnitudes of a transform.

    Args:
        rate: Hz.
        size: of the transform, samples.
        bands: how many; at the low end they may hold one bin, never none.
        low_hz: where the first begins.
        high_hz: where the last ends; None is half the rate.

    Returns:
        float32[bands, size // 2 + 1].
    """
    edges_mel = np.linspace(_mel(low_hz), _mel(high_hz or rate / 2), bands + 2)
    edges = 700 * (10 ** (edges_mel / 2595) - 1)
    hertz = np.arange(size // 2 + 1) * rate / size
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    filters = np.minimum((hertz - left) / (middle - left), (right - hertz) / (right - middle)).clip(0)
    nearest = np.abs(hertz - middle).argmin(axis=1)
    empty = filters.sum(axis=1) < 1e-6
    filters[empty, nearest[empty]] = 1.0
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), dtype=np.float32)


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))


def resample(sound: Sound, rate: int, to: int) -> Sound:
    """Band-limited resampling over the whole clip.

    Args:
        sound: float32[n].
        rate: its rate, Hz.
        to: wanted rate, Hz.

    Returns:
        float32[round(n * to / rate)].
    """
    if rate == to:
        return sound
    up, down = to // gcd(rate, to), rate // gcd(rate, to)
    pad = -(-round(_PAD_S * rate) // down) * down
    surplus = -sound.size % down
    mode = "reflect" if sound.size > pad + surplus else "constant"
    padded = np.pad(sound, (pad, pad + surplus), mode=mode)  # type: ignore[call-overload]
    spectrum = np.fft.rfft(padded.astype(np.float64))
    size = padded.size // down * up
    wanted = np.zeros(size // 2 + 1, dtype=complex)
    kept = min(spectrum.size, wanted.size)
    wanted[:kept] = spectrum[:kept]
    out = np.fft.irfft(wanted, n=size) * (up / down)
    start = pad // down * up
    return np.asarray(out[start : start + round(sound.size * to / rate)], dtype=np.float32)


def band_edge(sound: Sound, rate: int) -> float:
    """Where a clip's band ends, Hz: the highest frequency within 72 dB of its loudest tenth of a kilohertz."""
    size = 4096
    power = (np.abs(stft(sound, size, size // 2)) ** 2).mean(axis=0)
    width = max(1, round(100 * size / rate))
    smooth = np.convolve(power, np.ones(width) / width, mode="same")
    present = np.flatnonzero(smooth > smooth.max() * 10 ** (-_EDGE_BELOW_PEAK_DB / 10))
    return float(present[-1] * rate / size) if present.size else rate / 2


def band_limited(sound: Sound, rate: int, edge_hz: float) -> Sound:
    """Take away what lies above an edge and below hearing, no shift: raised cosines.

    From 40 Hz down to 20 Hz nothing is left: an offset, which untrained and young decoders have, would tell real
    from fake. Above, the slope lies in the 3 % under the edge; at half the rate or beyond nothing is taken.

    Args:
        sound: float32[n].
        rate: Hz.
        edge_hz: where the band ends.

    Returns:
        float32[n].
    """
    pad = min(round(_PAD_S * rate), sound.size - 1)
    spectrum = np.fft.rfft(np.pad(sound, pad, mode="reflect").astype(np.float64))
    hertz = np.linspace(0, rate / 2, spectrum.size)
    gain = _raised((_LOW_HZ[1] - hertz) / (_LOW_HZ[1] - _LOW_HZ[0]))
    if edge_hz < 0.99 * rate / 2:
        gain = gain * _raised((hertz - 0.97 * edge_hz) / (0.03 * edge_hz))
    out = np.fft.irfft(spectrum * gain, n=sound.size + 2 * pad)
    return np.asarray(out[pad : pad + sound.size], dtype=np.float32)


def _raised(place: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 up to 0, falling to 0 at 1."""
    return np.asarray(0.5 + 0.5 * np.cos(np.pi * place.clip(0, 1)))


def rms(sound: Sound) -> float:
    """Root of the mean square, full scale 1."""
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def read_mono(path: Path, rate: int) -> Sound:
    """The whole of a file in mono, float32[n] at ``rate`` Hz."""
    with open_audio(path) as stream:
        return np.concatenate(list(stream.blocks(rate)))


def write_flac(path: Path, sound: Sound, rate: int) -> None:
    """Write a 16-bit FLAC file; a reader never sees half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    encode(sound, rate, partial, "flac")
    partial.rename(path)
