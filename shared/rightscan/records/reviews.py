"""What people decide: cases and their reviews, disputes over shares, appeals."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from rightscan.records.base import Record, UtcDatetime
from rightscan.rights.axes import ClaimBasis
from rightscan.rights.disputes import DisputeState
from rightscan.rights.reviews import CaseState, Choice


class Case(Record):
    """A finding that needs people. One per finding and code; an appeal begins a new round."""

    case_id: str
    media_id: str
    finding_id: str
    verdict_id: str = Field(description="of the finding when the case was last opened")
    code: str
    claim_basis: ClaimBasis
    subject_kind: Literal["performer", "recording"] | None = None
    subject_id: str | None = None
    media_start: float | None = Field(default=None, description="s; None: the whole file")
    media_end: float | None = None
    models: tuple[str, ...] = Field(default=(), description="name@version of what judged: appeals go by them")
    opened_at: UtcDatetime
    period: str = Field(pattern=r"^\d{4}-\d{2}$", description="KST month it was opened in")
    state: CaseState = CaseState.OPEN
    round: int = Field(default=1, ge=1)
    decided_at: UtcDatetime | None = None
    appeal_id: str | None = Field(default=None, description="the appeal that began this round")


class Review(Record):
    """One person's decision on a case, with what shows that they reviewed it."""

    case_id: str
    media_id: str
    round: int = Field(ge=1)
    at: UtcDatetime
    actor: str = Field(min_length=1)
    decision: Choice
    opened: Literal[True]
    listened_s: float = Field(gt=0, description="s of the clip that were played")
    alternatives_shown: Literal[True]
    reason: str = Field(min_length=1)
    state_after: CaseState


class DisputeStep(Record):
    """One step of a dispute."""

    state: DisputeState
    at: UtcDatetime
    actor: str = Field(min_length=1)
    reason: str = Field(min_length=1)


class Dispute(Record):
    """An objection to a performer's share of a recording, or of one use of it."""

    dispute_id: str
    recording_id: str
    use_id: str | None = Field(default=None, description="None: every use of the recording")
    performer_id: str
    whole: bool = Field(
        default=False,
        description="the performer is not in the line-up: everybody's share is in question and held",
    )
    number: int = Field(ge=1, description="counts the disputes over this share")
    state: DisputeState
    steps: tuple[DisputeStep, ...]

    @property
    def taken_up_by(self) -> str | None:
        """Who moved it to ``under_review``."""
        return next((s.actor for s in self.steps if s.state is DisputeState.UNDER_REVIEW), None)


class Appeal(Record):
    """An objection to a decided case: every case that the same model versions judged begins a new round."""

    appeal_id: str
    case_id: str
    media_id: str
    models: tuple[str, ...]
    at: UtcDatetime
    actor: str = Field(min_length=1)
    reason: str = Field(min_length=1)
    state: Literal["started", "done"] = "started"
    reopened: int = Field(default=0, ge=0, description="cases that began a new round")
