"""Audio fingerprints: spectral peaks of a recording and the keys it is found by. Pure: arrays in, dataclass out."""

from rightscan.fingerprint.parameters import PARAMETERS, PIPELINE, SAMPLE_RATE, Parameters
from rightscan.fingerprint.storage import Fingerprint, fingerprint

__all__ = ["PARAMETERS", "PIPELINE", "SAMPLE_RATE", "Fingerprint", "Parameters", "fingerprint"]
