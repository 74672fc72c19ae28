"""One work in many recordings, end to end: the recording itself is a use, another performance is none; what two
recordings claim is chosen for neither.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import numpy as np
import pytest
from bench.synth import another_performance, render
from click.testing import CliRunner

from rightscan.cli.main import cli
from rightscan.errors import TransientError
from rightscan.jobs import recording_conflicts
from rightscan.jobs.live_index import LiveIndex
from rightscan.media.encode import encode
from rightscan.records.base import canonical_json
from rightscan.records.findings import Finding, Match, Use
from rightscan.records.objects import ObjectRef
from system import RememberedAnalysis, System

RATE, S = 22_050, 48.0
ISRC = "KRA402600077"


@functools.cache
def piece(seed: int, style: str, seconds: float = S) -> np.ndarray:
    return render(seed, seconds, style=style, sample_rate=RATE)


def remastered(x: np.ndarray) -> np.ndarray:
    """Brighter and squeezed, as a new edition of the same fixation is."""
    bright = x + 0.5 * np.diff(x, axis=0, prepend=x[:1])
    return np.tanh(1.8 * bright / np.abs(bright).max()).astype(np.float32)


class World:
    """Two pieces of different works; later a remaster of one, a medley, and uploads of each kind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.system = System(folder / "store", RememberedAnalysis(folder / "analysis"))
        self.ports = self.system.ports

    def register(self, name: str, sounds: dict[str, np.ndarray], **more: str) -> None:
        rows: list[dict[str, str]] = []
        for recording_id, sound in sounds.items():
            path = self.folder / f"{recording_id}.flac"
            encode(sound, RATE, path, "flac")
            self.ports.objects.put("registrations", f"catalogues/{name}/audio/{recording_id}.flac", path)
            rows += [
                {
                    "_sheet": "recordings",
                    "recording_id": recording_id,
                    "lineup_size": "1",
                    "audio": f"audio/{recording_id}.flac",
                    **more,
                },
                {"_sheet": "performers", "performer_id": f"P-{recording_id}", "name_ko": "가나다"},
                {
                    "_sheet": "lineups",
                    "recording_id": recording_id,
                    "performer_id": f"P-{recording_id}",
                    "role": "가창",
                    "featured": "주실연",
                },
            ]
        self.rows(name, rows)

    def rows(self, name: str, rows: list[dict[str, str]]) -> None:
        lines = "".join(canonical_json(row) + "\n" for row in rows)
        self.ports.objects.put("registrations", f"catalogues/{name}/catalogue.jsonl", lines.encode())
        self.system.pump()

    def upload(self, name: str, sound: np.ndarray) -> str:
        path = self.folder / name
        encode(sound, RATE, path, "flac")
        self.ports.objects.put("uploads", name, path)
        self.system.pump()
        upload = self.ports.ledger.upload(self.ports.objects.head(ObjectRef(bucket="uploads", key=name)).ref)
        assert upload is not None
        assert upload.media_id is not None
        return upload.media_id

    def findings(self, media_id: str) -> list[Finding]:
        found = [f for f in self.ports.ledger.findings(media_id) if f.status == "active"]
        return sorted(found, key=lambda f: (f.media_start or 0.0, f.recording_id or ""))

    def uses(self, media_id: str) -> list[Use]:
        return [u for u in self.ports.ledger.uses(media_id) if u.status == "active"]

    def matches(self, media_id: str) -> list[Match]:
        return [m for m in self.ports.ledger.matches(media_id) if m.status == "active"]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.register("first", {"REC-1": piece(1, "classical"), "REC-2": piece(2, "gugak")})
    return world


def test_the_recording_is_exact_and_another_performance_a_candidate_at_most(world: World) -> None:
    true = world.upload("itself.flac", piece(1, "classical")[: 40 * RATE])
    (itself,) = world.findings(true)
    assert (itself.axes.a, itself.recording_id, itself.similar) == ("exact", "REC-1", ())
    assert len(world.uses(true)) == 1

    for seed, style in ((1, "classical"), (2, "gugak")):
        other = another_performance(seed, 1, S, style=style, sample_rate=RATE)
        media_id = world.upload(f"other {seed}.flac", other)
        (finding,) = world.findings(media_id)
        assert finding.axes.a == "cover_candidate"
        assert finding.code == ("H1" if finding.axes.c == "none_found" else "X1")
        assert (finding.claim_basis, finding.recording_id, finding.match_id) == ("none", None, None)
        assert [s.recording_id for s in finding.similar] == [f"REC-{seed}"]
        assert "a_harmony" in finding.tested
        assert (finding.performers, finding.held_share) == ((), False)
        assert world.matches(media_id) == world.uses(media_id) == []


