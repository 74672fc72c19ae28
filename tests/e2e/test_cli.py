"""The command line as its users type it: real processes, the real runtime, one store."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rightscan import runtime
from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.queues import LocalQueue
from system import CATALOGUE, make_files


class Shell:
    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "store"

    def run(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess:
        command = [str(Path(sys.executable).with_name("rightscan")), *arguments]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("RIGHTSCAN_")}
        environment = {**clean, "RIGHTSCAN_HOME": str(self.home), "COLUMNS": "200"}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            text=True,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == status, (arguments, done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *arguments: str, status: int = 0) -> list[dict]:
        """Every line of standard output is one JSON object, and nothing else is there."""
        return [
            json.loads(line) for line in self.run(*arguments, "--json", status=status).stdout.splitlines()
        ]


@pytest.fixture(scope="module")
def shell(tmp_path_factory) -> Shell:
    folder = tmp_path_factory.mktemp("cli")
    files = make_files(folder)
    assert set(files.uploads) == {path.name for path in (folder / "uploads").iterdir()}
    catalogue = folder / "catalogue"
    catalogue.mkdir()
    shutil.move(folder / "audio", catalogue / "audio")
    for sheet in {row["_sheet"] for row in CATALOGUE}:
        rows = [
            {k: v for k, v in row.items() if k != "_sheet"} for row in CATALOGUE if row["_sheet"] == sheet
        ]
        with (catalogue / f"{sheet}.csv").open("w", encoding="cp949", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    return Shell(folder)


def test_register_then_again_says_unchanged(shell: Shell) -> None:
    (first,) = shell.json("register", "catalogue")
    assert (first["created"], first["invalid"], first["indexed"]) == (8, 0, 2)
    (second,) = shell.json("register", "catalogue")
    assert (second["created"], second["updated"], second["unchanged"]) == (0, 0, 8)


def test_scan_prints_one_object_per_input_and_fails_for_bad_ones(shell: Shell) -> None:
    results = {Path(r["path"]).name: r for r in shell.json("scan", "uploads", status=1)}
    assert set(results) == {path.name for path in (shell.folder / "uploads").iterdir()}
    exact = results["exact.flac"]
    assert (exact["state"], exact["segments"][0]["recording_id"]) == ("matched", "REC-1")
    assert [f["code"] for f in exact["findings"]] == ["U1"]
    assert exact["findings"][0]["claim_basis"] == "fixation"
    assert {p["performer_id"] for p in exact["findings"][0]["performers"]} == {"P-1", "P-2"}
    assert len(exact["uses"]) == 1
    excerpt = results["excerpt.mp3"]["segments"][0]
    assert excerpt["recording_id"] == "REC-2"
    assert abs(excerpt["reference_start"] - 2.0) < 0.5
    assert abs(excerpt["media_end"] - 10.0) < 0.6
    assert results["stranger.mp3"]["segments"] == []
    assert results["stranger.mp3"]["error"] is None
    assert results["text.mp3"]["error"]["code"] == "not_media"
    assert results["text.mp3"]["error"]["remedy"]


def test_scanning_again_counts_nothing_twice(shell: Shell) -> None:
    before = {r["path"]: r.get("uses") for r in shell.json("scan", "uploads", status=1)}
    after = {r["path"]: r.get("uses") for r in shell.json("--json", "scan", "uploads", status=1)}
    assert before == after


def test_facts_reach_the_use_and_the_report(shell: Shell) -> None:
    shutil.copy(shell.folder / "uploads" / "excerpt.mp3", shell.folder / "news.mp3")
    (shell.folder / "facts.csv").write_text(
        "path,platform,channel,posted_at,use_type,territory\n"
        "news.mp3,라디오,=한밤의 음악,2026-10-31T15:30:00Z,broadcast,KR\n",
        "utf-8-sig",
    )
    (result,) = shell.json("scan", "news.mp3", "--facts", "facts.csv")
    # 15:30 UTC on the last of October is November in Seoul.
    assert result["uses"][0]["period"] == "2026-11"
    paths = [Path(line["path"]) for line in shell.json("report", "--period", "2026-11", "--out", "reports")]
    (usage,) = [path for path in paths if "_02_" in path.name]
    text = (shell.folder / usage).read_bytes()
    assert text.startswith(b"\xef\xbb\xbf")
    assert "'=한밤의 음악".encode() in text
    assert (shell.folder / usage).read_text("utf-8-sig").splitlines()[0].startswith("보고행번호,행구분")
    shell.run("verify-report", str(paths[0].parent))


def test_show_knows_uploads_recordings_and_performers(shell: Shell) -> None:
    (upload,) = shell.json("show", "uploads/exact.flac")
    assert [entry["action"] for entry in upload["upload"]["custody"]] == ["received", "verdict"]
    (media,) = shell.json("show", upload["media"]["media_id"])
    assert len(media["uploads"]) == 2
    (recording,) = shell.json("show", "REC-1")
    assert recording["recording"]["title"] == "첫째 곡"
    assert len(recording["lineup"]) == 2
    (performer,) = shell.json("show", "P-1")
    assert performer["mandates"][0]["mandate"] == "member"
    assert "unknown_id" in shell.run("show", "nobody", status=2).stderr


def test_verify_log_names_a_changed_entry(shell: Shell) -> None:
    assert shell.json("verify-log") == []
    connection = Database(runtime.LocalPaths(shell.home).database).connection()
    key = "SELECT pk, sk, body FROM items WHERE kind='custody' AND body LIKE '%\"seq\":1,%' LIMIT 1"
    row = connection.execute(key).fetchone()
    try:
        connection.execute(
            "UPDATE items SET body=? WHERE pk=? AND sk=?",
            (row["body"].replace('"size":', '"size":1'), row["pk"], row["sk"]),
        )
        (broken,) = shell.json("verify-log", status=1)
        assert broken["log_index"].endswith("/1")
    finally:
        connection.execute("UPDATE items SET body=? WHERE pk=? AND sk=?", (row["body"], row["pk"], row["sk"]))
    assert shell.json("verify-log") == []


def test_watch_once_scans_what_lies_there(shell: Shell) -> None:
    folder = shell.folder / "incoming"
    folder.mkdir()
    shutil.copy(shell.folder / "uploads" / "exact.flac", folder / "방송 녹음.flac")
    (result,) = shell.json("watch", "incoming", "--once")
    assert result["state"] == "matched"


def test_backfill_scans_what_no_event_told_of(shell: Shell) -> None:
    database = Database(runtime.LocalPaths(shell.home).database)
    connection = database.connection()
    kept = connection.execute("SELECT * FROM notifications WHERE bucket='uploads'").fetchall()
    connection.execute("DELETE FROM notifications WHERE bucket='uploads'")  # before the system went live
    ports = runtime.local_ports(shell.home)
    data = (shell.folder / "uploads" / "excerpt.mp3").read_bytes()
    old = ports.objects.put("uploads", "archive/1999.mp3", data)
    for row in kept:
        connection.execute("INSERT INTO notifications VALUES (?,?,?,?,?)", tuple(row))
    assert ports.ledger.upload(old.ref) is None
    (result,) = shell.json("backfill")
    assert (result["queued"], result["finished"]) == (1, True)
    upload = ports.ledger.upload(old.ref)
    assert upload is not None
    assert upload.origin == "backfill"
    (again,) = shell.json("backfill")
    assert again["queued"] == 0


def bury(shell: Shell, body: dict) -> None:
    """Let a message fail until it is dead, without a runtime to take it."""
    clock = ManualClock(datetime.now(UTC))
    queue = LocalQueue("ScanQueue", Database(runtime.LocalPaths(shell.home).database), clock)
    queue.send(body)
    for _ in range(10):
        for message in queue.receive(10):
            queue.release(message, delay_s=0)
        clock.advance(1)


def test_dead_letters_are_shown_redriven_and_dropped(shell: Shell) -> None:
    assert shell.json("dlq", "show") == []
    for number in (1, 2):
        bury(shell, {"kind": "scan", "number": number})
    letters = shell.json("dlq", "show")
    assert [json.loads(letter["body"])["number"] for letter in letters] == [1, 2]
    assert {letter["queue"] for letter in letters} == {"ScanQueue"}
    shell.run("dlq", "drop", letters[0]["message_id"])
    assert shell.json("dlq", "redrive") == [{"redriven": 1}]
    assert shell.json("dlq", "show") == []
    shell.run("dlq", "drop", letters[0]["message_id"], status=2)


def test_doctor_is_content(shell: Shell) -> None:
    checks = shell.json("doctor")
    assert {check["check"]: check["state"] for check in checks if check["state"] == "failed"} == {}


def test_templates_are_written_in_both_languages(shell: Shell) -> None:
    for language in ("ko", "en"):
        (workbook, *_) = shell.json(
            "template", "catalogue", "--out", f"templates-{language}", "--lang", language
        )
        assert (shell.folder / workbook["path"]).is_file()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scan",), "PATHS"),
        (("scan", "no such file"), "no_such_path"),
        (("register", "no such file"), None),
        (("report", "--period", "November", "--out", "x"), "bad_period"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_usage_errors_say_what_is_wrong(shell: Shell, arguments: tuple[str, ...], said: str | None) -> None:
    status = 1 if arguments[0] == "register" else 2
    done = shell.run(*arguments, status=status)
    if said is not None:
        assert said in done.stderr
    assert "Traceback" not in done.stderr
