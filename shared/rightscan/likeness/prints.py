"""What is heard of the voices of a file: segments with an embedding each. Held in memory, never stored as such."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


@dataclass(frozen=True)
class VoiceSegment:
    """A stretch with a voice.

    Attributes:
        start_s: where it begins in the file, seconds.
        end_s: where it ends; pauses inside it are not listened to.
        embedding: float32[d] of unit length.
        voiced_s: seconds of voice in it.
        register: ``speaking`` or ``singing``.
    """

    start_s: float
    end_s: float
    embedding: Float
    voiced_s: float
    register: str


@dataclass(frozen=True)
class VoicePrint:
    """The voices of one file.

    Attributes:
        segments: in order of time; neighbours overlap by half.
        voiced_s: seconds of voice in all.
        snr_db: level of the voice over the pauses.
        spread: mean distance (1 - cosine) of the segments from their common direction: one voice gives little,
            several give more.
        bandwidth_hz: up to where the loud parts carry sound.
        backing: how much there is of other sound with a pitch under and between the voice, 0 to 1.
        model: name and version of the encoder.
    """

    segments: tuple[VoiceSegment, ...]
    voiced_s: float
    snr_db: float
    spread: float
    bandwidth_hz: float
    backing: float
    model: str

    def embeddings(self, register: str | None = None) -> Float:
        """float32[n, d] of the segments, of one register or of all."""
        rows = [one.embedding for one in self.segments if register in (None, one.register)]
        return np.stack(rows) if rows else np.zeros((0, 0), np.float32)

    def seconds(self, register: str) -> float:
        """Seconds of voice in one register, by its share of the segments."""
        whole = sum(one.voiced_s for one in self.segments)
        part = sum(one.voiced_s for one in self.segments if one.register == register)
        return self.voiced_s * part / whole if whole else 0.0


def direction(embeddings: Float) -> Float:
    """The common direction of embeddings float32[n, d], of unit length: float32[d]."""
    total = embeddings.sum(axis=0)
    return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), np.float32)


def spread_of(embeddings: Float) -> float:
    """Mean distance of float32[n, d] from their common direction, 0 to 2; 0 for fewer than two."""
    if len(embeddings) < 2:
        return 0.0
    return float(1.0 - (embeddings @ direction(embeddings)).mean())
