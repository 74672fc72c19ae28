"""What the functions write to standard output and error: ids and codes, no key, title, name or uploader."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from hostile_media import RATE, encoded, pcm16, piece, wav
from rightscan import runtime
from rightscan.adapters.local.queues import insert_message
from rightscan.engines import EngineSettings
from rightscan.errors import TransientError
from rightscan.jobs.analysis import analyse
from rightscan.jobs.submit import upload_media
from rightscan.jobs.versions import scan_pipeline
from rightscan.localrun.inline import InlineRuntime
from rightscan.media.limits import Limits
from rightscan.records.identity import scan_id
from rightscan.rights.upload_facts import UploadFacts
from system import PERIOD, ROOT, System, wiring

WORDS = {
    "key": "비밀열쇠Zq7",
    "title": "은밀한제목Xv3",
    "artist": "어느가수Hr2",
    "performer": "김아무개Wk9",
    "uploader": "jm5uploader@private.example",
    "channel": "숨은채널Lb4",
    "url": "https://secret.example/watch-Tn8",
    "message": "엉뚱한글Pd6",
    "cell": "틀린번호Cf1",
    "tag": "꼬리표제목Gs0",
}
"""Each stands where a person's word may stand."""


class Unruly:
    """The real analysis, but for the files that a bug or an outage is made to meet."""

    def __init__(self) -> None:
        self.outages = 0

    def __call__(self, path: Path, features: Path, limits: Limits, engines: EngineSettings) -> dict[str, Any]:
        data = path.read_bytes()
        if data.endswith(b"bug"):
            raise ValueError(f"{WORDS['key']}: {WORDS['title']}")
        if data.endswith(b"outage") and not self.outages:
            self.outages += 1
            raise TransientError("store_unreachable", f"{WORDS['key']} did not come", WORDS["title"])
        return analyse(path, features, limits, engines)


