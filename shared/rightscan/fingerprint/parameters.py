"""The numbers a fingerprint depends on, and the version word made from them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameters:
    """Everything the content of a fingerprint depends on; a change of any field is a new pipeline.

    Units: ``hop`` and ``window`` in samples, times in hops unless they say seconds, frequencies in Hz,
    levels in dB, pitch in cents above ``pitch_origin_hz``.
    """

    layout: int = 1  # raised when the algorithm changes while every number below stays
    sample_rate: int = 11025
    window: int = 1024
    hop: int = 256
    low_hz: float = 180.0
    high_hz: float = 4200.0
    floor_db: float = -85.0  # spectral peaks below this (0 dB: a full-scale sine) are not music
    mean_frames: int = 43  # half width of the local mean a peak must stand out of, in time
    mean_bins: int = 20  # and in frequency
    maximum_frames: int = 5  # half width of the neighbourhood a peak is the maximum of
    maximum_bins: int = 5
    rank_frames: int = 22  # half width of the window in which peaks are ranked by salience
    ranks_kept: int = 60  # peaks stored in any such window (about a second)
    pitch_origin_hz: float = 55.0
    ticks_per_hop: int = 16  # resolution of a stored peak time
    band_hops: int = 4  # hops averaged into one row of the band levels
    bands: int = 52  # semitone bands from low_hz upwards
    reference_rank: int = 30  # peaks that become landmarks of a reference
    targets: int = 4  # strongest partners per anchor on the reference side
    min_dt: int = 3  # hops between the two peaks of a landmark
    max_dt: int = 49
    min_cents: int = 40  # pitch between them
    max_cents: int = 900


PARAMETERS = Parameters()
SAMPLE_RATE: int = PARAMETERS.sample_rate


def pipeline_of(parameters: Parameters) -> str:
    """Return the version word of a parameter set: ``fp1-`` and 12 hex digits of its SHA-256."""
    text = json.dumps(dataclasses.asdict(parameters), sort_keys=True, separators=(",", ":"))
    return "fp1-" + hashlib.sha256(text.encode()).hexdigest()[:12]


PIPELINE: str = pipeline_of(PARAMETERS)
