"""Troubles as records: each input that could not be handled is found again with its code and remedy."""

from __future__ import annotations

import hashlib
from typing import Literal

from rightscan.errors import RightscanError
from rightscan.ports import Ports
from rightscan.records import identity
from rightscan.records.objects import ErrorInfo, Upload
from rightscan.records.operations import Incident
from rightscan.rights.periods import kst_month

SourceKind = Literal["upload", "media", "event", "catalogue", "reference", "report", "enrolment"]


def info(error: RightscanError) -> ErrorInfo:
    """The error as a record holds it."""
    return ErrorInfo(code=error.code, cause=error.cause, remedy=error.remedy)


def record(
    ports: Ports, source_kind: SourceKind, source_ref: str, error: ErrorInfo, *, period: str | None = None
) -> None:
    """Record a trouble once.

    Args:
        ports: the world.
        source_kind: what kind of thing had it.
        source_ref: its id; never a name or a key, since incidents are listed on screens and in logs.
        error: code, cause and remedy.
        period: the KST month it is reported in; default: now.
    """
    now = ports.clock.now()
    incident = Incident(
        incident_id=identity.incident_id(source_kind, source_ref, error.code),
        source_kind=source_kind,
        source_ref=source_ref,
        code=error.code,
        cause=error.cause,
        remedy=error.remedy,
        period=period or kst_month(now),
        first_seen=now,
    )
    if ports.ledger.record_incident(incident) is incident:
        ports.meter.count(f"Incident.{source_kind}")


def record_event(ports: Ports, body: str, error: RightscanError) -> None:
    """Record a message that nobody can read, under the hash of its text."""
    digest = hashlib.sha256(body.encode("utf-8", "surrogatepass")).hexdigest()
    record(ports, "event", digest, info(error))


def record_upload(ports: Ports, upload: Upload, error: ErrorInfo) -> None:
    """Record why one upload was not taken."""
    record(ports, "upload", upload.ref.log_index, error, period=upload.use_period)
