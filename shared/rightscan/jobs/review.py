"""A person decides a case; the decision, its evidence and the new state are written in one step."""

from __future__ import annotations

from rightscan.jobs.cases import case_named
from rightscan.ports import Ports
from rightscan.records.base import content_hash
from rightscan.records.reviews import Case, Review
from rightscan.rights import reviews as rules
from rightscan.rights.reviews import Choice, ReviewEvidence


def review(case_id: str, actor: str, choice: Choice, evidence: ReviewEvidence, ports: Ports) -> Case:
    """Count one person's decision.

    The custody chain of every upload of these bytes gets an entry with the evidence, before the decision counts:
    that a review was demonstrably human must be in the log wherever its outcome is.

    Returns:
        The case as it stands after the decision.

    Raises:
        UsageError: ``no_such_case``; whatever ``rights.reviews.decide`` refuses.
        Conflict: somebody else decided at the same moment; look at the case again.

    """
    case = case_named(case_id, ports)
    decision = rules.Decision(actor, choice)
    state = rules.decide(case.code, case.state, decisions(case, ports), decision, evidence)
    now = ports.clock.now()
    record = Review(
        case_id=case_id,
        media_id=case.media_id,
        round=case.round,
        at=now,
        actor=" ".join(actor.split()),
        decision=choice,
        opened=True,
        listened_s=evidence.listened_s,
        alternatives_shown=True,
        reason=evidence.reason.strip(),
        state_after=state,
    )
    _log(record, ports)
    decided = {"state": state, "decided_at": now if state.decided else None}
    return ports.ledger.move_case(case, case.model_copy(update=decided), record)


def decisions(case: Case, ports: Ports) -> list[rules.Decision]:
    """The decisions of the case's present round, oldest first."""
    return [
        rules.Decision(one.actor, one.decision)
        for one in ports.ledger.reviews(case.media_id)
        if one.case_id == case.case_id and one.round == case.round
    ]


def _log(record: Review, ports: Ports) -> None:
    detail = record.to_json()
    for name in ("media_id", "at", "actor", "state_after"):
        detail.pop(name)
    for upload in ports.ledger.aliases(record.media_id):
        ports.ledger.append_custody(
            upload.ref,
            at=record.at,
            actor=record.actor,
            action="review",
            # With the content: a decision that came second to another and is made again differs from it.
            subject=f"{record.case_id}/{content_hash({**detail, 'actor': record.actor})}",
            detail=detail,
        )
