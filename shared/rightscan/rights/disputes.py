"""Disputes over a share: the states they go through, and what they hold back.

A disputed share moves to ``held`` and never to others. What ends a dispute changes what is paid, so the person
who ends it is another than the one who took it up. Domain page, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from rightscan.errors import UsageError
from rightscan.rights.reviews import person


class DisputeState(StrEnum):
    """Where a dispute stands.

    ``upheld``: the share stays as it was; ``adjusted``: it is corrected by reversal and replacement;
    ``withdrawn``: whoever raised it takes it back.
    """

    UNDISPUTED = "undisputed"
    DISPUTED = "disputed"
    UNDER_REVIEW = "under_review"
    UPHELD = "upheld"
    ADJUSTED = "adjusted"
    WITHDRAWN = "withdrawn"

    @property
    def holds(self) -> bool:
        """Whether the share is held back."""
        return self in (DisputeState.DISPUTED, DisputeState.UNDER_REVIEW)

    @property
    def ended(self) -> bool:
        """Whether it is over."""
        return not STEPS[self]


STEPS: Mapping[DisputeState, tuple[DisputeState, ...]] = MappingProxyType(
    {
        DisputeState.UNDISPUTED: (DisputeState.DISPUTED,),
        DisputeState.DISPUTED: (DisputeState.UNDER_REVIEW,),
        DisputeState.UNDER_REVIEW: (DisputeState.UPHELD, DisputeState.ADJUSTED, DisputeState.WITHDRAWN),
        DisputeState.UPHELD: (),
        DisputeState.ADJUSTED: (),
        DisputeState.WITHDRAWN: (),
    }
)
"""Which states may follow which."""

_TWO_PEOPLE = frozenset({DisputeState.UPHELD, DisputeState.ADJUSTED})
"""Ends that release or move money. A withdrawal is the claimant's own word."""


def move(state: DisputeState, to: DisputeState, *, actor: str, taken_up_by: str | None, reason: str) -> None:
    """Refuse a step that the rules do not allow.

    Args:
        state: where the dispute stands.
        to: where it is to go.
        actor: who says so.
        taken_up_by: who moved it to ``under_review``; None before that.
        reason: why.

    Raises:
        UsageError: ``dispute_step`` for a step that may not follow; ``no_reason`` without one; ``no_actor``;
            ``second_person_needed`` where the person who ends it is the one who took it up.

    """
    if to not in STEPS[state]:
        raise UsageError(
            "dispute_step",
            f"a dispute that is {state} cannot become {to}",
            f"It can become: {', '.join(STEPS[state]) or 'nothing else; raise a new one'}.",
        )
    name = person(actor)
    if not any(letter.isalnum() for letter in reason):
        raise UsageError("no_reason", "no reason was given", "Say why with --reason.")
    if to in _TWO_PEOPLE and taken_up_by is not None and person(taken_up_by) == name:
        raise UsageError(
            "second_person_needed", f"{actor} took the dispute up", "Another person has to decide."
        )
