"""``cases``, ``review``, ``appeal``, ``dispute`` and ``disputes``: what people decide, by whom and why."""

from __future__ import annotations

import click

from rightscan.cli import show
from rightscan.cli.options import Options, global_options, options
from rightscan.jobs.appeal import appeal as file_appeal
from rightscan.jobs.cases import case_file, case_named, finding_of
from rightscan.jobs.dispute import dispute as move_dispute
from rightscan.jobs.results import finding_result
from rightscan.jobs.review import decisions
from rightscan.jobs.review import review as decide
from rightscan.records.reviews import Case, Dispute
from rightscan.reporting.codes import known_words
from rightscan.rights import vocabulary
from rightscan.rights.codes import Code, code_table
from rightscan.rights.disputes import DisputeState
from rightscan.rights.periods import KST
from rightscan.rights.reviews import Choice, ReviewEvidence

_ACTOR = click.option("--actor", required=True, help="the person who acts")
_REASON = click.option("--reason", required=True, help="why, in words")


@click.command()
@click.argument("case_id", metavar="[CASE]", required=False)
@global_options
@click.pass_context
def cases(context: click.Context, case_id: str | None) -> int:
    """List the cases that wait for people, or show everything about one."""
    told = options(context)
    if case_id is not None:
        return _one_case(told, case_id)
    waiting = sorted(told.ports.ledger.cases_waiting(), key=lambda case: (case.opened_at, case.case_id))
    if told.json:
        for case in waiting:
            show.json_line(case.to_json())
        return 0
    columns = ("case", "code", "state", "subject", "media", "in_upload", "since")
    show.table(told, "", columns, [_row(told, case) for case in waiting])
    return 0


def _one_case(told: Options, case_id: str) -> int:
    file = case_file(case_id, told.ports)
    if told.json:
        show.json_line(file)
        return 0
    case = case_named(case_id, told.ports)
    show.table(
        told, "", ("case", "code", "state", "subject", "media", "in_upload", "since"), [_row(told, case)]
    )
    finding = finding_of(case, told.ports)
    note = "" if finding is None else show.note_of(told, finding_result(finding, told.ports))
    for text in (note, ", ".join(case.models)):
        show.console(told).print(text, markup=False, highlight=False)
    rows = [
        [
            str(one.round),
            f"{one.at.astimezone(KST):%Y-%m-%d %H:%M} KST",
            one.actor,
            _word(told, "review_decision", one.decision),
            f"{one.listened_s:.0f} s",
            one.reason,
        ]
        for one in told.ports.ledger.reviews(case.media_id)
        if one.case_id == case_id
    ]
    if rows:
        show.table(told, "", ("round", "since", "actor", "decision", "listened", "reason"), rows)
    return 0


def _row(told: Options, case: Case) -> list[str]:
    info = code_table().infos[Code(case.code)]
    where = ""
    if case.media_start is not None and case.media_end is not None:
        where = f"{show.clock(case.media_start)}–{show.clock(case.media_end)}"
    return [
        case.case_id,
        f"{case.code} {info.ko if told.language == 'ko' else info.en}",
        _word(told, "case_state", case.state),
        case.subject_id or "",
        case.media_id[:12],
        where,
        f"{case.opened_at.astimezone(KST):%Y-%m-%d %H:%M} KST",
    ]


def _word(told: Options, name: str, code: str) -> str:
    return vocabulary.ko(name, code) if told.language == "ko" else vocabulary.en(name, code)


