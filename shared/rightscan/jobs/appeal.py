"""An appeal against a decided case: what the same model versions judged is opened again, all of it."""

from __future__ import annotations

from rightscan.errors import UsageError
from rightscan.jobs.cases import case_named
from rightscan.ports import Ports
from rightscan.records import identity
from rightscan.records.reviews import Appeal, Case
from rightscan.rights.reviews import CaseState, person


def appeal(case_id: str, *, actor: str, reason: str, ports: Ports, model: str | None = None) -> Appeal:
    """Begin a new round of a decided case and of every other case that the same model versions judged.

    A fault of a model is a fault in all it judged, so the others are not left to whoever thinks of appealing.
    Cases that are open already stay as they are. A stopped appeal is finished by calling again.

    Args:
        case_id: the decided case.
        actor: who appeals.
        reason: why.
        ports: the world.
        model: only this one of the case's model versions, ``name@version``.

    Returns:
        The appeal, with how many cases began a new round.

    Raises:
        UsageError: ``no_such_case``, ``case_undecided``, ``no_such_model``, ``no_actor``, ``no_reason``.
        Conflict: a person decided one of the cases meanwhile; call again.

    """
    person(actor)
    if not any(letter.isalnum() for letter in reason):
        raise UsageError("no_reason", "no reason was given", "Say why with --reason.")
    case = case_named(case_id, ports)
    started = _started(case, ports) or _new(case, actor, reason, model, ports)
    if started.state == "done":
        return started
    ports.ledger.put_appeal(started)
    questioned = {case.case_id: case}
    for name in started.models:
        questioned |= {one.case_id: one for one in ports.ledger.cases_of_model(name)}
    # The appealed case last: while it is decided, a stopped appeal is known to be unfinished.
    appealed = questioned.pop(case.case_id)
    reopened = sum(_reopen(one, started, ports) for _, one in sorted(questioned.items()))
    reopened += _reopen(appealed, started, ports)
    done = started.model_copy(update={"state": "done", "reopened": reopened})
    ports.ledger.put_appeal(done)
    return done


def _started(case: Case, ports: Ports) -> Appeal | None:
    """The appeal that stopped half-way, or the one that began the case's present round."""
    for one in ports.ledger.appeals(case.media_id):
        if one.case_id == case.case_id and (one.state == "started" or one.appeal_id == case.appeal_id):
            if one.state == "done" and case.state.decided:
                continue
            return one
    return None


def _new(case: Case, actor: str, reason: str, model: str | None, ports: Ports) -> Appeal:
    if not case.state.decided:
        raise UsageError(
            "case_undecided", f"the case is {case.state}", "An appeal is against a decision; review the case."
        )
    if model is not None and model not in case.models:
        raise UsageError(
            "no_such_model",
            f"{model} did not judge case {case.case_id}",
            f"It was judged by: {', '.join(case.models) or 'no model'}.",
        )
    return Appeal(
        appeal_id=identity.appeal_id(case.case_id, case.round),
        case_id=case.case_id,
        media_id=case.media_id,
        models=case.models if model is None else (model,),
        at=ports.clock.now(),
        actor=" ".join(actor.split()),
        reason=reason.strip(),
    )


def _reopen(case: Case, of: Appeal, ports: Ports) -> bool:
    """Begin a new round of a case; tells whether this appeal began its present round."""
    if case.appeal_id == of.appeal_id:
        return True
    if not case.state.decided and case.state is not CaseState.NEEDS_SECOND:
        return False
    again = {"state": CaseState.OPEN, "round": case.round + 1, "decided_at": None, "appeal_id": of.appeal_id}
    ports.ledger.move_case(case, case.model_copy(update=again))
    return True
