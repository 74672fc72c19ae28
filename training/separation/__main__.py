"""``python -m training.separation all``: train the separator, measure it, write file and card (docs/models.md)."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

WORK = Path("build/training/separation")
SHIPPED = Path("shared/rightscan/models/shipped/separator-small")


def main() -> None:
    """Parse the command line and do what it says."""
    parser = argparse.ArgumentParser(prog="python -m training.separation", description=__doc__)
    parser.add_argument("step", choices=["train", "export", "all"])
    parser.add_argument("--media", type=Path, default=os.environ.get("RIGHTSCAN_MEDIA"), help="real media")
    parser.add_argument(
        "--minutes", type=float, default=36.0, help="of processor time (of wall time on a GPU)"
    )
    parser.add_argument("--batch", type=int, default=8, help="mixes a step")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=3e-3, help="of learning, at its highest")
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--n", type=int, default=39, help="mixes for each condition of the report")
    parser.add_argument("--work", type=Path, default=WORK, help="folder of intermediate results")
    parser.add_argument("--out", type=Path, default=SHIPPED, help="folder of the model")
    options = parser.parse_args()
    if options.media is None:
        sys.exit("name the folder of real media: --media, or RIGHTSCAN_MEDIA")
    from training.separation.export import export
    from training.separation.material import gather
    from training.separation.train import Settings, train

    weights = options.work / "weights.pt"
    material = gather(options.media, "train", options.work)
    if options.step in ("train", "all"):
        settings = Settings(
            minutes=options.minutes,
            batch=options.batch,
            rate=options.rate,
            seed=options.seed,
            device=options.device,
        )
        train(material, settings, weights, options.start)
    if options.step in ("export", "all"):
        held_out = gather(options.media, "held_out", options.work)
        done = export(weights, material, held_out, options.media, options.out, options.n)
        for row in done["errors"]:
            print({key: value for key, value in row.items() if value is not None})
        print(f"{done['cost_cpu_s_per_minute']} CPU-seconds for a minute of stereo sound at 44.1 kHz")


if __name__ == "__main__":
    main()
