"""Every bad input at once, beside good ones: each gets a recorded end with a code and a remedy, none harms another."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

import hostile_media
from hostile_media import RATE, pcm16, piece, wav
from rightscan import runtime
from rightscan.adapters.local.queues import insert_message
from rightscan.jobs.analysis import analyse_guarded
from rightscan.jobs.register import outcomes_of
from rightscan.jobs.results import result_of
from rightscan.jobs.submit import upload_media
from rightscan.localrun.delivery import load_handler
from rightscan.media.encode import encode
from rightscan.records.findings import Finding
from rightscan.records.objects import ObjectRef, Upload
from rightscan.records.registers import RowOutcome
from rightscan.rights.upload_facts import UploadFacts
from system import PERIOD, ROOT, System, wiring

SILENT_HOURS = 1.0
NFD = unicodedata.normalize("NFD", "방송/첫째 곡.flac")
LONGEST = "긴/" * 255 + "ab.x"
NAMES = ("good.flac", NFD, "두  번째\t곡 +%20.flac", "🎵🎤 (1).flac", "../../etc/passwd", LONGEST)
GONE_BEFORE_INGEST, GONE_BEFORE_SCAN, OVERWRITTEN = "gone at once.flac", "gone later.flac", "overwritten.mp3"

REFUSED = {
    "empty.mp3": ("rejected", "empty_file"),
    "text.mp3": ("rejected", "not_media"),
    "playlist.m3u8": ("rejected", "not_media"),
    "rate_too_low.wav": ("rejected", "sample_rate_too_low"),
    "tag_only.mp3": ("failed", "not_media"),
    "truncated.m4a": ("failed", "truncated"),
    "video_only.mp4": ("failed", "no_audio"),
    "one_sample.wav": ("failed", "too_short"),
    "protected.m4a": ("failed", "drm_protected"),
    "silence.flac": ("failed", "silent"),
}
"""File: the media's state and error; the finding is X2."""

DAMAGED = ("truncated.mp3", "truncated.flac", "header_too_long.wav", "header_too_short.wav")
"""Parts of the registered piece: found all the same, and said to be partial."""

CATALOGUE = (
    "recording_id,isrc,title,display_artist,lineup_size,audio\r\n"
    "REC-1,KRA402600001,첫째 곡,가나다,1,audio/piece.flac\r\n"
    "REC-BAD-ISRC,KR-A40-26-0000X,둘째 곡,가나다,1,audio/other.flac\r\n"
    "REC-NO-AUDIO,KRA402600003,셋째 곡,가나다,1,audio/없음.flac\r\n"
    "REC-TWICE,KRA402600004,넷째 곡,가나다,1,audio/other.flac\r\n"
    "REC-TWICE,KRA402600005,다섯째 곡,라마바,1,audio/other.flac\r\n"
    'REC-FORMULA,KRA402600006,"=HYPERLINK(""http://evil.example"",""곡"")",가나다,1,audio/other.flac\r\n'
    "REC-DAMAGED,KRA402600007,여섯째 곡,가나다,1,audio/text.flac\r\n"
)
LINEUPS = (
    "recording_id,performer_id,category,role,featured,share\r\n"
    "REC-1,P-1,가창,가창,주실연,100\r\n"
    "REC-FORMULA,P-1,가창,가창,주실연,60\r\n"
    "REC-FORMULA,P-2,연주,연주,부실연,70\r\n"
)


