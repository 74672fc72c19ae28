"""What the ledger promises, on SQLite and on DynamoDB."""

from __future__ import annotations

import threading
from datetime import timedelta, timezone

import pytest
import record_samples as sample
from record_samples import NOW, PIPELINE, later

from rightscan.adapters.items import Item, Put
from rightscan.adapters.ledger import RecordLedger
from rightscan.errors import CancelledError, PermanentError
from rightscan.ports import Conflict
from rightscan.records.media import MediaState
from rightscan.records.objects import ObjectRef, UploadState, first_broken
from rightscan.records.operations import Count
from rightscan.records.registers import Consent, Licence, ReferenceState, Registration
from rightscan.records.vault import Suppression, VoiceCandidate, VoicesHeard
from rightscan.rights.axes import AxisB


@pytest.fixture
def items(backend):
    return backend.items()


@pytest.fixture
def ledger(items):
    return RecordLedger(items)


def at_once(works):
    """Run all at the same moment; the exceptions they ended with, ``None`` for those that did not."""
    barrier, ends = threading.Barrier(len(works)), [None] * len(works)

    def one(number):
        barrier.wait()
        try:
            works[number]()
        except Exception as error:  # noqa: BLE001 (returned)
            ends[number] = error

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


# ---- uploads --------------------------------------------------------------------------------------------
def test_an_upload_is_recorded_once(ledger):
    first = sample.upload()
    assert ledger.upload(first.ref) is None
    assert ledger.add_upload(first) == first
    assert ledger.add_upload(first.model_copy(update={"size": 1, "received_at": later(60)})) == first
    assert ledger.upload(first.ref) == first
    assert list(ledger.uploads()) == [first]
    assert ledger.aliases(sample.media_id()) == [first]


@pytest.mark.parametrize(
    "key",
    [
        "노래 %_#'\".mp3",
        "\uac01",  # NFC …
        "\u1100\u1161\u11a8",  # … and NFD are two objects to S3
        "../../etc/passwd",
        "🎵" * 256,  # 1,024 bytes
        "a#V#b",
        "a/",
        " ",
    ],
)
def test_any_key_names_an_upload_of_its_own(ledger, key):
    mine, other = sample.upload(sample.ref(key)), sample.upload(sample.ref(key + "x"))
    ledger.add_upload(mine)
    ledger.add_upload(other)
    assert ledger.upload(mine.ref) == mine
    assert {found.ref.key for found in ledger.aliases(sample.media_id())} == {key, key + "x"}
    ledger.append_custody(
        mine.ref, at=NOW, actor="ingest", action="received", subject="s", detail={"key": key}
    )
    assert [entry.detail for entry in ledger.custody(mine.ref)] == [{"key": key}]
    assert ledger.custody(other.ref) == []


def test_versions_of_one_object_are_uploads_of_their_own(ledger):
    old, new = sample.upload(sample.ref(version="v1")), sample.upload(sample.ref(version="v10"))
    for one in (old, new):
        ledger.add_upload(one)
        ledger.append_custody(
            one.ref, at=NOW, actor="a", action="received", subject=one.ref.version, detail={}
        )
    assert [found.ref.version for found in ledger.aliases(sample.media_id())] == ["v1", "v10"]
    assert [entry.subject for entry in ledger.custody(old.ref)] == ["v1"]
    for one in (old, new):
        (entry,) = ledger.custody(one.ref)
        assert ledger.upload_named(one.ref.log_index) == one
        assert ledger.upload_named(entry.log_index) == one
    for nobody in ("", "/", old.ref.object_id, f"{old.ref.object_id}/v2", f"{'0' * 40}/v1"):
        assert ledger.upload_named(nobody) is None


def test_an_upload_is_the_alias_of_its_bytes_as_soon_as_it_is_seen(ledger):
    uploads = [sample.upload(sample.ref(f"copy {number}")) for number in range(5)]
    for number, one in enumerate(uploads):
        ledger.add_upload(one)
        assert len(ledger.aliases(sample.media_id())) == number + 1
    assert {found.ref for found in ledger.aliases(sample.media_id())} == {one.ref for one in uploads}
    assert ledger.aliases(sample.media_id("b")) == []


