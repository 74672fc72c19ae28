"""May this performer's voice be compared: consent C1 on the Korean day, and no suppression. Read each time anew."""

from __future__ import annotations

import dataclasses
import datetime as dt

from rightscan.ports import Ledger, Ports
from rightscan.records import registers
from rightscan.records.vault import Suppression
from rightscan.rights.consents import DETECTION, Consent, ConsentState, consent_state
from rightscan.rights.periods import kst_day


def consent_of(ledger: Ledger, performer_id: str, now: dt.datetime) -> ConsentState:
    """How the performer's C1 stands, with what a withdrawal ended."""
    return _state(ledger, performer_id, ledger.suppression(performer_id), now)


def may_be_compared(performer_id: str, ports: Ports) -> bool:
    """Whether anything may be said of the performer's likeness now; all reads are strongly consistent."""
    suppression = ports.ledger.suppression(performer_id)
    if suppression is not None and suppression.lifted_at is None:
        return False
    state = _state(ports.ledger, performer_id, suppression, ports.clock.now())
    return state is ConsentState.IN_FORCE


def as_consent(row: registers.Consent) -> Consent:
    """The register row as the rules take it."""
    return Consent(
        kind=row.consent,
        valid_from=None if row.valid_from is None else dt.date.fromisoformat(row.valid_from),
        valid_to=None if row.valid_to is None else dt.date.fromisoformat(row.valid_to),
        withdrawn_at=None if row.withdrawn_at is None else dt.datetime.fromisoformat(row.withdrawn_at),
        text_sha256=row.text_sha256 or "",
    )


def _state(
    ledger: Ledger, performer_id: str, suppression: Suppression | None, now: dt.datetime
) -> ConsentState:
    consents = [as_consent(row) for row in ledger.consents(performer_id)]
    if suppression is not None:
        consents = [_ended_by(suppression, consent) for consent in consents]
    return consent_state(consents, DETECTION, now)


def _ended_by(suppression: Suppression, consent: Consent) -> Consent:
    """A consent from before a withdrawal stays withdrawn, although a catalogue file of old may bring it again.

    A new one begins on the day after the withdrawal at the earliest.
    """
    day = kst_day(suppression.since)
    if consent.valid_from is not None and consent.valid_from > day:
        return consent
    return dataclasses.replace(consent, withdrawn_at=consent.withdrawn_at or suppression.since)
