"""Tell every upload of some bytes that they were refused."""

from __future__ import annotations

from rightscan.jobs import custody, incidents
from rightscan.ports import Ports
from rightscan.records.objects import ErrorInfo


def refuse_uploads(media_id: str, error: ErrorInfo, ports: Ports) -> None:
    """Enter the refusal into each upload's custody chain and record its incident; both once.

    To be called before the state that ends the work, so that no stop in between loses it, and again after
    it: an upload that came in the meantime saw bytes still in work, and nobody else would tell it.

    Args:
        media_id: the bytes.
        error: why.
        ports: the world.
    """
    for upload in ports.ledger.aliases(media_id):
        incidents.record_upload(ports, upload, error)
        custody.record_outcome(upload, "refused", error.code, {"code": error.code}, ports)
