"""What is measured: the answer that an engine gives, and how an engine is named on the command line.

An engine is anything that can be called with a path or with float32[n, 2] at 44.1 kHz and returns a mapping:

- ``score``: a number that grows with the evidence, or None where nothing could be analysed
- ``log10_lr``: log10 of a likelihood ratio, or None
- ``axis_c``: ``declared``, ``detected``, ``none_found`` or ``inconclusive``
- ``kind``, ``family``: words, or None
- ``conditions``: the validated conditions that failed
- ``queue``, ``assert``: whether the engine's own two thresholds are passed
- ``segments``: stretches of the timeline
- ``ratio`` (optional): the speed the engine found, upload rate over original rate
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.sound import Sound

Engine = Callable[[Path | Sound], Mapping[str, Any]]

OWN = "bench.synthesis.adapter:score"
NEEDED = (
    "score",
    "log10_lr",
    "axis_c",
    "kind",
    "family",
    "conditions",
    "queue",
    "assert",
    "segments",
)


@dataclass(frozen=True)
class Answer:
    """What an engine said of one sound; the fields are those of the contract above."""

    score: float | None
    log10_lr: float | None
    axis_c: str
    kind: str | None
    family: str | None
    conditions: tuple[str, ...]
    queue: bool
    asserted: bool
    segments: int
    ratio: float | None = None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Answer:
        """Read an engine's answer.

        Raises:
            ValueError: something is missing from it.
        """
        missing = [name for name in NEEDED if name not in told]
        if missing:
            raise ValueError(f"the engine's answer lacks {', '.join(missing)}")
        segments: Sequence[Any] = told["segments"] or ()
        return cls(
            score=_number(told["score"]),
            log10_lr=_number(told["log10_lr"]),
            axis_c=str(told["axis_c"]),
            kind=told["kind"],
            family=told["family"],
            conditions=tuple(map(str, told["conditions"])),
            queue=bool(told["queue"]),
            asserted=bool(told["assert"]),
            segments=len(segments),
            ratio=_number(told.get("ratio")),
        )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def load(name: str) -> Engine:
    """Return the engine that ``module:attribute`` names.

    Args:
        name: of a function, or of a class that needs no arguments and has a method ``score``.

    Raises:
        ValueError: it is not such a name.
        TypeError: nothing there can be called.
    """
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ValueError(f"{name}: an engine is named as module:attribute")
    found = getattr(importlib.import_module(module), attribute, None)
    engine: Any = found().score if isinstance(found, type) else found
    if not callable(engine):
        raise TypeError(f"{name}: nothing there that can be called")
    return engine  # type: ignore[no-any-return]
