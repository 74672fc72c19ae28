"""Decode a file once and take everything from that pass: what runs in the guarded child processes."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from rightscan.engines import NOTHING_MORE, EngineSettings
from rightscan.errors import PermanentError
from rightscan.fingerprint import SAMPLE_RATE, fingerprint
from rightscan.jobs.features import FEATURES_FILE, pack
from rightscan.media.decode import Tap, open_audio
from rightscan.media.guard import run_guarded
from rightscan.media.limits import Limits
from rightscan.synthesis import SAMPLE_RATE as SYNTHESIS_RATE
from rightscan.synthesis import Analyser

__all__ = ["FEATURES_FILE", "analyse", "analyse_guarded", "provenance_guarded"]


def analyse(
    path: Path, features: Path, limits: Limits, engines: EngineSettings = NOTHING_MORE
) -> dict[str, Any]:
    """Analyse a file in this process, by the engines that are on.

    Args:
        path: the media file.
        features: where the features are written.
        limits: what a file may ask for.
        engines: what is looked for beside the fingerprint.

    Returns:
        Facts and outcome of the decoding, as JSON values.

    Raises:
        PermanentError: the file cannot be analysed; code and remedy say why.
    """
    provenance = _provenance(path, engines.anchors) if engines.provenance else None
    return _analyse(path, features, limits, lattice=engines.lattice, provenance=provenance)


def _analyse(
    path: Path, features: Path, limits: Limits, *, lattice: bool, provenance: dict[str, Any] | None
) -> dict[str, Any]:
    analyser = Analyser() if lattice else None
    tap = None if analyser is None else Tap(SYNTHESIS_RATE, analyser.add)
    with open_audio(path, limits) as stream:
        result = fingerprint(stream.blocks(SAMPLE_RATE, tap=tap), SAMPLE_RATE)
        facts, outcome = stream.facts, stream.outcome
    features.write_bytes(pack(result, None if analyser is None else analyser.finish(), provenance))
    return {
        "container": facts.container,
        "codec": facts.codec,
        "sample_rate": facts.sample_rate,
        "channels": facts.channels,
        "bit_rate": facts.bit_rate,
        "lossless": facts.lossless,
        "declared_duration_s": facts.declared_duration_s,
        "duration_s": outcome.decoded_duration_s,
        "complete": outcome.complete,
        "silent": outcome.silent,
        "problems": list(outcome.problems),
        "landmarks": len(result.keys),
    }


def _provenance(path: Path, anchors: str) -> dict[str, Any]:
    # Imported late: of the functions only scan carries the C2PA library.
    from rightscan.provenance import read_in_child

    return read_in_child({"path": str(path), "container": None, "anchors_pem": anchors})


def analyse_in_child(arguments: dict[str, Any]) -> dict[str, Any]:
    """``analyse`` with JSON arguments, called inside the child."""
    return _analyse(
        Path(arguments["path"]),
        Path(arguments["features"]),
        Limits(**arguments["limits"]),
        lattice=arguments["lattice"],
        provenance=arguments["provenance"],
    )


def analyse_guarded(
    path: Path, features: Path, limits: Limits, engines: EngineSettings = NOTHING_MORE
) -> dict[str, Any]:
    """``analyse`` in child processes under limits of time and memory: the input is an untrusted file.

    Provenance is read in a child of its own, so that a manifest made to crash its reader does not stop the
    analysis of the sound.
    """
    arguments = {
        "path": str(path),
        "features": str(features),
        "limits": asdict(limits),
        "lattice": engines.lattice,
        "provenance": provenance_guarded(path, limits, engines, features.parent)
        if engines.provenance
        else None,
    }
    return run_guarded(
        "rightscan.jobs.analysis:analyse_in_child", arguments, limits=limits, workdir=features.parent
    )


def provenance_guarded(path: Path, limits: Limits, engines: EngineSettings, workdir: Path) -> dict[str, Any]:
    """Return what a file says of its origin, as JSON values; read in a child process of its own."""
    arguments = {"path": str(path), "container": None, "anchors_pem": engines.anchors}
    try:
        return run_guarded("rightscan.provenance:read_in_child", arguments, limits=limits, workdir=workdir)
    except PermanentError as error:
        from rightscan.provenance import unread

        return unread(None, error.code).to_json()
