"""Trains the separator: ``python -m training.separation train``; one thread, 36 minutes of a processor.

The budget is processor time, so that a busy machine trains as long as an idle one. Equal settings on equal machines
draw equal mixes; sums in another order end in other last digits.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.separation.material import Material
from training.separation.mixing import draw
from training.separation.network import FORM, Separator, spectra


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        minutes: of processor time (of wall time on a GPU), mixing included.
        batch: mixes a step, an even number.
        frames: length of a mix in frames of the transform.
        rate: of learning, at its highest.
        seed: draws weights and mixes.
        device: ``cpu`` or ``cuda``.
    """

    minutes: float = 36.0
    batch: int = 8
    frames: int = 128
    rate: float = 3e-3
    seed: int = 1
    device: str = "cpu"


def train(material: Material, settings: Settings, weights: Path, start: Path | None = None) -> Separator:
    """Train a separator, from the weights ``start`` where they are given, and write its weights."""
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng([settings.seed, 41])
    network = Separator()
    if start is not None:
        network.load_state_dict(torch.load(start, map_location="cpu", weights_only=True))
    network.to(settings.device).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.rate, weight_decay=1e-3)
    clock = time.process_time if settings.device == "cpu" else time.monotonic
    weights.parent.mkdir(parents=True, exist_ok=True)
    began, step, losses = clock(), 0, []
    while (share := (clock() - began) / (60 * settings.minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * _schedule(step, share)
        loss = _loss(network, *_batch(material, settings, rng))
        if not torch.isfinite(loss):
            raise ArithmeticError(f"the loss is {loss.item()} at step {step}")
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        step += 1
        if step % 50 == 0:
            print(f"{step} steps, {100 * share:.0f} %, loss {np.mean(losses[-50:]):.3f}", flush=True)
            torch.save(network.state_dict(), weights)
    torch.save(network.state_dict(), weights)
    print(f"{step} steps of {settings.batch} mixes, {settings.minutes} minutes on {settings.device}")
    return network.eval()


def _schedule(step: int, share: float) -> float:
    """Warm up over 50 steps, then fall along a cosine to a hundredth."""
    return min(1.0, (step + 1) / 50) * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * min(share, 1.0))))


def _batch(material: Material, settings: Settings, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Voices and backings float32[batch, 2, samples]; each is heard twice, with two partners."""
    samples = FORM["window"] + (settings.frames - 1) * FORM["hop"]
    pairs = [draw(material, samples, rng) for _ in range(settings.batch // 2)]
    voice, backing = (torch.from_numpy(np.stack([pair[i].T for pair in pairs])) for i in (0, 1))
    gains = torch.from_numpy(10 ** (rng.uniform(-8, 8, len(pairs)) / 20)).float()[:, None, None]
    voice, backing = torch.cat([voice, voice]), torch.cat([backing, gains * backing.roll(1, 0)])
    return voice.to(settings.device), backing.to(settings.device)


def _loss(network: Separator, voice: Tensor, backing: Tensor) -> Tensor:
    """What is left over of voice and backing, against the mix; it is the same error in both.

    The spectra are complex: what the mask cannot know, the phase, is in the error, and a mask that is open where voice
    and backing cancel pays for it. Distances of magnitudes, as tried first, draw the mask to 0 wherever it is unsure;
    decibels of energies, as tried second, spend the effort on mixes that are easy. Square roots of magnitudes count
    besides, so that quiet treble is not left alone.
    """
    (mix, magnitude), (target, wanted) = spectra(voice + backing), spectra(voice)
    mask = network(magnitude)
    plain = _share((mask * mix - target).abs().square(), magnitude.square())
    bent = _share((_root(mask * magnitude) - _root(wanted)).square(), _root(magnitude).square())
    return (plain + 0.3 * bent).mean()


def _share(error: Tensor, whole: Tensor) -> Tensor:
    """Size (RMS) of an error against that of the whole, for each mix; errors under -30 dB count as that."""
    energy = whole.mean(dim=(1, 2, 3))
    return (error.mean(dim=(1, 2, 3)) / (energy + 1e-12) + 1e-3).sqrt()


def _root(x: Tensor) -> Tensor:
    """Square root with a finite slope at zero."""
    return (x + 1e-6).sqrt() - 1e-3
