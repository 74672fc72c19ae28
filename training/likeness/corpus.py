"""Whose voices are learned from, tuned on and reported on: a person is in one split for good, by hash.

People with several recordings are few; all of them are reported on, because only they show what happens between
two recordings. Licences are checked where all training checks them (``training.synthesis.sources``).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from training.synthesis.sources import Source, admitted

SPLITS = (("train", 0.74), ("tune", 0.82), ("report", 1.0))
_SALT = "likeness-2611"
_LEAST_S = 4.0


@dataclass(frozen=True)
class Speaker:
    """A person and the recordings of their voice; ``split`` is ``train``, ``tune`` or ``report``."""

    name: str
    split: str
    recordings: tuple[Source, ...]

    @property
    def seconds(self) -> float:
        """Of all recordings."""
        return sum(source.duration_s for source in self.recordings)


def speakers(media: Path) -> list[Speaker]:
    """The people of a media folder whose voices may be trained on, by name."""
    found: dict[str, list[Source]] = defaultdict(list)
    for source in admitted(media):
        if source.kind == "voice":
            found[source.subject].append(source)
    people = []
    for name, sources in sorted(found.items()):
        people.append(Speaker(name, _split(name, sources), tuple(sorted(sources, key=lambda s: s.path))))
    return [one for one in people if one.split == "report" or one.seconds >= _LEAST_S]


def place(word: str) -> float:
    """A number from 0 to 1 that only the word decides."""
    return int.from_bytes(hashlib.sha256(f"{_SALT}:{word}".encode()).digest()[:4], "big") / 2**32


def _split(name: str, sources: list[Source]) -> str:
    if len(sources) > 1:
        return "report"
    share = place(name)
    return next(split for split, upper in SPLITS if share < upper)
