"""AI licences: what one covers, what it does not and why; nobody gives away what is another's."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightscan.rights import vocabulary
from rightscan.rights.licences import AiUse, Consulted, Licence, Shortfall, consult, shortfall

DAY = dt.date(2026, 11, 27)
USE = AiUse(frozenset({"vocals"}), frozenset({DAY}), frozenset({"KR"}))
OPEN = Licence("L-1", recording_id="R-1")
ANY = st.sampled_from(
    [OPEN, Licence("L-2", performer_id="P-1"), Licence("L-3", recording_id="R-1", scope=("ai_training",))]
)


@pytest.mark.parametrize(
    ("terms", "why"),
    [
        ({}, None),
        ({"valid_from": DAY, "valid_to": DAY}, None),
        ({"valid_to": DAY - dt.timedelta(days=1)}, Shortfall.ENDED),
        ({"valid_from": DAY + dt.timedelta(days=1)}, Shortfall.NOT_YET),
        ({"territories": ("JP",)}, Shortfall.TERRITORY),
        ({"territories": ("JP", "KR")}, None),
        ({"scope": ("ai_training",)}, Shortfall.SCOPE),
        ({"scope": ("ai_training", "ai_generation")}, None),
        ({"parts": ("instrumentation",)}, Shortfall.PARTS),
        ({"parts": ("whole",)}, None),
    ],
)
def test_what_a_licence_covers(terms, why):
    licence = Licence("L-1", recording_id="R-1", **terms)
    assert shortfall(licence, USE) is why
    told = consult([licence], USE, frozenset({"P-1"}))
    assert told == (Consulted((), (("L-1", why),)) if why else Consulted(("L-1",), ()))


def test_every_posting_must_be_covered():
    late = AiUse(USE.parts, frozenset({DAY, dt.date(2027, 1, 1)}), USE.territories)
    assert (
        shortfall(Licence("L-1", recording_id="R-1", valid_to=dt.date(2026, 12, 31)), late) is Shortfall.ENDED
    )
    abroad = AiUse(USE.parts, USE.days, frozenset({"KR", "US"}))
    assert shortfall(Licence("L-1", recording_id="R-1", territories=("KR",)), abroad) is Shortfall.TERRITORY


def test_a_featured_singer_cannot_give_away_what_a_session_player_did():
    singer = Licence("L-1", performer_id="P-1")
    both = frozenset({"P-1", "P-2"})
    assert consult([singer], USE, both) == Consulted()
    assert consult([singer, Licence("L-2", performer_id="P-2")], USE, both).covering == ("L-1", "L-2")
    assert consult([singer], USE, frozenset()) == Consulted(), "of a recording that nobody is known on"


@given(st.lists(ANY))
def test_the_answer_does_not_depend_on_order_or_repetition(licences):
    performers = frozenset({"P-1"})
    told = consult(licences, USE, performers)
    assert told == consult(list(reversed(licences)) * 2, USE, performers)
    assert not set(told.covering) & {name for name, _ in told.misses}


def test_every_shortfall_has_words():
    assert set(vocabulary.word_list("licence_shortfall")) == set(Shortfall)
