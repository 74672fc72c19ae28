"""What is asked about: files in ``…/<generator>/<real|fake>/``, further sound by people, and what is made here.

An item knows its source: the track or person that it shares with other items. It is read from a list
(``--sources``, CSV with the columns path and source), or from a folder below ``real`` or ``fake``, or, for a fake, from
the real file whose name its own name contains; otherwise a file is its own source.
"""

from __future__ import annotations

import csv
import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import av
import av.error
from bench.seeds import rng_for
from bench.sound import RATE, Sound, decode, files

SHORTEST_S = 1.0
_SHORTEST_NAME = 4
"""A real file's name counts as part of a fake's from so many characters on: "01" would be part of anything."""


class Origin(Protocol):
    """Where the sound of an item comes from; must survive being sent to another process."""

    def sound(self) -> Sound:
        """Return float32[n, 2] at 44.1 kHz."""
        ...


@dataclass(frozen=True)
class Cut:
    """A stretch of a file.

    Attributes:
        path: of the file.
        start_s: where it begins.
        seconds: its length; None for all of the file.
    """

    path: Path
    start_s: float = 0.0
    seconds: float | None = None

    def sound(self) -> Sound:
        """Decode it."""
        end = None if self.seconds is None else self.start_s + self.seconds
        return decode(self.path, channels=2, most_s=end)[round(self.start_s * RATE) :]


@dataclass(frozen=True)
class Item:
    """One sound to ask about.

    Attributes:
        name: for tables of single answers.
        made_by: the generator, or the set of what people made.
        fake: whether a machine made it.
        site: where it was recorded or published; false alarms are told for each.
        source: the track or person it shares with other items.
        seconds: its length.
        origin: its sound.
    """

    name: str
    made_by: str
    fake: bool
    site: str
    source: str
    seconds: float
    origin: Origin


