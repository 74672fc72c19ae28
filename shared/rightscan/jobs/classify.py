"""Provenance and synthesis of a file, without a store: nothing is registered, recorded or compared."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError, RightscanError, UsageError
from rightscan.jobs import incidents
from rightscan.jobs.analysis import FEATURES_FILE, listen_guarded, provenance_guarded
from rightscan.jobs.origin import Origin, origin_in, passage_record, source_of
from rightscan.jobs.results import synthesis_result
from rightscan.jobs.voice_standards import voice_standards
from rightscan.media.guard import ChildError
from rightscan.media.limits import Limits
from rightscan.ports import Ports
from rightscan.records.results import ClassifyResult
from rightscan.rights.axes import AxisC
from rightscan.synthesis import Source


@dataclass(frozen=True)
class Classified:
    """One file: what is printed, and what a picture is drawn from (None where the file could not be read)."""

    result: ClassifyResult
    origin: Origin | None


def classify_all(
    paths: Sequence[Path], engines: EngineSettings, *, jobs: int = 1, limits: Limits | None = None
) -> Iterator[Classified]:
    """Classify files, in their order, several at once.

    Args:
        paths: the files.
        engines: what is looked for.
        jobs: how many at a time; each is decoded in a child process of its own.
        limits: what a file may ask for.
    """
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        yield from pool.map(lambda path: classify(path, engines, limits or Limits()), paths)


def classify(path: Path, engines: EngineSettings, limits: Limits) -> Classified:
    """Classify one file; what cannot be read comes back with its error, and with what it declares all the same."""
    if not path.is_file():
        missing = UsageError("no_such_path", f"{path} is no file", "Check the path.")
        return _failed(path, missing, None)
    provenance = None
    with tempfile.TemporaryDirectory(prefix="rightscan-classify-") as folder:
        try:
            if engines.provenance:
                provenance = provenance_guarded(path.absolute(), limits, engines, Path(folder))
            return _heard(path, Path(folder) / FEATURES_FILE, engines, limits, provenance)
        except RightscanError as error:
            return _failed(path, error, provenance)


def _heard(
    path: Path, features: Path, engines: EngineSettings, limits: Limits, provenance: dict[str, Any] | None
) -> Classified:
    try:
        facts = listen_guarded(path.absolute(), features, limits, engines, provenance)
    except ChildError as error:
        raise PermanentError(
            "analysis_failed",
            f"the analysis ended with {', '.join(error.places[:1])}",
            "Send this message and the file to the engineers: it is a bug.",
        ) from error
    lossless = bool(facts["lossless"])
    source = Source(lossless, None if lossless else facts["bit_rate"], facts["sample_rate"])
    origin = origin_in(features.read_bytes(), facts["duration_s"], source, voice_standards(engines))
    return Classified(_result(path, facts, origin), origin)


def _failed(path: Path, error: RightscanError, provenance: dict[str, Any] | None) -> Classified:
    said = Origin(0.0, provenance=provenance).record()
    result = ClassifyResult(
        path=str(path),
        state="failed",
        provenance=provenance,
        synthesis=synthesis_result(said) if said.axis_c is AxisC.DECLARED else None,
        error=incidents.info(error),
    )
    return Classified(result, None)


def _result(path: Path, facts: dict[str, Any], origin: Origin) -> ClassifyResult:
    passages = () if origin.judgement is None else origin.judgement.passages
    said = synthesis_result(origin.record(), tuple(passage_record(passage) for passage in passages))
    measured = said.measured.model_copy(
        update={
            "bit_rate": facts["bit_rate"],
            "lossless": facts["lossless"],
        }
    )
    return ClassifyResult(
        path=str(path),
        state="classified",
        duration_s=round(facts["duration_s"], 3),
        codec=facts["codec"],
        provenance=None if origin.provenance is None else dict(origin.provenance),
        synthesis=said.model_copy(update={"measured": measured}),
    )


def stored_origin(media_id: str, ports: Ports) -> Origin:
    """Judge the stored features of a scanned file; its media is not read.

    Raises:
        UsageError: ``no_features`` where nothing of this media is stored.
    """
    media = ports.ledger.media(media_id)
    scans = [] if media is None else ports.ledger.scans(media_id)
    scan = next((scan for scan in scans if media is not None and scan.scan_id == media.scan_id), None)
    if scan is None:
        raise UsageError("no_features", f"nothing is stored of media {media_id}", "Scan it first.")
    with ports.objects.open(scan.features) as reader:
        voices = voice_standards(ports.settings.engines)
        return origin_in(reader.read(), scan.duration_s, source_of(scan), voices)