def test_another_work_is_no_candidate(world: World) -> None:
    (finding,) = world.findings(world.upload("stranger.flac", piece(9, "classical")))
    assert (finding.axes.a, finding.similar) == ("none", ())
    assert "a_harmony" in finding.tested


def test_a_candidate_with_no_sign_of_a_machine_is_h1(world: World, monkeypatch) -> None:
    from rightscan.jobs import match
    from rightscan.jobs.spans import SpanOrigin
    from rightscan.rights.axes import AxisC

    monkeypatch.setattr(match.Origin, "whole", lambda _: SpanOrigin(AxisC.NONE_FOUND))
    other = another_performance(1, 2, S, style="classical", sample_rate=RATE)
    (finding,) = world.findings(world.upload("live.flac", other))
    assert (finding.code, finding.claim_basis, finding.hits) == ("H1", "none", ("H1",))


def test_beside_a_match_the_rest_of_the_file_has_a_finding_of_its_own(world: World) -> None:
    other = another_performance(1, 1, 40.0, style="classical", sample_rate=RATE)
    media_id = world.upload("concert.flac", np.concatenate((piece(2, "gugak")[: 30 * RATE], other)))
    used, cover = world.findings(media_id)
    assert (used.axes.a, used.recording_id) == ("exact", "REC-2")
    assert (cover.axes.a, cover.recording_id) == ("cover_candidate", None)
    assert cover.subject.startswith("cover-")
    assert cover.media_start == pytest.approx(30.0, abs=1.0)
    assert [s.recording_id for s in cover.similar] == ["REC-1"]
    assert [u.recording_id for u in world.uses(media_id)] == ["REC-2"]


def test_a_work_that_is_registered_later_is_found_on_the_next_look(world: World) -> None:
    other = another_performance(5, 1, S, style="pop", sample_rate=RATE)
    media_id = world.upload("early.flac", other)
    assert world.findings(media_id)[0].axes.a == "none"
    world.register("more", {"REC-5": piece(5, "pop")})
    world.system.ask_again()
    world.system.pump()
    (finding,) = world.findings(media_id)
    assert [s.recording_id for s in finding.similar] == ["REC-5"]


# ---- conflicts ----------------------------------------------------------------------------------------------
def listed(world: World) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for result in recording_conflicts.listed(world.ports):
        found.setdefault(result.kind, []).append(result.recording_ids)
    return found


def test_a_remaster_is_a_conflict_and_both_are_told_with_their_money_held(world: World) -> None:
    media_id = world.upload("before.flac", piece(1, "classical")[: 40 * RATE])
    assert [(f.recording_id, f.held_share) for f in world.findings(media_id)] == [("REC-1", False)]
    world.register("again", {"REC-1R": remastered(piece(1, "classical"))})
    assert listed(world) == {"same_sound": [("REC-1", "REC-1R")]}
    world.system.ask_again()
    world.system.pump()
    both = world.findings(media_id)
    assert [(f.recording_id, f.contested_by) for f in both] == [
        ("REC-1", ("REC-1R",)),
        ("REC-1R", ("REC-1",)),
    ]
    for finding in both:
        assert (finding.held_share, finding.hold_reason) == (True, "conflict")
        assert [p.weight_num for p in finding.performers] == [None]
    assert {u.recording_id for u in world.uses(media_id)} == {"REC-1", "REC-1R"}
    assert listed(world)["shared_span"] == [("REC-1", "REC-1R")]
    (conflict,) = world.ports.ledger.conflicts_in(media_id)
    assert (conflict.media_start, conflict.media_end) == (pytest.approx(0, abs=1), pytest.approx(40, abs=1))

    told = CliRunner().invoke(cli, ["--home", str(world.system.home), "--json", "conflicts"])
    assert told.exit_code == 0
    kinds = {line["kind"]: line for line in map(json.loads, told.output.splitlines())}
    assert kinds["shared_span"]["media"] == 1
    for language, word in (("ko", "같은 구간이 두 음원과 일치"), ("en", "one span matches both")):
        shown = CliRunner().invoke(
            cli, ["--home", str(world.system.home), "--lang", language, "conflicts"], env={"COLUMNS": "200"}
        )
        assert word in shown.output


