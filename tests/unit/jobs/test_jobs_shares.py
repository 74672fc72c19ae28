"""Won per performer of one month from stored uses: sums, ledgers and mandates, holds, late registrations."""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rightscan.errors import UsageError
from rightscan.jobs.attribution import attribution_changes
from rightscan.jobs.cases import open_cases
from rightscan.jobs.dispute import dispute
from rightscan.jobs.report import fetch_report, report
from rightscan.jobs.review import review
from rightscan.jobs.shares import shares
from rightscan.records.messages import ReportRequested
from rightscan.reporting.columns import sheets
from rightscan.reporting.rows import normalise
from rightscan.reporting.verify import verify_report
from rightscan.rights.disputes import DisputeState
from rightscan.rights.ledgers import Ledger
from rightscan.rights.reviews import Choice, ReviewEvidence
from stored_uses import PERIOD, Store

REMUNERATION, FEE, AI_FEE = Ledger.REMUNERATION, Ledger.LICENCE_FEE, Ledger.AI_LICENCE_FEE


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


@pytest.fixture
def two_pieces(store):
    """R-1: two featured, three others, broadcast twice. R-2: one of two known, broadcast once."""
    store.recording("R-1", 5, P_1=True, P_2=True, P_3=False, P_4=False, P_5=False)
    store.recording("R-2", 2, P_1=True)
    for name, recording_id in (("a", "R-1"), ("b", "R-1"), ("c", "R-2")):
        store.use(name, recording_id)
    return store


def divided(store, pool=1_000_000, ledger=REMUNERATION, **more):
    (found,) = shares(PERIOD, {ledger: pool}, store.ports, **more)
    assert sum(row.gross for row in found.rows) == sum(one.gross for one in found.performers) == pool
    assert found.payable + found.held == pool
    assert sum(Fraction(row.weight_num, row.weight_den) for row in found.rows) in (0, 1)
    return found


def won(found):
    return {one.performer_id: (one.payable, one.held, one.hold_reasons) for one in found.performers}


# ---- sums -----------------------------------------------------------------------------------------------
def test_the_won_per_performer_of_one_month(two_pieces):
    # R-1 is two uses in three: 666,666 2/3 won, half to 2 featured, half to 3 others. Of R-2 its known singer is
    # sure of half, whether the missing performer is featured too or not; the rest is held.
    found = divided(two_pieces)
    assert won(found) == {
        "P-1": (166_667 + 166_667, 0, ()),
        "P-2": (166_667, 0, ()),
        "P-3": (111_111, 0, ()),
        "P-4": (111_111, 0, ()),
        "P-5": (111_111, 0, ()),
        None: (0, 166_666, ("lineup_incomplete",)),
    }
    assert (found.uses, found.units, found.rule) == (3, 3.0, "KR-5050@1")


def test_seconds_may_carry_the_money_instead_of_uses(store):
    store.recording("R-1", 1, P_1=True)
    store.recording("R-2", 1, P_2=True)
    store.use("a", "R-1", seconds=10.0)
    store.use("b", "R-2", seconds=30.5)
    assert won(divided(store, 405, basis="seconds_used")) == {"P-1": (100, 0, ()), "P-2": (305, 0, ())}
    assert won(divided(store, 405)) == {"P-1": (203, 0, ()), "P-2": (202, 0, ())}


def test_the_rule_may_be_another(two_pieces):
    found = divided(two_pieces, rule="UK-PPL")
    assert found.rule == "UK-PPL@1"
    with pytest.raises(UsageError, match="unknown_rule"):
        divided(two_pieces, rule="KR-9999")


def test_rows_are_those_of_sheet_08_and_name_their_uses(two_pieces):
    found = divided(two_pieces)
    sheet = sheets()["08"]
    uses = set()
    for number, row in enumerate(found.rows, 2):
        values = row.model_dump(exclude={"use_ids"})
        assert set(values) <= {column.name for column in sheet.columns}
        normalise(sheet, values, number)
        uses |= set(row.use_ids)
    assert len(uses) == 3


