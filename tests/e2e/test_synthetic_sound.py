"""What a machine made, end to end: uploads that declare it, uploads whose sound shows it, and those that do neither."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generated import FAMILY, RATE, music, through_decoder
from rightscan.fingerprint import Fingerprint
from rightscan.jobs.results import result_of
from rightscan.media.encode import encode
from rightscan.records.base import canonical_json
from rightscan.records.findings import Finding
from rightscan.records.objects import ObjectRef
from rightscan.records.results import ScanResult
from rightscan.synthesis import Analyser, Level, Source, judge
from signed_media import action, signed
from system import RememberedAnalysis, System

S = 24.0


def _weak() -> np.ndarray:
    """Sound whose evidence lies between the two thresholds, wherever these stand."""
    for level in np.geomspace(0.004, 0.03, 24):
        sound = through_decoder(music(9, 20.0), level=float(level))
        analyser = Analyser()
        analyser.add(sound[:, None])
        if judge(analyser.finish(), Source(True, None, 44_100)).level is Level.QUEUE:
            return sound
    raise AssertionError("no leak is between the thresholds")


def _tagged(path: Path) -> None:
    """A wave file that says in a comment what made it."""
    data = path.read_bytes()
    comment = b"made with Suno\0\0"
    listed = b"INFOICMT" + struct.pack("<I", len(comment)) + comment
    body = data[8:] + b"LIST" + struct.pack("<I", len(listed)) + listed
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


class Files:
    """Two registered recordings, one of them carrying a lattice, and uploads."""

    def __init__(self, folder: Path) -> None:
        self.audio, self.uploads = folder / "audio", folder / "uploads"
        for part in (self.audio, self.uploads):
            part.mkdir(parents=True)
        plain, made = music(4, S), through_decoder(music(2, S))
        encode(plain, RATE, self.audio / "REC-1.flac", "flac")
        encode(made, RATE, self.audio / "REC-2.flac", "flac")
        machine = through_decoder(music(77, S))
        sounds: dict[str, np.ndarray] = {
            "ordinary.flac": music(77, S),
            "short.flac": music(78, 3.0),
            "machine.flac": machine,
            "weak.flac": _weak(),
            "mix.flac": np.concatenate([plain, np.zeros(RATE, np.float32), machine]),
        }
        for name, sound in sounds.items():
            encode(sound, RATE, self.uploads / name, "flac")
        encode(machine, RATE, self.uploads / "machine.mp3", "mp3", 128_000)
        encode(music(79, S), RATE, self.uploads / "tagged.wav", "wav")
        _tagged(self.uploads / "tagged.wav")
        (self.uploads / "signed.wav").write_bytes(signed("wav", actions=[action("trainedAlgorithmicMedia")]))
        for name in ("REC-1", "REC-2"):
            data = (self.audio / f"{name}.flac").read_bytes()
            (self.uploads / f"{name}.flac").write_bytes(data)


CATALOGUE = [
    {"_sheet": "recordings", "recording_id": f"REC-{n}", "lineup_size": "1", "audio": f"audio/REC-{n}.flac"}
    for n in (1, 2)
] + [
    {"_sheet": "performers", "performer_id": "P-1", "name_ko": "가나다"},
    *(
        {
            "_sheet": "lineups",
            "recording_id": f"REC-{n}",
            "performer_id": "P-1",
            "role": "가창",
            "featured": "주실연",
        }
        for n in (1, 2)
    ),
]


class World:
    """The system after everything was registered, uploaded and reported."""

    def __init__(self, folder: Path) -> None:
        self.files = Files(folder / "files")
        self.system = System(folder / "store", RememberedAnalysis(folder / "analysis"))
        put = self.system.ports.objects
        for path in sorted(self.files.audio.iterdir()):
            put.put_if_absent("registrations", f"catalogues/test/audio/{path.name}", path)
        lines = "".join(canonical_json(row) + "\n" for row in CATALOGUE)
        put.put("registrations", "catalogues/test/catalogue.jsonl", lines.encode())
        self.system.pump()
        for path in sorted(self.files.uploads.iterdir()):
            put.put("uploads", path.name, path)
        self.system.pump()
        assert self.system.left_over() == {"messages": 0, "folders": 0, "dead": 0}

    def result(self, name: str) -> ScanResult:
        ports = self.system.ports
        info = ports.objects.head(ObjectRef(bucket="uploads", key=name))
        result = result_of(name, info.ref, ports)
        assert result is not None
        return result

    def findings(self, name: str) -> list[Finding]:
        media_id = self.result(name).media_id or ""
        found = [f for f in self.system.ports.ledger.findings(media_id) if f.status == "active"]
        return sorted(found, key=lambda f: f.media_start or 0.0)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("synthetic"))


@pytest.mark.parametrize("name", ["machine.flac", "machine.mp3"])
def test_what_a_decoder_made_is_d2(world: World, name: str) -> None:
    (finding,) = world.findings(name)
    assert (finding.code, finding.axes.a, finding.axes.c, finding.axes.c_kind) == (
        "D2",
        "none",
        "detected",
        "full",
    )
    assert finding.tested == ("a", "c_mix")
    assert finding.conditions == ("vocal_not_separated",)
    assert "실연자 비교 안 함" in finding.reason_ko
    result = world.result(name)
    assert result.state == "clear"
    said = result.synthesis
    assert said is not None
    assert (said.axis_c, said.kind, said.level, said.family) == ("detected", "full", "assert", FAMILY)
    assert said.score is not None
    assert said.score > 10
    assert said.spacing_hz == pytest.approx(RATE / 512, abs=0.01)
    assert said.segments
    assert {segment.axis_c for segment in said.segments} == {"detected"}


@pytest.mark.parametrize(("name", "by"), [("tagged.wav", "tag"), ("signed.wav", "c2pa")])
def test_what_declares_itself_is_d1(world: World, name: str, by: str) -> None:
    (finding,) = world.findings(name)
    assert (finding.code, finding.axes.c, finding.axes.c_kind) == ("D1", "declared", by)
    assert "declared" in finding.tested
    result = world.result(name)
    assert result.provenance is not None
    (said,) = result.provenance.declarations
    assert (said.by, said.part, said.extent, said.trusted) == (by, "whole", "full", False)
    assert result.provenance.c2pa.state == ("valid_untrusted" if by == "c2pa" else "absent")
    assert result.synthesis is not None
    assert result.synthesis.score is not None  # the sound was listened to all the same


def test_an_ordinary_upload_stays_n1(world: World) -> None:
    (finding,) = world.findings("ordinary.flac")
    assert (finding.code, finding.axes.c, finding.tested) == ("N1", "none_found", ("a", "c_mix"))
    assert finding.conditions == ()
    assert "합성 여부" in finding.reason_ko


def test_too_short_for_synthesis_is_not_too_short_for_a_recording(world: World) -> None:
    """The limit is one of axis C; what was tested is said, and the file is not called inconclusive."""
    (finding,) = world.findings("short.flac")
    assert (finding.code, finding.axes.c, finding.tested) == ("N1", "inconclusive", ("a",))
    assert "duration" in finding.conditions
    assert "합성" not in finding.reason_ko


def test_weak_evidence_reaches_a_person_and_accuses_nobody(world: World) -> None:
    result = world.result("weak.flac")
    assert result.synthesis is not None
    assert (result.synthesis.level, result.synthesis.axis_c) == ("queue", "inconclusive")
    (finding,) = world.findings("weak.flac")
    assert (finding.code, finding.axes.c) == ("X1", "inconclusive")
    assert "weak_evidence" in finding.conditions
    assert "근거가 약함" in finding.reason_ko


def test_a_registered_recording_that_carries_a_lattice_is_a_use(world: World) -> None:
    (finding,) = world.findings("REC-2.flac")
    assert (finding.code, finding.recording_id) == ("U1", "REC-2")
    assert (finding.axes.a, finding.axes.c, finding.axes.c_kind) == ("exact", "detected", "full")
    assert finding.hits == ("U1", "D2")
    (plain,) = world.findings("REC-1.flac")
    assert (plain.code, plain.axes.c, plain.hits) == ("U1", "none_found", ("U1",))


def test_a_made_part_beside_a_match_has_a_finding_of_its_own(world: World) -> None:
    match, rest = world.findings("mix.flac")
    assert (match.code, match.recording_id, match.axes.c) == ("U1", "REC-1", "none_found")
    assert (rest.code, rest.match_id, rest.axes.c) == ("D2", None, "detected")
    assert rest.subject.startswith("synthesis-")
    assert rest.media_start is not None
    assert rest.media_end is not None
    assert rest.media_start > match.media_start + 15
    assert rest.media_end == pytest.approx(2 * S + 1, abs=1)
    assert len(world.result("mix.flac").uses) == 1


def test_the_report_says_it(world: World) -> None:
    rows: list[dict[str, Any]] = []
    from rightscan.jobs.report import _Rows

    made = _Rows("R000001", "2026-11", "ko", world.system.ports)
    rows = list(made.usage())
    by_recording = {row["recording_id"]: row for row in rows if row["media_start"] < 1}
    assert by_recording["REC-2"]["axis_c"] == "detected"
    assert by_recording["REC-2"]["conditions"] == ("vocal_not_separated",)
    assert by_recording["REC-1"]["models"].startswith("lattice@")
    assert by_recording["REC-1"]["declared_ai"] is None
    unmatched = {(row["code"], round(row["media_start"])) for row in made.unmatched()}
    assert {("D1", 0), ("D2", 0), ("N1", 0), ("X1", 0)} <= unmatched
    assert any(code == "D2" and start > 15 for code, start in unmatched)
    assert made.versions()["models"].startswith("lattice@")


def test_features_without_evidence_are_not_tested_for_it(world: World, tmp_path: Path) -> None:
    """A scan of the version before: its media is compared again, and axis C says that nothing was tested."""
    ports = world.system.ports
    media_id = world.result("ordinary.flac").media_id or ""
    (scan,) = ports.ledger.scans(media_id)
    with ports.objects.open(scan.features) as reader:
        alone = Fingerprint.from_npz(reader.read()).to_npz()
    stored = ports.objects.put("work", "features/old.npz", alone)
    old = scan.model_copy(
        update={
            "pipeline_version": scan.fingerprint_version,
            "fingerprint_version": None,
            "features": stored.ref,
            "lossless": None,
        }
    )
    from rightscan.jobs.match import match
    from rightscan.records.messages import MatchRequested

    class Old:
        def __getattr__(self, name: str) -> Any:
            return getattr(ports.ledger, name)

        def scans(self, _: str) -> list[Any]:
            return [old]

    assert match(MatchRequested(media_id=media_id, cause="sweep"), replace(ports, ledger=Old())) == "clear"
    (finding,) = world.findings("ordinary.flac")
    assert (finding.code, finding.axes.c, finding.tested) == ("N1", "not_tested", ("a",))


def test_the_word_that_no_machine_says(world: World) -> None:
    for name in sorted(path.name for path in world.files.uploads.iterdir()):
        for finding in world.findings(name):
            assert "침해" not in finding.model_dump_json()
