"""Which decoders there are: rate, strides, and how each is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate
from operator import mul

from torch import nn

from training.synthesis.decoders.codecs import dac, encodec, nearest, oobleck
from training.synthesis.decoders.vocoders import Diffusion, Flow, HifiGan, IstftHead


@dataclass(frozen=True)
class Decoder:
    """A neural family.

    Attributes:
        name: in the index.
        rate: Hz.
        kinds: of clips that it is trained on and resynthesises.
        build: makes the network, freshly initialised.
        strides: of its transposed convolutions, first to last; none where it has no lattice.
        share: of the time for all trainings.
        segment_s: length of a training segment, s; of twelve frames at least, or it learns the edges alone.
        batch: segments per step.
        rate_of_learning: at the start.
        adversarial: the second half of its training hears a discriminator.
    """

    name: str
    rate: int
    kinds: tuple[str, ...]
    build: Callable[[], nn.Module]
    strides: tuple[int, ...] = ()
    share: float = 1.0
    segment_s: float = 0.3
    batch: int = 4
    rate_of_learning: float = 1e-3
    adversarial: bool = False

    @property
    def fundamentals(self) -> tuple[float, ...]:
        """Spacings of its lines, Hz: rate over the products of its last strides, coarse to fine."""
        return tuple(self.rate / k for k in accumulate(reversed(self.strides), mul))


_V, _M, _VM = ("voice",), ("music",), ("voice", "music")

DECODERS: dict[str, Decoder] = {
    decoder.name: decoder
    for decoder in (
        Decoder(
            "istft_head", 24000, _VM, lambda: IstftHead(24000, 1024, 256, 192, 5, 100), batch=5, segment_s=0.6
        ),
        Decoder(
            "hifigan_8822",
            24000,
            _V,
            lambda: HifiGan(24000, (8, 8, 2, 2), (16, 16, 4, 4), 128, (3, 7)),
            (8, 8, 2, 2),
            1.3,
            adversarial=True,
        ),
        Decoder(
            "encodec_24k",
            24000,
            _VM,
            lambda: encodec(24000, (8, 5, 4, 2)),
            (8, 5, 4, 2),
            1.2,
            rate_of_learning=2e-3,
        ),
        Decoder(
            "flow",
            16000,
            _V,
            lambda: Flow(16000, 512, 128, 224, 5, 8),
            batch=8,
            segment_s=0.8,
        ),
        Decoder(
            "dac_44k",
            44100,
            _M,
            lambda: dac(44100, (8, 8, 4, 2)),
            (8, 8, 4, 2),
            1.5,
            0.6,
            batch=2,
            rate_of_learning=2e-3,
        ),
        Decoder("istft_head_16k", 16000, _V, lambda: IstftHead(16000, 512, 128, 160, 5), share=0.8, batch=6),
        Decoder(
            "oobleck_44k",
            44100,
            _M,
            lambda: oobleck(44100, (8, 8, 4, 4, 2)),
            (8, 8, 4, 4, 2),
            1.8,
            0.6,
            batch=2,
            rate_of_learning=2e-3,
        ),
        Decoder(
            "hifigan_884",
            16000,
            _V,
            lambda: HifiGan(16000, (8, 8, 4), (16, 16, 8), 128, (3, 5)),
            (8, 8, 4),
            1.1,
            adversarial=True,
        ),
        Decoder(
            "encodec_32k",
            32000,
            _M,
            lambda: encodec(32000, (8, 5, 4, 4)),
            (8, 5, 4, 4),
            1.2,
            rate_of_learning=2e-3,
        ),
        Decoder("nearest_44k", 44100, _M, lambda: nearest(44100, (8, 8, 4, 4, 2)), share=1.5),
        Decoder("diffusion", 16000, _V, lambda: Diffusion(16000, 256, 16, 9)),
    )
}
"""All of them, in the order of training."""
