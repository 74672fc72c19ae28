"""What stored harmony depends on. Changing any of it is another pipeline: what is stored then counts as absent."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

SAMPLE_RATE = 11_025
"""Hz, mono: the stream that the fingerprint is taken from."""


@dataclass(frozen=True)
class Parameters:
    """How sound becomes pitch classes.

    Attributes:
        window: samples of one spectrum: 0.74 s, so that semitones are apart from 92 Hz on.
        hop: samples between spectra.
        pooled: spectra per stored frame, which makes 2 frames a second.
        lowest_hz: of the peaks that count.
        highest_hz: likewise; above, overtones outnumber notes.
        fine: bins per semitone while the tuning is not known yet.
        floor_db: a frame this far below the loudest is silent.
    """

    window: int = 8192
    hop: int = 2756
    pooled: int = 2
    lowest_hz: float = 65.0
    highest_hz: float = 2100.0
    fine: int = 5
    floor_db: float = -50.0


PARAMETERS = Parameters()
FRAMES_PER_SECOND = SAMPLE_RATE / (PARAMETERS.hop * PARAMETERS.pooled)
PIPELINE = "hm1-" + hashlib.sha256(json.dumps(asdict(PARAMETERS), sort_keys=True).encode()).hexdigest()[:12]
