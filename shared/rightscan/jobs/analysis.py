"""Decode a file once and take everything from that pass: what runs in the guarded child processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rightscan import harmony
from rightscan.engines import NOTHING_MORE, EngineSettings
from rightscan.errors import PermanentError, TransientError
from rightscan.fingerprint import SAMPLE_RATE, fingerprint
from rightscan.jobs.features import FEATURES_FILE, pack
from rightscan.jobs.listening import Listening
from rightscan.jobs.voices.heard import VOICES_FILE
from rightscan.media.decode import AudioStream, Tap, open_audio
from rightscan.media.guard import ChildError, run_guarded
from rightscan.media.limits import Limits
from rightscan.synthesis import SAMPLE_RATE as SYNTHESIS_RATE

if TYPE_CHECKING:
    from rightscan.jobs.voices.listening import Ears

__all__ = ["FEATURES_FILE", "analyse", "analyse_guarded", "listen_guarded", "provenance_guarded"]


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
    return _analyse(path, features, limits, engines, provenance)


def _analyse(
    path: Path,
    features: Path,
    limits: Limits,
    engines: EngineSettings,
    provenance: dict[str, Any] | None,
) -> dict[str, Any]:
    ears = _ears(engines)
    with open_audio(path, limits) as stream, _listening(engines, prints=True) as listening:
        pitches = harmony.Listener()
        heard = pitches.through(stream.blocks(SAMPLE_RATE, tap=_tap(listening, ears)))
        result = fingerprint(heard, SAMPLE_RATE)
        told = _facts(stream)
        evidence = None if listening is None else listening.finish()
        stems = None if listening is None else listening.stem_prints()
    features.write_bytes(pack(result, evidence, provenance, stems, pitches.finish()))
    if ears is not None:
        ears.write(features.parent / VOICES_FILE)
    return told | {"landmarks": len(result.keys)}


def listen_in_child(arguments: dict[str, Any]) -> dict[str, Any]:
    """What ``classify`` needs of the sound: no fingerprint, called inside the child."""
    engines = EngineSettings.from_json(arguments["engines"])
    with (
        open_audio(Path(arguments["path"]), Limits(**arguments["limits"])) as stream,
        _listening(engines) as listening,
    ):
        for _ in stream.blocks(SAMPLE_RATE, tap=_tap(listening)):
            pass
        told = _facts(stream)
        evidence = None if listening is None else listening.finish()
    Path(arguments["features"]).write_bytes(pack(None, evidence, arguments["provenance"]))
    return told


@contextmanager
def _listening(engines: EngineSettings, *, prints: bool = False) -> Iterator[Listening | None]:
    """The ears for synthesis, where the settings have any."""
    if not engines.lattice:
        yield None
        return
    listening = Listening(engines, prints=prints)
    try:
        yield listening
    finally:
        listening.close()


def _ears(engines: EngineSettings) -> Ears | None:
    """The ears for voices: a scan has them where somebody is enrolled."""
    if not engines.voices:
        return None
    # Imported late: most scans have nobody to compare with.
    from rightscan.jobs.voices.listening import Ears

    try:
        return Ears(engines)
    except PermanentError as error:
        # A model that cannot be used is the deployment's fault and no file's: the messages wait for the repair.
        raise TransientError(error.code, error.cause, error.remedy) from error


def _tap(listening: Listening | None, ears: Ears | None = None) -> Tap | None:
    sinks = [one.add for one in (listening, ears) if one is not None]
    if not sinks:
        return None

    def each(block: NDArray[np.float32]) -> None:
        for sink in sinks:
            sink(block)

    return Tap(SYNTHESIS_RATE, each)


def _facts(stream: AudioStream) -> dict[str, Any]:
    facts, outcome = stream.facts, stream.outcome
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
        EngineSettings.from_json(arguments["engines"]),
        arguments["provenance"],
    )


def analyse_guarded(
    path: Path, features: Path, limits: Limits, engines: EngineSettings = NOTHING_MORE
) -> dict[str, Any]:
    """``analyse`` in child processes under limits of time and memory: the input is an untrusted file.

    Provenance is read in a child of its own, so that a manifest made to crash its reader does not stop the
    analysis of the sound.
    """
    provenance = None
    if engines.provenance:
        provenance = provenance_guarded(path, limits, engines, features.parent)
    return _guarded("analyse_in_child", path, features, limits, (engines, provenance))


def listen_guarded(
    path: Path, features: Path, limits: Limits, engines: EngineSettings, provenance: dict[str, Any] | None
) -> dict[str, Any]:
    """As ``analyse_guarded``, without the fingerprint, and with a provenance that was read before."""
    return _guarded("listen_in_child", path, features, limits, (engines, provenance))


def _guarded(
    name: str, path: Path, features: Path, limits: Limits, more: tuple[EngineSettings, dict[str, Any] | None]
) -> dict[str, Any]:
    arguments = {
        "path": str(path),
        "features": str(features),
        "limits": asdict(limits),
        "engines": more[0].to_json(),
        "provenance": more[1],
    }
    return run_guarded(f"rightscan.jobs.analysis:{name}", arguments, limits=limits, workdir=features.parent)


def provenance_guarded(path: Path, limits: Limits, engines: EngineSettings, workdir: Path) -> dict[str, Any]:
    """Return what a file says of its origin, as JSON values; read in a child process of its own."""
    arguments = {"path": str(path), "container": None, "anchors_pem": engines.anchors}
    try:
        return run_guarded("rightscan.provenance:read_in_child", arguments, limits=limits, workdir=workdir)
    except (PermanentError, ChildError) as error:
        # A tag that no reader expects must not keep a file from being searched; the record says that it did.
        from rightscan.provenance import unread

        return unread(None, getattr(error, "code", str(error))).to_json()
