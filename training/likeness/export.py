"""The network as a file: last linear layers included, any number of windows and frames."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from training.likeness.network import Network
from training.likeness.pool import BANDS

INPUT, OUTPUT = "bands", "embedding"


class _Unit(nn.Module):
    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, bands: Tensor) -> Tensor:
        return nn.functional.normalize(self.network.raw(bands), dim=1)


def export(network: Network, path: Path) -> None:
    """Write an ONNX file: float32[windows, frames, 64] -> float32[windows, 128] of unit length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(
        _Unit(network).eval(),
        (torch.zeros(2, 400, BANDS),),
        str(path),
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: {0: "windows", 1: "frames"}, OUTPUT: {0: "windows"}},
        opset_version=17,
        dynamo=False,
    )
