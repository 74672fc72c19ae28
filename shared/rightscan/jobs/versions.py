"""Content versions of what a verdict depends on; never the version number of a deployment."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from rightscan import harmony, synthesis
from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError, TransientError
from rightscan.fingerprint.parameters import PIPELINE
from rightscan.index.calibration import CALIBRATION
from rightscan.jobs.voice_standards import voice_standards
from rightscan.models import Registry
from rightscan.records.base import content_hash
from rightscan.rights.codes import code_table


def fingerprint_pipeline() -> str:
    """Of what fingerprints depend on: references, the index, and the fingerprint of a scan."""
    return PIPELINE


@cache
def scan_pipeline(engines: EngineSettings) -> str:
    """Of everything that the features of a scan depend on: fingerprint, engines that are on, models, library.

    Raises:
        TransientError: the settings name a model that cannot be used. That is the deployment's fault and no
            file's: the messages wait for the repair.
    """
    content: dict[str, Any] = {"fingerprint": PIPELINE, "harmony": harmony.PIPELINE}
    try:
        content["models"] = Registry.of(engines).content_hash()
    except PermanentError as error:
        raise TransientError(error.code, error.cause, error.remedy) from error
    if engines.lattice:
        content["synthesis"] = synthesis.PIPELINE
        if engines.separator:
            content["stems"] = "fingerprinted"
    if engines.provenance:
        content["provenance"] = _provenance_version(engines.anchors)
    return "scan-" + content_hash(content)


def _provenance_version(anchors: str) -> str:
    """Of the reader of provenance: form of its record, names of generators, C2PA library, anchors."""
    # Imported late: of the functions only scan carries the library.
    import c2pa

    from rightscan.provenance.records import FORMAT
    from rightscan.provenance.vocabulary import load

    return content_hash([FORMAT, load("generators.toml"), c2pa.sdk_version(), anchors])


@cache
def score_version(engines: EngineSettings) -> str:
    """Of what turns features into words: the calibrations of the scores, of the models that are on, and the rules."""
    return content_hash(
        {
            "pipeline": PIPELINE,
            "calibration": asdict(CALIBRATION),
            "synthesis": asdict(synthesis.CALIBRATION),
            "harmony": [harmony.PIPELINE, harmony.THRESHOLD],
            "voices": {name: asdict(standard) for name, standard in voice_standards(engines).items()},
            "codes": code_table().version,
        }
    )


def rules_version() -> str:
    """Of the rule table that turns axes into codes."""
    return code_table().version
