"""Whether a performer's consent is in force: domain page, section 1. Consents are separate and off by default."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rightscan.rights.periods import kst_day
from rightscan.rights.vocabulary import is_in_force

DETECTION = "C1"
"""Detect my voice and face in scans."""


class ConsentState(StrEnum):
    """What the register says of a consent."""

    IN_FORCE = "in_force"
    ABSENT = "absent"
    NOT_YET = "not_yet"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"
    WITHOUT_TEXT = "without_text"


@dataclass(frozen=True, slots=True)
class Consent:
    """One row of the register. Days are Korean and included; None is open.

    Attributes:
        kind: ``C1`` to ``C5``.
        valid_from: first day.
        valid_to: last day.
        withdrawn_at: aware; from this moment on it is not in force.
        text_sha256: of the text that was signed; a consent to nobody knows what is none.
    """

    kind: str
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    withdrawn_at: dt.datetime | None = None
    text_sha256: str = ""


_NEAREST = (
    ConsentState.IN_FORCE,
    ConsentState.WITHDRAWN,
    ConsentState.WITHOUT_TEXT,
    ConsentState.ENDED,
    ConsentState.NOT_YET,
)


def consent_state(consents: Iterable[Consent], kind: str, now: dt.datetime) -> ConsentState:
    """Say how a consent stands on the Korean day of ``now``.

    Args:
        consents: all rows of one performer.
        kind: ``C1`` to ``C5``.
        now: aware.

    Returns:
        ``in_force`` where any row is; else what the row says that comes nearest to it, ``absent`` without one.
    """
    states = {_state(consent, now) for consent in consents if consent.kind == kind}
    return next((state for state in _NEAREST if state in states), ConsentState.ABSENT)


def _state(consent: Consent, now: dt.datetime) -> ConsentState:
    day = kst_day(now)
    if consent.withdrawn_at is not None and consent.withdrawn_at <= now:
        return ConsentState.WITHDRAWN
    if not is_in_force(consent.valid_from, None, day):
        return ConsentState.NOT_YET
    if not is_in_force(None, consent.valid_to, day):
        return ConsentState.ENDED
    return ConsentState.IN_FORCE if consent.text_sha256 else ConsentState.WITHOUT_TEXT
