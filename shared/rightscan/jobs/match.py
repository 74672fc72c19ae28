"""Compare stored features with the live index; write matches, findings and the uses that money follows.

No media is read here. Every write may be repeated, and nothing counts until the media has moved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from rightscan.errors import PermanentError, TransientError
from rightscan.fingerprint import Fingerprint
from rightscan.harmony import Harmony
from rightscan.index import Segment
from rightscan.index.calibration import TRIALS
from rightscan.jobs import custody, incidents, recording_conflicts
from rightscan.jobs import findings as build
from rightscan.jobs.authorisation import Posting, of_recording
from rightscan.jobs.cases import open_cases
from rightscan.jobs.covers import covers_of
from rightscan.jobs.features import harmony_in, stem_prints_in
from rightscan.jobs.lineups import DEFAULT_RULE, KnownLineup, lineup_of
from rightscan.jobs.origin import Origin, origin_in, source_of
from rightscan.jobs.refusals import refuse_uploads
from rightscan.jobs.spans import Span
from rightscan.jobs.stems import Found, search
from rightscan.jobs.versions import fingerprint_pipeline, score_version
from rightscan.jobs.voice_standards import voice_standards
from rightscan.jobs.voices.claims import of_voice, subject_of
from rightscan.jobs.voices.heard import Voices, heard_in
from rightscan.ports import Conflict, OpenIndex, Ports
from rightscan.records import identity
from rightscan.records.base import content_hash
from rightscan.records.findings import Finding, Match, Modification, Synthesis, Use, Verdict
from rightscan.records.media import DECIDED, FINISHED, Media, MediaState, Scan
from rightscan.records.messages import FindingRecorded, MatchRequested
from rightscan.records.objects import ErrorInfo, Upload
from rightscan.rights.axes import Modification as ModificationKind
from rightscan.rights.axes import Stem, cap_log10_lr
from rightscan.rights.money import profile_named
from rightscan.rights.periods import kst_day

INHERIT_OVERLAP = 0.5
"""A new result inherits an appearance's id from half an overlap on, so that reviews and money lines survive."""

_KINDS = frozenset(ModificationKind)
_ALIAS_ATTEMPTS = 3


def match(request: MatchRequested, ports: Ports, *, seen: Callable[[str | None], None] | None = None) -> str:
    """Give one media its verdict, or one more alias its uses.

    Args:
        request: which bytes.
        ports: the world.
        seen: told of the media's scan once it is known, for the log.

    Returns:
        One word for the log: the media's state, ``aliases`` or ``not_ready``.

    Raises:
        Conflict: the media moved meanwhile; the message must come again.
    """
    media = ports.ledger.media(request.media_id)
    if media is None:
        raise PermanentError("unknown_media", f"no media {request.media_id}", "Upload the file again.")
    if seen is not None:
        seen(media.scan_id)
    if media.state in (MediaState.RECEIVED, MediaState.CLAIMED):
        return "not_ready"
    if media.state in FINISHED - DECIDED:
        if media.state is MediaState.FAILED and media.error is not None:
            refuse_uploads(media.media_id, media.error, ports)
        return media.state.value
    scan = next((s for s in ports.ledger.scans(media.media_id) if s.scan_id == media.scan_id), None)
    if scan is None or scan.fingerprinted_by != fingerprint_pipeline():
        raise PermanentError(
            "no_features",
            f"media {media.media_id} has no features of {fingerprint_pipeline()}",
            "Scan it again.",
        )
    if scan.silent:
        return _silent(media, ports)
    if request.cause == "alias":
        return _serve_alias(media, scan, ports)
    return _decide(media, scan, ports)


def _serve_alias(media: Media, scan: Scan, ports: Ports) -> str:
    """Give an upload that came after the verdict its uses; anew where the verdict changed meanwhile."""
    for _ in range(_ALIAS_ATTEMPTS):
        _serve_uploads(media, scan, media.verdict_id, ports)
        standing = ports.ledger.media(media.media_id)
        if standing is None or standing.verdict_id == media.verdict_id:
            return "aliases"
        media = standing
    raise Conflict(f"media {media.media_id}")


def _silent(media: Media, ports: Ports) -> str:
    error = ErrorInfo(
        code="silent",
        cause="the file holds no sound above the noise floor",
        remedy="Check the recording at its source and upload a copy with sound.",
    )
    ports.ledger.put_results([], [build.unprocessable(media, error, ports.clock.now())], [])
    refuse_uploads(media.media_id, error, ports)
    failed = media.moved(MediaState.FAILED, error=error, finished_at=ports.clock.now())
    ports.ledger.move_media(media, failed)
    refuse_uploads(media.media_id, error, ports)
    return failed.state.value