def test_a_month_without_uses_keeps_its_pool(store):
    found = divided(store, 7)
    assert won(found) == {None: (0, 7, ("no_use",))}
    with pytest.raises(UsageError, match="bad_period"):
        shares("2026-13", {REMUNERATION: 1}, store.ports)


def test_what_ended_or_happened_in_another_month_takes_no_part(store):
    store.recording("R-1", 1, P_1=True)
    ended = store.use("a", "R-1")
    store.ledger.put_results([], [], [ended.model_copy(update={"status": "ended"})])
    store.use("b", "R-1", use_period="2026-09")
    store.use("c", "R-1", use_type=None)
    store.use("d", "R-1", territory=None)
    for number, code in enumerate(("H1", "A1", "A3", "X1", "D1", "D2", "N1")):
        store.use(f"n{number}", "R-1", code=code)
    found = divided(store, 100)
    assert (found.uses, found.other_periods, found.no_ledger) == (0, 1, 2)


# ---- ledgers and mandates -------------------------------------------------------------------------------
def test_members_non_members_and_foreign_performers_by_ledger(store):
    store.recording("R-1", 4, P_1=True, P_2=True, P_3=True, P_4=True)
    store.mandate("P-1")
    store.mandate("P-2", "reciprocal")
    store.mandate("P-3", valid_from="2026-11-11")  # a day after the use
    store.use("a", "R-1", use_type="broadcast")
    store.use("b", "R-1", use_type="on_demand")
    # Statutory remuneration reaches everybody.
    broadcast = divided(store, 400, REMUNERATION)
    assert won(broadcast) == {f"P-{n}": (100, 0, ()) for n in range(1, 5)}
    assert {one.performer_id: one.mandate for one in broadcast.performers} == {
        "P-1": "member", "P-2": "reciprocal", "P-3": "non_member", "P-4": "non_member",
    }  # fmt: skip
    # A trust licence is for members only: what it would bring the others is held, not the members'.
    streamed = divided(store, 400, FEE)
    assert won(streamed) == {
        "P-1": (100, 0, ()),
        "P-2": (0, 100, ("not_mandated",)),
        "P-3": (0, 100, ("not_mandated",)),
        "P-4": (0, 100, ("not_mandated",)),
    }
    assert divided(store, 400, AI_FEE).uses == 0


def test_a_mandate_covers_its_ledgers_and_territories_only(store):
    store.recording("R-1", 2, P_1=True, P_2=True)
    store.mandate("P-1", ledgers=("licence_fee",), territories=("KR",))
    store.mandate("P-2", ledgers=("remuneration",))
    store.use("a", "R-1", use_type="on_demand")
    assert won(divided(store, 10, FEE)) == {"P-1": (5, 0, ()), "P-2": (0, 5, ("not_mandated",))}


def test_a_licensed_ai_use_pays_from_ai_fees_wherever_it_runs(store):
    store.recording("R-1", 1, P_1=True)
    store.use("a", "R-1", code="L1", use_type="broadcast")
    assert won(divided(store, 9, AI_FEE)) == {"P-1": (9, 0, ())}
    assert divided(store, 9, REMUNERATION).uses == 0


# ---- holds ----------------------------------------------------------------------------------------------
def object_to(store, subject, performer_id, *steps):
    for number, to in enumerate((DisputeState.DISPUTED, *steps)):
        dispute(subject, performer_id, to, actor=f"담당 {number}", reason="참여하지 않음", ports=store.ports)


def test_a_disputed_share_is_held_and_goes_to_nobody_else(two_pieces):
    before = won(divided(two_pieces))
    object_to(two_pieces, "R-1", "P-2")
    found = divided(two_pieces)
    after = won(found)
    assert after.pop("P-2") == (0, before.pop("P-2")[0], ("dispute",))
    assert after == before
    (row,) = [row for row in found.rows if row.performer_id == "P-2"]
    assert (row.hold_reason, row.held, row.payable) == ("dispute", 166_667, 0)


def test_of_one_disputed_use_only_its_part_is_held(two_pieces):
    before = won(divided(two_pieces))
    (use, *_) = [u for u in two_pieces.ledger.uses_in_period(PERIOD) if u.recording_id == "R-1"]
    object_to(two_pieces, use.use_id, "P-3")
    after = won(divided(two_pieces))
    assert after.pop("P-3") == (55_555, 55_556, ("dispute",))
    del before["P-3"]
    assert after == before


