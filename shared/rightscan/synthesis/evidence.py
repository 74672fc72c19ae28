"""What is kept of an analysis: enough to judge again under other thresholds, and to draw it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.synthesis.lattice import UNTESTED, Comb
from rightscan.synthesis.parameters import PIPELINE, Family
from rightscan.synthesis.spectrum import LineSpectrum

_STEPS = 40  # of a stored line spectrum, per unit of 6 dB: no bin is over 3

STEMS = ("vocal", "instrumental")
"""Parts that a separator takes a mix into."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The strongest lattice of one stretch. Times in seconds, half-open."""

    start_s: float
    end_s: float
    found: Comb


@dataclass(frozen=True, eq=False)
class VoiceEvidence:
    """What a model made of the voice, window by window.

    Attributes:
        model: name@version.
        times: float32[n, 2], seconds, half-open.
        logits: float32[n], natural logarithm of odds.
        voiced_share: float32[n], 0 … 1.
    """

    model: str
    times: NDArray[np.float32]
    logits: NDArray[np.float32]
    voiced_share: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the analysis of synthetic sound saw.

    Attributes:
        pipeline: version word of the parameters it was made with.
        duration_s: length of the sound.
        heard_s: seconds of it that are no silence.
        band_hz: highest frequency that carries sound, Hz.
        snr_db: the sound over its noise floor, dB (``Loudness.snr_db``); None without sound.
        whole: strongest lattice over everything, long transform.
        coarse: the same over the first minute, short transform.
        changed: strongest lattice at another ratio; untested where ``whole`` is clear.
        tracked: strongest lattice whose ratio may waver; untested where another is clear.
        stretches: the timeline.
        lines: the line spectrum behind ``whole``; None where all was silent.
        voice: of the learned detector; None where no model was asked.
        stems: of the parts, ``vocal`` and ``instrumental``, where a separator took them apart.
        vocal_db: energy of the voice over its backing, dB; None where nothing was taken apart.
        signals: scores of other people's detectors by name@version, None where one failed; they move nothing.
    """

    pipeline: str
    duration_s: float
    heard_s: float
    band_hz: float
    snr_db: float | None
    whole: Comb
    coarse: Comb
    changed: Comb
    tracked: Comb
    stretches: tuple[Stretch, ...]
    lines: LineSpectrum | None
    voice: VoiceEvidence | None = None
    stems: Mapping[str, Evidence] = field(default_factory=dict)
    vocal_db: float | None = None
    signals: Mapping[str, float | None] = field(default_factory=dict)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the evidence as arrays for an npz file.

        ``head`` is JSON text, ``lines`` int8[2, bins], ``voice`` float32[n, 4]: start, end, logit, voiced share.
        Those of a stem have its name before theirs, ``vocal.head``.
        """
        head: dict[str, Any] = {
            "pipeline": self.pipeline,
            "duration_s": self.duration_s,
            "heard_s": self.heard_s,
            "band_hz": self.band_hz,
            "snr_db": self.snr_db,
            "whole": _comb_values(self.whole),
            "coarse": _comb_values(self.coarse),
            "changed": _comb_values(self.changed),
            "tracked": _comb_values(self.tracked),
            "stretches": [[s.start_s, s.end_s, _comb_values(s.found)] for s in self.stretches],
            "voice": None if self.voice is None else self.voice.model,
            "vocal_db": self.vocal_db,
            "signals": dict(self.signals),
            "windows": 0 if self.lines is None else self.lines.windows,
        }
        text = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
        kept = np.zeros((2, 0), np.int8)
        if self.lines is not None:
            both = np.stack([self.lines.whole, self.lines.loud])
            kept = np.clip(np.rint(both * _STEPS), -127, 127).astype(np.int8)
        arrays: dict[str, NDArray[np.generic]] = {"head": np.frombuffer(text, np.uint8), "lines": kept}
        if self.voice is not None:
            columns = (self.voice.times, self.voice.logits[:, None], self.voice.voiced_share[:, None])
            arrays["voice"] = np.concatenate(columns, axis=1).astype(np.float32)
        for stem, evidence in self.stems.items():
            arrays |= {f"{stem}.{name}": array for name, array in evidence.to_arrays().items()}
        return arrays

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
                snr_db=head["snr_db"],
                whole=_comb(head["whole"]),
                coarse=_comb(head["coarse"]),
                changed=_comb(head["changed"]),
                tracked=_comb(head["tracked"]),
                stretches=tuple(Stretch(float(a), float(b), _comb(c)) for a, b, c in head["stretches"]),
                lines=lines,
                voice=_voice(head["voice"], arrays),
                stems={stem: cls.from_arrays(part) for stem in STEMS if (part := _part(stem, arrays))},
                vocal_db=head["vocal_db"],
                signals={str(n): None if v is None else float(v) for n, v in head["signals"].items()},
            )
        except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
            raise PermanentError(
                "corrupt_features", "the evidence of synthesis cannot be read", "scan the media again"
            ) from error


def _part(stem: str, arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    prefix = f"{stem}."
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def _voice(model: str | None, arrays: Mapping[str, NDArray[np.generic]]) -> VoiceEvidence | None:
    if model is None:
        return None
    table = arrays["voice"].astype(np.float32)
    if table.ndim != 2 or table.shape[1] != 4:
        raise ValueError(table.shape)
    return VoiceEvidence(model, table[:, :2], table[:, 2], table[:, 3])


def _comb_values(comb: Comb) -> list[Any]:
    family = None if comb.family is None else [comb.family.sample_rate, comb.family.stride]
    return [round(comb.score, 4), family, comb.ratio, comb.top, comb.lines]


def _comb(values: list[Any]) -> Comb:
    score, family, ratio, top, lines = values
    if family is None:
        return UNTESTED
    return Comb(float(score), Family(*map(int, family)), float(ratio), float(top), int(lines))