@dataclass(frozen=True)
class _Results:
    """What one comparison gives, before it is written."""

    verdict: Verdict
    matches: list[Match]
    contested: dict[str, tuple[str, ...]]
    """By match: the other recordings that match the same sound."""
    findings: list[Finding]
    ended_matches: list[Match]
    ended_findings: list[Finding]
    state: MediaState
    error: ErrorInfo | None
    """Why the state is ``partial``."""


def _decide(media: Media, scan: Scan, ports: Ports) -> str:
    features, parts, origin, harmony = _features(scan, ports)
    live = ports.index.current()
    segments: list[Found] = []
    if live.index is not None:
        segments = search(live.index, features, parts, ports.ledger, deep=build.searched_deep(scan))
    results = _results(media, scan, (segments, origin, harmony), live, ports)
    if _says_the_same(results, media, ports):
        settled = media
        if media.checked_through != live.version:
            settled = ports.ledger.move_media(
                media, media.model_copy(update={"checked_through": live.version})
            )
    else:
        settled = _commit(media, scan, results, live, ports)
    # An upload of these bytes that came while we worked saw no verdict and asked for nothing; it is served now.
    _serve_uploads(settled, scan, settled.verdict_id, ports)
    # Before the announcement: who hears of a suspicion finds its case.
    open_cases(results.findings, ports)
    ports.events.publish(
        FindingRecorded(
            media_id=media.media_id,
            verdict_id=settled.verdict_id or results.verdict.verdict_id,
            state=settled.state.value,
            codes=tuple(sorted({finding.code for finding in results.findings})),
        )
    )
    return settled.state.value


def _features(
    scan: Scan, ports: Ports
) -> tuple[Fingerprint, dict[Stem, Fingerprint], Origin, Harmony | None]:
    try:
        with ports.objects.open(scan.features) as reader:
            data = reader.read()
        voices = voice_standards(ports.settings.engines)
        origin = origin_in(data, scan.duration_s, source_of(scan), voices)
        return Fingerprint.from_npz(data), stem_prints_in(data), origin, harmony_in(data)
    except PermanentError as error:
        # We wrote this object ourselves: that it is gone or damaged is an outage, not the upload's fault.
        raise TransientError(error.code, error.cause, error.remedy) from error


def _results(
    media: Media,
    scan: Scan,
    found_out: tuple[list[Found], Origin, Harmony | None],
    live: OpenIndex,
    ports: Ports,
) -> _Results:
    segments, origin, harmony = found_out
    now = ports.clock.now()
    day = kst_day(now)
    profile = profile_named(DEFAULT_RULE, day)
    standing = ports.ledger.matches(media.media_id)
    matches = _matches(media.media_id, segments, standing, live.version, now)
    lineups = {
        (recording_id, stem): lineup_of(ports.ledger, recording_id, profile, day, stem)
        for recording_id, stem in dict.fromkeys((m.recording_id, m.stem) for m in matches)
    }
    posting = Posting.of(ports.ledger.aliases(media.media_id), day)
    voices = heard_in(scan, ports)
    asked = of_voice(ports.ledger, voices, origin.whole(), posting)
    contested = recording_conflicts.contested(matches, [found.segment for found in segments])
    around = (origin, posting, voices)
    known = {
        m.match_id: _known(m, lineups[m.recording_id, m.stem], contested.get(m.match_id, ()), around, ports)
        for m in matches
    }
    rows_read = {name: version for lineup in lineups.values() for name, version in lineup.rows_read.items()}
    rows_read |= {name: v for one in known.values() for name, v in one.authorisation.rows_read.items()}
    rows_read |= asked.rows_read
    versions = {
        "pipeline_version": scan.pipeline_version,
        "score_version": score_version(ports.settings.engines),
        "index_version": live.version,
        "rights_version": content_hash(rows_read | voices.rows_read()),
    }
    verdict_id = content_hash({"media": media.media_id, **versions}, 32)
    found = [build.matched(media, scan, m, known[m.match_id], verdict_id, now) for m in matches]
    beside = (origin, covers_of(harmony, scan.duration_s, matches, live))
    if found:
        found += build.elsewhere(media, scan, beside, matches, (verdict_id, now))
    subject = subject_of(voices, lineups.values()) if found else build.WHOLE
    if subject is not None:
        heard = build.Heard(voices, asked, subject)
        found.append(build.no_match(media, scan, beside, verdict_id, now, heard))
    state = MediaState.CLEAR
    error = None if scan.complete else _incomplete(scan)
    if error is not None:
        state = MediaState.PARTIAL
    elif matches:
        state = MediaState.MATCHED
    kept_matches = {m.match_id for m in matches}
    kept_findings = {f.finding_id for f in found}
    ended = {"status": "ended"}
    return _Results(
        verdict=Verdict(
            verdict_id=verdict_id,
            media_id=media.media_id,
            scan_id=scan.scan_id,
            **versions,
            decided_at=now,
            state=state.value,
            synthesis=origin.record(),
            match_ids=tuple(m.match_id for m in matches),
            finding_ids=tuple(f.finding_id for f in found),
        ),
        matches=matches,
        contested=contested,
        findings=found,
        ended_matches=[
            m.model_copy(update={**ended, "ended_at": now})
            for m in standing
            if m.match_id not in kept_matches and m.status == "active"
        ],
        ended_findings=[
            f.model_copy(update=ended)
            for f in ports.ledger.findings(media.media_id)
            if f.finding_id not in kept_findings and f.status == "active"
        ],
        state=state,
        error=error,
    )


