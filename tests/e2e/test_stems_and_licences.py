"""Registered stems and AI licences, end to end: the same sound is L1 with a licence and A2 without it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from bench.synth import render, stems
from bench.synth.vocoder import resynthesised

from rightscan.fingerprint import SAMPLE_RATE, fingerprint
from rightscan.jobs.features import pack, stem_prints_in
from rightscan.jobs.lineups import lineup_of
from rightscan.jobs.stem_prints import StemPrint
from rightscan.jobs.stems import search
from rightscan.media.encode import encode
from rightscan.records.base import canonical_json
from rightscan.records.findings import Finding
from rightscan.records.objects import ObjectRef
from rightscan.records.registers import LineupEntry
from rightscan.rights.axes import Stem
from rightscan.rights.money import profile_named
from rightscan.separation import resample
from system import RememberedAnalysis, System

REGISTERED = ((Stem.VOCAL, "REC-1-V"), (Stem.INSTRUMENTAL, "REC-1-I"))
RATE, S, SEED, STYLE = 44_100, 24.0, 5, "ballad"


def _rows(licence: dict[str, str]) -> list[dict[str, str]]:
    people = [
        {"_sheet": "performers", "performer_id": name, "name_ko": name_ko}
        for name, name_ko in (("P-S", "가수"), ("P-D", "연주자"))
    ]
    credited = [
        {
            "_sheet": "lineups",
            "recording_id": "REC-1",
            "performer_id": who,
            "role": role,
            "featured": featured,
        }
        for who, role, featured in (("P-S", "가창", "주실연"), ("P-D", "연주", "부실연"))
    ]
    recordings = [
        {"_sheet": "recordings", "recording_id": "REC-1", "lineup_size": "2", "audio": "audio/REC-1.flac"},
        {"recording_id": "REC-1-V", "stem_of": "REC-1", "stem": "보컬", "audio": "audio/REC-1-V.flac"},
        {"recording_id": "REC-1-I", "stem_of": "REC-1", "stem": "MR", "audio": "audio/REC-1-I.flac"},
    ]
    licences = [{"_sheet": "licences", "recording_id": "REC-1", **licence}]
    return [{"_sheet": "recordings"} | row for row in recordings] + people + credited + licences


class World:
    """One piece registered with its stems; a copy of it, and its stems through a vocoder, uploaded."""

    def __init__(self, folder: Path) -> None:
        lines = stems(SEED, S, style=STYLE, sample_rate=RATE)
        vocal = lines.pop("vocals")
        backing = np.sum(list(lines.values()), axis=0, dtype=np.float32)
        self.system = System(folder / "store", RememberedAnalysis(folder / "analysis"))
        put = self.system.ports.objects
        self.sounds = {"REC-1": vocal + backing, "REC-1-V": vocal, "REC-1-I": backing}
        for name, sound in self.sounds.items():
            encode(sound, RATE, folder / f"{name}.flac", "flac")
            put.put("registrations", f"catalogues/test/audio/{name}.flac", folder / f"{name}.flac")
        self.register({"licence_id": "LIC-1", "to": "2026-10-31"})
        uploads = {
            "mix": self.sounds["REC-1"],
            "vocal": vocal,
            "voice made": resynthesised(vocal, 1),
            "backing made": resynthesised(backing, 2),
        }
        for name, sound in uploads.items():
            encode(sound, RATE, folder / f"{name}.flac", "flac")
            facts = {"rs-posted-at": "2026-11-01T00:30:00%2B09:00", "rs-territory": "KR"}
            put.put("uploads", f"{name}.flac", folder / f"{name}.flac", metadata=facts)
        self.system.pump()

    def register(self, licence: dict[str, str]) -> None:
        lines = "".join(canonical_json(row) + "\n" for row in _rows(licence))
        self.system.ports.objects.put("registrations", "catalogues/test/catalogue.jsonl", lines.encode())
        self.system.pump()

    def finding(self, name: str) -> Finding:
        ports = self.system.ports
        upload = ports.ledger.upload(ports.objects.head(ObjectRef(bucket="uploads", key=f"{name}.flac")).ref)
        assert upload is not None
        (found,) = [f for f in ports.ledger.findings(upload.media_id or "") if f.status == "active"]
        return found

    def case_states(self, name: str) -> dict[str, str]:
        """Of the cases that the file's findings opened, by code."""
        ledger = self.system.ports.ledger
        return {case.code: case.state.value for case in ledger.cases(self.finding(name).media_id)}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("stems"))


def test_a_copy_of_the_mix_is_the_recording_and_no_stem_of_it(world: World) -> None:
    found = world.finding("mix")
    assert (found.code, found.recording_id, found.axes.a) == ("U1", "REC-1", "exact")
    assert [p.performer_id for p in found.performers] == ["P-D", "P-S"]


def test_a_stem_pays_those_who_are_heard_on_it(world: World) -> None:
    found = world.finding("vocal")
    assert (found.code, found.recording_id) == ("U2", "REC-1-V")
    assert (found.axes.a, found.axes.a_kinds) == ("partial_stem", ("vocal",))
    assert [p.performer_id for p in found.performers] == ["P-S"]
    assert (found.axes.c, found.axes.d) == ("none_found", "not_applicable")


