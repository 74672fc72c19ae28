"""Axes to codes: 13 worked examples, every combination of axis values, and the words of it all."""

import copy
import datetime as dt
import itertools

import pytest

from rightscan.errors import PermanentError
from rightscan.rights import vocabulary
from rightscan.rights.axes import (
    Axes,
    AxisA,
    AxisB,
    AxisC,
    AxisD,
    ClaimBasis,
    Completeness,
    Conditions,
    DeclaredBy,
    DetectedPart,
    Inputs,
    LineupState,
    LrBand,
    Modification,
    Processing,
    Stem,
    cap_log10_lr,
    lr_band,
)
from rightscan.rights.codes import Code, code_table, derive, parse_code_table

FULL = Inputs(Completeness(3, 3))
REPLICA = Axes(
    AxisA.NONE, AxisB.STRONG, AxisC.DETECTED, AxisD.NONE_FOUND, detected_parts=(DetectedPart.VOCAL,)
)

EXAMPLES = {
    Code.U1: (Axes(a=AxisA.EXACT), FULL),
    Code.U2: (Axes(a=AxisA.MODIFIED, modifications=(Modification.SPEED, Modification.PITCH)), FULL),
    Code.U3: (Axes(a=AxisA.EXACT), Inputs(Completeness(2, 3))),
    Code.L1: (Axes(AxisA.NONE, AxisB.STRONG, AxisC.DETECTED, AxisD.AI_LICENCE), FULL),
    Code.A1: (REPLICA, FULL),
    Code.A2: (Axes(a=AxisA.PARTIAL_STEM, c=AxisC.DETECTED, stem=Stem.INSTRUMENTAL), FULL),
    Code.A3: (Axes(AxisA.NONE, AxisB.STRONG, AxisC.NONE_FOUND), FULL),
    Code.D1: (Axes(AxisA.NONE, AxisB.NO_MATCH, AxisC.DECLARED, declared_by=(DeclaredBy.C2PA,)), FULL),
    Code.D2: (Axes(AxisA.NONE, AxisB.NO_MATCH, AxisC.DETECTED, detected_parts=(DetectedPart.FULL,)), FULL),
    Code.H1: (Axes(AxisA.COVER_CANDIDATE, AxisB.NO_MATCH, AxisC.NONE_FOUND), FULL),
    Code.N1: (Axes(AxisA.NONE, AxisB.NO_MATCH, AxisC.NONE_FOUND, AxisD.NOT_APPLICABLE), FULL),
    Code.X1: (Axes(AxisA.NONE, AxisB.NO_MATCH), Inputs(conditions=Conditions(("duration",)))),
    Code.X2: (Axes(), Inputs(processing=Processing.SILENCE)),
}  # fmt: skip


@pytest.mark.parametrize("code", Code)
def test_worked_example(code):
    decision = derive(*EXAMPLES[code])
    assert decision.code is code
    assert decision.hits[0] is code
    assert decision.info.code is code
    for text in (decision.reason_ko, decision.reason_en):
        assert text
        assert "{" not in text


def test_the_table_is_the_domains():
    table = code_table()
    assert list(Code) == ["L1", "A2", "A1", "A3", "U3", "U2", "U1", "H1", "D1", "D2", "X2", "X1", "N1"]
    assert [rule.code for rule in table.rules] == list(Code)
    assert set(table.infos) == set(Code)
    names = {code.value: (info.ko, info.en) for code, info in table.infos.items()}
    assert names["U3"] == ("등록 실연 이용(참여정보 부족)", "Use, line-up incomplete")
    assert names["A2"] == (
        "실연 음원 이용 AI 변형 의심",
        "Suspected AI transformation of a fixed performance",
    )
    assert names["X1"] == ("판정 불가", "Inconclusive")


def test_every_combination_of_axis_values():
    """None yields A1 or A2 unless its definition holds; every one yields exactly one code."""
    line_ups = {
        state: inputs
        for inputs in (Completeness(2, 2), Completeness(1, 2), Completeness(1))
        for state in [inputs.state]
    }
    assert set(line_ups) == set(LineupState)
    seen = set()
    tested = [(a, stem) for a in AxisA for stem in ((None, *Stem) if a is AxisA.PARTIAL_STEM else (None,))]
    combinations = itertools.product(
        tested, AxisB, AxisC, AxisD, line_ups.values(), ((), ("bitrate",)), (Processing.OK, Processing.DRM)
    )
    for (a, stem), b, c, d, completeness, failed, processing in combinations:
        decision = derive(Axes(a, b, c, d, stem=stem), Inputs(completeness, Conditions(failed), processing))
        code = decision.code
        seen.add(code)
        licensed = d is AxisD.AI_LICENCE
        if code is Code.A1:
            assert a not in (AxisA.EXACT, AxisA.MODIFIED, AxisA.NOT_TESTED)
            assert b is AxisB.STRONG
            assert c in (AxisC.DECLARED, AxisC.DETECTED)
            assert d is AxisD.NONE_FOUND
            assert not failed
            assert decision.claim_basis is ClaimBasis.LIKENESS
        if code is Code.A2:
            assert (a, c) == (AxisA.PARTIAL_STEM, AxisC.DETECTED)
            assert not licensed
            assert decision.claim_basis is ClaimBasis.FIXATION
        if licensed:
            assert code is Code.L1
        if code is Code.A3:
            assert a not in (AxisA.EXACT, AxisA.MODIFIED)
            assert (a, stem) != (AxisA.PARTIAL_STEM, Stem.VOCAL)
        if a is AxisA.EXACT and not licensed:
            assert code is (Code.U3 if completeness.state is LineupState.INCOMPLETE else Code.U1)
        if a is AxisA.MODIFIED and not licensed:
            assert code is Code.U2
            assert decision.held_share is (completeness.state is LineupState.INCOMPLETE)
        if code is Code.N1:
            assert a is AxisA.NONE
            assert not failed
        assert code in decision.hits
        assert list(decision.hits) == sorted(decision.hits, key=list(Code).index)
    assert seen == set(Code)


