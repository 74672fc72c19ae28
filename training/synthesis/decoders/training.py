"""Teach one decoder: spectra at several resolutions, for some a small discriminator; measure what came of it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from training.synthesis.decoders.families import Decoder
from training.synthesis.decoders.layers import Mel
from training.synthesis.sound import Sound

_SIZES = (256, 512, 1024, 2048)
_LEAST = 1e-3  # magnitudes below count as this: about the noise of 16 bits under a window
_LOUDNESS = 0.1  # RMS of every training segment: decoders need not learn levels


def spectral_loss(made: Tensor, true: Tensor) -> Tensor:
    """Log magnitude and spectral convergence over four resolutions (Yamamoto et al. 2020), float32 scalar."""
    total = made.new_zeros(())
    for size in _SIZES:
        window = torch.hann_window(size)
        a, b = (
            torch.stft(x, size, size // 4, window=window, center=True, return_complex=True).abs()
            for x in (made, true)
        )
        total = total + (torch.log(a.clamp(min=_LEAST)) - torch.log(b.clamp(min=_LEAST))).abs().mean()
        total = total + torch.linalg.norm(a - b) / torch.linalg.norm(b).clamp(min=1e-3)
    return total / len(_SIZES)


class Discriminator(nn.Module):
    """HiFi-GAN's multi-period discriminator, much narrower: the sound folded at 2, 3, 5, 7 and 11 samples."""

    PERIODS = (2, 3, 5, 7, 11)

    def __init__(self) -> None:
        super().__init__()
        self.nets = nn.ModuleList()
        for _ in self.PERIODS:
            layers: list[nn.Module] = []
            for inputs, outputs in ((1, 8), (8, 16), (16, 32)):
                layers += [nn.Conv2d(inputs, outputs, (5, 1), (3, 1), (2, 0)), nn.LeakyReLU(0.1)]
            self.nets.append(nn.Sequential(*layers, nn.Conv2d(32, 1, (3, 1), padding=(1, 0))))

    def forward(self, wave: Tensor) -> list[Tensor]:
        """float32[batch, n] to one map of opinions per period."""
        found = []
        for period, net in zip(self.PERIODS, self.nets, strict=True):
            length = wave.shape[-1] // period * period
            found.append(net(wave[:, :length].reshape(wave.shape[0], 1, -1, period)))
        return found


@dataclass(frozen=True)
class Outcome:
    """How a training went: steps, processor seconds, parameters, last loss."""

    steps: int
    seconds: float
    parameters: int
    loss: float


def segments(pool: list[Sound], decoder: Decoder, rng: np.random.Generator, device: str) -> Tensor:
    """A batch of stretches of equal loudness, float32[batch, n]."""
    length = round(decoder.segment_s * decoder.rate) // 2 * 2
    rows = []
    while len(rows) < decoder.batch:
        sound = pool[int(rng.integers(len(pool)))]
        if sound.size <= length:
            continue
        start = int(rng.integers(sound.size - length))
        part = sound[start : start + length]
        loudness = float(np.sqrt(np.mean(part**2)))
        if loudness > 1e-3:
            rows.append(
                part * np.float32(min(_LOUDNESS / loudness, 0.95 / max(float(np.abs(part).max()), 1e-6)))
            )
    return torch.from_numpy(np.stack(rows)).to(device)


def train(
    decoder: Decoder, network: nn.Module, pool: list[Sound], budget_s: float, *, seed: int, device: str
) -> Outcome:
    """Teach a network for so many seconds.

    Args:
        decoder: its family.
        network: freshly initialised, on ``device``; taught in place.
        pool: sounds of the train split, float32[n] each, at the family's rate.
        budget_s: seconds of the processor, or of the clock on a GPU.
        seed: of the segments.
        device: ``cpu`` or ``cuda``.

    Returns:
        What it took.
    """
    torch.set_default_device(device)
    rng = np.random.default_rng(seed)
    optimiser = torch.optim.AdamW(network.parameters(), decoder.rate_of_learning, betas=(0.8, 0.99))
    critic = Discriminator() if decoder.adversarial else None
    critic_optimiser = torch.optim.AdamW(critic.parameters(), 5e-4, betas=(0.8, 0.99)) if critic else None
    network.train()
    clock = (
        time.process_time if device == "cpu" else time.monotonic
    )  # a shared processor must not cost quality
    began, steps, smooth = clock(), 0, math.nan
    while (spent := clock() - began) < budget_s:
        share = spent / budget_s
        for group in optimiser.param_groups:
            group["lr"] = decoder.rate_of_learning * min(1.0, (steps + 1) / 20) * (0.05 + 0.95 * (1 - share))
        true = segments(pool, decoder, rng, device)
        if hasattr(network, "loss"):
            loss = network.loss(true)
        else:
            made = network(true)
            loss = spectral_loss(made, true) + 2 * (made - true).abs().mean()
            if critic is not None and critic_optimiser is not None and share > 0.5:
                _teach_critic(critic, critic_optimiser, made.detach(), true)
                loss = loss + 0.1 * sum((1 - opinion).square().mean() for opinion in critic(made))
        optimiser.zero_grad()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        if torch.isfinite(norm):
            optimiser.step()
        value = float(loss.detach())
        smooth = value if math.isnan(smooth) else 0.98 * smooth + 0.02 * value
        steps += 1
    network.eval()
    parameters = sum(weight.numel() for weight in network.parameters())
    return Outcome(steps, clock() - began, parameters, smooth)


def _teach_critic(
    critic: Discriminator, optimiser: torch.optim.Optimizer, made: Tensor, true: Tensor
) -> None:
    loss = sum((1 - opinion).square().mean() for opinion in critic(true))
    loss = loss + sum(opinion.square().mean() for opinion in critic(made))
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()


def resynthesise(network: nn.Module, sound: Sound, *, seed: int, device: str) -> Sound:
    """A whole clip through a network, float32[n] to float32[n]; brought to the loudness of training and back."""
    loudness = max(float(np.sqrt(np.mean(sound**2))), 1e-5)
    gain = np.float32(min(_LOUDNESS / loudness, 0.95 / max(float(np.abs(sound).max()), 1e-6)))
    torch.set_default_device(device)
    torch.manual_seed(seed)
    with torch.inference_mode():
        made = network(torch.from_numpy(np.ascontiguousarray(sound * gain))[None].to(device))[0]
    return np.asarray(made.cpu().numpy() / gain, dtype=np.float32)


def mel_agreement(made: Sound, true: Sound, rate: int) -> tuple[float, float]:
    """How near a resynthesis comes to its clip, in log mel magnitudes within 50 dB of the clip's loudest.

    Returns:
        Mean distance, dB, and the correlation of what varies in time in each band: a decoder that ignores its
        input can come near in the mean, its correlation stays at 0.
    """
    mel = Mel(rate, 1024, 256, 80).cpu()
    a, b = (mel(torch.from_numpy(x)[None].cpu())[0] * (20 / math.log(10)) for x in (made, true))
    heard = b > b.max() - 50
    distance = float((a - b).abs()[heard].mean())
    a, b = (x.clamp(min=float(b.max()) - 60) for x in (a, b))
    a, b = a - a.mean(dim=1, keepdim=True), b - b.mean(dim=1, keepdim=True)
    return distance, float((a * b).sum() / (a.norm() * b.norm()).clamp(min=1e-6))
