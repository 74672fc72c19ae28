"""The ears for synthesis: a plugged-in separator tells the parts apart, and none is asked that is switched off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.lattice_sound import RATE, decoded, music

from onnx_files import mask_folder
from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError
from rightscan.jobs.listening import Listening
from rightscan.synthesis import Level, Outcome, Part, Source, judge

UNCOMPRESSED = Source(lossless=True, bit_rate=None)


def heard(sound: np.ndarray, engines: EngineSettings):
    listening = Listening(engines)
    try:
        for start in range(0, len(sound), 4 * RATE):
            listening.add(sound[start : start + 4 * RATE, None])
        return listening.finish()
    finally:
        listening.close()


@pytest.mark.parametrize(("gain", "part"), [(1.0, Part.VOCAL), (0.0, Part.INSTRUMENTAL)])
def test_the_part_that_carries_the_lattice_is_named(tmp_path: Path, gain: float, part: Part) -> None:
    folder = mask_folder(tmp_path / "separator", gain, sample_rate=RATE)
    engines = EngineSettings(models=(), separator="tiny-separator", folders=(folder,))
    evidence = heard(decoded(music(12)), engines)
    told = judge(evidence, UNCOMPRESSED)
    assert (told.outcome, told.part, told.separated) == (Outcome.DETECTED, part, True)
    assert evidence.vocal_db is not None
    assert evidence.vocal_db == pytest.approx(60 if gain else -60)


def test_without_a_separator_the_whole_is_what_is_detected() -> None:
    told = judge(heard(decoded(music(12)), EngineSettings(models=())), UNCOMPRESSED)
    assert (told.outcome, told.part, told.separated) == (Outcome.DETECTED, Part.FULL, False)
    assert told.voice is None


def test_nothing_is_named_where_nothing_is_found() -> None:
    told = judge(heard(music(12), EngineSettings(models=())), UNCOMPRESSED)
    assert (told.level, told.part) == (Level.NONE, None)


def test_a_separator_that_is_not_there_is_refused() -> None:
    with pytest.raises(PermanentError) as raised:
        Listening(EngineSettings(separator="nobody", models=()))
    assert raised.value.code == "unknown_model"
