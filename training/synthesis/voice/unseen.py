"""The test that counts: published outputs of real generators against real voices, none of them ever trained on.

The fakes come in other rates and formats than the reals. So each is measured twice: as it lies there, and after
both classes went through the same chain (16 kHz, one level, MP3 at 64 kbit/s): only the second is a fair AUC.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.voice import FEATURES, features
from rightscan.synthesis.voice.sound import RATE
from training.synthesis.voice.augment import CLEAN, Chain, apply
from training.synthesis.voice.corpus import load

SUFFIXES = (".wav", ".mp3", ".ogg", ".opus", ".flac", ".m4a")
CHAINS: dict[str, Chain] = {
    "as it is": CLEAN,
    "matched": Chain(0, None, None, None, None, None, False, None, None, ("mp3", 16_000, 64_000), -3.0),
}
# The reals that share content or kind with a generator's fakes; music generators meet music by people.
COUNTERPARTS: dict[str, tuple[str, ...]] = {
    "vocos (mel)": ("vocos_demo_mel", "vocos_demo_encodec"),
    "vocos (EnCodec)": ("vocos_demo_encodec", "vocos_demo_mel"),
    "codec_encodec": ("vocos_demo_encodec", "vocos_demo_mel"),
    "melgan_seungwonpark": ("melgan_seungwonpark", "vocos_demo_mel", "vocos_demo_encodec"),
    "saebyulgan_griffinlim_recon": ("saebyulgan_korean_svs",),
    "saebyulgan_korean_svs": ("saebyulgan_korean_svs",),
    "deezer_encodec24": ("deezer_fma",),
    "deezer_musika": ("deezer_fma",),
    "ddsp_vst": ("ddsp_vst",),
}
MUSIC = "music"
AS_IT_IS, MATCHED = "as it is", "matched"
LARGEST_SITE = "librispeech_train_clean_1each"  # heard as it is alone: no generator is compared with it
VOICE_SITES = (
    LARGEST_SITE,
    "librispeech_test_other",
    "dali_librispeech_237",
    "librosa_data",
)
LONGEST_S, MUSIC_S = 32.0, 16.0


@dataclass(frozen=True)
class Piece:
    """One file of the test, measured: ``values`` float32[T, F] of its judged windows."""

    path: Path
    fake: bool
    generator: str
    site: str
    person: str
    values: NDArray[np.float32]


def files(media: Path) -> Iterator[tuple[Path, bool, str, str, str]]:
    """Yield path, is it fake, generator, site and person of every file of the test, in order of names."""
    for path in sorted((media / "ai").rglob("*")):
        if path.suffix.lower() in SUFFIXES:
            generator, kind = path.parent.parent.name, path.parent.name
            if generator == "vocos":
                generator = "vocos (mel)" if "_mel_" in path.name else "vocos (EnCodec)"
            yield path, kind == "fake", generator, generator, path.stem
    for folder, depth in (("voices", 1), (MUSIC, 1)):
        for path in sorted((media / folder).rglob("*")):
            if path.suffix.lower() in SUFFIXES:
                parts = path.relative_to(media).parts
                site = parts[depth] if folder == "voices" else f"{MUSIC}/{parts[depth]}"
                yield path, False, "", site, parts[2] if folder == "voices" else path.stem


def measure(
    media: Path,
    chain: str,
    cache: Path,
    trained: frozenset[str] = frozenset(),
    people: frozenset[str] = frozenset(),
) -> list[Piece]:
    """Measure the test under one of ``CHAINS``.

    Args:
        media: folder with ``ai``, ``voices`` and ``music``.
        chain: name of the chain.
        cache: where measured files are kept.
        trained: files that were trained on, relative to ``media``; left out.
        people: people whose voices were trained on, by number; left out wherever they occur.
    """
    cache.mkdir(parents=True, exist_ok=True)
    pieces = []
    for path, fake, generator, site, person in files(media):
        if not _heard(chain, site):
            continue
        if str(path.relative_to(media)) in trained or (site in VOICE_SITES and person in people):
            continue
        stamp = hashlib.sha256(
            f"{FEATURES}|{path}|{path.stat().st_size}|{CHAINS[chain]}".encode()
        ).hexdigest()
        stored = cache / f"unseen-{stamp[:24]}.npy"
        if not stored.exists():
            longest = MUSIC_S if site.startswith(MUSIC) else LONGEST_S
            sound = load(path)[: round(longest * RATE)]
            measured = features(apply(sound, CHAINS[chain]), RATE)
            np.save(stored, measured.values[measured.judged])
        pieces.append(Piece(path, fake, generator, site, person, np.load(stored)))
    return pieces


def _heard(chain: str, site: str) -> bool:
    """Is a site heard under a chain? What decides no figure of a generator is heard once, not under every chain."""
    return chain == AS_IT_IS or site != LARGEST_SITE