def test_what_somebody_outside_the_line_up_claims_is_held_whole(two_pieces):
    object_to(two_pieces, "R-1", "P-9")
    found = divided(two_pieces)
    assert found.payable == 166_667  # of R-2
    assert {row.hold_reason for row in found.rows if row.recording_id == "R-1"} == {"dispute"}


@pytest.mark.parametrize("end", [DisputeState.UPHELD, DisputeState.ADJUSTED, DisputeState.WITHDRAWN])
def test_the_end_of_a_dispute_ends_the_hold(two_pieces, end):
    before = won(divided(two_pieces))
    object_to(two_pieces, "R-1", "P-2", DisputeState.UNDER_REVIEW)
    assert won(divided(two_pieces)) != before
    dispute("R-1", "P-2", end, actor="담당 9", reason="확인함", ports=two_pieces.ports)
    assert won(divided(two_pieces)) == before


def test_a_suspicion_over_a_stem_is_held_until_people_decide(store):
    store.recording("R-1", 1, P_1=True)
    use = store.use("a", "R-1", code="A2")
    assert won(divided(store, 5)) == {"P-1": (0, 5, ("case_undecided",))}
    (case,) = open_cases(store.ledger.findings(use.media_id), store.ports)
    assert won(divided(store, 5)) == {"P-1": (0, 5, ("case_undecided",))}
    seen = ReviewEvidence(opened=True, listened_s=9.0, alternatives_shown=True, reason="원곡 반주")
    review(case.case_id, "가", Choice.REJECTED, seen, store.ports)
    assert won(divided(store, 5)) == {"P-1": (5, 0, ())}


def test_a_model_among_the_performers_holds_all_of_it(store):
    store.recording("R-1", 2, P_1=True)
    store.recording("R-1", 2, **{"model:singer": True})
    store.use("a", "R-1")
    assert won(divided(store, 5)) == {None: (0, 5, ("lineup_contradiction",))}


# ---- late binding ---------------------------------------------------------------------------------------
def test_a_mandate_registered_late_reattributes_stored_uses_with_a_diff(store):
    store.recording("R-1", 2, P_1=True, P_2=True)
    store.mandate("P-1")
    use = store.use("a", "R-1", use_type="on_demand")
    assert attribution_changes(PERIOD, store.ports) == []
    assert won(divided(store, 10, FEE)) == {"P-1": (5, 0, ()), "P-2": (0, 5, ("not_mandated",))}
    store.clock.advance(30 * 86_400)
    store.mandate("P-2", valid_from="2026-11-01")
    assert won(divided(store, 10, FEE)) == {"P-1": (5, 0, ()), "P-2": (5, 0, ())}
    (change,) = attribution_changes(PERIOD, store.ports)
    assert (change.use_id, change.performer_id, change.what) == (use.use_id, "P-2", ("mandate",))
    assert (change.mandate_before, change.mandate_now, change.ledger_now) == (
        "non_member",
        "member",
        "licence_fee",
    )
    # Nothing was written: the finding says what it said.
    (finding,) = store.ledger.findings(use.media_id)
    assert finding.performers[1].mandate == "non_member"


def test_a_mandate_from_a_later_day_changes_nothing_of_the_past(store):
    store.recording("R-1", 1, P_1=True)
    store.use("a", "R-1", use_type="on_demand")
    store.mandate("P-1", valid_from="2026-12-01")
    assert attribution_changes(PERIOD, store.ports) == []
    assert won(divided(store, 3, FEE)) == {"P-1": (0, 3, ("not_mandated",))}


def test_a_completed_line_up_shows_who_came_and_what_changed(two_pieces):
    two_pieces.recording("R-2", 2, P_6=False)
    (came,) = attribution_changes(PERIOD, two_pieces.ports)
    assert (came.performer_id, came.what, came.weight_before, came.weight_now) == (
        "P-6",
        ("added",),
        None,
        "1/2",
    )
    assert divided(two_pieces).held == 0
    two_pieces.recording("R-2", 3)
    two_pieces.recording("R-2", 3, P_7=True)
    known = {one.performer_id: one for one in attribution_changes(PERIOD, two_pieces.ports)}
    assert {name: one.what for name, one in known.items()} == {
        "P-1": ("weight",),
        "P-6": ("added",),
        "P-7": ("added",),
    }
    assert (known["P-1"].weight_before, known["P-1"].weight_now) == ("1/2", "1/4")