def _known(
    match: Match,
    lineup: KnownLineup,
    rivals: tuple[str, ...],
    around: tuple[Origin, Posting, Voices],
    ports: Ports,
) -> build.Known:
    origin, posting, voices = around
    stem = None if match.stem is None else Stem(match.stem)
    span = origin.of(Span(match.media_start, match.media_end))
    authorisation = of_recording(ports.ledger, lineup, span, stem, posting)
    if rivals:
        lineup = recording_conflicts.held(lineup)
    return build.Known(lineup, origin, stem, authorisation, rivals, voices)


def _incomplete(scan: Scan) -> ErrorInfo:
    return ErrorInfo(
        code="incomplete",
        cause=f"only {scan.duration_s:.1f} s of the file could be read ({'; '.join(scan.problems)})",
        remedy="What could be read was searched. Upload a whole copy of the file.",
    )


def _matches(
    media_id: str, found_segments: list[Found], standing: list[Match], index_version: str, now: dt.datetime
) -> list[Match]:
    """Segments as matches; one that overlaps a standing appearance by half keeps its id and time of finding."""
    free = list(standing)
    found = []
    for one in sorted(
        found_segments,
        key=lambda f: (f.segment.media_start, f.segment.recording_id, f.segment.reference_start),
    ):
        segment = one.segment
        heir_of = _inherits(segment, free)
        if heir_of is not None:
            free.remove(heir_of)
        occurrence = (
            heir_of.occurrence_id
            if heir_of is not None
            else identity.occurrence_id(
                media_id, segment.recording_id, segment.media_start, segment.reference_start
            )
        )
        found.append(
            Match(
                match_id=identity.match_id(media_id, segment.recording_id, occurrence),
                media_id=media_id,
                recording_id=segment.recording_id,
                occurrence_id=occurrence,
                media_start=round(float(segment.media_start), 3),
                media_end=round(float(segment.media_end), 3),
                reference_start=round(float(segment.reference_start), 3),
                reference_end=round(float(segment.reference_end), 3),
                log10_lr=round(float(segment.log10_lr), 3),
                stated_log10_lr=round(cap_log10_lr(float(segment.log10_lr), TRIALS), 3),
                coverage=round(float(segment.coverage), 4),
                modification=Modification(
                    kinds=tuple(kind for kind in segment.modification.kinds if kind in _KINDS),
                    speed=round(float(segment.modification.speed), 4),
                    pitch_semitones=round(float(segment.modification.pitch_semitones), 3),
                    speed_error=round(float(segment.modification.speed_error), 5),
                    pitch_error=round(float(segment.modification.pitch_error), 3),
                ),
                border_uncertainty_s=round(float(max(segment.bounds)), 3),
                index_version=index_version if heir_of is None else heir_of.index_version,
                found_at=now if heir_of is None else heir_of.found_at,
                stem=one.stem,
            )
        )
    return found


