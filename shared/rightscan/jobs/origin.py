"""Axis C: what a file declares of its making, and what its sound shows, out of stored features. No media is read.

ADR 0009 says why it is joined as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rightscan.jobs.features import evidence_in, provenance_in
from rightscan.jobs.spans import Span, SpanOrigin
from rightscan.records.findings import Declared, Synthesis, SynthesisPassage
from rightscan.records.media import Scan
from rightscan.rights.axes import AxisC, DeclaredBy, DetectedPart
from rightscan.synthesis import (
    Evidence,
    Judgement,
    Level,
    Outcome,
    Part,
    Passage,
    Source,
    VoiceStandard,
    judge,
)

SHORTEST_S = 10.0
"""A shorter passage has no finding of its own: 14 windows of the lattice comb is what it was calibrated from."""

MOST_PASSAGES = 200
"""Kept of one file; ten hours have 1,800 stretches, and a record holds 400 KB."""

MOST_FINDINGS = 20
"""Findings of one file on passages outside its matches."""

SOUNDING = frozenset({"whole", "vocals", "instrumentation"})
"""Parts whose declaration speaks of what is heard; AI artwork or lyrics leave the performance a human one."""

_WHOLE = 0.8  # of the sound that was heard: a span that covers it is judged by the evidence of the whole

_OUTCOMES = {
    Outcome.DETECTED: AxisC.DETECTED,
    Outcome.NONE_FOUND: AxisC.NONE_FOUND,
    Outcome.INCONCLUSIVE: AxisC.INCONCLUSIVE,
}


@dataclass(frozen=True)
class Origin:
    """What is known of how a file was made.

    Attributes:
        duration_s: of the file.
        judgement: of the sound; None where it was not looked at.
        evidence: behind it.
        provenance: the file's own record, JSON values; None where it was not read.
    """

    duration_s: float
    judgement: Judgement | None = None
    evidence: Evidence | None = None
    provenance: Mapping[str, Any] | None = None

    @property
    def declarations(self) -> tuple[Declared, ...]:
        """The file's statements that a machine made it or part of it, strongest first."""
        found = () if self.provenance is None else self.provenance["declarations"]
        return tuple(
            Declared(**{name: one[name] for name in ("by", "part", "extent", "generator", "trusted")})
            for one in found
            if one["extent"] != "none_declared"
        )

    @property
    def limits(self) -> tuple[str, ...]:
        """What limits anything that is said of the sound."""
        return () if self.judgement is None else (*self.judgement.conditions, *self.judgement.limits)

    def whole(self) -> SpanOrigin:
        """Axis C of the file."""
        return self._declared() or self._sounds(self.judgement, self.judgement)

    def of(self, span: Span) -> SpanOrigin:
        """Axis C of a part of the file: by its own passages, or the whole's evidence where it is most of it."""
        declared = self._declared()
        judgement = self.judgement
        if declared is not None or judgement is None:
            return declared or SpanOrigin(AxisC.NOT_TESTED)
        heard = sum(p.end_s - p.start_s for p in judgement.passages)
        covered = sum(span.common(p.start_s, p.end_s) for p in judgement.passages)
        if covered >= _WHOLE * heard:
            return self._sounds(judgement, judgement)
        least = min(SHORTEST_S, span.seconds / 2)
        inside = [p for p in judgement.passages if span.common(p.start_s, p.end_s) >= least]
        strongest = max(inside, key=lambda p: (_rank(p.outcome), p.score), default=None)
        return self._sounds(judgement, strongest)

    def unmatched(self, matched: Iterable[Span]) -> list[tuple[Span, SpanOrigin]]:
        """Parts outside the matches that are declared or detected, in order of time."""
        covered = sorted(matched, key=lambda span: span.start_s)
        found = [
            (rest, origin)
            for span, origin in self._speaking()
            for rest in _outside(span, covered)
            if rest.seconds >= SHORTEST_S
        ]
        longest = sorted(found, key=lambda entry: -entry[0].seconds)[:MOST_FINDINGS]
        return sorted(longest, key=lambda entry: entry[0].start_s)

    def detected_span(self) -> Span | None:
        """From the first to the last passage in which synthesis is detected; None where that is most of the file."""
        spans = list(self._detected())
        if not spans or sum(span.seconds for span in spans) >= _WHOLE * self.duration_s:
            return None
        return Span(spans[0].start_s, spans[-1].end_s)

    def record(self) -> Synthesis:
        """What stands in the verdict."""
        whole, judgement, evidence = self.whole(), self.judgement, self.evidence
        c2pa = None if self.provenance is None else self.provenance["c2pa"]["state"]
        if judgement is None or evidence is None:
            return Synthesis(axis_c=whole.axis_c, kind=whole.kind, c2pa=c2pa, declared=self.declarations)
        kept, left_out = _kept(judgement.passages)
        return Synthesis(
            axis_c=whole.axis_c,
            kind=whole.kind,
            level=judgement.level.value,
            score=round(judgement.score, 3),
            log10_lr=round(judgement.log10_lr, 3),
            family=judgement.family,
            spacing_hz=None if judgement.spacing_hz is None else round(judgement.spacing_hz, 4),
            ratio=None if judgement.family is None else round(judgement.ratio, 6),
            conditions=self.limits,
            heard_s=round(evidence.heard_s, 1),
            band_hz=round(evidence.band_hz),
            snr_db=None if evidence.snr_db is None else round(evidence.snr_db, 1),
            passages=tuple(passage_record(passage) for passage in kept),
            passages_left_out=left_out,
            voice_log10_lr=None if judgement.voice is None else _rounded(judgement.voice.log10_lr),
            vocal_db=evidence.vocal_db,
            signals=dict(evidence.signals),
            models=_models(evidence, judgement),
            c2pa=c2pa,
            declared=self.declarations,
        )

    def _declared(self) -> SpanOrigin | None:
        """What is declared comes before what is heard: it needs no likelihood."""
        sounding = [one for one in self.declarations if one.part in SOUNDING]
        if not sounding:
            return None
        said = sorted({DeclaredBy(one.by) for one in sounding}, key=list(DeclaredBy).index)
        parts = tuple(sorted({one.part for one in sounding}))
        return SpanOrigin(AxisC.DECLARED, declared_by=tuple(said), declared_parts=parts)

    def _sounds(self, judgement: Judgement | None, said: Judgement | Passage | None) -> SpanOrigin:
        """The word of the sound, of the whole or of a passage of it."""
        if judgement is None or said is None:
            return SpanOrigin(AxisC.NOT_TESTED)
        axis_c = _OUTCOMES[said.outcome]
        if axis_c is AxisC.DETECTED:
            part = DetectedPart((judgement.part or Part.FULL).value)
            return SpanOrigin(axis_c, parts=(part,), conditions=judgement.limits, shows_something=True)
        if axis_c is AxisC.INCONCLUSIVE:
            # A passage lacks the file's conditions, or its evidence lies between the two thresholds.
            conditions = judgement.conditions or ("weak_evidence",)
            return SpanOrigin(
                axis_c, conditions=conditions, shows_something=judgement.level is not Level.NONE
            )
        return SpanOrigin(axis_c)

    def _speaking(self) -> Iterator[tuple[Span, SpanOrigin]]:
        declared = self._declared()
        if declared is not None:
            yield Span(0.0, self.duration_s), declared
            return
        for span in self._detected():
            yield span, self._sounds(self.judgement, self.judgement)

    def _detected(self) -> Iterator[Span]:
        """Passages that count as detected. One stretch of many may reach the threshold by chance: the file has to."""
        judgement = self.judgement
        if judgement is None or judgement.outcome is not Outcome.DETECTED:
            return
        passages = [p for p in judgement.passages if p.outcome is Outcome.DETECTED]
        if passages:
            yield from (Span(p.start_s, p.end_s) for p in passages)
        else:  # only all stretches together show it
            yield Span(0.0, self.duration_s)


