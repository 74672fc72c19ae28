"""What all tests share: the repository's own folders on the path, and where real media lies."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
for folder in (ROOT, ROOT / "tests"):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

# Functions read these from the template; tests of handlers run outside it.
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "rightscan")
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
os.environ.setdefault("AWS_DEFAULT_REGION", "ap-northeast-2")


@pytest.fixture(scope="session")
def media_folder() -> Path:
    """Real media; the test is skipped where there is none."""
    folder = os.environ.get("RIGHTSCAN_MEDIA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("RIGHTSCAN_MEDIA names no folder of real media")
    return Path(folder)
