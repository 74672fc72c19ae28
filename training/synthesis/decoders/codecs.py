"""The decoders of neural codecs, with their published strides, driven by mel bands.

Their own encoders and quantisers are left out: what is seen in a decoder's sound is its upsampling, and within
minutes on a processor a learned latent stays empty (tried: the decoder hummed its lattice, correlation with the
input under 0.1), while mel bands carry speech after a few hundred steps.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

from training.synthesis.decoders.layers import Mel, NearestUp, Residual, Snake, activate, conv, up

_BANDS = 64
_FRAME = 320  # samples between mel frames, at most: longer hops take several frames side by side


class CodecDecoder(nn.Module):
    """From frames at rate / product of strides to sound.

    Args:
        rate: Hz.
        strides: of the upsampling layers, from the frames to the sound.
        channels: of the layer next to the sound; doubled at each stride before it, at most ``widest``.
        activation: ``nn.ELU`` (SEANet) or ``Snake`` (DAC, Oobleck).
        dilations: of the residual layers after each stride.
        width: of their convolutions.
        squeeze: by how much their inner layers are narrower.
        nearest: repeat samples instead of transposed convolutions.
        bounded: tanh at the end (DAC).
        widest: most channels anywhere.
    """

    def __init__(
        self,
        rate: int,
        strides: tuple[int, ...],
        channels: int,
        activation: type[nn.Module],
        *,
        dilations: tuple[int, ...],
        width: int,
        squeeze: int = 1,
        nearest: bool = False,
        bounded: bool = False,
        widest: int = 128,
    ) -> None:
        super().__init__()
        self.hop = math.prod(strides)
        self.beside = -(-self.hop // _FRAME)
        while self.hop % self.beside:
            self.beside += 1
        self.mel = Mel(rate, 1024 if rate < 40000 else 2048, self.hop // self.beside, _BANDS)
        sizes = [min(widest, channels * 2**i) for i in range(len(strides), -1, -1)]
        layers: list[nn.Module] = [conv(_BANDS * self.beside, sizes[0], 7)]
        for number, stride in enumerate(strides):
            upward = NearestUp if nearest else up
            layers += [activate(activation, sizes[number]), upward(sizes[number], sizes[number + 1], stride)]
            inner = sizes[number + 1] // squeeze
            layers += [
                Residual(sizes[number + 1], width, dilation, activation, inner) for dilation in dilations
            ]
        layers += [activate(activation, sizes[-1]), conv(sizes[-1], 1, 7)]
        if bounded:
            layers.append(nn.Tanh())
        self.decoder = nn.Sequential(*layers)

    def forward(self, wave: Tensor) -> Tensor:
        """float32[batch, n] to the same."""
        length = wave.shape[-1]
        padded = nn.functional.pad(wave, (0, -length % self.hop))
        frames = padded.shape[-1] // self.hop
        mel = self.mel(padded)[:, :, : frames * self.beside] / 4  # as for HiFi-GAN: about unit variance
        joined = mel.unflatten(2, (frames, self.beside)).transpose(2, 3).flatten(1, 2)
        found: Tensor = self.decoder(joined)[:, 0, :length]
        return found


def encodec(rate: int, strides: tuple[int, ...]) -> CodecDecoder:
    """SEANet as EnCodec has it: ELU, one residual layer of half width after each stride."""
    return CodecDecoder(rate, strides, 12, nn.ELU, dilations=(1,), width=3, squeeze=2, widest=160)


def dac(rate: int, strides: tuple[int, ...]) -> CodecDecoder:
    """Snake, three residual layers of dilation 1, 3, 9 after each stride, tanh at the end."""
    return CodecDecoder(rate, strides, 8, Snake, dilations=(1, 3, 9), width=7, bounded=True)


def oobleck(rate: int, strides: tuple[int, ...]) -> CodecDecoder:
    """As DAC without tanh."""
    return CodecDecoder(rate, strides, 6, Snake, dilations=(1, 3, 9), width=7)


def nearest(rate: int, strides: tuple[int, ...]) -> CodecDecoder:
    """Repeated samples and convolutions, an option that Oobleck has too; with Snake it diverged in every try."""
    return CodecDecoder(rate, strides, 8, nn.ELU, dilations=(1, 3), width=3, squeeze=2, nearest=True)