def origin_in(
    features: bytes, duration_s: float, source: Source, voices: Mapping[str, VoiceStandard] | None = None
) -> Origin:
    """Judge what a features object holds.

    Args:
        features: the object; one without evidence gives ``not_tested``.
        duration_s: of the file.
        source: what its sound was coded as.
        voices: the models whose logits may be heard, by name@version.

    Raises:
        PermanentError: ``corrupt_features``.
    """
    evidence = evidence_in(features)
    return Origin(
        duration_s=duration_s,
        judgement=None if evidence is None else judge(evidence, source, voices=voices),
        evidence=evidence,
        provenance=provenance_in(features),
    )


def _models(evidence: Evidence, judgement: Judgement) -> tuple[str, ...]:
    """What spoke: the comb, and the model of the voice where one was asked."""
    voices = {e.voice.model for e in (evidence, *evidence.stems.values()) if e.voice is not None}
    return (f"lattice@{evidence.pipeline}/{judgement.version}", *sorted(voices))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def source_of(scan: Scan) -> Source:
    """What a scan says of the coding of the sound."""
    lossless = bool(scan.lossless)
    return Source(lossless, None if lossless else scan.bit_rate, scan.sample_rate)


def _rank(outcome: Outcome) -> int:
    return (Outcome.NONE_FOUND, Outcome.INCONCLUSIVE, Outcome.DETECTED).index(outcome)


def _outside(span: Span, covered: Iterable[Span]) -> Iterator[Span]:
    """What is left of a span beside others that come in order of time."""
    start = span.start_s
    for other in covered:
        if other.start_s > start:
            yield Span(start, min(other.start_s, span.end_s))
        start = max(start, other.end_s)
    if start < span.end_s:
        yield Span(start, span.end_s)


def _kept(passages: tuple[Passage, ...]) -> tuple[list[Passage], int | None]:
    """Passages that say something: those of an ordinary file would double the price of its verdict."""
    saying = [p for p in passages if p.outcome is not Outcome.NONE_FOUND]
    strongest = sorted(saying, key=lambda p: (-_rank(p.outcome), -p.score))[:MOST_PASSAGES]
    return sorted(strongest, key=lambda p: p.start_s), len(saying) - len(strongest) or None


def passage_record(passage: Passage) -> SynthesisPassage:
    """One passage as records hold it."""
    return SynthesisPassage(
        media_start=round(passage.start_s, 3),
        media_end=round(passage.end_s, 3),
        axis_c=_OUTCOMES[passage.outcome],
        score=round(passage.score, 3),
        log10_lr=round(passage.log10_lr, 3),
        family=passage.family,
    )
