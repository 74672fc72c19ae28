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
from rightscan.engines import EngineSettings
from rightscan.jobs.versions import scan_pipeline
from rightscan.records.identity import object_id
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
    with (shell.folder / usage).open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["채널/프로그램"] == "'=한밤의 음악"]
    assert list(rows[0])[:2] == ["보고행번호", "행구분"]
    assert {row["주/부"] for row in rows} == {"주실연"}
    assert {row["ISRC"] for row in rows} == {"KR-A40-26-00002"}
    assert {(row["확인상태"], row["이의상태"]) for row in rows} == {("미확인", "이의 없음")}
    assert all(row["엔진버전"].startswith(f"{scan_pipeline(EngineSettings())}/") for row in rows)
    assert {row["보고행번호"].partition("-")[0] for row in rows} == {paths[0].parent.name}
    (cover,) = [path for path in paths if "_00_" in path.name]
    stated = dict(row for row in csv.reader((shell.folder / cover).open(encoding="utf-8-sig", newline="")))
    assert stated["엔진"] == rows[0]["엔진버전"]
    assert rows[0]["색인"] in stated["색인"]
    assert (stated["분배 규칙"], stated["비용 추정"]) == ("KR-5050@1", "0.01 USD 미만")
    assert not [name for name in stated if name.startswith("코드표에 없는 값")]
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
    assert (performer["consents"], performer["licences"]) == ([], [])
    # As sheets 02 and 07 of a report name an upload.
    last = upload["upload"]["custody"][-1]
    named = f"{object_id(last['ref']['bucket'], last['ref']['key'])}/{last['ref']['version']}"
    for log_index in (named, f"{named}/{last['seq']}"):
        assert shell.json("show", log_index) == [upload]
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
    assert {"installation", "disk", "store", "index", "custody"} <= {check["check"] for check in checks}
    assert "모든 형식을 풀 수 있음" in shell.run("doctor", "--lang", "ko").stdout
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
        (("scan", "exact.flac", "--facts", "no such file"), "no such file"),
        (("report", "--period", "November", "--out", "x"), "bad_period"),
        (("frobnicate",), "frobnicate"),
    ],
)
def test_usage_errors_say_what_is_wrong(shell: Shell, arguments: tuple[str, ...], said: str | None) -> None:
    done = shell.run(*arguments, status=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_path_that_is_not_there_stops_no_other(shell: Shell) -> None:
    good, missing = shell.json("scan", "uploads/exact.flac", "no such file", status=1)
    assert good["state"] == "matched"
    assert (missing["path"], missing["error"]["code"]) == ("no such file", "no_such_path")
    (missing,) = shell.json("register", "no such file", status=1)
    assert missing["error"]["code"] == "no_such_path"


def test_facts_that_could_not_be_taken_are_said(shell: Shell) -> None:
    (shell.folder / "bad_facts.csv").write_text(
        "path,posted_at,territory,mood\nuploads/excerpt.mp3,yesterday,KR,sad\nnobody.mp3,,Kore,\n", "utf-8"
    )
    arguments = ("scan", "uploads/excerpt.mp3", "--facts", "bad_facts.csv", "--lang", "en", "--json")
    done = shell.run(*arguments)
    assert len(done.stdout.splitlines()) == 1
    said = done.stderr.splitlines()
    assert [line.partition(" ")[0] for line in said] == [
        "uploads/excerpt.mp3:",
        "uploads/excerpt.mp3:",
        "nobody.mp3:",
        "nobody.mp3:",
    ]
    assert "mood" in said[0]
    assert "'yesterday'" in said[1]
    assert "'Kore'" in said[2]
    assert "no such file was scanned" in said[3]


def test_one_unreadable_file_of_a_catalogue_stops_no_other(shell: Shell) -> None:
    mixed = shell.folder / "mixed"
    shutil.copytree(shell.folder / "catalogue", mixed)
    (mixed / "consents.xlsx").write_bytes(b"PK\x03\x04 no workbook")
    (mixed / "audio" / "text.flac").write_text("no music")
    with (mixed / "recordings.csv").open("a", encoding="cp949", newline="") as file:
        csv.writer(file).writerow(["REC-TEXT", "셋째 곡", "", "1", "audio/text.flac"])
    (result,) = shell.json("register", "mixed", status=1)
    assert (result["error"], result["created"], result["unchanged"], result["invalid"]) == (None, 1, 8, 2)
    told = {(row["file"], row["row"], row["column"], row["value"], row["code"]) for row in result["rows"]}
    assert ("recordings.csv", 4, "audio", "audio/text.flac", "not_media") in told
    assert {row[4] for row in told if row[0] == "consents.xlsx"} == {"not_a_workbook"}
    shown = shell.run("register", "mixed", "--lang", "en", status=1).stdout
    assert "consents.xlsx" in shown
    assert "refused" in shown


def test_a_report_that_cannot_be_written_is_no_crash(shell: Shell) -> None:
    (shell.folder / "a file").write_text("")
    done = shell.run("report", "--period", "2026-11", "--out", "a file/reports", status=1)
    assert "machine_refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_verify_report_names_what_differs(shell: Shell) -> None:
    workbook, *rest = shell.json("report", "--period", "2026-11", "--out", "checked")
    assert workbook["path"].endswith(".xlsx")
    assert rest[-1]["path"].endswith("manifest.json")
    folder = str((shell.folder / workbook["path"]).parent)
    assert shell.json("verify-report", folder) == []
    (usage,) = [Path(line["path"]) for line in rest if "_02_" in line["path"]]
    path = shell.folder / usage
    path.write_bytes(path.read_bytes().replace("둘째 곡".encode(), "다른 곡".encode(), 1))
    told = {line["problem"]: line for line in shell.json("verify-report", folder, status=1)}
    assert told["hash"]["file"] == usage.name
    assert told["cell"]["column"] == "곡명"
    assert "곡명" in shell.run("verify-report", folder, status=1).stdout
