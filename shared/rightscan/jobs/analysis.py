"""Decode a file once and fingerprint it: what runs in the guarded child process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rightscan.fingerprint import SAMPLE_RATE, fingerprint
from rightscan.media.decode import open_audio
from rightscan.media.guard import run_guarded
from rightscan.media.limits import Limits

FEATURES_FILE = "features.npz"


def analyse(path: Path, features: Path, limits: Limits) -> dict[str, Any]:
    """Fingerprint the audio of a file.

    Args:
        path: the media file.
        features: where the features are written.
        limits: what a file may ask for.

    Returns:
        Facts and outcome of the decoding, as JSON values.

    Raises:
        PermanentError: the file cannot be analysed; code and remedy say why.
    """
    with open_audio(path, limits) as stream:
        result = fingerprint(stream.blocks(SAMPLE_RATE), SAMPLE_RATE)
        facts, outcome = stream.facts, stream.outcome
    features.write_bytes(result.to_npz())
    return {
        "container": facts.container,
        "codec": facts.codec,
        "sample_rate": facts.sample_rate,
        "channels": facts.channels,
        "bit_rate": facts.bit_rate,
        "declared_duration_s": facts.declared_duration_s,
        "duration_s": outcome.decoded_duration_s,
        "complete": outcome.complete,
        "silent": outcome.silent,
        "problems": list(outcome.problems),
        "landmarks": len(result.keys),
    }


def analyse_in_child(arguments: dict[str, Any]) -> dict[str, Any]:
    """``analyse`` with JSON arguments, called inside the child."""
    return analyse(Path(arguments["path"]), Path(arguments["features"]), Limits(**arguments["limits"]))


def analyse_guarded(path: Path, features: Path, limits: Limits) -> dict[str, Any]:
    """``analyse`` in a child process under limits of time and memory: the input is an untrusted file."""
    arguments = {"path": str(path), "features": str(features), "limits": vars(limits)}
    return run_guarded(
        "rightscan.jobs.analysis:analyse_in_child", arguments, limits=limits, workdir=features.parent
    )
