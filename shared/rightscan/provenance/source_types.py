"""What an IPTC ``digitalSourceType`` declares (https://cv.iptc.org/newscodes/digitalsourcetype/)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rightscan.provenance.records import STRENGTH, Extent

_DECLARES: dict[str, Extent] = {
    "trainedalgorithmicmedia": "full",
    "compositewithtrainedalgorithmicmedia": "partial",
    "compositesynthetic": "partial",
}
_DEEPEST = 32  # levels; the assertions of the specification have six
_MOST_NODES = 50_000


def extent_of(uri: str) -> Extent:
    """What a source type declares, by the last part of its URI; everything else declares nothing.

    ``algorithmicMedia`` (no training), ``algorithmicallyEnhanced``, ``dataDrivenMedia`` and
    ``trainedAlgorithmicData`` are no statement that a trained model made what is heard.
    """
    return _DECLARES.get(
        uri.rstrip("/").rsplit("/", 1)[-1].rsplit(":", 1)[-1].strip().lower(), "none_declared"
    )


def weaker(one: Extent, other: Extent) -> Extent:
    """The extent that says less."""
    return min(one, other, key=STRENGTH.__getitem__)


def found_in(value: Any) -> Iterator[str]:
    """The source types anywhere in JSON values, whatever prefix their names have."""
    stack: list[tuple[Any, int]] = [(value, 0)]
    for _ in range(_MOST_NODES):
        if not stack:
            return
        node, depth = stack.pop()
        if depth > _DEEPEST:
            continue
        if isinstance(node, dict):
            for name, entry in reversed(list(node.items())):
                if _is_name(name) and (uri := _uri(entry)):
                    yield uri
                elif isinstance(entry, dict | list):
                    stack.append((entry, depth + 1))
        elif isinstance(node, list):
            stack.extend((entry, depth + 1) for entry in reversed(node) if isinstance(entry, dict | list))


def _is_name(name: str) -> bool:
    return name.rsplit(":", 1)[-1].replace("_", "").lower() == "digitalsourcetype"


def _uri(entry: Any) -> str:
    """A URI, or the ``@id`` of a JSON-LD node; a list's first."""
    if isinstance(entry, list) and entry:
        entry = entry[0]
    if isinstance(entry, dict):
        entry = entry.get("@id") or entry.get("@value")
    return entry if isinstance(entry, str) else ""