# ---- the report -----------------------------------------------------------------------------------------
def test_the_report_says_who_reviewed_and_what_is_disputed(store, tmp_path):
    store.recording("R-1", 2, P_1=True, P_2=False)
    use = store.use("a", "R-1", code="A2")
    store.use("b", "R-1")
    (case,) = open_cases(store.ledger.findings(use.media_id), store.ports)
    seen = ReviewEvidence(opened=True, listened_s=9.0, alternatives_shown=True, reason="원곡 반주")
    review(case.case_id, "가", Choice.CONFIRMED, seen, store.ports)
    object_to(store, "R-1", "P-2")
    assert report(ReportRequested(period=PERIOD, request_id="r", language="en"), store.ports) == "ready"
    (done,) = store.ledger.reports(PERIOD)
    paths = fetch_report(done, tmp_path / "out", store.ports)
    assert verify_report(tmp_path / "out" / done.report_id) == []
    (usage,) = [path for path in paths if "_02_" in path.name]
    header, *rows = [line.split(",") for line in usage.read_text("utf-8-sig").splitlines()]
    at = {
        name: header.index(name)
        for name in ("code", "name_ko", "review_state", "reviewer_ref", "dispute_state")
    }
    assert {tuple(row[position] for position in at.values()) for row in rows} == {
        ("A2", "이름P-1", "under review", "가", "undisputed"),
        ("A2", "이름P-2", "under review", "가", "disputed"),
        ("U1", "이름P-1", "not reviewed", "", "undisputed"),
        ("U1", "이름P-2", "not reviewed", "", "disputed"),
    }


# ---- whatever is stored ---------------------------------------------------------------------------------
pieces = st.lists(
    st.tuples(
        st.dictionaries(st.integers(1, 6), st.sampled_from([True, False, None]), max_size=5),
        st.none() | st.integers(0, 6),
    ),
    min_size=1,
    max_size=3,
)
played = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["U1", "U2", "U3", "L1", "A2", "D2"]),
        st.sampled_from(["broadcast", "on_demand", None]),
        st.integers(2, 90),
    ),
    max_size=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pieces, played, st.integers(0, 10**10), st.sampled_from(["use_count", "seconds_used"]), st.data())
def test_every_pool_is_divided_exactly(tmp_path_factory, known, uses, pool, basis, data):
    store = Store(tmp_path_factory.mktemp("shares"))
    for number, (people, size) in enumerate(known):
        store.recording(f"R-{number}", size, **{f"P_{one}": featured for one, featured in people.items()})
    for one in data.draw(st.sets(st.integers(1, 6), max_size=3)):
        store.mandate(f"P-{one}", data.draw(st.sampled_from(["member", "reciprocal"])))
    for number, (piece, code, use_type, seconds) in enumerate(uses):
        store.use(
            f"u{number}", f"R-{piece % len(known)}", code=code, use_type=use_type, seconds=float(seconds)
        )
    for ledger in Ledger:
        found = divided(store, pool, ledger, basis=basis)
        assert found == divided(store, pool, ledger, basis=basis)
        assert all(row.gross == row.payable + row.held for row in found.rows)
        assert all((row.held == 0) == (row.hold_reason == "none") or not row.gross for row in found.rows)
    assert attribution_changes(PERIOD, store.ports) == []


def test_a_use_on_the_last_evening_utc_is_of_the_next_korean_day(store):
    store.recording("R-1", 1, P_1=True)
    store.mandate("P-1", valid_from="2026-11-02")
    store.use("a", "R-1", use_type="on_demand", posted_at=datetime(2026, 11, 1, 15, 30, tzinfo=UTC))
    assert won(divided(store, 3, FEE)) == {"P-1": (3, 0, ())}