class World:
    """The system after everything was put in at once and handled."""

    def __init__(self, folder: Path) -> None:
        self.system = System(folder / "store", analyse_guarded)
        self.uploads: dict[str, ObjectRef] = {}
        self._register(folder)
        self._upload(folder / "files")
        self._disturb()
        self.system.pump()

    def _register(self, folder: Path) -> None:
        objects = self.system.ports.objects
        for name, sound in (("piece", piece()), ("other", piece(8))):
            encode(sound, RATE, folder / name, "flac")
            objects.put("registrations", f"catalogues/2026/audio/{name}.flac", folder / name)
        objects.put("registrations", "catalogues/2026/audio/text.flac", "음악이 아닙니다".encode())
        self.catalogue = objects.put(
            "registrations", "catalogues/2026/recordings.csv", CATALOGUE.encode("cp949")
        ).ref
        self.lineups = objects.put(
            "registrations", "catalogues/2026/lineups.csv", LINEUPS.encode("utf-8-sig")
        ).ref
        self.unreadable = objects.put(
            "registrations", "catalogues/2026/broken.xlsx", b"PK\x03\x04 no workbook"
        ).ref
        # The index first: a match then needs no second look.
        self.system.pump()

    def _upload(self, files: Path) -> None:
        files.mkdir()
        objects = self.system.ports.objects
        for name in (*REFUSED, *DAMAGED, "eight_channels.wav", "korean_tags.wav"):
            if name == "silence.flac":
                (files / name).write_bytes(hostile_media.silent_flac(SILENT_HOURS))
            else:
                hostile_media.write(name, files)
            self.uploads[name] = objects.put("uploads", name, files / name).ref
        good = hostile_media.encoded("flac")
        for name in NAMES:
            self.uploads[name] = objects.put("uploads", name, good).ref
        self.uploads["folder/"] = objects.put("uploads", "folder/", b"").ref
        self.uploads["good.flac.rs.json"] = objects.put("uploads", "good.flac.rs.json", b"{}").ref
        for number, name in enumerate((GONE_BEFORE_INGEST, GONE_BEFORE_SCAN)):
            # Bytes of their own: another upload of the same ones would be read instead.
            self.uploads[name] = objects.put("uploads", name, good + bytes(number + 1)).ref
        objects.delete(self.uploads[GONE_BEFORE_INGEST])
        first = objects.put("uploads", OVERWRITTEN, good)
        self.uploads[OVERWRITTEN] = first.ref
        self.uploads["overwriting"] = objects.put("uploads", OVERWRITTEN, "이제 글입니다".encode()).ref

    def _disturb(self) -> None:
        """Messages of every wrong kind, each event twice more in the opposite order, an object that goes away."""
        database, now = self.system.database, self.system.clock.now().timestamp()
        waiting = database.connection().execute(
            "SELECT body FROM messages WHERE queue='IngestQueue' ORDER BY sequence"
        )
        events = [row["body"] for row in waiting]
        wrong = [body for name in ("ingest_wrong_shape", "scan_wrong_shape") for body in bodies(name)]
        with database.transaction() as connection:
            for body in [
                *wrong,
                *bodies("ingest_test_event"),
                *bodies("ingest_folder"),
                *bodies("ingest_object_removed"),
            ]:
                for queue in ("IngestQueue", "RegisterQueue"):
                    insert_message(connection, queue, body, now=now, delay_s=0)
            for body in wrong:
                for queue in ("ScanQueue", "MatchQueue", "ReportQueue"):
                    insert_message(connection, queue, body, now=now, delay_s=0)
            for body in events[::-1] * 2:
                insert_message(connection, "IngestQueue", body, now=now, delay_s=0)
        handlers = self.system.runtime.handlers
        scan = load_handler(wiring().functions["ScanFunction"])

        gone = self.uploads[GONE_BEFORE_SCAN]

        def scan_too_late(event: dict[str, Any], context: object) -> Any:
            if self.system.ports.ledger.upload(gone) is not None:
                self.system.ports.objects.delete(gone)
            return scan(event, context)

        handlers["ScanFunction"] = scan_too_late

    def upload(self, name: str) -> Upload:
        found = self.system.ports.ledger.upload(self.uploads[name])
        assert found is not None
        return found

    def findings(self, name: str) -> list[Finding]:
        return [
            f
            for f in self.system.ports.ledger.findings(self.upload(name).media_id or "")
            if f.status == "active"
        ]

    def rows(self, ref: ObjectRef) -> list[RowOutcome]:
        ledger = self.system.ports.ledger
        (registration,) = [r for r in registrations(self.system) if r["source"]["key"] == ref.key]
        found = ledger.registration(registration["registration_id"])
        assert found is not None
        return outcomes_of(found, self.system.ports)

    def incidents(self) -> set[tuple[str, str, str]]:
        return {
            (i.source_kind, i.source_ref, i.code)
            for i in self.system.ports.ledger.incidents_in_period(PERIOD)
            if i.remedy
        }


def bodies(name: str) -> list[str]:
    event = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return [record["body"] for record in event["Records"]]


