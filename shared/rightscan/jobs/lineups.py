"""The line-up behind a recording as the registers have it on a day, with each performer's share."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rightscan.errors import PermanentError
from rightscan.ports import Ledger
from rightscan.records import registers
from rightscan.records.findings import FindingPerformer
from rightscan.rights import ledgers
from rightscan.rights.axes import Completeness
from rightscan.rights.lineup import Category, Lineup, LineupEntry
from rightscan.rights.money import HoldReason, RuleProfile, Shares, share_lineup

DEFAULT_RULE = "KR-5050"
"""The profile that weights are stated under until KMPU confirms its own (K)."""


@dataclass(frozen=True)
class KnownLineup:
    """What the registers say of one recording, and which versions of their rows were read."""

    recording: registers.Recording | None
    completeness: Completeness
    performers: tuple[FindingPerformer, ...]
    shares: Shares
    rows_read: dict[str, int]


def lineup_of(
    ledger: Ledger, recording_id: str, profile: RuleProfile, on: dt.date, stem: str | None = None
) -> KnownLineup:
    """Read the line-up of a recording.

    Args:
        ledger: the registers.
        recording_id: the recording.
        profile: the rule the shares are stated under.
        on: the Korean day of the use.
        stem: the part of it that is used, ``vocal`` or ``instrumental``; None: all of it.
    """
    recording = ledger.recording(recording_id)
    read = {f"recording/{recording_id}": 0 if recording is None else recording.version}
    lineup = _lineup(ledger, recording_id, recording, read)
    own = recording is not None and recording.stem is not None and bool(lineup.entries)
    if recording is not None and recording.stem_of and not own:
        whole = ledger.recording(recording.stem_of)
        read[f"recording/{recording.stem_of}"] = 0 if whole is None else whole.version
        lineup = _lineup(ledger, recording.stem_of, whole, read)
    # The separated backing of an upload shows that the backing is there, not that the singer is not: an announcer may
    # cover them. Only a registered instrumental, or a voice over another's backing, tells who is left out.
    registered = recording is not None and recording.stem is not None
    if stem is not None and not own and (registered or stem == Category.VOCAL):
        lineup = _of_part(lineup, stem, on)
    shares = _shares(profile, lineup, on)
    performers = []
    for entry in lineup.performers(on):
        performer = ledger.performer(entry.performer_id)
        mandates = ledger.mandates(entry.performer_id)
        read[f"performer/{entry.performer_id}"] = 0 if performer is None else performer.version
        read |= {
            f"mandate/{m.performer_id}/{m.valid_from}/{'+'.join(m.ledgers)}": m.version for m in mandates
        }
        performers.append(_performer(entry, performer, mandates, shares, on))
    return KnownLineup(recording, lineup.completeness(on), tuple(performers), shares, read)


def _lineup(
    ledger: Ledger, recording_id: str, recording: registers.Recording | None, read: dict[str, int]
) -> Lineup:
    rows = ledger.lineup(recording_id)
    read |= {
        f"lineup/{recording_id}/{row.performer_id}/{'+'.join(row.roles)}/{row.valid_from}": row.version
        for row in rows
    }
    size = None if recording is None else recording.lineup_size
    return Lineup(recording_id, size, tuple(entry_of(row) for row in rows))


def _of_part(whole: Lineup, stem: str, on: dt.date) -> Lineup:
    """Who performed on a stem, by the line-up of its recording: nobody sings on an instrumental.

    Whoever has no category stays in, and whoever is missing from the whole may be missing from the part.
    """
    known = whole.performers(on)
    part = tuple(entry for entry in known if not entry.categories or Category(stem) in entry.categories)
    missing = None if whole.size is None else max(0, whole.size - len(known))
    return Lineup(whole.recording_id, None if missing is None else len(part) + missing, part)


def entry_of(row: registers.LineupEntry) -> LineupEntry:
    """The register row as the rights rules take it."""
    return LineupEntry(
        recording_id=row.recording_id,
        performer_id=row.performer_id,
        featured=row.featured,
        roles=row.roles,
        categories=tuple(map(Category, row.categories)),
        instruments=row.instruments,
        valid_from=_day(row.valid_from),
    )


def mandate_of(row: registers.Mandate) -> ledgers.Mandate:
    """The register row as the ledger rules take it."""
    return ledgers.Mandate(
        performer_id=row.performer_id,
        kind=ledgers.MandateKind(row.mandate),
        ledgers=tuple(map(ledgers.Ledger, row.ledgers)),
        territories=row.territories,
        valid_from=_day(row.valid_from),
        valid_to=_day(row.valid_to),
    )


def _day(text: str | None) -> dt.date | None:
    return None if text is None else dt.date.fromisoformat(text)


def _shares(profile: RuleProfile, lineup: Lineup, on: dt.date) -> Shares:
    try:
        return share_lineup(profile, lineup, on)
    except PermanentError:
        # A payee that is no person (or a contradiction in the rows): the use stands, the money is held.
        return Shares({}, Fraction(1), HoldReason.LINEUP_CONTRADICTION, profile.rule)


def _performer(
    entry: LineupEntry,
    performer: registers.Performer | None,
    mandates: list[registers.Mandate],
    shares: Shares,
    on: dt.date,
) -> FindingPerformer:
    share = shares.parts.get(entry.performer_id)
    names: dict[str, Any] = {}
    if performer is not None:
        names = {name: getattr(performer, name) for name in ("name_ko", "name_roman", "stage_name")}
    return FindingPerformer(
        performer_id=entry.performer_id,
        **names,
        categories=tuple(category.value for category in entry.categories),
        roles=entry.roles,
        instruments=entry.instruments,
        featured=entry.featured,
        mandate=ledgers.mandate_status([mandate_of(row) for row in mandates], on).value,
        weight_num=None if share is None else share.numerator,
        weight_den=None if share is None else share.denominator,
    )
