"""Processor time and memory of an engine, each length in a process of its own: a file of music made here."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.processes import own_peak_mb
from bench.sound import RATE, write_wav
from bench.synth import render
from bench.synthesis.engine import load

LENGTHS_S = (20.0, 60.0, 180.0)
_SEED = 74_000_000
_RUNS = 3


def measure(engine: str, work: Path) -> dict[str, Any]:
    """Return processor seconds and megabytes for each length, and of the engine before it is asked anything long.

    Times are the median of three questions after a first one of a second; memory is the peak of the whole process,
    numpy and the file's decoder included. The engine is given the path of a 16-bit stereo file.
    """
    lengths: dict[str, Any] = {}
    for seconds in (1.0, *LENGTHS_S):
        with tempfile.TemporaryDirectory(dir=work) as folder:
            path = Path(folder) / "piece.wav"
            write_wav(path, render(_SEED, seconds)[: round(seconds * RATE)])
            told = subprocess.run(
                [sys.executable, "-m", "bench.synthesis.cost", engine, str(path)],
                check=True,
                stdout=subprocess.PIPE,
            ).stdout
        lengths[f"{seconds:g}"] = json.loads(told)
    idle = lengths.pop("1")
    return {"start": idle, "lengths": lengths}


def peak_mb() -> float:
    """Return the largest resident set of this process's own program.

    Where the kernel tells it: what ``getrusage`` reports begins at the size of the process this one came from.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text("utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return own_peak_mb()


def _ask(name: str, path: Path) -> dict[str, Any]:
    began = time.process_time()
    engine = load(name)
    loading = time.process_time() - began
    spent = []
    for _ in range(_RUNS + 1):
        began = time.process_time()
        engine(path)
        spent.append(time.process_time() - began)
    median = sorted(spent[1:])[_RUNS // 2]
    return {
        "load_cpu_s": round(loading, 3),
        "first_cpu_s": round(spent[0], 3),
        "cpu_s": round(median, 3),
        "peak_mb": round(peak_mb(), 1),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_ask(sys.argv[1], Path(sys.argv[2]))))