@click.command()
@click.argument("case_id", metavar="CASE")
@click.option("--opened", is_flag=True, help="the item was opened")
@click.option(
    "--listened", "listened_s", type=float, default=0.0, metavar="S", help="seconds that were played"
)
@click.option("--alternatives", is_flag=True, help="the best alternatives were shown")
@_REASON
@click.option("--decision", "choice", required=True, type=click.Choice([choice.value for choice in Choice]))
@_ACTOR
@global_options
@click.pass_context
def review(
    context: click.Context,
    case_id: str,
    opened: bool,
    listened_s: float,
    alternatives: bool,
    reason: str,
    choice: str,
    actor: str,
) -> int:
    """Decide a case: opened, listened to, alternatives seen, reason typed.

    A suspicion that goes to legal review is confirmed when a second, different person confirms it.
    """
    told = options(context)
    evidence = ReviewEvidence(opened, listened_s, alternatives, reason)
    case = decide(case_id, actor, Choice(choice), evidence, told.ports)
    if told.json:
        show.json_line(case.to_json())
        return 0
    said = f"{case.case_id}: {_word(told, 'case_state', case.state)}"
    count = len(decisions(case, told.ports))
    people = {"ko": f" (이번 차수 결정 {count}건)", "en": f" ({count} decided in this round)"}
    show.console(told).print(said + people[told.language], markup=False, highlight=False)
    return 0


@click.command()
@click.argument("case_id", metavar="CASE")
@_REASON
@_ACTOR
@click.option("--model", help="only this model version of the case, name@version")
@global_options
@click.pass_context
def appeal(context: click.Context, case_id: str, reason: str, actor: str, model: str | None) -> int:
    """Open a decided case again, with every case that the same model versions judged."""
    told = options(context)
    done = file_appeal(case_id, actor=actor, reason=reason, ports=told.ports, model=model)
    if told.json:
        show.json_line(done.to_json())
        return 0
    said = {
        "ko": f"이의신청 {done.appeal_id}: 사건 {done.reopened}건을 다시 열었습니다 ({', '.join(done.models)}).",
        "en": f"Appeal {done.appeal_id}: {done.reopened} cases were opened again ({', '.join(done.models)}).",
    }
    show.console(told).print(said[told.language], markup=False, highlight=False)
    return 0


@click.command()
@click.argument("subject", metavar="RECORDING|USE")
@click.argument("performer_id", metavar="PERFORMER")
@click.option(
    "--to",
    default=DisputeState.DISPUTED.value,
    show_default=True,
    type=click.Choice([state.value for state in DisputeState if state is not DisputeState.UNDISPUTED]),
    help="the state it moves to",
)
@_REASON
@_ACTOR
@global_options
@click.pass_context
def dispute(context: click.Context, subject: str, performer_id: str, to: str, reason: str, actor: str) -> int:
    """Raise a dispute over a performer's share, or move one on.

    While it is open the share is held and goes to nobody else. `upheld` leaves the share as it was, `adjusted`
    says that it is corrected; both take another person than the one who took the dispute up.
    """
    told = options(context)
    found = move_dispute(
        subject, performer_id, DisputeState(to), actor=actor, reason=reason, ports=told.ports
    )
    if told.json:
        show.json_line(found.to_json())
    else:
        _disputes_table(told, [found])
    return 0


@click.command()
@global_options
@click.pass_context
def disputes(context: click.Context) -> int:
    """List the disputes that have not ended."""
    told = options(context)
    found = sorted(told.ports.ledger.disputes_waiting(), key=lambda one: (one.steps[0].at, one.dispute_id))
    if told.json:
        for one in found:
            show.json_line(one.to_json())
    else:
        _disputes_table(told, found)
    return 0


def _disputes_table(told: Options, found: list[Dispute]) -> None:
    words = known_words("dispute_state")
    everybody = {"ko": "전원", "en": "everybody"}[told.language]
    rows = [
        [
            one.recording_id,
            one.use_id or "",
            one.performer_id + (f" ({everybody})" if one.whole else ""),
            words[one.state][told.language],
            f"{one.steps[-1].at.astimezone(KST):%Y-%m-%d %H:%M} KST",
            one.steps[-1].actor,
            one.steps[-1].reason,
        ]
        for one in found
    ]
    columns = ("recording", "use", "performer", "state", "since", "actor", "reason")
    show.table(told, "", columns, rows)
