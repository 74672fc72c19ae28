"""The learned detector of machine-made voices, for makers that leave no lattice of spectral lines."""

from rightscan.synthesis.voice.features import FEATURES, NAMES, VOICED_SHARE, WindowFeatures, features

__all__ = ["FEATURES", "NAMES", "VOICED_SHARE", "WindowFeatures", "features"]
