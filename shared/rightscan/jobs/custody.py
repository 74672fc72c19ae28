"""What the custody chain of an upload says of its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rightscan.ports import Ports
from rightscan.records.objects import Upload


def record_outcome(
    upload: Upload, action: str, subject: str, detail: Mapping[str, Any], ports: Ports
) -> None:
    """Enter an outcome once.

    Every upload of the same bytes gets the same entries, whichever of them came first and was analysed.

    Args:
        upload: whose chain.
        action: ``verdict`` or ``refused``.
        subject: the verdict id or error code; with the action it names the entry.
        detail: JSON values.
        ports: the world.
    """
    ports.ledger.append_custody(
        upload.ref,
        at=ports.clock.now(),
        actor="rightscan",
        action=action,
        subject=subject,
        detail={name: value for name, value in detail.items() if value is not None},
    )
