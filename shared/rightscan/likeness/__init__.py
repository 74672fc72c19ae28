"""Whose voice is it like: templates of enrolled performers, compared with the voices of a file. Pure.

Stores nothing: prints and templates are handed to whoever may keep them.
"""

from rightscan.likeness.comparison import Candidate, Comparison, compare
from rightscan.likeness.encoder import Encoder
from rightscan.likeness.enrolment import Template, enrolment_problems, template_of
from rightscan.likeness.listening import Listener
from rightscan.likeness.pieces import SAMPLE_RATE
from rightscan.likeness.prints import VoicePrint, VoiceSegment
from rightscan.likeness.register import REGISTERS
from rightscan.likeness.scoring import Calibration, Cohort, pack_cohort

__all__ = [
    "REGISTERS",
    "SAMPLE_RATE",
    "Calibration",
    "Candidate",
    "Cohort",
    "Comparison",
    "Encoder",
    "Listener",
    "Template",
    "VoicePrint",
    "VoiceSegment",
    "compare",
    "enrolment_problems",
    "pack_cohort",
    "template_of",
]
