"""Find in tags what names a generator or discloses AI. Anybody can write a tag: low weight, never trusted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from rightscan.provenance.records import STRENGTH, Declaration, Extent, Part
from rightscan.provenance.source_types import extent_of
from rightscan.provenance.tags import LONGEST, Tags
from rightscan.provenance.text import clean, clean_or_none
from rightscan.provenance.vocabulary import load

_MOST = 16
_SHOWN = 120  # characters of a tag's value in a declaration
# Words end at other scripts too, for Korean particles follow a name without a space, and not inside Latin words:
# "udio" stands in "Audio" and in "Studio".
_BEFORE, _AFTER = r"(?<![0-9A-Za-zÀ-ɏ_])", r"(?![0-9A-Za-zÀ-ɏ_])"
# Separators between the parts of a version are required: without them a row of digits splits in endless ways.
_ATTACHED = r"(?:v?\d[\w.+]{0,20})?"
_SUFFIX = r"(?:[\s/-]+(?:ai|music|studio|v?\d[\w.+]{0,20}))"
_NEGATION_REACH = 30  # characters before a statement
_IN_XMP = re.compile(
    r"digitalsourcetype\s*(?:=\s*[\"']([^\"'<>]{1,200})[\"']"
    r"|(?:rdf:resource\s*=\s*[\"']([^\"'<>]{1,200})[\"'])?[^<>]{0,100}>\s*([^<>\s]{1,200})?)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Generator:
    """A program, with what finds it in a tool's field and in free text."""

    name: str
    part: Part
    extent: Extent
    tool: re.Pattern[str]
    text: re.Pattern[str]


def field_key(name: str) -> str:
    """A field's name as the data file writes it."""
    return re.sub(r"[\s_:\-.]", "", name.lower())


def declarations(tags: Tags) -> tuple[Declaration, ...]:
    """What a file's tags declare, strongest first, each program and part once."""
    found: dict[tuple[str | None, Part], Declaration] = {}
    for one in (*_disclosed(tags), *_from_xmp(tags), *_named(tags)):
        known = found.get((one.generator, one.part))
        if known is None or STRENGTH[one.extent] > STRENGTH[known.extent]:
            found[one.generator, one.part] = one
    ordered = sorted(found.values(), key=lambda one: -STRENGTH[one.extent])
    return tuple(ordered[:_MOST])


def is_tool_field(name: str) -> bool:
    """Whether a field holds what a program writes of itself."""
    return field_key(name) in _fields("tool")


# ---- programs -------------------------------------------------------------------------------------------
def _named(tags: Tags) -> Iterator[Declaration]:
    for name, value in tags.fields:
        tool = is_tool_field(name)
        if not tool and field_key(name) not in _fields("text"):
            continue
        for generator in _generators():
            if _says(generator, value, tool=tool):
                yield _declaration(name, value, generator.part, generator.extent, generator.name)


def _says(generator: _Generator, value: str, *, tool: bool) -> bool:
    """Whether a field names a program, and does not deny it."""
    patterns = (generator.tool, generator.text) if tool else (generator.text,)
    return any(not _denied(value, found.start()) for pattern in patterns for found in pattern.finditer(value))


def _denied(value: str, start: int) -> bool:
    before = value[max(0, start - _NEGATION_REACH) : start].lower()
    return any(
        word in load("generators.toml")["statements"]["negations"]
        for word in re.findall(r"[\w']+", before)[-3:]
    )


@cache
def _fields(kind: str) -> frozenset[str]:
    return frozenset(load("generators.toml")["fields"][kind])


@cache
def _generators() -> tuple[_Generator, ...]:
    data = load("generators.toml")
    return tuple(_compiled(entry, data["statements"]["patterns"]) for entry in data["generator"])