def test_an_upload_without_bytes_is_nobodys_alias(ledger):
    gone = sample.upload(state=UploadState.GONE, media_id=None, error=sample.error("object_missing"))
    assert ledger.add_upload(gone) == gone
    assert ledger.upload(gone.ref) == gone


def test_uploads_of_a_period_are_found(ledger):
    for number in range(20):
        period = "2026-11" if number % 4 else "2026-12"
        ledger.add_upload(sample.upload(sample.ref(f"{number}"), use_period=period))
    assert {found.ref.key for found in ledger.uploads_in_period("2026-12")} == {"0", "4", "8", "12", "16"}
    assert len(list(ledger.uploads_in_period("2026-11"))) == 15
    assert list(ledger.uploads_in_period("2026-10")) == []


# ---- custody --------------------------------------------------------------------------------------------
def append(ledger, subject, *, action="received", at=NOW, detail=None, ref=None):
    return ledger.append_custody(
        ref or sample.ref(), at=at, actor="ingest", action=action, subject=subject, detail=detail or {}
    )


def test_custody_is_a_chain_that_holds(ledger):
    detail = {"size": 5, "ratio": 1.0, "tiny": 1e-300, "none": None, "words": ["가", {"": 0.1}]}
    entries = [append(ledger, f"{number}", at=later(number), detail=detail) for number in range(12)]
    chain = ledger.custody(sample.ref())
    assert chain == entries
    assert [entry.seq for entry in chain] == list(range(1, 13))
    assert first_broken(chain) is None
    assert entries[0].log_index == f"{sample.ref().object_id}/{sample.ref().version}/1"


def test_what_was_entered_is_entered_once(ledger):
    first = append(ledger, "a", detail={"n": 1})
    append(ledger, "b")
    assert append(ledger, "a", at=later(60), detail={"n": 2}) == first
    assert append(ledger, "a", action="verdict").seq == 3
    assert len(ledger.custody(sample.ref())) == 3


def test_entries_made_at_the_same_moment_all_stand_in_one_chain(ledger):
    # Each rival costs a try at most, and eight tries are made
    ends = at_once([lambda n=n: append(ledger, f"{n}") for n in range(4)])
    assert ends == [None] * 4
    chain = ledger.custody(sample.ref())
    assert sorted(entry.subject for entry in chain) == ["0", "1", "2", "3"]
    assert first_broken(chain) is None


@pytest.mark.parametrize("field", ["at", "actor", "action", "subject", "detail", "previous", "digest", "seq"])
def test_a_changed_entry_is_named(ledger, items, field):
    for number in range(4):
        append(ledger, f"{number}", detail={"n": number})
    stored = next(
        item for item in items.query(f"O#{sample.ref().object_id}", "AUD#") if item.body["seq"] == 2
    )
    forged = {"at": "2026-11-03T00:00:00Z", "detail": {"n": 3}, "seq": 7}.get(field, "0" * 64)
    items.write(
        [Put(Item(stored.pk, stored.sk, stored.kind, {**stored.body, field: forged}, stored.version))]
    )
    broken = first_broken(ledger.custody(sample.ref()))
    assert broken is not None
    assert broken.subject == (forged if field == "subject" else "1")


def test_a_missing_entry_is_noticed(ledger, items):
    chain = [append(ledger, f"{number}") for number in range(4)]
    assert first_broken([chain[0], *chain[2:]]) == chain[2]
    assert first_broken(chain[1:]) == chain[1]


# ---- media and claims -----------------------------------------------------------------------------------
def claim(ledger, token="worker", *, now=NOW, lease_s=900.0):
    return ledger.claim(sample.media_id(), token=token, now=now, lease_s=lease_s)


def test_media_is_recorded_once(ledger):
    first = sample.media()
    assert ledger.media(first.media_id) is None
    assert ledger.add_media(first) == first
    assert ledger.add_media(first.model_copy(update={"container": "wav"})) == first
    assert ledger.media(first.media_id) == first


def test_a_claim_is_held_until_its_lease_ends(ledger):
    ledger.add_media(sample.media())
    mine = claim(ledger, "mine")
    assert (mine.state, mine.claim_token, mine.attempts) == (MediaState.CLAIMED, "mine", 1)
    assert mine.lease_until == later(900)
    assert ledger.media(mine.media_id) == mine
    for moment in (0, 899.9):
        with pytest.raises(Conflict):
            claim(ledger, "other", now=later(moment))
    assert ledger.media(mine.media_id) == mine
    taken = claim(ledger, "other", now=later(900))
    assert (taken.claim_token, taken.attempts) == ("other", 2)


