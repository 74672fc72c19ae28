"""``python -m bench.likeness run``: how well the shipped encoder, or another one, tells voices apart."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.likeness import report
from bench.likeness.run import measure
from bench.pages import write_section
from bench.sound import RATE
from bench.synth.programme import speech_like

from rightscan.likeness import Encoder, Listener
from rightscan.likeness.encoder import SHIPPED_ENCODER

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path("build/likeness/figures.json")
FIGURES = Path("docs/figures.md")
SECTION = "likeness run"


def main(words: Sequence[str] | None = None) -> int:
    """Parse and run."""
    parser = argparse.ArgumentParser(prog="python -m bench.likeness", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    one = commands.add_parser("run", help="all trials that the media allow")
    one.set_defaults(command=_run)
    one.add_argument("--media", type=Path, default=os.environ.get("RIGHTSCAN_MEDIA"), help="folder of media")
    one.add_argument(
        "--singers", type=Path, help="folder of singers with index.csv: path,person,group,register"
    )
    one.add_argument("--encoder", default=SHIPPED_ENCODER, help="name of the encoder")
    one.add_argument("--folder", type=Path, action="append", default=[], help="of plugged-in models")
    other = commands.add_parser("write", help=f"fill in {FIGURES} from what was kept")
    other.set_defaults(command=_write)
    price = commands.add_parser("cost", help="processor time of a minute of talk made here")
    price.set_defaults(command=_cost)
    for command in (one, other):
        command.add_argument("--json", type=Path, default=ROOT / KEPT, help="file that keeps the figures")
    given = parser.parse_args(words)
    return int(given.command(given))


def _run(given: argparse.Namespace) -> int:
    if given.media is None:
        sys.exit("--media or RIGHTSCAN_MEDIA names the folder of media")
    encoder = Encoder.load(given.encoder, given.folder)
    rows = measure(encoder, given.media, given.singers, lambda line: print(line, flush=True))
    report.keep(given.json, encoder, rows, singers=given.singers is not None)
    sys.stdout.write("\n".join(report.lines(json.loads(given.json.read_text("utf-8")))) + "\n")
    return 0


def _write(given: argparse.Namespace) -> int:
    write_section(ROOT / FIGURES, SECTION, report.lines(json.loads(given.json.read_text("utf-8"))))
    return 0


def _cost(given: argparse.Namespace) -> int:
    encoder, talk = Encoder.load(), speech_like(1, 60.0)
    spent = []
    for _ in range(4):  # the first one loads what the others find loaded
        listener, began = Listener(encoder), time.process_time()
        for start in range(0, len(talk), 4 * RATE):
            listener.add(talk[start : start + 4 * RATE])
        heard = listener.finish()
        spent.append(time.process_time() - began)
    sys.stdout.write(
        f"{statistics.median(spent[1:]):.2f} CPU-s for a minute with {heard.voiced_s:.0f} s of voice\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
