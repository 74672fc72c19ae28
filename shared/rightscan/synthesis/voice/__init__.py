"""The learned detector of machine-made voices, for makers that leave no lattice of spectral lines."""

from rightscan.synthesis.voice.features import FEATURES, NAMES, VOICED_SHARE, WindowFeatures, features
from rightscan.synthesis.voice.judgement import Calibration, VoiceScore, pool
from rightscan.synthesis.voice.listening import Listener

__all__ = [
    "FEATURES",
    "NAMES",
    "VOICED_SHARE",
    "Calibration",
    "Listener",
    "VoiceScore",
    "WindowFeatures",
    "features",
    "pool",
]
