"""From a pool to people: a recording's part by its units, the line-up's split within it, one rounding a pool.

Everything stays a fraction until one largest-remainder rounding; what is held keeps the won it would have been
paid, so a hold never changes what anybody else gets. Domain page, section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from rightscan.errors import UsageError
from rightscan.rights.money import HoldReason, Shares, largest_remainder

NOBODY = ""
"""Stands where a performer would: money that is nobody's yet."""


@dataclass(frozen=True, slots=True)
class Stake:
    """What one use brings into a pool.

    Attributes:
        use_id: the use.
        recording_id: the recording that was used.
        units: what the money follows: uses or seconds, at least 0.
        shares: the line-up's parts of the recording's money.
        holds: why a performer's part of this use is held, by performer_id.
        hold_all: why the whole use is held, where it is.

    """

    use_id: str
    recording_id: str
    units: Fraction
    shares: Shares
    holds: Mapping[str, HoldReason] = field(default_factory=dict)
    hold_all: HoldReason = HoldReason.NONE


@dataclass(frozen=True, slots=True)
class Portion:
    """Whole won of one performer from one recording, all of it paid or all of it held.

    ``performer_id`` is ``NOBODY`` for money that no known performer is sure to get. ``weight`` is the exact part
    of the pool, ``units`` those of the uses behind it.
    """

    recording_id: str
    performer_id: str
    hold_reason: HoldReason
    won: int
    weight: Fraction
    units: Fraction
    use_ids: tuple[str, ...]

    @property
    def held(self) -> int:
        """The won that are not paid yet."""
        return 0 if self.hold_reason is HoldReason.NONE else self.won

    @property
    def payable(self) -> int:
        """The won that are paid."""
        return self.won - self.held


@dataclass(slots=True)
class _Part:
    weight: Fraction = Fraction(0)
    units: Fraction = Fraction(0)
    use_ids: list[str] = field(default_factory=list)


def distribute(pool_won: int, stakes: Iterable[Stake]) -> list[Portion]:
    """Divide one pool of one ledger and period.

    Each performer's won of a recording come from one largest-remainder rounding over the whole pool, equal
    remainders by recording_id, then performer_id, nobody's money last. Only then are they parted into what is
    paid and what is held, so that a hold moves no won between people.

    Returns:
        By recording_id, performer_id (nobody last) and reason; the won sum to ``pool_won`` exactly. Where
        nothing was used, one portion holds the pool.

    Raises:
        UsageError: ``bad_pool`` where the pool or units are negative.

    """
    parts = _parts(stakes)
    whole = sum((part.weight for reasons in parts.values() for part in reasons.values()), Fraction(0))
    if pool_won < 0:
        raise UsageError("bad_pool", f"a pool of {pool_won} won", "Give whole won, 0 or more.")
    if not whole:
        return [Portion("", NOBODY, HoldReason.NO_USE, pool_won, Fraction(0), Fraction(0), ())]
    keys = sorted(parts, key=_order)
    sums = [sum((part.weight for part in parts[key].values()), Fraction(0)) for key in keys]
    portions = []
    for key, won in zip(keys, largest_remainder(sums, pool_won, [_order(key) for key in keys]), strict=True):
        reasons = sorted(parts[key])
        split = largest_remainder([parts[key][reason].weight for reason in reasons], won, reasons)
        for reason, amount in zip(reasons, split, strict=True):
            part = parts[key][reason]
            portions.append(
                Portion(*key, reason, amount, part.weight / whole, part.units, tuple(sorted(part.use_ids)))
            )
    return portions


def _order(key: tuple[str, str]) -> tuple[str, bool, str]:
    recording_id, performer_id = key
    return recording_id, performer_id == NOBODY, performer_id


def _parts(stakes: Iterable[Stake]) -> dict[tuple[str, str], dict[HoldReason, _Part]]:
    """Units times share by (recording, performer) and hold reason; what weighs nothing is left out."""
    found: dict[tuple[str, str], dict[HoldReason, _Part]] = {}
    for stake in stakes:
        if stake.units < 0:
            raise UsageError(
                "bad_pool", f"use {stake.use_id} has {stake.units} units", "Units are 0 or more."
            )
        shares = {**stake.shares.parts, NOBODY: stake.shares.held}
        for performer_id, share in shares.items():
            if not share * stake.units:
                continue
            own = stake.shares.hold_reason if performer_id == NOBODY else stake.holds.get(performer_id)
            reason = own if stake.hold_all is HoldReason.NONE else stake.hold_all
            reasons = found.setdefault((stake.recording_id, performer_id), {})
            part = reasons.setdefault(reason or HoldReason.NONE, _Part())
            part.weight += share * stake.units
            part.units += stake.units
            part.use_ids.append(stake.use_id)
    return found
