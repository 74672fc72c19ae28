"""Work on the same bytes at the same time: what one attempt does between two steps of another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rightscan.errors import PermanentError
from rightscan.jobs import incidents
from rightscan.jobs.ingest import ingest
from rightscan.jobs.match import match
from rightscan.jobs.scan import scan
from rightscan.ports import Conflict, Ports
from rightscan.records.media import MediaState
from rightscan.records.messages import MatchRequested, ScanRequested, UploadEvent, parse_s3_notification
from rightscan.records.objects import ErrorInfo
from system import RememberedAnalysis, System, make_files


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("overlaps")
    return make_files(folder / "files"), RememberedAnalysis(folder / "analysis")


class Between:
    """A ledger that lets somebody else act before each call of one method, so many times."""

    def __init__(self, ledger: Any, method: str, act: Callable[[], None], times: int = 1) -> None:
        self._ledger, self._method, self._act, self._left = ledger, method, act, times

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._ledger, name)
        if name != self._method:
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            if self._left:
                self._left -= 1
                self._act()
            return value(*arguments, **named)

        return call


def waiting(system: System) -> list[UploadEvent]:
    """The events that lie in the queue of ingest, which then forgets them."""
    connection = system.database.connection()
    rows = connection.execute(
        "SELECT body FROM messages WHERE queue='IngestQueue' ORDER BY sequence"
    ).fetchall()
    connection.execute("DELETE FROM messages WHERE queue='IngestQueue'")
    return [event for row in rows for event in parse_s3_notification(row["body"])]


def refused(system: System, ref: Any) -> tuple[list[str], list[str]]:
    chain = [entry.action for entry in system.ports.ledger.custody(ref)]
    told = [i.source_ref for i in system.ports.ledger.incidents_in_period("2026-11")]
    return chain, told


# ---- uses ---------------------------------------------------------------------------------------------------
def other_verdict(ports: Ports, media_id: str, number: int) -> None:
    """Another worker ends the match and commits a verdict of its own."""
    (found,) = ports.ledger.matches(media_id)
    ended = found.model_copy(update={"status": "ended", "ended_at": ports.clock.now()})
    ports.ledger.put_results([ended], [], [])
    media = ports.ledger.media(media_id)
    (verdict, *_) = ports.ledger.verdicts(media_id)
    verdict = verdict.model_copy(update={"verdict_id": f"{number:032x}", "match_ids": ()})
    after = media.moved(MediaState.CLEAR, verdict_id=verdict.verdict_id)
    ports.ledger.commit_verdict(verdict, media, after)


def test_a_late_upload_gets_no_use_of_a_match_that_ended_meanwhile(material, tmp_path: Path) -> None:
    files, analysis = material
    system = System(tmp_path, analysis)
    system.register(files)
    system.pump()
    system.ports.objects.put("uploads", "first.flac", files.uploads["exact.flac"])
    system.pump()
    (upload,) = system.ports.ledger.uploads()
    media_id = upload.media_id
    ledger = system.ports.ledger
    late = system.ports.objects.put("uploads", "late.flac", files.uploads["exact.flac"])
    (event,) = waiting(system)
    assert ingest(event, system.ports) == "match"
    # Between the reading of the matches and the writing of the uses.
    act = lambda: other_verdict(system.ports, media_id, 1)  # noqa: E731
    world = replace(system.ports, ledger=Between(ledger, "aliases", act))
    assert match(MatchRequested(media_id=media_id, cause="alias"), world) == "aliases"
    uses = {use.upload.key: use.status for use in ledger.uses(media_id)}
    assert uses == {"first.flac": "ended", "late.flac": "ended"}
    chain = [entry.subject for entry in ledger.custody(late.ref) if entry.action == "verdict"]
    assert chain[-1] == ledger.media(media_id).verdict_id


def test_a_late_upload_waits_where_the_verdict_does_not_stand_still(material, tmp_path: Path) -> None:
    files, analysis = material
    system = System(tmp_path, analysis)
    system.register(files)
    system.pump()
    system.ports.objects.put("uploads", "first.flac", files.uploads["exact.flac"])
    system.pump()
    (upload,) = system.ports.ledger.uploads()
    numbers = iter(range(1, 100))
    act = lambda: other_verdict(system.ports, upload.media_id, next(numbers))  # noqa: E731
    world = replace(system.ports, ledger=Between(system.ports.ledger, "aliases", act, times=100))
    with pytest.raises(Conflict):
        match(MatchRequested(media_id=upload.media_id, cause="alias"), world)


# ---- refusals -----------------------------------------------------------------------------------------------
def failing(*_: Any) -> dict[str, Any]:
    raise PermanentError("not_media", "no sound", "Send sound.")


@pytest.mark.parametrize("moment", ["finish_claim", "after"])
def test_an_upload_that_comes_while_its_bytes_fail_is_told(material, tmp_path: Path, moment: str) -> None:
    files, _ = material
    system = System(tmp_path, failing)
    first = system.ports.objects.put("uploads", "first.mp3", files.uploads["excerpt.mp3"])
    second = system.ports.objects.put("uploads", "second.mp3", files.uploads["excerpt.mp3"])
    first_event, second_event = waiting(system)
    assert ingest(first_event, system.ports) == "scan"
    media_id = system.ports.ledger.upload(first.ref).media_id

    def arrive() -> None:
        # It sees bytes in work and asks for a scan, which is a duplicate while the claim holds.
        assert ingest(second_event, system.ports) == "scan"
        request = ScanRequested(media_id=media_id)
        assert scan(request, system.ports, token="another message") == "in_work"

    method = moment if moment != "after" else "nothing"
    world = replace(system.ports, ledger=Between(system.ports.ledger, method, arrive))
    assert scan(ScanRequested(media_id=media_id), world, token="a message") == "failed"
    if moment == "after":
        # Stopped between the state and its uploads: the message comes again.
        system.ports.ledger.add_upload(
            system.ports.ledger.upload(first.ref).model_copy(update={"ref": second.ref})
        )
        assert scan(ScanRequested(media_id=media_id), world, token="a message") == "done_before"
    for info in (first, second):
        chain, told = refused(system, info.ref)
        assert chain[-1] == "refused"
        assert told.count(info.ref.log_index) == 1


def test_an_upload_that_comes_while_silence_is_found_is_told(tmp_path: Path, material) -> None:
    files, remembered = material

    def silent(*arguments: Any) -> dict[str, Any]:
        return {**remembered(*arguments), "silent": True}

    system = System(tmp_path, silent)
    first = system.ports.objects.put("uploads", "first.mp3", files.uploads["stranger.mp3"])
    second = system.ports.objects.put("uploads", "second.mp3", files.uploads["stranger.mp3"])
    first_event, second_event = waiting(system)
    ingest(first_event, system.ports)
    media_id = system.ports.ledger.upload(first.ref).media_id
    assert scan(ScanRequested(media_id=media_id), system.ports, token="a message") == "analysed"
    act = lambda: ingest(second_event, system.ports)  # noqa: E731
    world = replace(system.ports, ledger=Between(system.ports.ledger, "move_media", act))
    assert match(MatchRequested(media_id=media_id, cause="scanned"), world) == "failed"
    for info in (first, second):
        chain, told = refused(system, info.ref)
        assert chain[-1] == "refused"
        assert told.count(info.ref.log_index) == 1


def test_a_trouble_is_measured_once_however_often_it_is_met(tmp_path: Path, material) -> None:
    system = System(tmp_path, material[1])
    counted: list[str] = []

    class Meter:
        def count(self, name: str, value: float = 1.0) -> None:
            counted.append(name)

    world = replace(system.ports, meter=Meter())
    for _ in range(3):
        incidents.record(world, "media", "a" * 64, ErrorInfo(code="x", cause="y", remedy="z"))
    assert counted == ["Incident.media"]
