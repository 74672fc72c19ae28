"""Why one recording is told of one upload, or is not: the evidence of a single pair laid open as arrays.

Nothing is decided here. ``Index.search`` says what is told and ``Index.followed`` what was looked at; this module
reads the same evidence along the same lines and keeps all of it instead of its sum, for a person to look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import PARAMETERS as P
from rightscan.fingerprint import Fingerprint
from rightscan.fingerprint.landmarks import pairs
from rightscan.fingerprint.spectrum import Peaks
from rightscan.index import Index
from rightscan.index.alignment import HOPS_PER_SECOND, Alignment, align
from rightscan.index.calibration import ACCEPT_LOG10_LR, is_fixation, log10_lr
from rightscan.index.evidence import Line, Picture, Trace, harmony, trace
from rightscan.index.result import Modification, Segment
from rightscan.index.shard import Shard
from rightscan.index.voting import IDENTITY, OFFSET_BIN, Hypothesis, probe_keys

Float = NDArray[np.float32]
Flags = NDArray[np.bool_]

_ONLY = "recording"  # the one name in the index of the pair
_MARGIN_S = 3.0  # evidence is shown this far beyond a passage, so that its borders can be seen
_STRONGEST = 10 * HOPS_PER_SECOND  # the stretch a score is taken from
_WITHIN_HOPS = 1.5  # what counts as the same peak
_SECTION = 4096 * P.ticks_per_hop  # query paired at a time, so that memory does not grow
_LONGEST_PAIR = 63  # hops: as in the search
_MOST_STRAYS = 20_000  # landmarks off every line that are kept: more are a grey surface


class Reason(StrEnum):
    """Why nothing, or an alignment that was followed, is not told."""

    SILENT = "silent"
    NOTHING_FOLLOWED = "nothing_followed"
    SCORE = "score_under_threshold"
    NOT_A_FIXATION = "not_a_fixation"
    ANOTHER_RULE = "another_rule"


@dataclass(frozen=True, eq=False)
class PeakCloud:
    """Spectral peaks of one side: ``seconds`` float32[n], ``hertz`` float32[n], ``matched`` bool[n].

    A peak is matched when the other side has one within 1.5 hops (35 ms) and 37 cents along a passage's line.
    """

    seconds: Float
    hertz: Float
    matched: Flags


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks with equal keys: where they lie in ``upload`` and ``recording``, float32[n] s each.

    ``passage`` int16[n] is the number of the passage they lie on, -1 for none (chance, repeats); of those a part
    stands for the rest where there are very many, and ``strays`` is their true number.
    """

    upload: Float
    recording: Float
    passage: NDArray[np.int16]
    strays: int


@dataclass(frozen=True, eq=False)
class Course:
    """Evidence along a passage and three seconds beyond, in upload time.

    ``seconds`` float32[n] and ``nats`` float32[n]: the log likelihood ratio of the recording's peaks, summed from
    the passage's start. ``harmony_from`` float32[m]: beginnings of seconds; ``harmony`` float32[m]: agreement of
    the harmony in each, standardised (unrelated sound spreads by 1 to 2 around 0).
    """

    seconds: Float
    nats: Float
    harmony_from: Float
    harmony: Float


