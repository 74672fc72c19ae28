"""The evidence of a pair, laid open: it is what the search decided on, and where it decided against telling."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from bench.synth import another_performance

from rightscan.fingerprint import SAMPLE_RATE
from rightscan.index import Index
from rightscan.index.calibration import ACCEPT_LOG10_LR
from rightscan.index.explanation import Explanation, Reason, explain
from unit.fingerprint.catalogue import cut, of, registered, sound


def seen(upload: np.ndarray, folder: Path, *, seed: int = 1) -> Explanation:
    return explain(of(upload), registered(seed), folder)


def programme() -> np.ndarray:
    """The recording from 5 to 17 s and from 27.3 to 37.3 s, another one between them."""
    return np.concatenate([cut(sound(1), 5, 17), cut(sound(2), 0, 8), cut(sound(1), 27.3, 37.3)])


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    return seen(programme(), tmp_path_factory.mktemp("twice"))


def test_it_tells_what_the_search_tells(twice: Explanation, tmp_path: Path) -> None:
    Index.build([("R", registered(1))], tmp_path / "index")
    wanted = Index.open([tmp_path / "index"]).search(of(programme()), deep=True)
    assert twice.told
    assert len(wanted) == 2
    for segment, passage in zip(wanted, twice.passages, strict=True):
        assert passage.log10_lr == segment.log10_lr > twice.threshold == ACCEPT_LOG10_LR
        assert (passage.media_start, passage.media_end) == (segment.media_start, segment.media_end)
        assert (passage.reference_start, passage.bounds) == (segment.reference_start, segment.bounds)
        assert passage.modification == segment.modification
        assert passage.reasons == ()
        assert passage.harmony > 8
        assert passage.sharpness > 0.5


def test_the_first_passage_lies_where_it_was_put(twice: Explanation) -> None:
    first, second = twice.passages
    assert (first.offset_s, second.offset_s) == (pytest.approx(5, abs=0.05), pytest.approx(7.3, abs=0.05))
    assert twice.strongest in twice.passages


def test_common_peaks_are_marked_on_both_sides_and_only_where_the_recording_sounds(
    twice: Explanation,
) -> None:
    for passage in twice.passages:
        assert passage.matched > 0.8 * passage.of > 100
    t = twice.upload.seconds
    between = (t > 12.5) & (t < 19.5)
    assert between.sum() > 50
    assert not twice.upload.matched[between].any()
    t = twice.recording.seconds
    assert not twice.recording.matched[(t > 18) & (t < 26)].any()
    assert twice.recording.matched.sum() <= sum(p.matched for p in twice.passages)
    assert ((twice.upload.hertz >= 170) & (twice.upload.hertz <= 4300)).all()


def test_landmarks_lie_on_the_lines_of_their_passages(twice: Explanation) -> None:
    marks = twice.landmarks
    for number, passage in enumerate(twice.passages):
        on = marks.passage == number
        assert on.sum() == passage.landmarks > 200
        assert np.abs(marks.recording[on] - marks.upload[on] - passage.offset_s).max() < 0.12
    assert (marks.passage == -1).sum() == marks.strays


def test_evidence_rises_inside_a_passage_and_falls_beyond_it(twice: Explanation) -> None:
    first, _ = twice.passages
    course = first.course
    inside = (course.seconds >= first.media_start) & (course.seconds < first.media_end)
    assert course.nats[inside][-1] == pytest.approx(course.nats.max(), abs=5)
    assert course.nats[-1] < course.nats.max() - 20
    by_second = first.evidence_by_second()
    assert len(by_second) == round(first.media_end - first.media_start)
    assert by_second[-1][1] == pytest.approx(float(course.nats[inside][-1]))
    heard = (course.harmony_from >= first.media_start - 0.01) & (course.harmony_from < first.media_end - 1)
    assert course.harmony[heard].min() > 8 > course.harmony[-1]


def test_a_changed_copy_is_followed_along_its_own_line(tmp_path: Path) -> None:
    piece = cut(sound(1), 5, 30)
    rate = 1.06
    faster = np.interp(np.arange(int(piece.size / rate)) * rate, np.arange(piece.size), piece)
    found = seen(faster, tmp_path)
    (passage,) = found.passages
    assert passage.modification.kinds == ("speed",)
    assert passage.modification.speed == pytest.approx(rate, abs=0.002)
    assert passage.modification.pitch_semitones == pytest.approx(12 * np.log2(rate), abs=0.1)
    assert passage.landmarks > 200
    assert passage.matched > 0.5 * passage.of


def test_another_performance_says_that_it_is_no_fixation(tmp_path: Path) -> None:
    other = another_performance(3, 2, 60, sample_rate=SAMPLE_RATE).mean(axis=1)
    found = seen(other, tmp_path, seed=3)
    assert not found.told
    (passage,) = found.passages
    assert Reason.NOT_A_FIXATION in found.reasons
    assert passage.reasons == found.reasons
    assert (passage.log10_lr < ACCEPT_LOG10_LR) == (Reason.SCORE in found.reasons)
    assert passage.strongest[1] - passage.strongest[0] <= 10.01


def test_unrelated_sound_says_that_nothing_told_was_found(tmp_path: Path) -> None:
    found = seen(cut(sound(2), 0, 10), tmp_path)
    assert not found.told
    assert found.reasons
    assert found.upload.seconds.size > 100
    assert not found.upload.matched.any() or found.passages


@pytest.mark.parametrize("silent_side", ["upload", "recording"])
def test_silence_is_told_as_silence(tmp_path: Path, silent_side: str) -> None:
    nothing, something = of(np.zeros(5 * SAMPLE_RATE)), registered(1)
    sides = (nothing, something) if silent_side == "upload" else (something, nothing)
    found = explain(*sides, tmp_path)
    assert found.reasons == (Reason.SILENT,)
    assert found.passages == ()
    assert found.landmarks.upload.size == 0
