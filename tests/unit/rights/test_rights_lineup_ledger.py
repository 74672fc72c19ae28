"""Line-ups over time, the role mapping, mandates on a day and the ledger table."""

import datetime as dt

import pytest

from rightscan.rights import vocabulary
from rightscan.rights.ledgers import (
    Ledger,
    Mandate,
    MandateKind,
    NoLedger,
    ledger_for,
    ledger_rules,
    mandate_status,
)
from rightscan.rights.lineup import Category, Lineup, LineupEntry, role_named, roles

OCT, NOV = dt.date(2026, 10, 31), dt.date(2026, 11, 1)


def test_the_role_mapping_has_the_domains_roles():
    performing = [name for name, role in roles().items() if role.is_performer]
    assert performing == [
        "가창", "랩", "코러스", "연주", "지휘", "합창·합주", "국악 가창", "고수·장단", "신디사이저·미디",
    ]  # fmt: skip
    assert set(roles()) == set(vocabulary.word_list("role"))
    assert all(role.ddex_role for role in roles().values())


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("Rap", "랩"),
        ("판소리", "국악 가창"),
        ("고수", "고수·장단"),
        ("합창 합주", "합창·합주"),
        ("backing vocal", "코러스"),
    ],
)
def test_roles_are_found_in_both_languages(text, role):
    found = role_named(text)
    assert found is not None
    assert found.kmpu_role == role


def test_an_unknown_role_is_none():
    assert role_named("하모니카 튜닝") is None


def test_a_performer_counts_once_and_a_composer_not_at_all():
    lineup = Lineup(
        "R",
        2,
        (
            LineupEntry("R", "P1", True, ("가창",), (Category.VOCAL,)),
            LineupEntry("R", "P1", True, ("연주",), (Category.INSTRUMENTAL,), ("기타",)),
            LineupEntry("R", "P2", False, ("작곡",)),
            LineupEntry("R", "P3", False, ("마림바 주자",)),
        ),
    )
    one, three = lineup.performers()
    assert (one.performer_id, one.roles, one.featured) == ("P1", ("가창", "연주"), True)
    assert one.categories == (Category.VOCAL, Category.INSTRUMENTAL)
    assert three.performer_id == "P3"
    assert (lineup.completeness().known, lineup.completeness().size) == (2, 2)


def test_entries_hold_from_their_day_on():
    later = (LineupEntry("R", "P1", True, valid_from=NOV), LineupEntry("R", "P2", True, valid_from=NOV))
    lineup = Lineup("R", None, (LineupEntry("R", "P1", False), *later))
    assert [(e.performer_id, e.featured) for e in lineup.performers(OCT)] == [("P1", False)]
    assert [(e.performer_id, e.featured) for e in lineup.performers(NOV)] == [("P1", True), ("P2", True)]
    assert lineup.performers() == lineup.performers(NOV)


def test_contradicting_rows_leave_featured_unknown_in_any_order():
    rows = [LineupEntry("R", "P1", value) for value in (True, False, None, True)]
    for entries in (rows, rows[::-1], rows[1:] + rows[:1]):
        (entry,) = Lineup("R", 1, tuple(entries)).performers()
        assert entry.featured is None


MEMBER = Mandate("P", MandateKind.MEMBER, valid_from=NOV, valid_to=dt.date(2026, 12, 31))
RECIPROCAL = Mandate("P", MandateKind.RECIPROCAL, (Ledger.REMUNERATION,), ("KR",))


def test_mandate_on_a_day():
    assert mandate_status([MEMBER], OCT) is MandateKind.NON_MEMBER
    assert mandate_status([MEMBER], NOV) is MandateKind.MEMBER
    assert mandate_status([MEMBER], dt.date(2026, 12, 31)) is MandateKind.MEMBER
    assert mandate_status([MEMBER], dt.date(2027, 1, 1)) is MandateKind.NON_MEMBER
    assert mandate_status([RECIPROCAL, MEMBER], NOV) is MandateKind.MEMBER
    assert (
        mandate_status([RECIPROCAL], NOV, ledger=Ledger.REMUNERATION, territory="KR")
        is MandateKind.RECIPROCAL
    )
    assert mandate_status([RECIPROCAL], NOV, ledger=Ledger.LICENCE_FEE) is MandateKind.NON_MEMBER
    assert mandate_status([RECIPROCAL], NOV, territory="JP") is MandateKind.NON_MEMBER


@pytest.mark.parametrize(
    ("use_type", "territory", "mandates", "ledger", "mandate", "reason"),
    [
        ("broadcast", "KR", [MEMBER], Ledger.REMUNERATION, MandateKind.MEMBER, None),
        ("broadcast", "KR", [], Ledger.REMUNERATION, MandateKind.NON_MEMBER, None),
        ("public_performance", "KR", [RECIPROCAL], Ledger.REMUNERATION, MandateKind.RECIPROCAL, None),
        ("on_demand", "KR", [MEMBER], Ledger.LICENCE_FEE, MandateKind.MEMBER, None),
        ("on_demand", "KR", [], None, MandateKind.NON_MEMBER, NoLedger.NOT_MANDATED),
        ("on_demand", "KR", [RECIPROCAL], None, MandateKind.NON_MEMBER, NoLedger.NOT_MANDATED),
        ("ai_generation", "", [], Ledger.AI_LICENCE_FEE, MandateKind.NON_MEMBER, None),
        ("broadcast", "JP", [MEMBER], None, MandateKind.MEMBER, NoLedger.NO_RULE),
        ("broadcast", "", [MEMBER], None, MandateKind.MEMBER, NoLedger.NO_TERRITORY),
        ("", "KR", [MEMBER], None, MandateKind.MEMBER, NoLedger.NO_USE_TYPE),
        ("telepathy", "KR", [MEMBER], None, MandateKind.MEMBER, NoLedger.NO_USE_TYPE),
    ],
)
def test_ledger(use_type, territory, mandates, ledger, mandate, reason):
    decision = ledger_for(use_type, territory, mandates, NOV)
    assert (decision.ledger, decision.mandate, decision.reason) == (ledger, mandate, reason)


def test_rules_and_words_agree():
    use_types = set(vocabulary.word_list("use_type"))
    assert all(rule.use_types <= use_types for rule in ledger_rules())
    assert set(vocabulary.word_list("ledger")) == set(Ledger)
    assert set(vocabulary.word_list("mandate")) == set(MandateKind)
    assert vocabulary.code_for("ledger", "AI 이용허락료") == "ai_licence_fee"
    assert ledger_for("broadcast", "KR", [], dt.date(1999, 1, 1)).reason is NoLedger.NO_RULE