def flow(home: Path) -> None:
    """The small flow and its troubles, with words in every place; whatever is printed is the test's."""
    system = System(home / "store", Unruly())
    # The system's own ports are without metrics, and these belong into the log.
    ports = runtime.local_ports(
        home / "store", clock=system.clock, analyse=system.ports.analyse, durable=False
    )
    system.runtime = InlineRuntime(wiring(), system.home, system.database, system.clock, ports=ports)
    put = ports.objects.put
    folder = f"catalogues/{WORDS['key']}"
    put("registrations", f"{folder}/{WORDS['title']}.flac", encoded("flac"))
    row = f"{WORDS['title']},{WORDS['artist']},1"
    recordings = (
        "recording_id,title,display_artist,lineup_size,isrc,audio\n"
        f"REC-1,{row},{WORDS['cell']},{WORDS['title']}.flac\n"
        f"REC-2,{row},,{WORDS['key']}.flac\n"
        f"REC-3,{row},,../{WORDS['key']}.flac\n"
    )
    put("registrations", f"{folder}/recordings.csv", recordings.encode("cp949"))
    people = f"performer_id,name_ko,stage_name\nP-1,{WORDS['performer']},{WORDS['performer']}\n"
    put("registrations", f"{folder}/performers.csv", people.encode())
    roles = f"recording_id,performer_id,category,role,featured\nREC-1,P-1,가창,{WORDS['cell']},주실연\n"
    put("registrations", f"{folder}/lineups.csv", roles.encode())
    put("registrations", f"{folder}/{WORDS['title']}.xlsx", WORDS["title"].encode())
    put(
        "registrations",
        f"{folder}/leak.csv",
        f"recording_id,title\n{WORDS['title']},900101-1234568\n".encode(),
    )
    facts = UploadFacts(
        platform=WORDS["channel"], channel=WORDS["channel"], uploader=WORDS["uploader"], url=WORDS["url"]
    )
    data = encoded("flac")
    title = WORDS["tag"].encode()
    tags = b"INFOINAM" + len(title).to_bytes(4, "little") + title + b"\0" * (len(title) % 2)
    tagged = wav(pcm16(piece()), rate=RATE, channels=2) + b"LIST" + len(tags).to_bytes(4, "little") + tags
    files = {
        f"{WORDS['key']}.flac": data,
        f"{WORDS['key']} tagged.wav": tagged,
        f"{WORDS['key']} cut.flac": data[: len(data) // 2],
        f"{WORDS['key']} text.mp3": WORDS["title"].encode(),
        f"{WORDS['key']} broken.mp3": b"ID3\4" + WORDS["title"].encode() * 100,
        f"{WORDS['key']} bug.flac": data + b"bug",
        f"{WORDS['key']} outage.flac": data + b"outage",
        f"{WORDS['key']} empty": b"",
    }
    system.runtime.pump()
    for name, content in files.items():
        (home / name).write_bytes(content)
        upload_media(home / name, facts, ports)
    system.runtime.pump()
    # After good messages: what a function remembers of them must not stand on the lines of these.
    with system.database.transaction() as connection:
        for queue in ("IngestQueue", "RegisterQueue", "ScanQueue", "MatchQueue", "ReportQueue"):
            for body in (
                WORDS["message"],
                json.dumps({"kind": WORDS["message"], "media_id": WORDS["message"]}),
            ):
                insert_message(connection, queue, body, now=system.clock.now().timestamp(), delay_s=0)
    system.runtime.pump()
    system.ask_report()
    system.runtime.pump()
    states = sorted(
        "none" if (media := ports.ledger.media(upload.media_id or "")) is None else media.state.value
        for upload in ports.ledger.uploads()
    )
    # Behind what the functions printed: the flow met what it was meant to meet.
    sys.stdout.write("\n")
    told = {
        "dead": len(ports.dead_letters.show()),
        "states": states,
        "reports": len(ports.ledger.reports(PERIOD)),
    }
    (home / "told.json").write_text(json.dumps(told))


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Standard output and error of a process of its own: what libraries write past Python is in them too."""
    home = tmp_path_factory.mktemp("logs")
    paths = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "e2e"), *filter(None, sys.path)]
    done = subprocess.run(
        [sys.executable, "-c", f"import pathlib, test_logs; test_logs.flow(pathlib.Path({str(home)!r}))"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths), "POWERTOOLS_LOG_LEVEL": "DEBUG"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    told = json.loads((home / "told.json").read_text())
    # The bug is the one dead letter; the outage came again and was analysed.
    assert told["dead"] == 1
    assert told["reports"] == 1
    assert told["states"] == sorted(
        ["matched", "matched", "matched", "partial", "rejected", "rejected", "failed", "claimed"]
    )
    return done.stdout


def lines(printed: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


@pytest.mark.parametrize("kind", WORDS)
def test_no_word_of_a_person_is_printed(printed: str, kind: str) -> None:
    word = WORDS[kind]
    nfd = unicodedata.normalize("NFD", word)
    for form in (word, nfd, word.encode("cp949", "replace").decode("latin-1")):
        for written in (form, json.dumps(form)[1:-1], quote(form), quote_plus(form), ascii(form)[1:-1]):
            assert written not in printed


def test_no_beginning_of_a_word_is_printed(printed: str) -> None:
    """Not even where it was cut short."""
    for word in WORDS.values():
        assert word[:3] not in printed or word.isascii()


def test_every_line_of_scan_and_match_says_which_scan(printed: str) -> None:
    seen = set()
    for line in lines(printed):
        if line.get("service") in ("scan", "match") and "media_id" in line:
            assert line["scan_id"] == scan_id(line["media_id"], scan_pipeline(EngineSettings()))
            seen.add((line["service"], line.get("outcome")))
        elif line.get("service") in ("scan", "match") and "message_id" in line:
            # A message nobody can read names no scan, least of all the one before it.
            assert ("scan_id" in line) == (line.get("code") != "event_shape")
            seen.add((line["service"], line.get("code") or line.get("error")))
    assert {("scan", "analysed"), ("scan", "failed"), ("match", "matched"), ("match", "partial")} <= seen
    assert {("scan", "ValueError"), ("scan", "store_unreachable")} <= seen
    assert {("scan", "event_shape"), ("match", "event_shape")} <= seen


def test_every_message_leaves_one_line_with_its_id(printed: str) -> None:
    handled = [line for line in lines(printed) if "message_id" in line]
    assert {line["service"] for line in handled} == {"ingest", "register", "scan", "match", "report"}
    assert all(line["level"] in ("INFO", "WARNING", "ERROR") for line in handled)


def test_metrics_are_printed_without_names(printed: str) -> None:
    metrics = [line for line in lines(printed) if "_aws" in line]
    assert metrics
    for line in metrics:
        for group in line["_aws"]["CloudWatchMetrics"]:
            assert all(
                set(dimensions) <= {"service", "function", "origin"} for dimensions in group["Dimensions"]
            )
