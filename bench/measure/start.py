"""Processor seconds of a function's cold start: importing its module, and being ready for the first message."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BUDGET_S = {"ingest": 0.6, "scan": 2.0}
"""Of the import, by the architecture."""

_RUNS = 5
# Ready: the ports are composed and the clients that nearly every function calls first are made.
_CHILD = """
import json, os
def spent():
    used = os.times()
    return used.user + used.system
import app
imported = spent()
from rightscan import runtime
runtime.ports()
from rightscan.adapters.aws.clients import shared_client
for service in ("dynamodb", "s3", "sqs"):
    shared_client(service)
print(json.dumps([imported, spent()]))
"""


def measure(work: Path) -> dict[str, Any]:
    """Median of five fresh interpreters per function, byte code compiled before."""
    found = {}
    for folder in sorted(path.parent for path in (ROOT / "functions").glob("*/app.py")):
        _start(folder, work)
        runs = [_start(folder, work) for _ in range(_RUNS)]
        imported, ready = (statistics.median(run[kind] for run in runs) for kind in (0, 1))
        found[folder.name] = {
            "import_cpu_s": round(imported, 2),
            "ready_cpu_s": round(ready, 2),
            "budget_s": BUDGET_S.get(folder.name),
        }
    return {"runs": _RUNS, "functions": found}


def _start(folder: Path, work: Path) -> tuple[float, float]:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(folder),
        "OMP_NUM_THREADS": "1",
        "RIGHTSCAN_BACKEND": "aws",
        "RIGHTSCAN_TABLE": "records",
        "RIGHTSCAN_EVENT_BUS": "rightscan",
        "POWERTOOLS_METRICS_NAMESPACE": "rightscan",
        # Given, so that no metadata service is asked for them; no call is made with them.
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
    }
    told = subprocess.run(
        [sys.executable, "-c", _CHILD], check=True, env=environment, cwd=work, stdout=subprocess.PIPE
    ).stdout
    imported, ready = json.loads(told)
    return imported, ready
