"""Voice prints and templates as records, and what they are held against. No media is decoded here."""

from __future__ import annotations

import base64
import dataclasses
from functools import cache

import numpy as np
from numpy.typing import NDArray

from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError
from rightscan.likeness import Calibration, Cohort, Encoder, Template, VoicePrint, VoiceSegment
from rightscan.records.vault import VoicePrintRecord, VoiceSegmentRecord, VoiceTemplate

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
