"""Write units of DynamoDB per way of an upload, as the contract test counts them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
_TEST = "tests/contract/test_write_units.py"
_LINE = re.compile(r"^(?P<way>[a-z][a-z -]+): (?P<units>\d+) write units: ", re.MULTILINE)


def measure(work: Path) -> dict[str, Any]:
    """Units by way of an upload, in the words of the test.

    Raises:
        RuntimeError: the test failed, or no longer says what it counted.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", _TEST],
        check=False,
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    units = {match["way"]: int(match["units"]) for match in _LINE.finditer(done.stdout)}
    if done.returncode or not units:
        raise RuntimeError(f"{_TEST} ended with status {done.returncode}:\n{done.stdout[-2000:]}")
    return units
