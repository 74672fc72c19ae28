"""Models and their cards: what is shipped or plugged in, checked before it may say anything. Pure.

Nothing here imports onnxruntime before a model runs.
"""

from rightscan.models.card import (
    ArraySpec,
    ErrorRow,
    Inputs,
    ModelCard,
    Outputs,
    Source,
    Thresholds,
    TrainingData,
)
from rightscan.models.external import ExternalDetector, Signal, load_detector, signal_of
from rightscan.models.registry import SHIPPED, Registry
from rightscan.models.session import Model
from rightscan.models.settings import EngineSettings

__all__ = [
    "SHIPPED",
    "ArraySpec",
    "EngineSettings",
    "ErrorRow",
    "ExternalDetector",
    "Inputs",
    "Model",
    "ModelCard",
    "Outputs",
    "Registry",
    "Signal",
    "Source",
    "Thresholds",
    "TrainingData",
    "load_detector",
    "signal_of",
]
