"""The cost on a report's cover is that of the model which docs/deploy.md quotes."""

from __future__ import annotations

import pytest
from bench.cost_model import month

from rightscan.jobs.report import DOLLARS_PER_HOUR

FILE_S = 210.0
"""The model's file."""


def test_an_hour_costs_what_the_cost_model_says():
    files = 1_000_000.0
    base, full = month(0.0), month(files)
    moving = sum(full[part] - base[part] for part in full if "kept" not in part and "storage" not in part)
    assert moving / (files * FILE_S / 3600) == pytest.approx(DOLLARS_PER_HOUR, rel=0.1)