def registrations(system: System) -> list[dict[str, Any]]:
    rows = system.database.connection().execute("SELECT body FROM items WHERE kind='registration'")
    return [json.loads(row["body"]) for row in rows]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("bad_input"))


def test_nothing_is_left_behind(world: World) -> None:
    """No message, no dead letter, no temporary file; no batch failed as a whole."""
    assert world.system.left_over() == {"messages": 0, "folders": 0, "dead": 0}
    assert world.system.runtime.errors == []


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_good_files_match_whatever_their_names(world: World, name: str) -> None:
    (finding,) = world.findings(name)
    assert (finding.code, finding.recording_id) == ("U1", "REC-1")
    result = result_of(name, world.uploads[name], world.system.ports)
    assert result is not None
    assert (result.state, len(result.uses)) == ("matched", 1)
    assert world.upload(name).ref.key == name


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_analysed_is_x2_with_a_remedy(world: World, name: str) -> None:
    upload = world.upload(name)
    media = world.system.ports.ledger.media(upload.media_id or "")
    assert media is not None
    assert media.error is not None
    assert (media.state.value, media.error.code) == REFUSED[name]
    assert media.error.cause
    assert media.error.remedy
    assert [finding.code for finding in world.findings(name)] == ["X2"]
    assert ("upload", upload.ref.log_index, media.error.code) in world.incidents()
    assert not world.system.ports.ledger.uses(media.media_id)


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_left_of_a_damaged_file_is_found_and_called_partial(world: World, name: str) -> None:
    media = world.system.ports.ledger.media(world.upload(name).media_id or "")
    assert media is not None
    assert media.state.value == "partial"
    (finding,) = world.findings(name)
    assert (finding.code, finding.recording_id) == ("U1", "REC-1")
    assert finding.conditions == ("complete",)
    assert media.error is not None
    assert (media.error.code, bool(media.error.remedy)) == ("incomplete", True)
    assert ("upload", world.upload(name).ref.log_index, "incomplete") in world.incidents()


def test_odd_but_whole_files_are_analysed(world: World) -> None:
    assert [finding.code for finding in world.findings("korean_tags.wav")] == ["U1"]
    media = world.system.ports.ledger.media(world.upload("eight_channels.wav").media_id or "")
    assert media is not None
    assert media.state.value in ("clear", "matched")


def test_objects_that_went_away(world: World) -> None:
    before = world.upload(GONE_BEFORE_INGEST)
    assert before.error is not None
    assert (before.state.value, before.error.code) == ("gone", "object_missing")
    assert before.error.remedy
    after = world.upload(GONE_BEFORE_SCAN)
    media = world.system.ports.ledger.media(after.media_id or "")
    assert media is not None
    assert media.error is not None
    assert (media.state.value, media.error.code) == ("failed", "object_missing")
    assert [finding.code for finding in world.findings(GONE_BEFORE_SCAN)] == ["X2"]
    for upload in (before, after):
        assert ("upload", upload.ref.log_index, "object_missing") in world.incidents()


def test_versions_of_one_key_are_two_uploads(world: World) -> None:
    assert [finding.code for finding in world.findings(OVERWRITTEN)] == ["U1"]
    assert [finding.code for finding in world.findings("overwriting")] == ["X2"]


def test_folders_and_sidecars_are_recorded_and_skipped(world: World) -> None:
    for name, code in (("folder/", "folder"), ("good.flac.rs.json", "sidecar")):
        upload = world.upload(name)
        assert upload.error is not None
        assert (upload.state.value, upload.error.code) == ("skipped", code)
        assert upload.media_id is None


def test_each_upload_is_one_record_however_often_its_event_came(world: World) -> None:
    ledger = world.system.ports.ledger
    # One beside ours: the folder of the example event.
    assert sum(1 for _ in ledger.uploads()) == len(world.uploads) + 1
    uses = ledger.uses(world.upload("good.flac").media_id or "")
    assert len(uses) == len(NAMES) + 1
    assert {use.upload.key for use in uses} == {*NAMES, OVERWRITTEN}
    for name in NAMES:
        chain = ledger.custody(world.uploads[name])
        assert [entry.action for entry in chain] == ["received", "verdict"]


