"""What a voice that was recognised adds to a verdict: the licences asked for it, and whether a match explains it."""

from __future__ import annotations

from collections.abc import Iterable

from rightscan.jobs.authorisation import NOT_ASKED, Authorisation, Posting, of_performer
from rightscan.jobs.findings import VOICE
from rightscan.jobs.lineups import KnownLineup
from rightscan.jobs.spans import SpanOrigin
from rightscan.jobs.voices.heard import Voices
from rightscan.ports import Ledger


def of_voice(ledger: Ledger, voices: Voices, origin: SpanOrigin, posting: Posting) -> Authorisation:
    """Ask the licence register about the performer who is named first, before anybody is suspected."""
    return NOT_ASKED if voices.best is None else of_performer(ledger, voices.best, origin, posting)


def subject_of(voices: Voices, lineups: Iterable[KnownLineup]) -> str | None:
    """The subject of a finding of its own, where the voice is of nobody in the line-ups of what matched.

    Voices are compared over the whole file. A performer whose recording is in it sounds like themselves; of
    another, the voice is a claim of its own.
    """
    if voices.best is None:
        return None
    explained = {one.performer_id for lineup in lineups for one in lineup.performers}
    return None if voices.best in explained else VOICE
