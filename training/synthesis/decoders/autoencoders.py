"""Codecs: a mirrored encoder, a rounded latent, and the decoder whose strides are published."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.synthesis.decoders.layers import NearestUp, Residual, Snake, activate, conv, down, up

_LEVELS = 6.0  # a latent takes 13 values: finite scalar quantisation (Mentzer et al. 2023)


class Autoencoder(nn.Module):
    """Sound to latents at rate / product of strides, and back.

    Args:
        strides: of the decoder, from the latents to the sound.
        channels: of the layer next to the sound; doubled at each stride, at most ``widest``.
        latents: values per latent frame.
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
        strides: tuple[int, ...],
        channels: int,
        latents: int,
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
        self.hop = 1
        for stride in strides:
            self.hop *= stride
        sizes = [min(widest, channels * 2**i) for i in range(len(strides), -1, -1)]

        def residuals(size: int) -> list[nn.Module]:
            return [Residual(size, width, dilation, activation, size // squeeze) for dilation in dilations]

        layers: list[nn.Module] = [conv(1, sizes[-1], 7)]
        for number in range(len(strides) - 1, -1, -1):
            # One residual layer a stride: only the decoder is what fakes are made of.
            layers += residuals(sizes[number + 1])[:1]
            layers += [
                activate(activation, sizes[number + 1]),
                down(sizes[number + 1], sizes[number], strides[number]),
            ]
        layers += [activate(activation, sizes[0]), conv(sizes[0], latents, 3)]
        self.encoder = nn.Sequential(*layers)

        layers = [conv(latents, sizes[0], 7)]
        for number, stride in enumerate(strides):
            upward = NearestUp if nearest else up
            layers += [activate(activation, sizes[number]), upward(sizes[number], sizes[number + 1], stride)]
            layers += residuals(sizes[number + 1])
        layers += [activate(activation, sizes[-1]), conv(sizes[-1], 1, 7)]
        if bounded:
            layers.append(nn.Tanh())
        self.decoder = nn.Sequential(*layers)

    def forward(self, wave: Tensor) -> Tensor:
        """float32[batch, n] to the same."""
        padded = nn.functional.pad(wave, (0, -wave.shape[-1] % self.hop))
        latent = _LEVELS * torch.tanh(self.encoder(padded[:, None]))
        rounded = latent + (torch.round(latent) - latent).detach()
        found: Tensor = self.decoder(rounded / _LEVELS)[:, 0, : wave.shape[-1]]
        return found


def encodec(strides: tuple[int, ...]) -> Autoencoder:
    """SEANet as EnCodec has it: ELU, one residual layer of half width after each stride."""
    return Autoencoder(strides, 12, 64, nn.ELU, dilations=(1,), width=3, squeeze=2, widest=160)


def dac(strides: tuple[int, ...]) -> Autoencoder:
    """Snake, three residual layers of dilation 1, 3, 9 after each stride, tanh at the end."""
    return Autoencoder(strides, 6, 64, Snake, dilations=(1, 3, 9), width=7, bounded=True)


def oobleck(strides: tuple[int, ...], *, nearest: bool = False) -> Autoencoder:
    """As DAC without tanh; ``nearest`` is its own option against the lattice."""
    return Autoencoder(strides, 6, 64, Snake, dilations=(1, 3, 9), width=3 if nearest else 7, nearest=nearest)