@dataclass(frozen=True, eq=False)
class Passage:
    """A stretch of the upload laid along the recording. Times in s, half-open.

    Attributes:
        media_start: where it begins in the upload.
        media_end: where it ends there.
        reference_start: the same moments in the recording.
        reference_end: see ``reference_start``.
        log10_lr: the score.
        harmony: the heaviest statistic in it, over the strongest ten seconds; None where a told line, followed
            again, is lost.
        modification: speed, pitch, and what they amount to.
        bounds: uncertainty of ``media_start`` and ``media_end`` (95 %).
        coverage: share of its seconds in which the recording is heard.
        presence: share of the recording's peaks that are heard, 0.05 to 0.95.
        sharpness: share of the common peaks that meet within 6 ms; None as ``harmony``.
        strongest: upload span of the ten seconds with the most evidence.
        matched: peaks of the recording that the upload has too.
        of: peaks of the recording in the passage.
        landmarks: equal landmarks on the line.
        course: the evidence over time.
        reasons: why it is not told; empty for one that is.
    """

    media_start: float
    media_end: float
    reference_start: float
    reference_end: float
    log10_lr: float
    harmony: float | None
    modification: Modification
    bounds: tuple[float, float]
    coverage: float
    presence: float
    sharpness: float | None
    strongest: tuple[float, float]
    matched: int
    of: int
    landmarks: int
    course: Course
    reasons: tuple[Reason, ...]

    @property
    def offset_s(self) -> float:
        """How much later the recording's clock is than the upload's where the passage begins, s."""
        return self.reference_start - self.media_start

    def evidence_by_second(self) -> list[tuple[float, float]]:
        """Return upload time (s) and evidence (nats) summed up to it, at the end of each of the passage's seconds."""
        ends = np.append(np.arange(self.media_start + 1, self.media_end - 0.1), self.media_end)
        at = np.searchsorted(self.course.seconds, ends.astype(np.float32)) - 1
        sums = np.append(self.course.nats, np.float32(0))  # the last stands for "before the first peak"
        return [(float(t), float(sums[k])) for t, k in zip(ends, at, strict=True)]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Everything there is to see of a pair.

    Attributes:
        upload_s: length of the upload, s.
        recording_s: and of the recording.
        threshold: log10 likelihood ratio from which a passage is told.
        deep: whether changed speed, tempo and pitch were looked for.
        reasons: why nothing is told; empty where something is.
        passages: those told, by time; or the strongest alignment that was followed and is not told; or none.
        upload: spectral peaks of the upload.
        recording: those peaks of the recording that the index keeps.
        landmarks: equal landmarks, under the change of speed and pitch of the strongest passage.
    """

    upload_s: float
    recording_s: float
    threshold: float
    deep: bool
    reasons: tuple[Reason, ...]
    passages: tuple[Passage, ...]
    upload: PeakCloud
    recording: PeakCloud
    landmarks: Landmarks

    @property
    def told(self) -> bool:
        """Whether the recording is told of the upload."""
        return not self.reasons

    @property
    def strongest(self) -> Passage | None:
        """The passage with the highest score."""
        return max(self.passages, key=lambda p: p.log10_lr, default=None)


@dataclass(frozen=True, eq=False)
class _Found:
    """A line with its borders in query hops, before its evidence is read."""

    line: Line
    start: float
    stop: float
    segment: Segment | None
    alignment: Alignment | None


def explain(
    upload: Fingerprint, recording: Fingerprint, directory: Path, *, deep: bool = True
) -> Explanation:
    """Search one recording in an upload and keep the evidence.

    Args:
        upload: fingerprint of the upload.
        recording: fingerprint of the recording.
        directory: an empty folder for the index of the one recording.
        deep: look for changed speed, tempo and pitch too.

    Raises:
        PermanentError: ``unknown_pipeline`` or ``corrupt_features``.
    """
    index = Index.open([_built(recording, directory / "pair")], verify=False)
    shard = Shard(directory / "pair", verify=False)
    picture = Picture(upload)
    found: list[_Found] = []
    reasons: tuple[Reason, ...] = ()
    if any(side.silent or side.keys.size == 0 for side in (upload, recording)):
        reasons = (Reason.SILENT,)
    else:
        found = [_told(s, shard, picture) for s in index.search(upload, deep=deep)]
        if not found:
            followed = (alignment for _, alignment in index.followed(upload, deep=deep))
            best = max(followed, key=log10_lr, default=None)
            found = [] if best is None else [_Found(best.line, best.start, best.stop, None, best)]
            reasons = (Reason.NOTHING_FOLLOWED,) if best is None else _why_not(best)
    heard, known = upload.peaks(), _kept(recording.peaks())
    meetings = [_meetings(picture, known, f) for f in found]
    landmarks = _landmarks(upload, recording, found)
    passages = [
        _passage(f, shard, picture, meeting, int((landmarks.passage == n).sum()), reasons)
        for n, (f, meeting) in enumerate(zip(found, meetings, strict=True))
    ]
    return Explanation(
        upload_s=upload.duration_s,
        recording_s=recording.duration_s,
        threshold=ACCEPT_LOG10_LR,
        deep=deep,
        reasons=reasons,
        passages=tuple(passages),
        upload=_cloud(heard, [m.upload for m in meetings]),
        recording=_cloud(known, [m.recording for m in meetings]),
        landmarks=landmarks,
    )


def _built(recording: Fingerprint, directory: Path) -> Path:
    Index.build([(_ONLY, recording)], directory)
    return directory


def _told(segment: Segment, shard: Shard, picture: Picture) -> _Found:
    """Return a segment's line, and the line followed again for what a segment does not keep."""
    rate = segment.modification.speed
    line = Line(
        shard=0,
        number=0,
        offset=(segment.reference_start - rate * segment.media_start) * HOPS_PER_SECOND,
        rate=rate,
        shift=100 * segment.modification.pitch_semitones,
    )
    start, stop = segment.media_start * HOPS_PER_SECOND, segment.media_end * HOPS_PER_SECOND
    return _Found(line, start, stop, segment, align(shard, picture, line, start, stop))


