"""Read everything that a file says of its origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rightscan.provenance.containers import sniff
from rightscan.provenance.credentials import read_credentials
from rightscan.provenance.generators import declarations
from rightscan.provenance.manifests import declaration
from rightscan.provenance.records import STRENGTH, Credentials, Problem, Provenance
from rightscan.provenance.tags import read_tags
from rightscan.provenance.text import clean
from rightscan.provenance.traces import read_traces
from rightscan.provenance.trust import TrustSettings

_UNKNOWN = "unknown"


def read_provenance(path: Path, *, container: str | None, trust: TrustSettings) -> Provenance:
    """Read C2PA manifest, tags and encoder traces of a file, without network and without changing it.

    Args:
        path: the file.
        container: what another reader takes it for; used where the first bytes tell nothing.
        trust: whose signatures count.

    Returns:
        What was found, and what could not be read.

    Raises:
        UsageError: ``bad_trust_anchors``.
        OSError: the file cannot be opened.
    """
    with path.open("rb") as file:
        name = sniff(file) or clean(container, 40) or _UNKNOWN
    credentials = read_credentials(path, name, trust)
    tags = read_tags(path, name)
    signed = declaration(credentials)
    said = (*((signed,) if signed else ()), *declarations(tags))
    return Provenance(
        container=name,
        c2pa=credentials,
        tags=tags.state,
        declarations=tuple(sorted(said, key=lambda one: (-STRENGTH[one.extent], one.by))),
        traces=read_traces(path, name, tags),
        problems=tags.problems,
    )


def unread(container: str | None, code: str) -> Provenance:
    """The record of a file whose reader was stopped: a crash, or a limit of memory or time.

    The file made it so: a manifest that brings its reader down counts as ``invalid``.

    Args:
        container: what another reader takes it for.
        code: of the error that told of the stop.
    """
    stopped = (Problem("reader_failed", clean(code, 60)),)
    name = clean(container, 40) or _UNKNOWN
    return Provenance(name, Credentials("invalid", problems=stopped), "unreadable", problems=stopped)


def read_in_child(arguments: dict[str, Any]) -> dict[str, Any]:
    """``read_provenance`` with JSON arguments, for a guarded child process.

    Args:
        arguments: ``path``, ``container`` (or null) and ``anchors_pem``, a string.
    """
    trust = TrustSettings(arguments["anchors_pem"].encode("utf-8"))
    return read_provenance(Path(arguments["path"]), container=arguments["container"], trust=trust).to_json()