def length_of(path: Path) -> float | str:
    """Return the seconds of a file, or why it has none."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.audio[0]
            if container.duration:
                return container.duration / 1e6
            return float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    except (av.error.FFmpegError, IndexError) as error:
        return f"{path.name}: {error}"


def cuts(path: Path, length: float, seconds: float | None, pieces: int = 1) -> list[Cut]:
    """Cut a file into stretches that do not overlap, evenly over its length; one lies in the middle.

    Args:
        path: of the file.
        length: of the file, s.
        seconds: of a stretch; None takes the whole file.
        pieces: at most so many.
    """
    if seconds is None or length <= seconds:
        return [Cut(path)]
    count = max(min(pieces, int(length // seconds)), 1)
    spare = (length - count * seconds) / (count + 1)
    return [Cut(path, round(spare + k * (seconds + spare), 3), seconds) for k in range(count)]


def sources_from(path: Path | None) -> dict[str, str]:
    """Read the list of sources: CSV with the columns ``path`` and ``source``."""
    if path is None:
        return {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        return {row["path"]: row["source"] for row in csv.DictReader(file)}


def _listed(path: Path, listed: Mapping[str, str]) -> str | None:
    """Find a file in the list, where it may stand with any number of the folders above it."""
    parts = path.parts
    for at in range(len(parts)):
        found = listed.get("/".join(parts[at:]))
        if found is not None:
            return found
    return None


@dataclass(frozen=True)
class Found:
    """Items, and the files that could not be used."""

    items: tuple[Item, ...]
    left_out: tuple[str, ...] = ()

    def __add__(self, other: Found) -> Found:
        """Join two."""
        return Found(self.items + other.items, self.left_out + other.left_out)


def generators(
    root: Path,
    *,
    seconds: float | None = None,
    listed: Mapping[str, str] | None = None,
    only: Sequence[str] = (),
    skip: Sequence[str] = (),
) -> Found:
    """Find the items of every folder that holds a folder ``fake`` or ``real``.

    Args:
        root: walked to any depth; a generator is named by its folder below it.
        seconds: the longest stretch, from the middle of a file.
        listed: sources, by path.
        only: patterns of generators; none for all.
        skip: patterns of generators to leave out.
    """
    found: list[tuple[Path, str, bool, Path]] = []
    for folder in sorted(p for p in root.rglob("*") if p.is_dir() and p.name in ("real", "fake")):
        name = folder.parent.relative_to(root).as_posix() if folder.parent != root else root.name
        if chosen(name, only, skip):
            found += [(path, name, folder.name == "fake", folder) for path in files(folder)]
    stems = sorted({p.stem for p, _, fake, _ in found if not fake and len(p.stem) >= _SHORTEST_NAME}, key=len)
    items: list[Item] = []
    left_out: list[str] = []
    for path, name, fake, folder in found:
        length = length_of(path)
        if isinstance(length, str) or length < SHORTEST_S:
            left_out.append(length if isinstance(length, str) else f"{path.name}: {length:.1f} s")
            continue
        below = path.parent.relative_to(folder).as_posix()
        source = _listed(path, listed or {}) or _source(path, below, fake, stems)
        site = name if below == "." else f"{name}/{below}"
        items += [_item(path, name, fake, site, source, length, cut) for cut in cuts(path, length, seconds)]
    return Found(tuple(items), tuple(left_out))


def _source(path: Path, below: str, fake: bool, stems: Sequence[str]) -> str:
    if below != ".":
        return below
    if not fake:
        return path.stem
    # The longest name, so that "song1" does not claim what was made from "song12".
    named = [stem for stem in stems if stem in path.stem]
    return named[-1] if named else f"{path.parent.parent.name}/{path.stem}"


def _item(path: Path, name: str, fake: bool, site: str, source: str, length: float, cut: Cut) -> Item:
    seconds = min(length, cut.seconds or length)
    at = f" from {cut.start_s:.0f} s" if cut.start_s else ""
    return Item(f"{path.name}{at}", name, fake, site, source, seconds, cut)


def by_people(
    name: str,
    root: Path,
    *,
    seconds: float | None = None,
    pieces: int = 1,
    listed: Mapping[str, str] | None = None,
) -> Found:
    """Find what people made: the folders of the first level are sites, one below them is a person.

    Args:
        name: of the set.
        root: of its files.
        seconds: the longest stretch.
        pieces: stretches of a long file.
        listed: sources, by path.
    """
    items: list[Item] = []
    left_out: list[str] = []
    for path in files(root):
        length = length_of(path)
        if isinstance(length, str) or length < SHORTEST_S:
            left_out.append(length if isinstance(length, str) else f"{path.name}: {length:.1f} s")
            continue
        folders = path.relative_to(root).parent.parts
        site = f"{name}/{folders[0]}" if folders else name
        person = "/".join(folders[1:]) if len(folders) > 1 else path.stem
        source = _listed(path, listed or {}) or f"{site}/{person}"
        items += [
            _item(path, name, False, site, source, length, cut) for cut in cuts(path, length, seconds, pieces)
        ]
    return Found(tuple(items), tuple(left_out))


def chosen(name: str, only: Sequence[str], skip: Sequence[str]) -> bool:
    """Whether patterns let a generator through."""
    if any(fnmatch.fnmatchcase(name, pattern) for pattern in skip):
        return False
    return not only or any(fnmatch.fnmatchcase(name, pattern) for pattern in only)


def at_most(items: Iterable[Item], most: int | None, seed: int) -> list[Item]:
    """Draw at most so many items of every generator and of every set; those of one source last.

    Every source gives one item before any gives a second.
    """
    groups: dict[tuple[str, bool], list[Item]] = {}
    for item in items:
        groups.setdefault((item.made_by, item.fake), []).append(item)
    kept: list[Item] = []
    for (name, fake), group in groups.items():
        if most is None or len(group) <= most:
            kept += group
            continue
        order = rng_for(seed, "most", name, fake).permutation(len(group)).tolist()
        seen: dict[str, int] = {}
        ranked: list[tuple[int, int, Item]] = []
        for place, at in enumerate(order):
            item = group[at]
            ranked.append((seen.get(item.source, 0), place, item))
            seen[item.source] = seen.get(item.source, 0) + 1
        kept += [item for _, _, item in sorted(ranked, key=lambda r: r[:2])[:most]]
    return kept


def shortened(item: Item, seconds: float) -> Item:
    """Say that only the first ``seconds`` of an item are asked about."""
    return replace(item, seconds=min(item.seconds, seconds))
