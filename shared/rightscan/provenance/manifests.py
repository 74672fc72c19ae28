"""Read the manifest store that the C2PA library hands over as JSON.

The library has checked signatures and hashes; all text in here is still whatever the signer wrote.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from rightscan.provenance.records import (
    STRENGTH,
    Credentials,
    Declaration,
    Extent,
    MiningEntry,
    Problem,
    SourceType,
    State,
    ValidationCode,
)
from rightscan.provenance.source_types import extent_of, found_in, weaker
from rightscan.provenance.text import clean, clean_or_none

_STATES: Mapping[str, State] = {"Trusted": "trusted", "Valid": "valid_untrusted"}
_MINING = ("cawg.training-mining", "c2pa.training-mining")
_ONLY_TRUST = ("signingCredential.untrusted", "timeStamp.", "signingCredential.ocsp", "cawg.")
_TRUSTED, _UNTRUSTED = "signingCredential.trusted", "signingCredential.untrusted"
_NO_CONTENT = "inputTo"  # a prompt or a model goes into the making of a file, and is no part of what is heard
_OF_ANOTHER = "c2pa.placed"  # its source type speaks of what was placed, which is one part
_MOST = 64  # entries kept of each kind
_MOST_MANIFESTS = 64

Where = Literal["active", "ingredient"]


@dataclass(frozen=True, slots=True)
class _Manifest:
    """A manifest in the store. ``most`` is what it may declare of the file at hand."""

    label: str
    data: Mapping[str, Any]
    where: Where
    most: Extent
    ingredient: str | None
    trusted: bool


def interpret(store: Any, *, anchored: bool) -> Credentials:
    """Make a record of a manifest store.

    Args:
        store: JSON values as ``c2pa.Reader.json`` has them.
        anchored: there are trust anchors; without any nothing is trusted, whatever the library says.
    """
    store = _mapping(store)
    active = _mapping(_mapping(store.get("manifests")).get(str(store.get("active_manifest"))))
    state = _STATES.get(str(store.get("validation_state")), "invalid")
    if not active:
        return Credentials("invalid", problems=(Problem("no_active_manifest"),))
    if state == "trusted" and not anchored:
        state = "valid_untrusted"
    signature = _mapping(active.get("signature_info"))
    codes = _unique(_codes(_mapping(store.get("validation_results"))))
    manifests = list(_manifests(store, active, state == "trusted"))
    sources = _unique(source for manifest in manifests for source in _sources(manifest))
    mining = _unique(entry for manifest in manifests for entry in _mining(manifest))
    cut = [
        name
        for name, found in (("codes", codes), ("sources", sources), ("mining", mining))
        if len(found) > _MOST
    ]
    problems = tuple(Problem("too_many_entries", name) for name in cut)
    if len(manifests) > _MOST_MANIFESTS:
        problems += (Problem("too_many_entries", "manifests"),)
    return Credentials(
        state=state,
        claim_generator=_claim_generator(active),
        issuer=clean_or_none(signature.get("issuer")),
        signer=clean_or_none(signature.get("common_name")),
        signed_at=clean_or_none(signature.get("time")),
        algorithm=clean_or_none(signature.get("alg")),
        # The strongest of too many sources are kept: a cut must not hide a declaration.
        sources=tuple(sorted(sources, key=lambda one: -STRENGTH[one.counts])[:_MOST]),
        mining=tuple(mining[:_MOST]),
        codes=tuple(
            sorted(codes, key=lambda one: (one.manifest, one.kind != "failure", one.kind, one.code))[:_MOST]
        ),
        problems=problems,
    )


def declaration(credentials: Credentials) -> Declaration | None:
    """What an intact manifest declares of the file; ``None`` where there is no such manifest."""
    if credentials.state not in _STATES.values():
        return None
    strongest = max(credentials.sources, key=lambda one: STRENGTH[one.counts], default=None)
    trusted = credentials.state == "trusted"
    if strongest is None:
        return Declaration(
            "c2pa", "whole", "none_declared", credentials.claim_generator, "no digitalSourceType", trusted
        )
    said = strongest.uri.rstrip("/").rsplit("/", 1)[-1]
    place = strongest.action or strongest.assertion
    of = f" of ingredient {strongest.ingredient}" if strongest.ingredient else ""
    return Declaration(
        by="c2pa",
        part="whole",
        extent=strongest.counts,
        generator=strongest.agent or credentials.claim_generator,
        detail=clean(f"digitalSourceType {said} in {place}{of}"),
        trusted=trusted and strongest.trusted,
    )


def _unique(found: Iterable[Any]) -> list[Any]:
    """Each once, in order; one more than are kept, to tell that there are too many."""
    return list(dict.fromkeys(found))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(value: Any) -> list[Mapping[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _claim_generator(manifest: Mapping[str, Any]) -> str | None:
    """Name and version of version 2 claims, the user agent string of version 1."""
    for info in _entries(manifest.get("claim_generator_info")):
        if name := clean(info.get("name")):
            return clean(f"{name} {clean(info.get('version'))}")
    return clean_or_none(manifest.get("claim_generator"))


# ---- validation -----------------------------------------------------------------------------------------
def _codes(results: Mapping[str, Any]) -> Iterator[ValidationCode]:
    yield from _statuses(_mapping(results.get("activeManifest")), "active")
    for delta in _entries(results.get("ingredientDeltas")):
        yield from _statuses(_mapping(delta.get("validationDeltas")), "ingredient")


def _statuses(lists: Mapping[str, Any], manifest: Where) -> Iterator[ValidationCode]:
    kinds: tuple[Literal["success", "informational", "failure"], ...] = (
        "success",
        "informational",
        "failure",
    )
    for kind in kinds:
        for status in _entries(lists.get(kind)):
            words = clean(status.get("explanation")) if kind == "failure" else ""
            yield ValidationCode(manifest, kind, clean(status.get("code")), words)


def _now(store: Mapping[str, Any], kind: str) -> list[tuple[str, str]]:
    """Code and URL of what the library finds of ingredients beyond what their claims recorded."""
    results = _mapping(store.get("validation_results"))
    lists = [_mapping(delta.get("validationDeltas")) for delta in _entries(results.get("ingredientDeltas"))]
    statuses = [status for one in lists for status in _entries(one.get(kind))]
    if kind == "failure":
        statuses += _entries(store.get("validation_status"))
    return [(str(status.get("code")), str(status.get("url"))) for status in statuses]


def _then(ingredient: Mapping[str, Any], kind: str) -> set[str]:
    """Codes that the claim recorded when it took the ingredient in."""
    recorded = _mapping(_mapping(ingredient.get("validation_results")).get("activeManifest"))
    statuses = list(_entries(recorded.get(kind)))
    if kind == "failure":
        statuses += _entries(ingredient.get("validation_status"))
    return {str(status.get("code")) for status in statuses}


def _of(found: list[tuple[str, str]], label: str) -> set[str]:
    return {code for code, url in found if f"/{label}/" in url or url.endswith(f"/{label}")}


def _is_broken(failures: set[str]) -> bool:
    return any(not code.startswith(_ONLY_TRUST) for code in failures)


# ---- manifests ------------------------------------------------------------------------------------------
def _manifests(store: Mapping[str, Any], active: Mapping[str, Any], trusted: bool) -> Iterator[_Manifest]:
    """The active manifest, then those of its ingredients, nearest first, one more than are kept."""
    known = _mapping(store.get("manifests"))
    failures, successes = _now(store, "failure"), _now(store, "success")
    waiting = [_Manifest(str(store.get("active_manifest")), active, "active", "full", None, trusted)]
    seen = {waiting[0].label}
    for _ in range(_MOST_MANIFESTS + 1):
        if not waiting:
            return
        manifest = waiting.pop(0)
        yield manifest
        for ingredient in _entries(manifest.data.get("ingredients"))[: _MOST_MANIFESTS + 1]:
            label = str(ingredient.get("active_manifest"))
            if label not in seen and label in known:
                seen.add(label)
                data = _mapping(known[label])
                codes = _of(failures, label), _of(successes, label)
                waiting.append(_below(manifest, ingredient, label, data, *codes))


def _below(
    manifest: _Manifest,
    ingredient: Mapping[str, Any],
    label: str,
    data: Mapping[str, Any],
    failures: set[str],
    successes: set[str],
) -> _Manifest:
    """The manifest of an ingredient. It speaks of a part at most, and of none where it is broken."""
    broken = _is_broken(failures | _then(ingredient, "failure"))
    relation = str(ingredient.get("relationship"))
    declares: Extent = "none_declared" if broken or relation == _NO_CONTENT else "partial"
    recorded = _TRUSTED in _then(ingredient, "success") and _UNTRUSTED not in failures
    words = clean(f"{clean(ingredient.get('title'), 100)} ({relation}{', broken' if broken else ''})", 150)
    return _Manifest(
        label=label,
        data=data,
        where="ingredient",
        most=weaker(manifest.most, declares),
        ingredient=words,
        trusted=manifest.trusted and not broken and (_TRUSTED in successes or recorded),
    )


# ---- assertions -----------------------------------------------------------------------------------------
def _sources(manifest: _Manifest) -> Iterator[SourceType]:
    for assertion in _entries(manifest.data.get("assertions")):
        label = clean(assertion.get("label"), 100)
        data = _mapping(assertion.get("data"))
        if not label.startswith("c2pa.actions"):
            yield from (_source(manifest, label, uri) for uri in found_in(data))
            continue
        actions = _entries(data.get("actions"))
        for action in actions:
            yield from _of_action(manifest, label, action)
        rest = {name: entry for name, entry in data.items() if name != "actions"}
        yield from (_source(manifest, label, uri) for uri in found_in(rest))
    for ingredient in _entries(manifest.data.get("ingredients")):
        most: Extent = "none_declared" if ingredient.get("relationship") == _NO_CONTENT else "partial"
        title = clean(f"{clean(ingredient.get('title'), 100)} ({ingredient.get('relationship')})", 150)
        for uri in found_in(
            {name: entry for name, entry in ingredient.items() if name != "validation_results"}
        ):
            source = _source(manifest, "c2pa.ingredient", uri)
            yield replace(source, ingredient=title, counts=weaker(source.counts, most))


def _of_action(manifest: _Manifest, label: str, action: Mapping[str, Any]) -> Iterator[SourceType]:
    name = clean(action.get("action"), 100)
    agent = action.get("softwareAgent")
    words = _claim_generator({"claim_generator_info": [agent], "claim_generator": agent})
    for uri in found_in(action):
        source = replace(_source(manifest, label, uri), action=name, agent=words)
        if name == _OF_ANOTHER:
            source = replace(source, counts=weaker(source.counts, "partial"))
        yield source


def _source(manifest: _Manifest, label: str, uri: str) -> SourceType:
    return SourceType(
        uri=clean(uri),
        manifest=manifest.where,
        assertion=label,
        action=None,
        agent=None,
        ingredient=manifest.ingredient,
        counts=weaker(extent_of(uri), manifest.most),
        trusted=manifest.trusted,
    )


def _mining(manifest: _Manifest) -> Iterator[MiningEntry]:
    for assertion in _entries(manifest.data.get("assertions")):
        label = clean(assertion.get("label"), 100)
        if not label.startswith(_MINING):
            continue
        for name, entry in _mapping(_mapping(assertion.get("data")).get("entries")).items():
            data = entry if isinstance(entry, dict) else {"use": entry}
            words = clean_or_none(data.get("constraint_info") or data.get("constraints_info"))
            yield MiningEntry(manifest.where, label, clean(name, 100), clean(data.get("use"), 50), words)
