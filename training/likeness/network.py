"""The network: separable temporal convolutions with dilation, squeeze and excitation, attentive statistics.

A small relative of ECAPA-TDNN (Desplanques et al. 2020): 0.3 million weights, 20 ms frames inside, one embedding
of unit length for any number of frames. The loss is additive angular margin (Deng et al. 2019) over people, plus
angular prototypes (Chung et al. 2020) between two stretches of each.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.likeness.pool import BANDS

DIMENSIONS = 128


class _Squeeze(nn.Module):
    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(channels, inner), nn.Linear(inner, channels)

    def forward(self, x: Tensor) -> Tensor:
        gate: Tensor = torch.sigmoid(self.up(nn.functional.relu(self.down(x.mean(dim=2)))))
        return x * gate[:, :, None]


class _Block(nn.Module):
    """Depthwise convolution over time, then over channels, with a way around."""

    def __init__(self, channels: int, width: int, dilation: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv1d(
                channels, channels, width, padding=dilation * (width // 2), dilation=dilation, groups=channels
            ),
            nn.Conv1d(channels, channels, 1, bias=False),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
            nn.Conv1d(channels, channels, 1, bias=False),
            nn.BatchNorm1d(channels),
            _Squeeze(channels, channels // 4),
        )

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(x + self.body(x))


class Network(nn.Module):
    """float32[batch, frames, 64] of log-mel bands, mean taken out -> float32[batch, 128] of unit length."""

    def __init__(self, channels: int = 192) -> None:
        super().__init__()
        self.enter = nn.Sequential(
            nn.Conv1d(BANDS, channels, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
        )
        self.blocks = nn.ModuleList([_Block(channels, 5, dilation) for dilation in (1, 2, 3)])
        self.join = nn.Sequential(nn.Conv1d(3 * channels, channels, 1), nn.ReLU())
        self.attend = nn.Sequential(nn.Conv1d(channels, 48, 1), nn.Tanh(), nn.Conv1d(48, channels, 1))
        self.leave = nn.Sequential(nn.BatchNorm1d(2 * channels), nn.Linear(2 * channels, DIMENSIONS))
        self.last = nn.BatchNorm1d(DIMENSIONS)

    def forward(self, bands: Tensor) -> Tensor:
        """The embeddings of a batch."""
        return nn.functional.normalize(self.raw(bands), dim=1)

    def raw(self, bands: Tensor) -> Tensor:
        """The embedding before it is brought to unit length."""
        x = self.enter(bands.transpose(1, 2))
        seen = []
        for block in self.blocks:
            x = block(x)
            seen.append(x)
        x = self.join(torch.cat(seen, dim=1))
        weight = torch.softmax(self.attend(x), dim=2)
        mean = (weight * x).sum(dim=2)
        spread = ((weight * x * x).sum(dim=2) - mean * mean).clamp(min=1e-5).sqrt()
        out: Tensor = self.last(self.leave(torch.cat([mean, spread], dim=1)))
        return out


class Margin(nn.Module):
    """Additive angular margin over the people trained on, and angular prototypes over pairs of stretches."""

    def __init__(self, people: int, scale: float = 30.0) -> None:
        super().__init__()
        self.people = nn.Parameter(torch.randn(people, DIMENSIONS) * 0.1)
        self.scale = scale
        self.pair_scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, embedded: Tensor, who: Tensor, margin: float) -> Tensor:
        """The loss.

        Args:
            embedded: float32[2 n, 128] of unit length; rows i and n + i are of one person.
            who: int64[2 n], the person of each row.
            margin: radians.
        """
        cosine = (embedded @ nn.functional.normalize(self.people, dim=1).T).clamp(-1 + 1e-6, 1 - 1e-6)
        moved = torch.cos(torch.acos(cosine) + margin)
        chosen = nn.functional.one_hot(who, cosine.shape[1]).bool()
        by_person = nn.functional.cross_entropy(self.scale * torch.where(chosen, moved, cosine), who)
        half = len(embedded) // 2
        pairs = self.pair_scale.clamp(min=1.0) * (embedded[:half] @ embedded[half:].T)
        at = torch.arange(half, device=embedded.device)
        return by_person + 0.5 * (
            nn.functional.cross_entropy(pairs, at) + nn.functional.cross_entropy(pairs.T, at)
        )
