"""``enrol``, ``withdraw``, ``subject``, ``purge`` and ``vault-log`` as a person types them."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from rightscan import runtime
from rightscan.cli.main import cli
from rightscan.records.registers import Consent, LineupEntry, Performer, Recording
from voices import recording, use_written_voices

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
STAMPS = {"changed_at": NOW, "changed_by": "catalogue", "reason": "catalogue.xlsx"}
WHY = ("--actor", "kim", "--reason", "사건 7")


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "store"
        self.world = runtime.local_ports(self.home, durable=False)

    def run(self, *arguments: str, status: int = 0) -> str:
        done = CliRunner().invoke(cli, ["--home", str(self.home), *arguments], standalone_mode=False)
        code = done.return_value if done.exception is None else getattr(done.exception, "code", 99)
        assert (code or 0) == status, (done.output, done.exception)
        return done.output

    def json(self, *arguments: str, status: int = 0) -> list[dict]:
        return [
            json.loads(line)
            for line in self.run(*arguments, "--json", status=status).splitlines()
            if line.startswith("{")
        ]

    def recordings(self, person: str, *names: str) -> list[str]:
        return [str(recording(self.folder, name, person, seed=n)) for n, name in enumerate(names)]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    use_written_voices(monkeypatch)
    desk = Desk(tmp_path)
    save = desk.world.ledger.save_register_row
    for performer_id, name in (("P-1", "김가나"), ("P-2", "이다라")):
        save(Performer(**STAMPS, performer_id=performer_id, name_ko=name))
        save(LineupEntry(**STAMPS, recording_id="R-1", performer_id=performer_id, roles=("가창",)))
    save(Recording(**STAMPS, recording_id="R-1", title="노래"))
    save(Consent(**STAMPS, performer_id="P-1", consent="C1", valid_from="2026-01-01", text_sha256="ab" * 32))
    return desk


def test_from_enrolment_to_withdrawal(desk: Desk) -> None:
    (told,) = desk.json("enrol", "P-1", *desk.recordings("kim", "a", "b"), *WHY)
    assert (told["state"], told["registers"], told["recordings"]) == ("enrolled", ["singing"], 2)
    assert "embedding" not in json.dumps(told)
    assert "등록함 (노래, 녹음 2개" in desk.run("enrol", "P-1", *desk.recordings("kim", "c", "d"), *WHY)
    (stone,) = desk.json("withdraw", "P-1", *WHY)
    assert (stone["performer_id"], stone["registers"]) == ("P-1", ["singing"])
    assert "되돌릴 수 없습니다" in desk.run("withdraw", "P-1", *WHY)
    (told,) = desk.json("enrol", "P-1", *desk.recordings("kim", "e", "f"), *WHY, status=1)
    assert [problem["code"] for problem in told["problems"]] == ["no_consent"]


def test_refusals_are_said_in_both_languages(desk: Desk) -> None:
    files = desk.recordings("lee", "a", "b")
    assert "C1 동의가 없음" in desk.run("enrol", "P-2", *files, *WHY, status=1)
    assert "no consent C1" in desk.run("enrol", "P-2", *files, *WHY, "--lang", "en", status=1)
    assert "음악이 있음" in desk.run(
        "enrol",
        "P-1",
        *[str(recording(desk.folder, f"m{n}", "kim", backing=0.9)) for n in (1, 2)],
        *WHY,
        status=1,
    )


@pytest.mark.parametrize(
    "verb", [("enrol", "P-1", "x"), ("withdraw", "P-1"), ("subject", "P-1"), ("purge",), ("vault-log",)]
)
def test_who_asks_and_why_are_not_optional(desk: Desk, verb: tuple[str, ...]) -> None:
    for given in ((), WHY[:2], WHY[2:]):
        done = CliRunner().invoke(cli, ["--home", str(desk.home), *verb, *given])
        assert done.exit_code == 2, (verb, done.output)
    assert not (desk.home / "vault").exists()


def test_a_recording_that_is_not_there_is_named(desk: Desk) -> None:
    assert "no_such_path" in desk.run("enrol", "P-1", str(desk.folder / "nothing.wav"), *WHY, status=2)


def test_a_performer_gets_everything_and_nothing_of_others(desk: Desk) -> None:
    desk.run("enrol", "P-1", *desk.recordings("kim", "a", "b"), *WHY)
    (told,) = desk.json("subject", "P-1", *WHY)
    assert {row["kind"] for row in told["registers"]} == {"performer", "consent"}
    assert [row["performer_id"] for row in told["lineups"]] == ["P-1"]
    assert [one["voice_register"] for one in told["voice"]["templates"]] == ["singing"]
    assert next((e["actor"], e["action"], e["reason"]) for e in told["voice"]["accesses"]) == (
        "kim",
        "enrol",
        "사건 7",
    )
    assert "이다라" not in json.dumps(told, ensure_ascii=False)
    out = desk.folder / "subject.json"
    desk.run("subject", "P-1", "--out", str(out), *WHY)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert json.loads(out.read_text("utf-8"))["performer_id"] == "P-1"
    assert "unknown_id" in desk.run("subject", "P-9", *WHY, status=2)


def test_the_log_names_who_asked_for_the_log_too(desk: Desk) -> None:
    desk.run("enrol", "P-1", *desk.recordings("kim", "a", "b"), *WHY)
    desk.json("vault-log", *WHY)
    entries = desk.json("vault-log", "--since", "2026-01-01", "--actor", "lee", "--reason", "audit")
    assert [e["action"] for e in entries][:2] == ["enrol", "read_log"]
    assert "김가나" not in json.dumps(entries, ensure_ascii=False)
    assert "등록" in desk.run("vault-log", *WHY)
    assert "bad_day" in desk.run("vault-log", "--since", "soon", *WHY, status=2)


def test_a_purge_is_dry_until_it_is_told_otherwise(desk: Desk) -> None:
    desk.run("enrol", "P-1", *desk.recordings("kim", "a", "b"), *WHY)
    row = desk.world.ledger.consents("P-1")[0]
    desk.world.ledger.save_register_row(row.model_copy(update={"valid_to": "2026-01-02"}))
    log = desk.home / "logs" / "old.log"
    log.parent.mkdir(parents=True)
    log.write_text("x")
    os.utime(log, (0, 0))
    found = {line["class"]: (line["found"], line["removed"]) for line in desk.json("purge", *WHY)}
    assert (found["template"], found["function_log"], found["record"]) == (
        (1, False),
        (1, False),
        (None, False),
    )
    assert log.exists()
    assert "세기만 함" in desk.run("purge", *WHY)
    found = {line["class"]: (line["found"], line["removed"]) for line in desk.json("purge", "--yes", *WHY)}
    assert (found["template"], found["function_log"], found["access_log"]) == (
        (1, True),
        (1, True),
        (0, True),
    )
    assert not log.exists()
    (told,) = desk.json("subject", "P-1", *WHY)
    assert (told["voice"]["templates"], told["voice"]["tombstone"]["registers"]) == ([], ["singing"])


def test_the_key_file_of_the_store_is_for_its_owner(desk: Desk) -> None:
    desk.run("enrol", "P-1", *desk.recordings("kim", "a", "b"), *WHY)
    key = desk.home / "keys" / "vault.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    key.chmod(0o644)
    assert "vault_key_mode" in desk.run("subject", "P-1", *WHY, status=1)
