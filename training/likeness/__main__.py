"""``python -m training.likeness all|pool|train|finish --media DIR``: the voice encoder, from voices to the card."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from training.likeness import pool as pools
from training.likeness.finish import NAME, finish
from training.likeness.pool import Pool
from training.likeness.train import Settings, device_of, train

SHIPPED = Path(__file__).resolve().parents[2] / "shared/rightscan/models/shipped" / NAME
_PARTS = ("noises", "recorded", "varied")


def main(words: Sequence[str] | None = None) -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="python -m training.likeness", description=__doc__)
    parser.add_argument("step", choices=("all", "pool", "train", "finish"))
    parser.add_argument("--media", type=Path, required=True, help="folder with MANIFEST.csv")
    parser.add_argument("--build", type=Path, default=Path("build/likeness"), help="pool and weights")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of the model")
    parser.add_argument("--part", action="append", choices=_PARTS, help="of the pool; all by default")
    parser.add_argument("--rate", type=float, default=3e-3, help="of learning, at its highest")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--singers", type=Path, help="folder of singers for the error table")
    parser.add_argument(
        "--minutes", type=float, default=22.0, help="of processor time; of wall time on a GPU"
    )
    parser.add_argument("--people", type=int, default=32, help="in a batch")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda"))
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(words)
    folder, weights = given.build / "pool", given.build / "weights.pt"
    if given.step in ("all", "pool"):
        pools.main(["--media", str(given.media), "--out", str(folder)])
    if given.step in ("all", "train"):
        settings = Settings(
            given.minutes, given.people, given.rate, seed=given.seed, device=device_of(given.device)
        )
        train(
            Pool.read([folder / f"{part}.npz" for part in given.part or _PARTS]),
            settings,
            weights,
            given.start,
        )
    if given.step in ("all", "finish"):
        finish(weights, given.media, given.out, given.singers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
