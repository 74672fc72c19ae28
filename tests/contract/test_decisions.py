"""What the ledger promises of cases, reviews, disputes and appeals, on SQLite and on DynamoDB."""

from __future__ import annotations

import pytest
import record_samples as sample
from record_samples import NOW, later

from rightscan.adapters.ledger import RecordLedger
from rightscan.ports import Conflict
from rightscan.records import identity
from rightscan.records.reviews import Appeal, Case, Dispute, DisputeStep, Review
from rightscan.rights.axes import ClaimBasis
from rightscan.rights.disputes import DisputeState
from rightscan.rights.reviews import CaseState, Choice

LATTICE, VOICE = "lattice@syn-0123456789ab/2026.11", "voice-synthesis@2.0.0"


@pytest.fixture
def ledger(backend):
    return RecordLedger(backend.items())


def case(number=0, name="a", **changes):
    finding = identity.finding_id(sample.media_id(name), f"occurrence-{number}")
    values = {
        "case_id": identity.case_id(finding, "A2"),
        "media_id": sample.media_id(name),
        "finding_id": finding,
        "verdict_id": sample.VERDICT_ID,
        "code": "A2",
        "claim_basis": ClaimBasis.FIXATION,
        "subject_kind": "recording",
        "subject_id": "R-0001",
        "media_start": 0.1 + 0.2,
        "media_end": 20.3,
        "models": (LATTICE,),
        "opened_at": later(number),
        "period": "2026-11",
    }
    return Case(**{**values, **changes})


def review(of, actor="가", at=NOW):
    return Review(
        case_id=of.case_id,
        media_id=of.media_id,
        round=of.round,
        at=at,
        actor=actor,
        decision=Choice.CONFIRMED,
        opened=True,
        listened_s=31.5,
        alternatives_shown=True,
        reason="원곡 보컬과 같은 숨소리",
        state_after=CaseState.NEEDS_SECOND,
    )


def moved(before, **changes):
    return before.model_copy(update=changes)


# ---- cases ----------------------------------------------------------------------------------------------
def test_a_case_is_opened_once_and_found_by_its_id(ledger):
    first = case()
    assert ledger.case(first.case_id) is None
    assert ledger.open_case(first) == first
    assert ledger.open_case(moved(first, opened_at=later(60), models=(VOICE,))) == first
    assert ledger.case(first.case_id) == first
    assert ledger.cases(first.media_id) == [first]
    assert ledger.cases(sample.media_id("b")) == []


def test_cases_that_wait_are_listed_until_they_are_decided(ledger):
    opened = [ledger.open_case(case(number)) for number in range(20)]
    assert {one.case_id for one in ledger.cases_waiting()} == {one.case_id for one in opened}
    second = ledger.move_case(opened[0], moved(opened[0], state=CaseState.NEEDS_SECOND))
    ledger.move_case(opened[1], moved(opened[1], state=CaseState.REJECTED, decided_at=NOW))
    ledger.move_case(opened[2], moved(opened[2], state=CaseState.ENDED))
    assert {one.case_id for one in ledger.cases_waiting()} == {one.case_id for one in [second, *opened[3:]]}
    assert {one.case_id for one in ledger.cases_in_period("2026-11")} == {one.case_id for one in opened}
    assert list(ledger.cases_in_period("2026-12")) == []


def test_a_model_versions_cases_are_found_over_all_media(ledger):
    mine = [ledger.open_case(case(number, name)) for number in range(3) for name in "abc"]
    other = ledger.open_case(case(9, models=(VOICE,)))
    both = ledger.open_case(case(8, models=(LATTICE, VOICE)))
    assert {one.case_id for one in ledger.cases_of_model(LATTICE)} == {o.case_id for o in [*mine, both]}
    assert {one.case_id for one in ledger.cases_of_model(VOICE)} == {other.case_id, both.case_id}
    assert list(ledger.cases_of_model("lattice@syn-0123456789ab/2026")) == []


def test_a_case_found_by_a_new_model_is_found_under_it_too(ledger):
    before = ledger.open_case(case())
    after = ledger.move_case(before, moved(before, models=(VOICE,), round=2))
    assert list(ledger.cases_of_model(VOICE)) == [after]


