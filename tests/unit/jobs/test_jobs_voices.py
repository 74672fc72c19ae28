"""A voice from upload to finding: what is asked, what is stored, what is said, and what is left when nobody matches."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rightscan.engines import EngineSettings
from rightscan.errors import TransientError
from rightscan.fingerprint import Fingerprint
from rightscan.jobs.analysis import analyse
from rightscan.jobs.dossier import dossier
from rightscan.jobs.features import evidence_in, pack
from rightscan.jobs.results import finding_result
from rightscan.jobs.subject import subject
from rightscan.jobs.voices.enrol import enrol
from rightscan.jobs.voices.heard import VOICES_FILE
from rightscan.jobs.voices.withdraw import withdraw
from rightscan.media.limits import Limits
from rightscan.records.registers import Consent, Licence
from rightscan.rights.axes import AxisB, AxisD
from system import START, RememberedAnalysis, System, make_files
from voices import recording, use_written_voices, voice

WHO = {"actor": "kim", "reason": "case 7"}
STAMPS: dict[str, Any] = {"changed_at": START, "changed_by": "test", "reason": "test"}


class Singing:
    """The real analysis of a file, with the voices and the declarations that a test says are in it."""

    def __init__(self, folder: Path) -> None:
        self._inner = RememberedAnalysis(folder)
        self.people: dict[str, tuple[str, ...]] = {}
        self.declared: set[str] = set()
        self.asked: list[bool] = []

    def __call__(self, path: Path, features: Path, limits: Limits, engines: EngineSettings) -> dict[str, Any]:
        facts = self._inner(path, features, limits, replace(engines, voices=False))
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self.asked.append(engines.voices)
        if engines.voices and digest in self.people:
            heard = voice(*self.people[digest], seed=5)
            (features.parent / VOICES_FILE).write_text(heard.model_dump_json(), "utf-8")
        if digest in self.declared:
            data = features.read_bytes()
            said = {"by": "tag", "part": "whole", "extent": "full", "generator": "Maker", "trusted": False}
            provenance = {"c2pa": {"state": "absent"}, "declarations": [said | {"detail": ""}]}
            features.write_bytes(pack(Fingerprint.from_npz(data), evidence_in(data), provenance))
        return facts


class Stage:
    """A system in which P-1 is enrolled with the voice of ``kim``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.analysis = Singing(folder / "analysis")
        self.system = System(folder / "store", self.analysis)
        self.world = self.system.ports
        self.files = make_files(folder / "files")
        self.system.register(self.files)
        self.system.pump()

    def enrol(self, performer_id: str, person: str) -> None:
        self.world.ledger.save_register_row(
            Consent(
                **STAMPS,
                performer_id=performer_id,
                consent="C1",
                valid_from="2026-01-01",
                text_sha256="ab" * 32,
            )
        )
        files = [recording(self.folder, f"{performer_id}-{n}", person, seed=n) for n in (1, 2)]
        assert enrol(performer_id, files, self.world, **WHO).state == "enrolled"

    def upload(self, name: str, *people: str, declared: bool = False) -> str:
        path = self.files.uploads[name]
        media_id = hashlib.sha256(path.read_bytes()).hexdigest()
        if people:
            self.analysis.people[media_id] = people
        if declared:
            self.analysis.declared.add(media_id)
        self.world.objects.put("uploads", name, path)
        self.system.pump()
        return media_id

    def again(self, media_id: str) -> None:
        self.world.match_queue.send({"kind": "match", "media_id": media_id, "cause": "sweep"})
        self.system.pump()

    def findings(self, media_id: str):
        found = [f for f in self.world.ledger.findings(media_id) if f.status == "active"]
        return {finding.subject if finding.match_id is None else "match": finding for finding in found}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    use_written_voices(monkeypatch)
    return Stage(tmp_path)


def test_with_nobody_enrolled_nobody_listens(stage: Stage) -> None:
    media_id = stage.upload("stranger.mp3", "kim")
    assert stage.analysis.asked[-1:] == [False]
    (finding,) = stage.findings(media_id).values()
    assert (finding.axes.b, finding.likeness, "b" in finding.tested) == (AxisB.NOT_TESTED, (), False)


def test_a_voice_without_a_recording_is_a_finding_of_likeness(stage: Stage) -> None:
    stage.enrol("P-1", "kim")
    media_id = stage.upload("stranger.mp3", "kim")
    finding = stage.findings(media_id)["whole"]
    assert (finding.axes.b, finding.claim_basis, finding.code) == (AxisB.STRONG, "likeness", "A3")
    (named,) = finding.likeness
    assert (named.performer_id, named.log10_lr, named.voice_register) == ("P-1", 3.0, "singing")
    assert "b" in finding.tested
    assert stage.findings(media_id).keys() == {"whole"}


