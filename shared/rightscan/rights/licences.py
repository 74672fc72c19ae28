"""AI licences: whether one in the register covers a use, and why not where it does not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from rightscan.rights import vocabulary

WHOLE = "whole"
AI_USE = "ai_generation"
"""The word of the ``use_type`` list that a licence to make something new with AI names in its scope."""


class Shortfall(StrEnum):
    """Why a licence does not cover a use."""

    NOT_YET = "not_yet"
    ENDED = "ended"
    TERRITORY = "territory"
    SCOPE = "scope"
    PARTS = "parts"


@dataclass(frozen=True, slots=True)
class Licence:
    """Permission for an AI use. Days are Korean, both included; None: open. An empty tuple sets no limit.

    Attributes:
        licence_id: names it.
        performer_id: whose voice or playing it is about; empty where it is about a recording.
        recording_id: which recording it is about; empty where it is about a performer.
        scope: words of the ``use_type`` list.
        parts: words of the ``ai_part`` list.
        territories: ISO 3166-1 alpha-2 codes.
        valid_from: first day.
        valid_to: last day.
    """

    licence_id: str
    performer_id: str = ""
    recording_id: str = ""
    scope: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None


@dataclass(frozen=True, slots=True)
class AiUse:
    """What has to be covered.

    Attributes:
        parts: words of the ``ai_part`` list; all of them must be licensed.
        days: Korean days on which it was posted; the licence must cover each.
        territories: of the posting, where known; each must be covered.
    """

    parts: frozenset[str]
    days: frozenset[dt.date]
    territories: frozenset[str] = frozenset()


def shortfall(licence: Licence, use: AiUse) -> Shortfall | None:
    """Return the first reason why the licence does not cover the use; None where it does."""
    if any(licence.valid_from is not None and day < licence.valid_from for day in use.days):
        return Shortfall.NOT_YET
    if any(not vocabulary.is_in_force(licence.valid_from, licence.valid_to, day) for day in use.days):
        return Shortfall.ENDED
    if licence.territories and not use.territories <= set(licence.territories):
        return Shortfall.TERRITORY
    if licence.scope and AI_USE not in licence.scope:
        return Shortfall.SCOPE
    if licence.parts and WHOLE not in licence.parts and not use.parts <= set(licence.parts):
        return Shortfall.PARTS
    return None


@dataclass(frozen=True, slots=True)
class Consulted:
    """What the register says of one use.

    Attributes:
        covering: licences that together permit it; empty where they do not.
        misses: licences that concern the same recording or performers and do not cover it, each with the reason:
            counter-evidence that whoever looks at a suspicion has to see.
    """

    covering: tuple[str, ...] = ()
    misses: tuple[tuple[str, Shortfall], ...] = ()


def consult(licences: Iterable[Licence], use: AiUse, performers: frozenset[str]) -> Consulted:
    """Ask the register about the AI use of one recording, or of a performer's likeness.

    A licence of the recording permits it alone. Licences of performers permit it only where each of the
    performers whose part is used has one: a featured singer cannot give away what a session player did.

    Args:
        licences: of the recording and of the performers, any state.
        use: what has to be covered.
        performers: ids of those whose part is used.
    """
    fits: dict[str, set[str]] = {}
    of_recording: list[str] = []
    misses = []
    for licence in sorted(
        set(licences), key=lambda one: (one.licence_id, one.recording_id, one.performer_id)
    ):
        lacking = shortfall(licence, use)
        if lacking is not None:
            misses.append((licence.licence_id, lacking))
        elif licence.recording_id:
            of_recording.append(licence.licence_id)
        else:
            fits.setdefault(licence.performer_id, set()).add(licence.licence_id)
    if of_recording:
        return Consulted(tuple(dict.fromkeys(of_recording)), tuple(misses))
    if performers and performers <= set(fits):
        return Consulted(tuple(sorted(set().union(*(fits[one] for one in performers)))), tuple(misses))
    return Consulted((), tuple(misses))
