"""One pass over the sound: blocks in, evidence out. Memory grows by a few bytes a second."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rightscan.synthesis.evidence import Evidence, Stretch
from rightscan.synthesis.framing import Framer, Loudness
from rightscan.synthesis.lattice import UNTESTED, prominence, strongest, tops
from rightscan.synthesis.parameters import PARAMETERS, PIPELINE, SAMPLE_RATE
from rightscan.synthesis.ratio import search
from rightscan.synthesis.spectrum import LineAccumulator, LinePool
from rightscan.synthesis.voice import Listener, WindowFeatures
from rightscan.synthesis.wow import WINDOWS, track

_ENOUGH = 8.0  # a lattice this clear at its nominal rate needs no search for another or a wavering one
_CANCELLED = 0.25  # of the channels' energy; less of it in their mean is a polarity trick
_UNIT = round(PARAMETERS.unit_s * SAMPLE_RATE)


class Analyser:
    """Takes the sound block by block and gives the evidence at the end.

    Args:
        voice: whether the features of a voice are measured too (``voice_windows``).

    Example:
        >>> analyser = Analyser()
        >>> analyser.add(np.zeros((44_100, 2), np.float32))
        >>> analyser.finish().heard_s
        0.0
    """

    def __init__(self, *, voice: bool = False) -> None:
        self._samples = 0
        self._listener = Listener(SAMPLE_RATE) if voice else None
        self._fine, self._coarse = Framer(PARAMETERS.fine), Framer(PARAMETERS.coarse)
        self._unit, self._unit_index = LineAccumulator(PARAMETERS.fine), 0
        self._short = LineAccumulator(PARAMETERS.coarse)
        self._pool = LinePool()
        self._stretches: list[Stretch] = []
        self._loudness = Loudness()

    def add(self, block: NDArray[np.float32]) -> None:
        """Take the next block, float32[n, channels] at ``SAMPLE_RATE``."""
        mono = _mono(block)
        self._loudness.add(mono)
        if self._listener is not None:
            self._listener.add(mono)
        if self._samples < PARAMETERS.coarse_s * SAMPLE_RATE:
            for _, window in self._coarse.add(mono):
                self._short.add(window)
        self._samples += mono.size
        for start, window in self._fine.add(mono):
            self._hear(start, window)

    def finish(self) -> Evidence:
        """Return what was seen."""
        rest = self._fine.rest()
        if rest is not None:
            self._hear(0, rest)
        self._close_unit()
        band_hz = self._loudness.band_end()
        ends = tops(band_hz)
        whole = coarse = changed = tracked = UNTESTED
        lines, short = self._pool.mean(), self._short.spectrum()
        if lines is not None:
            seen = prominence(lines)
            whole = strongest(seen, ends)
            if whole.score < _ENOUGH:
                changed = search(seen, ends[-1])
        if short is not None:
            coarse = strongest(prominence(short), ends)
            if max(whole.score, coarse.score) < _ENOUGH:
                tracked = track(self._short.windows(WINDOWS), ends[-1])
        return Evidence(
            pipeline=PIPELINE,
            duration_s=self._samples / SAMPLE_RATE,
            heard_s=self._loudness.heard_s(),
            band_hz=band_hz,
            snr_db=self._loudness.snr_db(),
            whole=whole,
            coarse=coarse,
            changed=changed,
            tracked=tracked,
            stretches=tuple(self._stretches),
            lines=lines,
        )

    def voice_windows(self) -> WindowFeatures | None:
        """Return the features of a voice, for a model to judge; None where they were not asked for."""
        return None if self._listener is None else self._listener.finish()

    def _hear(self, start: int, window: NDArray[np.float32]) -> None:
        if start // _UNIT != self._unit_index:
            self._close_unit()
            self._unit_index = start // _UNIT
        self._unit.add(window)

    def _close_unit(self) -> None:
        lines = self._unit.spectrum()
        self._unit = LineAccumulator(PARAMETERS.fine)
        if lines is None:
            return
        self._pool.add(lines)
        found = strongest(prominence(lines), tops(self._loudness.band_end()))
        start = self._unit_index * PARAMETERS.unit_s
        end = min(start + PARAMETERS.unit_s, self._samples / SAMPLE_RATE)
        self._stretches.append(Stretch(start, end, found))


def _mono(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of the channels; the first where they cancel."""
    mono: NDArray[np.float32] = block.mean(axis=1, dtype=np.float32)
    channels = block.shape[1]
    if float(mono @ mono) * channels < _CANCELLED * float(np.einsum("nc,nc->", block, block)):
        return np.ascontiguousarray(block[:, 0])
    return mono
