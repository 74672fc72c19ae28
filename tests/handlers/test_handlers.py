"""Every handler, fed by the files in events/: what it answers and what stands in the ledger afterwards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from generated import FAMILY, RATE, music, through_decoder
from rightscan import runtime
from rightscan.jobs.versions import scan_pipeline
from rightscan.localrun.delivery import Context, load_handler
from rightscan.media.encode import encode
from rightscan.records.media import Media, MediaState
from rightscan.records.objects import ObjectRef
from system import ROOT, RememberedAnalysis, System, quiet, wiring

EVENTS = ROOT / "events"


def event(name: str) -> dict:
    return json.loads((EVENTS / f"{name}.json").read_text())


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path / "store", RememberedAnalysis(tmp_path / "analysis"))


def call(system: System, function: str, message: dict) -> dict:
    found = wiring().functions[function]
    with runtime.use(system.ports), quiet():
        return load_handler(found)(message, Context(found))


def incidents(system: System) -> list:
    return [(i.source_kind, i.code) for i in system.ports.ledger.incidents_in_period("2026-11")]


def queued(system: System, queue: str) -> list[dict]:
    rows = system.database.connection().execute(
        "SELECT body FROM messages WHERE queue=? ORDER BY sent_at", (queue,)
    )
    return [json.loads(row["body"]) for row in rows]


def test_every_function_of_the_template_has_an_event_here() -> None:
    fed = {path.stem.split("_")[0] for path in EVENTS.glob("*.json")}
    assert fed == {function.removesuffix("Function").lower() for function in wiring().functions}


def test_an_object_that_is_gone_is_recorded_and_acknowledged(system: System) -> None:
    assert call(system, "IngestFunction", event("ingest_object_created")) == {"batchItemFailures": []}
    (upload,) = system.ports.ledger.uploads()
    assert (upload.state.value, upload.error.code) == ("gone", "object_missing")
    assert upload.ref.key == "방송/2026 11 01.mp3"
    assert incidents(system) == [("upload", "object_missing")]


def test_a_test_event_is_acknowledged_and_leaves_nothing(system: System) -> None:
    assert call(system, "IngestFunction", event("ingest_test_event")) == {"batchItemFailures": []}
    assert list(system.ports.ledger.uploads()) == []
    assert incidents(system) == []


def test_a_folder_is_recorded_as_skipped(system: System) -> None:
    assert call(system, "IngestFunction", event("ingest_folder")) == {"batchItemFailures": []}
    (upload,) = system.ports.ledger.uploads()
    assert (upload.state.value, upload.error.code) == ("skipped", "folder")


def test_a_removed_object_is_no_upload(system: System) -> None:
    assert call(system, "IngestFunction", event("ingest_object_removed")) == {"batchItemFailures": []}
    assert list(system.ports.ledger.uploads()) == []


def test_messages_of_the_wrong_shape_are_incidents_and_never_come_again(system: System) -> None:
    message = event("ingest_wrong_shape")
    assert call(system, "IngestFunction", message) == {"batchItemFailures": []}
    call(system, "IngestFunction", message)
    assert incidents(system) == [("event", "event_shape")] * len(message["Records"])


@pytest.mark.parametrize(("made", "code"), [(True, "D2"), (False, "N1")])
def test_what_a_machine_made_goes_from_event_to_finding(
    system: System, tmp_path: Path, made: bool, code: str
) -> None:
    """The files of events/, with the version and the id of an object that is there."""
    sound = music(77, 12.0)
    encode(through_decoder(sound) if made else sound, RATE, tmp_path / "sound", "flac")
    ref = system.ports.objects.put("uploads", "방송/2026 11 01.mp3", tmp_path / "sound").ref
    created = event("ingest_object_created")
    body = created["Records"][0]["body"]
    created["Records"][0]["body"] = body.replace("3HL4kqtJlcpXrof3vjVBH40Nr8X8gdRQ", str(ref.version))
    assert call(system, "IngestFunction", created) == {"batchItemFailures": []}
    media_id = system.ports.ledger.upload(ref).media_id
    for function, name in (("ScanFunction", "scan_requested"), ("MatchFunction", "match_requested")):
        asked = event(name)
        asked["Records"][0]["body"] = asked["Records"][0]["body"].replace("a" * 64, media_id)
        assert call(system, function, asked) == {"batchItemFailures": []}
    (finding,) = system.ports.ledger.findings(media_id)
    assert (finding.code, finding.axes.c) == (code, "detected" if made else "none_found")
    (verdict,) = system.ports.ledger.verdicts(media_id)
    assert verdict.synthesis.family == (FAMILY if made else None)
    assert verdict.pipeline_version == scan_pipeline(system.ports.settings.engines)


def test_one_bad_message_does_not_stop_the_good_one_beside_it(system: System) -> None:
    info = system.ports.objects.put("uploads", "a.mp3", b"no music")
    good = queued(system, "IngestQueue")[0]
    message = event("ingest_wrong_shape")
    message["Records"][1]["body"] = json.dumps(good)
    assert call(system, "IngestFunction", message) == {"batchItemFailures": []}
    assert system.ports.ledger.upload(info.ref) is not None


def test_backfill_uploads_say_so(system: System) -> None:
    info = system.ports.objects.put("uploads", "before.mp3", b"no music")
    message = event("ingest_backfill")
    body = json.loads(message["Records"][0]["body"])
    body["Records"][0]["s3"]["object"]["versionId"] = info.ref.version
    message["Records"][0]["body"] = json.dumps(body)
    call(system, "IngestFunction", message)
    assert system.ports.ledger.upload(info.ref).origin == "backfill"


@pytest.mark.parametrize("name", ["scan_requested", "match_requested", "register_reference"])
def test_work_on_what_nobody_knows_is_recorded_and_acknowledged(system: System, name: str) -> None:
    function = f"{name.split('_')[0].capitalize()}Function"
    assert call(system, function, event(name)) == {"batchItemFailures": []}
    if name != "register_reference":
        assert incidents(system) == [("event", "unknown_media")]


def test_a_scan_message_of_the_wrong_shape_is_an_incident(system: System) -> None:
    assert call(system, "ScanFunction", event("scan_wrong_shape")) == {"batchItemFailures": []}
    assert incidents(system) == [("event", "event_shape")]


def test_a_catalogue_that_is_gone_fails_with_a_remedy(system: System) -> None:
    assert call(system, "RegisterFunction", event("register_catalogue")) == {"batchItemFailures": []}
    assert incidents(system) == [("catalogue", "object_missing")]


def test_an_empty_month_gives_a_finished_report(system: System) -> None:
    assert call(system, "ReportFunction", event("report_requested")) == {"batchItemFailures": []}
    call(system, "ReportFunction", event("report_requested"))
    (report,) = system.ports.ledger.reports("2026-11")
    assert (report.state, report.rows, report.version) == ("ready", 0, 1)
    names = [info.ref.key for info in system.ports.objects.list("exports")]
    assert sum(name.endswith(".xlsx") for name in names) == 1


def test_the_schedule_asks_for_the_month_before_in_korean_time(system: System) -> None:
    # 2 December 18:00 UTC is 3 December in Seoul; the month before is November.
    call(system, "ReportFunction", event("report_scheduled"))
    assert [report.period for report in system.ports.ledger.reports("2026-11")] == ["2026-11"]


def test_the_stream_is_counted_once_however_often_it_comes(system: System) -> None:
    for _ in range(3):
        assert call(system, "CountersFunction", event("counters_media_finished")) == {"batchItemFailures": []}
    clock = system.ports.clock.now()
    start = clock.replace(month=11, day=1, hour=0)
    assert [c.value for c in system.ports.ledger.counts("media.clear", start, start.replace(hour=2))] == [1]


def test_a_transient_error_returns_the_message_and_only_that(system: System) -> None:
    media = Media(media_id="a" * 64, state=MediaState.RECEIVED, size=1, first_seen=system.clock.now())
    system.ports.ledger.add_media(media)

    class Down:
        def __getattr__(self, name: str):
            from rightscan.errors import TransientError

            raise TransientError("aws_busy", "throttled", "wait")

    system.ports = replace(system.ports, ledger=Down())
    message = event("scan_requested")
    failures = call(system, "ScanFunction", message)["batchItemFailures"]
    assert failures == [{"itemIdentifier": message["Records"][0]["messageId"]}]


def test_ids_in_events_are_not_trusted_as_paths(system: System) -> None:
    ref = ObjectRef(bucket="uploads", key="../../etc/passwd")
    system.ports.objects.put("uploads", ref.key, b"text")
    system.pump()
    (upload,) = system.ports.ledger.uploads()
    assert upload.ref.key == "../../etc/passwd"
    assert not (system.home.parent / "etc").exists()


def test_handlers_stay_thin() -> None:
    for path in sorted((ROOT / "functions").glob("*/app.py")):
        assert len(path.read_text().splitlines()) <= 40, path