def test_a_review_is_written_with_the_move_of_its_case_or_not_at_all(ledger):
    before = ledger.open_case(case())
    after = moved(before, state=CaseState.NEEDS_SECOND)
    assert ledger.move_case(before, after, review(before)) == after
    assert ledger.case(before.case_id) == after
    with pytest.raises(Conflict):
        ledger.move_case(before, moved(before, state=CaseState.REJECTED), review(before, "나", later(1)))
    assert ledger.reviews(before.media_id) == [review(before)]
    done = moved(after, state=CaseState.CONFIRMED, decided_at=later(2))
    ledger.move_case(after, done, review(after, "나", later(2)))
    assert [one.actor for one in ledger.reviews(before.media_id)] == ["가", "나"]


def test_an_unknown_case_cannot_be_moved(ledger):
    with pytest.raises(Conflict):
        ledger.move_case(case(), moved(case(), state=CaseState.REJECTED))


# ---- disputes -------------------------------------------------------------------------------------------
def dispute(performer_id="P-0001", recording_id="R-0001", use_id=None, number=1, **changes):
    step = DisputeStep(state=DisputeState.DISPUTED, at=NOW, actor="가", reason="참여하지 않음")
    values = {
        "dispute_id": identity.dispute_id(recording_id, use_id or "", performer_id, number),
        "recording_id": recording_id,
        "use_id": use_id,
        "performer_id": performer_id,
        "number": number,
        "state": DisputeState.DISPUTED,
        "steps": (step,),
    }
    return Dispute(**{**values, **changes})


def test_a_dispute_is_raised_once(ledger):
    first = dispute()
    assert ledger.add_dispute(first) == first
    late = dispute(steps=(first.steps[0].model_copy(update={"at": later(5)}),))
    assert ledger.add_dispute(late) == first
    assert ledger.disputes("R-0001") == [first]
    assert ledger.disputes("R-000") == []


def test_disputes_over_different_shares_stand_beside_each_other(ledger):
    several = [
        dispute("P-0001"), dispute("P-0002"), dispute("P-0001", use_id="u1"), dispute("P-0001", number=2),
        dispute("a#b", use_id="c"), dispute("b", use_id="c#a"),
    ]  # fmt: skip
    for one in several:
        ledger.add_dispute(one)
    found = ledger.disputes("R-0001")
    assert {one.dispute_id for one in found} == {one.dispute_id for one in several}
    assert len(found) == len(several)


def test_a_dispute_moves_from_what_was_read_and_leaves_the_list_at_its_end(ledger):
    before = ledger.add_dispute(dispute())
    review_step = before.steps[0].model_copy(update={"state": DisputeState.UNDER_REVIEW, "actor": "나"})
    taken = moved(before, state=DisputeState.UNDER_REVIEW, steps=(*before.steps, review_step))
    assert ledger.move_dispute(before, taken) == taken
    assert taken.taken_up_by == "나"
    with pytest.raises(Conflict):
        ledger.move_dispute(before, taken)
    assert list(ledger.disputes_waiting()) == [taken]
    ended = ledger.move_dispute(taken, moved(taken, state=DisputeState.UPHELD))
    assert list(ledger.disputes_waiting()) == []
    assert ledger.disputes("R-0001") == [ended]


def test_a_use_is_found_by_its_id_in_its_month_only(ledger):
    found = sample.match()
    uses = [sample.use(found, sample.ref(f"{number}")) for number in range(10)]
    ledger.put_results([], [], uses)
    for one in uses:
        assert ledger.use_in_period(one.use_id, "2026-11") == one
        assert ledger.use_in_period(one.use_id[:-1], "2026-11") is None
        assert ledger.use_in_period(one.use_id, "2026-10") is None


# ---- appeals --------------------------------------------------------------------------------------------
def test_an_appeals_state_is_kept(ledger):
    of = ledger.open_case(case())
    started = Appeal(
        appeal_id=identity.appeal_id(of.case_id, 1),
        case_id=of.case_id,
        media_id=of.media_id,
        models=of.models,
        at=NOW,
        actor="당사자",
        reason="내 목소리가 아님",
    )
    ledger.put_appeal(started)
    done = moved(started, state="done", reopened=4)
    ledger.put_appeal(done)
    assert ledger.appeals(of.media_id) == [done]
    assert ledger.appeals(sample.media_id("b")) == []
