"""Enrolment, comparison and withdrawal over a store of one machine; the voices are directions, not sound."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from rightscan import runtime
from rightscan.adapters.local.clock import ManualClock
from rightscan.errors import PermanentError, UsageError
from rightscan.jobs.voices import likeness
from rightscan.jobs.voices.enrol import enrol
from rightscan.jobs.voices.enrolled import anybody_enrolled
from rightscan.jobs.voices.heard import heard_in
from rightscan.jobs.voices.withdraw import withdraw
from rightscan.ports import Ports
from rightscan.records.media import Scan
from rightscan.records.objects import ObjectRef
from rightscan.records.registers import Consent, Performer
from rightscan.records.vault import Access, AskCompare, AskLog, AskPurge, AskSubject, LikenessAsk, VoicesHeard
from rightscan.rights.axes import AxisB
from voices import MODEL, recording, use_written_voices, voice

NOW = dt.datetime(2026, 11, 27, 3, tzinfo=dt.UTC)
WHO = {"actor": "kim", "reason": "case 7"}
STAMPS = {"changed_at": NOW, "changed_by": "catalogue", "reason": "catalogue.xlsx"}
READ = Access(actor="test", action="subject", whose="-", reason="test")


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ports:
    use_written_voices(monkeypatch)
    ports = runtime.local_ports(tmp_path / "store", clock=ManualClock(NOW), durable=False)
    world = replace(ports, meter=runtime.SilentMeter())
    for performer_id in ("P-1", "P-2", "P-3"):
        world.ledger.save_register_row(Performer(**STAMPS, performer_id=performer_id, name_ko="김민수"))
    for performer_id in ("P-1", "P-2"):
        consent(world, performer_id)
    return world


def consent(world: Ports, performer_id: str, **changes: str | None) -> None:
    values = {"valid_from": "2026-01-01", "text_sha256": "ab" * 32, "consent": "C1"}
    world.ledger.save_register_row(Consent(**STAMPS, performer_id=performer_id, **(values | changes)))


def enrolled(world: Ports, folder: Path, performer_id: str, person: str) -> None:
    files = [recording(folder, f"{performer_id}-{n}", person, seed=n) for n in (1, 2)]
    assert enrol(performer_id, files, world, **WHO).state == "enrolled"


def compare(world: Ports, *people: str, scan_id: str = "s", **options) -> VoicesHeard:
    ask = AskCompare(
        actor="function:scan",
        reason="scan s",
        media_id="m",
        scan_id=scan_id,
        print=voice(*people, seed=9, **options),
    )
    heard = world.likeness(ask, world).heard
    assert heard is not None
    return heard


def incidents(world: Ports) -> set[tuple[str, str, str]]:
    return {(i.source_kind, i.source_ref, i.code) for i in world.ledger.incidents_in_period("2026-11")}


# ---- enrolment ------------------------------------------------------------------------------------------
def test_an_enrolment_keeps_a_template_and_says_how_it_was_made(world, tmp_path):
    files = [recording(tmp_path, f"김민수 {n}", "kim", seed=n) for n in (1, 2, 3)]
    told = enrol("P-1", files, world, **WHO)
    assert (told.state, told.registers, told.recordings, told.model) == ("enrolled", ("singing",), 3, MODEL)
    (kept,) = world.vault.templates_of("P-1", READ)
    assert (kept.performer_id, kept.voice_register, kept.recordings) == ("P-1", "singing", 3)
    assert told.pseudonym == world.vault.pseudonym("P-1")
    assert anybody_enrolled(world)
    assert incidents(world) == set()


def test_each_register_has_a_template_of_its_own(world, tmp_path):
    files = [recording(tmp_path, f"sung {n}", "kim", seed=n) for n in (1, 2)]
    files += [recording(tmp_path, f"spoken {n}", "kim", seed=n, register="speaking") for n in (3, 4)]
    assert enrol("P-1", files, world, **WHO).registers == ("singing", "speaking")
    assert [one.voice_register for one in world.vault.templates_of("P-1", READ)] == ["singing", "speaking"]


@pytest.mark.parametrize(
    ("files", "codes"),
    [
        ([{"people": ["kim", "lee"]}, {"people": ["kim"]}], ["several_voices"]),
        ([{"people": ["kim"]}, {"people": ["lee"]}], ["several_voices"]),
        ([{"people": ["kim"], "backing": 0.9}, {"people": ["kim"]}], ["music_in_enrolment"]),
        ([{"people": ["kim"], "snr_db": 3.0}, {"people": ["kim"]}], ["voice_too_noisy"]),
        ([{"people": ["kim"]}], ["too_few_recordings"]),
        ([{"people": ["kim"], "windows": 1}, {"people": ["kim"], "windows": 1}], ["voice_too_short"]),
    ],
)
def test_recordings_that_do_not_serve_are_refused_with_a_code_and_a_remedy(world, tmp_path, files, codes):
    paths = []
    for number, said in enumerate(files):
        paths.append(tmp_path / f"{number}")
        paths[-1].write_text(json.dumps(said))
    told = enrol("P-1", paths, world, **WHO)
    assert (told.state, [problem.code for problem in told.problems]) == ("refused", codes)
    assert all(problem.cause and problem.remedy for problem in told.problems)
    assert incidents(world) == {("enrolment", "P-1", code) for code in codes}
    assert world.vault.enrolled(READ) == []
    assert not anybody_enrolled(world)


def test_a_file_that_is_no_sound_is_named_by_number_and_not_by_name(world, tmp_path):
    files = [recording(tmp_path, "one", "kim"), tmp_path / "김민수.wav"]
    files[1].write_text("no sound")
    told = enrol("P-1", files, world, **WHO)
    assert [(p.code, p.cause[:12]) for p in told.problems] == [("not_media", "recording 2:")]
    assert incidents(world) == {("enrolment", "P-1", "not_media")}
    assert "김민수" not in told.model_dump_json()


@pytest.mark.parametrize(
    "changes",
    [
        None,
        {"consent": "C2"},
        {"valid_from": "2026-11-28"},
        {"valid_to": "2026-11-26"},
        {"withdrawn_at": "2026-11-27T02:00:00+00:00"},
        {"text_sha256": None},
    ],
)
def test_without_consent_on_the_korean_day_nobody_listens(world, tmp_path, monkeypatch, changes):
    if changes is not None:
        consent(world, "P-3", **changes)
    heard = []
    monkeypatch.setattr("rightscan.jobs.voices.enrol.hear_guarded", lambda *_: heard.append(1))
    told = enrol("P-3", [recording(tmp_path, "a", "kim")] * 2, world, **WHO)
    assert (told.state, [problem.code for problem in told.problems]) == ("refused", ["no_consent"])
    assert heard == []
    assert incidents(world) == {("enrolment", "P-3", "no_consent")}
    assert world.vault.enrolled(READ) == []


def test_a_consent_counts_by_the_day_in_korea(world, tmp_path):
    consent(world, "P-3", valid_from="2026-11-28")
    world.clock.advance(12 * 3600 - 1)  # 2026-11-27T14:59:59Z, the last second of the 27th in Seoul
    files = [recording(tmp_path, f"{n}", "park", seed=n) for n in (1, 2)]
    assert enrol("P-3", files, world, **WHO).state == "refused"
    world.clock.advance(1)
    assert enrol("P-3", files, world, **WHO).state == "enrolled"


def test_nobody_unknown_is_enrolled(world, tmp_path):
    told = enrol("P-9", [recording(tmp_path, "a", "kim")] * 2, world, **WHO)
    assert [problem.code for problem in told.problems] == ["unknown_performer"]


@pytest.mark.parametrize(
    ("reason", "code"), [("", "no_actor_or_reason"), ("010-2345-6789", "personal_data_in_reason")]
)
def test_a_reason_is_needed_that_holds_nobodys_number(world, tmp_path, reason, code):
    for call in (
        lambda: enrol("P-1", [tmp_path], world, actor="kim", reason=reason),
        lambda: withdraw("P-1", world, actor="kim", reason=reason),
    ):
        with pytest.raises(UsageError) as told:
            call()
        assert told.value.code == code
    assert world.ledger.suppression("P-1") is None


# ---- comparison -----------------------------------------------------------------------------------------
def test_a_voice_is_recognised_and_the_others_are_shown_beside_it(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    enrolled(world, tmp_path, "P-2", "lee")
    heard = compare(world, "kim")
    assert (heard.axis_b, heard.compared, heard.model) == (AxisB.STRONG, 2, MODEL)
    assert [one.performer_id for one in heard.candidates] == ["P-1", "P-2"]
    assert heard.candidates[0].log10_lr == 3.0  # capped by 1,000 trials
    assert heard.candidates[1].log10_lr < 0


def test_a_voice_of_nobody_names_nobody(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    heard = compare(world, "somebody")
    assert (heard.axis_b, heard.candidates) == (AxisB.NO_MATCH, ())


def test_outside_the_validated_conditions_nothing_is_strong(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    heard = compare(world, "kim", snr_db=2.0)
    assert (heard.axis_b, heard.conditions) == (AxisB.CANDIDATE, ("noise",))


def test_with_nobody_enrolled_nothing_was_tested(world):
    heard = compare(world, "kim")
    assert (heard.axis_b, heard.compared) == (AxisB.NOT_TESTED, 0)


def test_a_consent_that_ends_tonight_ends_the_comparison_tomorrow(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    consent(world, "P-1", valid_to="2026-11-27")
    assert compare(world, "kim").axis_b is AxisB.STRONG
    world.clock.advance(12 * 3600)
    assert compare(world, "kim").candidates == ()


def test_templates_of_another_encoder_are_left_out(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    (kept,) = world.vault.templates_of("P-1", READ)
    world.vault.put_template(kept.model_copy(update={"model": "older@1.0.0"}), READ)
    likeness.forget_snapshots()
    assert compare(world, "kim").axis_b is AxisB.NOT_TESTED


def test_every_comparison_is_in_the_log_the_remembered_ones_too(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    for _ in range(3):
        compare(world, "kim")
    ask = AskLog(actor="lee", reason="audit", since=NOW, until=NOW + dt.timedelta(hours=1))
    log = world.likeness(ask, world).accesses
    assert [(e.actor, e.whose, e.reason) for e in log if e.action == "compare"] == [
        ("function:scan", "all", "scan s")
    ] * 3
    assert [e.actor for e in log if e.action == "enrol"] == ["kim"]


# ---- withdrawal -----------------------------------------------------------------------------------------
def test_a_withdrawal_ends_the_template_and_the_consent(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    stone = withdraw("P-1", world, **WHO)
    assert (stone.registers, stone.withdrawn_at) == (("singing",), NOW)
    assert world.vault.templates_of("P-1", READ) == []
    suppression = world.ledger.suppression("P-1")
    assert (suppression.since, suppression.actor, suppression.lifted_at) == (NOW, "kim", None)
    (row,) = world.ledger.consents("P-1")
    assert (row.withdrawn_at, row.changed_by) == (NOW.isoformat(), "kim")
    assert not anybody_enrolled(world)
    assert withdraw("P-1", world, **WHO) == stone


def test_the_suppression_is_the_first_thing_that_is_written(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")

    class Down:
        def __getattr__(self, name):
            def call(*_, **__):
                raise OSError("the vault is down")

            return call

    with pytest.raises(OSError, match="down"):
        withdraw("P-1", replace(world, vault=Down()), **WHO)
    assert world.ledger.suppression("P-1") is not None
    assert compare(world, "kim").candidates == ()
    withdraw("P-1", world, **WHO)


def test_a_withdrawal_during_a_scan_is_read_before_anybody_is_named(world, tmp_path, monkeypatch):
    enrolled(world, tmp_path, "P-1", "kim")
    enrolled(world, tmp_path, "P-2", "kim")  # the next best sounds just alike
    real = likeness.compare
    withdrawn = []

    def meanwhile(*arguments):
        found = real(*arguments)
        if not withdrawn:
            withdrawn.append(found.best.pseudonym)
            who = {world.vault.pseudonym(p): p for p in ("P-1", "P-2")}
            other = next(p for pseudonym, p in who.items() if pseudonym == found.best.pseudonym)
            withdraw(other, world, **WHO)
        return found

    monkeypatch.setattr(likeness, "compare", meanwhile)
    heard = compare(world, "kim")
    assert withdrawn
    assert withdrawn[0] not in {one.pseudonym for one in heard.candidates}
    assert heard.axis_b is AxisB.STRONG  # of the one who stays, and compared anew


def test_a_withdrawal_in_another_process_is_obeyed_although_templates_are_remembered(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    assert compare(world, "kim").candidates
    other = runtime.local_ports(tmp_path / "store", clock=world.clock, durable=False)
    withdraw("P-1", other, **WHO)
    heard = compare(world, "kim")
    assert (heard.axis_b, heard.candidates) == (AxisB.NOT_TESTED, ())


def test_a_withdrawal_while_somebody_is_enrolled_leaves_no_template(world, tmp_path, monkeypatch):
    files = [recording(tmp_path, f"{n}", "kim", seed=n) for n in (1, 2)]
    real = type(world.vault).put_template

    def meanwhile(self, template, access):
        monkeypatch.setattr(type(world.vault), "put_template", real)
        withdraw("P-1", world, **WHO)
        real(self, template, access)

    monkeypatch.setattr(type(world.vault), "put_template", meanwhile)
    told = enrol("P-1", files, world, **WHO)
    assert [problem.code for problem in told.problems] == ["no_consent"]
    assert world.vault.enrolled(READ) == []
    assert not anybody_enrolled(world)


def test_what_was_heard_before_is_not_said_after(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    enrolled(world, tmp_path, "P-2", "lee")
    world.ledger.put_voices(compare(world, "kim"))
    scan = a_scan()
    before = heard_in(scan, world)
    assert (before.axis_b, before.best, before.tested) == (AxisB.STRONG, "P-1", ("b",))
    withdraw("P-2", world, **WHO)
    alone = heard_in(scan, world)
    assert ([one.performer_id for one in alone.candidates], alone.axis_b) == (["P-1"], AxisB.STRONG)
    withdraw("P-1", world, **WHO)
    after = heard_in(scan, world)
    assert (after.axis_b, after.best, after.tested) == (AxisB.NOT_TESTED, None, ())
    assert len({before.read, alone.read, after.read}) == 3  # each a verdict of its own


def test_a_catalogue_file_of_old_does_not_undo_a_withdrawal(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    withdraw("P-1", world, **WHO)
    consent(world, "P-1")  # the same row as before, without the withdrawal
    assert world.ledger.consents("P-1")[0].withdrawn_at is None
    files = [recording(tmp_path, f"{n}", "kim", seed=n) for n in (1, 2)]
    assert [p.code for p in enrol("P-1", files, world, **WHO).problems] == ["no_consent"]


def test_a_new_consent_opens_a_new_enrolment(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    stone = withdraw("P-1", world, **WHO)
    consent(world, "P-1", valid_from="2026-11-28")
    world.clock.advance(86400)
    enrolled(world, tmp_path, "P-1", "kim")
    assert compare(world, "kim").axis_b is AxisB.STRONG
    assert world.ledger.suppression("P-1").lifted_at is not None
    assert world.vault.tombstone("P-1") == stone


# ---- what people ask ------------------------------------------------------------------------------------
def ask(world: Ports, question: LikenessAsk):
    return world.likeness(question, world)


def test_a_performer_gets_their_templates_and_who_read_them(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    enrolled(world, tmp_path, "P-2", "lee")
    world.clock.advance(1)
    compare(world, "kim")
    told = ask(world, AskSubject(actor="lee", reason="request 12", performer_id="P-1"))
    assert [one.performer_id for one in told.templates] == ["P-1"]
    assert next((e.actor, e.action) for e in told.accesses) == ("kim", "enrol")
    assert ("lee", "subject") in [(e.actor, e.action) for e in told.accesses]
    assert told.comparisons == 1


def test_a_purge_counts_first_and_ends_what_has_no_consent(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    enrolled(world, tmp_path, "P-2", "lee")
    consent(world, "P-1", valid_to="2026-11-27")
    world.clock.advance(86400)
    question = AskPurge(**WHO, log_before=NOW - dt.timedelta(days=1), apply=False, forget_log=True)
    assert ask(world, question).without_consent == ("P-1",)
    assert world.vault.enrolled(READ) == ["P-1", "P-2"]
    assert ask(world, question.model_copy(update={"apply": True})).without_consent == ("P-1",)
    assert world.vault.enrolled(READ) == ["P-2"]
    assert world.vault.tombstone("P-1") is not None


def test_a_print_whose_numbers_do_not_fit_is_refused(world, tmp_path):
    enrolled(world, tmp_path, "P-1", "kim")
    broken = voice("kim").model_copy(update={"dimensions": 7})
    with pytest.raises(PermanentError) as told:
        ask(world, AskCompare(actor="a", reason="b", media_id="m", scan_id="s", print=broken))
    assert told.value.code == "event_shape"


def a_scan() -> Scan:
    return Scan(
        scan_id="s",
        media_id="m",
        pipeline_version="p",
        fingerprint_version="f",
        features=ObjectRef(bucket="work", key="k"),
        features_sha256="0" * 64,
        analysed_at=NOW,
        duration_s=30.0,
        container="wav",
        codec="pcm_s16le",
        sample_rate=44_100,
        channels=2,
        complete=True,
        silent=False,
        problems=(),
    )