def test_a_medley_shares_a_section_and_a_mash_up_does_not(world: World) -> None:
    medley = np.concatenate((piece(1, "classical")[: 20 * RATE], piece(7, "pop")[: 28 * RATE]))
    world.register("medley", {"REC-M": medley})
    assert listed(world) == {}
    both = world.findings(world.upload("medley.flac", medley))
    assert {(f.recording_id, f.contested_by) for f in both} == {
        ("REC-1", ("REC-M",)),
        ("REC-M", ("REC-1",)),
    }
    assert listed(world) == {"shared_span": [("REC-1", "REC-M")]}

    mixed = 0.5 * piece(1, "classical")[25 * RATE : 45 * RATE] + 0.5 * piece(2, "gugak")[: 20 * RATE]
    told = world.findings(world.upload("mash up.flac", mixed.astype(np.float32)))
    assert {f.recording_id for f in told} >= {"REC-1", "REC-2"}
    assert all(f.contested_by == () and f.hold_reason is None for f in told)


def test_a_conflict_ends_when_the_span_no_longer_matches_both(world: World) -> None:
    world.register("again", {"REC-1R": remastered(piece(1, "classical"))})
    media_id = world.upload("copy.flac", piece(1, "classical")[: 40 * RATE])
    assert "shared_span" in listed(world)
    # The other recording's sound is replaced by its own.
    world.register("again", {"REC-1R": piece(11, "ballad")})
    assert "same_sound" not in listed(world)
    world.system.ask_again()
    world.system.pump()
    assert listed(world) == {}
    (finding,) = world.findings(media_id)
    assert (finding.recording_id, finding.contested_by, finding.held_share) == ("REC-1", (), False)
    (ended,) = world.ports.ledger.conflicts_in(media_id)
    assert ended.status == "ended"


def test_one_isrc_on_two_recordings_is_listed_until_one_gives_it_up(world: World) -> None:
    world.register("a", {"REC-A": piece(21, "pop", 20.0)}, isrc=ISRC)
    assert listed(world) == {}
    world.register("b", {"REC-B": piece(22, "pop", 20.0)}, isrc=ISRC)
    (result,) = recording_conflicts.listed(world.ports)
    assert (result.kind, result.recording_ids, result.isrc) == ("same_isrc", ("REC-A", "REC-B"), ISRC)
    first = result.first_found_at
    world.system.clock.advance(3600)
    world.register("b", {"REC-B": piece(22, "pop", 20.0)}, isrc=ISRC, title="다시")
    (again,) = recording_conflicts.listed(world.ports)
    assert (again.first_found_at, again.conflict_ids) == (first, result.conflict_ids)
    world.register("b", {"REC-B": piece(22, "pop", 20.0)}, isrc="KRA402600078")
    assert listed(world) == {}


def test_a_file_of_harmonies_that_is_not_what_its_name_says_stops_the_work(world: World, tmp_path) -> None:
    ports, cache = world.ports, tmp_path / "cache"
    arguments = (ports.ledger, ports.objects, ports.settings.buckets.work, ports.clock, cache, 0)
    live = LiveIndex(*arguments).current()
    works = live.works()
    assert works is not None
    assert works.recording_ids == ("REC-1", "REC-2")
    (path,) = cache.glob("*/harmony-*.npz")
    path.unlink()  # a segment fetched before: the one file is fetched
    assert len(LiveIndex(*arguments).current().works() or ()) == 2
    path.write_bytes(b"else")
    with pytest.raises(TransientError) as trouble:
        LiveIndex(*arguments).current().works()
    assert trouble.value.code == "corrupt_index"
