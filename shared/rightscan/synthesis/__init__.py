"""Is this sound made by a machine: the lattice comb, its evidence and what may be said of it."""

from rightscan.synthesis.analysis import Analyser
from rightscan.synthesis.calibration import CALIBRATION
from rightscan.synthesis.evidence import Evidence, Stretch
from rightscan.synthesis.judgement import Judgement, Level, Outcome, Passage, Source, judge
from rightscan.synthesis.parameters import PIPELINE, SAMPLE_RATE

__all__ = [
    "CALIBRATION",
    "PIPELINE",
    "SAMPLE_RATE",
    "Analyser",
    "Evidence",
    "Judgement",
    "Level",
    "Outcome",
    "Passage",
    "Source",
    "Stretch",
    "judge",
]
