"""Listens to a file once, block by block: finds the voice, cuts it into windows, embeds them.

Memory holds half a minute of sound and the embeddings. Only what has voice is heard: pauses longer than a quarter of
a second are cut out before windows are made.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rightscan.likeness.activity import HOP, HOP_S, Activity, activity
from rightscan.likeness.encoder import Encoder
from rightscan.likeness.pieces import SAMPLE_RATE, Pieces
from rightscan.likeness.prints import VoicePrint, VoiceSegment, spread_of
from rightscan.likeness.register import register_of

Float = NDArray[np.float32]

MOST_SEGMENTS = 450
"""A quarter of an hour of voice at windows of 4 s that begin every 2 s; more says nothing new and costs as much."""

_AROUND = 5
"""Frames kept on either side of voice, 50 ms: consonants without a period belong to it."""
_LEAST_S = 1.0


class Listener:
    """Takes the sound of a file and gives the voices in it.

    Args:
        encoder: of voices.
        most: segments; what comes after them is not listened to.
    """

    def __init__(self, encoder: Encoder, most: int = MOST_SEGMENTS) -> None:
        self._encoder = encoder
        self._most = most
        self._pieces = Pieces()
        self._start_s = 0.0
        self._segments: list[VoiceSegment] = []
        self._measures: list[tuple[float, float, float, float]] = []  # voiced s, snr, bandwidth, backing

    def add(self, block: Float) -> None:
        """Take float32[n] or float32[n, channels] at 44.1 kHz, full scale 1.

        Raises:
            PermanentError: as ``Encoder.embed``.
        """
        for piece in self._pieces.add(block):
            self._listen(piece)

    def finish(self) -> VoicePrint:
        """The voices heard; raises as ``add``."""
        rest = self._pieces.rest()
        if rest.size:
            self._listen(rest)
        voiced = sum(row[0] for row in self._measures)
        weights = np.array([row[0] for row in self._measures]) / max(voiced, 1e-9)
        snr, bandwidth, backing = (
            float(weights @ np.array([row[column] for row in self._measures])) if voiced else 0.0
            for column in (1, 2, 3)
        )
        segments = tuple(self._segments)
        rows = np.stack([one.embedding for one in segments]) if segments else np.zeros((0, 1), np.float32)
        return VoicePrint(
            segments=segments,
            voiced_s=float(voiced),
            snr_db=snr,
            spread=spread_of(rows),
            bandwidth_hz=bandwidth,
            backing=backing,
            model=self._encoder.name,
        )

    def _listen(self, piece: Float) -> None:
        start_s, self._start_s = self._start_s, self._start_s + piece.size / SAMPLE_RATE
        if len(self._segments) >= self._most:
            return
        heard = activity(piece)
        if heard.voiced_s < _LEAST_S:
            return
        self._measures.append((heard.voiced_s, heard.snr_db, heard.bandwidth_hz, heard.backing))
        kept = _kept(heard)
        ranges = self._ranges(kept.size)[: self._most - len(self._segments)]
        sound = _sound(piece, kept)
        embedded = self._encoder.embed([sound[a * HOP : b * HOP] for a, b in ranges])
        for (a, b), row in zip(ranges, embedded, strict=True):
            frames = kept[a:b]
            self._segments.append(
                VoiceSegment(
                    start_s=round(start_s + float(frames[0]) * HOP_S, 2),
                    end_s=round(start_s + float(frames[-1] + 1) * HOP_S, 2),
                    embedding=row,
                    voiced_s=float(heard.active[frames].sum() * HOP_S),
                    register=register_of(heard.pitch_hz[frames]),
                )
            )

    def _ranges(self, frames: int) -> list[tuple[int, int]]:
        """Windows over the frames that are kept; the last ends with them; fewer than a window make one."""
        form = self._encoder.form
        size, hop = round(form.window_s / HOP_S), round(form.hop_s / HOP_S)
        if frames <= size:
            return [(0, frames)]
        starts = list(range(0, frames - size + 1, hop))
        if frames - (starts[-1] + size) >= hop // 2:
            starts.append(frames - size)
        return [(start, start + size) for start in starts]


def _kept(heard: Activity) -> NDArray[np.int64]:
    """Frames with voice, and those around it."""
    wide = np.convolve(heard.active.astype(np.int64), np.ones(2 * _AROUND + 1, np.int64), "same") > 0
    return np.flatnonzero(wide)


def _sound(piece: Float, kept: NDArray[np.int64]) -> Float:
    """The 10 ms of each frame kept, joined: float32[160 n]."""
    starts = kept * HOP + (640 - HOP) // 2  # a frame is 40 ms long; what it says holds for its middle
    sound: Float = piece[np.minimum(starts[:, None] + np.arange(HOP), piece.size - 1)].reshape(-1)
    return sound
