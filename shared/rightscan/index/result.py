"""What a search answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Modification:
    """How the upload differs from the recording.

    ``kinds``: ``speed`` (pitch and tempo together), ``tempo``, ``pitch``; empty for an unchanged copy. ``speed``
    is upload rate over original rate, ``pitch_semitones`` upload minus original; both as measured, with the half
    widths of their 95 % intervals.
    """

    kinds: tuple[str, ...]
    speed: float
    pitch_semitones: float
    speed_error: float = 0.0
    pitch_error: float = 0.0


@dataclass(frozen=True)
class Segment:
    """One appearance of a recording in an upload. Times in s, half-open.

    Attributes:
        recording_id: as registered.
        media_start: where it begins in the upload.
        media_end: where it ends there.
        reference_start: the same moments in the recording.
        reference_end: see ``reference_start``.
        log10_lr: log10 of P(evidence | this recording is here) / P(evidence | it is not), from the ten strongest
            seconds, so that a long false alignment is no surer than a short one.
        coverage: share of the segment's seconds in which the recording is heard.
        modification: what was done to it.
        bounds: uncertainty of ``media_start`` and ``media_end`` in s (95 %).
        rivals: other recordings that explain the same sound, by the same peaks, for half of either's segment or
            more. Recordings that merely sound together (a mash-up) have peaks of their own and are none.
    """

    recording_id: str
    media_start: float
    media_end: float
    reference_start: float
    reference_end: float
    log10_lr: float
    coverage: float
    modification: Modification
    bounds: tuple[float, float]
    rivals: tuple[str, ...] = ()
