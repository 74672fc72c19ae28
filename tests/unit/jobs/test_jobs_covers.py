"""Which parts of a file are compared, and that a candidate says nothing more than it may."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from bench.synth import another_performance

from rightscan.harmony import SAMPLE_RATE, Catalogue, harmony_of
from rightscan.jobs import covers
from rightscan.jobs.covers import Covers, covers_of
from rightscan.jobs.spans import Span
from rightscan.ports import OpenIndex
from rightscan.records.findings import Match, Modification


def sound(seed: int, take: int, seconds: float) -> np.ndarray:
    return another_performance(seed, take, seconds, style="ballad", sample_rate=SAMPLE_RATE).mean(axis=1)


@pytest.fixture(scope="module")
def live() -> OpenIndex:
    works = Catalogue.of((f"R-{seed}", harmony_of(sound(seed, 0, 60.0))) for seed in (1, 2, 3))
    return OpenIndex(index=None, version="v", works=lambda: works)


def match(recording_id: str, media_start: float, media_end: float) -> Match:
    return Match(
        match_id=recording_id,
        media_id="a" * 64,
        recording_id=recording_id,
        occurrence_id=recording_id,
        media_start=media_start,
        media_end=media_end,
        reference_start=0.0,
        reference_end=media_end - media_start,
        log10_lr=12.0,
        stated_log10_lr=3.0,
        coverage=1.0,
        modification=Modification(),
        border_uncertainty_s=0.1,
        index_version="v",
        found_at=datetime(2026, 11, 3, tzinfo=UTC),
    )


def spans(found: Covers) -> list[tuple[int, int, str]]:
    return [(round(s.start_s), round(s.end_s), c[0].recording_id) for s, c in found.spans]


def test_a_file_of_two_works_has_both(live: OpenIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(covers, "PIECE_S", 50.0)
    both = harmony_of(np.concatenate((sound(1, 1, 50.0), sound(2, 1, 50.0))))
    found = covers_of(both, 100.0, [], live)
    assert found.tested
    assert spans(found) == [(0, 50, "R-1"), (50, 100, "R-2")]
    assert {c.recording_id for c in found.whole()} == {"R-1", "R-2"}
    assert found.at(Span(40.0, 100.0))[0].recording_id == "R-2"
    assert found.at(Span(90.0, 300.0)) == ()


def test_only_what_lies_outside_matches_is_compared_and_not_with_what_matched(live: OpenIndex) -> None:
    both = harmony_of(np.concatenate((sound(1, 0, 50.0), sound(2, 1, 50.0))))
    matched = match("R-1", 0.0, 50.0)
    assert spans(covers_of(both, 100.0, [matched], live)) == [(50, 100, "R-2")]
    second = match("R-2", 0.0, 50.0)
    assert covers_of(both, 100.0, [second], live) == Covers(True)
    most = match("R-1", 0.0, 80.0)
    assert covers_of(both, 100.0, [most], live) == Covers()


def test_what_cannot_be_compared_is_not_said_to_be(live: OpenIndex) -> None:
    made = harmony_of(sound(1, 1, 40.0))
    assert covers_of(None, 40.0, [], live) == Covers()
    assert covers_of(made, 20.0, [], live) == Covers()
    assert covers_of(made, covers.LONGEST_S + 1, [], live) == Covers()
    assert covers_of(made, 40.0, [], OpenIndex(index=None, version="empty")) == Covers()
