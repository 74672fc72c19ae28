"""How people decide a case: what a decision must show, how many must agree, what may then leave the house.

A finding is a suspicion until people decide. A decision is only counted with its four pieces of evidence, and
nothing outward (a notice, a block, a payment) leaves before two different people have confirmed. Domain page,
section 7. Everything here is pure: the decisions of one round go in, the state of the case comes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from rightscan.errors import UsageError
from rightscan.rights.codes import Code, code_table

CASE_CODES = frozenset({Code.A1, Code.A2, Code.A3, Code.D2})
"""Codes that no machine may leave to itself: each opens a case."""

LEAST_LISTENED_S = 2.0
"""Shorter playing is no listening: below 2 s the comparison itself says nothing (``jobs.findings.SHORTEST_S``)."""

OUTWARD_PEOPLE = 2
"""People who must have confirmed before anything leaves the house."""


class Choice(StrEnum):
    """What a reviewer says of a finding."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    NEEDS_SECOND = "needs_second"


class CaseState(StrEnum):
    """How far people have come with a case; ``ended`` is one whose finding no longer says so."""

    OPEN = "open"
    NEEDS_SECOND = "needs_second"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    ENDED = "ended"

    @property
    def decided(self) -> bool:
        """Whether people have decided it; an appeal is the only way back."""
        return self in (CaseState.CONFIRMED, CaseState.REJECTED)

    @property
    def waits(self) -> bool:
        """Whether it waits for people."""
        return self in (CaseState.OPEN, CaseState.NEEDS_SECOND)

    @property
    def review_state(self) -> str:
        """The word of the report's column ``review_state``."""
        words = {CaseState.NEEDS_SECOND: "under_review", CaseState.OPEN: "unreviewed"}
        return words.get(self, "unreviewed" if self is CaseState.ENDED else self.value)


@dataclass(frozen=True, slots=True)
class ReviewEvidence:
    """What shows that a person reviewed: item opened, seconds listened, alternatives shown, reason typed."""

    opened: bool
    listened_s: float
    alternatives_shown: bool
    reason: str

    @property
    def missing(self) -> tuple[str, ...]:
        """Which of the four are not there, as words of the ``review_evidence`` list."""
        there = {
            "opened": self.opened,
            "listened": math.isfinite(self.listened_s) and self.listened_s >= LEAST_LISTENED_S,
            "alternatives": self.alternatives_shown,
            "reason": any(letter.isalnum() for letter in self.reason),
        }
        return tuple(name for name, is_there in there.items() if not is_there)


@dataclass(frozen=True, slots=True)
class Decision:
    """One person's decision."""

    actor: str
    choice: Choice


def person(actor: str) -> str:
    """The name that tells people apart: blanks around it and case are no second person.

    Raises:
        UsageError: ``no_actor`` where there is none.

    """
    name = " ".join(actor.split()).casefold()
    if not name:
        raise UsageError("no_actor", "nobody is named as the one who acts", "Name the person with --actor.")
    return name


def people_needed(code: str) -> int:
    """How many people must confirm a finding of this code: two where it goes to legal review."""
    info = code_table().infos[Code(code)]
    return OUTWARD_PEOPLE if info.next_step == "legal_review" else 1


def state_of(code: str, decisions: Iterable[Decision]) -> CaseState:
    """The state of a case from the decisions of its present round, in whichever order they came.

    Confirmed when as many different people as ``people_needed`` have confirmed and fewer rejected; rejected
    when somebody rejected and nobody confirmed, or two rejected; otherwise it needs a further person.
    """
    last = {person(decision.actor): decision.choice for decision in decisions}
    confirmed = sum(choice is Choice.CONFIRMED for choice in last.values())
    rejected = sum(choice is Choice.REJECTED for choice in last.values())
    if not last:
        return CaseState.OPEN
    if confirmed >= people_needed(code) and confirmed > rejected:
        return CaseState.CONFIRMED
    if rejected and rejected > confirmed and (not confirmed or rejected >= OUTWARD_PEOPLE):
        return CaseState.REJECTED
    return CaseState.NEEDS_SECOND


def decide(
    code: str, state: CaseState, before: Sequence[Decision], decision: Decision, evidence: ReviewEvidence
) -> CaseState:
    """The state of a case after one more decision.

    Args:
        code: of the finding.
        state: of the case now.
        before: the decisions of the present round.
        decision: the new one.
        evidence: that the person reviewed.

    Raises:
        UsageError: ``review_evidence_missing`` without all four pieces; ``case_decided`` where people have
            decided; ``case_ended`` where the finding no longer says so; ``second_person_needed`` where this
            person has already decided in this round.

    """
    if evidence.missing:
        raise UsageError(
            "review_evidence_missing",
            f"a decision without {', '.join(evidence.missing)} is not counted",
            "Open the item, play at least 2 s, look at the alternatives and type a reason.",
        )
    if state.decided:
        raise UsageError(
            "case_decided",
            f"the case is {state}",
            "`rightscan appeal` opens it again, with every case of the same model.",
        )
    if state is CaseState.ENDED:
        raise UsageError(
            "case_ended",
            "the finding behind the case no longer holds",
            "`rightscan cases` lists those that do.",
        )
    if person(decision.actor) in {person(one.actor) for one in before}:
        raise UsageError(
            "second_person_needed",
            f"{decision.actor} has decided this case in this round",
            "Another person has to decide.",
        )
    return state_of(code, (*before, decision))


def release(state: CaseState, decisions: Iterable[Decision]) -> tuple[str, ...]:
    """The people on whose word something outward (notice, block, payment) may leave, at least two.

    Raises:
        UsageError: ``not_confirmed`` where the case is not; ``second_person_needed`` where fewer than two
            different people confirmed it, whatever its code needs inside the house.

    """
    people = tuple(sorted({person(d.actor) for d in decisions if d.choice is Choice.CONFIRMED}))
    if state is not CaseState.CONFIRMED:
        raise UsageError(
            "not_confirmed", f"the case is {state}", "Nothing leaves before people have confirmed it."
        )
    if len(people) < OUTWARD_PEOPLE:
        raise UsageError(
            "second_person_needed",
            f"only {', '.join(people)} confirmed it",
            "Another person has to decide.",
        )
    return people
