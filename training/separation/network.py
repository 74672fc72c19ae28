"""The separator: a small U-net that turns magnitudes of mid and side into one mask for the voice.

Every number that the running code needs goes to the card (``FORM``). The network sees magnitudes divided by the sum
of the window and takes their logarithm itself, so that its file is whole.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

BINS = 352  # up to 7.58 kHz: the voices it learns from end at 8 kHz
FORM: dict[str, Any] = {
    "form": "magnitude_mask",
    "sample_rate": 44_100,
    "window": 2048,
    "hop": 1024,
    "frames_multiple": 16,
    "chunk_s": 12.0,
    "overlap_s": 1.0,
    "beyond": "hold",
}
_LEAST = 1e-5  # of a magnitude: -94 dB under a sine at full scale
_WIDTHS = (8, 16, 32, 64, 96)


def _block(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=(dilation, 1), dilation=(dilation, 1), bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


class _AcrossFrequency(nn.Module):
    """Each row of frequencies through one linear map, added to itself: harmonics are far apart, convolutions short."""

    def __init__(self, channels: int, rows: int) -> None:
        super().__init__()
        self.map = nn.Linear(rows, rows)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + functional.relu(self.norm(self.map(x)))


class Separator(nn.Module):
    """Magnitudes float32[batch, 2, frames, BINS] to a mask float32[batch, 1, frames, BINS] from 0 to 1.

    ``frames`` is a multiple of 16.
    """

    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(1, 2, 1, BINS))
        nn.init.normal_(self.place, std=0.3)
        first, *deeper = _WIDTHS
        self.entry = _block(4, first)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        wide = first
        for level, width in enumerate(deeper, start=1):
            steps = [_block(wide, width, stride=2)]
            if level < len(deeper):
                steps.append(_block(width, width))
            if level >= 3:
                steps.append(_AcrossFrequency(width, BINS >> level))
            self.down.append(nn.Sequential(*steps))
            self.up.append(nn.Sequential(nn.Conv2d(width + wide, wide, 1, bias=False), _block(wide, wide)))
            wide = width
        self.middle = nn.Sequential(_block(wide, wide), _block(wide, wide, dilation=3))
        self.exit = nn.Conv2d(first, 1, 1)

    def forward(self, magnitude: Tensor) -> Tensor:
        """The mask for magnitudes."""
        level = torch.log(magnitude + _LEAST)
        mean = level[:, :1].mean(dim=(1, 2, 3), keepdim=True)
        x = 0.4 * (level - mean)
        place = self.place + torch.zeros_like(x)
        x = self.entry(torch.cat([x, place], 1))
        passed = []
        for step in self.down:
            passed.append(x)
            x = step(x)
        x = x + self.middle(x)
        for step in reversed(self.up):
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = step(torch.cat([x, passed.pop()], 1))
        return torch.sigmoid(self.exit(x))


def spectra(sound: Tensor) -> tuple[Tensor, Tensor]:
    """Complex spectra of mid and side [batch, 2, frames, bins], and their magnitudes below ``BINS``.

    Args:
        sound: float32[batch, 2, samples], left and right.
    """
    window = torch.sin(torch.pi * (torch.arange(FORM["window"]) + 0.5) / FORM["window"]).to(sound)
    pair = torch.stack([sound[:, 0] + sound[:, 1], sound[:, 0] - sound[:, 1]], 1) / 2
    transformed = torch.stft(
        pair.flatten(0, 1), FORM["window"], FORM["hop"], window=window, center=False, return_complex=True
    )
    scaled = (transformed / window.sum()).unflatten(0, (-1, 2)).transpose(2, 3)[..., :BINS]
    return scaled, scaled.abs()