def test_the_same_worker_may_claim_again(ledger):
    ledger.add_media(sample.media())
    claim(ledger, "mine")
    again = claim(ledger, "mine", now=later(60))
    assert again.lease_until == later(960)


def test_nobody_claims_unknown_bytes(ledger):
    with pytest.raises(PermanentError) as caught:
        claim(ledger)
    assert caught.value.code == "unknown_media"


@pytest.mark.parametrize("state", sorted(set(MediaState) - {MediaState.RECEIVED, MediaState.CLAIMED}))
def test_nobody_claims_what_is_analysed(ledger, state):
    ledger.add_media(sample.media(state=state))
    with pytest.raises(CancelledError) as caught:
        claim(ledger)
    assert caught.value.code == "already_analysed"


def test_of_several_claims_at_once_one_holds(ledger):
    ledger.add_media(sample.media())
    ends = at_once([lambda n=n: claim(ledger, f"{n}") for n in range(4)])
    assert sorted(type(end).__name__ for end in ends) == ["Conflict"] * 3 + ["NoneType"]
    assert ledger.media(sample.media_id()).claim_token == str(ends.index(None))


def analysed(held):
    return held.moved(MediaState.ANALYSED, scan_id=sample.scan().scan_id, duration_s=212.48)


def test_a_claim_ends_with_its_scan(ledger):
    ledger.add_media(sample.media())
    held = claim(ledger)
    done = ledger.finish_claim(analysed(held), token="worker", scan=sample.scan())
    assert (done.state, done.lease_until, done.duration_s) == (MediaState.ANALYSED, None, 212.48)
    assert ledger.media(done.media_id) == done
    assert ledger.scan(done.media_id, PIPELINE) == sample.scan()
    assert ledger.scans(done.media_id) == [sample.scan()]
    assert ledger.scan(done.media_id, "another") is None


def test_a_claim_ends_once(ledger):
    ledger.add_media(sample.media())
    held = claim(ledger)
    done = ledger.finish_claim(analysed(held), token="worker", scan=sample.scan())
    ledger.move_media(done, done.moved(MediaState.CLEAR))
    again = ledger.finish_claim(analysed(held), token="worker", scan=sample.scan())
    assert again.state is MediaState.CLEAR
    assert ledger.media(done.media_id).state is MediaState.CLEAR


def test_a_worker_whose_lease_was_taken_writes_nothing(ledger):
    ledger.add_media(sample.media())
    slow = claim(ledger, "slow")
    quick = claim(ledger, "quick", now=later(1000))
    with pytest.raises(CancelledError) as caught:
        ledger.finish_claim(analysed(slow), token="slow", scan=sample.scan())
    assert caught.value.code == "claim_lost"
    assert ledger.media(slow.media_id) == quick
    assert ledger.scan(slow.media_id, PIPELINE) is None


def test_a_worker_may_finish_late_where_nobody_took_over(ledger):
    ledger.add_media(sample.media())
    held = claim(ledger, lease_s=1)
    assert (
        ledger.finish_claim(analysed(held), token="worker", scan=sample.scan()).state is MediaState.ANALYSED
    )


def test_a_failed_analysis_ends_the_claim_without_a_scan(ledger):
    ledger.add_media(sample.media())
    failed = claim(ledger).moved(MediaState.FAILED, error=sample.error())
    assert ledger.finish_claim(failed, token="worker", scan=None).error == sample.error()
    with pytest.raises(CancelledError):
        claim(ledger, now=later(10_000))


def test_finishing_what_was_never_claimed_is_refused(ledger):
    with pytest.raises(CancelledError):
        ledger.finish_claim(sample.media(), token="worker", scan=None)
    ledger.add_media(sample.media())
    with pytest.raises(CancelledError):
        ledger.finish_claim(sample.media(), token="worker", scan=None)


