"""Make fakes and their real counterparts: ``python -m training.synthesis.fakes --media DIR --out DIR``.

Of a clip there is one real file per sample rate, and its fakes at that rate: same stretch, same loudness, same
end of the band, both 16-bit FLAC. What is left to tell them apart is what the family did.
"""

from __future__ import annotations

import argparse
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.synthesis.classical import CLASSICAL, VOICE_ONLY
from training.synthesis.index import Row, append, read, row_of
from training.synthesis.sound import Sound, band_edge, band_limited, resample, rms, write_flac
from training.synthesis.sources import Clip, admitted, choose, clips, own_music, sounds

_BLOCK = 60  # rows between two appends: readers may begin early
_LOUDEST = 0.98

Resynthesis = Callable[[Sound, int, np.random.Generator], tuple[Sound, str]]


@dataclass(frozen=True)
class Maker:
    """A family ready to resynthesise.

    Attributes:
        family: as the index names it.
        lattice: 1 where it leaves lines at multiples of rate / k.
        rate: at which it works, Hz; None is the source's own.
        kinds: of clips that it takes.
        resynthesise: ``(sound float32[n], rate, rng)`` to ``(float32[n], settings)``.
    """

    family: str
    lattice: int
    rate: int | None
    kinds: frozenset[str]
    resynthesise: Resynthesis


def matched(real: Sound, fake: Sound, rate: int, edge_hz: float) -> Sound:
    """A fake with the band and the loudness of its real clip.

    Args:
        real: float32[n], already without what lies above the edge.
        fake: float32[n].
        rate: of both, Hz.
        edge_hz: where the real clip's band ends.

    Returns:
        float32[n], peak at most 0.98.

    Raises:
        ValueError: the fake is silent or not finite.
    """
    limited = band_limited(fake, rate, edge_hz)
    loudness = rms(limited)
    if not np.isfinite(loudness) or loudness < 1e-7:
        raise ValueError("the resynthesis is silent or not finite")
    out = limited * np.float32(rms(real) / loudness)
    peak = float(np.abs(out).max())
    return np.asarray(out * min(1.0, _LOUDEST / peak), dtype=np.float32)


def seed_of(clip: Clip, family: str) -> int:
    """The seed of a family's draw for a clip: the same at every run."""
    return zlib.crc32(f"{clip.name}/{family}".encode())


def make(makers: Iterable[Maker], chosen: Iterable[Clip], media: Path | None, out: Path) -> Counter[str]:
    """Write the fakes of every family, clip by clip, and the real clips that they belong to.

    What the index lists already is left as it is.

    Returns:
        By family how many fakes were made.
    """
    makers = list(makers)
    known = {row["path"] for row in read(out)} if (out / "index.csv").exists() else set()
    rows: list[Row] = []
    count: Counter[str] = Counter()
    todo = [
        clip
        for clip in chosen
        if any(_path(maker, clip) not in known for maker in makers if _takes(maker, clip))
    ]
    for clip, original in sounds(todo, media):
        for maker in makers:
            if _takes(maker, clip) and _path(maker, clip) not in known:
                rows += _pair(maker, clip, original, out)
                count[maker.family] += 1
        if len(rows) >= _BLOCK:
            append(out, rows)
            rows = []
    append(out, rows)
    return count


def _takes(maker: Maker, clip: Clip) -> bool:
    return clip.source.kind in maker.kinds


def _path(maker: Maker, clip: Clip) -> str:
    return f"fake/{maker.family}/{clip.name}.flac"


def _pair(maker: Maker, clip: Clip, original: Sound, out: Path) -> list[Row]:
    rate = maker.rate or clip.source.rate
    edge_hz = min(band_edge(original, clip.source.rate), rate / 2)
    real = band_limited(resample(original, clip.source.rate, rate), rate, edge_hz)
    real_path = f"real/{rate}/{clip.name}.flac"
    if not (out / real_path).exists():
        write_flac(out / real_path, real, rate)
    rng = np.random.default_rng(seed_of(clip, maker.family))
    fake, settings = maker.resynthesise(real, rate, rng)
    path = _path(maker, clip)
    write_flac(out / path, matched(real, fake, rate, edge_hz), rate)
    return [
        row_of(clip, real_path, "real", 0, rate, f"edge_hz={edge_hz:.0f}"),
        row_of(clip, path, maker.family, maker.lattice, rate, settings),
    ]


def classical_makers() -> list[Maker]:
    """The families that need no training."""
    voice, both = frozenset({"voice"}), frozenset({"voice", "music"})
    return [
        Maker(name, 0, None, voice if name in VOICE_ONLY else both, family)
        for name, family in CLASSICAL.items()
    ]


def chosen_clips(media: Path | None, own: int, most: int) -> list[Clip]:
    """The clips of a run: of the media folder where there is one, and of our own music."""
    sources = own_music(own) + (admitted(media) if media else [])
    return choose([clip for clip in clips(sources) if clip.source.kind != "noise"], most)


def main() -> None:
    """Read the command line and make what it asks for."""
    parser = argparse.ArgumentParser(prog="python -m training.synthesis.fakes", description=__doc__)
    parser.add_argument(
        "--media", type=Path, help="media folder with MANIFEST.csv; without it own music alone"
    )
    parser.add_argument("--out", type=Path, required=True, help="where FLAC files and index.csv go")
    parser.add_argument("--families", default="classical", help="classical, or names with commas between")
    parser.add_argument("--n", type=int, default=0, help="most clips per kind and split; 0 is all")
    parser.add_argument("--kinds", default="voice,music", help="of clips")
    parser.add_argument("--own", type=int, default=60, help="pieces of the synthesiser")
    args = parser.parse_args()
    makers = classical_makers()
    if args.families != "classical":
        names = args.families.split(",")
        makers = [maker for maker in makers if maker.family in names]
    chosen = chosen_clips(args.media, args.own, args.n)
    chosen = [clip for clip in chosen if clip.source.kind in args.kinds.split(",")]
    began = time.monotonic()
    count = make(makers, chosen, args.media, args.out)
    print(f"{sum(count.values())} fakes in {time.monotonic() - began:.0f} s: {dict(count)}", flush=True)


if __name__ == "__main__":
    main()
