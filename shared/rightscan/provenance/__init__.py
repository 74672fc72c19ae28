"""What a file says of its own origin: a signed C2PA manifest, tags that name a generator, traces of encoders.

Two kinds of statement of very different weight. A manifest is bound to the bytes by a signature, and is trusted
where that leads to a configured authority. A tag is what anybody wrote. Neither proves anything by its absence.
"""

from rightscan.provenance.reading import read_in_child, read_provenance, unread
from rightscan.provenance.records import (
    Credentials,
    Declaration,
    MiningEntry,
    Problem,
    Provenance,
    SourceType,
    Trace,
    Traces,
    ValidationCode,
)
from rightscan.provenance.trust import TrustSettings

__all__ = [
    "Credentials",
    "Declaration",
    "MiningEntry",
    "Problem",
    "Provenance",
    "SourceType",
    "Trace",
    "Traces",
    "TrustSettings",
    "ValidationCode",
    "read_in_child",
    "read_provenance",
    "unread",
]
