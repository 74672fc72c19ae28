"""``cases``, ``review``, ``appeal``, ``dispute``, ``disputes`` and ``shares`` as people type them."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from rightscan.cli.main import cli
from rightscan.jobs.cases import open_cases
from rightscan.records.money import AttributionChange, PoolShares
from rightscan.records.reviews import Appeal, Case, Dispute
from stored_uses import LATTICE, PERIOD, Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    store.recording("R-1", 2, P_1=True, P_2=False)
    store.mandate("P-1")
    return store


def run(store, *arguments, status=0, language="en"):
    said = CliRunner(env={"COLUMNS": "250", "RIGHTSCAN_LANG": language}).invoke(
        cli, ["--home", str(store.home), *arguments], standalone_mode=False
    )
    code = said.exit_code if said.exit_code else said.return_value or 0
    assert code == status, (arguments, said.output, said.exception)
    return said


def lines(store, *arguments, **more):
    return [json.loads(line) for line in run(store, "--json", *arguments, **more).stdout.splitlines()]


def suspect(store, name="a"):
    use = store.use(name, "R-1", code="A2")
    (case,) = open_cases(store.ledger.findings(use.media_id), store.ports)
    return case.case_id


SEEN = ("--opened", "--listened", "12.5", "--alternatives", "--reason", "원곡 반주와 같음")


def test_a_case_from_its_list_to_two_peoples_word_and_an_appeal(store):
    case_id = suspect(store)
    (listed,) = lines(store, "cases")
    assert Case.model_validate(listed).case_id == case_id
    first = lines(store, "review", case_id, *SEEN, "--decision", "confirmed", "--actor", "김 검토")
    assert first[0]["state"] == "needs_second"
    refused = run(
        store,
        "review",
        case_id,
        *SEEN,
        "--decision",
        "confirmed",
        "--actor",
        "김  검토",
        status=2,
        language="ko",
    )
    assert "다른 사람이 결정해야 함" in refused.stderr
    said = run(
        store, "review", case_id, *SEEN, "--decision", "confirmed", "--actor", "이 검토", language="ko"
    )
    assert "확인 (이번 차수 결정 2건)" in said.stdout
    assert lines(store, "cases") == []
    (file,) = lines(store, "cases", case_id)
    assert [one["actor"] for one in file["reviews"]] == ["김 검토", "이 검토"]
    (appeal,) = lines(store, "appeal", case_id, "--reason", "아님", "--actor", "당사자")
    assert (Appeal.model_validate(appeal).reopened, appeal["models"]) == (1, [LATTICE])
    assert [one["round"] for one in lines(store, "cases")] == [2]


@pytest.mark.parametrize("left_out", ["--opened", "--listened", "--alternatives", "--reason"])
def test_a_decision_needs_all_four_pieces_of_evidence(store, left_out):
    case_id = suspect(store)
    given = list(SEEN)
    at = given.index(left_out)
    del given[at : at + (2 if left_out == "--listened" else 1)]
    if left_out == "--reason":
        given.insert(at, "--reason")
        given[at + 1] = " "
    said = run(store, "review", case_id, *given, "--decision", "rejected", "--actor", "가", status=2)
    assert "review_evidence_missing" in said.stderr
    assert [one["state"] for one in lines(store, "cases")] == ["open"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ko", ["실연 음원 이용 AI 변형 의심", "검토 전", "사건", "까닭"]),
        ("en", ["Suspected AI transformation", "open", "case", "reason"]),
    ],
)
def test_cases_are_shown_in_the_readers_language(store, language, words):
    case_id = suspect(store)
    shown = (
        run(store, "cases", case_id, language=language).stdout + run(store, "cases", language=language).stdout
    )
    for word in (*words, "R-1", LATTICE):
        assert word in shown
    assert "침해" not in shown


def test_a_dispute_from_its_beginning_to_its_end(store):
    store.use("a", "R-1")
    (raised,) = lines(store, "dispute", "R-1", "P-2", "--reason", "참여하지 않음", "--actor", "P-1의 대리인")
    assert Dispute.model_validate(raised).state == "disputed"
    (pool,) = lines(store, "shares", PERIOD, "--pool", "보상금=1,001")
    assert (pool["payable"], pool["held"]) == (501, 500)
    taken = ("dispute", "R-1", "P-2", "--to", "under_review", "--reason", "확인 시작", "--actor", "가")
    assert "검토 중" in run(store, *taken, language="ko").stdout
    assert "under review" in run(store, "disputes").stdout
    upheld = ("dispute", "R-1", "P-2", "--to", "upheld", "--reason", "계약서 확인")
    run(store, *upheld, "--actor", "가", status=2)
    lines(store, *upheld, "--actor", "나")
    assert lines(store, "disputes") == []
    (pool,) = lines(store, "shares", PERIOD, "--pool", "보상금=1,001")
    assert pool["held"] == 0


def test_won_per_performer_in_both_languages(store):
    store.recording("R-2", 2, P_1=True)
    store.use("a", "R-1")
    store.use("b", "R-2")
    (pool,) = lines(store, "shares", PERIOD, "--pool", "remuneration=1000000")
    assert PoolShares.model_validate(pool).rule == "KR-5050@1"
    assert [(one.get("performer_id"), one["payable"], one["held"]) for one in pool["performers"]] == [
        ("P-1", 500_000, 0),
        ("P-2", 250_000, 0),
        (None, 0, 250_000),
    ]
    korean = run(store, "shares", PERIOD, "--pool", "remuneration=1000000", language="ko").stdout
    for word in (
        "보상금 1,000,000 원",
        "이름P-1",
        "500,000",
        "참여정보 부족",
        "(아직 정해지지 않음)",
        "합계",
    ):
        assert word in korean
    english = run(store, "shares", PERIOD, "--pool", "remuneration=1000000").stdout
    for word in ("remuneration 1,000,000 won", "line-up incomplete", "(nobody yet)", "non-member", "total"):
        assert word in english


def test_what_late_registrations_change_is_shown(store):
    store.use("a", "R-1", use_type="on_demand")
    assert lines(store, "shares", PERIOD, "--diff") == []
    store.mandate("P-2")
    pool, change = lines(store, "shares", PERIOD, "--pool", "licence_fee=10", "--diff")
    assert pool["payable"] == 10
    assert AttributionChange.model_validate(change).what == ("mandate",)
    korean = run(store, "shares", PERIOD, "--diff", language="ko").stdout
    for word in ("비회원 1/2", "회원 1/2", "사용료", "회원구분"):
        assert word in korean


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("shares", PERIOD), "no_pool"),
        (("shares", "2026-13", "--diff"), "bad_period"),
        (("shares", PERIOD, "--pool", "1000"), "bad_pool"),
        (("shares", PERIOD, "--pool", "remuneration=-1"), "bad_pool"),
        (("shares", PERIOD, "--pool", "remuneration=1.5"), "bad_pool"),
        (("shares", PERIOD, "--pool", "remuneration=1", "--pool", "보상금=1"), "bad_pool"),
        (("shares", PERIOD, "--pool", "whatever=1"), "bad_pool"),
        (("shares", PERIOD, "--pool", "remuneration=1", "--rule", "none"), "unknown_rule"),
        (("cases", "none"), "no_such_case"),
        (("appeal", "none", "--reason", "x", "--actor", "가"), "no_such_case"),
        (("review", "none", *SEEN, "--decision", "confirmed", "--actor", "가"), "no_such_case"),
        (("dispute", "R-9", "P-1", "--reason", "x", "--actor", "가"), "no_such_subject"),
        (("dispute", "R-1", "P-1", "--reason", "?", "--actor", "가"), "no_reason"),
        (("dispute", "R-1", "P-1", "--reason", "x", "--actor", " "), "no_actor"),
        (("dispute", "R-1", "P-1", "--to", "upheld", "--reason", "x", "--actor", "가"), "no_dispute"),
    ],
)
def test_bad_input_is_named_with_a_remedy(store, arguments, code):
    said = run(store, *arguments, status=2, language="ko")
    assert f"[{code}]" in said.stderr
    assert "→" in said.stderr
    assert said.stdout == ""