def test_messages_of_a_wrong_shape_are_incidents(world: World) -> None:
    kinds = [(kind, code) for kind, _, code in world.incidents() if kind == "event"]
    wrong = set(bodies("ingest_wrong_shape") + bodies("scan_wrong_shape"))
    assert len(kinds) == len(wrong)
    assert {code for _, code in kinds} == {"event_shape"}


def test_catalogue_rows(world: World) -> None:
    rows = world.rows(world.catalogue)
    troubles = {(row.row, row.column, row.code) for row in rows if row.code}
    assert (3, "isrc", "identifier_invalid") in troubles
    assert (4, "audio", "audio_missing") in troubles
    assert {(row, code) for row, _, code in troubles if row in (5, 6)} == {
        (5, "duplicate_id"),
        (6, "duplicate_id"),
    }
    assert (7, "title", "formula_text") in troubles
    assert all(row.remedy for row in rows if row.code)
    ledger = world.system.ports.ledger
    kept = {recording.recording_id for recording in ledger.recordings()}
    assert kept == {"REC-1", "REC-BAD-ISRC", "REC-FORMULA", "REC-DAMAGED"}
    bad = ledger.recording("REC-BAD-ISRC")
    assert bad is not None
    assert bad.isrc is not None
    assert (bad.isrc.outcome, bad.isrc.value) == ("invalid", "KR-A40-26-0000X")
    first = ledger.recording("REC-1")
    assert first is not None
    assert (first.title, first.display_artist) == ("첫째 곡", "가나다")


def test_shares_above_100_percent_take_no_line_up_but_their_own(world: World) -> None:
    rows = world.rows(world.lineups)
    assert {(row.row, row.code) for row in rows if row.outcome == "invalid"} == {
        (3, "shares_above_100"),
        (4, "shares_above_100"),
    }
    ledger = world.system.ports.ledger
    assert [entry.performer_id for entry in ledger.lineup("REC-1")] == ["P-1"]
    assert ledger.lineup("REC-FORMULA") == []


def test_a_catalogue_file_that_cannot_be_read_is_an_incident(world: World) -> None:
    (registration,) = [r for r in registrations(world.system) if r["source"]["key"] == world.unreadable.key]
    assert registration["state"] == "failed"
    assert registration["error"]["remedy"]
    found = ("catalogue", registration["registration_id"], registration["error"]["code"])
    assert found in world.incidents()


def test_a_reference_without_music_is_an_incident(world: World) -> None:
    assert ("reference", "REC-DAMAGED", "not_media") in world.incidents()


def test_the_export_carries_the_troubles_and_no_formula(world: World) -> None:
    world.system.ask_report()
    world.system.pump()
    ports = world.system.ports
    (report,) = ports.ledger.reports(PERIOD)
    assert report.state == "ready"
    texts = {name: read(world.system, key) for name, key in report.files.items() if name.endswith(".csv")}
    assert len(texts) > 3
    everything = "\n".join(texts.values())
    for code in {code for _, code in REFUSED.values()}:
        assert code in everything
    assert '"=HYPERLINK' not in everything
    assert "\n=HYPERLINK" not in everything
    assert ",=HYPERLINK" not in everything
    assert world.system.left_over() == {"messages": 0, "folders": 0, "dead": 0}


def read(system: System, key: str) -> str:
    with system.ports.objects.open(ObjectRef(bucket="exports", key=key)) as reader:
        return reader.read().decode("utf-8-sig")


@pytest.mark.parametrize(
    "name", [NFD.rpartition("/")[2], "두  번째 곡.flac", "🎵.flac", "a" * 250 + ".flac"], ids=ascii
)
def test_files_with_odd_names_can_be_sent(name: str, tmp_path: Path) -> None:
    """From a disk; a path of any length gets a key that S3 takes."""
    ports = runtime.local_ports(tmp_path / "store", durable=False)
    folder = tmp_path.joinpath(*["깊은 폴더" * 8] * 8)
    folder.mkdir(parents=True)
    (folder / name).write_bytes(wav(pcm16(piece()[:RATE]), rate=RATE, channels=2))
    for path in (folder / name, folder / ".." / folder.name / name):
        ref = upload_media(path, UploadFacts(), ports)
        assert 0 < len(ref.key.encode()) <= 1024
        assert unicodedata.is_normalized("NFC", ref.key)
        assert ".." not in ref.key.split("/")
        assert ports.objects.head(ref).size > 0
