"""What people ask of the vault beside enrolment: one performer's own data, the log, and the end of what has no consent.

These run inside the function ``likeness``.
"""

from __future__ import annotations

import datetime as dt

from rightscan.jobs.voices.detection_consent import may_be_compared
from rightscan.jobs.voices.enrolled import note_enrolled
from rightscan.ports import Ports
from rightscan.records.vault import Access, AskLog, AskPurge, AskSubject, LikenessAnswer

_BEGINNING = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # before it no vault was
_EVERYBODY = "all"


def of_subject(ask: AskSubject, ports: Ports) -> LikenessAnswer:
    """One performer's templates, tombstone and the accesses to them."""
    pseudonym = ports.vault.pseudonym(ask.performer_id)
    access = Access(actor=ask.actor, action="subject", whose=pseudonym, reason=ask.reason)
    templates = ports.vault.templates_of(ask.performer_id, access)
    until = ports.clock.now() + dt.timedelta(seconds=1)
    entries = list(ports.vault.accesses(_BEGINNING, until, access))
    return LikenessAnswer(
        pseudonym=pseudonym,
        templates=tuple(templates),
        tombstone=ports.vault.tombstone(ask.performer_id),
        accesses=tuple(entry for entry in entries if entry.whose == pseudonym),
        comparisons=sum(entry.whose == _EVERYBODY and entry.action == "compare" for entry in entries),
    )


def accesses(ask: AskLog, ports: Ports) -> LikenessAnswer:
    """The log of a span."""
    access = Access(actor=ask.actor, action="read_log", whose="-", reason=ask.reason)
    return LikenessAnswer(accesses=tuple(ports.vault.accesses(ask.since, ask.until, access)))


def purge(ask: AskPurge, ports: Ports) -> LikenessAnswer:
    """Find, or end, templates whose consent is not in force, and log entries older than their time."""
    access = Access(actor=ask.actor, action="purge", whose=_EVERYBODY, reason=ask.reason)
    without = [one for one in ports.vault.enrolled(access) if not may_be_compared(one, ports)]
    if ask.apply:
        for performer_id in without:
            whose = ports.vault.pseudonym(performer_id)
            ports.vault.destroy(performer_id, access.model_copy(update={"whose": whose}))
        note_enrolled(ports)
    return LikenessAnswer(
        without_consent=tuple(without),
        log_entries=ports.vault.forget_accesses(ask.log_before, access, apply=ask.apply and ask.forget_log),
    )
