"""The ears for synthesis: a plugged-in separator tells the parts apart, and none is asked that is switched off."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.lattice_sound import RATE, decoded, music

from onnx_files import card_body, mask_folder
from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError
from rightscan.jobs.listening import Listening
from rightscan.synthesis import FAINT_VOCAL, NOT_SEPARATED, Evidence, Level, Outcome, Part, Source, judge

UNCOMPRESSED = Source(True, None, 44_100)


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
    assert (told.outcome, told.part) == (Outcome.DETECTED, part)
    assert told.limits == (() if gain else (FAINT_VOCAL,))
    assert evidence.vocal_db is not None
    assert evidence.vocal_db == pytest.approx(60 if gain else -60)


def test_without_a_separator_the_whole_is_what_is_detected() -> None:
    told = judge(heard(decoded(music(12)), EngineSettings(models=())), UNCOMPRESSED)
    assert (told.outcome, told.part, told.limits) == (Outcome.DETECTED, Part.FULL, (NOT_SEPARATED,))
    assert told.voice is None


def test_nothing_is_named_where_nothing_is_found() -> None:
    told = judge(heard(music(12), EngineSettings(models=())), UNCOMPRESSED)
    assert (told.level, told.part) == (Level.NONE, None)


def test_a_separator_that_is_not_there_is_refused() -> None:
    with pytest.raises(PermanentError) as raised:
        Listening(EngineSettings(separator="nobody", models=()))
    assert raised.value.code == "unknown_model"


PARTNER = """
from pathlib import Path
import numpy as np
from rightscan.models.card import read_card

class Partner:
    name, version, card = "partner", "1", read_card(Path(__file__).parent)
    def __init__(self, answer):
        self.answer = answer
    def score(self, sound, sample_rate):
        return self.answer(sound) / sample_rate

def length():
    return Partner(len)

def failing():
    return Partner(lambda sound: 1 / 0)
"""


@pytest.mark.parametrize(("factory", "signal"), [("length", 60.0), ("failing", None)])
def test_an_external_detector_adds_a_signal_and_moves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factory: str, signal: float | None
) -> None:
    card = card_body("partner", "external", None, {"sample_rate": RATE}, {}) | {"version": "1"}
    (tmp_path / "card.json").write_text(json.dumps(card), "utf-8")
    (tmp_path / "partner_signals.py").write_text(PARTNER, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    sound = music(62)
    plain = heard(sound, EngineSettings(models=()))
    asked = heard(sound, EngineSettings(models=(), detectors=(f"partner_signals:{factory}",)))
    assert asked.signals == {"partner@1": signal}
    assert judge(asked, UNCOMPRESSED) == judge(plain, UNCOMPRESSED)
    assert Evidence.from_arrays(asked.to_arrays()).signals == asked.signals
