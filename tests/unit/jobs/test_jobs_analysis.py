"""The analysis in its children: what each engine adds, and a reader of provenance that breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generated import RATE, music
from rightscan.engines import NOTHING_MORE, EngineSettings
from rightscan.errors import PermanentError, TransientError
from rightscan.fingerprint import Fingerprint
from rightscan.jobs import analysis
from rightscan.jobs.features import evidence_in, harmony_in, provenance_in
from rightscan.media.encode import encode
from rightscan.media.guard import ChildError
from rightscan.media.limits import Limits


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("analysis") / "sound"
    encode(music(3, 8.0), RATE, path, "flac")
    return path


def features(path: Path, folder: Path, engines: EngineSettings) -> tuple[bytes, dict[str, Any]]:
    told = analysis.analyse_guarded(path, folder / "features.npz", Limits(), engines)
    return (folder / "features.npz").read_bytes(), told


def test_engines_add_members_and_change_no_fingerprint(path: Path, tmp_path: Path) -> None:
    alone, _ = features(path, tmp_path, NOTHING_MORE)
    every, told = features(path, tmp_path, EngineSettings())
    assert Fingerprint.from_npz(alone).to_npz() == Fingerprint.from_npz(every).to_npz()
    assert harmony_in(alone).profile.tobytes() == harmony_in(every).profile.tobytes()
    assert evidence_in(alone) is None
    assert provenance_in(alone) is None
    seen = evidence_in(every)
    assert seen is not None
    assert seen.duration_s == pytest.approx(8.0, abs=0.01)
    assert (provenance_in(every) or {})["c2pa"]["state"] == "absent"
    assert (told["lossless"], told["codec"]) == (True, "flac")
    some, _ = features(path, tmp_path, EngineSettings(lattice=False))
    assert evidence_in(some) is None
    assert provenance_in(some) is not None


def test_in_one_process_it_is_the_same(path: Path, tmp_path: Path) -> None:
    guarded, told = features(path, tmp_path, EngineSettings())
    assert analysis.analyse(path, tmp_path / "own.npz", Limits(), EngineSettings()) == told
    assert (tmp_path / "own.npz").read_bytes() == guarded


@pytest.mark.parametrize(
    "broken",
    [PermanentError("decoder_crashed", "it crashed", "none"), ChildError("KeyError", ("tags.py:1 read",))],
)
def test_a_reader_of_provenance_that_breaks_stops_nothing(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: Exception
) -> None:
    inner = analysis.run_guarded

    def breaks(target: str, *arguments: Any, **named: Any) -> dict[str, Any]:
        if target.startswith("rightscan.provenance"):
            raise broken
        return inner(target, *arguments, **named)

    monkeypatch.setattr(analysis, "run_guarded", breaks)
    data, told = features(path, tmp_path, EngineSettings())
    assert told["duration_s"] == pytest.approx(8.0, abs=0.01)
    record = provenance_in(data)
    assert record is not None
    assert record["c2pa"]["state"] == "invalid"
    assert record["problems"][0]["code"] == "reader_failed"
    assert evidence_in(data) is not None


def test_an_outage_is_no_property_of_the_file(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: Any, **__: Any) -> dict[str, Any]:
        raise TransientError("child_stopped", "signal 9", "again")

    monkeypatch.setattr(analysis, "run_guarded", stopped)
    with pytest.raises(TransientError):
        features(path, tmp_path, EngineSettings())


def test_stereo_and_mono_copies_say_the_same(path: Path, tmp_path: Path) -> None:
    sound = music(3, 8.0)
    encode(np.stack([sound, sound], axis=1), RATE, tmp_path / "stereo", "flac")
    mono, _ = features(path, tmp_path, EngineSettings(provenance=False))
    stereo, _ = features(tmp_path / "stereo", tmp_path, EngineSettings(provenance=False))
    one, two = evidence_in(mono), evidence_in(stereo)
    assert one is not None
    assert two is not None
    assert one.whole.score == pytest.approx(two.whole.score, abs=0.05)
