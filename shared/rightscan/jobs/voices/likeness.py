"""What the function ``likeness`` does: it alone opens the vault, for a comparison and for what people ask of it.

Embeddings of a file come with the call and end with it. What leaves is a performer and a likelihood ratio, and only
where it is high enough to be looked at.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import assert_never
from weakref import WeakKeyDictionary

from rightscan.jobs.voices import enrolment, vault_upkeep, withdraw
from rightscan.jobs.voices.detection_consent import may_be_compared
from rightscan.jobs.voices.prints import print_of, ruler, template_of_record
from rightscan.likeness import Candidate, Comparison, Template, compare
from rightscan.ports import Ports, Vault
from rightscan.records.vault import (
    Access,
    AskCompare,
    AskEnrol,
    AskLog,
    AskMayEnrol,
    AskPurge,
    AskSubject,
    AskWithdraw,
    LikenessAnswer,
    LikenessAsk,
    VoiceCandidate,
    VoicesHeard,
    VoiceTemplate,
)
from rightscan.rights.axes import AxisB

SNAPSHOT_S = 300.0
"""Opened templates are kept in memory so long: each costs a call of KMS, 3 dollars for a million.

Whoever is named is looked up anew, so a withdrawal takes effect at once."""

_NAMED = (AxisB.STRONG, AxisB.CANDIDATE)

_Templates = Mapping[str, list[VoiceTemplate]]
_snapshots: WeakKeyDictionary[Vault, tuple[dt.datetime, _Templates]] = WeakKeyDictionary()


def answer(ask: LikenessAsk, ports: Ports) -> LikenessAnswer:
    """Do what is asked.

    Raises:
        RightscanError: as the use case of each kind.
    """
    match ask:
        case AskCompare():
            return LikenessAnswer(heard=_compare(ask, ports))
        case AskLog():
            return vault_upkeep.accesses(ask, ports)
        case AskSubject():
            return vault_upkeep.of_subject(ask, ports)
        case AskMayEnrol():
            enrolment.check(ask.performer_id, ports)
            return LikenessAnswer()
        case AskEnrol() | AskWithdraw() | AskPurge():
            # What was opened before is not what is there after.
            _snapshots.pop(ports.vault, None)
            return _change(ask, ports)
        case _:
            assert_never(ask)


def _change(ask: AskEnrol | AskWithdraw | AskPurge, ports: Ports) -> LikenessAnswer:
    match ask:
        case AskEnrol():
            return enrolment.keep(ask, ports)
        case AskWithdraw():
            return withdraw.end(ask, ports)
        case AskPurge():
            return vault_upkeep.purge(ask, ports)


def _compare(ask: AskCompare, ports: Ports) -> VoicesHeard:
    measure = ruler(ports.settings.engines)
    kept = _snapshot(Access(actor=ask.actor, action="compare", whose="all", reason=ask.reason), ports)
    who = {pseudonym: own[0].performer_id for pseudonym, own in kept.items() if own}
    # Templates of another encoder say nothing to this one: their performers wait for a new enrolment.
    templates = {
        pseudonym: fitting
        for pseudonym, own in kept.items()
        if (fitting := [template_of_record(one) for one in own if one.model == ask.print.model])
    }
    voice = print_of(ask.print)
    found = _permitted(
        lambda left: compare(voice, left, measure.cohort, measure.calibration),
        templates,
        lambda pseudonym: may_be_compared(who[pseudonym], ports),
    )
    axis_b = AxisB(found.level)
    named = _candidates(found) if axis_b in _NAMED else []
    return VoicesHeard(
        media_id=ask.media_id,
        scan_id=ask.scan_id,
        heard_at=ports.clock.now(),
        axis_b=axis_b,
        candidates=tuple(
            VoiceCandidate(
                performer_id=who[one.pseudonym],
                pseudonym=one.pseudonym,
                voice_register=one.register,
                log10_lr=one.log10_lr,
                seconds=one.seconds,
            )
            for one in named
        ),
        conditions=found.conditions,
        compared=len(templates),
        model=ask.print.model,
    )


def _permitted(
    ask: Callable[[Mapping[str, list[Template]]], Comparison],
    templates: dict[str, list[Template]],
    may: Callable[[str], bool],
) -> Comparison:
    """Compare until everybody who would be named may be: a withdrawal may come while the comparison runs."""
    while True:
        found = ask(templates)
        if AxisB(found.level) not in _NAMED:
            return found
        barred = {one.pseudonym for one in _candidates(found) if not may(one.pseudonym)}
        if not barred:
            return found
        for pseudonym in barred:
            del templates[pseudonym]


def _candidates(found: Comparison) -> list[Candidate]:
    return [] if found.best is None else [found.best, *found.alternatives]


def _snapshot(access: Access, ports: Ports) -> _Templates:
    """The templates of those whose consent is in force; every use of them is logged, remembered or not."""
    now = ports.clock.now()
    remembered = _snapshots.get(ports.vault)
    if remembered is not None and (now - remembered[0]).total_seconds() < SNAPSHOT_S:
        ports.vault.log(access)
        return remembered[1]
    opened = ports.vault.snapshot(lambda performer_id: may_be_compared(performer_id, ports), access)
    _snapshots[ports.vault] = now, opened
    return opened


def forget_snapshots() -> None:
    """Forget what was opened, for tests."""
    _snapshots.clear()
