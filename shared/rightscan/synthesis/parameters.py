"""What the analysis of synthetic sound is made with. A change of any of these is a new pipeline."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

SAMPLE_RATE = 44_100
"""Rate of the sound that is analysed, Hz."""


@dataclass(frozen=True, slots=True)
class Family:
    """A lattice of spectral lines at the multiples of ``sample_rate / stride``.

    Attributes:
        sample_rate: rate that the decoder runs at, Hz; of several with the same lattice the one in most use.
        stride: product of the upsampling strides that the lattice stands for.
    """

    sample_rate: int
    stride: int

    @property
    def spacing(self) -> float:
        """Distance of the lines, Hz."""
        return self.sample_rate / self.stride

    @property
    def name(self) -> str:
        """Return ``rate/stride``, as findings name it."""
        return f"{self.sample_rate}/{self.stride}"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Of the lattice comb. Frequencies in Hz, times in seconds, levels in dB.

    Attributes:
        fine: window of the long transform, samples (1.49 s); half overlap. Music, 10 s and more.
        coarse: window of the short transform (0.37 s); for the first ``coarse_s`` of a file.
        coarse_s: how much the short transform hears.
        whitening: bins of the moving mean that is taken off the log spectrum.
        clip_db: one bin of one window counts for no more than this, either way.
        unit_db: what counts as 1.
        percentile: over windows; what is there in seven windows of ten counts for half of a bin's value.
        loud: share of windows, the loudest, that must show the lines as well. The hum and the bus clocks of a
            recording chain go under where the programme is loud; a decoder's lines come with it.
        unit_s: length of the stretches that the timeline is made of.
        local_hz: width over which a bin is compared with its neighbours.
        tooth_cap: one line counts for no more than this many standard deviations.
        lowest: first line counted; ``lowest_narrow`` where the band ends below ``narrow``.
        tops: band ends tried beside the sound's own: decoders of 16, 24 and 32 kHz leave nothing above.
        ratio_reach: how far a change of speed or pitch is searched for, as a share.
    """

    fine: int = 65_536
    coarse: int = 16_384
    coarse_s: float = 60.0
    whitening: int = 61
    clip_db: float = 18.0
    unit_db: float = 6.0
    percentile: float = 30.0
    loud: float = 0.5
    unit_s: float = 20.0
    local_hz: float = 400.0
    tooth_cap: float = 4.0
    lowest: float = 3_000.0
    lowest_narrow: float = 1_500.0
    narrow: float = 9_000.0
    tops: tuple[float, ...] = (7_760.0, 11_640.0, 15_520.0, 19_885.0)
    highest: float = 20_500.0
    ratio_reach: float = 0.065
    ratio_step: float = 1 / 48_000


PARAMETERS = Parameters()

_RATES = (44_100, 48_000, 32_000, 24_000, 22_050, 16_000)  # in order of preference as a name
_STRIDES = tuple(base * 2**power for base in (1, 5) for power in range(3, 11))
_SPACING_HZ = (60.0, 2_300.0)  # below, lines stand closer than a voice's; above, fewer than five are left
# Frames of USB sound cards and of the clocks around them: lines at the multiples of 1 kHz are in one
# LibriSpeech recording of forty. They are no evidence.
CLOCK_HZ = 1_000.0


def _families() -> tuple[Family, ...]:
    found: dict[float, Family] = {}
    for rate in _RATES:
        for stride in _STRIDES:
            spacing = rate / stride
            if _SPACING_HZ[0] <= spacing <= _SPACING_HZ[1] and spacing % CLOCK_HZ:
                found.setdefault(round(spacing, 3), Family(rate, stride))
    return tuple(found[spacing] for spacing in sorted(found))


FAMILIES = _families()
"""Every lattice that is looked for, by spacing."""


def _pipeline() -> str:
    content = {"parameters": asdict(PARAMETERS), "families": [f.name for f in FAMILIES], "version": 6}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return "syn-" + hashlib.sha256(text.encode()).hexdigest()[:12]


PIPELINE = _pipeline()
"""Version word of these parameters; stored with the evidence."""
