"""What the command line does while it waits, and what its global options mean together."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from rightscan.cli.main import cli
from rightscan.cli.options import Waiting, global_options, options
from rightscan.errors import PermanentError


class Session:
    """A local store that runs out of work after a few looks."""

    def __init__(self, busy_for: int) -> None:
        self.busy_for = busy_for

    def idle(self) -> bool:
        self.busy_for -= 1
        return self.busy_for < 0

    def wait_until(self, predicate, timeout_s: float) -> bool:
        while not predicate():
            pass
        return True


def test_a_result_that_can_no_longer_come_is_not_waited_for():
    with pytest.raises(PermanentError) as caught:
        Waiting(Session(busy_for=5)).until(lambda: None)
    assert caught.value.code == "no_result"
    assert "dlq show" in caught.value.remedy


def test_a_result_that_came_with_the_last_message_is_taken():
    session = Session(busy_for=3)
    assert Waiting(session).until(lambda: "found" if session.busy_for < 0 else None) == "found"


@pytest.mark.parametrize("arguments", [["--stack", "prod", "ask"], ["ask", "--stack", "prod"]])
def test_a_named_stack_is_meant(arguments, monkeypatch):
    for name in ("RIGHTSCAN_BACKEND", "RIGHTSCAN_STACK"):
        monkeypatch.delenv(name, raising=False)

    @click.group()
    @global_options
    def group() -> None: ...

    @group.command()
    @global_options
    @click.pass_context
    def ask(context: click.Context) -> None:
        click.echo(options(context).stack)

    assert CliRunner().invoke(group, arguments).output.strip() == "prod"


@pytest.mark.parametrize("content", [None, b"not a database"])
def test_what_the_machine_refuses_is_said_without_a_traceback(tmp_path, content):
    """A store below a file, and one that is no database."""
    home = tmp_path / "home"
    if content is None:
        home.write_bytes(b"")
        home = home / "store"
    else:
        home.mkdir()
        (home / "rightscan.sqlite3").write_bytes(content * 100)
    done = CliRunner().invoke(cli, ["--home", str(home), "--lang", "en", "show", "anything"])
    assert done.exit_code == 1
    assert "[machine_refused]" in done.stderr
    assert done.stdout == ""
