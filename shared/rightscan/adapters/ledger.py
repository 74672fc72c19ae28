"""The ledger over an item store: which record lies under which key, and what a write must find there.

The keys are those of the table in ``docs/data-model.md``. The rules (claims, forward-only states, custody
chains, versions of register rows) stand here once, for SQLite and DynamoDB alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from rightscan.adapters.items import Add, ConditionFailed, Item, ItemStore, Put
from rightscan.errors import CancelledError, PermanentError
from rightscan.ports import Conflict
from rightscan.records.base import Record
from rightscan.records.conflicts import RecordingConflict
from rightscan.records.findings import Finding, Match, Use, Verdict
from rightscan.records.identity import object_id, shard_of
from rightscan.records.media import FINISHED, Media, MediaState, Scan
from rightscan.records.objects import CustodyEntry, ObjectRef, Upload, link
from rightscan.records.operations import Count, Incident, Pointer, Report
from rightscan.records.registers import (
    AnyRegisterRow,
    Consent,
    Licence,
    LineupEntry,
    Mandate,
    Performer,
    Recording,
    Reference,
    ReferenceState,
    Registration,
)
from rightscan.records.reviews import Appeal, Case, Dispute, Review
from rightscan.records.vault import Suppression, VoicesHeard

SHARDS = 16
"""Hot lists are spread over this many partitions (a DynamoDB partition takes 1,000 writes a second)."""

COUNTER_SHARDS = 4
"""Counters are written by one stream reader per table shard; four keep a day's total at 96 reads."""

_COUNTED_FOR = timedelta(days=30)
"""That an event was counted is remembered so long; the stream repeats for a day, dead letters for two weeks."""

_VOICES_KEPT = timedelta(days=3 * 365)
"""Likeness results go with the claims that could rest on them; ``rights/data/retention.toml`` names the same time."""

_ATTEMPTS = 8
_STAMPS = frozenset({"version", "changed_at", "changed_by", "reason"})
R = TypeVar("R", bound=Record)


