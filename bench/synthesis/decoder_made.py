"""Weak decoder lines made here: real or synthesised music plus what an untrained decoder of published strides adds.

No generator is imitated. A stack of transposed convolutions with the weights it has before training (bounds of
PyTorch's own initialisation, kernels of twice the stride) decodes the slow loudness of the music in eight bands; what
comes out repeats with the strides and carries lines at multiples of ``rate / k``. It is added to the music at a level
that is chosen: the median tooth of the strongest of its lattices, in dB over the median spectrum of the music around
the tooth (65,536-point transform at 44.1 kHz, from 3 kHz to nine tenths of the band). The same music through the same
sample rate without the lines is the negative, so that neither the band nor the resampler can be the cue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from bench.seeds import rng_for
from bench.sound import RATE, Sound, resampled, stereo
from bench.synth import render
from bench.synthesis.material import Found, Item, Origin
from numpy.typing import NDArray

PREFIX = "decoder-made-here/"
CHANNELS = 8
LEVELS_DB = (-12.0, -6.0, 0.0, 6.0, 12.0)
_TRANSFORM = 65536
_LOWEST_TOOTH_HZ = 3000.0
_SPACING_HZ = (60.0, 2300.0)
_CONTEXT = (
    4  # latents of left context a piece is decoded with: kernels of twice the stride reach one back a stage
)
_PIECE = 256


@dataclass(frozen=True)
class Decoder:
    """A decoder's published shape.

    Attributes:
        name: in tables.
        rate: of its sound, Hz.
        strides: of its transposed convolutions, the first one works at the lowest rate.
        slope: of the negative side between the stages (0.1 in HiFi-GAN; the others' ELU and Snake are near it).
    """

    name: str
    rate: int
    strides: tuple[int, ...]
    slope: float = 0.1

    @property
    def hop(self) -> int:
        """Samples of a latent."""
        return int(np.prod(self.strides))

    @property
    def lattices(self) -> tuple[float, ...]:
        """Spacings of its lines within what is measured, Hz: the rate over the product of its last strides."""
        products = np.cumprod(self.strides[::-1])
        low, high = _SPACING_HZ
        return tuple(float(self.rate / k) for k in products if low <= self.rate / k <= high)


DECODERS = (
    Decoder("EnCodec 24k 8·5·4·2", 24000, (8, 5, 4, 2)),
    Decoder("EnCodec 32k 8·5·4·4", 32000, (8, 5, 4, 4)),
    Decoder("DAC 44.1k 8·8·4·2", 44100, (8, 8, 4, 2)),
    Decoder("Oobleck 44.1k 8·8·4·4·2", 44100, (8, 8, 4, 4, 2)),
    Decoder("HiFi-GAN 22.05k 8·8·2·2", 22050, (8, 8, 2, 2)),
    Decoder("HiFi-GAN 24k 8·8·4", 24000, (8, 8, 4)),
    Decoder("HiFi-GAN 16k 8·8·4", 16000, (8, 8, 4)),
)

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weights float32[channels in, kernel, channels out] and bias float32[channels out]."""


def layers(decoder: Decoder, rng: np.random.Generator) -> list[Layer]:
    """Draw the weights of every stage, as they are before training."""
    drawn: list[Layer] = []
    for stride in decoder.strides:
        bound = 1 / np.sqrt(CHANNELS * 2 * stride)
        weights = rng.uniform(-bound, bound, (CHANNELS, 2 * stride, CHANNELS)).astype(np.float32)
        drawn.append((weights, rng.uniform(-bound, bound, CHANNELS).astype(np.float32)))
    return drawn


def upsampled(h: NDArray[np.float32], layer: Layer, stride: int) -> NDArray[np.float32]:
    """Return a transposed convolution of stride s and kernel 2s: float32[t * s, channels]."""
    weights, bias = layer
    t, kernel = h.shape[0], weights.shape[1]
    spread = (h @ weights.reshape(CHANNELS, -1)).reshape(t, kernel, CHANNELS)
    out = spread[:, :stride].copy()
    out[1:] += spread[:-1, stride:]
    return (out + bias).reshape(t * stride, CHANNELS)


def decoded(latents: NDArray[np.float32], decoder: Decoder, rng: np.random.Generator) -> NDArray[np.float32]:
    """Decode float32[t, channels] to float32[t * hop, 2], piece by piece."""
    stages = layers(decoder, rng)
    last = rng.uniform(-1, 1, (CHANNELS, 2)).astype(np.float32) / np.sqrt(np.float32(CHANNELS))
    padded = np.concatenate((np.repeat(latents[:1], _CONTEXT, axis=0), latents))
    out: list[NDArray[np.float32]] = []
    for at in range(0, latents.shape[0], _PIECE):
        h = padded[at : at + _PIECE + _CONTEXT]
        for layer, stride in zip(stages, decoder.strides, strict=True):
            h = upsampled(np.where(h > 0, h, np.float32(decoder.slope) * h), layer, stride)
        out.append(np.tanh(h[_CONTEXT * decoder.hop :] @ last))
    return np.concatenate(out)


def loudness(x: Sound, hop: int, rate: int) -> NDArray[np.float32]:
    """Return the slow loudness of float32[n, 2] in eight bands, float32[n // hop, 8], each of variance 1.

    Smoothed over half a second: what the decoder adds are then lines that swell with the music, not a second music.
    """
    frames = x.shape[0] // hop
    size = max(hop, 256)
    mono = np.pad(x.mean(axis=1), (0, size))
    view = np.lib.stride_tricks.sliding_window_view(mono, size)[::hop][:frames]
    edges = np.unique(np.geomspace(1, size // 2, CHANNELS + 1).round().astype(int))
    bands = np.zeros((frames, CHANNELS), np.float32)
    window = np.hanning(size).astype(np.float32)
    for at in range(0, frames, 4096):
        power = np.abs(np.fft.rfft(view[at : at + 4096] * window, axis=1)) ** 2
        summed = np.add.reduceat(power, edges[:-1], axis=1)
        bands[at : at + 4096, : summed.shape[1]] = np.log(summed + 1e-8)
    width = max(round(0.5 * rate / hop), 1)
    kernel = np.hanning(width + 2)[1:-1]
    kernel /= kernel.sum()
    around = np.pad(bands, ((width, width), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(around[:, c], kernel, "same") for c in range(CHANNELS)], axis=1)
    smooth = smooth[width : width + frames]
    return np.asarray((smooth - smooth.mean(axis=0)) / (smooth.std(axis=0) + 0.1), np.float32)


def spectrum(x: Sound) -> NDArray[np.float64]:
    """Return the long-term amplitude of float32[n, 2] at 44.1 kHz in 32,769 bins, root mean square of windows."""
    mono = np.pad(x.mean(axis=1), (0, max(_TRANSFORM - x.shape[0], 0)))
    window = np.hanning(_TRANSFORM).astype(np.float32)
    power = np.zeros(_TRANSFORM // 2 + 1)
    starts = range(0, mono.size - _TRANSFORM + 1, _TRANSFORM // 2)
    for at in starts:
        power += np.abs(np.fft.rfft(mono[at : at + _TRANSFORM] * window)) ** 2
    return np.asarray(np.sqrt(power / len(starts)))


def level_db(lines: Sound, music: Sound, decoder: Decoder) -> float:
    """Return how far the lines stand over the music: the median tooth of the strongest lattice, dB."""
    a, b = spectrum(lines), spectrum(music)
    end = 0.9 * min(decoder.rate, RATE) / 2
    found = []
    for spacing in decoder.lattices:
        teeth = np.arange(np.ceil(_LOWEST_TOOTH_HZ / spacing), np.floor(end / spacing) + 1) * spacing
        bins = np.rint(teeth * _TRANSFORM / RATE).astype(int)
        tall = np.max([a[bins + d] for d in range(-2, 3)], axis=0)
        floor = np.array([np.median(b[k - 30 : k + 31]) for k in bins])
        found.append(float(np.median(20 * np.log10((tall + 1e-12) / (floor + 1e-12)))))
    return max(found)


def with_lines(x: Sound, decoder: Decoder, level: float | None, rng: np.random.Generator) -> Sound:
    """Pass float32[n, 2] through a decoder's sample rate and add its lines.

    Args:
        x: music at 44.1 kHz.
        decoder: whose rate and strides.
        level: of the lines over the music, dB; None adds none.
        rng: draws the weights.
    """
    low = x if decoder.rate == RATE else resampled(x, decoder.rate)
    back: Callable[[Sound], Sound] = lambda y: (  # noqa: E731
        y if decoder.rate == RATE else resampled(y, RATE, called=decoder.rate)
    )
    if level is None:
        return back(low)
    lines = decoded(loudness(low, decoder.hop, decoder.rate), decoder, rng)
    lines = lines - lines.mean(axis=0)
    n = lines.shape[0]
    music, added = back(low[:n]), back(lines)
    gain = 10 ** ((level - level_db(added, music, decoder)) / 20)
    return np.asarray(music + np.float32(gain) * added, np.float32)


# Every decoder and level asks for the same piece again: a minute is 21 MB.
@lru_cache(maxsize=4)
def _played(seed: int, seconds: float, style: str | None) -> Sound:
    x = stereo(render(seed, 20 + seconds, style=style))[20 * RATE :]
    x.setflags(write=False)
    return x


@dataclass(frozen=True)
class Piece:
    """Music of the project's own synthesiser, from twenty seconds into a piece on: many begin with one instrument."""

    seed: int
    seconds: float
    style: str | None = None

    def sound(self) -> Sound:
        """Play it."""
        return _played(self.seed, self.seconds, self.style)


@dataclass(frozen=True)
class WithLines:
    """Music with a decoder's lines; ``level`` None is the control without them."""

    music: Origin
    decoder: Decoder
    level: float | None
    seed: int

    def sound(self) -> Sound:
        """Make it."""
        rng = rng_for(self.seed, "decoder", self.decoder.name)
        return with_lines(self.music.sound(), self.decoder, self.level, rng)


def cases(music: Sequence[Item], levels: Sequence[float], decoders: Sequence[Decoder] = DECODERS) -> Found:
    """Make fakes of every decoder and level and, for each decoder, the control without lines.

    Args:
        music: pieces; every decoder and level gets the same ones.
        levels: dB.
        decoders: to use.
    """
    made: list[Item] = []
    for k, piece in enumerate(music):
        for decoder in decoders:
            for level in (None, *levels):
                fake = level is not None
                title = f"{PREFIX}{decoder.name}" + (f" {level:+g} dB" if fake else "")
                origin = WithLines(piece.origin, decoder, level, k)
                made.append(Item(piece.name, title, fake, title, piece.source, piece.seconds, origin))
    return Found(tuple(made))


def own_music(n: int, seconds: float, first: int = 70_000_000) -> list[Item]:
    """List pieces of the project's own synthesiser, from seeds that nothing else uses."""
    return [
        Item(f"piece {first + k}", "bench.synth", False, "bench.synth", f"piece {first + k}", seconds, piece)
        for k, piece in enumerate(Piece(first + k, seconds) for k in range(n))
    ]
