"""Every event twice and in any order: the same ledger."""

from __future__ import annotations

import json

import pytest

from rightscan.jobs.backfill import backfill
from rightscan.jobs.ingest import ingest
from rightscan.localrun.delivery import load_handler
from rightscan.records.messages import parse_s3_notification
from system import RememberedAnalysis, System, make_files, wiring


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("delivery")
    return make_files(folder / "files"), RememberedAnalysis(folder / "analysis")


def run(system: System, files) -> dict:
    for act in (lambda: system.register(files), lambda: system.upload(files), system.ask_report):
        act()
        system.pump()
        assert system.left_over() == {"messages": 0, "folders": 0, "dead": 0}
    return system.snapshot()


def test_the_flow_finds_what_was_put_in(material, tmp_path) -> None:
    files, analysis = material
    system = System(tmp_path, analysis)
    run(system, files)
    codes = {}
    for upload in system.ports.ledger.uploads():
        findings = system.ports.ledger.findings(upload.media_id)
        uses = [use for use in system.ports.ledger.uses(upload.media_id) if use.upload == upload.ref]
        codes[upload.ref.key] = (sorted(f.code for f in findings), [use.recording_id for use in uses])
    assert codes == {
        "exact.flac": (["U1"], ["REC-1"]),
        "exact again.flac": (["U1"], ["REC-1"]),
        "excerpt.mp3": (["U3"], ["REC-2"]),
        "stranger.mp3": (["N1"], []),
        "corrupt.mp3": (["X2"], []),
        "text.mp3": (["X2"], []),
    }
    (report,) = system.ports.ledger.reports("2026-11")
    assert report.state == "ready"
    # REC-1 has two performers and two uses, REC-2 one known performer and one use.
    assert report.rows == 5


@pytest.mark.parametrize("seed", range(5))
def test_every_event_twice_and_shuffled_gives_the_same_ledger(material, tmp_path, seed: int) -> None:
    files, analysis = material
    wanted = run(System(tmp_path / "once", analysis), files)
    got = run(System(tmp_path / "twice", analysis, seed=seed, duplicate=True), files)
    assert wanted.keys() == got.keys()
    assert {key: (wanted[key], got[key]) for key in wanted if wanted[key] != got[key]} == {}


def test_uploading_the_same_file_again_is_one_more_use_and_no_second_analysis(material, tmp_path) -> None:
    files, analysis = material
    system = System(tmp_path, analysis)
    run(system, files)
    before = system.snapshot()
    system.ports.objects.put("uploads", "third copy.flac", files.uploads["exact.flac"])
    system.pump()
    added = system.snapshot().keys() - before.keys()
    assert sum(" USE#" in key for key in added) == 1
    assert not any(" SCAN#" in key or " VERD#" in key or " MATCH#" in key for key in added)


def test_a_second_registration_says_unchanged(material, tmp_path) -> None:
    files, analysis = material
    system = System(tmp_path, analysis)
    run(system, files)
    system.register(files)
    system.pump()
    registrations = [
        system.ports.ledger.registration(key.split()[0].removeprefix("G#"))
        for key in system.snapshot()
        if key.startswith("G#")
    ]
    assert sorted((r.created, r.updated, r.unchanged) for r in registrations) == [(0, 0, 8), (8, 0, 0)]


def test_backfilled_files_and_live_files_meet_in_no_queue(material, tmp_path) -> None:
    files, analysis = material
    system = System(tmp_path, analysis)
    system.register(files)
    system.pump()
    for name in ("exact.flac", "exact again.flac", "stranger.mp3", "corrupt.mp3"):
        system.ports.objects.put("uploads", name, files.uploads[name])
    # They lay there before the system: nobody was told of them.
    system.database.connection().execute("DELETE FROM messages")
    assert backfill(system.ports).queued == 4
    visited: set[tuple[str, str]] = set()
    for source in wiring().queue_sources:
        handler = load_handler(wiring().functions[source.function])
        system.runtime.handlers[source.function] = _noting(handler, visited)
    system.ports.objects.put("uploads", "excerpt.mp3", files.uploads["excerpt.mp3"])
    system.pump()
    found = {}
    for upload in system.ports.ledger.uploads():
        queues = {queue for queue, media_id in visited if media_id == upload.media_id}
        found[upload.ref.key] = (
            upload.origin,
            system.ports.ledger.media(upload.media_id).state.value,
            queues,
        )
    old, new = {"ScanBackfillQueue", "MatchBackfillQueue"}, {"ScanQueue", "MatchQueue"}
    assert found == {
        "exact.flac": ("backfill", "matched", old),
        "exact again.flac": ("backfill", "matched", old),
        "stranger.mp3": ("backfill", "clear", old),
        "corrupt.mp3": ("backfill", "failed", {"ScanBackfillQueue"}),
        "excerpt.mp3": ("live", "matched", new),
    }
    assert system.left_over() == {"messages": 0, "folders": 0, "dead": 0}


def _noting(handler, visited):
    """The handler, which notes the queue of each message that names bytes."""

    def call(event, context):
        for record in event["Records"]:
            queue = record["eventSourceARN"].rpartition(":")[2]
            visited.add((queue, json.loads(record["body"]).get("media_id", "")))
        return handler(event, context)

    return call


def test_bytes_that_were_gone_before_the_scan_can_be_uploaded_again(material, tmp_path) -> None:
    files, analysis = material
    system = System(tmp_path, analysis)
    system.register(files)
    system.pump()
    path = files.uploads["excerpt.mp3"]
    first = system.ports.objects.put("uploads", "first.mp3", path)
    message = (
        system.database.connection().execute("SELECT body FROM messages WHERE queue='IngestQueue'").fetchone()
    )
    (event,) = parse_s3_notification(message["body"])
    assert ingest(event, system.ports) == "scan"
    system.ports.objects.delete(first.ref)
    system.pump()
    upload = system.ports.ledger.upload(first.ref)
    assert upload is not None
    assert system.ports.ledger.media(upload.media_id).error.code == "object_missing"
    second = system.ports.objects.put("uploads", "second.mp3", path)
    system.pump()
    media = system.ports.ledger.media(upload.media_id)
    assert (media.state.value, media.error) == ("matched", None)
    active = [f.code for f in system.ports.ledger.findings(upload.media_id) if f.status == "active"]
    assert active == ["U3"]
    assert {use.upload.key for use in system.ports.ledger.uses(upload.media_id)} >= {second.ref.key}
    assert system.left_over() == {"messages": 0, "folders": 0, "dead": 0}
