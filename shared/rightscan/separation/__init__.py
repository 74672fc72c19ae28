"""The voice apart from its backing, by a model that is plugged in. Pure: blocks of sound in, stems out.

Off unless a separator is named in the settings of the engines; ``docs/models.md`` says what a model must be.
"""

from rightscan.separation.form import Form
from rightscan.separation.resampling import resample
from rightscan.separation.separate import Stems, separate, separate_whole
from rightscan.separation.share import VocalShare

__all__ = ["Form", "Stems", "VocalShare", "resample", "separate", "separate_whole"]
