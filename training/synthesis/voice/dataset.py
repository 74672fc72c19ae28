"""From clips to rows of features: every clip clean and through drawn chains, cached beside the index.

A group (a real clip and its fakes) draws its chains from its own name, so both classes see the same ones.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import UsageError
from rightscan.synthesis.voice import FEATURES, features
from rightscan.synthesis.voice.sound import RATE
from training.synthesis.voice.augment import CLEAN, Chain, apply, draw
from training.synthesis.voice.corpus import Clip, load

LONGEST_S = 8.0  # of one clip: many people say more than one person at length


@dataclass(frozen=True)
class Rows:
    """Windows of all clips: ``values`` float32[n, F]; the rest str or numbers [n].

    ``clip`` numbers the clip and chain a window came from: windows of one clip are pooled, never split.
    """

    values: NDArray[np.float32]
    fake: NDArray[np.bool_]
    family: NDArray[np.str_]
    site: NDArray[np.str_]
    subject: NDArray[np.str_]
    group: NDArray[np.str_]
    chain: NDArray[np.str_]
    clip: NDArray[np.int64]
    bandwidth_hz: NDArray[np.float32]

    def __len__(self) -> int:
        return int(self.fake.size)

    def where(self, kept: NDArray[np.bool_]) -> Rows:
        """Return the rows where ``kept`` bool[n] holds."""
        return Rows(**{field.name: getattr(self, field.name)[kept] for field in fields(Rows)})


def chains_of(group: str, count: int) -> list[Chain]:
    """Return the clean chain and ``count`` drawn ones; the name of the group is the seed."""
    seed = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16)
    return [CLEAN] + [draw(seed + k) for k in range(count)]


def measure(clips: list[Clip], chains: int, cache: Path) -> Rows:
    """Measure clips under the clean and ``chains`` drawn chains, one cached file per clip.

    Raises:
        UsageError: code ``no_voices``, when no window had enough voice.
    """
    cache.mkdir(parents=True, exist_ok=True)
    parts: dict[str, list[NDArray[np.generic]]] = {field.name: [] for field in fields(Rows)}
    number = 0
    for clip in clips:
        for chain, (values, bandwidth) in zip(
            chains_of(clip.group, chains), _windows(clip, chains, cache), strict=True
        ):
            n = values.shape[0]
            facts = {
                "values": values,
                "fake": np.full(n, clip.fake),
                "family": np.full(n, clip.family),
                "site": np.full(n, clip.site),
                "subject": np.full(n, f"{clip.site}/{clip.subject}"),
                "group": np.full(n, clip.group),
                "chain": np.full(n, chain.word),
                "clip": np.full(n, number),
                "bandwidth_hz": bandwidth,
            }
            number += 1
            for name, part in facts.items():
                parts[name].append(part)
    if not number:
        raise UsageError(
            "no_voices", "the index names no clip", "Make fakes first: training.synthesis.decoders."
        )
    return Rows(**{name: np.concatenate(part) for name, part in parts.items()})


def _windows(clip: Clip, chains: int, cache: Path) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Return per chain the judged windows' values float32[T, F] and bandwidths float32[T]."""
    stored = cache / f"{stamp(clip, chains)}.npz"
    if not stored.exists():
        sound = load(clip.path)[: round(LONGEST_S * RATE)]
        measured = [features(apply(sound, chain), RATE) for chain in chains_of(clip.group, chains)]
        arrays = {}
        for k, one in enumerate(measured):
            arrays[f"v{k}"] = one.values[one.judged]
            arrays[f"b{k}"] = one.bandwidth_hz[one.judged]
        np.savez(stored, **arrays)
    with np.load(stored) as held:
        return [(held[f"v{k}"], held[f"b{k}"]) for k in range(chains + 1)]


def stamp(clip: Clip, chains: int) -> str:
    """Return a word for what was measured: the bytes of the clip, its group, the chains, the features."""
    content = hashlib.sha256(clip.path.read_bytes())
    content.update(f"{FEATURES}|{clip.group}|{chains}|{LONGEST_S}".encode())
    return content.hexdigest()[:24]
