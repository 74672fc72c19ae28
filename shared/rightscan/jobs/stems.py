"""Recordings and their separated parts: which of them is in an upload, by its mix and by its own parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from rightscan.fingerprint import Fingerprint
from rightscan.index import Index, Segment
from rightscan.index.calibration import ACCEPT_LOG10_LR, log10_lr
from rightscan.ports import Ledger
from rightscan.records import registers
from rightscan.rights.axes import Stem

_SAME = 0.5
"""Of the shorter of two segments: from so much overlap on they speak of the same sound."""

_AUDIBLE = 0.25
"""Landmarks of the backing over those of the mix: with fewer it is a rest that the separator left."""

_PRICE = math.log10(3)
"""What a match of a separated part gives up: with it three searches, not one, could have gone wrong."""


@dataclass(frozen=True)
class Found:
    """A segment, and the part that matched where it was not the whole recording.

    Attributes:
        segment: as the index found it.
        stem: None for the whole.
        root: the recording it belongs to: a stem's own recording, or itself.
    """

    segment: Segment
    stem: Stem | None
    root: str


def search(
    index: Index, mix: Fingerprint, parts: Mapping[Stem, Fingerprint], ledger: Ledger, *, deep: bool
) -> list[Found]:
    """Look for recordings in the mix of an upload and, where there are any, in its separated parts.

    A recording that the mix shows needs no part to show it; where the voice shows it and the backing, clearly heard,
    is another's, the voice is what was taken. Of a recording and its registered stems that match the
    same sound the one with the most evidence is kept: a copy of the mix matches the mix better than any stem of it,
    and a stem matches itself better than the mix.

    Args:
        index: the live one.
        mix: fingerprint of the upload.
        parts: of its separated parts; empty without a separator.
        ledger: names the recordings that are stems.
        deep: as ``Index.search``.
    """
    found = _told_once(_named(index.search(mix, deep=deep), None, ledger))
    by_part: dict[Stem, list[Found]] = {}
    for stem, part in parts.items():
        segments = index.search(part, deep=deep)
        sure = [segment for segment in segments if segment.log10_lr - _PRICE >= ACCEPT_LOG10_LR]
        by_part[stem] = _told_once(_named(sure, stem, ledger))
    if len(by_part) == len(Stem):
        sounds = mix, parts[Stem.INSTRUMENTAL]
        found = [
            replace(one, stem=Stem.VOCAL) if _lifted(one, by_part[Stem.VOCAL], sounds, index, ledger) else one
            for one in found
        ]
    for one in chain.from_iterable(by_part.values()):
        if not any(_same(one, other) for other in found):
            found.append(one)
    return sorted(found, key=lambda one: (one.segment.media_start, one.segment.recording_id))


def _lifted(
    one: Found, voices: Sequence[Found], sounds: tuple[Fingerprint, Fingerprint], index: Index, ledger: Ledger
) -> bool:
    """Whether only the voice of a recording stands in an upload, over a backing that is not the recording's.

    The separated backing must be clearly heard there and must not show the recording at all, told or not: a separator
    that leaks, or a backing that is worn, must not turn a whole copy into a part. Nor is the contrary concluded: an
    announcer over an introduction sounds like another singer over the backing. A recording of voices alone
    has no backing to miss.

    Args:
        one: what the mix shows.
        voices: what the separated voice shows.
        sounds: of the mix and of the separated backing.
        index: the live one.
        ledger: knows who plays on the recording.
    """
    mix, backing = sounds
    if one.stem is not None or not any(_same(one, other) for other in voices):
        return False
    heard, whole = (_landmarks(sound, one.segment) for sound in (backing, mix))
    if heard < _AUDIBLE * whole:
        return False
    if not any(Stem.INSTRUMENTAL in row.categories for row in ledger.lineup(one.segment.recording_id)):
        return False
    followed = index.followed(backing, deep=True)
    return not any(name == one.root and log10_lr(a) >= ACCEPT_LOG10_LR for name, a in followed)


def _landmarks(sound: Fingerprint, segment: Segment) -> int:
    return int(((sound.times >= segment.media_start) & (sound.times < segment.media_end)).sum())


def _named(segments: Iterable[Segment], heard: Stem | None, ledger: Ledger) -> list[Found]:
    recordings: dict[str, registers.Recording | None] = {}
    named = []
    for segment in segments:
        name = segment.recording_id
        if name not in recordings:
            recordings[name] = ledger.recording(name)
        recording = recordings[name]
        registered = None if recording is None or recording.stem is None else Stem(recording.stem)
        root = name if recording is None else recording.stem_of or name
        named.append(Found(segment, registered or heard, root))
    return named


def _told_once(found: Sequence[Found]) -> list[Found]:
    kept: list[Found] = []
    # At equal evidence the whole recording, whose line-up pays everybody.
    for one in sorted(
        found, key=lambda f: (-f.segment.log10_lr * f.segment.coverage, f.segment.recording_id != f.root)
    ):
        related = (other for other in kept if other.segment.recording_id != one.segment.recording_id)
        if not any(_same(one, other) for other in related):
            kept.append(one)
    return kept


def _same(one: Found, other: Found) -> bool:
    """Whether both tell of one recording, or of parts of it, in the same sound."""
    a, b = one.segment, other.segment
    common = min(a.media_end, b.media_end) - max(a.media_start, b.media_start)
    shorter = min(a.media_end - a.media_start, b.media_end - b.media_start)
    return one.root == other.root and common >= _SAME * shorter
