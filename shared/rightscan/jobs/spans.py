"""Parts of a file and what axis C says of them; without numpy, which the function that ingests does not carry."""

from __future__ import annotations

from dataclasses import dataclass

from rightscan.rights.axes import AxisC, DeclaredBy, DetectedPart

MIXED = "vocal_not_separated"
"""The condition of what is said of a mix; as in ``rightscan.synthesis``, whose import would bring numpy."""


@dataclass(frozen=True)
class Span:
    """A part of the file. Times in seconds, half-open."""

    start_s: float
    end_s: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end_s - self.start_s

    def common(self, start_s: float, end_s: float) -> float:
        """Seconds that it shares with another span."""
        return max(0.0, min(self.end_s, end_s) - max(self.start_s, start_s))


@dataclass(frozen=True)
class SpanOrigin:
    """Axis C of the file or a part of it.

    Attributes:
        axis_c: the word.
        declared_by: who declared it.
        declared_parts: what was declared, words of the ``ai_part`` list.
        parts: what was detected.
        conditions: why the sound allows no word, or what limits it.
        shows_something: whether the sound's own evidence asks for a person.
    """

    axis_c: AxisC
    declared_by: tuple[DeclaredBy, ...] = ()
    declared_parts: tuple[str, ...] = ()
    parts: tuple[DetectedPart, ...] = ()
    conditions: tuple[str, ...] = ()
    shows_something: bool = False

    @property
    def kind(self) -> str | None:
        """The kind beside the word."""
        return next((str(kind) for kind in (*self.declared_by, *self.parts)), None)

    @property
    def tested(self) -> tuple[str, ...]:
        """What was tested to an end; words of the ``tested`` list."""
        if self.axis_c is AxisC.DECLARED:
            return ("declared",)
        return ("c_mix",) if self.axis_c in (AxisC.DETECTED, AxisC.NONE_FOUND) else ()
