"""What must be said before a person's data is read: who asks, and why, in words that hold nobody's number."""

from __future__ import annotations

from rightscan.errors import UsageError
from rightscan.rights.names import clean_text
from rightscan.rights.personal_data import find_leaks

MOST = 500
"""Characters of an actor or a reason."""


def checked_reason(actor: str, reason: str) -> tuple[str, str]:
    """Return actor and reason as the log keeps them.

    Raises:
        UsageError: ``no_actor_or_reason`` where one is empty or too long, ``personal_data_in_reason``.
    """
    actor, reason = clean_text(actor), clean_text(reason)
    if not actor or not reason or max(len(actor), len(reason)) > MOST:
        raise UsageError(
            "no_actor_or_reason",
            f"an access names nobody or no reason, or one longer than {MOST} characters",
            "Give --actor and --reason.",
        )
    if find_leaks(reason) or find_leaks(actor):
        raise UsageError(
            "personal_data_in_reason",
            "the reason or the actor holds a resident registration or telephone number",
            "Name the case by its number instead.",
        )
    return actor, reason
