"""``python -m bench.likeness run``: how well the shipped encoder, or another one, tells voices apart."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from bench.likeness import report
from bench.likeness.run import measure
from bench.pages import write_section
from bench.processes import cores

from rightscan.likeness import Encoder
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
    one.add_argument("--json", type=Path, default=ROOT / KEPT, help="file to keep the figures in")
    one.add_argument("--write", action="store_true", help=f"fill in {FIGURES}")
    given = parser.parse_args(words)
    return int(given.command(given))


def _run(given: argparse.Namespace) -> int:
    if given.media is None:
        sys.exit("--media or RIGHTSCAN_MEDIA names the folder of media")
    encoder = Encoder.load(given.encoder, given.folder)
    rows = measure(encoder, given.media, given.singers, lambda line: print(line, flush=True))
    body = {"head": _head(encoder, given), "rows": [row.told() for row in rows]}
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", "utf-8")
    lines = report.lines(body["rows"], body["head"])
    sys.stdout.write("\n".join(lines) + "\n")
    if given.write:
        write_section(ROOT / FIGURES, SECTION, lines)
    return 0


def _head(encoder: Encoder, given: argparse.Namespace) -> dict[str, str]:
    singing = " --singers DIR" if given.singers else ""
    return {
        "encoder": encoder.name,
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m bench.likeness run --media DIR{singing}",
        "machine": f"{cores()} cores, Python {platform.python_version()}",
    }


if __name__ == "__main__":
    sys.exit(main())