def _compiled(entry: dict[str, Any], statements: list[str]) -> _Generator:
    """Patterns of a program.

    A name that means other things as well (``distinctive`` is not set) has to fill a tool's field. In free text
    it needs a version or a second word, or a statement around it: "Suno" alone may be the singer.
    """
    names = sorted(entry["names"], key=len, reverse=True)
    alternatives = "|".join(_spelling(name) for name in names)
    words = "|".join(_spelling(name) for name in names if re.search(r"[\s-]", name)) or r"(?!)"
    name = f"{_BEFORE}(?:{alternatives}){_AFTER}"
    said = [pattern.replace("{name}", name) for pattern in statements]
    said += [_address(domain) for domain in entry["domains"]]
    whole = rf"\A(?:{alternatives}){_ATTACHED}{_SUFFIX}{{0,4}}\Z"
    longer = rf"\A(?:(?:{alternatives}){_ATTACHED}{_SUFFIX}{{1,4}}|(?:{words}){_ATTACHED})\Z"
    distinctive = entry.get("distinctive", False)
    return _Generator(
        name=entry["name"],
        part=entry.get("part", "whole"),
        extent=entry.get("extent", "full"),
        tool=_pattern(name if distinctive else whole, entry),
        text=_pattern("|".join([*said, rf"\A{name}" if distinctive else longer]), entry),
    )


def _pattern(pattern: str, entry: dict[str, Any]) -> re.Pattern[str]:
    """Case counts for a name that is somebody's in other letters: YuE, not Yue."""
    if not entry.get("case_counts"):
        return re.compile(pattern, re.IGNORECASE)
    spelt = "|".join(re.escape(name) for name in (*entry["names"], *entry["domains"]))
    return re.compile(rf"(?=[\s\S]{{0,{LONGEST}}}(?-i:{spelt}))(?:{pattern})", re.IGNORECASE)


def _address(domain: str) -> str:
    """A web address of a domain or below it, and of no other that ends or begins like it."""
    return rf"(?<![\w@-])(?:[a-z0-9-]{{1,63}}\.){{0,3}}{re.escape(domain)}(?!\.?[\w-])"


def _spelling(name: str) -> str:
    """A name in which space and hyphen stand for each other."""
    return r"[\s_-]".join(re.escape(word) for word in re.split(r"[\s-]", name))


# ---- disclosure -----------------------------------------------------------------------------------------
def _disclosed(tags: Tags) -> Iterator[Declaration]:
    rules = load("generators.toml")["disclosure"]
    for name, value in tags.fields:
        key = field_key(name)
        if key == rules["label_field"] or f'"{rules["label_field"]}"' in value.lower():
            yield from _label(name, value, rules["label_generated"])
        elif key in rules["parts"] and (word := value.strip().lower()) in rules["truthy"]:
            extent: Extent = "full" if word in rules["full"] else "partial"
            yield _declaration(name, value, rules["parts"][key], extent, None)


def _label(name: str, value: str, generated: list[str]) -> Iterator[Declaration]:
    """The label of GB 45438-2025. It says that, not how much, of the content was generated: a part at least."""
    try:
        data = json.loads(value[value.find("{") :])
    except (ValueError, RecursionError):
        return
    if isinstance(data, dict) and isinstance(data.get("AIGC"), dict):
        data = data["AIGC"]
    if isinstance(data, dict) and str(data.get("Label")) in generated:
        yield _declaration(name, value, "whole", "partial", clean_or_none(data.get("ContentProducer"), 100))


def _from_xmp(tags: Tags) -> Iterator[Declaration]:
    for packet in tags.xmp:
        for found in _IN_XMP.finditer(packet):
            uri = clean(next((group for group in found.groups() if group), ""))
            if (extent := extent_of(uri)) != "none_declared":
                yield _declaration("xmp digitalSourceType", uri, "whole", extent, None)


def _declaration(name: str, value: str, part: Part, extent: Extent, generator: str | None) -> Declaration:
    detail = f"{clean(name, 60)}: {clean(value, _SHOWN)}"
    return Declaration("tag", part, extent, generator, detail, trusted=False)
