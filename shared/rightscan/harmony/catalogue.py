"""The registered recordings' harmonies in one immutable file, and the search in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rightscan import npz
from rightscan.harmony.chroma import Harmony, Profile
from rightscan.harmony.parameters import FRAMES_PER_SECOND, PIPELINE
from rightscan.harmony.recurrence import EMBEDDED, longest_paths, windows
from rightscan.harmony.score import THRESHOLD, chance_level, score
from rightscan.harmony.summary import LENGTH, Summary, likeness, summary_of

SHORTEST_S = 30.0
"""Of a query, s: the null is calibrated from this length on."""

SHORTLIST = 100
"""Drawn by the summaries; every one is walked through at half the frame rate."""

EXAMINED = 10
"""Of those, walked through at the full rate, forwards and backwards."""

FEW = EXAMINED
"""With fewer recordings to examine, chance is the longest path backwards in any key."""

_KEYS = 2  # most likely transpositions that are tried
_COARSE = 2  # frames that make one of the first walk
_FORM = "form"


@dataclass(frozen=True)
class Candidate:
    """A recording whose work a query may be another performance of.

    Attributes:
        recording_id: as registered.
        score: log odds of the calibration; ``score.THRESHOLD`` is asked for.
        seconds: length of the path, s.
        transposition: semitones from the recording up to the query, -5 to 6.
    """

    recording_id: str
    score: float
    seconds: float
    transposition: int


class Catalogue:
    """Harmonies of recordings, each once.

    Args:
        recording_ids: sorted.
        lengths: frames of each.
        profiles: all frames, uint8[sum, 12].
        summaries: float16[n, 273].
    """

    def __init__(
        self,
        recording_ids: Sequence[str],
        lengths: Sequence[int],
        profiles: Profile,
        summaries: Summary,
    ) -> None:
        self.recording_ids = tuple(recording_ids)
        self._ends = np.cumsum(np.asarray(lengths, np.int64))
        self._lengths = tuple(int(length) for length in lengths)
        self._profiles = profiles
        self._summaries = summaries

    def __len__(self) -> int:
        return len(self.recording_ids)

    @classmethod
    def of(cls, items: Iterable[tuple[str, Harmony]]) -> Catalogue:
        """Gather recordings; of one that comes twice the last counts."""
        held = {recording_id: (h.profile, summary_of(h.profile)) for recording_id, h in items}
        return cls._gathered(held)

    @classmethod
    def merge(cls, parts: Sequence[Catalogue], keep: Collection[str] | None = None) -> Catalogue:
        """Make one of several; of a recording in several the last counts.

        Args:
            parts: oldest first.
            keep: recordings to keep; None for all.
        """
        held = {
            recording_id: (part.profile(number), part._summaries[number])
            for part in parts
            for number, recording_id in enumerate(part.recording_ids)
            if keep is None or recording_id in keep
        }
        return cls._gathered(held)

    @classmethod
    def _gathered(cls, held: dict[str, tuple[Profile, Summary]]) -> Catalogue:
        entries = [held[recording_id] for recording_id in sorted(held)]
        profiles = [profile for profile, _ in entries]
        return cls(
            sorted(held),
            [len(profile) for profile in profiles],
            np.concatenate([np.zeros((0, 12), np.uint8), *profiles]),
            np.stack([s for _, s in entries]) if entries else np.zeros((0, LENGTH), np.float16),
        )

    def profile(self, number: int) -> Profile:
        """The frames of one recording."""
        end = int(self._ends[number])
        return self._profiles[end - self._lengths[number] : end]

    def to_bytes(self) -> bytes:
        """What ``from_bytes`` reads; the same recordings give the same bytes."""
        names = "\n".join(self.recording_ids).encode()
        return npz.pack(
            {
                _FORM: np.frombuffer(PIPELINE.encode(), np.uint8),
                "recording_ids": np.frombuffer(names, np.uint8),
                "lengths": np.array(self._lengths, np.int64),
                "profiles": self._profiles,
                "summaries": self._summaries,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Catalogue:
        """Read it; one of another pipeline is empty, for it cannot be compared.

        Raises:
            PermanentError: ``corrupt_features``.
        """
        arrays = npz.unpack(data)
        try:
            if arrays[_FORM].tobytes().decode("ascii", "replace") != PIPELINE:
                return cls.of(())
            names = arrays["recording_ids"].tobytes().decode()
            found = cls(
                names.split("\n") if names else (),
                [int(length) for length in arrays["lengths"]],
                arrays["profiles"].astype(np.uint8, copy=False),
                arrays["summaries"].astype(np.float16, copy=False),
            )
        except (KeyError, ValueError) as error:
            raise npz.corrupt("the harmonies of the index lack a part") from error
        if (
            len(found._lengths) != len(found)
            or found._profiles.shape != (sum(found._lengths), 12)
            or found._summaries.shape != (len(found), LENGTH)
        ):
            raise npz.corrupt("the harmonies of the index do not fit together")
        return found

    def search(
        self, query: Harmony, *, without: Collection[str] = (), threshold: float = THRESHOLD
    ) -> list[Candidate]:
        """Return the recordings whose work the query may be another performance of, strongest first.

        Args:
            query: an upload or a part of it.
            without: recordings not to be told.
            threshold: least score; the default is the shipped one.
        """
        if round(query.seconds) < SHORTEST_S or not query.profile.any():
            return []
        asked = query.profile
        hidden = frozenset(without)
        like = likeness(asked, self._summaries) if len(self) else np.zeros(0, np.float32)
        shortlist = [int(n) for n in np.argsort(-like, kind="stable") if self.recording_ids[n] not in hidden]
        examined = [_Examined.of(asked, self.profile(n), n) for n in self._walked(asked, shortlist)]
        if len(examined) < FEW:
            examined = [one.in_all_keys(asked, self.profile(one.number)) for one in examined]
        found = [self._candidate(one, examined, len(asked)) for one in examined]
        return sorted((c for c in found if c.score >= threshold), key=lambda c: (-c.score, c.recording_id))

    def _candidate(self, one: _Examined, all_examined: Sequence[_Examined], query: int) -> Candidate:
        backwards = [length for o in all_examined for length in o.backwards]
        if len(all_examined) < FEW:
            chance = max(backwards)
        else:
            chance = chance_level([*backwards, *(max(o.forwards) for o in all_examined if o is not one)])
        length = max(one.forwards)
        key = one.keys[one.forwards.index(length)]
        return Candidate(
            self.recording_ids[one.number],
            score(length, chance, query, self._lengths[one.number]),
            length / FRAMES_PER_SECOND,
            key if key <= 6 else key - 12,
        )

    def _walked(self, asked: Profile, numbers: Sequence[int]) -> list[int]:
        """Return those of the shortlist with the longest paths at the coarse rate, for their length."""
        numbers = numbers[:SHORTLIST]
        if len(numbers) <= EXAMINED:
            return list(numbers)
        embedded = EMBEDDED // _COARSE + 1
        query = windows(coarse(asked), 0, embedded)
        tried = [(number, key) for number in numbers for key in keys(asked, self.profile(number))]
        lengths = longest_paths(query, [windows(coarse(self.profile(n)), key, embedded) for n, key in tried])
        best: dict[int, float] = {}
        for (number, _), length in zip(tried, lengths, strict=True):
            # What the null expects grows with the square root of the reference's length, about.
            relative = length / max(self._lengths[number], 1) ** 0.5
            best[number] = max(best.get(number, 0.0), relative)
        return sorted(best, key=lambda number: (-best[number], number))[:EXAMINED]


@dataclass(frozen=True)
class _Examined:
    """Paths through one recording: forwards in each key, and backwards as chance has them."""

    number: int
    keys: tuple[int, ...]
    forwards: list[float]
    backwards: list[float]

    @classmethod
    def of(cls, asked: Profile, own: Profile, number: int) -> _Examined:
        tried = keys(asked, own)
        forwards = longest_paths(windows(asked), [windows(own, key) for key in tried])
        return cls(number, tried, forwards, _backwards(asked, own, range(0, 12, 2)))

    def in_all_keys(self, asked: Profile, own: Profile) -> _Examined:
        """The same with what stands for chance in all keys: a small catalogue has few others."""
        return replace(self, backwards=_backwards(asked, own, range(12)))


def _backwards(asked: Profile, own: Profile, in_keys: Iterable[int]) -> list[float]:
    return longest_paths(windows(asked), [windows(own[::-1], key) for key in in_keys])


def coarse(profile: Profile) -> Profile:
    """Return a profile at half its frame rate."""
    whole = len(profile) - len(profile) % _COARSE
    pooled = profile[:whole].reshape(-1, _COARSE, 12).astype(np.uint16).sum(1)
    halved: Profile = (pooled // _COARSE).astype(np.uint8)
    return halved


def keys(query: Profile, reference: Profile) -> tuple[int, ...]:
    """Return the rotations of the reference under which its mean profile is most like the query's.

    The optimal transposition index of Serra et al. (IEEE TASLP 16, 2008), with a second choice.
    """
    asked: NDArray[np.float64] = query.sum(0, dtype=np.float64)
    own: NDArray[np.float64] = reference.sum(0, dtype=np.float64)
    products = np.array([float(asked @ np.roll(own, r)) for r in range(12)])
    return tuple(int(r) for r in np.argsort(-products, kind="stable")[:_KEYS])
