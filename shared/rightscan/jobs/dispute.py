"""Objections to a share: raised, taken up, ended. While one is open the share is held and nobody else gets it."""

from __future__ import annotations

from collections.abc import Iterable

from rightscan.errors import UsageError
from rightscan.jobs.lineups import DEFAULT_RULE, lineup_of
from rightscan.ports import Ledger, Ports
from rightscan.records import identity
from rightscan.records.findings import Use
from rightscan.records.reviews import Dispute, DisputeStep
from rightscan.rights import disputes as rules
from rightscan.rights.disputes import DisputeState
from rightscan.rights.money import profile_named
from rightscan.rights.periods import kst_day, kst_month

MONTHS_BACK = 36
"""How far back a use is looked for by its id: one read a month. Claims for remuneration lapse after 3 years."""


def dispute(
    subject: str, performer_id: str, to: DisputeState, *, actor: str, reason: str, ports: Ports
) -> Dispute:
    """Raise a dispute (``to`` disputed), or move the one that is open to its next state.

    Raising one that is open already changes nothing. A performer who is not in the line-up questions everybody's
    share: then all of it is held.

    Args:
        subject: a recording id, or the id of one use.
        performer_id: whose share.
        to: the state wanted.
        actor: who says so.
        reason: why.
        ports: the world.

    Returns:
        The dispute as it stands.

    Raises:
        UsageError: ``no_such_subject``, ``no_dispute`` where none is open, and what ``rights.disputes.move``
            refuses.
        Conflict: somebody else moved it at the same moment.

    """
    recording_id, use = _subject(subject, ports)
    use_id = None if use is None else use.use_id
    past = [
        one
        for one in ports.ledger.disputes(recording_id)
        if (one.use_id, one.performer_id) == (use_id, performer_id)
    ]
    last = max(past, key=lambda one: one.number, default=None)
    if last is not None and last.state is to:
        return last
    if to is DisputeState.DISPUTED and (last is None or last.state.ended):
        number = 1 if last is None else last.number + 1
        last = _undisputed(recording_id, use_id, performer_id, number, ports)
        return ports.ledger.add_dispute(_moved(last, to, actor, reason, ports))
    if last is None:
        raise UsageError(
            "no_dispute",
            f"nobody disputes the share of {performer_id} in {subject}",
            "Raise the dispute first: leave out --to.",
        )
    return ports.ledger.move_dispute(last, _moved(last, to, actor, reason, ports))


def disputes_over(recording_id: str, ledger: Ledger) -> list[Dispute]:
    """All disputes that bear on a recording's uses: its own, and for a stem those of the whole as well."""
    recording = ledger.recording(recording_id)
    whole = None if recording is None else recording.stem_of
    return [*ledger.disputes(recording_id), *(ledger.disputes(whole) if whole else ())]


def dispute_state(disputes: Iterable[Dispute], use_id: str, performer_id: str | None) -> DisputeState:
    """What a report says of one performer's share of one use: an open dispute before any that has ended.

    Args:
        disputes: all of the recording.
        use_id: the use.
        performer_id: the performer; None for a use that nobody is known for.

    """
    about = [
        one
        for one in disputes
        if one.use_id in (None, use_id) and (one.performer_id == performer_id or one.whole)
    ]
    about.sort(key=lambda one: (one.state.holds, one.steps[-1].at))
    return about[-1].state if about else DisputeState.UNDISPUTED


def _moved(before: Dispute, to: DisputeState, actor: str, reason: str, ports: Ports) -> Dispute:
    rules.move(before.state, to, actor=actor, taken_up_by=before.taken_up_by, reason=reason)
    step = DisputeStep(state=to, at=ports.clock.now(), actor=" ".join(actor.split()), reason=reason.strip())
    return before.model_copy(update={"state": to, "steps": (*before.steps, step)})


def _undisputed(
    recording_id: str, use_id: str | None, performer_id: str, number: int, ports: Ports
) -> Dispute:
    today = kst_day(ports.clock.now())
    lineup = lineup_of(ports.ledger, recording_id, profile_named(DEFAULT_RULE, today), today)
    listed = {performer.performer_id for performer in lineup.performers}
    return Dispute(
        dispute_id=identity.dispute_id(recording_id, use_id or "", performer_id, number),
        recording_id=recording_id,
        use_id=use_id,
        performer_id=performer_id,
        whole=performer_id not in listed,
        number=number,
        state=DisputeState.UNDISPUTED,
        steps=(),
    )


def _subject(subject: str, ports: Ports) -> tuple[str, Use | None]:
    """The recording in question, and the use where one was named."""
    if ports.ledger.recording(subject) is not None:
        return subject, None
    period = kst_month(ports.clock.now())
    for _ in range(MONTHS_BACK):
        use = ports.ledger.use_in_period(subject, period)
        if use is not None:
            return use.recording_id, use
        period = _month_before(period)
    raise UsageError(
        "no_such_subject",
        f"{subject} is neither a recording nor a use of the last {MONTHS_BACK} months",
        "Take a recording_id or a use_id of the report.",
    )


def _month_before(period: str) -> str:
    year, month = map(int, period.split("-"))
    return f"{year - (month == 1):04d}-{(month - 2) % 12 + 1:02d}"
