"""The voices of a file, on their way from the guarded child that hears them to the one who compares.

A print lies in a temporary folder for the time of the call, and in no store.
"""

from __future__ import annotations

import base64
import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError
from rightscan.fingerprint import SAMPLE_RATE
from rightscan.jobs.voices_heard import VOICES_FILE
from rightscan.likeness import Calibration, Cohort, Encoder, Listener, Template, VoicePrint, VoiceSegment
from rightscan.media.decode import Tap, open_audio
from rightscan.media.guard import run_guarded
from rightscan.media.limits import Limits
from rightscan.records.vault import VoicePrintRecord, VoiceSegmentRecord, VoiceTemplate

RATE = 44_100
"""Hz, of what a ``Listener`` takes."""

Float = NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Ruler:
    """What voices are held against.

    Attributes:
        name: of the encoder, ``name@version``.
        cohort: people who are nobody's templates.
        calibration: what a score is worth.
    """

    name: str
    cohort: Cohort
    calibration: Calibration


@cache
def ruler(engines: EngineSettings) -> Ruler:
    """Read cohort and calibration of the encoder that is on.

    Raises:
        PermanentError: ``no_voice_encoder`` where none is; as ``Encoder.load``, ``Cohort.load``, ``Calibration.of``.
    """
    encoder = encoder_of(engines)
    return Ruler(encoder.name, Cohort.load(encoder), Calibration.of(encoder.model.card))


def encoder_of(engines: EngineSettings) -> Encoder:
    """Open the encoder that is on; raises as ``ruler``."""
    if engines.encoder is None:
        raise PermanentError(
            "no_voice_encoder",
            "the comparison of voices is switched off",
            "Set RIGHTSCAN_VOICE_ENCODER to the name of an encoder.",
        )
    return Encoder.load(engines.encoder, engines.folders, engines.provider)


class Ears:
    """Hears the voices of a file beside whatever else is taken from the same pass.

    Args:
        engines: with the encoder.
    """

    def __init__(self, engines: EngineSettings) -> None:
        self._encoder = encoder_of(engines)
        self._listener = Listener(self._encoder)

    def add(self, block: Float) -> None:
        """Take float32[n, channels] at ``RATE``."""
        self._listener.add(block)

    def write(self, path: Path) -> None:
        """Write what was heard as a ``VoicePrintRecord``."""
        record = print_record(self._listener.finish(), self._encoder.dimensions)
        path.write_text(record.model_dump_json(), "utf-8")


def hear_in_child(arguments: dict[str, Any]) -> dict[str, Any]:
    """The voices of one recording, called inside the child."""
    engines = EngineSettings.from_json(arguments["engines"])
    ears = Ears(engines)
    with open_audio(Path(arguments["path"]), Limits(**arguments["limits"])) as stream:
        for _ in stream.blocks(SAMPLE_RATE, tap=Tap(RATE, ears.add)):
            pass
    ears.write(Path(arguments["voices"]))
    return {}


def hear_guarded(path: Path, limits: Limits, engines: EngineSettings, folder: Path) -> VoicePrintRecord:
    """Hear the voices of one recording in a guarded child; what it writes is gone when this returns.

    Raises:
        PermanentError: the file cannot be decoded; code and remedy say why.
    """
    voices = folder / VOICES_FILE
    arguments = {
        "path": str(path),
        "voices": str(voices),
        "limits": dataclasses.asdict(limits),
        "engines": engines.to_json(),
    }
    try:
        run_guarded("rightscan.jobs.voice_listening:hear_in_child", arguments, limits=limits, workdir=folder)
        return VoicePrintRecord.model_validate_json(voices.read_text("utf-8"))
    finally:
        voices.unlink(missing_ok=True)


# ---- records --------------------------------------------------------------------------------------------
def print_record(heard: VoicePrint, dimensions: int) -> VoicePrintRecord:
    """A print as it travels."""
    rows = heard.embeddings() if heard.segments else np.zeros((0, dimensions), np.float32)
    return VoicePrintRecord(
        model=heard.model,
        dimensions=dimensions,
        embeddings=_text(rows),
        segments=tuple(
            VoiceSegmentRecord(
                start_s=s.start_s, end_s=s.end_s, voiced_s=s.voiced_s, voice_register=s.register
            )
            for s in heard.segments
        ),
        voiced_s=heard.voiced_s,
        snr_db=heard.snr_db,
        spread=heard.spread,
        bandwidth_hz=heard.bandwidth_hz,
        backing=heard.backing,
    )


def print_of(record: VoicePrintRecord) -> VoicePrint:
    """The print behind a record.

    Raises:
        PermanentError: ``event_shape`` where its numbers are not as many as it says.
    """
    rows = _floats(record.embeddings)
    if rows.size != len(record.segments) * record.dimensions:
        raise PermanentError(
            "event_shape",
            f"a voice print says {len(record.segments)} x {record.dimensions} numbers and holds {rows.size}",
            "Send what `rightscan` itself makes; the message is kept as an incident.",
        )
    segments = (
        VoiceSegment(s.start_s, s.end_s, row, s.voiced_s, s.voice_register)
        for s, row in zip(record.segments, rows.reshape(-1, record.dimensions), strict=True)
    )
    return VoicePrint(
        segments=tuple(segments),
        voiced_s=record.voiced_s,
        snr_db=record.snr_db,
        spread=record.spread,
        bandwidth_hz=record.bandwidth_hz,
        backing=record.backing,
        model=record.model,
    )


def embedding_text(embedding: Float) -> str:
    """An embedding as a record keeps it."""
    return _text(embedding)


def template_of_record(kept: VoiceTemplate) -> Template:
    """The template behind a record."""
    return Template(kept.voice_register, _floats(kept.embedding), kept.recordings, kept.voiced_s, kept.model)


def _text(rows: Float) -> str:
    return base64.b64encode(np.ascontiguousarray(rows, "<f4").tobytes()).decode()


def _floats(text: str) -> Float:
    return np.frombuffer(base64.b64decode(text), "<f4").astype(np.float32)
