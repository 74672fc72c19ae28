"""Content versions of what a verdict depends on; never the version number of a deployment."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache

from rightscan.fingerprint.parameters import PIPELINE
from rightscan.index.calibration import CALIBRATION
from rightscan.records.base import content_hash
from rightscan.rights.codes import code_table


def pipeline_version() -> str:
    """Of what stored features depend on: the fingerprint's parameters (later also models that write features)."""
    return PIPELINE


@cache
def score_version() -> str:
    """Of what turns features into words: the calibration of the score and the rules."""
    return content_hash(
        {"pipeline": PIPELINE, "calibration": asdict(CALIBRATION), "codes": code_table().version}
    )


def rules_version() -> str:
    """Of the rule table that turns axes into codes."""
    return code_table().version
