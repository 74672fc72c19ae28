"""What late registrations change: the performers stored with a finding against those of the registers now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal


@dataclass(frozen=True, slots=True)
class Attributed:
    """One performer behind a use: mandate word, featured or not, share of the recording (None: held)."""

    performer_id: str
    mandate: str | None
    featured: bool | None
    weight: Fraction | None


@dataclass(frozen=True, slots=True)
class Change:
    """One performer's difference; ``before`` None was not there, ``after`` None is no longer."""

    performer_id: str
    before: Attributed | None
    after: Attributed | None

    @property
    def what(self) -> tuple[Literal["added", "removed", "mandate", "featured", "weight"], ...]:
        """What differs."""
        if self.before is None:
            return ("added",)
        if self.after is None:
            return ("removed",)
        found: list[Literal["mandate", "featured", "weight"]] = []
        if self.before.mandate != self.after.mandate:
            found.append("mandate")
        if self.before.featured != self.after.featured:
            found.append("featured")
        if self.before.weight != self.after.weight:
            found.append("weight")
        return tuple(found)


def changes(before: Iterable[Attributed], after: Iterable[Attributed]) -> list[Change]:
    """The performers that differ, by performer_id; two equal attributions give none."""
    old = {one.performer_id: one for one in before}
    new = {one.performer_id: one for one in after}
    return [
        Change(performer_id, old.get(performer_id), new.get(performer_id))
        for performer_id in sorted({*old, *new})
        if old.get(performer_id) != new.get(performer_id)
    ]
