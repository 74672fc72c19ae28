"""From mel bands to sound: HiFi-GAN, an ISTFT head, a flow over spectra and a diffusion over samples."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.synthesis.decoders.layers import Mel, conv, up


class HifiGan(nn.Module):
    """Transposed convolutions, after each the mean of residual stacks of several widths.

    Args:
        rate: Hz.
        strides: of the transposed convolutions; their product is the hop.
        widths: kernel sizes of the transposed convolutions, as published.
        channels: of the first layer, halved at each stride.
        kernels: of the residual stacks.
    """

    def __init__(
        self,
        rate: int,
        strides: tuple[int, ...],
        widths: tuple[int, ...],
        channels: int,
        kernels: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.mel = Mel(rate, 1024, math.prod(strides), 80)
        self.before = conv(80, channels, 7)
        self.ups, self.stacks = nn.ModuleList(), nn.ModuleList()
        for number, (stride, width) in enumerate(zip(strides, widths, strict=True)):
            size = channels // 2 ** (number + 1)
            self.ups.append(up(2 * size, size, stride, width))
            self.stacks.append(nn.ModuleList([_Stack(size, kernel) for kernel in kernels]))
        self.after = conv(channels // 2 ** len(strides), 1, 7)

    def forward(self, wave: Tensor) -> Tensor:
        """float32[batch, n] to the same: its mel bands made audible again."""
        return self.speak(self.mel(wave), wave.shape[-1])

    def speak(self, mel: Tensor, length: int) -> Tensor:
        """Log mel float32[batch, 80, frames] to float32[batch, length]."""
        x = self.before(mel / 4)  # logarithms reach -11; the first layer wants about unit variance
        for upward, stacks in zip(self.ups, self.stacks, strict=True):
            x = upward(nn.functional.leaky_relu(x, 0.1))
            x = sum(stack(x) for stack in stacks) / len(stacks)
        found: Tensor = torch.tanh(self.after(nn.functional.leaky_relu(x)))[:, 0]
        return found[:, :length]


class _Stack(nn.Module):
    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList([conv(channels, channels, width, dilation) for dilation in (1, 3)])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + layer(nn.functional.leaky_relu(x, 0.1))
        return x


class ConvNext(nn.Module):
    """A depthwise convolution, normalised, then a wide hidden layer, beside the identity."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.depth = nn.Conv1d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.wide, self.narrow = nn.Linear(channels, hidden), nn.Linear(hidden, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        """float32[batch, channels, n] to the same."""
        inner = self.norm(self.depth(x).transpose(1, 2))
        inner = self.scale * self.narrow(nn.functional.gelu(self.wide(inner)))
        return x + inner.transpose(1, 2)


class IstftHead(nn.Module):
    """ConvNeXt at the frame rate, magnitude and phase predicted, inverse transform: no lattice.

    Args:
        rate: Hz.
        size: of the transform.
        hop: samples.
        channels: of the blocks.
        blocks: how many.
        bands: mel bands.
    """

    def __init__(self, rate: int, size: int, hop: int, channels: int, blocks: int, bands: int = 80) -> None:
        super().__init__()
        self.mel = Mel(rate, size, hop, bands)
        self.before = nn.Conv1d(bands, channels, 7, padding=3)
        self.blocks = nn.Sequential(*(ConvNext(channels, 3 * channels) for _ in range(blocks)))
        self.norm = nn.LayerNorm(channels)
        self.head = nn.Linear(channels, size + 2)

    def forward(self, wave: Tensor) -> Tensor:
        """float32[batch, n] to the same."""
        x = self.blocks(self.before(self.mel(wave) / 4))
        logarithm, phase = self.head(self.norm(x.transpose(1, 2))).transpose(1, 2).chunk(2, dim=1)
        magnitude = torch.exp(logarithm.clamp(max=5.0))
        spectrum = torch.complex(magnitude * torch.cos(phase), magnitude * torch.sin(phase))
        # The last frame of the transform may lie over the end; torch wants the length said.
        return torch.istft(
            spectrum, self.mel.size, self.mel.hop, window=self.mel.window, center=True, length=wave.shape[-1]
        )


def _moment(time: Tensor, channels: int) -> Tensor:
    """Sines of a number from 0 to 1, float32[batch] to float32[batch, channels]."""
    speed = torch.exp(torch.linspace(0, math.log(1000), channels // 2))
    angle = time[:, None] * speed[None] * 2 * math.pi
    return torch.cat((angle.sin(), angle.cos()), dim=1)


class Flow(nn.Module):
    """Rectified flow from noise to a spectrum whitened by its mel bands.

    Args:
        rate: Hz.
        size: of the transform.
        hop: samples.
        channels: of the blocks.
        blocks: how many.
        steps: Euler steps when it speaks.
    """

    def __init__(self, rate: int, size: int, hop: int, channels: int, blocks: int, steps: int) -> None:
        super().__init__()
        self.mel = Mel(rate, size, hop, 80)
        self.steps = steps
        spread = self.mel.filters / self.mel.filters.sum(dim=0, keepdim=True).clamp(min=1e-6)
        spread[:, 0], spread[:, -1] = (
            spread[:, 1],
            spread[:, -2],
        )  # no triangle reaches the first and last bin
        self.register_buffer("spread", spread.T.contiguous())
        self.before = nn.Conv1d(size + 2 + 80, channels, 3, padding=1)
        self.time = nn.Linear(64, channels)
        self.blocks = nn.Sequential(*(ConvNext(channels, 3 * channels) for _ in range(blocks)))
        self.after = nn.Conv1d(channels, size + 2, 1)

    def _smooth(self, mel: Tensor) -> Tensor:
        return (self.spread @ mel.exp()).clamp(min=1e-5)

    def velocity(self, x: Tensor, mel: Tensor, time: Tensor) -> Tensor:
        """Where the flow goes, float32[batch, size + 2, frames]."""
        inner = self.before(torch.cat((x, mel / 4), dim=1)) + self.time(_moment(time, 64))[:, :, None]
        found: Tensor = self.after(self.blocks(inner))
        return found

    def loss(self, wave: Tensor) -> Tensor:
        """Mean squared error of the velocity at a random time."""
        mel = self.mel(wave)
        target = self.mel.spectrum(wave) / self._smooth(mel)
        data = torch.cat((target.real, target.imag), dim=1)
        time = torch.rand(wave.shape[0])
        noise = torch.randn_like(data)
        at = time[:, None, None]
        return ((self.velocity(at * data + (1 - at) * noise, mel, time) - (data - noise)) ** 2).mean()

    def forward(self, wave: Tensor) -> Tensor:
        """float32[batch, n] to the same."""
        mel = self.mel(wave)
        x = torch.randn(mel.shape[0], self.mel.size + 2, mel.shape[2])
        for step in range(self.steps):
            time = torch.full((mel.shape[0],), step / self.steps)
            x = x + self.velocity(x, mel, time) / self.steps
        real, imaginary = x.chunk(2, dim=1)
        spectrum = torch.complex(real, imaginary) * self._smooth(mel)
        return torch.istft(
            spectrum, self.mel.size, self.mel.hop, window=self.mel.window, center=True, length=wave.shape[-1]
        )


class Diffusion(nn.Module):
    """Noise taken out of samples step by step by gated dilated convolutions.

    The noise has the loudness of each frame (PriorGrad): what is left to learn is its colour.

    Args:
        rate: Hz.
        hop: of the mel bands, samples.
        channels: of the residual layers.
        layers: how many, their dilations from 1 to 256 and again.
    """

    SCHEDULE = (1e-4, 1e-3, 1e-2, 5e-2, 0.2, 0.5)

    def __init__(self, rate: int, hop: int, channels: int, layers: int) -> None:
        super().__init__()
        self.mel = Mel(rate, 1024, hop, 80)
        self.before = nn.Conv1d(1, channels, 1)
        self.time = nn.Linear(64, channels)
        self.gates = nn.ModuleList()
        self.colours, self.outs = nn.ModuleList(), nn.ModuleList()
        for number in range(layers):
            dilation = 2 ** (number % 9)
            self.gates.append(nn.Conv1d(channels, 2 * channels, 3, padding=dilation, dilation=dilation))
            self.colours.append(nn.Conv1d(80, 2 * channels, 1))
            self.outs.append(nn.Conv1d(channels, 2 * channels, 1))
        self.after = nn.Sequential(
            nn.ReLU(), nn.Conv1d(channels, channels, 1), nn.ReLU(), nn.Conv1d(channels, 1, 1)
        )

    def _prior(self, mel: Tensor, length: int) -> Tensor:
        level = torch.sqrt((mel.exp() ** 2).mean(dim=1, keepdim=True))
        level = (level / level.amax(dim=2, keepdim=True).clamp(min=1e-4)).clamp(min=0.05)
        return nn.functional.interpolate(level, size=length, mode="linear")[:, 0]

    def noise_in(self, x: Tensor, mel: Tensor, level: Tensor) -> Tensor:
        """The noise that a sound holds, float32[batch, n].

        Args:
            x: noisy sound float32[batch, n].
            mel: log mel.
            level: share of signal in it (square root of alpha bar), float32[batch].
        """
        inner = self.before(x[:, None])
        moment = self.time(_moment(level, 64))[:, :, None]
        total: Tensor | float = 0.0
        for gate, colour, out in zip(self.gates, self.colours, self.outs, strict=True):
            # Bands are mixed at the frame rate and drawn out linearly: no transposed layer, no lattice.
            shade = nn.functional.interpolate(colour(mel / 4), size=x.shape[-1], mode="linear")
            a, b = (gate(inner + moment) + shade).chunk(2, dim=1)
            onward, skipped = out(torch.tanh(a) * torch.sigmoid(b)).chunk(2, dim=1)
            inner = (inner + onward) / math.sqrt(2)
            total = total + skipped
        found: Tensor = self.after(total / math.sqrt(len(self.gates)))[:, 0]
        return found

    def loss(self, wave: Tensor) -> Tensor:
        """Mean absolute error of the noise, relative to the prior, at a random level."""
        mel = self.mel(wave)
        prior = self._prior(mel, wave.shape[-1])
        level = torch.rand(wave.shape[0]) ** 0.5
        noise = torch.randn_like(wave) * prior
        at = level[:, None]
        found = self.noise_in(at * wave + torch.sqrt(1 - at**2) * noise, mel, level)
        return ((found - noise).abs() / prior).mean()

    def forward(self, wave: Tensor) -> Tensor:
        """float32[batch, n] to the same, in six steps (Kong et al. 2021, appendix)."""
        mel = self.mel(wave)
        prior = self._prior(mel, wave.shape[-1])
        beta = torch.tensor(self.SCHEDULE)
        kept = torch.cumprod(1 - beta, dim=0)
        x = torch.randn_like(wave) * prior
        for step in range(len(beta) - 1, -1, -1):
            level = kept[step].sqrt().expand(wave.shape[0])
            noise = self.noise_in(x, mel, level)
            x = (x - beta[step] / (1 - kept[step]).sqrt() * noise) / (1 - beta[step]).sqrt()
            if step:
                spread = ((1 - kept[step - 1]) / (1 - kept[step]) * beta[step]).sqrt()
                x = x + spread * torch.randn_like(wave) * prior
        return x
