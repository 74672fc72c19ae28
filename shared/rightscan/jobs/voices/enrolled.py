"""How many performers have templates: a scan of nobody's concern need not listen for voices."""

from __future__ import annotations

from rightscan.ports import Conflict, Ports

POINTER = "templates"
_ATTEMPTS = 8


def note_enrolled(ports: Ports) -> None:
    """Write down how many performers have templates now; the function ``likeness`` does it after each change.

    Raises:
        Conflict: others write at the same time, again and again.
    """
    for _ in range(_ATTEMPTS):
        standing = ports.ledger.pointer(POINTER)
        value = {"performers": ports.vault.count()}
        if standing is not None and standing.value == value:
            return
        try:
            ports.ledger.move_pointer(
                POINTER, value, revision=None if standing is None else standing.revision, at=ports.clock.now()
            )
        except Conflict:
            continue
        return
    raise Conflict("the number of enrolled performers")


def anybody_enrolled(ports: Ports) -> bool:
    """Whether a scan has anybody to compare with: one read, of a number and not of the vault."""
    standing = ports.ledger.pointer(POINTER)
    return standing is not None and int(standing.value.get("performers", 0)) > 0
