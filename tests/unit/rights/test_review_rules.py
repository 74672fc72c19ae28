"""How people decide cases and disputes: evidence, second persons, steps, what may leave the house."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightscan.errors import UsageError
from rightscan.rights import disputes, vocabulary
from rightscan.rights.codes import Code
from rightscan.rights.disputes import STEPS, DisputeState
from rightscan.rights.reviews import (
    CASE_CODES,
    LEAST_LISTENED_S,
    CaseState,
    Choice,
    Decision,
    ReviewEvidence,
    decide,
    people_needed,
    person,
    release,
    state_of,
)

EVIDENCE = ReviewEvidence(opened=True, listened_s=12.0, alternatives_shown=True, reason="원곡과 같음")
CONFIRM, REJECT, SECOND = Choice.CONFIRMED, Choice.REJECTED, Choice.NEEDS_SECOND


def by(actor, choice=CONFIRM):
    return Decision(actor, choice)


# ---- evidence -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"opened": False}, "opened"),
        ({"listened_s": 0.0}, "listened"),
        ({"listened_s": LEAST_LISTENED_S - 0.01}, "listened"),
        ({"listened_s": float("nan")}, "listened"),
        ({"listened_s": float("inf")}, "listened"),
        ({"alternatives_shown": False}, "alternatives"),
        ({"reason": ""}, "reason"),
        ({"reason": " \t…!"}, "reason"),
    ],
)
def test_a_decision_without_one_of_the_four_is_refused(change, missing):
    given_ = {name: getattr(EVIDENCE, name) for name in EVIDENCE.__slots__}
    evidence = ReviewEvidence(**{**given_, **change})
    assert evidence.missing == (missing,)
    with pytest.raises(UsageError, match="review_evidence_missing"):
        decide("A1", CaseState.OPEN, (), by("김"), evidence)


def test_the_pieces_of_evidence_have_words():
    nothing = ReviewEvidence(opened=False, listened_s=0, alternatives_shown=False, reason="")
    assert set(nothing.missing) == set(vocabulary.word_list("review_evidence"))


# ---- cases ----------------------------------------------------------------------------------------------
def test_the_codes_that_need_people():
    assert {str(code) for code in CASE_CODES} == {"A1", "A2", "A3", "D2"}
    assert {str(code): people_needed(code) for code in CASE_CODES} == {"A1": 2, "A2": 2, "A3": 1, "D2": 1}


@pytest.mark.parametrize(
    ("code", "decisions", "state"),
    [
        ("A1", [], CaseState.OPEN),
        ("A1", [by("a")], CaseState.NEEDS_SECOND),
        ("A1", [by("a"), by("b")], CaseState.CONFIRMED),
        ("A1", [by("a", REJECT)], CaseState.REJECTED),
        ("A1", [by("a", SECOND)], CaseState.NEEDS_SECOND),
        ("A1", [by("a", SECOND), by("b")], CaseState.NEEDS_SECOND),
        ("A1", [by("a", SECOND), by("b"), by("c")], CaseState.CONFIRMED),
        ("A1", [by("a"), by("b", REJECT)], CaseState.NEEDS_SECOND),
        ("A1", [by("a"), by("b", REJECT), by("c")], CaseState.CONFIRMED),
        ("A1", [by("a"), by("b", REJECT), by("c", REJECT)], CaseState.REJECTED),
        ("A3", [by("a")], CaseState.CONFIRMED),
        ("A3", [by("a", SECOND), by("b")], CaseState.CONFIRMED),
        ("D2", [by("a", REJECT)], CaseState.REJECTED),
    ],
)
def test_the_state_of_a_case(code, decisions, state):
    assert state_of(code, decisions) is state
    assert state_of(code, decisions[::-1]) is state


def test_the_same_person_is_no_second_one():
    for other in ("Kim Min-su", " kim  min-su ", "KIM MIN-SU"):
        with pytest.raises(UsageError, match="second_person_needed"):
            decide("A1", CaseState.NEEDS_SECOND, [by("Kim Min-su")], by(other), EVIDENCE)
    assert decide("A1", CaseState.NEEDS_SECOND, [by("Kim")], by("Park"), EVIDENCE) is CaseState.CONFIRMED


@pytest.mark.parametrize("actor", ["", "  "])
def test_nobody_cannot_decide(actor):
    with pytest.raises(UsageError, match="no_actor"):
        decide("A3", CaseState.OPEN, [], by(actor), EVIDENCE)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (CaseState.CONFIRMED, "case_decided"),
        (CaseState.REJECTED, "case_decided"),
        (CaseState.ENDED, "case_ended"),
    ],
)
def test_a_case_that_does_not_wait_takes_no_decision(state, code):
    with pytest.raises(UsageError, match=code):
        decide("A1", state, [], by("a"), EVIDENCE)


choices = st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from(list(Choice))), max_size=8)


def refusal(call):
    """The code of the error that a call ends with, or None."""
    try:
        call()
    except UsageError as error:
        return error.code
    return None


@given(st.sampled_from(sorted(CASE_CODES)), choices)
def test_nothing_leaves_the_house_on_one_persons_word(code, said):
    state, counted = CaseState.OPEN, []
    for actor, choice in said:
        again = actor in {one.actor for one in counted}
        refused = refusal(lambda: decide(code, state, counted, by(actor, choice), EVIDENCE))  # noqa: B023
        assert refused == ("case_decided" if state.decided else "second_person_needed" if again else None)
        if refused is None:
            state = decide(code, state, counted, by(actor, choice), EVIDENCE)
            counted.append(by(actor, choice))
    confirming = {person(one.actor) for one in counted if one.choice is CONFIRM}
    if refusal(lambda: release(state, counted)) is None:
        assert set(release(state, counted)) == confirming
    assert (refusal(lambda: release(state, counted)) is None) == (
        state is CaseState.CONFIRMED and len(confirming) >= 2
    )
    if code in (Code.A1, Code.A2) and state is CaseState.CONFIRMED:
        assert len(confirming) >= 2


def test_every_state_of_a_case_has_words_and_a_word_of_the_report():
    assert set(vocabulary.word_list("case_state")) == set(CaseState)
    assert set(vocabulary.word_list("review_decision")) == set(Choice)
    assert {state.review_state for state in CaseState} == {
        "unreviewed", "under_review", "confirmed", "rejected",
    }  # fmt: skip


# ---- disputes -------------------------------------------------------------------------------------------
def step(state, to, *, actor="나", taken_up_by="가", reason="참여하지 않음"):
    disputes.move(state, to, actor=actor, taken_up_by=taken_up_by, reason=reason)


@pytest.mark.parametrize(("state", "to"), list(itertools.product(DisputeState, DisputeState)))
def test_a_dispute_goes_its_way_and_no_other(state, to):
    if to in STEPS[state]:
        step(state, to)
    else:
        with pytest.raises(UsageError, match="dispute_step"):
            step(state, to)


def test_the_way_of_a_dispute():
    ends = {DisputeState.UPHELD, DisputeState.ADJUSTED, DisputeState.WITHDRAWN}
    assert STEPS[DisputeState.UNDISPUTED] == (DisputeState.DISPUTED,)
    assert STEPS[DisputeState.DISPUTED] == (DisputeState.UNDER_REVIEW,)
    assert set(STEPS[DisputeState.UNDER_REVIEW]) == ends
    assert {state for state in DisputeState if state.ended} == ends
    assert {state for state in DisputeState if state.holds} == {
        DisputeState.DISPUTED,
        DisputeState.UNDER_REVIEW,
    }


def test_who_takes_a_dispute_up_does_not_end_it():
    for to in (DisputeState.UPHELD, DisputeState.ADJUSTED):
        with pytest.raises(UsageError, match="second_person_needed"):
            step(DisputeState.UNDER_REVIEW, to, actor=" 가 ")
        step(DisputeState.UNDER_REVIEW, to, actor="나")
    step(DisputeState.UNDER_REVIEW, DisputeState.WITHDRAWN, actor="가")


def test_a_step_needs_a_person_and_a_reason():
    with pytest.raises(UsageError, match="no_reason"):
        step(DisputeState.UNDISPUTED, DisputeState.DISPUTED, reason=" - ")
    with pytest.raises(UsageError, match="no_actor"):
        step(DisputeState.UNDISPUTED, DisputeState.DISPUTED, actor=" ")