def test_a_resynthesised_stem_is_suspected_and_the_ended_licence_shown(world: World) -> None:
    for name, recording in (("voice made", "REC-1-V"), ("backing made", "REC-1-I")):
        found = world.finding(name)
        assert (found.code, found.recording_id) == ("A2", recording)
        assert (found.axes.c, found.axes.d, found.claim_basis) == ("detected", "none_found", "fixation")
        assert [(m.licence_id, m.shortfall) for m in found.licence_misses] == [("LIC-1", "ended")]
        assert world.case_states(name) == {"A2": "open"}
    assert world.case_states("mix") == world.case_states("vocal") == {}


def test_the_same_clip_with_a_licence_is_l1(world: World) -> None:
    world.register({"licence_id": "LIC-1", "to": "2026-12-31", "parts": "보컬", "territory": "KR"})
    world.system.ask_again()
    world.system.pump()
    voice, backing = world.finding("voice made"), world.finding("backing made")
    assert (voice.code, voice.axes.d, voice.licence_ids) == ("L1", "ai_licence", ("LIC-1",))
    assert backing.code == "A2"
    assert [(m.licence_id, m.shortfall) for m in backing.licence_misses] == [("LIC-1", "parts")]
    assert world.finding("mix").code == "U1"
    # Nobody is asked any more about what turned out to be licensed.
    assert world.case_states("voice made") == {"A2": "ended"}
    assert world.case_states("backing made") == {"A2": "open"}


# ---- parts that a separator finds ---------------------------------------------------------------------------
def test_a_part_of_the_upload_is_found_where_the_mix_shows_nothing(world: World) -> None:
    """What stands in for the separator knows the answer; everything around it is real."""
    ports = world.system.ports
    found = fingerprint([_at_low_rate(world.sounds["REC-1"])], SAMPLE_RATE)
    foreign = fingerprint([_at_low_rate(render(91, S, sample_rate=RATE))], SAMPLE_RATE)
    live = ports.index.current().index
    assert live is not None
    parts = {Stem.VOCAL: found, Stem.INSTRUMENTAL: foreign}
    (told,) = search(live, foreign, parts, ports.ledger, deep=True)
    assert (told.stem, told.root) == (Stem.VOCAL, "REC-1")
    (lifted,) = search(live, found, parts, ports.ledger, deep=True)
    assert (lifted.stem, lifted.root) == (Stem.VOCAL, "REC-1"), "the other part is something else"
    copied = {stem: fingerprint([_at_low_rate(world.sounds[name])], SAMPLE_RATE) for stem, name in REGISTERED}
    (whole,) = search(live, found, copied, ports.ledger, deep=True)
    assert (whole.stem, whole.segment.recording_id) == (None, "REC-1"), "both parts are the recording's"
    announced = {Stem.VOCAL: foreign, Stem.INSTRUMENTAL: copied[Stem.INSTRUMENTAL]}
    (talked_over,) = search(live, found, announced, ports.ledger, deep=True)
    assert talked_over.stem is None, "somebody talks: that is no other singer"
    packed = pack(found, None, None, parts)
    again = stem_prints_in(packed)
    assert {stem: made.to_npz() for stem, made in again.items()} == {s: p.to_npz() for s, p in parts.items()}
    assert stem_prints_in(pack(found, None, None)) == {}


def test_who_is_heard_on_a_part(world: World) -> None:
    def people(recording_id: str, stem: str | None) -> list[str]:
        known = lineup_of(
            world.system.ports.ledger, recording_id, profile_named("KR-5050"), date(2026, 11, 1), stem
        )
        return [p.performer_id for p in known.performers]

    assert people("REC-1", None) == ["P-D", "P-S"]
    assert people("REC-1", "vocal") == people("REC-1-V", "vocal") == ["P-S"]
    assert people("REC-1-I", "instrumental") == ["P-D"]
    assert people("REC-1", "instrumental") == ["P-D", "P-S"], "the singer may be under the announcer"


def test_a_recording_of_voices_alone_has_no_backing_to_miss(world: World) -> None:
    ports = world.system.ports
    found = fingerprint([_at_low_rate(world.sounds["REC-1"])], SAMPLE_RATE)
    foreign = fingerprint([_at_low_rate(render(91, S, sample_rate=RATE))], SAMPLE_RATE)
    live = ports.index.current().index
    assert live is not None

    class Voices:
        recording = staticmethod(ports.ledger.recording)

        @staticmethod
        def lineup(recording_id: str) -> list[LineupEntry]:
            return [row for row in ports.ledger.lineup(recording_id) if "vocal" in row.categories]

    parts = {Stem.VOCAL: found, Stem.INSTRUMENTAL: foreign}
    (told,) = search(live, found, parts, Voices(), deep=True)  # type: ignore[arg-type]
    assert told.stem is None


def _at_low_rate(sound: np.ndarray) -> np.ndarray:
    return resample(sound, RATE, SAMPLE_RATE).mean(axis=1)


def test_the_print_of_a_stem_is_that_of_the_same_sound_decoded(world: World) -> None:
    sound = world.sounds["REC-1-V"].astype(np.float32)
    made = StemPrint()
    for start in range(0, len(sound), 50_001):
        made.add(sound[start : start + 50_001])
    stem = made.finish()
    live = world.system.ports.index.current().index
    assert live is not None
    assert stem.duration_s == pytest.approx(S, abs=0.01)
    found = {s.recording_id: s for s in live.search(stem)}
    assert found["REC-1-V"].log10_lr > 3
    assert found["REC-1-V"].media_start == pytest.approx(found["REC-1-V"].reference_start, abs=0.05)
