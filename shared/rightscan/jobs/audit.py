"""Audits of the custody log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rightscan.ports import Ports
from rightscan.records.objects import UploadState, first_broken


@dataclass(frozen=True)
class BrokenChain:
    """A custody chain that does not hold, and the first entry that shows it."""

    log_index: str
    reason: str


@dataclass
class LogAudit:
    """Verifies every upload's custody chain; counts as it goes."""

    ports: Ports
    chains: int = 0
    entries: int = 0

    def run(self) -> Iterator[BrokenChain]:
        """The chains that do not hold."""
        for upload in self.ports.ledger.uploads():
            if upload.state is not UploadState.LINKED:
                continue
            chain = self.ports.ledger.custody(upload.ref)
            self.chains += 1
            self.entries += len(chain)
            broken = first_broken(chain)
            if broken is not None:
                yield BrokenChain(broken.log_index, "the entry does not follow from the one before")
            elif (
                not chain or chain[0].action != "received" or chain[0].detail.get("sha256") != upload.media_id
            ):
                yield BrokenChain(
                    f"{upload.ref.log_index}/1", "the first entry is not the receipt of these bytes"
                )
