"""An external harness in place of this bench: prepare, run and report of a script with that interface.

The adapter it loads is ``bench/fingerprint_adapter.py``. Needs ``make bench-deps``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ADAPTER = Path(__file__).resolve().parents[1]


def measure(
    script: Path,
    music: Path,
    noise: Path | None,
    voices: Path | None,
    *,
    n: int,
    seed: int,
    jobs: int,
    work: Path,
) -> int:
    """Run the harness; its files and its report stay in ``work``.

    Args:
        script: the harness, with the commands ``prepare``, ``run`` and ``report``.
        music: folder of music; the harness deals it.
        noise: folder of noise.
        voices: folder of speech.
        n: queries a cell.
        seed: of the harness.
        jobs: processes.
        work: scratch folder.
    """
    work.mkdir(parents=True, exist_ok=True)
    given = ["--music", str(music.resolve())]
    given += ["--noise", str(noise.resolve())] if noise else []
    given += ["--voices", str(voices.resolve())] if voices else []
    steps = (
        ["prepare", *given, "--n", str(n), "--seed", str(seed), "--jobs", str(jobs)],
        ["run", "--adapter", "fingerprint_adapter:Rightscan", "--procs", str(jobs)],
        ["report"],
    )
    paths = [str(ADAPTER), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    for step in steps:
        done = subprocess.run(
            [sys.executable, str(script.resolve()), *step, "--work", str(work.resolve())],
            env=environment,
            check=False,
        )
        if done.returncode:
            print(f"{script.name} {step[0]} ended with {done.returncode}", file=sys.stderr)
            return done.returncode
    return 0