def test_media_moves_only_from_what_was_read(ledger):
    before = ledger.add_media(sample.media(state=MediaState.ANALYSED))
    after = before.moved(MediaState.CLEAR, checked_through="i1")
    assert ledger.move_media(before, after) == after
    with pytest.raises(Conflict):
        ledger.move_media(before, before.moved(MediaState.MATCHED))
    assert ledger.media(before.media_id) == after
    with pytest.raises(Conflict):
        ledger.move_media(sample.media("unknown"), sample.media("unknown"))


def test_media_never_moves_backward(ledger):
    ledger.add_media(sample.media(state=MediaState.CLEAR))
    standing = ledger.media(sample.media_id())
    for state in (MediaState.RECEIVED, MediaState.CLAIMED, MediaState.ANALYSED):
        with pytest.raises(CancelledError):
            standing.moved(state)


def test_work_and_failures_are_found_by_when_they_were_first_seen(ledger):
    for number in range(6):
        ledger.add_media(sample.media(f"{number}", first_seen=NOW + timedelta(hours=number)))

    def at_work(hours, *, failed=False):
        span = (NOW, NOW + timedelta(hours=hours))
        return {found.media_id for found in ledger.media_at_work(*span, failed=failed)}

    assert at_work(3) == {sample.media_id(f"{number}") for number in range(4)}
    for number, state in enumerate([MediaState.REJECTED, MediaState.CLAIMED]):
        before = ledger.media(sample.media_id(f"{number}"))
        ledger.move_media(before, before.moved(state))
    assert at_work(3) == {sample.media_id(f"{number}") for number in (1, 2, 3)}
    assert at_work(3, failed=True) == {sample.media_id("0")}
    seoul = timezone(timedelta(hours=9))
    assert len(list(ledger.media_at_work(NOW.astimezone(seoul), later(3600).astimezone(seoul)))) == 1


# ---- results --------------------------------------------------------------------------------------------
def test_results_are_written_as_often_as_one_likes(ledger, items):
    matches = [sample.match(number) for number in range(3)]
    findings = [sample.finding(one) for one in matches]
    uses = [sample.use(one) for one in matches]
    for _ in range(2):
        ledger.put_results(matches, findings, uses)
    assert sorted(ledger.matches(sample.media_id()), key=lambda m: m.media_start) == matches
    assert {one.finding_id: one for one in ledger.findings(sample.media_id())} == {
        f.finding_id: f for f in findings
    }
    assert {one.use_id: one for one in ledger.uses(sample.media_id())} == {u.use_id: u for u in uses}
    assert {item.version for item in items.query(f"M#{sample.media_id()}")} == {1}


def test_a_result_that_ended_stays_and_says_so(ledger):
    one = sample.match()
    ledger.put_results([one], [], [sample.use(one)])
    ended = one.model_copy(update={"status": "ended", "ended_at": later(60)})
    ledger.put_results([ended], [], [sample.use(one, status="ended")])
    assert ledger.matches(sample.media_id()) == [ended]
    assert [use.status for use in ledger.uses(sample.media_id())] == ["ended"]
    assert [use.status for use in ledger.uses_in_period("2026-11")] == ["ended"]


def test_a_verdict_moves_its_media_with_it_or_neither_is_written(ledger):
    before = ledger.add_media(sample.media(state=MediaState.ANALYSED))
    first, second = sample.verdict("i1"), sample.verdict("i2")
    after = before.moved(MediaState.CLEAR, verdict_id=first.verdict_id)
    assert ledger.commit_verdict(first, before, after) == after
    assert ledger.media(before.media_id) == after
    with pytest.raises(Conflict):
        ledger.commit_verdict(second, before, before.moved(MediaState.MATCHED, verdict_id=second.verdict_id))
    assert ledger.verdicts(before.media_id) == [first]
    assert ledger.media(before.media_id) == after
    matched = after.moved(MediaState.MATCHED, verdict_id=second.verdict_id)
    ledger.commit_verdict(second, after, matched)
    assert {one.verdict_id for one in ledger.verdicts(before.media_id)} == {
        first.verdict_id,
        second.verdict_id,
    }


def test_the_same_verdict_may_be_committed_on_what_it_left(ledger):
    before = ledger.add_media(sample.media(state=MediaState.ANALYSED))
    verdict = sample.verdict()
    after = ledger.commit_verdict(
        verdict, before, before.moved(MediaState.CLEAR, verdict_id=verdict.verdict_id)
    )
    again = after.model_copy(update={"checked_through": "i2"})
    assert ledger.commit_verdict(verdict, after, again) == again
    assert ledger.verdicts(before.media_id) == [verdict]


