"""Trains the network: ``python -m training.likeness train``; one thread, some 25 minutes of a processor.

The budget is processor time (wall time on a GPU), so that a busy machine trains as long as an idle one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.likeness.drawing import Drawer
from training.likeness.network import Margin, Network
from training.likeness.pool import Pool

_WARM_STEPS = 100
_MARGIN = 0.2
_FRAMES = (160, 360)


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        minutes: of processor time, drawing included; of wall time on a GPU.
        people: in a batch, two stretches of each.
        rate: of learning, at its highest.
        seed: draws weights and batches.
        device: ``cpu`` or ``cuda``.
    """

    minutes: float = 25.0
    people: int = 48
    rate: float = 3e-3
    seed: int = 1
    device: str = "cpu"


def device_of(name: str) -> str:
    """``auto`` is a GPU where PyTorch finds one."""
    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


def train(pool: Pool, settings: Settings, weights: Path, start: Path | None = None) -> Network:
    """Train on every person of a pool, from the weights ``start`` where given, and write the weights."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    drawer = Drawer(pool, np.random.default_rng([settings.seed, 26]))
    network = Network()
    if start is not None:
        network.load_state_dict(torch.load(start, map_location="cpu", weights_only=True))
    network.to(settings.device).train()
    margin = Margin(len(drawer.people)).to(settings.device)
    parameters = [*network.parameters(), *margin.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.rate, weight_decay=2e-3)
    sizes = np.random.default_rng([settings.seed, 27])
    clock = time.process_time if settings.device == "cpu" else time.monotonic
    weights.parent.mkdir(parents=True, exist_ok=True)
    began, step, losses = clock(), 0, []
    while (share := (clock() - began) / (60 * settings.minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * _schedule(step, share)
        bands, who = drawer.batch(settings.people, int(sizes.integers(*_FRAMES)) // 2 * 2)
        embedded = network(torch.from_numpy(bands).to(settings.device))
        loss = margin(embedded, torch.from_numpy(who).to(settings.device), _MARGIN * min(1.0, 4 * share))
        if not torch.isfinite(loss):
            raise ArithmeticError(f"the loss is {loss.item()} at step {step}")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 2.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        step += 1
        if step % 100 == 0:
            print(f"{step} steps, {100 * share:.0f} %, loss {np.mean(losses[-100:]):.3f}", flush=True)
            torch.save(network.state_dict(), weights)
    torch.save(network.state_dict(), weights)
    print(
        f"{step} steps of {settings.people} people, {settings.minutes} minutes on {settings.device}",
        flush=True,
    )
    return network.eval()


def _schedule(step: int, share: float) -> float:
    """Warm up, then fall along a cosine to a hundredth."""
    return min(1.0, (step + 1) / _WARM_STEPS) * (
        0.01 + 0.99 * 0.5 * (1 + float(np.cos(np.pi * min(share, 1.0))))
    )
