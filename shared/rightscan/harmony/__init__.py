"""The same work in another performance: pitch classes, and how long two pieces go along the same ones.

A candidate from here never says that a registered recording is in a file; that is the fingerprint's word alone.
"""

from rightscan.harmony.catalogue import SHORTEST_S, Candidate, Catalogue
from rightscan.harmony.chroma import Harmony, Listener, harmony_of
from rightscan.harmony.parameters import FRAMES_PER_SECOND, PIPELINE, SAMPLE_RATE
from rightscan.harmony.score import THRESHOLD

__all__ = [
    "FRAMES_PER_SECOND",
    "PIPELINE",
    "SAMPLE_RATE",
    "SHORTEST_S",
    "THRESHOLD",
    "Candidate",
    "Catalogue",
    "Harmony",
    "Listener",
    "harmony_of",
]
