"""Cases: what no machine decides is laid before people, and taken away when the finding no longer says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from rightscan.errors import UsageError
from rightscan.jobs.voices.heard import as_it_may_be_shown
from rightscan.ports import Ports
from rightscan.records import identity
from rightscan.records.findings import Finding, Verdict
from rightscan.records.reviews import Case
from rightscan.rights.codes import Code
from rightscan.rights.periods import kst_month
from rightscan.rights.reviews import CASE_CODES, CaseState


def open_cases(findings: Iterable[Finding], ports: Ports) -> list[Case]:
    """Open a case for every active finding that needs people; end undecided cases whose finding says otherwise.

    To be called once the findings and their verdict are written, with the findings of whole media. Called again
    it changes nothing: a case's id comes from its finding and code. A decided case stays decided; one that had
    ended and whose finding is back begins a new round.

    Returns:
        The cases of the findings that need people, as they stand now.

    Raises:
        Conflict: a person moved a case meanwhile; call again.

    """
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.media_id, []).append(finding)
    return [case for media_id, of_media in found.items() for case in _open_on(media_id, of_media, ports)]


def _open_on(media_id: str, findings: list[Finding], ports: Ports) -> list[Case]:
    standing = {case.case_id: case for case in ports.ledger.cases(media_id)}
    needed = {
        identity.case_id(finding.finding_id, finding.code): finding
        for finding in findings
        if finding.status == "active" and finding.code in CASE_CODES
    }
    for case_id, case in standing.items():
        if case_id not in needed and case.state.waits:
            ports.ledger.move_case(case, case.model_copy(update={"state": CaseState.ENDED}))
    if not needed:
        return []
    # As stored: a comparison that said the same left its findings, and so their verdict, as they stood.
    stored = {finding.finding_id: finding for finding in ports.ledger.findings(media_id)}
    verdicts = {verdict.verdict_id: verdict for verdict in ports.ledger.verdicts(media_id)}
    opened = []
    for case_id, given in needed.items():
        finding = stored.get(given.finding_id, given)
        new = _case(case_id, finding, verdicts.get(finding.verdict_id), ports)
        case = standing.get(case_id) or ports.ledger.open_case(new)
        if case.state is CaseState.ENDED:
            again = {"state": CaseState.OPEN, "round": case.round + 1, "appeal_id": None}
            judged = {"models": new.models, "verdict_id": new.verdict_id}
            case = ports.ledger.move_case(case, case.model_copy(update={**again, **judged}))
        opened.append(case)
    return opened


def _case(case_id: str, finding: Finding, verdict: Verdict | None, ports: Ports) -> Case:
    kind, subject = _subject(finding)
    now = ports.clock.now()
    return Case(
        case_id=case_id,
        media_id=finding.media_id,
        finding_id=finding.finding_id,
        verdict_id=finding.verdict_id,
        code=finding.code,
        claim_basis=finding.claim_basis,
        subject_kind=kind,
        subject_id=subject,
        media_start=finding.media_start,
        media_end=finding.media_end,
        models=_models(finding, verdict, ports),
        opened_at=now,
        period=kst_month(now),
    )


def _subject(finding: Finding) -> tuple[Literal["performer", "recording"] | None, str | None]:
    """Whom or what the case is about: for a likeness the performer, else the recording; none for D2."""
    if finding.code in (Code.A1, Code.A3) and finding.likeness:
        return "performer", finding.likeness[0].performer_id
    if finding.recording_id is not None:
        return "recording", finding.recording_id
    return None, None


def _models(finding: Finding, verdict: Verdict | None, ports: Ports) -> tuple[str, ...]:
    """The versions of what judged. Where no model did, the rules and calibrations are what an appeal questions."""
    if verdict is None:
        return ()
    named = set() if verdict.synthesis is None else set(verdict.synthesis.models)
    heard = ports.ledger.voices(finding.media_id, verdict.scan_id) if finding.likeness else None
    if heard is not None:
        named.add(heard.model)
    return tuple(sorted(named)) or (f"scores@{verdict.score_version}",)


def case_named(case_id: str, ports: Ports) -> Case:
    """The case of this id.

    Raises:
        UsageError: ``no_such_case``.

    """
    case = ports.ledger.case(case_id)
    if case is None:
        raise UsageError(
            "no_such_case", f"there is no case {case_id}", "`rightscan cases` lists those that wait."
        )
    return case


def case_of(finding: Finding, cases: Iterable[Case]) -> Case | None:
    """The case that a finding opened under its present code, among those of its media."""
    return next((c for c in cases if c.finding_id == finding.finding_id and c.code == finding.code), None)


def finding_of(case: Case, ports: Ports) -> Finding | None:
    """The finding that the case is about, as it may be shown."""
    found = (one for one in ports.ledger.findings(case.media_id) if one.finding_id == case.finding_id)
    return next((as_it_may_be_shown(one, ports) for one in found), None)


def case_file(case_id: str, ports: Ports) -> dict[str, Any]:
    """A case with its finding, reviews and appeals, as JSON values.

    Raises:
        UsageError: ``no_such_case``.

    """
    case = case_named(case_id, ports)
    finding = finding_of(case, ports)
    return {
        "case": case.to_json(),
        "finding": None if finding is None else finding.to_json(),
        "reviews": [one.to_json() for one in ports.ledger.reviews(case.media_id) if one.case_id == case_id],
        "appeals": [one.to_json() for one in ports.ledger.appeals(case.media_id) if one.case_id == case_id],
    }
