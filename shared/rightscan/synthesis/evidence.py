"""What is kept of an analysis: enough to judge again under other thresholds, and to draw it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.synthesis.lattice import UNTESTED, Comb
from rightscan.synthesis.parameters import PIPELINE, Family
from rightscan.synthesis.spectrum import LineSpectrum

_STEPS = 40  # of a stored line spectrum, per unit of 6 dB: no bin is over 3


@dataclass(frozen=True, slots=True)
class Stretch:
    """The strongest lattice of one stretch. Times in seconds, half-open."""

    start_s: float
    end_s: float
    found: Comb


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the analysis of synthetic sound saw.

    Attributes:
        pipeline: version word of the parameters it was made with.
        duration_s: length of the sound.
        heard_s: seconds of it that are no silence.
        band_hz: highest frequency that carries sound, Hz.
        range_db: loud passages over the quietest twentieth, dB.
        whole: strongest lattice over everything, long transform.
        coarse: the same over the first minute, short transform.
        changed: strongest lattice at another ratio; untested where ``whole`` is clear.
        tracked: strongest lattice whose ratio may waver; untested where another is clear.
        stretches: the timeline.
        lines: the line spectrum behind ``whole``; None where all was silent.
    """

    pipeline: str
    duration_s: float
    heard_s: float
    band_hz: float
    range_db: float
    whole: Comb
    coarse: Comb
    changed: Comb
    tracked: Comb
    stretches: tuple[Stretch, ...]
    lines: LineSpectrum | None

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the evidence as arrays for an npz file: ``head`` (JSON text) and ``lines`` int8[2, bins]."""
        head: dict[str, Any] = {
            "pipeline": self.pipeline,
            "duration_s": self.duration_s,
            "heard_s": self.heard_s,
            "band_hz": self.band_hz,
            "range_db": self.range_db,
            "whole": _comb_values(self.whole),
            "coarse": _comb_values(self.coarse),
            "changed": _comb_values(self.changed),
            "tracked": _comb_values(self.tracked),
            "stretches": [[s.start_s, s.end_s, _comb_values(s.found)] for s in self.stretches],
            "windows": 0 if self.lines is None else self.lines.windows,
        }
        text = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
        kept = np.zeros((2, 0), np.int8)
        if self.lines is not None:
            both = np.stack([self.lines.whole, self.lines.loud])
            kept = np.clip(np.rint(both * _STEPS), -127, 127).astype(np.int8)
        return {"head": np.frombuffer(text, np.uint8), "lines": kept}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[np.generic]]) -> Evidence:
        """Read what ``to_arrays`` gave.

        Raises:
            PermanentError: ``unknown_pipeline`` for another version, ``corrupt_features`` for other content.
        """
        try:
            head = json.loads(arrays["head"].tobytes())
            kept = arrays["lines"]
            if head["pipeline"] != PIPELINE:
                raise PermanentError(
                    "unknown_pipeline",
                    f"the evidence was made by {head['pipeline']} and this version reads {PIPELINE}",
                    "scan the media again with this version",
                )
            lines = None
            if kept.shape[1]:
                whole, loud = kept.astype(np.float32) / _STEPS
                lines = LineSpectrum(whole, loud, int(head["windows"]))
            return cls(
                pipeline=head["pipeline"],
                duration_s=float(head["duration_s"]),
                heard_s=float(head["heard_s"]),
                band_hz=float(head["band_hz"]),
                range_db=float(head["range_db"]),
                whole=_comb(head["whole"]),
                coarse=_comb(head["coarse"]),
                changed=_comb(head["changed"]),
                tracked=_comb(head["tracked"]),
                stretches=tuple(Stretch(float(a), float(b), _comb(c)) for a, b, c in head["stretches"]),
                lines=lines,
            )
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise PermanentError(
                "corrupt_features", "the evidence of synthesis cannot be read", "scan the media again"
            ) from error


def _comb_values(comb: Comb) -> list[Any]:
    family = None if comb.family is None else [comb.family.sample_rate, comb.family.stride]
    return [round(comb.score, 4), family, comb.ratio, comb.top, comb.lines]


def _comb(values: list[Any]) -> Comb:
    score, family, ratio, top, lines = values
    if family is None:
        return UNTESTED
    return Comb(float(score), Family(*map(int, family)), float(ratio), float(top), int(lines))
