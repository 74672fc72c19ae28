"""Train, measure and ship the learned voice detector.

    python -m training.synthesis.voice --index fakes/index.csv --media MEDIA --out shared/rightscan/models/shipped

Everything is seeded and single-threaded: the same clips give the same model.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from training.synthesis.voice import train

_CACHE = Path("build/voice")


def main() -> None:
    """Read the options and run the steps."""
    parser = argparse.ArgumentParser(prog="training.synthesis.voice", description=__doc__)
    parser.add_argument("--index", type=Path, required=True, help="index.csv of training.synthesis.decoders")
    parser.add_argument("--media", type=Path, help="folder with ai/, voices/, music/ for the unseen test")
    parser.add_argument("--out", type=Path, required=True, help="folder of shipped models")
    parser.add_argument("--cache", type=Path, default=_CACHE, help="where measured clips are kept")
    parser.add_argument("--chains", type=int, default=2, help="drawn chains beside the clean one")
    parser.add_argument("--most", type=int, default=40, help="clips of a family")
    parser.add_argument("--date", default=time.strftime("%Y-%m-%d"), help="of the card")
    parser.add_argument("--report", type=Path, help="write all figures here (JSON)")
    options = parser.parse_args()
    figures = train.run(
        train.Plan(
            index=options.index,
            media=options.media,
            out=options.out,
            cache=options.cache,
            chains=options.chains,
            most=options.most,
            date=options.date,
        ),
        lambda line: print(f"{time.process_time():7.1f} s  {line}", flush=True),
    )
    if options.report:
        options.report.parent.mkdir(parents=True, exist_ok=True)
        options.report.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
