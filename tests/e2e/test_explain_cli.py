"""``rightscan explain`` as people type it: files and registered recordings, numbers and a picture that opens."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from rightscan.index.calibration import ACCEPT_LOG10_LR
from rightscan.records.results import ExplainResult
from system import CATALOGUE, make_files


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The files of the flow; the catalogue is JSON Lines beside its audio."""
    folder = tmp_path_factory.mktemp("explain")
    make_files(folder)
    catalogue = folder / "catalogue"
    catalogue.mkdir()
    shutil.copytree(folder / "audio", catalogue / "audio")
    (catalogue / "catalogue.jsonl").write_text(
        "\n".join(json.dumps(row, ensure_ascii=False) for row in CATALOGUE), "utf-8"
    )
    return folder


def run(folder: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RIGHTSCAN_")}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("rightscan")), *arguments],
        cwd=folder,
        env={**clean, "RIGHTSCAN_HOME": str(folder / "store"), "COLUMNS": "200"},
        text=True,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done


def explained(folder: Path, *arguments: str, status: int = 0) -> dict:
    """The one object on standard output."""
    (line,) = run(folder, "--json", "explain", *arguments, status=status).stdout.splitlines()
    ExplainResult.model_validate_json(line)
    return json.loads(line)


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        return image.size


def test_two_files_that_match_need_no_store(folder: Path) -> None:
    seen = explained(folder, "uploads/excerpt.mp3", "audio/REC-2.flac", "--out", "pictures/match.png")
    assert (seen["path"], seen["recording"], seen["state"]) == (
        "uploads/excerpt.mp3",
        "audio/REC-2.flac",
        "matched",
    )
    (segment,) = seen["segments"]
    assert segment["score"] > seen["threshold"] == ACCEPT_LOG10_LR
    assert segment["offset_s"] == pytest.approx(2.0, abs=0.1)
    assert (segment["speed"], segment["pitch_semitones"]) == (pytest.approx(1, abs=0.001), 0.0)
    assert segment["modification"] == []
    assert segment["peaks_matched"] > 0.5 * segment["peaks_possible"] > 20
    assert segment["landmarks"] > 50
    assert segment["evidence"][-1][1] > 50
    assert len(segment["harmony_by_second"]) >= 8
    assert all(0 < bound < 2 for bound in segment["bounds"])
    assert (seen["not_told_because"], seen["strongest_followed"], seen["error"]) == ([], None, None)
    picture = seen["picture"]
    assert picture["path"] == "pictures/match.png"
    assert size(folder / picture["path"]) == (picture["width"], picture["height"]) == (2100, 1500)
    assert not (folder / "store").exists()


def test_files_that_do_not_match_say_why(folder: Path) -> None:
    seen = explained(folder, "uploads/stranger.mp3", "audio/REC-1.flac", "--out", "clear.png")
    assert (seen["state"], seen["segments"]) == ("clear", [])
    assert seen["not_told_because"]
    assert (seen["strongest_followed"] is None) == (seen["not_told_because"] == ["nothing_followed"])
    assert size(folder / "clear.png") == (2100, 1500)


def test_people_read_korean_unless_they_ask_for_english(folder: Path) -> None:
    arguments = ("explain", "uploads/exact.flac", "audio/REC-1.flac", "--out", "words.png")
    korean = run(folder, *arguments).stdout
    assert "일치: 음원이 업로드에 들어 있음" in korean
    first = (folder / "words.png").read_bytes()
    english = run(folder, *arguments, "--lang", "en").stdout
    assert "Match: the recording is in the upload" in english
    assert "words.png" in english
    assert (folder / "words.png").read_bytes() != first


@pytest.mark.parametrize(
    ("upload", "recording", "failed", "code"),
    [
        ("uploads/text.mp3", "audio/REC-1.flac", "uploads/text.mp3", "not_media"),
        ("uploads/exact.flac", "uploads/text.mp3", "uploads/text.mp3", "not_media"),
    ],
)
def test_a_bad_file_is_named_with_cause_and_remedy(folder, upload, recording, failed, code) -> None:
    seen = explained(folder, upload, recording, "--out", "bad.png", status=1)
    assert (seen["state"], seen["failed_input"], seen["error"]["code"]) == ("failed", failed, code)
    assert seen["error"]["remedy"]
    assert not (folder / "bad.png").exists()
    done = run(folder, "explain", upload, recording, "--out", "bad.png", status=1)
    assert done.stdout == ""
    assert failed in done.stderr
    assert "→" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("uploads/exact.flac", "audio/REC-1.flac"), "--out"),
        (("nowhere.mp3", "audio/REC-1.flac", "--out", "x.png"), "no_such_path"),
        (("uploads/exact.flac", "REC-404", "--out", "x.png"), "no_such_recording"),
        (("uploads", "audio/REC-1.flac", "--out", "x.png"), "no_such_path"),
        (
            ("uploads/exact.flac", "audio/REC-1.flac", "--out", "uploads/exact.flac/x.png"),
            "unwritable_picture",
        ),
    ],
)
def test_usage_errors_say_what_is_wrong(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    assert said in run(folder, "explain", *arguments, status=2).stderr


def test_a_registered_recording_is_known_by_its_id(folder: Path) -> None:
    run(folder, "register", "catalogue")
    seen = explained(folder, "uploads/exact.flac", "REC-1", "--out", "registered.png")
    assert (seen["state"], seen["recording"]) == ("matched", "REC-1")
    assert seen["segments"][0]["offset_s"] == pytest.approx(0, abs=0.05)
    assert size(folder / "registered.png") == (2100, 1500)
