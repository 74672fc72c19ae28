"""The export: the ledger's uses of a period as rows, written as workbook and twins, stored and announced."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import rightscan
from rightscan.errors import PermanentError
from rightscan.jobs import incidents
from rightscan.jobs.attribution import ledger_of
from rightscan.jobs.cases import case_of
from rightscan.jobs.dispute import dispute_state, disputes_over
from rightscan.jobs.lineups import mandate_of
from rightscan.jobs.versions import rules_version
from rightscan.ports import Ports
from rightscan.records.findings import Finding, FindingPerformer, Match, Synthesis, Use, Verdict
from rightscan.records.media import DECIDED, FINISHED, Media
from rightscan.records.messages import ExportReady, ReportRequested
from rightscan.records.objects import ObjectRef, Upload, UploadState
from rightscan.records.operations import Report
from rightscan.records.registers import IdentifierRecord, Performer, Recording
from rightscan.records.reviews import Dispute
from rightscan.reporting.columns import Words
from rightscan.reporting.export import ReportFiles, ReportInput, write_report
from rightscan.rights import error_words, vocabulary
from rightscan.rights.axes import lr_band
from rightscan.rights.identifiers import Identifier, IdentifierKind, IdentifierOutcome
from rightscan.rights.periods import month_bounds
from rightscan.rights.reviews import CASE_CODES

Row = dict[str, Any]

DOLLARS_PER_HOUR = 0.006
"""What an hour of sound costs to analyse on AWS at list prices; a test holds it to ``bench.cost_model``."""


def report(request: ReportRequested, ports: Ports) -> str:
    """Write the export of a period, once per request.

    Returns:
        One word for the log: ``ready``, ``done_before`` or ``failed``.
    """
    month_bounds(request.period)
    started = ports.ledger.start_report(
        Report(
            report_id="R000000",
            request_id=request.request_id,
            period=request.period,
            version=1,
            state="started",
            language=request.language,
            created_at=ports.clock.now(),
        )
    )
    if started.state == "ready":
        # A stop between the record and the announcement would leave nobody told; told twice does no harm.
        _announce(started, ports)
        return "done_before"
    try:
        ready = _write(started, ports)
    except PermanentError as error:
        incidents.record(ports, "report", started.report_id, incidents.info(error), period=request.period)
        ports.ledger.finish_report(started.model_copy(update={"state": "failed", "error": str(error)}))
        return "failed"
    _announce(ports.ledger.finish_report(ready), ports)
    return "ready"


def _announce(done: Report, ports: Ports) -> None:
    if done.manifest is not None:
        ports.events.publish(
            ExportReady(
                report_id=done.report_id, period=done.period, version=done.version, manifest=done.manifest
            )
        )


def _write(started: Report, ports: Ports) -> Report:
    rows = _Rows(started.report_id, started.period, started.language, ports)
    with ports.workspace() as folder:
        files = write_report(
            ReportInput(
                report_id=started.report_id,
                period=started.period,
                version=started.version,
                created_at=started.created_at,
                rows={"02": rows.usage, "04": rows.lineups, "05": rows.unmatched, "07": rows.troubles},
                versions=rows.versions,
                counts=rows.counts(),
                code_lists={"error": rows.error_codes()},
                language=started.language,
            ),
            folder,
        )
        stored = _store(started, files, ports)
    return started.model_copy(
        update={
            "state": "ready",
            "manifest": stored[files.manifest.name],
            "files": {name: ref.key for name, ref in stored.items()},
            "rows": rows.written,
        }
    )


def _store(started: Report, files: ReportFiles, ports: Ports) -> dict[str, ObjectRef]:
    """Upload the files, the manifest last: a report without one is unfinished.

    The key names the content: what a stopped attempt left behind from an earlier state of the ledger stays
    beside the finished report instead of in it.
    """
    content = files.sha256[files.manifest.name][:12]
    paths = [files.workbook, *files.twins.values(), files.manifest]
    stored = {}
    for path in paths:
        key = f"reports/{started.report_id}/{content}/{files.storage_keys.get(path.name, path.name)}"
        info = ports.objects.put_if_absent(ports.settings.buckets.exports, key, path)
        stored[path.name] = info.ref
    return stored


def fetch_report(done: Report, folder: Path, ports: Ports) -> list[Path]:
    """Copy a finished report's files into a folder, under the names staff see.

    Args:
        done: a report in state ``ready``.
        folder: made where it is missing; a report that lies there already is replaced.
        ports: the world.

    Returns:
        The files.
    """
    target = folder / done.report_id
    if target.exists():
        shutil.rmtree(target)
    target.mkdir(parents=True)
    paths = []
    # The workbook first, the manifest last; the record holds them by name.
    order = (".xlsx", ".csv", ".json")
    for name, key in sorted(
        done.files.items(), key=lambda file: (order.index(Path(file[0]).suffix), file[0])
    ):
        ports.objects.download(ObjectRef(bucket=ports.settings.buckets.exports, key=key), target / name)
        paths.append(target / name)
    return paths


@dataclass
class _Incomplete:
    """What sheet 04 says of one recording."""

    recording: Recording | None
    known: int
    size: int | None
    uses: int = 0
    seconds: Decimal = Decimal(0)
    held: Decimal = Decimal(0)


@dataclass
class _Rows:
    """The rows of one report, read from the ledger as they are asked for."""

    report_id: str
    period: str
    language: Literal["ko", "en"]
    ports: Ports
    written: int = 0
    incomplete: dict[str, _Incomplete] = field(default_factory=dict)
    _engines: set[str] = field(default_factory=set)
    _models: set[str] = field(default_factory=set)
    _indexes: set[str] = field(default_factory=set)
    _rules: set[str] = field(default_factory=set)
    _recordings: dict[str, Recording | None] = field(default_factory=dict)
    _performers: dict[str, Performer | None] = field(default_factory=dict)
    _disputed: dict[str, list[Dispute]] = field(default_factory=dict)

    def counts(self) -> dict[str, int | float | Decimal | str]:
        """The cover's numbers of files."""
        received = analysed = matched = clear = failed = waiting = 0
        seconds = 0.0
        for upload, media in self._uploads():
            if upload.state is UploadState.SKIPPED:
                continue  # a folder or a sidecar is no file
            received += 1
            if media is not None and media.state not in FINISHED:
                waiting += 1
                continue
            if media is None or media.state not in DECIDED:
                failed += 1
                continue
            analysed += 1
            seconds += media.duration_s or 0.0
            self._indexes.add(media.checked_through or "")
            if any(match.status == "active" for match in self.ports.ledger.matches(media.media_id)):
                matched += 1
            else:
                clear += 1
        return {
            "files_received": received,
            "files_analysed": analysed,
            "files_matched": matched,
            "files_clear": clear,
            "files_failed": failed,
            "files_in_work": waiting,
            "hours_scanned": Decimal(str(round(seconds / 3600, 3))),
            "cost_estimate": _cost(seconds, self.language),
        }

    def versions(self) -> dict[str, str]:
        """The cover's versions, of everything that the rows come from; read after them."""
        stated = {
            "rightscan": {rightscan.__version__},
            "engine": self._engines,
            "models": self._models,
            "index": self._indexes,
            "code_table": {rules_version()},
            "rules": self._rules,
        }
        return {name: ", ".join(sorted(found - {""})) for name, found in stated.items()}

    def _uploads(self) -> Iterator[tuple[Upload, Media | None]]:
        for upload in self.ports.ledger.uploads_in_period(self.period):
            media = None if upload.media_id is None else self.ports.ledger.media(upload.media_id)
            yield upload, media

    # ---- 02 ----
    def usage(self) -> Iterator[Row]:
        """One row per use and performer; a use whose performers nobody knows is one row."""
        for use in self.ports.ledger.uses_in_period(self.period):
            if use.status != "active":
                continue
            found = {finding.finding_id: finding for finding in self.ports.ledger.findings(use.media_id)}
            matches = {match.match_id: match for match in self.ports.ledger.matches(use.media_id)}
            finding, match = found[use.finding_id], matches[use.match_id]
            self._note_incomplete(use, finding)
            base = self._use_row(use, finding, match)
            for performer in finding.performers or (None,):
                self.written += 1
                # With the report's number: what a later report reverses must name one row of one report.
                row_id = f"{self.report_id}-{self.written:07d}"
                yield {"row_id": row_id, **base, **self._performer_row(use, finding, performer)}

    def _use_row(self, use: Use, finding: Finding, match: Match) -> Row:
        recording = self._recording(use.recording_id)
        facts = use.facts
        custody = self.ports.ledger.custody(use.upload)
        verdict = self._verdict(use.media_id, finding.verdict_id)
        engine = None if verdict is None else f"{verdict.pipeline_version}/{verdict.score_version}"
        said = None if verdict is None else verdict.synthesis
        models = () if said is None else said.models
        self._engines.add(engine or "")
        self._models.update(models)
        self._indexes.add(match.index_version)
        self._rules.add(finding.rule or "")
        share = None
        if finding.lineup_known is not None and finding.lineup_size:
            share = Decimal(100 * finding.lineup_known) / finding.lineup_size
        return {
            "line_type": "original",
            "use_id": use.use_id,
            "period": use.period,
            "use_period": use.use_period,
            "use_type": facts.use_type,
            "territory": facts.territory,
            "platform": facts.platform,
            "channel": facts.channel,
            "uploader_ref": facts.uploader_ref,
            "url": facts.url,
            "posted_at": facts.posted_at,
            "captured_at": facts.captured_at,
            "media_start": match.media_start,
            "media_end": match.media_end,
            "reference_start": match.reference_start,
            "reference_end": match.reference_end,
            "seconds_used": use.seconds_used,
            "use_count": use.use_count,
            "prominence": "unknown",
            "title": None if recording is None else recording.title,
            "display_artist": None if recording is None else recording.display_artist,
            "recording_id": use.recording_id,
            "isrc": _shown(IdentifierKind.ISRC, None if recording is None else recording.isrc),
            "uci": _shown(IdentifierKind.UCI, None if recording is None else recording.uci),
            "iswc": _shown(IdentifierKind.ISWC, None if recording is None else recording.iswc),
            "lineup_pct": share,
            "code": finding.code,
            "claim_basis": finding.claim_basis,
            "axis_a": finding.axes.a,
            "coverage": match.coverage,
            "modification": finding.axes.a_kinds,
            "axis_b": finding.axes.b,
            "lr_band": lr_band(match.stated_log10_lr),
            "log10_lr": match.stated_log10_lr,
            "axis_c": finding.axes.c,
            "declared_ai": None if said is None else self._declared(said),
            "axis_d": finding.axes.d,
            "licence_id": ", ".join(finding.licence_ids) or None,
            "conditions": finding.conditions,
            **self._review(finding),
            "rule": finding.rule,
            "sha256": use.media_id,
            "evidence_id": match.match_id,
            "log_index": custody[-1].log_index if custody else None,
            "engine": engine,
            "models": ", ".join(models) or None,
            "index_version": match.index_version,
        }

    def _performer_row(self, use: Use, finding: Finding, performer: FindingPerformer | None) -> Row:
        disputes = self._disputes(use.recording_id)
        if performer is None:
            return {"dispute_state": dispute_state(disputes, use.use_id, None).value}
        register = self._performer(performer.performer_id)
        mandates = [mandate_of(row) for row in self.ports.ledger.mandates(performer.performer_id)]
        decision = ledger_of(use, finding, mandates)
        return {
            "dispute_state": dispute_state(disputes, use.use_id, performer.performer_id).value,
            "ledger": decision.ledger,
            "name_ko": performer.name_ko,
            "name_roman": performer.name_roman,
            "stage_name": performer.stage_name,
            "member_no": None if register is None else register.member_no,
            "ipn": _shown(IdentifierKind.IPN, None if register is None else register.ipn),
            "isni": _shown(IdentifierKind.ISNI, None if register is None else register.isni),
            "mandate": decision.mandate,
            "category": performer.categories,
            "role": performer.roles,
            "instrument": performer.instruments,
            "featured": performer.featured,
            "weight_num": performer.weight_num,
            "weight_den": performer.weight_den,
        }

    def _review(self, finding: Finding) -> Row:
        """What people have said of a finding; one that opened no case needs nobody."""
        case = None
        if finding.code in CASE_CODES:
            case = case_of(finding, self.ports.ledger.cases(finding.media_id))
        if case is None:
            return {"review_state": "unreviewed"}
        said = [
            one
            for one in self.ports.ledger.reviews(case.media_id)
            if (one.case_id, one.round) == (case.case_id, case.round)
        ]
        return {
            "review_state": case.state.review_state,
            "reviewer_ref": ", ".join(one.actor for one in said) or None,
            "reviewed_at": case.decided_at,
        }

    def _disputes(self, recording_id: str) -> list[Dispute]:
        if recording_id not in self._disputed:
            self._disputed[recording_id] = disputes_over(recording_id, self.ports.ledger)
        return self._disputed[recording_id]

    def _verdict(self, media_id: str, verdict_id: str) -> Verdict | None:
        """The verdict behind a finding: its versions count, whatever is installed now."""
        verdicts = self.ports.ledger.verdicts(media_id)
        return next((v for v in verdicts if v.verdict_id == verdict_id), None)

    def _declared(self, said: Synthesis) -> str | None:
        """Who declared which part, and how much of it."""
        word = vocabulary.ko if self.language == "ko" else vocabulary.en
        shown = []
        for one in said.declared:
            named = f" ({one.generator})" if one.generator else ""
            part, extent = word("ai_part", one.part), word("extent", one.extent)
            shown.append(f"{word('declared_by', one.by)}: {part} {extent}{named}")
        return " / ".join(shown) or None

    def _recording(self, recording_id: str) -> Recording | None:
        if recording_id not in self._recordings:
            self._recordings[recording_id] = self.ports.ledger.recording(recording_id)
        return self._recordings[recording_id]

    def _performer(self, performer_id: str) -> Performer | None:
        if performer_id not in self._performers:
            self._performers[performer_id] = self.ports.ledger.performer(performer_id)
        return self._performers[performer_id]

    # ---- 04 ----
    def _note_incomplete(self, use: Use, finding: Finding) -> None:
        if not finding.held_share or finding.contested_by:
            return  # a conflict is settled in the register of recordings, not in a line-up
        weights = [
            Decimal(p.weight_num) / p.weight_den for p in finding.performers if p.weight_num and p.weight_den
        ]
        entry = self.incomplete.setdefault(
            use.recording_id,
            _Incomplete(self._recording(use.recording_id), finding.lineup_known or 0, finding.lineup_size),
        )
        entry.uses += use.use_count
        entry.seconds += Decimal(str(use.seconds_used))
        entry.held = 1 - sum(weights, Decimal(0))

    def lineups(self) -> Iterator[Row]:
        """One row per used recording whose line-up keeps money back; read after ``usage``."""
        for recording_id, entry in sorted(self.incomplete.items()):
            recording = entry.recording
            yield {
                "recording_id": recording_id,
                "isrc": _shown(IdentifierKind.ISRC, None if recording is None else recording.isrc),
                "title": None if recording is None else recording.title,
                "display_artist": None if recording is None else recording.display_artist,
                "lineup_size": entry.size,
                "known": entry.known,
                "lineup_pct": Decimal(100 * entry.known) / entry.size if entry.size else None,
                "uses": entry.uses,
                "seconds_used": entry.seconds,
                "held": entry.held,
            }

    # ---- 05 and 07 ----
    def unmatched(self) -> Iterator[Row]:
        """One row per upload in which nothing registered was found."""
        for upload, media in self._uploads():
            if media is None or media.state not in DECIDED:
                continue
            for finding in self.ports.ledger.findings(media.media_id):
                if finding.status == "active" and finding.match_id is None:
                    yield {
                        "media_id": media.media_id,
                        "platform": upload.facts.platform,
                        "channel": upload.facts.channel,
                        "url": upload.facts.url,
                        "media_start": finding.media_start or 0,
                        "media_end": media.duration_s if finding.media_end is None else finding.media_end,
                        "tested": finding.tested,
                        "code": finding.code,
                    }

    def troubles(self) -> Iterator[Row]:
        """One row per incident of the period."""
        for incident in self.ports.ledger.incidents_in_period(self.period):
            cause, remedy = error_words.said(incident.code, incident.cause, incident.remedy, self.language)
            yield {
                "source_kind": incident.source_kind,
                "source_ref": incident.source_ref,
                "code": incident.code,
                "cause": cause,
                "remedy": remedy,
                "first_seen": incident.first_seen,
                "attempts": incident.attempts,
            }

    def error_codes(self) -> dict[str, Words]:
        """Words of the error codes that occur, for sheet 90."""
        codes = sorted({incident.code for incident in self.ports.ledger.incidents_in_period(self.period)})
        found = ((code, error_words.korean(code)) for code in codes)
        return {code: Words(words.ko, words.en) for code, words in found if words is not None}


def _shown(kind: IdentifierKind, identifier: IdentifierRecord | None) -> str | None:
    """An identifier in its printed form; stored it is compact."""
    if identifier is None:
        return None
    return Identifier(kind, identifier.value, IdentifierOutcome(identifier.outcome)).display


def _cost(seconds: float, language: Literal["ko", "en"]) -> str:
    dollars = seconds / 3600 * DOLLARS_PER_HOUR
    if dollars < 0.01:
        little = {"ko": "0.01 USD 미만", "en": "under 0.01 USD"}
        return little[language]
    words = {
        "ko": f"약 {dollars:,.2f} USD(AWS 정가 기준, 보관과 고정비 제외: docs/deploy.md)",
        "en": f"about {dollars:,.2f} USD (AWS list prices, without storage and fixed costs: docs/deploy.md)",
    }
    return words[language]
