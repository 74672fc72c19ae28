"""Long cases made here: short clips of one generator (or of one set of people's sound) one after the other.

Published clips of many generators last four to ten seconds, while a song lasts minutes. A long case is not a song that
a generator made: every clip begins with a new phase of whatever the decoder leaves, and where a generator has fewer
seconds than are asked for its clips come round again. Both are in the name: ``long-made-here/<generator>``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bench.sound import RATE, Sound, fitted, levelled, stereo
from bench.synthesis.material import Found, Item, Origin

PREFIX = "long-made-here/"
_FADE_S = 0.02


@dataclass(frozen=True)
class Joined:
    """Clips one after the other at one level, cross-faded over 20 ms.

    Attributes:
        clips: in their order.
        seconds: of the whole; the clips come round again where they are too short.
    """

    clips: tuple[Origin, ...]
    seconds: float

    def sound(self) -> Sound:
        """Join them."""
        return joined([c.sound() for c in self.clips], round(self.seconds * RATE))


def joined(clips: Sequence[Sound], n: int) -> Sound:
    """Join clips to float32[n, 2], again from the first one where they are too short.

    Raises:
        ValueError: the clips hold less than two cross-fades of sound each.
    """
    fade = round(_FADE_S * RATE)
    parts = [levelled(stereo(x), 0.1) for x in clips if x.shape[0] > 2 * fade]
    if not parts:
        raise ValueError("no clip is long enough to be joined")
    ramp = np.linspace(0, 1, fade, dtype=np.float32)[:, None]
    out = np.zeros((n + fade, 2), np.float32)
    at, k = 0, 0
    while at < n:
        part = parts[k % len(parts)].copy()
        if at:
            part[:fade] *= ramp
        part[-fade:] *= ramp[::-1]
        part = part[: out.shape[0] - at]
        out[at : at + part.shape[0]] += part
        at += parts[k % len(parts)].shape[0] - fade
        k += 1
    return fitted(out, n)


def long_cases(items: Sequence[Item], seconds: float, most: int = 12) -> Found:
    """Deal the clips of every generator, and of every site of people's sound, into long cases.

    No clip is in two cases of the same generator, so each case is a source of its own. A generator with too few
    seconds for a case gets one whose clips come round again (``looped`` in its name); what people made is never looped,
    or its repetition would be tested. Clips that are long enough stand alone and are not in the result.

    Args:
        items: short ones.
        seconds: of a case.
        most: cases of a generator.
    """
    groups: dict[tuple[str, str, bool], list[Item]] = {}
    for item in items:
        groups.setdefault((item.made_by, item.made_by if item.fake else item.site, item.fake), []).append(
            item
        )
    made: list[Item] = []
    for (name, place, fake), group in groups.items():
        short = [item for item in group if item.seconds < seconds]
        count = min(int(_seconds(short) // seconds), most)
        if not short or (not count and not fake):
            continue
        hands = _dealt(short, max(count, 1))
        for k, hand in enumerate(hands):
            looped = _seconds(hand) < seconds
            if looped and not fake:
                continue
            made.append(
                Item(
                    name=f"{k + 1} of {len(hands)}{', looped' if looped else ''}",
                    made_by=f"{PREFIX}{name}",
                    fake=fake,
                    site=f"{PREFIX}{place}",
                    source=f"{PREFIX}{place}/{'fake' if fake else 'real'}/{k}",
                    seconds=seconds,
                    origin=Joined(tuple(item.origin for item in hand), seconds),
                )
            )
    return Found(tuple(made))


def _seconds(items: Sequence[Item]) -> float:
    return sum(item.seconds - _FADE_S for item in items)


def _dealt(items: Sequence[Item], count: int) -> list[list[Item]]:
    """Deal clips into hands of about the same length: the longest first, each to the hand that has least."""
    hands: list[list[Item]] = [[] for _ in range(count)]
    for item in sorted(items, key=lambda i: -i.seconds):
        min(hands, key=_seconds).append(item)
    return hands