def test_the_same_clip_with_a_licence_is_l1_and_without_it_a1():
    licensed = Axes(REPLICA.a, REPLICA.b, REPLICA.c, AxisD.AI_LICENCE)
    assert derive(licensed, FULL).code is Code.L1
    assert derive(REPLICA, FULL).code is Code.A1


def test_outside_validated_conditions_nobody_is_accused():
    decision = derive(REPLICA, Inputs(Completeness(3, 3), Conditions(("duration", "bitrate"))))
    assert decision.code is Code.X1
    assert "길이, 비트레이트" in decision.reason_ko
    assert "duration, bitrate" in decision.reason_en


def test_a_human_cover_is_not_a1():
    assert (
        derive(Axes(AxisA.COVER_CANDIDATE, AxisB.CANDIDATE, AxisC.NONE_FOUND, AxisD.NONE_FOUND)).code
        is Code.H1
    )


def test_u2_with_an_incomplete_line_up_is_u2_with_a_held_share():
    decision = derive(Axes(a=AxisA.MODIFIED, modifications=(Modification.PITCH,)), Inputs(Completeness(1, 3)))
    assert (decision.code, decision.held_share) == (Code.U2, True)
    assert "음높이" in decision.reason_ko
    assert "보류" in decision.reason_ko


@pytest.mark.parametrize(("c", "code"), [(AxisC.DECLARED, Code.D1), (AxisC.DETECTED, Code.D2)])
def test_d1_and_d2_without_comparison_say_so(c, code):
    decision = derive(Axes(a=AxisA.NONE, c=c))
    assert decision.code is code
    assert "실연자 비교 안 함" in decision.reason_ko
    assert "No performer compared" in decision.reason_en
    assert "실연자 비교 안 함" not in derive(Axes(AxisA.NONE, AxisB.NO_MATCH, c)).reason_ko


def test_n1_lists_what_was_tested():
    assert "녹음 일치" in derive(Axes(a=AxisA.NONE)).reason_ko
    reason = derive(Axes(AxisA.NONE, AxisB.NO_MATCH, AxisC.NONE_FOUND)).reason_en
    assert "recording match, performer likeness, synthesis" in reason


def test_nothing_tested_is_x1_and_names_the_combination():
    decision = derive(Axes())
    assert decision.code is Code.X1
    assert "A 검사 안 함" in decision.reason_ko


def test_rules_are_dated():
    data = copy.deepcopy(vocabulary.load_json("codes.json"))
    (rule,) = [row for row in data["rules"] if row["code"] == "A1"]
    rule["effective_to"] = "2026-10-31"
    table = parse_code_table(data)
    assert derive(REPLICA, FULL, on=dt.date(2026, 10, 31), table=table).code is Code.A1
    assert derive(REPLICA, FULL, on=dt.date(2026, 11, 1), table=table).code is Code.X1
    assert derive(REPLICA, FULL, table=table).code is Code.X1


@pytest.mark.parametrize("when", [{}, {"a": ["exactly"]}, {"voice": ["strong"]}])
def test_a_misspelt_rule_stops_the_system(when):
    data = copy.deepcopy(vocabulary.load_json("codes.json"))
    data["rules"][0]["when"] = when
    with pytest.raises(PermanentError, match="bad_rule_table"):
        parse_code_table(data)


@pytest.mark.parametrize(
    ("known", "size", "state"),
    [
        (3, 3, LineupState.COMPLETE),
        (2, 3, LineupState.INCOMPLETE),
        (4, 3, LineupState.INCOMPLETE),  # a contradiction, same work queue
        (0, None, LineupState.INCOMPLETE),
        (0, 3, LineupState.INCOMPLETE),
        (1, None, LineupState.UNKNOWN),
    ],
)
def test_completeness(known, size, state):
    assert Completeness(known, size).state is state


def test_bands_and_cap_of_a_likelihood_ratio():
    bands = [lr_band(x) for x in (-0.1, 0, 0.99, 1, 2, 3, 4, 300)]
    assert bands == [LrBand.NONE, LrBand.LIMITED, LrBand.LIMITED, *list(LrBand)[2:], LrBand.VERY_STRONG]
    assert cap_log10_lr(6.0, 1000) == 3.0
    assert cap_log10_lr(-6.0, 1000) == -3.0
    assert cap_log10_lr(1.5, 1000) == 1.5
    assert cap_log10_lr(1.5, 0) == 0
    with pytest.raises(ValueError, match="NaN"):
        lr_band(cap_log10_lr(float("nan"), 10))


def test_every_axis_word_has_korean_and_english():
    lists = {
        "axis_a": AxisA, "axis_b": AxisB, "axis_c": AxisC, "axis_d": AxisD, "modification": Modification,
        "stem": Stem, "declared_by": DeclaredBy, "detected_part": DetectedPart, "claim_basis": ClaimBasis,
        "lineup_state": LineupState, "processing": Processing, "lr_band": LrBand,
    }  # fmt: skip
    for name, enum in lists.items():
        assert list(vocabulary.word_list(name)) == [member.value for member in enum], name
        for member in enum:
            assert vocabulary.ko(name, member)
            assert vocabulary.en(name, member)
