"""Cases: opened once, ended when the finding says otherwise, decided by people, opened again on appeal."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rightscan.errors import UsageError
from rightscan.jobs.appeal import appeal
from rightscan.jobs.cases import case_file, open_cases
from rightscan.jobs.dispute import dispute, dispute_state
from rightscan.jobs.review import decisions, review
from rightscan.ports import Conflict
from rightscan.records.objects import first_broken
from rightscan.rights.disputes import DisputeState
from rightscan.rights.reviews import CaseState, Choice, ReviewEvidence, release
from stored_uses import LATTICE, NOW, PERIOD, Store

EVIDENCE = ReviewEvidence(opened=True, listened_s=31.0, alternatives_shown=True, reason="같은 숨소리")


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def suspect(store, name="a", code="A2", **more):
    (case,) = open_cases([store.suspicion(name, code, **more)], store.ports)
    return case


def decide(store, case, actor, choice=Choice.CONFIRMED, evidence=EVIDENCE):
    store.clock.advance(1)
    return review(case.case_id, actor, choice, evidence, store.ports)


def decided(store, name="a", **more):
    case = suspect(store, name, **more)
    decide(store, case, "가")
    return decide(store, case, "나")


# ---- opening --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", ["A1", "A2", "A3", "D2"])
def test_a_finding_that_needs_people_opens_one_case_however_often(store, code):
    case = suspect(store, code=code)
    assert (case.state, case.round, case.models, case.period) == (CaseState.OPEN, 1, (LATTICE,), PERIOD)
    store.clock.advance(3600)
    assert suspect(store, code=code) == case
    assert [one.case_id for one in store.ledger.cases_waiting()] == [case.case_id]


@pytest.mark.parametrize("code", ["U1", "U2", "U3", "L1", "D1", "H1", "X1", "X2", "N1"])
def test_other_findings_open_none(store, code):
    assert open_cases([store.suspicion("a", code)], store.ports) == []
    assert store.ledger.cases(store.suspicion("a", code).media_id) == []


def test_the_subject_is_the_recording_of_a_transformation_and_nobody_for_a_made_file(store):
    store.recording("R-1", 1, P_1=True)
    use = store.use("b", "R-1", code="A2")
    (case,) = open_cases(store.ledger.findings(use.media_id), store.ports)
    assert (case.subject_kind, case.subject_id) == ("recording", "R-1")
    made = suspect(store, code="D2")
    assert (made.subject_kind, made.subject_id) == (None, None)


def test_a_case_ends_with_its_finding_and_comes_back_with_it(store):
    case = suspect(store)
    licensed = store.suspicion("a", "L1")
    assert open_cases([licensed], store.ports) == []
    assert store.ledger.case(case.case_id).state is CaseState.ENDED
    with pytest.raises(UsageError, match="case_ended"):
        decide(store, case, "가")
    again = suspect(store)
    assert (again.case_id, again.state, again.round) == (case.case_id, CaseState.OPEN, 2)


def test_another_code_is_another_case_and_what_people_decided_stays(store):
    confirmed = decided(store)
    other = suspect(store, code="A3")
    assert other.case_id != confirmed.case_id
    assert store.ledger.case(confirmed.case_id).state is CaseState.CONFIRMED


def test_a_verdict_without_models_is_known_by_its_scores(store):
    assert suspect(store, models=()).models == ("scores@s-1",)


def test_a_comparison_that_said_the_same_names_no_verdict_of_its_own(store):
    said_again = store.suspicion("a", "A2").model_copy(update={"verdict_id": "never written"})
    (case,) = open_cases([said_again], store.ports)
    assert (case.models, case.verdict_id.startswith("v-")) == ((LATTICE,), True)


# ---- reviews --------------------------------------------------------------------------------------------
def test_two_different_people_confirm_a_suspicion(store):
    case = suspect(store)
    assert decide(store, case, "김 검토").state is CaseState.NEEDS_SECOND
    with pytest.raises(UsageError, match="second_person_needed"):
        decide(store, case, "  김  검토 ")
    done = decide(store, case, "이 검토")
    assert (done.state, done.decided_at) == (CaseState.CONFIRMED, store.clock.now())
    assert release(done.state, decisions(done, store.ports)) == ("김 검토", "이 검토")
    with pytest.raises(UsageError, match="case_decided"):
        decide(store, case, "박 검토")
    assert list(store.ledger.cases_waiting()) == []


def test_a_decision_of_one_person_inside_the_house_does_not_let_anything_out(store):
    done = decide(store, suspect(store, code="A3"), "가")
    assert done.state is CaseState.CONFIRMED
    with pytest.raises(UsageError, match="second_person_needed"):
        release(done.state, decisions(done, store.ports))


@pytest.mark.parametrize(
    "change", [{"opened": False}, {"listened_s": 0.5}, {"alternatives_shown": False}, {"reason": "?"}]
)
def test_a_refused_decision_leaves_nothing_behind(store, change):
    case = suspect(store)
    with pytest.raises(UsageError, match="review_evidence_missing"):
        decide(store, case, "가", evidence=replace(EVIDENCE, **change))
    assert store.ledger.case(case.case_id) == case
    assert store.ledger.reviews(case.media_id) == []
    (upload,) = store.ledger.aliases(case.media_id)
    assert store.ledger.custody(upload.ref) == []


def test_the_log_shows_all_four_pieces_of_evidence(store):
    case = suspect(store)
    decide(store, case, "가")
    decide(store, case, "나", Choice.REJECTED)
    (upload,) = store.ledger.aliases(case.media_id)
    chain = store.ledger.custody(upload.ref)
    assert first_broken(chain) is None
    assert [(entry.action, entry.actor, entry.detail["decision"]) for entry in chain] == [
        ("review", "가", "confirmed"),
        ("review", "나", "rejected"),
    ]
    for entry in chain:
        shown = {"opened": True, "listened_s": 31.0, "alternatives_shown": True, "reason": "같은 숨소리"}
        assert shown.items() <= entry.detail.items()
        assert entry.detail["case_id"] == case.case_id


class Racing:
    """A ledger on which somebody else decides just before each decision is written."""

    def __init__(self, ledger: Any, act: Any) -> None:
        self._ledger, self._act = ledger, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def move_case(self, *arguments: Any) -> Any:
        act, self._act = self._act, None
        if act is not None:
            act()
        return self._ledger.move_case(*arguments)


def test_of_two_who_decide_at_once_both_count_once(store):
    case = suspect(store)
    racing = replace(store.ports, ledger=Racing(store.ledger, lambda: decide(store, case, "나")))
    with pytest.raises(Conflict):
        review(case.case_id, "가", Choice.CONFIRMED, EVIDENCE, racing)
    assert store.ledger.case(case.case_id).state is CaseState.NEEDS_SECOND
    assert decide(store, case, "가").state is CaseState.CONFIRMED
    assert [one.actor for one in store.ledger.reviews(case.media_id)] == ["나", "가"]


def test_an_unknown_case_is_named(store):
    for call in (
        lambda: review("x", "가", Choice.CONFIRMED, EVIDENCE, store.ports),
        lambda: appeal("x", actor="가", reason="아님", ports=store.ports),
        lambda: case_file("x", store.ports),
    ):
        with pytest.raises(UsageError, match="no_such_case"):
            call()


# ---- appeals --------------------------------------------------------------------------------------------
def test_an_appeal_opens_everything_that_the_same_model_judged(store):
    mine = decided(store, "a")
    rejected = decide(store, suspect(store, "b"), "가", Choice.REJECTED)
    waiting = suspect(store, "c")
    half = decide(store, suspect(store, "d"), "가")
    other = decide(store, suspect(store, "e", code="D2", models=("voice-synthesis@2.0.0",)), "가")
    done = appeal(mine.case_id, actor="당사자", reason="내 목소리가 아님", ports=store.ports)
    assert (done.state, done.reopened, done.models) == ("done", 3, (LATTICE,))
    now = {name: store.ledger.case(case.case_id) for name, case in
           {"mine": mine, "rejected": rejected, "waiting": waiting, "half": half, "other": other}.items()}  # fmt: skip
    assert {name: (case.state.value, case.round) for name, case in now.items()} == {
        "mine": ("open", 2),
        "rejected": ("open", 2),
        "waiting": ("open", 1),
        "half": ("open", 2),
        "other": ("confirmed", 1),
    }
    # A new round begins from nothing: who decided before may decide again, and two are needed again.
    assert decide(store, mine, "가").state is CaseState.NEEDS_SECOND
    assert case_file(mine.case_id, store.ports)["appeals"] == [done.to_json()]


def test_an_appeal_filed_twice_is_one_and_a_later_one_is_another(store):
    case = decided(store)
    first = appeal(case.case_id, actor="당사자", reason="아님", ports=store.ports)
    assert appeal(case.case_id, actor="당사자", reason="아님", ports=store.ports) == first
    assert store.ledger.case(case.case_id).round == 2
    decide(store, case, "가")
    decide(store, case, "나")
    second = appeal(case.case_id, actor="당사자", reason="아직도 아님", ports=store.ports)
    assert second.appeal_id != first.appeal_id
    assert store.ledger.case(case.case_id).round == 3


@pytest.mark.parametrize("after", range(1, 8))
def test_an_appeal_that_stopped_is_finished_by_calling_again(store, after):
    cases = [decided(store, name) for name in "abc"]
    calls = 0

    class Stopping(Racing):
        def __getattr__(self, name: str) -> Any:
            value = getattr(self._ledger, name)

            def call(*arguments: Any) -> Any:
                nonlocal calls
                calls += 1
                if calls == after:
                    raise RuntimeError("stopped")
                return value(*arguments)

            return call if name in ("put_appeal", "case") else value

        def move_case(self, *arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == after:
                raise RuntimeError("stopped")
            return self._ledger.move_case(*arguments)

    def file(ports):
        return appeal(cases[0].case_id, actor="당사자", reason="아님", ports=ports)

    try:
        file(replace(store.ports, ledger=Stopping(store.ledger, None)))
    except RuntimeError:
        done = file(store.ports)
    else:
        done = file(store.ports)
    assert (done.state, done.reopened) == ("done", 3)
    assert [store.ledger.case(case.case_id).round for case in cases] == [2, 2, 2]
    assert store.ledger.appeals(cases[0].media_id) == [done]


def test_an_appeal_is_against_a_decision_and_a_model_that_judged(store):
    case = suspect(store)
    with pytest.raises(UsageError, match="case_undecided"):
        appeal(case.case_id, actor="당사자", reason="아님", ports=store.ports)
    decided(store)
    with pytest.raises(UsageError, match="no_such_model"):
        appeal(case.case_id, actor="당사자", reason="아님", ports=store.ports, model="else@1")
    with pytest.raises(UsageError, match="no_reason"):
        appeal(case.case_id, actor="당사자", reason=" ", ports=store.ports)
    with pytest.raises(UsageError, match="no_actor"):
        appeal(case.case_id, actor=" ", reason="아님", ports=store.ports)


# ---- disputes -------------------------------------------------------------------------------------------
def move(store, subject, performer_id, to=DisputeState.DISPUTED, actor="당사자"):
    store.clock.advance(1)
    return dispute(subject, performer_id, to, actor=actor, reason="참여하지 않음", ports=store.ports)


def test_a_dispute_from_its_beginning_to_its_end_and_another_after_it(store):
    store.recording("R-1", 2, P_1=True, P_2=False)
    first = move(store, "R-1", "P-1")
    assert (first.state, first.number, first.whole) == (DisputeState.DISPUTED, 1, False)
    assert move(store, "R-1", "P-1") == first
    with pytest.raises(UsageError, match="dispute_step"):
        move(store, "R-1", "P-1", DisputeState.UPHELD, "담당 나")
    move(store, "R-1", "P-1", DisputeState.UNDER_REVIEW, "담당 가")
    with pytest.raises(UsageError, match="second_person_needed"):
        move(store, "R-1", "P-1", DisputeState.ADJUSTED, "담당 가")
    ended = move(store, "R-1", "P-1", DisputeState.ADJUSTED, "담당 나")
    assert [step.actor for step in ended.steps] == ["당사자", "담당 가", "담당 나"]
    second = move(store, "R-1", "P-1")
    assert (second.number, second.state) == (2, DisputeState.DISPUTED)
    assert [one.number for one in store.ledger.disputes_waiting()] == [2]
    assert dispute_state(store.ledger.disputes("R-1"), "u", "P-1") is DisputeState.DISPUTED
    assert dispute_state(store.ledger.disputes("R-1"), "u", "P-2") is DisputeState.UNDISPUTED


def test_a_use_may_be_disputed_by_its_id_even_an_old_one(store):
    store.recording("R-1", 1, P_1=True)
    use = store.use("a", "R-1", period="2024-03", posted_at=NOW.replace(year=2024, month=3))
    found = move(store, use.use_id, "P-1")
    assert (found.recording_id, found.use_id) == ("R-1", use.use_id)
    disputes = store.ledger.disputes("R-1")
    assert dispute_state(disputes, use.use_id, "P-1") is DisputeState.DISPUTED
    assert dispute_state(disputes, "another use", "P-1") is DisputeState.UNDISPUTED


def test_somebody_outside_the_line_up_questions_everybodys_share(store):
    store.recording("R-1", 1, P_1=True)
    assert move(store, "R-1", "P-9").whole
    assert dispute_state(store.ledger.disputes("R-1"), "u", "P-1") is DisputeState.DISPUTED


def test_what_cannot_be_disputed_is_said(store):
    store.recording("R-1", 1, P_1=True)
    with pytest.raises(UsageError, match="no_such_subject"):
        move(store, "R-9", "P-1")
    with pytest.raises(UsageError, match="no_dispute"):
        move(store, "R-1", "P-1", DisputeState.UNDER_REVIEW)
