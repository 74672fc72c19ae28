"""A store with findings and uses written straight into its ledger, for tests of what people and money do with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rightscan import runtime
from rightscan.adapters.local.clock import ManualClock
from rightscan.jobs.lineups import DEFAULT_RULE, lineup_of
from rightscan.ports import Ports
from rightscan.records import identity
from rightscan.records.findings import Axes, Finding, Match, Modification, Synthesis, Use, Verdict
from rightscan.records.media import Media, MediaState
from rightscan.records.objects import ObjectRef, Upload, UploadFactsRecord, UploadState
from rightscan.records.registers import LineupEntry, Mandate, Performer, Recording
from rightscan.rights.axes import AxisA, AxisB, AxisC, AxisD, ClaimBasis
from rightscan.rights.codes import Code, code_table
from rightscan.rights.money import profile_named
from rightscan.rights.periods import kst_day

NOW = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)
PERIOD = "2026-11"
LATTICE = "lattice@syn-0123456789ab/2026.11"
STAMPS: dict[str, Any] = {"changed_at": NOW, "changed_by": "catalogue", "reason": "test"}


@dataclass
class Store:
    """One empty store and the hands that fill it."""

    home: Path
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOW))

    def __post_init__(self) -> None:
        self.ports: Ports = replace(
            runtime.local_ports(self.home, clock=self.clock, durable=False), meter=runtime.SilentMeter()
        )
        self.ledger = self.ports.ledger

    # ---- registers ----
    def recording(self, recording_id: str, size: int | None, **featured: bool | None) -> None:
        """A recording and its line-up; keywords are performer ids with ``_`` for ``-``."""
        self.ledger.save_register_row(
            Recording(**STAMPS, recording_id=recording_id, title=f"곡 {recording_id}", lineup_size=size)
        )
        for name, is_featured in featured.items():
            performer_id = name.replace("_", "-")
            self.ledger.save_register_row(
                Performer(**STAMPS, performer_id=performer_id, name_ko=f"이름{performer_id}")
            )
            self.ledger.save_register_row(
                LineupEntry(
                    **STAMPS,
                    recording_id=recording_id,
                    performer_id=performer_id,
                    featured=is_featured,
                    roles=("가창",),
                )
            )

    def mandate(
        self, performer_id: str, kind: str = "member", valid_from: str = "2020-01-01", **more: Any
    ) -> None:
        """The society acts for a performer."""
        self.ledger.save_register_row(
            Mandate(**STAMPS, performer_id=performer_id, mandate=kind, valid_from=valid_from, **more)
        )

    # ---- what was found ----
    def use(
        self,
        name: str,
        recording_id: str,
        *,
        code: str = "U1",
        use_type: str | None = "broadcast",
        territory: str | None = "KR",
        seconds: float = 20.0,
        period: str = PERIOD,
        use_period: str | None = None,
        posted_at: datetime | None = NOW,
    ) -> Use:
        """One upload with one appearance of a recording, found as ``match`` would write it."""
        media_id = hashlib.sha256(name.encode()).hexdigest()
        where = ObjectRef(bucket="uploads", key=name, version="v1")
        facts = UploadFactsRecord(use_type=use_type, territory=territory, posted_at=posted_at)
        occurrence = identity.occurrence_id(media_id, recording_id, 0.0, 0.0)
        found = Match(
            match_id=identity.match_id(media_id, recording_id, occurrence),
            media_id=media_id,
            recording_id=recording_id,
            occurrence_id=occurrence,
            media_start=0.0,
            media_end=seconds,
            reference_start=0.0,
            reference_end=seconds,
            log10_lr=12.0,
            stated_log10_lr=3.0,
            coverage=1.0,
            modification=Modification(),
            border_uncertainty_s=0.25,
            index_version="i-0",
            found_at=NOW,
        )
        finding = self.finding(media_id, code, found)
        use = Use(
            use_id=identity.use_id("uploads", name, "v1", recording_id, occurrence),
            media_id=media_id,
            upload=where,
            recording_id=recording_id,
            occurrence_id=occurrence,
            match_id=found.match_id,
            finding_id=finding.finding_id,
            period=period,
            use_period=use_period or period,
            seconds_used=seconds,
            facts=facts,
            recorded_at=NOW,
        )
        self.ledger.put_results([found], [finding], [use])
        self._media(media_id, where, facts, period)
        return use

    def finding(self, media_id: str, code: str, of: Match | None = None, **changes: Any) -> Finding:
        """A finding of this code, not yet written."""
        subject = "whole" if of is None else of.occurrence_id
        day = kst_day(self.clock.now())
        known = None
        if of is not None:
            known = lineup_of(self.ledger, of.recording_id, profile_named(DEFAULT_RULE, day), day)
        basis = code_table().infos[Code(code)].claim_basis or ClaimBasis.FIXATION
        values: dict[str, Any] = {
            "finding_id": identity.finding_id(media_id, subject),
            "media_id": media_id,
            "subject": subject,
            "match_id": None if of is None else of.match_id,
            "recording_id": None if of is None else of.recording_id,
            "claim_basis": basis,
            "axes": Axes(a=AxisA.EXACT, b=AxisB.NOT_TESTED, c=AxisC.NOT_TESTED, d=AxisD.NOT_TESTED),
            "code": code,
            "hits": (code,),
            "reason_ko": "까닭",
            "reason_en": "reason",
            "media_start": None if of is None else of.media_start,
            "media_end": None if of is None else of.media_end,
            "performers": () if known is None else known.performers,
            "held_share": known is not None and bool(known.shares.held),
            "rule": None if known is None else known.shares.rule,
            "verdict_id": f"v-{media_id[:12]}",
            "recorded_at": self.clock.now(),
        }
        return Finding(**{**values, **changes})

    def suspicion(self, name: str, code: str = "D2", models: tuple[str, ...] = (LATTICE,)) -> Finding:
        """A finding about a whole file, with the verdict whose models judged it, both written."""
        media_id = hashlib.sha256(name.encode()).hexdigest()
        finding = self.finding(media_id, code)
        self.ledger.put_results([], [finding], [])
        where = ObjectRef(bucket="uploads", key=name, version="v1")
        self._media(media_id, where, UploadFactsRecord(), PERIOD, models)
        return finding

    def _media(
        self,
        media_id: str,
        where: ObjectRef,
        facts: UploadFactsRecord,
        period: str,
        models: tuple[str, ...] = (LATTICE,),
    ) -> None:
        self.ledger.add_upload(
            Upload(
                ref=where,
                state=UploadState.LINKED,
                media_id=media_id,
                event_time=NOW,
                received_at=NOW,
                use_period=period,
                facts=facts,
            )
        )
        verdict = Verdict(
            verdict_id=f"v-{media_id[:12]}",
            media_id=media_id,
            scan_id="s",
            pipeline_version="p",
            score_version="s-1",
            index_version="i-0",
            rights_version="r-0",
            decided_at=NOW,
            state="matched",
            synthesis=Synthesis(axis_c=AxisC.DETECTED, models=models),
        )
        analysed = self.ledger.add_media(
            Media(media_id=media_id, state=MediaState.ANALYSED, size=1, first_seen=NOW, duration_s=60.0)
        )
        if analysed.state is MediaState.ANALYSED:
            after = analysed.moved(MediaState.MATCHED, verdict_id=verdict.verdict_id, checked_through="i-0")
            self.ledger.commit_verdict(verdict, analysed, after)
