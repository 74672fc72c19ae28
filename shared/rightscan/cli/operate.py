"""``local up``, ``verify-log``, ``dlq`` and ``doctor``."""

from __future__ import annotations

import click

from rightscan.cli import show
from rightscan.cli.options import global_options, options
from rightscan.errors import UsageError
from rightscan.jobs.audit import LogAudit
from rightscan.jobs.doctor import doctor as run_checks
from rightscan.localrun.session import default_template
from rightscan.localrun.supervisor import Supervisor
from rightscan.rights.periods import KST


@click.group()
def local() -> None:
    """The functions of template.yaml on this machine."""


@local.command("up")
@global_options
@click.pass_context
def local_up(context: click.Context) -> int:
    """Run the functions until Ctrl-C; kill it anywhere, start it again, and it goes on."""
    told = options(context)
    told.needs_local("local up")
    Supervisor(told.home, default_template()).run()
    return 0


@click.command("verify-log")
@global_options
@click.pass_context
def verify_log(context: click.Context) -> int:
    """Check every upload's custody chain and name the first broken entry of each that does not hold."""
    told = options(context)
    audit = LogAudit(told.ports)
    broken = 0
    for chain in audit.run():
        broken += 1
        if told.json:
            show.json_line({"log_index": chain.log_index, "reason": chain.reason})
        else:
            show.console(told).print(f"{chain.log_index}: {chain.reason}", markup=False, highlight=False)
    if not told.json:
        looked = {
            "ko": f"보관 기록 {audit.chains}건, 항목 {audit.entries}개를 확인했습니다. ",
            "en": f"{audit.chains} chains with {audit.entries} entries: ",
        }
        found = {"ko": f"{broken}건이 끊겼습니다.", "en": f"{broken} broken."}
        if not broken:
            found = {"ko": "모두 이어져 있습니다.", "en": "all hold."}
        show.console(told).print(looked[told.language] + found[told.language])
    return int(broken > 0)


@click.group()
def dlq() -> None:
    """Messages that could not be handled: each means a bug or an outage."""


@dlq.command("show")
@click.option("--limit", default=100, show_default=True)
@global_options
@click.pass_context
def dlq_show(context: click.Context, limit: int) -> int:
    """List the dead letters."""
    told = options(context)
    letters = told.ports.dead_letters.show(limit)
    if told.json:
        for letter in letters:
            show.json_line(
                {
                    "queue": letter.queue,
                    "message_id": letter.message_id,
                    "receives": letter.receives,
                    "dead_since": letter.dead_since.isoformat(),
                    "body": letter.body,
                }
            )
        return 0
    rows = [
        [x.queue, x.message_id, f"{x.dead_since.astimezone(KST):%Y-%m-%d %H:%M} KST", x.body[:200]]
        for x in letters
    ]
    show.table(told, "", ("queue", "message", "since", "value"), rows)
    return 0


@dlq.command("redrive")
@click.argument("message_id", required=False)
@click.option("--queue", help="only those of this queue")
@global_options
@click.pass_context
def dlq_redrive(context: click.Context, message_id: str | None, queue: str | None) -> int:
    """Send dead letters back to their queues: one, those of a queue, or all."""
    told = options(context)
    count = told.ports.dead_letters.redrive(queue, message_id)
    if message_id is not None and count == 0:
        raise UsageError(
            "unknown_message", f"no dead letter {message_id}", "`rightscan dlq show` lists them."
        )
    if told.json:
        show.json_line({"redriven": count})
    else:
        show.console(told).print(str(count))
    return 0


@dlq.command("drop")
@click.argument("message_id")
@global_options
@click.pass_context
def dlq_drop(context: click.Context, message_id: str) -> int:
    """Delete one dead letter for good."""
    told = options(context)
    if not told.ports.dead_letters.drop(message_id):
        raise UsageError(
            "unknown_message", f"no dead letter {message_id}", "`rightscan dlq show` lists them."
        )
    if told.json:
        show.json_line({"dropped": message_id})
    return 0


@click.command()
@global_options
@click.pass_context
def doctor(context: click.Context) -> int:
    """Check the installation, the store and the index, and say what to do."""
    told = options(context)
    failed = False
    rows = []
    for check in run_checks(told.ports):
        failed = failed or check.state == "failed"
        if told.json:
            show.json_line(
                {"check": check.name, "state": check.state, "found": check.found, "remedy": check.remedy}
            )
        korean = told.language == "ko"
        rows.append(
            [
                show.word(check.name, told),
                show.word(check.state, told),
                check.found_ko if korean else check.found,
                check.remedy_ko if korean else check.remedy,
            ]
        )
    if not told.json:
        show.table(told, "", ("check", "state", "result", "remedy"), rows)
    return int(failed)
