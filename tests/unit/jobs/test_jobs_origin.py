"""Axis C out of stored evidence: declared before detected, parts of a file, what limits what is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from generated import evidence_of
from rightscan import npz
from rightscan.errors import PermanentError
from rightscan.fingerprint import PIPELINE as FINGERPRINT
from rightscan.fingerprint import Fingerprint
from rightscan.jobs.features import evidence_in, pack, provenance_in
from rightscan.jobs.origin import MOST_FINDINGS, MOST_PASSAGES, Origin, origin_in
from rightscan.jobs.spans import Span
from rightscan.rights.axes import AxisC
from rightscan.synthesis import (
    FAINT_VOCAL,
    NOT_SEPARATED,
    PIPELINE,
    Analyser,
    Evidence,
    Judgement,
    Level,
    Outcome,
    Passage,
    Source,
    judge,
)


def evidence(*scores: float, whole: float | None = None, heard_s: float | None = None) -> Evidence:
    return evidence_of(scores, whole=whole, heard_s=heard_s)


def declared(*parts: str, by: str = "tag", extent: str = "full") -> dict[str, Any]:
    return {
        "c2pa": {"state": "absent"},
        "declarations": [
            {"by": by, "part": part, "extent": extent, "generator": "Maker", "detail": "", "trusted": False}
            for part in parts
        ],
    }


def origin(seen: Evidence | None, provenance: dict[str, Any] | None = None) -> Origin:
    judgement = None if seen is None else judge(seen, Source(True, None, 44_100))
    return Origin(60.0 if seen is None else seen.duration_s, judgement, seen, provenance)


def test_nothing_kept_is_not_tested() -> None:
    old = origin(None)
    assert old.whole().axis_c is AxisC.NOT_TESTED
    assert old.of(Span(0, 20)).axis_c is AxisC.NOT_TESTED
    assert old.unmatched([]) == []
    assert old.record().axis_c is AxisC.NOT_TESTED
    assert old.record().score is None


def test_declared_comes_before_detected_and_the_score_stays() -> None:
    both = origin(evidence(20.0, 20.0, 20.0), declared("whole", by="c2pa"))
    assert (both.whole().axis_c, both.whole().kind) == (AxisC.DECLARED, "c2pa")
    record = both.record()
    assert (record.axis_c, record.kind, record.level, record.family) == (
        "declared",
        "c2pa",
        "assert",
        "44100/512",
    )
    assert record.declared[0].generator == "Maker"


@pytest.mark.parametrize(
    ("part", "axis_c"),
    [("whole", "declared"), ("vocals", "declared"), ("instrumentation", "declared")]
    + [(part, "none_found") for part in ("artwork", "lyrics", "composition", "video", "post_production")],
)
def test_a_declaration_of_what_is_not_heard_moves_no_axis(part: str, axis_c: str) -> None:
    found = origin(evidence(1.0, 1.0, 1.0), declared(part))
    assert found.whole().axis_c == axis_c
    assert found.record().declared[0].part == part


def test_a_mark_that_declares_nothing_declares_nothing() -> None:
    assert origin(evidence(1.0), declared("whole", extent="none_declared")).whole().axis_c is AxisC.NONE_FOUND


def test_a_part_is_judged_by_its_own_passages() -> None:
    mixed = origin(evidence(1.0, 1.0, 1.0, 20.0, 20.0, 20.0))
    assert mixed.whole().axis_c is AxisC.DETECTED
    assert mixed.of(Span(0, 58)).axis_c is AxisC.NONE_FOUND
    assert mixed.of(Span(62, 118)).axis_c is AxisC.DETECTED
    assert mixed.of(Span(55, 62)).axis_c is AxisC.NONE_FOUND
    assert mixed.of(Span(0, 120)).axis_c is AxisC.DETECTED


def test_only_the_parts_outside_the_matches_are_found_again() -> None:
    mixed = origin(evidence(1.0, 1.0, 20.0, 20.0, 20.0))
    assert [span for span, _ in mixed.unmatched([Span(0, 38)])] == [Span(40, 100)]
    assert [span for span, _ in mixed.unmatched([Span(0, 30), Span(55, 65)])] == [Span(40, 55), Span(65, 100)]
    assert [span for span, _ in mixed.unmatched([Span(0, 45), Span(48, 95)])] == []
    assert mixed.unmatched([Span(0, 100)]) == []


def test_one_stretch_of_many_does_not_decide() -> None:
    """At 0.1 % of real stretches, two of ten hours' 1,800 are over the threshold."""
    long = origin(evidence(*([1.0] * 1_799), 7.5, whole=2.0))
    assert long.judgement is not None
    assert long.judgement.outcome is not Outcome.DETECTED
    assert long.unmatched([Span(0, 100)]) == []


def test_findings_and_passages_are_bounded() -> None:
    many = origin(evidence(*([25.0, 1.0] * 900)))
    assert len(many.unmatched([Span(0, 5)])) == MOST_FINDINGS
    record = many.record()
    assert len(record.passages) == MOST_PASSAGES
    assert record.passages_left_out == 900 - MOST_PASSAGES
    assert len(record.model_dump_json()) < 100_000


