"""Peak memory of the guarded child that decodes, fingerprints and looks for synthesis, for a short and a long file."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.measure.material import UPLOAD_S, excerpt, pieces

from rightscan.engines import EngineSettings
from rightscan.jobs.analysis import FEATURES_FILE, analyse_guarded
from rightscan.media.limits import Limits

_LENGTHS_S = {"three_minutes": UPLOAD_S, "two_hours": 7200.0}


def measure(work: Path) -> dict[str, Any]:
    """Megabytes of resident memory and processor seconds, each from a process of its own."""
    sources = pieces(work, range(1, 4), "mp3")["mp3"]
    found: dict[str, Any] = {}
    for name, seconds in _LENGTHS_S.items():
        path = work / f"{name}.mp3"
        excerpt(sources, path, 0.0, seconds)
        # A fresh process: what the kernel reports of a child begins at the size of the process it came from.
        told = subprocess.run(
            [sys.executable, "-m", "bench.measure.memory", str(path)], check=True, stdout=subprocess.PIPE
        ).stdout
        found[name] = json.loads(told)
        path.unlink()
    return found | {"ratio": round(found["two_hours"]["peak_mb"] / found["three_minutes"]["peak_mb"], 2)}


def _analyse(path: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        told = analyse_guarded(path, Path(folder) / FEATURES_FILE, Limits(), EngineSettings())
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "sound_s": round(told["duration_s"], 1),
        "complete": told["complete"],
        "peak_mb": round(used.ru_maxrss * 1024 / 1e6, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_analyse(Path(sys.argv[1]))))
