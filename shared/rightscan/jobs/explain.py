"""Explain one pair: fingerprint both sides, search the one in the other, and keep the evidence as numbers."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Literal

from rightscan.errors import PermanentError, UsageError
from rightscan.fingerprint import Fingerprint
from rightscan.index.calibration import TRIALS
from rightscan.index.explanation import Explanation, Passage, Reason
from rightscan.index.explanation import explain as explain_pair
from rightscan.jobs.analysis import FEATURES_FILE, analyse_guarded
from rightscan.jobs.findings import DEEP_UP_TO_S
from rightscan.jobs.versions import fingerprint_pipeline
from rightscan.media.limits import Limits
from rightscan.ports import Ports
from rightscan.records.results import ExplainResult, PassageResult, Picture
from rightscan.rights.axes import cap_log10_lr


def fingerprint_of_file(path: Path) -> Fingerprint:
    """Decode and fingerprint a file in the guarded child; no store is needed.

    Raises:
        UsageError: code ``no_such_path``.
        PermanentError: the file cannot be analysed; code and remedy say why.
    """
    if not path.is_file():
        raise UsageError("no_such_path", f"{path} is no file", "Check the path.")
    with tempfile.TemporaryDirectory(prefix="rightscan-explain-") as folder:
        features = Path(folder) / FEATURES_FILE
        analyse_guarded(path.absolute(), features, Limits())  # the child works in a folder of its own
        return Fingerprint.from_npz(features.read_bytes())


def fingerprint_of_recording(recording_id: str, ports: Ports) -> tuple[str, Fingerprint]:
    """Fetch a registered recording's title and reference fingerprint.

    Raises:
        UsageError: code ``no_such_recording``.
        PermanentError: code ``reference_not_ready`` while none is stored.
    """
    recording = ports.ledger.recording(recording_id)
    if recording is None:
        raise UsageError(
            "no_such_recording",
            f"{recording_id} is neither a file nor a registered recording",
            "Give the path of the recording's audio or a registered recording id.",
        )
    reference = ports.ledger.reference(recording_id, fingerprint_pipeline())
    if reference is None or reference.features is None:
        raise PermanentError(
            "reference_not_ready",
            f"recording {recording_id} has no fingerprint of {fingerprint_pipeline()} yet",
            f"`rightscan show {recording_id}` says how far it has come; or give its audio file.",
        )
    with ports.objects.open(reference.features) as reader:
        return recording.title or recording_id, Fingerprint.from_npz(reader.read())


def explain(upload: Fingerprint, recording: Fingerprint) -> Explanation:
    """Search one recording in an upload as ``match`` would, changes included where the upload is not too long."""
    with tempfile.TemporaryDirectory(prefix="rightscan-explain-") as folder:
        return explain_pair(upload, recording, Path(folder), deep=upload.duration_s <= DEEP_UP_TO_S)


def result_of(path: str, recording: str, seen: Explanation, picture: Picture | None) -> ExplainResult:
    """Return the numbers of an explanation for the screen."""
    passages = tuple(_passage(passage) for passage in seen.passages)
    return ExplainResult(
        path=path,
        recording=recording,
        state=_state(seen),
        duration_s=round(seen.upload_s, 3),
        recording_duration_s=round(seen.recording_s, 3),
        threshold=seen.threshold,
        searched_deep=seen.deep,
        segments=passages if seen.told else (),
        not_told_because=tuple(reason.value for reason in seen.reasons),
        strongest_followed=passages[0] if passages and not seen.told else None,
        peaks_upload=int(seen.upload.seconds.size),
        peaks_recording=int(seen.recording.seconds.size),
        landmarks_elsewhere=seen.landmarks.strays,
        picture=picture,
    )


def _state(seen: Explanation) -> Literal["matched", "clear", "inconclusive"]:
    if seen.told:
        return "matched"
    return "inconclusive" if Reason.SILENT in seen.reasons else "clear"


def _passage(passage: Passage) -> PassageResult:
    course, change = passage.course, passage.modification
    agreement = zip(course.harmony_from.tolist(), course.harmony.tolist(), strict=True)
    return PassageResult(
        media_start=round(passage.media_start, 3),
        media_end=round(passage.media_end, 3),
        reference_start=round(passage.reference_start, 3),
        reference_end=round(passage.reference_end, 3),
        score=round(passage.log10_lr, 3),
        stated_log10_lr=round(cap_log10_lr(passage.log10_lr, TRIALS), 3),
        offset_s=round(passage.offset_s, 3),
        speed=round(change.speed, 4),
        pitch_semitones=round(change.pitch_semitones, 2) + 0.0,
        modification=None if passage.reasons else change.kinds,
        bounds=(round(passage.bounds[0], 3), round(passage.bounds[1], 3)),
        coverage=round(passage.coverage, 3),
        presence=round(passage.presence, 3),
        sharpness=None if passage.sharpness is None else round(passage.sharpness, 3),
        harmony=None if passage.harmony is None else round(passage.harmony, 3),
        strongest=(round(passage.strongest[0], 3), round(passage.strongest[1], 3)),
        peaks_matched=passage.matched,
        peaks_possible=passage.of,
        landmarks=passage.landmarks,
        evidence=tuple((round(t, 3), round(nats, 2)) for t, nats in passage.evidence_by_second()),
        harmony_by_second=tuple((round(t, 3), round(value, 2)) for t, value in agreement),
    )