class RecordLedger:
    """Implements ``ports.Ledger``."""

    def __init__(self, items: ItemStore) -> None:
        self._items = items

    # ---- uploads and custody ----------------------------------------------------------------------------
    def add_upload(self, upload: Upload) -> Upload:
        """Record an upload once, as an alias of the bytes it carries."""
        # Here and below, what the second write refers to is written first, one by one: DynamoDB bills a
        # transaction twice, and until the second write stands nobody reads the first.
        if upload.media_id is not None:
            self._upsert(
                Item(f"M#{upload.media_id}", f"O#{upload.ref.log_index}", "alias", upload.ref.to_json())
            )
        try:
            self._items.write([Put(_upload_item(upload))])
        except ConditionFailed:
            standing = self.upload(upload.ref)
            if standing is None:
                raise
            return standing
        return upload

    def upload(self, ref: ObjectRef) -> Upload | None:
        """The record of one object version."""
        return self._read(Upload, *_upload_key(ref))

    def upload_named(self, log_index: str) -> Upload | None:
        """The upload whose custody log, or an entry of it, has this name."""
        sha1, _, version = log_index.partition("/")
        for name in (version, version.rpartition("/")[0]):
            found = self._read(Upload, f"O#{sha1}", f"V#{name}") if name else None
            if found is not None:
                return found
        return None

    def aliases(self, media_id: str) -> list[Upload]:
        """Every upload that carries these bytes."""
        found = []
        for item in self._items.query(f"M#{media_id}", "O#"):
            upload = self.upload(ObjectRef.model_validate(item.body))
            if upload is not None:
                found.append(upload)
        return found

    def uploads(self) -> Iterator[Upload]:
        """All uploads."""
        return (Upload.model_validate(item.body) for item in self._items.scan("upload"))

    def uploads_in_period(self, period: str) -> Iterator[Upload]:
        """Uploads whose use period is this KST month."""
        return self._sharded(Upload, "period", f"U#{period}")

    def append_custody(
        self, ref: ObjectRef, *, at: datetime, actor: str, action: str, subject: str, detail: dict[str, Any]
    ) -> CustodyEntry:
        """Add an entry to the upload's chain."""
        for _ in range(_ATTEMPTS):
            chain = self.custody(ref)
            for entry in chain:
                if (entry.action, entry.subject) == (action, subject):
                    return entry
            entry = link(
                chain[-1] if chain else None,
                ref=ref,
                at=at,
                actor=actor,
                action=action,
                subject=subject,
                detail=detail,
            )
            pk, _ = _upload_key(ref)
            item = Item(pk, f"AUD#{ref.version}#{entry.seq:06d}", "custody", entry.to_json())
            try:
                self._items.write([Put(item)])
            except ConditionFailed:
                continue
            return entry
        raise Conflict(f"custody chain {ref.log_index}")

    def custody(self, ref: ObjectRef) -> list[CustodyEntry]:
        """The chain of one upload."""
        pk, _ = _upload_key(ref)
        return [
            CustodyEntry.model_validate(item.body) for item in self._items.query(pk, f"AUD#{ref.version}#")
        ]

    # ---- media and analysis -----------------------------------------------------------------------------
    def add_media(self, media: Media) -> Media:
        """Create the record of these bytes, or return the one that stands."""
        try:
            self._items.write([Put(_media_item(media, 0))])
        except ConditionFailed:
            standing = self.media(media.media_id)
            if standing is None:
                raise
            return standing
        return media

    def media(self, media_id: str) -> Media | None:
        """The record of these bytes."""
        return self._read(Media, f"M#{media_id}", "META")

    def claim(self, media_id: str, *, token: str, now: datetime, lease_s: float) -> Media:
        """Take the bytes for analysis."""
        item = self._items.get(f"M#{media_id}", "META")
        if item is None:
            raise PermanentError("unknown_media", f"no media {media_id}", "Upload the file again.")
        media = Media.model_validate(item.body)
        if media.state in FINISHED or media.state is MediaState.ANALYSED:
            raise CancelledError("already_analysed", f"media {media_id} is {media.state}", "Nothing to do.")
        if media.lease_until is not None and media.lease_until > now and media.claim_token != token:
            raise Conflict(f"media {media_id} (claimed until {media.lease_until.isoformat()})")
        claimed = media.moved(
            MediaState.CLAIMED,
            claim_token=token,
            lease_until=now + timedelta(seconds=lease_s),
            attempts=media.attempts + 1,
        )
        self._swap(_media_item(claimed, item.version), f"media {media_id}")
        return claimed

    def finish_claim(self, media: Media, *, token: str, scan: Scan | None) -> Media:
        """Write the outcome of a claim."""
        item = self._items.get(f"M#{media.media_id}", "META")
        standing = None if item is None else Media.model_validate(item.body)
        if item is None or standing is None or standing.claim_token != token:
            raise CancelledError(
                "claim_lost",
                f"media {media.media_id} is held by another worker",
                "Nothing to do: it is in work.",
            )
        if standing.state is not MediaState.CLAIMED:
            return standing
        done = media.model_copy(update={"lease_until": None})
        if scan is not None:
            self._upsert(Item(f"M#{scan.media_id}", f"SCAN#{scan.pipeline_version}", "scan", scan.to_json()))
        self._swap(_media_item(done, item.version), f"media {media.media_id}")
        return done

    def move_media(self, before: Media, after: Media) -> Media:
        """Replace the record if it still equals ``before``."""
        item = self._unchanged(before)
        self._swap(_media_item(after, item.version), f"media {before.media_id}")
        return after

    def scan(self, media_id: str, pipeline_version: str) -> Scan | None:
        """The analysis of these bytes by this pipeline."""
        return self._read(Scan, f"M#{media_id}", f"SCAN#{pipeline_version}")

    def scans(self, media_id: str) -> list[Scan]:
        """All analyses of these bytes."""
        return self._list(Scan, f"M#{media_id}", "SCAN#")

    def media_at_work(self, since: datetime, until: datetime, *, failed: bool = False) -> Iterator[Media]:
        """Unfinished (or failed) media first seen in the span."""
        list_name = "failed" if failed else "open"
        hour = since.replace(minute=0, second=0, microsecond=0)
        while hour < until:
            yield from self._sharded(Media, "work", f"W#{list_name}#{_hour(hour)}")
            hour += timedelta(hours=1)

    # ---- verdicts ---------------------------------------------------------------------------------------
    def put_results(self, matches: list[Match], findings: list[Finding], uses: list[Use]) -> None:
        """Write results, one by one in the order given."""
        # One by one: DynamoDB bills a transaction twice, and the media's move is what makes results count.
        for item in [
            *map(_match_item, matches),
            *(Item(f"M#{f.media_id}", f"FIND#{f.finding_id}", "finding", f.to_json()) for f in findings),
            *map(_use_item, uses),
        ]:
            self._upsert(item)

    def commit_verdict(self, verdict: Verdict, before: Media, after: Media) -> Media:
        """Write the verdict and move the media together."""
        item = self._unchanged(before)
        self._upsert(
            Item(f"M#{verdict.media_id}", f"VERD#{verdict.verdict_id}", "verdict", verdict.to_json())
        )
        self._swap(_media_item(after, item.version), f"media {before.media_id}")
        return after

    def verdicts(self, media_id: str) -> list[Verdict]:
        """All verdicts on these bytes."""
        return self._list(Verdict, f"M#{media_id}", "VERD#")

    def matches(self, media_id: str) -> list[Match]:
        """All matches in these bytes."""
        return self._list(Match, f"M#{media_id}", "MATCH#")

    def findings(self, media_id: str) -> list[Finding]:
        """All findings on these bytes."""
        return self._list(Finding, f"M#{media_id}", "FIND#")

    def uses(self, media_id: str) -> list[Use]:
        """All uses of these bytes."""
        return self._list(Use, f"M#{media_id}", "USE#")

    def matches_of_recording(self, recording_id: str) -> Iterator[Match]:
        """Where a recording was found, by time."""
        found = self._items.query_index("recording", f"R#{recording_id}")
        return (Match.model_validate(item.body) for item in found)

    def uses_in_period(self, period: str) -> Iterator[Use]:
        """Uses settled in this KST month."""
        return self._sharded(Use, "period", f"P#{period}")

    def use_in_period(self, use_id: str, period: str) -> Use | None:
        """The use of this id in this KST month."""
        found = self._items.query_index(
            "period", f"P#{period}#{shard_of(use_id, SHARDS)}", since=use_id, until=use_id + "\x01"
        )
        return next((Use.model_validate(item.body) for item in found), None)

    # ---- people's decisions -----------------------------------------------------------------------------
    def open_case(self, case: Case) -> Case:
        """Create the case, or return the one that stands."""
        # The ways to the case first: a name that leads nowhere yet is read as nothing.
        self._upsert(Item(f"CASE#{case.case_id}", "META", "casename", {"media_id": case.media_id}))
        for model in case.models:
            body = {"media_id": case.media_id, "case_id": case.case_id}
            self._upsert(Item(_model_key(model, case.case_id), case.case_id, "casemodel", body))
        try:
            self._items.write([Put(_case_item(case, 0))])
        except ConditionFailed:
            standing = self._read(Case, f"M#{case.media_id}", f"CASE#{case.case_id}")
            if standing is None:
                raise
            return standing
        return case

    def case(self, case_id: str) -> Case | None:
        """The case of this id."""
        name = self._items.get(f"CASE#{case_id}", "META")
        return None if name is None else self._read(Case, f"M#{name.body['media_id']}", f"CASE#{case_id}")

    def cases(self, media_id: str) -> list[Case]:
        """All cases on these bytes."""
        return self._list(Case, f"M#{media_id}", "CASE#")

    def cases_waiting(self) -> Iterator[Case]:
        """Cases that wait for people."""
        return self._sharded(Case, "work", "W#case")

    def cases_in_period(self, period: str) -> Iterator[Case]:
        """Cases opened in this KST month."""
        return self._sharded(Case, "period", f"K#{period}")

    def cases_of_model(self, model: str) -> Iterator[Case]:
        """All cases that this model version judged."""
        for shard in range(SHARDS):
            for item in self._items.query(_key("CASEMODEL", model, str(shard))):
                found = self._read(Case, f"M#{item.body['media_id']}", f"CASE#{item.body['case_id']}")
                if found is not None:
                    yield found

    def move_case(self, before: Case, after: Case, review: Review | None = None) -> Case:
        """Replace the case, and write the review in the same step."""
        item = self._items.get(f"M#{before.media_id}", f"CASE#{before.case_id}")
        if item is None or Case.model_validate(item.body) != before:
            raise Conflict(f"case {before.case_id}")
        for model in sorted({*after.models} - {*before.models}):
            body = {"media_id": after.media_id, "case_id": after.case_id}
            self._upsert(Item(_model_key(model, after.case_id), after.case_id, "casemodel", body))
        writes = [Put(_case_item(after, item.version))]
        if review is not None:
            sk = f"REV#{review.at.isoformat()}#{review.case_id}"
            writes.append(Put(Item(f"M#{review.media_id}", sk, "review", review.to_json())))
        try:
            self._items.write(writes)
        except ConditionFailed as error:
            raise Conflict(f"case {before.case_id}") from error
        return after

    def reviews(self, media_id: str) -> list[Review]:
        """All reviews of the cases on these bytes."""
        return self._list(Review, f"M#{media_id}", "REV#")

    def add_dispute(self, dispute: Dispute) -> Dispute:
        """Create the dispute, or return the one that stands."""
        item = _dispute_item(dispute, 0)
        try:
            self._items.write([Put(item)])
        except ConditionFailed:
            standing = self._read(Dispute, item.pk, item.sk)
            if standing is None:
                raise
            return standing
        return dispute

    def move_dispute(self, before: Dispute, after: Dispute) -> Dispute:
        """Replace the dispute."""
        wanted = _dispute_item(after, 0)
        item = self._items.get(wanted.pk, wanted.sk)
        if item is None or Dispute.model_validate(item.body) != before:
            raise Conflict(f"dispute {before.dispute_id}")
        self._swap(_dispute_item(after, item.version), f"dispute {before.dispute_id}")
        return after

    def disputes(self, recording_id: str) -> list[Dispute]:
        """All disputes over shares of the recording and of its uses."""
        return self._list(Dispute, f"HOLD#{recording_id}", "DISPUTE#")

    def disputes_waiting(self) -> Iterator[Dispute]:
        """Disputes that have not ended."""
        return self._sharded(Dispute, "work", "W#dispute")

    def put_appeal(self, appeal: Appeal) -> None:
        """Write the state of an appeal."""
        self._upsert(Item(f"M#{appeal.media_id}", f"APPEAL#{appeal.appeal_id}", "appeal", appeal.to_json()))

    def appeals(self, media_id: str) -> list[Appeal]:
        """All appeals against cases on these bytes."""
        return self._list(Appeal, f"M#{media_id}", "APPEAL#")

    # ---- registers --------------------------------------------------------------------------------------
    def save_register_row(self, row: AnyRegisterRow) -> tuple[str, AnyRegisterRow]:
        """Write a row of a register, a changed one as a new version."""
        pk, sk = _register_key(row)
        if isinstance(row, Recording) and row.isrc is not None and row.isrc.outcome != "invalid":
            # Before the row: an entry of a recording that has another ISRC is passed over by its readers.
            named = {"recording_id": row.recording_id}
            self._upsert(Item(f"ISRC#{row.isrc.value}", f"R#{row.recording_id}", "isrc", named))
        for _ in range(_ATTEMPTS):
            item = self._items.get(pk, sk)
            if item is None:
                outcome, new = "created", row.model_copy(update={"version": 1})
            else:
                standing = type(row).model_validate(item.body)
                if _content(standing) == _content(row):
                    return "unchanged", standing
                outcome, new = "updated", row.model_copy(update={"version": standing.version + 1})
            writes = [
                Put(Item(pk, sk, row.kind, new.to_json(), 0 if item is None else item.version)),
                Put(Item(pk, f"HIST#{sk}#{new.version:06d}", "history", new.to_json())),
            ]
            try:
                self._items.write(writes)
            except ConditionFailed:
                continue
            return outcome, new
        raise Conflict(f"{row.kind} {pk}")

    def recording(self, recording_id: str) -> Recording | None:
        """The recording as it stands now."""
        return self._read(Recording, f"R#{recording_id}", "META")

    def performer(self, performer_id: str) -> Performer | None:
        """The performer as they stand now."""
        return self._read(Performer, f"P#{performer_id}", "META")

    def lineup(self, recording_id: str) -> list[LineupEntry]:
        """Who performed on the recording."""
        return self._list(LineupEntry, f"R#{recording_id}", "PERF#")

    def mandates(self, performer_id: str) -> list[Mandate]:
        """The mandates of a performer."""
        return self._list(Mandate, f"P#{performer_id}", "MANDATE#")

    def consents(self, performer_id: str) -> list[Consent]:
        """The consents of a performer."""
        return self._list(Consent, f"P#{performer_id}", "CONSENT#")

    def licences(self, *, recording_id: str = "", performer_id: str = "") -> list[Licence]:
        """The licences for a recording, or for a performer."""
        pk = f"R#{recording_id}" if recording_id else f"P#{performer_id}"
        return self._list(Licence, pk, "LICENCE#")

    def register_history(self, row: AnyRegisterRow) -> list[AnyRegisterRow]:
        """All versions of the row, oldest first."""
        pk, sk = _register_key(row)
        return [type(row).model_validate(item.body) for item in self._items.query(pk, f"HIST#{sk}#")]

    def recordings(self) -> Iterator[Recording]:
        """All recordings."""
        return (Recording.model_validate(item.body) for item in self._items.scan("recording"))

    def put_reference(self, reference: Reference) -> None:
        """Write the state of a recording's fingerprint."""
        indexes = {}
        if reference.state is ReferenceState.READY:
            indexes["work"] = ("W#reference", f"{reference.changed_at.isoformat()}#{reference.recording_id}")
        pk, sk = f"R#{reference.recording_id}", f"FP#{reference.pipeline_version}"
        self._upsert(Item(pk, sk, "reference", reference.to_json(), indexes=indexes))

    def reference(self, recording_id: str, pipeline_version: str) -> Reference | None:
        """A recording's fingerprint under a pipeline."""
        return self._read(Reference, f"R#{recording_id}", f"FP#{pipeline_version}")

    def references_ready(self) -> Iterator[Reference]:
        """Fingerprints that wait for the next index build."""
        return (
            Reference.model_validate(item.body) for item in self._items.query_index("work", "W#reference")
        )

    def put_registration(self, registration: Registration) -> None:
        """Write the state of a catalogue file's processing."""
        self._upsert(
            Item(f"G#{registration.registration_id}", "META", "registration", registration.to_json())
        )

    def registration(self, registration_id: str) -> Registration | None:
        """The processing of a catalogue file."""
        return self._read(Registration, f"G#{registration_id}", "META")

    # ---- conflicts between recordings -------------------------------------------------------------------
    def put_conflict(self, conflict: RecordingConflict) -> None:
        """Write the state of a conflict."""
        sk = f"CONFLICT#{conflict.conflict_id}"
        indexes = {}
        if conflict.status == "open":
            indexes["work"] = ("W#conflict", f"{conflict.found_at.isoformat()}#{conflict.conflict_id}")
        first, second = conflict.recording_ids
        pk = f"R#{first}"
        if conflict.media_id is not None:
            pk = f"M#{conflict.media_id}"
        else:
            # Under the other recording too, which may be the one that changes; the listed one comes last.
            self._upsert(Item(f"R#{second}", sk, "conflict", conflict.to_json()))
        self._upsert(Item(pk, sk, "conflict", conflict.to_json(), indexes=indexes))

    def conflicts_in(self, media_id: str) -> list[RecordingConflict]:
        """Conflicts over spans of these bytes."""
        return self._list(RecordingConflict, f"M#{media_id}", "CONFLICT#")

    def conflicts_of(self, recording_id: str) -> list[RecordingConflict]:
        """Conflicts of a recording over an ISRC or its sound."""
        return self._list(RecordingConflict, f"R#{recording_id}", "CONFLICT#")

    def open_conflicts(self) -> Iterator[RecordingConflict]:
        """All conflicts that are open."""
        found = self._items.query_index("work", "W#conflict")
        return (RecordingConflict.model_validate(item.body) for item in found)

    def recordings_with_isrc(self, isrc: str) -> list[Recording]:
        """The recordings that carry an ISRC now."""
        named = [str(item.body["recording_id"]) for item in self._items.query(f"ISRC#{isrc}", "R#")]
        recordings = [self.recording(recording_id) for recording_id in named]
        return [r for r in recordings if r is not None and r.isrc is not None and r.isrc.value == isrc]

    # ---- voices -----------------------------------------------------------------------------------------
    def put_voices(self, heard: VoicesHeard) -> None:
        """Write what was heard in one analysis."""
        expires = heard.heard_at + _VOICES_KEPT
        self._upsert(
            Item(f"M#{heard.media_id}", f"VOICES#{heard.scan_id}", "voices", heard.to_json(), expires=expires)
        )

    def voices(self, media_id: str, scan_id: str) -> VoicesHeard | None:
        """What was heard in this analysis."""
        return self._read(VoicesHeard, f"M#{media_id}", f"VOICES#{scan_id}")

    def put_suppression(self, suppression: Suppression) -> None:
        """Write that nothing is reported of a performer's likeness, or that it is again."""
        self._upsert(Item(f"X#{suppression.performer_id}", "LIKENESS", "suppression", suppression.to_json()))

    def suppression(self, performer_id: str) -> Suppression | None:
        """The performer's suppression, lifted ones included."""
        return self._read(Suppression, f"X#{performer_id}", "LIKENESS")

    # ---- operations -------------------------------------------------------------------------------------
    def record_incident(self, incident: Incident) -> Incident:
        """Record a trouble once."""
        shard = shard_of(incident.incident_id, SHARDS)
        indexes = {"period": (f"I#{incident.period}#{shard}", f"{incident.first_seen.isoformat()}")}
        item = Item(f"I#{incident.incident_id}", "META", "incident", incident.to_json(), indexes=indexes)
        try:
            self._items.write([Put(item)])
        except ConditionFailed:
            standing = self._read(Incident, item.pk, item.sk)
            if standing is None:
                raise
            return standing
        return incident

    def incidents_in_period(self, period: str) -> Iterator[Incident]:
        """Incidents first seen in this KST month."""
        return self._sharded(Incident, "period", f"I#{period}")

    def pointer(self, name: str) -> Pointer | None:
        """What a name points to."""
        return self._read(Pointer, f"PTR#{name}", "META")

    def move_pointer(
        self, name: str, value: dict[str, Any], *, revision: int | None, at: datetime
    ) -> Pointer:
        """Point a name elsewhere, if it is still at ``revision``."""
        item = self._items.get(f"PTR#{name}", "META")
        standing = None if item is None else Pointer.model_validate(item.body)
        if (None if standing is None else standing.revision) != revision:
            raise Conflict(f"pointer {name}")
        pointer = Pointer(name=name, value=value, revision=(revision or 0) + 1, moved_at=at)
        version = 0 if item is None else item.version
        self._swap(Item(f"PTR#{name}", "META", "pointer", pointer.to_json(), version), f"pointer {name}")
        return pointer

    def count_once(self, metric: str, *, event_id: str, at: datetime, amount: int = 1) -> bool:
        """Add to an hourly counter, once per event id."""
        pk = f"C#{metric}#{_hour(at)}#{shard_of(event_id, COUNTER_SHARDS)}"
        once = Item(pk, f"ONCE#{event_id}", "counted", {}, expires=at + _COUNTED_FOR)
        try:
            self._items.write([Put(once), Add(pk, "VALUE", "counter", amount)])
        except ConditionFailed:
            return False
        return True

    def counts(self, metric: str, since: datetime, until: datetime) -> list[Count]:
        """A counter's hours in the span."""
        found = []
        hour = since.replace(minute=0, second=0, microsecond=0)
        while hour < until:
            items = [
                self._items.get(f"C#{metric}#{_hour(hour)}#{shard}", "VALUE")
                for shard in range(COUNTER_SHARDS)
            ]
            value = sum(int(item.body["value"]) for item in items if item is not None)
            if value:
                found.append(Count(metric=metric, hour=_hour(hour), value=value))
            hour += timedelta(hours=1)
        return found

    def start_report(self, report: Report) -> Report:
        """Record a report under the next number."""
        for _ in range(_ATTEMPTS):
            request = self._items.get(f"E#REQUEST#{report.request_id}", "META")
            if request is not None:
                standing = self._read(
                    Report, f"E#{request.body['period']}", f"REPORT#{request.body['report_id']}"
                )
                if standing is None:
                    raise PermanentError(
                        "report_lost",
                        f"request {report.request_id} names report {request.body['report_id']}, which is not there",
                        "Restore the table to a point in time before the record was lost.",
                    )
                return standing
            number = self._items.get("E#NUMBER", "META")
            head = self._items.get(f"E#{report.period}", "HEAD")
            next_number = 1 if number is None else int(number.body["value"]) + 1
            next_version = 1 if head is None else int(head.body["value"]) + 1
            started = report.model_copy(update={"report_id": f"R{next_number:06d}", "version": next_version})
            reference = {"period": report.period, "report_id": started.report_id}
            writes = [
                Put(Item("E#NUMBER", "META", "number", {"value": next_number}, _version(number))),
                Put(Item(f"E#{report.period}", "HEAD", "number", {"value": next_version}, _version(head))),
                Put(Item(f"E#REQUEST#{report.request_id}", "META", "request", reference)),
                Put(Item(f"E#{report.period}", f"REPORT#{started.report_id}", "report", started.to_json())),
            ]
            try:
                self._items.write(writes)
            except ConditionFailed:
                continue
            return started
        raise Conflict(f"report number for {report.period}")

    def finish_report(self, report: Report) -> Report:
        """Record the end of a report."""
        pk, sk = f"E#{report.period}", f"REPORT#{report.report_id}"
        item = self._items.get(pk, sk)
        if item is not None and item.body["state"] == "ready":
            return Report.model_validate(item.body)
        self._swap(Item(pk, sk, "report", report.to_json(), _version(item)), f"report {report.report_id}")
        return report

    def reports(self, period: str) -> list[Report]:
        """The reports of a period, oldest first."""
        return self._list(Report, f"E#{period}", "REPORT#")

    # ---- reading and writing ----------------------------------------------------------------------------
    def _read(self, record: type[R], pk: str, sk: str) -> R | None:
        item = self._items.get(pk, sk)
        return None if item is None else record.model_validate(item.body)

    def _list(self, record: type[R], pk: str, prefix: str) -> list[R]:
        return [record.model_validate(item.body) for item in self._items.query(pk, prefix)]

    def _sharded(self, record: type[R], index: str, prefix: str) -> Iterator[R]:
        for shard in range(SHARDS):
            for item in self._items.query_index(index, f"{prefix}#{shard}"):
                yield record.model_validate(item.body)

    def _unchanged(self, before: Media) -> Item:
        item = self._items.get(f"M#{before.media_id}", "META")
        if item is None or Media.model_validate(item.body) != before:
            raise Conflict(f"media {before.media_id}")
        return item

    def _upsert(self, item: Item) -> None:
        for _ in range(_ATTEMPTS):
            standing = self._items.get(item.pk, item.sk)
            if standing is not None and standing.body == item.body:
                return
            try:
                self._items.write([Put(replace(item, version=_version(standing)))])
            except ConditionFailed:
                continue
            return
        raise Conflict(f"{item.kind} {item.pk}")

    def _swap(self, item: Item, what: str) -> None:
        try:
            self._items.write([Put(item)])
        except ConditionFailed as error:
            raise Conflict(what) from error


