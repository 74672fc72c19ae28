"""Is this sound made by a machine: the lattice comb, a learned ear for voices, and what may be said."""

from rightscan.synthesis.analysis import Analyser
from rightscan.synthesis.calibration import CALIBRATION
from rightscan.synthesis.evidence import STEMS, Evidence, Stretch, VoiceEvidence
from rightscan.synthesis.judgement import (
    FAINT_VOCAL,
    NOT_SEPARATED,
    Judgement,
    Level,
    Outcome,
    Part,
    Passage,
    Source,
    VoiceStandard,
    judge,
)
from rightscan.synthesis.parameters import PIPELINE, SAMPLE_RATE

__all__ = [
    "CALIBRATION",
    "FAINT_VOCAL",
    "NOT_SEPARATED",
    "PIPELINE",
    "SAMPLE_RATE",
    "STEMS",
    "Analyser",
    "Evidence",
    "Judgement",
    "Level",
    "Outcome",
    "Part",
    "Passage",
    "Source",
    "Stretch",
    "VoiceEvidence",
    "VoiceStandard",
    "judge",
]
