"""A small network on the same features: where trees cut, it bends; their errors differ, so their mean is better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

WIDTHS = (96, 32)
EPOCHS = 16
_BATCH = 256
_CLIP = 4.0  # standard deviations
_LOGIT_SMOOTHING = 0.05


@dataclass(frozen=True)
class Network:
    """Weights of ``clip((x - centre) / scale)`` -> two hidden layers -> logit; float32 throughout.

    A missing feature counts as its centre.
    """

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    layers: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]

    def logit(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return float64[n] for float32[n, F]."""
        x = np.where(np.isnan(values), self.centre, values)
        x = np.clip((x - self.centre) / self.scale, -_CLIP, _CLIP)
        for weight, bias in self.layers[:-1]:
            x = np.maximum(x @ weight + bias, 0)
        weight, bias = self.layers[-1]
        return (x @ weight + bias)[:, 0].astype(np.float64)


def fit(
    values: NDArray[np.float32], fake: NDArray[np.bool_], weight: NDArray[np.float64], epochs: int = EPOCHS
) -> Network:
    """Train on float32[n, F] against bool[n] with weights float64[n]; the same input gives the same network."""
    torch.manual_seed(1)
    torch.set_num_threads(1)
    low, centre, high = np.nanpercentile(values, (15.9, 50, 84.1), axis=0)
    scale = np.maximum((high - low) / 2, 1e-3)
    x = np.clip(np.where(np.isnan(values), 0, (values - centre) / scale), -_CLIP, _CLIP)
    inputs = torch.tensor(x, dtype=torch.float32)
    labels = torch.tensor(np.where(fake, 1 - _LOGIT_SMOOTHING, _LOGIT_SMOOTHING), dtype=torch.float32)
    weights = torch.tensor(weight / weight.mean(), dtype=torch.float32)
    model = torch.nn.Sequential(
        torch.nn.Dropout(0.2),
        torch.nn.Linear(values.shape[1], WIDTHS[0]),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.4),
        torch.nn.Linear(WIDTHS[0], WIDTHS[1]),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.2),
        torch.nn.Linear(WIDTHS[1], 1),
    )
    steps = epochs * (inputs.shape[0] // _BATCH + 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=2e-3, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(inputs.shape[0])
        for start in range(0, (inputs.shape[0] // _BATCH + 1) * _BATCH, _BATCH):
            batch = order[start : start + _BATCH]
            if batch.numel():
                losses = torch.nn.functional.binary_cross_entropy_with_logits(
                    model(inputs[batch])[:, 0], labels[batch], reduction="none"
                )
                optimiser.zero_grad()
                (losses * weights[batch]).mean().backward()
                optimiser.step()
            schedule.step()
    layers = tuple(
        (
            layer.weight.detach().numpy().T.astype(np.float32).copy(),
            layer.bias.detach().numpy().astype(np.float32).copy(),
        )
        for layer in model
        if isinstance(layer, torch.nn.Linear)
    )
    return Network(centre.astype(np.float32), scale.astype(np.float32), layers)
