"""Deterministic identities: the same thing gets the same id on every machine and at every attempt.

Random ids would make a repeated delivery a second use, and a second use is a second payment.
"""

from __future__ import annotations

import hashlib
import uuid

# One namespace for the project, so that its ids cannot collide with another system's uuid5 of the same text.
NAMESPACE = uuid.UUID("0d0e6f6a-3c8e-5d5c-9d0b-6f1a1f8f4f11")


def _uuid5(*parts: str) -> str:
    # Length prefixes: without them ("ab","c") and ("a","bc") would be one id.
    return str(uuid.uuid5(NAMESPACE, "\x1f".join(f"{len(part)}:{part}" for part in parts)))


def object_id(bucket: str, key: str) -> str:
    """The SHA-1 of ``bucket/key``: names an object in logs and keys without showing its name."""
    # surrogatepass: a file name that is no valid UTF-8 still gets an id instead of stopping the batch.
    return hashlib.sha1(f"{bucket}/{key}".encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest()


def scan_id(media_id: str, pipeline_version: str) -> str:
    """One analysis of these bytes by this pipeline."""
    return _uuid5("scan", media_id, pipeline_version)


def use_id(bucket: str, key: str, version: str, recording_id: str, occurrence_id: str) -> str:
    """One appearance of a recording in one upload."""
    return _uuid5("use", object_id(bucket, key), version, recording_id, occurrence_id)


def match_id(media_id: str, recording_id: str, occurrence_id: str) -> str:
    """One appearance of a recording in these bytes."""
    return _uuid5("match", media_id, recording_id, occurrence_id)


def occurrence_id(media_id: str, recording_id: str, media_start: float, reference_start: float) -> str:
    """The id of a newly found appearance; later results that overlap it by half inherit it.

    Args:
        media_id: the bytes.
        recording_id: the recording found in them.
        media_start: where in the upload, s; rounded to 10 ms so that a replay mints the same id.
        reference_start: where in the recording, s; likewise.
    """
    return _uuid5("occurrence", media_id, recording_id, f"{media_start:.2f}", f"{reference_start:.2f}")


def finding_id(media_id: str, subject: str) -> str:
    """The finding on one subject (an occurrence id, or ``"whole"``) in these bytes."""
    return _uuid5("finding", media_id, subject)


def case_id(finding: str, code: str) -> str:
    """The case that a finding of this code opens."""
    return _uuid5("case", finding, code)


def dispute_id(recording_id: str, use: str, performer_id: str, number: int) -> str:
    """The dispute of this number over one performer's share; ``use`` is empty for all uses."""
    return _uuid5("dispute", recording_id, use, performer_id, str(number))


def appeal_id(case: str, round_number: int) -> str:
    """The appeal against the decision of one round of a case."""
    return _uuid5("appeal", case, str(round_number))


def conflict_id(kind: str, *claims: str) -> str:
    """One conflict between two recordings: of two matches, or of the recordings and what both claim."""
    return _uuid5("conflict", kind, *claims)


def incident_id(source_kind: str, source_ref: str, code: str) -> str:
    """One recorded trouble of one source."""
    return _uuid5("incident", source_kind, source_ref, code)


def registration_id(bucket: str, key: str, version: str) -> str:
    """The processing of one version of one catalogue file."""
    return _uuid5("registration", object_id(bucket, key), version)


def shard_of(identity: str, shards: int = 16) -> int:
    """A stable shard in ``0 … shards - 1``, so that a hot list is spread over partitions."""
    return int(hashlib.sha1(identity.encode(), usedforsecurity=False).hexdigest()[:4], 16) % shards
