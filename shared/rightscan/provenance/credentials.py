"""Read and verify a file's C2PA manifest. Nothing is ever fetched: what lies elsewhere is named, not followed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import c2pa

from rightscan.provenance.containers import BoundedReader, manifest_bytes
from rightscan.provenance.manifests import interpret
from rightscan.provenance.records import Credentials, Problem
from rightscan.provenance.text import clean
from rightscan.provenance.trust import TrustSettings, bad_anchors

LARGEST_MANIFEST = 64 << 20
"""Bytes; for MP3 and FLAC of the whole ID3 tag, cover pictures included."""

LARGEST_IN_MEMORY = (1 << 30) - (1 << 20)
"""Bytes of an MP3 or FLAC file with a manifest: the library holds such files in memory to hash them, in a buffer
that doubles, so that one byte over a gibibyte takes two."""

_MEDIA_TYPES: Mapping[str, str] = {
    "wav": "audio/wav",
    "mp3": "audio/mpeg",
    "flac": "audio/flac",
    "m4a": "audio/mp4",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "avi": "video/avi",
}
_HELD_IN_MEMORY = frozenset({"mp3", "flac"})
_ELSEWHERE = "Remote"  # of the library's messages on manifests that lie elsewhere; it has no class for all
_LARGEST_JSON = 16 << 20  # characters of the manifest store as JSON
_READ = 1 << 20  # bytes of one read; the library asks for 256 MiB, which Python would hold a second time
_READ_COST = 256  # bytes
# MP3 and FLAC are read twice; a walk over the boxes of a fragmented film reads 16 bytes of each.
_BUDGET_FILES, _BUDGET_BYTES = 3, 128 << 20


def read_credentials(path: Path, container: str, trust: TrustSettings) -> Credentials:
    """Read the manifest of a file.

    Args:
        path: the file; it is opened for reading only.
        container: as ``containers.sniff`` names it.
        trust: whose signatures count.

    Returns:
        What was found. The file is hashed where it has a manifest, and only there.

    Raises:
        UsageError: ``bad_trust_anchors``.
        OSError: the file cannot be opened.
    """
    media_type = _MEDIA_TYPES.get(container)
    if media_type is None:
        return Credentials("unsupported_container")
    size = path.stat().st_size
    with path.open("rb") as file, _context(trust) as context:
        held = manifest_bytes(file, container, size)
        if held > LARGEST_MANIFEST:
            return _unverified(held, "manifest_too_large", f"{held} bytes")
        if held and size > LARGEST_IN_MEMORY and container in _HELD_IN_MEMORY:
            return _unverified(held, "file_too_large_to_verify", f"{size} bytes")
        reader = BoundedReader(file, _BUDGET_FILES * size + _BUDGET_BYTES, _READ, _READ_COST)
        file.seek(0)
        found = _read(reader, media_type, context, held)
    if isinstance(found, Credentials):
        return found
    text, remote = found
    return replace(_interpreted(text, trust, held), remote_url=remote)


def _context(trust: TrustSettings) -> Any:
    """The library's settings. Each switch that could open a connection is off, and no host is allowed."""
    settings: dict[str, Any] = {
        "core": {"allowed_network_hosts": []},
        "verify": {
            "remote_manifest_fetch": False,
            "ocsp_fetch": False,
            "verify_after_reading": True,
            "verify_trust": True,
            "verify_timestamp_trust": True,
        },
    }
    if trust.has_anchors:
        settings["trust"] = {"trust_anchors": trust.anchors_pem.decode("ascii", "replace")}
    try:
        return c2pa.Context.from_dict(settings)
    except c2pa.C2paError as error:
        raise bad_anchors(clean(str(error))) from error


def _read(
    reader: BoundedReader, media_type: str, context: Any, held: int
) -> tuple[str, str | None] | Credentials:
    """The manifest store as JSON text and where else it lies, or what its absence is called."""
    try:
        with c2pa.Reader(media_type, reader, context=context) as found:
            return found.json(), None if found.is_embedded() else clean(found.get_remote_url())
    except (c2pa.C2paError, UnicodeError) as error:
        return _unread(error, reader, held)


def _unread(error: Exception, reader: BoundedReader, held: int) -> Credentials:
    """What it means that the library gave no manifest store."""
    words = str(error)
    if reader.spent:
        return _unverified(held, "read_limit", "")
    if words.startswith(_ELSEWHERE):
        return Credentials("absent", remote_url=_url(words), problems=(Problem("remote_manifest"),))
    if held:
        return _unverified(held, "manifest_unreadable", words)
    if isinstance(error, c2pa.C2paError.ManifestNotFound):
        return Credentials("absent")
    if isinstance(error, c2pa.C2paError.NotSupported):
        return Credentials("unsupported_container", problems=(Problem("container", clean(words)),))
    return _unverified(held, "container", words)


def _unverified(held: int, code: str, detail: str) -> Credentials:
    """A manifest that is there and cannot be verified declares no more than an invalid one."""
    return Credentials("invalid" if held else "absent", problems=(Problem(code, clean(detail)),))


def _url(message: str) -> str | None:
    start = message.find("http")
    return clean(message[start:].split()[0]) if start >= 0 else None


def _interpreted(text: str, trust: TrustSettings, held: int) -> Credentials:
    if len(text) > _LARGEST_JSON:
        return _unverified(max(held, 1), "manifest_too_large", f"{len(text)} characters")
    try:
        store = json.loads(text)
    except (ValueError, RecursionError) as error:
        return _unverified(max(held, 1), "manifest_unreadable", type(error).__name__)
    return interpret(store, anchored=trust.has_anchors)
