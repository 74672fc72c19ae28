"""What the decoders are built of."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from training.synthesis.sound import mel_filters


class Snake(nn.Module):
    """x + sin²(αx)/α, α learned per channel (Ziyin et al. 2020), as a logarithm (Oobleck): it never crosses 0."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.logarithm = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x: Tensor) -> Tensor:
        """float32[batch, channels, n] to the same."""
        alpha = self.logarithm.exp()
        return x + torch.sin(alpha * x) ** 2 / alpha


def conv(inputs: int, outputs: int, width: int, dilation: int = 1) -> nn.Module:
    """A convolution that keeps the length, weight-normalised as all published decoders are."""
    return weight_norm(
        nn.Conv1d(inputs, outputs, width, dilation=dilation, padding=dilation * (width - 1) // 2)
    )


def up(inputs: int, outputs: int, stride: int, width: int | None = None) -> nn.Module:
    """A transposed convolution, n samples to n * stride: the layer whose stride shows in the spectrum."""
    width = width or 2 * stride
    padding = (width - stride + 1) // 2
    return weight_norm(
        nn.ConvTranspose1d(
            inputs, outputs, width, stride, padding=padding, output_padding=(width - stride) % 2
        )
    )


class NearestUp(nn.Module):
    """Repeated samples, then a convolution: no weights that repeat with the stride."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.repeat = nn.Upsample(scale_factor=stride, mode="nearest")
        self.smooth = conv(inputs, outputs, 2 * stride + 1)

    def forward(self, x: Tensor) -> Tensor:
        """float32[batch, inputs, n] to float32[batch, outputs, n * stride]."""
        found: Tensor = self.smooth(self.repeat(x))
        return found


class Residual(nn.Module):
    """An activation and a dilated convolution, twice, beside the identity."""

    def __init__(
        self, channels: int, width: int, dilation: int, activation: type[nn.Module], hidden: int
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            activate(activation, channels),
            conv(channels, hidden, width, dilation),
            activate(activation, hidden),
            conv(hidden, channels, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """float32[batch, channels, n] to the same."""
        found: Tensor = x + self.body(x)
        return found


def activate(kind: type[nn.Module], channels: int) -> nn.Module:
    """An activation of a kind; Snake learns one number per channel."""
    return Snake(channels) if kind is Snake else kind()


class Mel(nn.Module):
    """Log mel magnitudes, the conditioning of vocoders.

    Args:
        rate: Hz.
        size: of the transform.
        hop: samples.
        bands: how many.
    """

    def __init__(self, rate: int, size: int, hop: int, bands: int) -> None:
        super().__init__()
        self.size, self.hop = size, hop
        self.register_buffer("filters", torch.from_numpy(mel_filters(rate, size, bands)))
        self.register_buffer("window", torch.hann_window(size))

    def spectrum(self, wave: Tensor) -> Tensor:
        """float32[batch, n] to complex64[batch, size // 2 + 1, n // hop + 1]."""
        return torch.stft(wave, self.size, self.hop, window=self.window, center=True, return_complex=True)

    def forward(self, wave: Tensor) -> Tensor:
        """float32[batch, n] to natural logarithms float32[batch, bands, n // hop + 1]."""
        return torch.log(torch.clamp(self.filters @ self.spectrum(wave).abs(), min=1e-5))
