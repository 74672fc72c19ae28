"""``enrol``, ``withdraw``, ``subject``, ``purge`` and ``vault-log``: each names who asks and why."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rightscan import runtime
from rightscan.cli import show
from rightscan.cli.options import global_options, options
from rightscan.errors import UsageError
from rightscan.jobs.purge import purge as purge_all
from rightscan.jobs.subject import subject as data_of
from rightscan.jobs.voices.enrol import enrol as enrol_performer
from rightscan.jobs.voices.withdraw import withdraw as withdraw_performer
from rightscan.records.vault import AskLog
from rightscan.rights import vocabulary
from rightscan.rights.access_reasons import checked_reason
from rightscan.rights.periods import KST

F = TypeVar("F", bound=Callable[..., Any])


def _accountable(command: F) -> F:
    """The two options without which nobody's data is read."""
    command = click.option("--reason", required=True, help="why, by a case or request number")(command)
    return click.option("--actor", required=True, help="who asks")(command)


@click.command()
@click.argument("performer")
@click.argument("audio", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@_accountable
@global_options
@click.pass_context
def enrol(context: click.Context, performer: str, audio: tuple[Path, ...], actor: str, reason: str) -> int:
    """Make voice templates of a PERFORMER with consent C1 from several recordings, which are not kept."""
    told = options(context)
    missing = [path for path in audio if not path.is_file()]
    if missing:
        raise UsageError("no_such_path", f"{missing[0]} is not there", "Check the path.")
    result = enrol_performer(performer, audio, told.ports, actor=actor, reason=reason)
    if told.json:
        show.json_line(result.to_json())
    elif result.state == "enrolled":
        registers = ", ".join(show.word(name, told) for name in result.registers)
        text = {
            "ko": f"{performer}: 등록함 ({registers}, 녹음 {result.recordings}개, 목소리 {result.voiced_s:.0f}초)",
            "en": f"{performer}: enrolled ({registers}, {result.recordings} recordings, {result.voiced_s:.0f} s)",
        }
        show.console(told).print(text[told.language], markup=False, highlight=False, soft_wrap=True)
    else:
        for problem in result.problems:
            show.problem(told, problem.code, problem.cause, problem.remedy, performer)
    return int(result.state == "refused")


@click.command()
@click.argument("performer")
@_accountable
@global_options
@click.pass_context
def withdraw(context: click.Context, performer: str, actor: str, reason: str) -> int:
    """End a PERFORMER's consent C1: nothing more is said of their voice, the templates' key is destroyed."""
    told = options(context)
    stone = withdraw_performer(performer, told.ports, actor=actor, reason=reason)
    if told.json:
        show.json_line({"performer_id": performer, **stone.to_json()})
        return 0
    at = f"{stone.withdrawn_at.astimezone(KST):%Y-%m-%d %H:%M} KST"
    text = {
        "ko": f"{performer}: 철회함 ({at}). 템플릿의 열쇠를 없앴으며, 되돌릴 수 없습니다.",
        "en": f"{performer}: withdrawn ({at}). The key of the templates is destroyed; it cannot be undone.",
    }
    show.console(told).print(text[told.language], markup=False, highlight=False, soft_wrap=True)
    return 0


@click.command()
@click.argument("performer")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="file to write to, mode 0600")
@_accountable
@global_options
@click.pass_context
def subject(context: click.Context, performer: str, out: Path | None, actor: str, reason: str) -> int:
    """Everything that is stored about a PERFORMER, as JSON, for the performer who asks."""
    told = options(context)
    found = data_of(performer, told.ports, actor=actor, reason=reason)
    if out is not None:
        text = json.dumps(found, ensure_ascii=False, indent=2) + "\n"
        with os.fdopen(
            os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(text)
        show.console(told).print(str(out), markup=False, highlight=False, soft_wrap=True)
    elif told.json:
        show.json_line(found)
    else:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    return 0


@click.command()
@click.option("--yes", is_flag=True, help="remove; without it everything is only counted")
@_accountable
@global_options
@click.pass_context
def purge(context: click.Context, yes: bool, actor: str, reason: str) -> int:
    """Remove what has reached its time, class by class; a dry run unless --yes is given."""
    told = options(context)
    folders = None
    if told.stack is None:
        paths = runtime.LocalPaths(told.home)
        folders = {"function_log": paths.logs, "workspace": paths.workspaces}
    rows = []
    for ended in purge_all(told.ports, actor=actor, reason=reason, apply=yes, folders=folders):
        rule = ended.rule
        if told.json:
            show.json_line(
                {
                    "class": rule.name,
                    "days": rule.days,
                    "by": rule.by,
                    "found": ended.found,
                    "removed": ended.removed,
                }
            )
        days = "" if rule.days is None else str(rule.days)
        found = "" if ended.found is None else str(ended.found)
        name = rule.ko if told.language == "ko" else rule.en
        state = "removed" if ended.removed else ("counted" if ended.found is not None else rule.by)
        rows.append([name, days, found, show.word(state, told)])
    if not told.json:
        show.table(told, "", ("kept_class", "kept_days", "due", "outcome"), rows)
    return 0


@click.command("vault-log")
@click.option("--since", help="Korean day, e.g. 2026-11-01; default: 30 days ago")
@_accountable
@global_options
@click.pass_context
def vault_log(context: click.Context, since: str | None, actor: str, reason: str) -> int:
    """Who read or changed whose templates, when and why."""
    told = options(context)
    actor, reason = checked_reason(actor, reason)
    now = told.ports.clock.now()
    ask = AskLog(actor=actor, reason=reason, since=_start(since, now), until=now + dt.timedelta(seconds=1))
    entries = told.ports.likeness(ask, told.ports).accesses
    if told.json:
        for entry in entries:
            show.json_line(entry.to_json())
        return 0
    rows = [
        [
            f"{entry.at.astimezone(KST):%Y-%m-%d %H:%M:%S} KST",
            entry.actor,
            vocabulary.ko("vault_action", entry.action)
            if told.language == "ko"
            else vocabulary.en("vault_action", entry.action),
            entry.whose,
            entry.reason,
        ]
        for entry in entries
    ]
    show.table(told, "", ("since", "actor", "action", "whose", "reason"), rows)
    return 0


def _start(since: str | None, now: dt.datetime) -> dt.datetime:
    if since is None:
        return now - dt.timedelta(days=30)
    try:
        day = dt.date.fromisoformat(since)
    except ValueError as error:
        raise UsageError("bad_day", f"{since!r} is not a day", "Write it as 2026-11-01.") from error
    return dt.datetime.combine(day, dt.time(), KST)