def _inherits(segment: Segment, standing: list[Match]) -> Match | None:
    best: tuple[float, Match] | None = None
    for candidate in standing:
        if candidate.recording_id != segment.recording_id:
            continue
        overlap = min(candidate.media_end, segment.media_end) - max(
            candidate.media_start, segment.media_start
        )
        share = overlap / max(min(candidate.seconds, segment.media_end - segment.media_start), 1e-6)
        if share >= INHERIT_OVERLAP and (best is None or share > best[0]):
            best = (share, candidate)
    return None if best is None else best[1]


_VOLATILE = {"verdict_id", "recorded_at"}


def _says_the_same(results: _Results, media: Media, ports: Ports) -> bool:
    """Whether the ledger already holds these results under the media's present verdict."""
    if media.verdict_id is None or media.state is not results.state:
        return False
    if results.ended_matches or results.ended_findings:
        return False
    matches = [m for m in ports.ledger.matches(media.media_id) if m.status == "active"]
    findings = [f for f in ports.ledger.findings(media.media_id) if f.status == "active"]
    # An attempt that was stopped before its verdict stood left its findings under a verdict that is not there.
    if any(f.verdict_id != media.verdict_id for f in findings):
        return False
    if _standing_synthesis(media, ports) != results.verdict.synthesis:
        return False
    return {m.match_id: m for m in matches} == {m.match_id: m for m in results.matches} and {
        f.finding_id: f.model_dump(exclude=_VOLATILE) for f in findings
    } == {f.finding_id: f.model_dump(exclude=_VOLATILE) for f in results.findings}


def _standing_synthesis(media: Media, ports: Ports) -> Synthesis | None:
    """What the media's verdict says of synthesis; a new calibration may say the same word from other figures."""
    verdicts = ports.ledger.verdicts(media.media_id)
    return next((v.synthesis for v in verdicts if v.verdict_id == media.verdict_id), None)


def _commit(media: Media, scan: Scan, results: _Results, live: OpenIndex, ports: Ports) -> Media:
    recording_conflicts.keep_of_media(media.media_id, results.matches, results.contested, ports)
    ports.ledger.put_results(
        [*results.matches, *results.ended_matches], [*results.findings, *results.ended_findings], []
    )
    # Before the move as well as after it: a verdict without its uses must not be seen by a report.
    _serve_uploads(media, scan, results.verdict.verdict_id, ports)
    after = media.moved(
        results.state,
        verdict_id=results.verdict.verdict_id,
        checked_through=live.version,
        finished_at=ports.clock.now(),
        error=results.error,
    )
    return ports.ledger.commit_verdict(results.verdict, media, after)


def _serve_uploads(media: Media, scan: Scan, verdict_id: str | None, ports: Ports) -> None:
    """Give each upload of these bytes its custody entry, and its use of each active match; end the other uses."""
    standing = {use.use_id: use for use in ports.ledger.uses(media.media_id)}
    matches = [m for m in ports.ledger.matches(media.media_id) if m.status == "active"]
    detail = {"scan_id": scan.scan_id, "features_sha256": scan.features_sha256, "verdict_id": verdict_id}
    active = {m.match_id for m in matches}
    uses = [
        use.model_copy(update={"status": "ended"})
        for use in standing.values()
        if use.status == "active" and use.match_id not in active
    ]
    for upload in ports.ledger.aliases(media.media_id):
        if verdict_id is not None:
            custody.record_outcome(upload, "verdict", verdict_id, detail, ports)
        if not scan.complete:
            incidents.record_upload(ports, upload, _incomplete(scan))
        for found in matches:
            use = _use(upload, found, ports.clock.now())
            before = standing.get(use.use_id)
            if before is None or (before.status, before.seconds_used) != (use.status, use.seconds_used):
                uses.append(
                    use if before is None else use.model_copy(update={"recorded_at": before.recorded_at})
                )
    if uses:
        ports.ledger.put_results([], [], uses)


def _use(upload: Upload, found: Match, now: dt.datetime) -> Use:
    ref = upload.ref
    return Use(
        use_id=identity.use_id(ref.bucket, ref.key, ref.version, found.recording_id, found.occurrence_id),
        media_id=found.media_id,
        upload=ref,
        recording_id=found.recording_id,
        occurrence_id=found.occurrence_id,
        match_id=found.match_id,
        finding_id=identity.finding_id(found.media_id, found.occurrence_id),
        period=upload.use_period,
        use_period=upload.use_period,
        seconds_used=round(found.seconds, 3),
        facts=upload.facts,
        recorded_at=now,
    )