def _version(item: Item | None) -> int:
    return 0 if item is None else item.version


def _hour(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H")


def _upload_key(ref: ObjectRef) -> tuple[str, str]:
    return f"O#{object_id(ref.bucket, ref.key)}", f"V#{ref.version}"


def _upload_item(upload: Upload) -> Item:
    shard = shard_of(upload.ref.log_index, SHARDS)
    indexes = {
        "period": (
            f"U#{upload.use_period}#{shard}",
            f"{upload.event_time.isoformat()}#{upload.ref.log_index}",
        )
    }
    return Item(*_upload_key(upload.ref), "upload", upload.to_json(), indexes=indexes)


def _media_item(media: Media, version: int) -> Item:
    list_name = None
    if media.state not in FINISHED:
        list_name = "open"
    elif media.state in (MediaState.FAILED, MediaState.REJECTED):
        list_name = "failed"
    indexes = {}
    if list_name is not None:
        # The key names the hour of the first sight, not the state: moving on within "open" costs no index write.
        hour, shard = _hour(media.first_seen), shard_of(media.media_id, SHARDS)
        indexes["work"] = (f"W#{list_name}#{hour}#{shard}", media.media_id)
    return Item(f"M#{media.media_id}", "META", "media", media.to_json(), version, indexes)


def _match_item(match: Match) -> Item:
    indexes = {"recording": (f"R#{match.recording_id}", f"{match.found_at.isoformat()}#{match.match_id}")}
    sk = f"MATCH#{match.recording_id}#{match.occurrence_id}"
    return Item(f"M#{match.media_id}", sk, "match", match.to_json(), indexes=indexes)


def _use_item(use: Use) -> Item:
    indexes = {"period": (f"P#{use.period}#{shard_of(use.use_id, SHARDS)}", use.use_id)}
    return Item(f"M#{use.media_id}", f"USE#{use.use_id}", "use", use.to_json(), indexes=indexes)


def _case_item(case: Case, version: int) -> Item:
    shard = shard_of(case.case_id, SHARDS)
    moment = f"{case.opened_at.isoformat()}#{case.case_id}"
    indexes = {"period": (f"K#{case.period}#{shard}", moment)}
    if case.state.waits:
        indexes["work"] = (f"W#case#{shard}", moment)
    return Item(f"M#{case.media_id}", f"CASE#{case.case_id}", "case", case.to_json(), version, indexes)


def _model_key(model: str, case_id: str) -> str:
    return _key("CASEMODEL", model, str(shard_of(case_id, SHARDS)))


def _dispute_item(dispute: Dispute, version: int) -> Item:
    sk = _key("DISPUTE", dispute.use_id, dispute.performer_id, f"{dispute.number:04d}")
    indexes = {}
    if not dispute.state.ended:
        shard = shard_of(dispute.dispute_id, SHARDS)
        indexes["work"] = (f"W#dispute#{shard}", f"{dispute.steps[0].at.isoformat()}#{dispute.dispute_id}")
    return Item(f"HOLD#{dispute.recording_id}", sk, "dispute", dispute.to_json(), version, indexes)


def _content(row: AnyRegisterRow) -> Mapping[str, Any]:
    return {name: value for name, value in row.to_json().items() if name not in _STAMPS}


def _key(*parts: str | None) -> str:
    # Ids come from spreadsheets: a "#" in one must not make two rows one.
    return "#".join((part or "").replace("%", "%25").replace("#", "%23") for part in parts)


_REGISTER_KEYS: dict[type[Record], Callable[[Any], tuple[str, str]]] = {
    Recording: lambda row: (f"R#{row.recording_id}", "META"),
    Performer: lambda row: (f"P#{row.performer_id}", "META"),
    LineupEntry: lambda row: (
        f"R#{row.recording_id}",
        _key("PERF", row.performer_id, "+".join(row.roles), row.valid_from),
    ),
    Mandate: lambda row: (
        f"P#{row.performer_id}",
        _key("MANDATE", row.valid_from, "+".join(row.ledgers), "+".join(row.territories)),
    ),
    Consent: lambda row: (f"P#{row.performer_id}", _key("CONSENT", row.consent, row.valid_from)),
    Licence: lambda row: (
        f"R#{row.recording_id}" if row.recording_id is not None else f"P#{row.performer_id}",
        _key("LICENCE", row.licence_id),
    ),
}


def _register_key(row: AnyRegisterRow) -> tuple[str, str]:
    return _REGISTER_KEYS[type(row)](row)