def _why_not(alignment: Alignment) -> tuple[Reason, ...]:
    reasons = []
    if log10_lr(alignment) < ACCEPT_LOG10_LR:
        reasons.append(Reason.SCORE)
    if not is_fixation(alignment):
        reasons.append(Reason.NOT_A_FIXATION)
    return tuple(reasons) or (Reason.ANOTHER_RULE,)


# ---- peaks ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, eq=False)
class _Meetings:
    """Which peaks of either side meet, as positions int64[m] in their arrays, and how many could have met."""

    upload: NDArray[np.int64]
    recording: NDArray[np.int64]
    possible: int


def _kept(peaks: Peaks) -> Peaks:
    """Return the peaks that an index keeps of a recording."""
    used = peaks.rank < P.reference_rank
    return Peaks(peaks.ticks[used], peaks.cents[used], peaks.strength[used], peaks.rank[used])


def _meetings(picture: Picture, known: Peaks, found: _Found) -> _Meetings:
    """Look for the upload's nearest peak to each of the recording's along a line."""
    line = found.line
    at = ((known.ticks / P.ticks_per_hop - line.offset) / line.rate).astype(np.float32)
    inside = np.flatnonzero((at >= found.start) & (at < found.stop))
    cents = known.cents[inside].astype(np.float32) + np.float32(line.shift)
    _, _, which = picture.nearest(at[inside], cents, _WITHIN_HOPS)
    met = which >= 0
    return _Meetings(which[met], inside[met], int(inside.size))


def _cloud(peaks: Peaks, matched: Sequence[NDArray[np.int64]]) -> PeakCloud:
    flags = np.zeros(peaks.ticks.size, np.bool_)
    for positions in matched:
        flags[positions] = True
    return PeakCloud(
        (peaks.ticks / (P.ticks_per_hop * HOPS_PER_SECOND)).astype(np.float32),
        (P.pitch_origin_hz * 2.0 ** (peaks.cents / 1200)).astype(np.float32),
        flags,
    )


