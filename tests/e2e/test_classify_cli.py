"""``rightscan classify`` as people type it: files, folders, bad files, the picture; no store is made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generated import FAMILY, RATE, music, through_decoder
from hostile_media import pcm16, wav
from rightscan.media.encode import encode
from rightscan.records.results import ClassifyResult, ScanResult
from signed_media import action, authority, signed

S = 20.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classify")
    files = folder / "files"
    files.mkdir()
    encode(music(77, S), RATE, files / "1 보통.flac", "flac")
    machine = through_decoder(music(77, S))
    encode(np.stack([machine, machine], axis=1), RATE, files / "2 기계.mp3", "mp3", 128_000)
    (files / "3 signed.wav").write_bytes(signed("wav", actions=[action("trainedAlgorithmicMedia")]))
    (files / "4 text.mp3").write_text("no music at all")
    encode(np.zeros(RATE * 4, np.float32), RATE, files / "5 silence.flac", "flac")
    return folder


def run(
    folder: Path, *arguments: str, status: int = 0, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RIGHTSCAN_")}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("rightscan")), *arguments],
        cwd=folder,
        env={**clean, "RIGHTSCAN_HOME": str(folder / "store"), "COLUMNS": "200", **environment},
        text=True,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done


def objects(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    lines = done.stdout.splitlines()
    for line in lines:
        ClassifyResult.model_validate_json(line)
    return [json.loads(line) for line in lines]


def test_a_folder_gives_one_object_a_file_in_order(folder: Path) -> None:
    found = objects(run(folder, "classify", "files", "--json", "--jobs", "2", status=1))
    assert [Path(one["path"]).name for one in found] == sorted(p.name for p in (folder / "files").iterdir())
    plain, machine, declared, text, silence = found
    assert [one["state"] for one in found] == [
        "classified",
        "classified",
        "classified",
        "failed",
        "classified",
    ]
    assert (plain["synthesis"]["axis_c"], plain["synthesis"]["level"]) == ("none_found", "none")
    assert (machine["synthesis"]["axis_c"], machine["synthesis"]["family"]) == ("detected", FAMILY)
    assert machine["synthesis"]["score"] > 10 > plain["synthesis"]["score"]
    assert machine["synthesis"]["log10_lr"] > 2
    assert (declared["synthesis"]["axis_c"], declared["synthesis"]["kind"]) == ("declared", "c2pa")
    assert declared["provenance"]["c2pa"]["state"] == "valid_untrusted"
    assert text["error"]["code"] == "not_media"
    assert text["error"]["remedy"]
    assert text["synthesis"] is None
    # Silence allows no word, and the score is there all the same.
    assert silence["synthesis"]["axis_c"] == "inconclusive"
    assert "duration" in silence["synthesis"]["conditions"]
    assert silence["synthesis"]["score"] is not None
    assert not (folder / "store").exists()


def test_the_object_has_what_is_promised(folder: Path) -> None:
    (one,) = objects(run(folder, "--json", "classify", "files/2 기계.mp3"))
    assert set(one) >= {"path", "state", "duration_s", "provenance", "synthesis", "error"}
    said = one["synthesis"]
    assert set(said) >= {
        "axis_c",
        "kind",
        "log10_lr",
        "score",
        "family",
        "conditions",
        "segments",
        "measured",
    }
    assert said["kind"] == "full"
    (segment,) = said["segments"]
    assert set(segment) == {
        "media_start",
        "media_end",
        "axis_c",
        "kind",
        "log10_lr",
        "score",
        "family",
    }
    assert (segment["media_start"], segment["axis_c"], segment["kind"]) == (0.0, "detected", "full")
    assert segment["media_end"] == pytest.approx(one["duration_s"], abs=0.1)
    assert said["measured"]["lossless"] is False
    assert said["measured"]["bit_rate"] == pytest.approx(128_000, rel=0.05)
    assert said["measured"]["band_hz"] > 10_000
    assert said["measured"]["snr_db"] > 10
    assert said["conditions"] == ["vocal_not_separated"]


def test_people_read_words(folder: Path) -> None:
    korean = run(folder, "classify", "files/2 기계.mp3").stdout
    assert "합성 검출" in korean
    assert "보컬을 분리하지 않음" in korean
    english = run(
        folder, "classify", "files/4 text.mp3", "files/1 보통.flac", "--lang", "en", status=1
    ).stdout
    assert "none found" in english
    assert "침해" not in korean + english


def test_an_engine_that_is_off_says_nothing(folder: Path) -> None:
    (one,) = objects(run(folder, "classify", "files/2 기계.mp3", "--json", RIGHTSCAN_ENGINES="provenance"))
    assert (one["synthesis"]["axis_c"], one["synthesis"]["score"]) == ("not_tested", None)
    assert one["provenance"]["c2pa"]["state"] == "absent"
    (two,) = objects(run(folder, "classify", "files/3 signed.wav", "--json", RIGHTSCAN_ENGINES="lattice"))
    assert two["provenance"] is None
    assert two["synthesis"]["axis_c"] != "declared"


def test_a_configured_authority_makes_a_declaration_trusted(folder: Path) -> None:
    known = authority()
    (folder / "anchors.pem").write_bytes(known.root_pem)
    data = signed("wav", actions=[action("trainedAlgorithmicMedia")], by=known)
    (folder / "trusted.wav").write_bytes(data)
    anchors = str(folder / "anchors.pem")
    (one,) = objects(run(folder, "classify", "trusted.wav", "--json", RIGHTSCAN_TRUST_ANCHORS=anchors))
    assert one["provenance"]["c2pa"]["state"] == "trusted"
    assert [said["trusted"] for said in one["provenance"]["declarations"]] == [True]
    (two,) = objects(run(folder, "classify", "trusted.wav", "--json"))
    assert two["provenance"]["c2pa"]["state"] == "valid_untrusted"


def test_what_cannot_be_decoded_still_declares(folder: Path) -> None:
    data = signed("wav", actions=[action("trainedAlgorithmicMedia")], source=_without_sound())
    (folder / "mute.wav").write_bytes(data)
    (one,) = objects(run(folder, "classify", "mute.wav", "--json", status=1))
    assert (one["state"], one["error"]["code"]) == ("failed", "too_short")
    assert one["provenance"]["c2pa"]["state"] == "valid_untrusted"
    assert (one["synthesis"]["axis_c"], one["synthesis"]["kind"]) == ("declared", "c2pa")
    assert one["synthesis"]["score"] is None


def _without_sound() -> bytes:
    return wav(pcm16(np.zeros((100, 1), np.float32)), rate=RATE, channels=1)


def test_wrong_use_ends_with_two(folder: Path) -> None:
    (folder / "nothing").mkdir(exist_ok=True)
    run(folder, "classify", status=2)
    run(folder, "classify", "nothing", status=2)
    run(folder, "classify", "files", "--picture", "x.png", status=2)
    run(folder, "classify", "files/1 보통.flac", status=2, RIGHTSCAN_ENGINES="crystal ball")
    (missing,) = objects(run(folder, "classify", "not there.wav", "--json", status=1))
    assert missing["error"]["code"] == "no_such_path"


@pytest.mark.parametrize("name", ["1 보통.flac", "2 기계.mp3", "3 signed.wav", "5 silence.flac"])
def test_a_picture_is_drawn_of_anything(folder: Path, name: str) -> None:
    (one,) = objects(run(folder, "classify", f"files/{name}", "--json", "--picture", "out.png"))
    with Image.open(folder / "out.png") as image:
        image.load()
        assert (image.format, image.size) == ("PNG", (one["picture"]["width"], one["picture"]["height"]))


def test_no_picture_of_what_cannot_be_read(folder: Path) -> None:
    (one,) = objects(run(folder, "classify", "files/4 text.mp3", "--json", "--picture", "none.png", status=1))
    assert one["picture"] is None
    assert not (folder / "none.png").exists()


def test_what_a_scan_says_and_shows(folder: Path) -> None:
    """The same judgement out of the store, and the picture from stored features: the media may be gone."""
    (line,) = run(folder, "scan", "files/2 기계.mp3", "--json").stdout.splitlines()
    result = ScanResult.model_validate_json(line)
    (alone,) = objects(run(folder, "classify", "files/2 기계.mp3", "--json"))
    assert result.synthesis is not None
    assert [finding.code for finding in result.findings] == ["D2"]
    assert (result.synthesis.score, result.synthesis.family) == (
        alone["synthesis"]["score"],
        alone["synthesis"]["family"],
    )
    run(folder, "show", str(result.media_id), "--picture", "stored.png")
    with Image.open(folder / "stored.png") as image:
        assert image.size == (2100, 1500)
    run(folder, "show", "nobody", "--picture", "x.png", status=2)