def test_a_declared_file_has_findings_in_its_gaps() -> None:
    said = origin(evidence(1.0, 1.0, 1.0), declared("whole"))
    spans = [(span, of.axis_c) for span, of in said.unmatched([Span(15, 52)])]
    assert spans == [(Span(0, 15), AxisC.DECLARED)]


def test_weak_evidence_asks_for_a_person_and_a_short_file_does_not() -> None:
    weak = origin(evidence(5.0, 5.0, 5.0)).whole()
    assert (weak.axis_c, weak.shows_something, weak.conditions) == (
        AxisC.INCONCLUSIVE,
        True,
        ("weak_evidence",),
    )
    short = origin(evidence(1.0, heard_s=2.0)).whole()
    assert (short.axis_c, short.shows_something, short.conditions) == (
        AxisC.INCONCLUSIVE,
        False,
        ("duration",),
    )
    strong = origin(evidence(20.0, heard_s=2.0)).whole()
    assert (strong.axis_c, strong.shows_something, strong.conditions) == (
        AxisC.INCONCLUSIVE,
        True,
        ("duration",),
    )


def test_every_condition_that_can_be_named_has_words() -> None:
    from rightscan.rights import vocabulary

    words = vocabulary.word_list("condition")
    named = {"weak_evidence", "duration", "bandwidth", "bitrate", "sample_rate", "complete", "noise"}
    named |= {NOT_SEPARATED, FAINT_VOCAL}
    assert named <= set(words)
    tested = vocabulary.word_list("tested")
    assert {"a", "a_unchanged", "c_mix", "declared"} <= set(tested)


# ---- the features object ------------------------------------------------------------------------------------
def fingerprint() -> Fingerprint:
    keys, times = np.arange(5, dtype=np.uint32), np.arange(5, dtype=np.float32)
    return Fingerprint(FINGERPRINT, 12.0, -3.0, keys, times, None)


def noise_evidence() -> Evidence:
    analyser = Analyser()
    analyser.add(np.random.default_rng(1).normal(0, 0.1, (44_100 * 5, 2)).astype(np.float32))
    return analyser.finish()


def test_each_part_reads_its_own_members() -> None:
    seen, said = noise_evidence(), declared("whole")
    data = pack(fingerprint(), seen, said)
    assert data == pack(fingerprint(), seen, said)
    read = Fingerprint.from_npz(data)
    np.testing.assert_array_equal(read.keys, fingerprint().keys)
    again = evidence_in(data)
    assert again is not None
    assert (again.whole.family, again.heard_s) == (seen.whole.family, seen.heard_s)
    assert provenance_in(data) == said
    assert set(npz.unpack(data)) == {"head", "keys", "times"}
    assert origin_in(data, 5.0, Source(True, None, 44_100)).whole().axis_c is AxisC.DECLARED


def test_the_fingerprint_alone_is_the_object_it_always_was() -> None:
    data = fingerprint().to_npz()
    assert pack(fingerprint(), None, None) == data
    assert evidence_in(data) is None
    assert provenance_in(data) is None


def test_evidence_of_another_pipeline_is_not_tested() -> None:
    arrays = noise_evidence().to_arrays()
    head = arrays["head"].tobytes().replace(PIPELINE.encode(), b"syn-000000000000")
    changed = {**arrays, "head": np.frombuffer(head, np.uint8)}
    data = npz.pack(fingerprint().to_arrays() | npz.prefixed("synthesis.", changed))
    assert evidence_in(data) is None
    assert origin_in(data, 5.0, Source(True, None, 44_100)).whole().axis_c is AxisC.NOT_TESTED


@pytest.mark.parametrize("prefix", ["synthesis.", "provenance."])
def test_damaged_members_are_told(prefix: str) -> None:
    junk = {"head": np.zeros(3, np.uint8), "json": np.zeros(3, np.uint8)}
    data = npz.pack(fingerprint().to_arrays() | npz.prefixed(prefix, junk))
    with pytest.raises(PermanentError) as caught:
        origin_in(data, 5.0, Source(True, None, 44_100))
    assert caught.value.code == "corrupt_features"
    assert Fingerprint.from_npz(data).duration_s == 12.0


def test_a_judgement_without_passages_has_a_word_for_every_part() -> None:
    bare = Judgement(Outcome.NONE_FOUND, Level.NONE, None, False, -9.0, -0.9, None, None, 1.0, (), (), "test")
    empty = Origin(10.0, bare, None, None)
    assert empty.of(Span(0, 10)).axis_c is AxisC.NONE_FOUND
    passage = Passage(0.0, 5.0, Outcome.NONE_FOUND, 1.0, -0.9, None)
    one = Origin(10.0, replace(bare, passages=(passage,)), None, None)
    assert one.of(Span(6, 10)).axis_c is AxisC.NOT_TESTED
