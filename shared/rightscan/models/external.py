"""Detectors of others: a small port through which a score comes in as one signal more. Off by default.

``docs/models.md`` shows an adapter of twenty lines. What such a detector says is listed beside the findings; it
moves no axis and no code by itself.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.models.card import ModelCard


@runtime_checkable
class ExternalDetector(Protocol):
    """What an adapter must have; ``card`` is of kind ``external`` and carries an error table like any other."""

    name: str
    version: str
    card: ModelCard

    def score(self, sound: NDArray[np.float32], sample_rate: int) -> float:
        """One finite number that grows with the evidence for synthesis.

        Args:
            sound: float32[n, 2], full scale 1.
            sample_rate: Hz.
        """
        ...


@dataclass(frozen=True)
class Signal:
    """What an external detector said of one sound."""

    name: str
    version: str
    score: float


def load_detector(place: str) -> ExternalDetector:
    """Import and build the detector that a setting names.

    Args:
        place: ``package.module:factory``; the factory takes no arguments and returns the detector. It comes from
            the settings of the deployment, never from an upload or a message: importing runs code.

    Raises:
        PermanentError: ``bad_detector`` where it cannot be imported or is not one.
    """
    module, _, factory = place.partition(":")
    if not module or not factory:
        raise _bad(f"{place!r} is not of the form package.module:factory")
    try:
        detector = getattr(importlib.import_module(module), factory)()
    except (ImportError, AttributeError, TypeError, ValueError, OSError) as error:
        raise _bad(f"{place} cannot be built ({type(error).__name__}: {error})") from error
    if not isinstance(detector, ExternalDetector):
        raise _bad(f"{place} has not all of name, version, card and score")
    if not isinstance(detector.card, ModelCard) or detector.card.kind != "external":
        raise _bad(f"the card of {place} is not of the kind external")
    if (detector.card.name, detector.card.version) != (detector.name, detector.version):
        raise _bad(f"{place} and its card differ in name or version")
    return detector


def signal_of(detector: ExternalDetector, sound: NDArray[np.float32], sample_rate: int) -> Signal:
    """Ask a detector.

    Args:
        detector: whom.
        sound: float32[n, 2], full scale 1.
        sample_rate: Hz.

    Raises:
        PermanentError: ``detector_failed`` where it raises, or gives anything but a finite number.
    """
    try:
        score = float(detector.score(sound, sample_rate))
    except Exception as error:
        # Code of others: whatever it raises must name the detector, not look like a fault of the media.
        raise _failed(detector, f"raised {type(error).__name__}") from error
    if not math.isfinite(score):
        raise _failed(detector, f"gave {score}")
    return Signal(detector.name, detector.version, score)


def _bad(what: str) -> PermanentError:
    return PermanentError(
        "bad_detector",
        f"external detector: {what}",
        "Correct the adapter after docs/models.md, or switch it off.",
    )


def _failed(detector: ExternalDetector, what: str) -> PermanentError:
    return PermanentError(
        "detector_failed",
        f"the external detector {detector.name} {what}",
        "Ask its maker, or switch it off; the other engines do not need it.",
    )
