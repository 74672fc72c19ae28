"""Whose voice may be called a replica: never that of a person who sings over what a machine plays."""

from __future__ import annotations

from fractions import Fraction

import pytest
from tests.contract import record_samples

from rightscan import synthesis
from rightscan.jobs.authorisation import Authorisation
from rightscan.jobs.covers import Covers
from rightscan.jobs.findings import Heard, Known, matched, no_match
from rightscan.jobs.lineups import KnownLineup
from rightscan.jobs.spans import MIXED, Span, SpanOrigin
from rightscan.jobs.voices.heard import Voices
from rightscan.records.findings import Finding
from rightscan.records.vault import VoiceCandidate
from rightscan.rights.axes import AxisB, AxisC, AxisD, Completeness, DeclaredBy, DetectedPart, Stem
from rightscan.rights.licences import Consulted
from rightscan.rights.money import HoldReason, Shares

SINGER = VoiceCandidate(
    performer_id="P-1", pseudonym="x", voice_register="singing", log10_lr=1.8, seconds=20.0
)
SHARES = Shares({}, Fraction(1), HoldReason.LINEUP_INCOMPLETE, "KR-5050@1")
STRONG = Voices(AxisB.STRONG, (SINGER,), read="v")


class Told:
    """An origin that says one thing of the whole file."""

    def __init__(self, whole: SpanOrigin) -> None:
        self._whole = whole

    def whole(self) -> SpanOrigin:
        return self._whole

    def of(self, span: Span) -> SpanOrigin:
        return self._whole

    def detected_span(self) -> None:
        return None


def finding(whole: SpanOrigin, voices: Voices = STRONG) -> Finding:
    media, scan = record_samples.media(), record_samples.scan()
    asked = Heard(voices, Authorisation(AxisD.NONE_FOUND, Consulted(), {}))
    return no_match(media, scan, (Told(whole), Covers()), "v", record_samples.NOW, asked)  # type: ignore[arg-type]


def detected(*parts: DetectedPart, conditions: tuple[str, ...] = ()) -> SpanOrigin:
    return SpanOrigin(AxisC.DETECTED, parts=parts, conditions=conditions, shows_something=True)


@pytest.mark.parametrize(
    ("whole", "code"),
    [
        (detected(DetectedPart.VOCAL), "A1"),
        (detected(DetectedPart.FULL), "A1"),
        (detected(DetectedPart.FULL, conditions=(MIXED,)), "X1"),
        (detected(DetectedPart.INSTRUMENTAL), "A3"),
        (SpanOrigin(AxisC.DECLARED, (DeclaredBy.C2PA,), ("vocals",)), "A1"),
        (SpanOrigin(AxisC.DECLARED, (DeclaredBy.C2PA,), ("whole",)), "A1"),
        (SpanOrigin(AxisC.DECLARED, (DeclaredBy.C2PA,), ("instrumentation",)), "A3"),
        (SpanOrigin(AxisC.NONE_FOUND), "A3"),
    ],
)
def test_a_replica_needs_a_machine_in_the_voice(whole: SpanOrigin, code: str) -> None:
    found = finding(whole)
    assert (found.code, found.axes.b, found.axes.c) == (code, "strong", whole.axis_c)
    assert found.claim_basis == "likeness"


@pytest.mark.parametrize(
    ("stem", "parts", "code"),
    [
        (Stem.VOCAL, (DetectedPart.VOCAL,), "A2"),
        (Stem.VOCAL, (DetectedPart.FULL,), "A2"),
        (Stem.VOCAL, (DetectedPart.INSTRUMENTAL,), "U2"),
        (Stem.INSTRUMENTAL, (DetectedPart.VOCAL,), "U2"),
        (Stem.INSTRUMENTAL, (DetectedPart.INSTRUMENTAL,), "A2"),
    ],
)
def test_a_transformation_needs_a_machine_in_the_part_that_is_used(
    stem: Stem, parts: tuple[DetectedPart, ...], code: str
) -> None:
    found = record_samples.match()
    lineup = KnownLineup(record_samples.recording(), Completeness(1, 1), (), SHARES, {})
    asked = Authorisation(AxisD.NONE_FOUND, Consulted(), {})
    known = Known(lineup, Told(detected(*parts)), stem, asked)  # type: ignore[arg-type]
    told = matched(record_samples.media(), record_samples.scan(), found, known, "v", record_samples.NOW)
    assert (told.code, told.axes.a, told.axes.c) == (code, "partial_stem", "detected")


def test_a_machines_band_under_nobodys_voice_is_machine_made() -> None:
    nobody = finding(detected(DetectedPart.FULL, conditions=(MIXED,)), Voices(AxisB.NO_MATCH, read="v"))
    assert nobody.code == "D2"


def test_the_condition_is_the_one_that_synthesis_names() -> None:
    assert MIXED == synthesis.NOT_SEPARATED
