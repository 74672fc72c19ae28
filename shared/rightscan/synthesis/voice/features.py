"""The features of a voice, one row per four seconds of sound: what the learned detectors look at.

Every value has a name and a meaning; none changes with level, polarity or leading silence. Bands that the
sound does not reach are NaN, so that a detector can tell "not there" from "zero".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.voice import envelope, excitation, phase, pulses
from rightscan.synthesis.voice.sound import (
    EDGES_HZ,
    FRAME,
    HOP,
    SHORTEST_S,
    TOP_HZ,
    Float,
    begins,
    cut,
    resample,
    take_apart,
)

FEATURES = "voice-2"  # raised whenever a value changes its meaning; a model names the version it was made for
NAMES: tuple[str, ...] = (
    phase.NAMES
    + excitation.NAMES
    + pulses.NAMES
    + envelope.CEPSTRUM_NAMES
    + envelope.MODULATION_NAMES
    + envelope.MOMENT_NAMES
)
VOICED_SHARE = 0.15  # a window with less voice (0.6 s of 4) is not judged
_FEWEST_FRAMES = 32


@dataclass(frozen=True)
class WindowFeatures:
    """One row per window.

    ``times`` float64[T, 2], seconds, half-open, from the first sample given; ``values`` float32[T, F], NaN
    where something could not be measured, otherwise finite; ``names`` of the F columns; ``voiced_share``
    float32[T], 0 … 1; ``bandwidth_hz`` float32[T], up to 8,000.
    """

    times: NDArray[np.float64]
    values: Float
    names: tuple[str, ...]
    voiced_share: Float
    bandwidth_hz: Float

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Return bool[T]: the windows with enough voice to be judged."""
        return self.voiced_share >= VOICED_SHARE


def features(sound: Float, sample_rate: int) -> WindowFeatures:
    """Measure a sound window by window.

    Args:
        sound: float32[n], mono, full scale 1; finite.
        sample_rate: Hz. What lies above 7.2 kHz is not looked at.

    Returns:
        A row per 4 s; the last one ends with the sound. Under 1 s of sound there is none.
    """
    first = begins(sound)
    ranges = cut(sound.size - first, sample_rate)
    rows = [window_values(sound[first + start : first + stop], sample_rate) for start, stop in ranges]
    times = (np.array(ranges, np.float64).reshape(-1, 2) + first) / sample_rate
    return WindowFeatures(
        times=times,
        values=np.stack([row[0] for row in rows]) if rows else np.zeros((0, len(NAMES)), np.float32),
        names=NAMES,
        voiced_share=np.array([row[1] for row in rows], np.float32),
        bandwidth_hz=np.array([row[2] for row in rows], np.float32),
    )


def window_values(sound: Float, sample_rate: int) -> tuple[Float, float, float]:
    """Measure one window: its values float32[F], the share that is voiced, its bandwidth in Hz.

    Args:
        sound: float32[n], 1 to 4 s.
        sample_rate: Hz.
    """
    nothing = np.full(len(NAMES), np.nan, np.float32)
    loudest = float(np.abs(sound).max(initial=0.0))
    if sound.size < SHORTEST_S * sample_rate or loudest == 0.0:
        return nothing, 0.0, 0.0
    samples = resample((sound / np.float32(loudest)).astype(np.float32), sample_rate)
    if samples.size < FRAME + _FEWEST_FRAMES * HOP:
        return nothing, 0.0, 0.0
    frames = take_apart(samples)
    magnitude = np.abs(frames.spectrum)
    local = phase.local_level(np.log(magnitude + np.float32(1e-7)))
    values = np.concatenate(
        [
            phase.phase_values(frames, local),
            excitation.excitation_values(frames),
            pulses.pulse_values(frames),
            envelope.cepstrum_values(frames, magnitude**2),
            envelope.modulation_values(frames),
            envelope.moment_values(frames, local),
        ]
    )
    bandwidth_hz = min(frames.bandwidth_hz, sample_rate / 2)
    values[bandwidth_hz < _ABOVE_HZ] = np.nan
    return np.where(np.isfinite(values), values, np.float32(np.nan)), frames.voiced_share, bandwidth_hz


def _upper_edges() -> NDArray[np.float64]:
    """Return for each feature the highest frequency (Hz) it looks at; 0 for those without a band."""
    tops = []
    for name in NAMES:
        group, last = name.split("_")[0], name.split("_")[-1]
        if group in ("phase", "moment"):
            tops.append(EDGES_HZ[int(last) + 1])
        elif group == "lfcc":
            tops.append(TOP_HZ if name.split("_")[-2] == "1" else TOP_HZ / 2)
        elif group == "modulation":
            tops.append((1_000.0, 2_500.0, 4_600.0, TOP_HZ)[int(name.split("_")[1])])
        elif name in pulses.NAMES:
            tops.append(pulses.TOPS_HZ[pulses.NAMES.index(name)])
        else:
            tops.append(TOP_HZ if name.startswith("residual_flatness_high") else 0.0)
    return np.array(tops)


_ABOVE_HZ = _upper_edges()
