"""The voices of a file, on their way from the guarded child that hears them to the one who compares.

A print lies in a temporary folder for the time of the call, and in no store.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.engines import EngineSettings
from rightscan.fingerprint import SAMPLE_RATE
from rightscan.jobs.voices.heard import VOICES_FILE
from rightscan.jobs.voices.prints import encoder_of, print_record
from rightscan.likeness import Listener
from rightscan.media.decode import Tap, open_audio
from rightscan.media.guard import run_guarded
from rightscan.media.limits import Limits
from rightscan.records.vault import VoicePrintRecord

RATE = 44_100
"""Hz, of what a ``Listener`` takes."""

Float = NDArray[np.float32]


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
        run_guarded("rightscan.jobs.voices.listening:hear_in_child", arguments, limits=limits, workdir=folder)
        return VoicePrintRecord.model_validate_json(voices.read_text("utf-8"))
    finally:
        voices.unlink(missing_ok=True)
