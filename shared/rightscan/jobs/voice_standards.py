"""How the logits of the learned voice detectors are read: from their cards, no model is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

from rightscan.engines import EngineSettings
from rightscan.models import ModelCard, Registry
from rightscan.synthesis import VoiceStandard
from rightscan.synthesis.voice import Calibration

VOICE_KIND = "synthesis"
"""Kind of a card whose model judges the features of a voice."""


@cache
def voice_standards(engines: EngineSettings) -> Mapping[str, VoiceStandard]:
    """Return calibration and threshold of the models that are on, by name@version.

    Raises:
        PermanentError: of ``Registry.open``; ``model_features`` for a model of other features.
    """
    standards = {}
    for model in Registry.of(engines).of_kind(VOICE_KIND):
        card = model.card
        calibration = Calibration.read(card.inputs.settings.get("features"), card.calibration or {})
        queue = card.thresholds.queue
        # A card without a QUEUE threshold queues nothing.
        standards[named(card)] = VoiceStandard(calibration, math.inf if queue is None else queue)
    return standards


def named(card: ModelCard) -> str:
    """Return ``name@version``."""
    return f"{card.name}@{card.version}"