# ---- landmarks --------------------------------------------------------------------------------------------
def _landmarks(upload: Fingerprint, recording: Fingerprint, found: Sequence[_Found]) -> Landmarks:
    """Return the equal landmarks of both sides; each passage is looked up under its own change."""
    on: list[tuple[Float, Float, NDArray[np.int16]]] = []
    strays: tuple[Float, Float] | None = None
    order = sorted(range(len(found)), key=lambda n: n if found[n].segment is None else -_score(found[n]))
    for n in order:
        f = found[n]
        x, y = _equal(upload, recording, Hypothesis(f.line.rate, f.line.shift))
        mine = _on_line(x, y, f)
        on.append((x[mine], y[mine], np.full(int(mine.sum()), n, np.int16)))
        if strays is None:
            off = ~np.any([_on_line(x, y, other) for other in found], axis=0)
            strays = x[off], y[off]
    if strays is None:
        strays = _equal(upload, recording, IDENTITY)
    count = strays[0].size
    kept = slice(None, None, -(-count // _MOST_STRAYS) or 1)
    on.append((strays[0][kept], strays[1][kept], np.full(strays[0][kept].size, -1, np.int16)))
    x, y, number = (np.concatenate(part) for part in zip(*on, strict=True))
    per_second = np.float32(HOPS_PER_SECOND)
    return Landmarks(x / per_second, y / per_second, number, count)


def _score(found: _Found) -> float:
    return 0.0 if found.segment is None else found.segment.log10_lr


def _on_line(x: Float, y: Float, found: _Found) -> Flags:
    inside = (x >= found.start) & (x < found.stop)
    return inside & (np.abs(y - found.line.rate * x - found.line.offset) <= OFFSET_BIN)


def _equal(upload: Fingerprint, recording: Fingerprint, change: Hypothesis) -> tuple[Float, Float]:
    """Return where landmarks of equal key lie in both, hops float32[n] each, under an assumed change."""
    order = np.argsort(recording.keys, kind="stable")
    keys, hops = recording.keys[order], recording.times[order] * HOPS_PER_SECOND
    peaks = upload.peaks()
    zone = (2 * _LONGEST_PAIR + 1) * P.ticks_per_hop // 2
    none = np.zeros(0, np.float32)
    xs, ys = [none], [none]
    for first in range(0, int(peaks.ticks[-1]) + 1 if peaks.ticks.size else 0, _SECTION):
        found = pairs(peaks.between(first, first + _SECTION + zone), P.ranks_kept, _LONGEST_PAIR)
        probes, owner = probe_keys(found, change)
        mine = found.ticks[owner] < first + _SECTION
        probes, at = probes[mine], found.ticks[owner[mine]] / P.ticks_per_hop
        low, high = np.searchsorted(keys, probes), np.searchsorted(keys, probes, side="right")
        length = high - low
        before = np.cumsum(length) - length
        posting = np.arange(int(length.sum())) - np.repeat(before - low, length)
        xs.append(np.repeat(at, length).astype(np.float32))
        ys.append(hops[posting].astype(np.float32))
    return np.concatenate(xs), np.concatenate(ys)


# ---- passages ---------------------------------------------------------------------------------------------
def _passage(
    found: _Found,
    shard: Shard,
    picture: Picture,
    meeting: _Meetings,
    landmarks: int,
    reasons: tuple[Reason, ...],
) -> Passage:
    line, alignment, segment = found.line, found.alignment, found.segment
    margin = _MARGIN_S * HOPS_PER_SECOND
    seen = trace(shard, picture, line, max(found.start - margin, 0.0), found.stop + margin)
    inside = (seen.hops >= found.start) & (seen.hops < found.stop)
    heard = Trace(seen.hops[inside], seen.hit[inside], seen.chance[inside])
    presence = heard.presence() if alignment is None else alignment.presence
    ends = (found.start / HOPS_PER_SECOND, found.stop / HOPS_PER_SECOND)
    there = [line.reference(hop) / HOPS_PER_SECOND for hop in (found.start, found.stop)]
    coverage, bounds = (0.0, (0.0, 0.0)) if alignment is None else (alignment.coverage, alignment.bounds)
    per_second = (bounds[0] / HOPS_PER_SECOND, bounds[1] / HOPS_PER_SECOND)
    score = log10_lr(alignment) if alignment is not None else 0.0
    change = Modification((), line.rate, line.shift / 100)
    if segment is not None:
        there = [segment.reference_start, segment.reference_end]
        coverage, per_second, score = segment.coverage, segment.bounds, segment.log10_lr
        change = segment.modification
    return Passage(
        media_start=ends[0],
        media_end=ends[1],
        reference_start=there[0],
        reference_end=there[1],
        log10_lr=score,
        harmony=None if alignment is None else alignment.harmony,
        modification=change,
        bounds=per_second,
        coverage=coverage,
        presence=presence,
        sharpness=None if alignment is None else alignment.sharpness,
        strongest=_strongest(heard, presence, ends),
        matched=int(meeting.recording.size),
        of=meeting.possible,
        landmarks=landmarks,
        course=_course(found, shard, picture, seen, presence),
        reasons=reasons,
    )


def _strongest(heard: Trace, presence: float, ends: tuple[float, float]) -> tuple[float, float]:
    """Return the ten seconds (fewer in a shorter passage) whose peaks weigh most."""
    if heard.hops.size == 0:
        return ends
    sums = np.concatenate([[0.0], np.cumsum(heard.weights(presence), dtype=np.float64)])
    until = np.searchsorted(heard.hops, heard.hops + np.float32(_STRONGEST))
    k = int(np.argmax(sums[until] - sums[:-1]))
    start = float(heard.hops[k]) / HOPS_PER_SECOND
    return start, min(start + _STRONGEST / HOPS_PER_SECOND, ends[1])


def _course(found: _Found, shard: Shard, picture: Picture, seen: Trace, presence: float) -> Course:
    sums = np.cumsum(seen.weights(presence), dtype=np.float64)
    before = int(np.searchsorted(seen.hops, np.float32(found.start)))
    base = sums[before - 1] if before else 0.0
    second = HOPS_PER_SECOND
    first = -int(min(_MARGIN_S, found.start // second))
    starts = found.start + second * np.arange(
        first, int(np.ceil((found.stop - found.start) / second + _MARGIN_S))
    )
    starts = starts[starts + second <= picture.hops + 1]
    agreement = [harmony(shard, picture, found.line, s, s + second) for s in starts.tolist()]
    return Course(
        (seen.hops / np.float32(second)).astype(np.float32),
        (sums - base).astype(np.float32),
        (starts / second).astype(np.float32),
        np.array(agreement, np.float32),
    )
