"""From one logit per window to one statement about the sound: pooled score and log10 likelihood ratio.

The score is graded evidence. It may put a recording on the list of things to look at; it never asserts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import log, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.synthesis.voice.features import FEATURES, WindowFeatures

_LN10 = log(10.0)


@dataclass(frozen=True)
class Calibration:
    """How a pooled logit becomes a log10 likelihood ratio.

    ``log10 LR = (slope · pooled + slope_windows · pooled · ln(windows) + offset) / ln 10``, for at most
    ``most_windows``, within ± log10 of ``trials``: with N independent sources nothing beyond N can be said.
    """

    slope: float
    slope_windows: float
    offset: float
    most_windows: int
    trials: int

    @classmethod
    def read(cls, features: object, calibration: Mapping[str, Any]) -> Calibration:
        """Read what a model card says.

        Args:
            features: ``inputs.features`` of the card.
            calibration: ``calibration`` of the card.

        Raises:
            PermanentError: code ``model_features``, when the model was made for other features.
        """
        if features != FEATURES:
            raise PermanentError(
                "model_features",
                f"the model was trained on the features {features}, this program measures {FEATURES}",
                "Train it again (make train-voice) or take the one shipped with this version.",
            )
        return cls(
            slope=float(calibration["slope"]),
            slope_windows=float(calibration["slope_windows"]),
            offset=float(calibration["offset"]),
            most_windows=int(calibration["most_windows"]),
            trials=int(calibration["trials"]),
        )

    def log10_lr(self, pooled: float, windows: int) -> float:
        """Return the log10 likelihood ratio of "made by a machine" against "recorded from a person"."""
        count = min(max(windows, 1), self.most_windows)
        natural = (self.slope + self.slope_windows * log(count)) * pooled + self.offset
        most = log10(max(self.trials, 1))
        return float(np.clip(natural / _LN10, -most, most))


@dataclass(frozen=True)
class VoiceScore:
    """What the voice of a sound amounts to.

    ``score`` is the mean logit of the judged windows, ``None`` where none had enough voice; ``windows``
    counts them, ``voiced_s`` is their length in seconds; ``log10_lr`` as of ``Calibration``.
    """

    score: float | None
    log10_lr: float | None
    windows: int
    voiced_s: float


def pool(logits: NDArray[np.float32], measured: WindowFeatures, calibration: Calibration) -> VoiceScore:
    """Pool the logits of a sound's windows.

    Args:
        logits: float32[T], one per window of ``measured``, whatever those with too little voice got.
        measured: the windows.
        calibration: of the model that gave the logits.
    """
    judged = measured.judged
    windows = int(judged.sum())
    seconds = float((measured.times[judged, 1] - measured.times[judged, 0]).sum())
    if not windows:
        return VoiceScore(score=None, log10_lr=None, windows=0, voiced_s=0.0)
    pooled = float(np.mean(logits[judged].astype(np.float64)))
    return VoiceScore(pooled, calibration.log10_lr(pooled, windows), windows, seconds)