def test_declared_synthesis_of_an_enrolled_voice_is_suspected_without_a_licence_alone(stage: Stage) -> None:
    stage.enrol("P-1", "kim")
    media_id = stage.upload("stranger.mp3", "kim", declared=True)
    finding = stage.findings(media_id)["whole"]
    assert (finding.code, finding.axes.b, finding.axes.d) == ("A1", AxisB.STRONG, AxisD.NONE_FOUND)
    (case,) = stage.world.ledger.cases(media_id)
    heard = stage.world.ledger.voices(media_id, stage.world.ledger.media(media_id).scan_id)
    assert (case.subject_kind, case.subject_id, case.state) == ("performer", "P-1", "open")
    assert heard.model in case.models
    told = subject("P-1", stage.world, **WHO)
    assert [one["case_id"] for one in told["cases"]] == [case.case_id]
    assert [one["finding_id"] for one in told["findings"]] == [finding.finding_id]
    licence = Licence(
        **STAMPS,
        licence_id="L-1",
        performer_id="P-1",
        scope=("ai_generation",),
        parts=("vocals",),
        valid_from="2026-01-01",
    )
    stage.world.ledger.save_register_row(licence)
    stage.again(media_id)
    finding = stage.findings(media_id)["whole"]
    assert (finding.code, finding.axes.d, finding.licence_ids) == ("L1", AxisD.AI_LICENCE, ("L-1",))


def test_a_voice_of_the_line_up_is_no_claim_of_its_own(stage: Stage) -> None:
    stage.enrol("P-1", "kim")
    media_id = stage.upload("exact.flac", "kim")
    found = stage.findings(media_id)
    assert found.keys() == {"match"}
    assert (found["match"].code, found["match"].axes.b) == ("U1", AxisB.STRONG)


def test_a_voice_that_no_match_explains_is_a_claim_of_its_own(stage: Stage) -> None:
    stage.enrol("P-2", "lee")
    media_id = stage.upload("excerpt.mp3", "lee")  # P-1 alone is in its line-up
    found = stage.findings(media_id)
    assert found.keys() == {"match", "voice"}
    assert (found["voice"].claim_basis, found["voice"].likeness[0].performer_id) == ("likeness", "P-2")
    assert len([u for u in stage.world.ledger.uses(media_id) if u.status == "active"]) == 1  # the match's


def test_a_withdrawal_ends_what_was_said(stage: Stage) -> None:
    stage.enrol("P-1", "kim")
    media_id = stage.upload("stranger.mp3", "kim")
    before = stage.world.ledger.media(media_id).verdict_id
    shown = finding_result(stage.findings(media_id)["whole"], stage.world)
    assert [(one.performer_id, one.log10_lr) for one in shown.likeness] == [("P-1", 3.0)]
    withdraw("P-1", stage.world, **WHO)
    # Before anything is compared again, what stands is not shown any more.
    assert finding_result(stage.findings(media_id)["whole"], stage.world).likeness == ()
    assert dossier(media_id, stage.world)["findings"][0].get("likeness", []) == []
    stage.again(media_id)
    finding = stage.findings(media_id)["whole"]
    assert (finding.axes.b, finding.likeness) == (AxisB.NOT_TESTED, ())
    assert stage.world.ledger.media(media_id).verdict_id != before


def test_of_a_voice_that_matches_nobody_nothing_is_left(stage: Stage) -> None:
    stage.enrol("P-1", "kim")
    media_id = stage.upload("stranger.mp3", "passer-by")
    assert stage.analysis.asked[-1]
    finding = stage.findings(media_id)["whole"]
    assert (finding.axes.b, finding.likeness) == (AxisB.NO_MATCH, ())
    for person in ("passer-by", "kim"):
        left_nowhere(stage, person)


def test_of_a_voice_that_matches_its_embedding_is_left_nowhere_either(stage: Stage) -> None:
    stage.enrol("P-1", "kim")
    stage.upload("stranger.mp3", "kim")
    left_nowhere(stage, "kim")


def left_nowhere(stage: Stage, person: str) -> None:
    """No file of the store (records, objects, queues, logs, temporary folders) holds a window of the voice."""
    text = voice(person, seed=5).embeddings
    rows = base64.b64decode(text)
    one = rows[: len(rows) // 8]
    needles = (text[:64].encode(), one[:64], one[-64:], VOICES_FILE.encode())
    looked = 0
    for path in sorted(stage.system.home.rglob("*")):
        assert path.name != VOICES_FILE
        if path.is_file():
            looked += 1
            assert not [needle for needle in needles if needle in path.read_bytes()], path
    assert looked > 5
    assert stage.system.left_over() == {"messages": 0, "folders": 0, "dead": 0}
    assert text[:64] not in stage.system.log.getvalue()


def test_a_vault_that_is_out_of_order_is_no_fault_of_the_file(stage: Stage) -> None:
    stage.enrol("P-1", "kim")
    (key,) = stage.system.home.glob("keys/vault.key")
    key.chmod(0o644)
    media_id = stage.upload("stranger.mp3", "kim")
    media = stage.world.ledger.media(media_id)
    assert media.state.value == "claimed"
    assert stage.world.ledger.findings(media_id) == []
    (letter,) = stage.world.dead_letters.show()
    assert letter.queue == "ScanDeadLetterQueue" or "Scan" in letter.queue
    key.chmod(0o600)
    assert stage.world.dead_letters.redrive() == 1
    stage.system.pump()
    assert stage.findings(media_id)["whole"].axes.b is AxisB.STRONG


def test_an_encoder_that_is_not_there_is_no_fault_of_the_file(tmp_path: Path) -> None:
    sound = make_files(tmp_path / "files").uploads["stranger.mp3"]
    engines = EngineSettings(encoder="nobody", voices=True)
    with pytest.raises(TransientError) as told:
        analyse(sound, tmp_path / "features.npz", Limits(), engines)
    assert told.value.code == "unknown_model"
