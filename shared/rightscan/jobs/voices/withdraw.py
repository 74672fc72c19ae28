"""Withdrawal: nothing is reported of the performer's likeness from now on, and their data key is destroyed."""

from __future__ import annotations

from rightscan.errors import PermanentError
from rightscan.jobs.voices.detection_consent import as_consent
from rightscan.jobs.voices.enrolled import note_enrolled
from rightscan.ports import Ports
from rightscan.records.vault import Access, AskWithdraw, LikenessAnswer, Suppression, Tombstone
from rightscan.rights.access_reasons import checked_reason
from rightscan.rights.consents import DETECTION, ConsentState, consent_state


def withdraw(performer_id: str, ports: Ports, *, actor: str, reason: str) -> Tombstone:
    """End a performer's templates; may be repeated.

    Args:
        performer_id: as registered.
        ports: the world.
        actor: who does it.
        reason: why.

    Returns:
        What stays: when, and of which registers there were templates; nobody is named in it.

    Raises:
        UsageError: ``no_actor_or_reason``, ``personal_data_in_reason``.
        PermanentError: ``unknown_performer``.
        TransientError: the vault cannot be reached. The suppression may stand already; withdraw again.
    """
    actor, reason = checked_reason(actor, reason)
    told = ports.likeness(AskWithdraw(actor=actor, reason=reason, performer_id=performer_id), ports)
    if told.tombstone is None:
        raise PermanentError(
            "vault_corrupt",
            "the vault: a withdrawal left no tombstone",
            "Restore templates and keys as they belong together, or enrol the performer again.",
        )
    return told.tombstone


# ---- inside the function ``likeness`` -------------------------------------------------------------------
def end(ask: AskWithdraw, ports: Ports) -> LikenessAnswer:
    """Suppress, end the consent, destroy the key, remove what it locked: in this order.

    Raises:
        PermanentError: ``unknown_performer``.
    """
    actor, reason = checked_reason(ask.actor, ask.reason)
    if ports.ledger.performer(ask.performer_id) is None:
        raise PermanentError(
            "unknown_performer",
            f"no performer {ask.performer_id} is registered",
            "Register the performer and the consent C1 first.",
        )
    now = ports.clock.now()
    standing = ports.ledger.suppression(ask.performer_id)
    if standing is None or standing.lifted_at is not None:
        # The first write of all: a scan that runs meanwhile reads it before it names anybody.
        ports.ledger.put_suppression(
            Suppression(performer_id=ask.performer_id, since=now, actor=actor, reason=reason)
        )
    pseudonym = ports.vault.pseudonym(ask.performer_id)
    access = Access(actor=actor, action="withdraw", whose=pseudonym, reason=reason)
    stone = ports.vault.destroy(ask.performer_id, access)
    for row in ports.ledger.consents(ask.performer_id):
        if consent_state([as_consent(row)], DETECTION, now) in (ConsentState.IN_FORCE, ConsentState.NOT_YET):
            ports.ledger.save_register_row(
                row.model_copy(
                    update={
                        "withdrawn_at": now.isoformat(),
                        "changed_at": now,
                        "changed_by": actor,
                        "reason": reason,
                    }
                )
            )
    note_enrolled(ports)
    return LikenessAnswer(pseudonym=pseudonym, tombstone=stone)