def test_a_recordings_matches_come_by_time(ledger):
    times = [later(50), NOW, later(20)]
    found = [sample.match(number, found_at=moment) for number, moment in enumerate(times)]
    ledger.put_results([*found, sample.match(9, "R-0002")], [], [])
    assert [one.found_at for one in ledger.matches_of_recording("R-0001")] == sorted(times)
    assert list(ledger.matches_of_recording("R-000")) == []


def test_the_uses_of_a_period_are_found_once(ledger):
    matches = [sample.match(number) for number in range(40)]
    uses = [sample.use(one, period="2026-11" if n % 2 else "2026-12") for n, one in enumerate(matches)]
    ledger.put_results([], [], uses)
    for period in ("2026-11", "2026-12"):
        found = [use.use_id for use in ledger.uses_in_period(period)]
        assert sorted(found) == sorted(use.use_id for use in uses if use.period == period)
    assert list(ledger.uses_in_period("2026-1")) == []


# ---- registers ------------------------------------------------------------------------------------------
ROWS = [
    sample.recording(),
    sample.performer(),
    sample.lineup_entry(),
    sample.mandate(),
    Consent(**sample.STAMPS, performer_id="P-0001", consent="C1", valid_from="2026-01-01"),
    Licence(**sample.STAMPS, licence_id="L-1", performer_id="P-0001", scope=("voice",)),
    Licence(**sample.STAMPS, licence_id="L-1", recording_id="R-0001", scope=("voice",)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.kind)
def test_a_changed_row_is_a_new_version_and_an_equal_one_is_none(ledger, row):
    assert ledger.save_register_row(row) == ("created", row)
    stamped = row.model_copy(
        update={"changed_at": later(60), "changed_by": "another", "reason": "again.xlsx"}
    )
    assert ledger.save_register_row(stamped) == ("unchanged", row)
    changed = stamped.model_copy(update={"extra": {"비고": "고침", "": "x"}})
    second = changed.model_copy(update={"version": 2})
    assert ledger.save_register_row(changed) == ("updated", second)
    assert ledger.save_register_row(row) == ("updated", row.model_copy(update={"version": 3}))
    assert [one.version for one in ledger.register_history(row)] == [1, 2, 3]
    assert ledger.register_history(row)[1] == second


def test_rows_of_all_registers_stand_beside_each_other(ledger):
    for row in ROWS:
        assert ledger.save_register_row(row)[0] == "created"
    assert ledger.recording("R-0001") == ROWS[0]
    assert ledger.performer("P-0001") == ROWS[1]
    assert ledger.lineup("R-0001") == [ROWS[2]]
    assert ledger.mandates("P-0001") == [ROWS[3]]
    assert list(ledger.recordings()) == [ROWS[0]]
    assert (ledger.recording("R-0002"), ledger.performer("R-0001")) == (None, None)
    assert (ledger.lineup("R-0002"), ledger.mandates("P-0002")) == ([], [])
    assert ledger.consents("P-0001") == [ROWS[4]]
    assert ledger.licences(performer_id="P-0001") == [ROWS[5]]
    assert ledger.licences(recording_id="R-0001") == [ROWS[6]]
    assert (ledger.consents("P-0002"), ledger.licences(recording_id="R-0002")) == ([], [])


def test_rows_that_differ_in_a_key_are_two(ledger):
    lineup = [
        sample.lineup_entry("P-1"),
        sample.lineup_entry("P-1", roles=("연주",)),
        sample.lineup_entry("P-1", roles=("연주", "코러스")),
        sample.lineup_entry("P-1#연주", roles=()),
        sample.lineup_entry("P-1%23연주", roles=()),
        sample.lineup_entry("P-1", roles=("연주",), valid_from="2026-01-01"),
    ]
    mandates = [
        sample.mandate(),
        sample.mandate(valid_from="2021-01-01"),
        sample.mandate(ledgers=("사용료",)),
        sample.mandate(territories=("KR",)),
        sample.mandate(territories=("JP",)),
    ]
    for row in [*lineup, *mandates]:
        assert ledger.save_register_row(row)[0] == "created"
    assert len(ledger.lineup("R-0001")) == len(lineup)
    assert len(ledger.mandates("P-0001")) == len(mandates)
    assert [len(ledger.register_history(row)) for row in [*lineup, *mandates]] == [1] * 11


def test_two_who_change_a_row_at_once_make_two_versions(ledger):
    ledger.save_register_row(sample.recording())
    ends = at_once([lambda n=n: ledger.save_register_row(sample.recording(title=f"{n}")) for n in range(3)])
    assert ends == [None] * 3
    history = ledger.register_history(sample.recording())
    assert [row.version for row in history] == [1, 2, 3, 4]
    assert history[-1] == ledger.recording("R-0001")


def test_references_wait_for_the_index_while_they_are_ready(ledger):
    assert ledger.reference("R-0001", PIPELINE) is None
    for number, state in enumerate(ReferenceState):
        ledger.put_reference(sample.reference(f"R-{number}", state))
    assert [one.state for one in ledger.references_ready()] == [ReferenceState.READY]
    (ready,) = ledger.references_ready()
    indexed = ready.model_copy(update={"state": ReferenceState.INDEXED, "index_version": "i1"})
    for _ in range(2):
        ledger.put_reference(indexed)
    assert list(ledger.references_ready()) == []
    assert ledger.reference(ready.recording_id, PIPELINE) == indexed
    assert ledger.reference(ready.recording_id, "another") is None


def test_a_registrations_state_is_kept(ledger):
    first = Registration(
        registration_id="g1",
        source=ObjectRef(bucket="registrations", key="catalogues/봄.xlsx"),
        state="received",
        changed_at=NOW,
    )
    assert ledger.registration("g1") is None
    ledger.put_registration(first)
    ledger.put_registration(first.model_copy(update={"state": "read", "created": 7}))
    assert ledger.registration("g1").created == 7


# ---- operations -----------------------------------------------------------------------------------------
def test_an_incident_is_recorded_once(ledger):
    first = sample.incident()
    assert ledger.record_incident(first) == first
    again = first.model_copy(update={"first_seen": later(60), "attempts": 2, "period": "2026-12"})
    assert ledger.record_incident(again) == first
    assert list(ledger.incidents_in_period("2026-12")) == []
    for number in range(1, 20):
        ledger.record_incident(sample.incident(number))
    found = [one.source_ref for one in ledger.incidents_in_period("2026-11")]
    assert sorted(found) == sorted(f"upload-{number}" for number in range(20))


def test_a_pointer_moves_from_the_revision_that_was_read(ledger):
    assert ledger.pointer("index") is None
    first = ledger.move_pointer("index", {"version": "i1"}, revision=None, at=NOW)
    assert (first.revision, first.value) == (1, {"version": "i1"})
    second = ledger.move_pointer("index", {"version": "i2"}, revision=1, at=later(1))
    assert ledger.pointer("index") == second
    for revision in (None, 1, 3):
        with pytest.raises(Conflict):
            ledger.move_pointer("index", {"version": "i3"}, revision=revision, at=NOW)
    with pytest.raises(Conflict):
        ledger.move_pointer("new", {}, revision=1, at=NOW)
    assert ledger.pointer("index") == second
    assert ledger.pointer("new") is None


def test_of_two_movers_one_moves(ledger):
    works = [lambda n=n: ledger.move_pointer("index", {"by": n}, revision=None, at=NOW) for n in range(3)]
    ends = at_once(works)
    assert sorted(type(end).__name__ for end in ends) == ["Conflict", "Conflict", "NoneType"]
    assert ledger.pointer("index").value == {"by": ends.index(None)}


def test_an_event_is_counted_once(ledger):
    assert ledger.count_once("units", event_id="a", at=NOW)
    assert not ledger.count_once("units", event_id="a", at=NOW)
    assert ledger.count_once("units", event_id="b", at=NOW, amount=3)
    assert ledger.count_once("other", event_id="a", at=NOW)
    assert ledger.counts("units", NOW, later(1)) == [Count(metric="units", hour="2026-11-03T04", value=4)]


def test_hours_are_counted_in_utc_whatever_zone_one_asks_in(ledger):
    for hour in range(3):
        ledger.count_once("units", event_id=f"{hour}", at=NOW + timedelta(hours=hour))
    seoul = timezone(timedelta(hours=9))
    span = (NOW.astimezone(seoul), (NOW + timedelta(hours=1)).astimezone(seoul))
    assert [count.hour for count in ledger.counts("units", *span)] == ["2026-11-03T04", "2026-11-03T05"]
    assert (
        ledger.counts("units", NOW - timedelta(hours=5), NOW.replace(minute=0, second=0, microsecond=0)) == []
    )


def test_no_event_is_lost_where_many_count(ledger):
    ends = at_once([lambda n=n: ledger.count_once("units", event_id=f"{n // 2}", at=NOW) for n in range(12)])
    assert ends == [None] * 12
    assert [count.value for count in ledger.counts("units", NOW, later(1))] == [6]


def test_reports_are_numbered_through_and_versioned_by_period(ledger):
    november = ledger.start_report(sample.report("a"))
    december = ledger.start_report(sample.report("b", "2026-12"))
    again = ledger.start_report(sample.report("c"))
    assert [(one.report_id, one.version) for one in (november, december, again)] == [
        ("R000001", 1),
        ("R000002", 1),
        ("R000003", 2),
    ]
    assert ledger.reports("2026-11") == [november, again]
    assert ledger.reports("2026-10") == []


def test_one_request_gets_one_report(ledger):
    first = ledger.start_report(sample.report("monthly"))
    assert ledger.start_report(sample.report("monthly")) == first
    ready = ledger.finish_report(first.model_copy(update={"state": "ready", "rows": 5}))
    assert ledger.start_report(sample.report("monthly")) == ready


def test_a_finished_report_is_immutable(ledger):
    started = ledger.start_report(sample.report("a"))
    failed = ledger.finish_report(started.model_copy(update={"state": "failed", "error": "store"}))
    assert ledger.reports("2026-11") == [failed]
    ready = ledger.finish_report(started.model_copy(update={"state": "ready", "rows": 5}))
    assert ledger.finish_report(started.model_copy(update={"state": "ready", "rows": 6})) == ready
    assert ledger.finish_report(started.model_copy(update={"state": "failed"})) == ready
    assert ledger.reports("2026-11") == [ready]


def test_reports_that_start_at_once_get_a_number_each(ledger):
    ends = at_once([lambda n=n: ledger.start_report(sample.report(f"{n // 2}")) for n in range(4)])
    assert ends == [None] * 4
    assert [one.report_id for one in ledger.reports("2026-11")] == ["R000001", "R000002"]
    assert [one.version for one in ledger.reports("2026-11")] == [1, 2]


# ---- voices ---------------------------------------------------------------------------------------------
def heard(**changes):
    values = {
        "media_id": sample.media_id(),
        "scan_id": "s",
        "heard_at": NOW,
        "axis_b": AxisB.STRONG,
        "candidates": (
            VoiceCandidate(
                performer_id="P-1", pseudonym="a" * 32, voice_register="singing", log10_lr=2.5, seconds=12.5
            ),
        ),
        "compared": 3,
        "model": "voice-encoder@1.0.0",
    }
    return VoicesHeard(**(values | changes))


def test_what_was_heard_is_kept_by_scan_and_a_later_comparison_takes_its_place(ledger):
    assert ledger.voices(sample.media_id(), "s") is None
    ledger.put_voices(heard())
    ledger.put_voices(heard(scan_id="t", axis_b=AxisB.NO_MATCH, candidates=()))
    assert ledger.voices(sample.media_id(), "s") == heard()
    ledger.put_voices(heard(compared=4))
    ledger.put_voices(heard(compared=4))
    assert ledger.voices(sample.media_id(), "s") == heard(compared=4)


def test_a_suppression_stands_until_it_is_lifted(ledger):
    assert ledger.suppression("P-1") is None
    standing = Suppression(performer_id="P-1", since=NOW, actor="kim", reason="case 7")
    ledger.put_suppression(standing)
    assert ledger.suppression("P-1") == standing
    lifted = standing.model_copy(update={"lifted_at": later(60)})
    ledger.put_suppression(lifted)
    assert ledger.suppression("P-1") == lifted
    assert ledger.suppression("P-2") is None
