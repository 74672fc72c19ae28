"""From samples to spectral peaks and band levels, block by block, in memory that does not grow with duration.

A chunk is a fixed range of frames counted from the start of the stream, so its result depends on the samples
alone and not on how a decoder happened to cut them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import UsageError
from rightscan.fingerprint.parameters import PARAMETERS as P

Float = NDArray[np.float32]

CHUNK_FRAMES = 1024  # 24 s: the working arrays (1.7 MB each) stay near the caches
_MARGIN = P.mean_frames + P.maximum_frames + P.rank_frames
_FIRST_BIN = int(np.ceil(P.low_hz * P.window / P.sample_rate))
_LAST_BIN = int(P.high_hz * P.window / P.sample_rate)
_BINS = _LAST_BIN - _FIRST_BIN + 1
_DB_PER_NEPER = 10.0 / np.log(10.0)
_BAND_FLOOR_DB = -100.0
_LOUDEST = 16.0  # samples beyond +24 dBFS are damage, and their squares would overflow

_WINDOW: Float = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(P.window) / P.window)).astype(np.float32)
_WINDOW *= np.float32(2.0 / _WINDOW.sum())  # a full-scale sine has power 1


def _band_matrix() -> Float:
    """Return the weights float32[bins, bands] that sum spectral power into semitone bands (triangles)."""
    centres = P.low_hz * 2.0 ** ((np.arange(P.bands + 2) - 0.5) / 12.0)
    f = (np.arange(_FIRST_BIN, _LAST_BIN + 1) * P.sample_rate / P.window)[:, None]
    low, mid, high = centres[None, :-2], centres[None, 1:-1], centres[None, 2:]
    # Below 190 Hz of semitone width a triangle can miss every bin; half a bin of extra width on both sides.
    half = P.sample_rate / P.window / 2
    rise = (f - (low - half)) / (mid - low + half)
    fall = ((high + half) - f) / (high - mid + half)
    weights: Float = np.clip(np.minimum(rise, fall), 0, None).astype(np.float32)
    return weights


_BANDS = _band_matrix()


@dataclass(frozen=True)
class Peaks:
    """Spectral peaks in order of time (ties: pitch).

    ``ticks`` uint32[n] (1/16 hop), ``cents`` uint16[n] above 55 Hz, ``strength`` uint8[n] (quarter dB over the
    local mean), ``rank`` uint8[n]: how many peaks within half a second are stronger.
    """

    ticks: NDArray[np.uint32]
    cents: NDArray[np.uint16]
    strength: NDArray[np.uint8]
    rank: NDArray[np.uint8]

    def between(self, first: int, stop: int) -> Peaks:
        """Return the peaks with ticks in [first, stop), without copying them."""
        low = int(np.searchsorted(self.ticks, np.uint32(first)))
        high = int(np.searchsorted(self.ticks, np.uint32(stop)))
        return Peaks(self.ticks[low:high], self.cents[low:high], self.strength[low:high], self.rank[low:high])


@dataclass(frozen=True)
class Spectrum:
    """What one pass over the samples leaves: peaks, band levels uint8[rows, 52], length and loudest sample."""

    peaks: Peaks
    bands: NDArray[np.uint8]
    samples: int
    loudest: float


def analyse(blocks: Iterable[NDArray[np.float32]], sample_rate: int) -> Spectrum:
    """Find the spectral peaks of a mono stream.

    Args:
        blocks: float32[n] each, any n (0 too), full scale ±1. Values that are not finite count as 0.
        sample_rate: of the blocks, Hz; must be 11025.

    Raises:
        UsageError: ``wrong_sample_rate`` for any other rate, ``wrong_shape`` for a block that is not 1-D.
    """
    if sample_rate != P.sample_rate:
        raise UsageError(
            "wrong_sample_rate",
            f"fingerprints are made at {P.sample_rate} Hz and the stream has {sample_rate} Hz",
            f"resample the decoded audio to {P.sample_rate} Hz mono",
        )
    meter = _Meter()
    found: list[Peaks] = []
    bands: list[NDArray[np.uint8]] = []
    for first, chunk, before, count in _chunks(meter.pass_through(blocks)):
        bands.append(_band_levels(chunk[before : before + count]))
        found.append(_chunk_peaks(chunk, first, before, count))
    peaks = Peaks(*(np.concatenate([getattr(p, name) for p in found]) for name in Peaks.__annotations__))
    return Spectrum(peaks, np.concatenate(bands), meter.samples, meter.loudest)


class _Meter:
    """Cleans the blocks on their way and keeps their length and peak level."""

    def __init__(self) -> None:
        self.samples = 0
        self.loudest = 0.0

    def pass_through(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[Float]:
        for block in blocks:
            x = np.asarray(block, dtype=np.float32)
            if x.ndim != 1:
                raise UsageError(
                    "wrong_shape", f"a block of samples has shape {x.shape}", "mix it down to one channel"
                )
            if x.size == 0:
                continue
            x = np.clip(np.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0), -_LOUDEST, _LOUDEST)
            self.samples += x.size
            self.loudest = max(self.loudest, float(np.max(np.abs(x))))
            yield x


def _power_frames(blocks: Iterable[Float]) -> Iterator[Float]:
    """Yield power float32[frames, bins], 256 frames at a time; frame i is centred on sample i * hop."""
    batch = 256
    span = (batch - 1) * P.hop + P.window
    buffer = np.zeros(P.window // 2, np.float32)  # puts the centre of frame 0 on sample 0
    pieces: list[Float] = [buffer]
    held = buffer.size
    seen = 0
    for block in blocks:
        pieces.append(block)
        held += block.size
        seen += block.size
        if held < span:
            continue
        x = np.concatenate(pieces)
        start = 0
        while x.size - start >= span:
            yield _power(x[start : start + span])
            start += batch * P.hop
        pieces = [x[start:].copy()]
        held = pieces[0].size
    # The last frames reach into zeros; every frame whose centre lies inside the stream exists.
    done = (P.window // 2 + seen - held) // P.hop
    left = -(-seen // P.hop) - done
    if left > 0:
        x = np.concatenate([*pieces, np.zeros(P.window + P.hop, np.float32)])
        yield _power(x[: (left - 1) * P.hop + P.window])


def _power(x: Float) -> Float:
    if not x.any():  # hours of digital silence are common at the ends of broadcast files
        return np.zeros(((x.size - P.window) // P.hop + 1, _BINS), np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(x, P.window)[:: P.hop]
    z = np.fft.rfft(frames * _WINDOW, axis=1)[:, _FIRST_BIN : _LAST_BIN + 1]
    return (z.real**2 + z.imag**2).astype(np.float32, copy=False)


def _chunks(blocks: Iterable[Float]) -> Iterator[tuple[int, Float, int, int]]:
    """Yield ``(first frame, power, frames of margin before, centre frames)``, power float32[frames, bins].

    Chunk k covers the centre frames [1024 k, 1024 (k + 1)) and up to 70 more on each side where they exist.
    """
    held = np.zeros((0, _BINS), np.float32)
    origin = 0  # absolute number of held[0]
    first = 0
    pieces = [held]
    total = 0
    for power in _power_frames(blocks):
        pieces.append(power)
        total += power.shape[0]
        while total >= first + CHUNK_FRAMES + _MARGIN:
            held = np.concatenate(pieces)
            before = first - origin
            stop = before + CHUNK_FRAMES + _MARGIN
            yield first, held[:stop], before, CHUNK_FRAMES
            first += CHUNK_FRAMES
            keep = max(first - _MARGIN - origin, 0)
            origin += keep
            pieces = [held[keep:].copy()]
    held = np.concatenate(pieces)
    while first < total or first == 0:
        before = first - origin
        count = min(CHUNK_FRAMES, total - first)
        low = max(before - _MARGIN, 0)
        yield first, held[low : before + count + _MARGIN], before - low, count
        first += CHUNK_FRAMES


def _band_levels(power: Float) -> NDArray[np.uint8]:
    """Return uint8[rows, bands]: half-dB steps above -100 dB, means over 4 hops (93 ms)."""
    rows = power.shape[0] // P.band_hops  # chunks are multiples of 4; a last short row is dropped
    mean = power[: rows * P.band_hops].reshape(rows, P.band_hops, _BINS).mean(axis=1, dtype=np.float32)
    level = _DB_PER_NEPER * np.log(mean @ _BANDS + 1e-10)
    steps: NDArray[np.uint8] = np.clip(np.rint(2 * (level - _BAND_FLOOR_DB)), 0, 255).astype(np.uint8)
    return steps


def _box_mean(x: Float, half: int, axis: int) -> Float:
    """Return the running mean over ``2 half + 1`` elements along an axis; shorter at the two ends."""
    n = x.shape[axis]
    total = np.cumsum(x, axis=axis, dtype=np.float32)
    total = np.insert(total, 0, 0, axis=axis)
    index = np.arange(n)
    high = np.minimum(index + half + 1, n)
    low = np.maximum(index - half, 0)
    width = (high - low).astype(np.float32)
    shape = (n, 1) if axis == 0 else (1, n)
    mean: Float = (np.take(total, high, axis) - np.take(total, low, axis)) / width.reshape(shape)
    return mean


def _box_max(x: Float, half: int, axis: int) -> Float:
    """Return the running maximum over ``2 half + 1`` elements along an axis, edges padded with -inf."""
    pad = [(0, 0), (0, 0)]
    pad[axis] = (half, half)
    y = np.pad(x, pad, constant_values=-np.inf)
    width = 2 * half + 1
    done = 1
    n = x.shape[axis]

    def cut(a: Float, low: int, length: int) -> Float:
        return a[low : low + length] if axis == 0 else a[:, low : low + length]

    while done < width:
        step = min(done, width - done)
        length = y.shape[axis] - step
        y = np.maximum(cut(y, 0, length), cut(y, step, length))
        done += step
    return cut(y, 0, n)


def _parabola(left: Float, centre: Float, right: Float) -> Float:
    """Return the offset (-0.5 to 0.5) of the vertex of a parabola through three equidistant values."""
    curvature = left - 2 * centre + right
    safe = np.where(curvature < -1e-6, curvature, np.float32(-1e-6))
    offset: Float = np.clip(0.5 * (left - right) / safe, -0.5, 0.5)
    return offset


def _chunk_peaks(power: Float, first: int, before: int, count: int) -> Peaks:
    level = _DB_PER_NEPER * np.log(power + np.float32(1e-12))
    level = level.astype(np.float32, copy=False)
    n = level.shape[0]
    # Only the centre and what its ranks depend on; the outermost bins have no neighbour to interpolate with.
    low = max(before - P.rank_frames, 0)
    high = min(before + count + P.rank_frames, n)
    window = slice(max(low - P.maximum_frames, 0), min(high + P.maximum_frames, n))
    near = _box_max(_box_max(level[window], P.maximum_bins, 1), P.maximum_frames, 0)
    near = near[low - window.start : low - window.start + (high - low)]
    centre = level[low:high]
    is_peak = (centre >= near) & (centre > P.floor_db)
    is_peak[:, 0] = is_peak[:, -1] = False
    row, col = np.nonzero(is_peak)
    row += low
    mean = _box_mean(_box_mean(level, P.mean_bins, 1), P.mean_frames, 0)
    strength = level[row, col] - mean[row, col]
    rank = _ranks(row, strength)
    keep = (row >= before) & (row < before + count) & (rank < P.ranks_kept)
    row, col, strength, rank = row[keep], col[keep], strength[keep], rank[keep]
    here = level[row, col]
    time = row + _parabola(level[np.maximum(row - 1, 0), col], here, level[np.minimum(row + 1, n - 1), col])
    bin_ = col + _FIRST_BIN + _parabola(level[row, col - 1], here, level[row, col + 1])
    ticks = np.rint((time + (first - before)) * P.ticks_per_hop)
    cents = np.rint(1200 * np.log2(bin_ * (P.sample_rate / P.window / P.pitch_origin_hz)))
    ticks = np.maximum(ticks, 0).astype(np.uint32)
    order = np.lexsort((cents, ticks))
    return Peaks(
        ticks[order],
        cents[order].astype(np.uint16),
        np.clip(np.rint(strength[order] * 4), 0, 255).astype(np.uint8),
        rank[order].astype(np.uint8),
    )


def _ranks(frame: NDArray[np.intp], strength: Float) -> NDArray[np.int64]:
    """Return for each peak how many others within ``rank_frames`` are stronger (ties: the earlier one).

    Counting neighbours instead of filling fixed one-second bins keeps the choice the same wherever an excerpt
    begins.
    """
    n = frame.size
    rank = np.zeros(n, np.int64)
    for lag in range(1, n):
        near = frame[lag:] - frame[:-lag] <= P.rank_frames
        if not near.any():
            break
        later_wins = near & (strength[lag:] > strength[:-lag])
        rank[:-lag] += later_wins
        rank[lag:] += near & ~later_wins
    return rank
