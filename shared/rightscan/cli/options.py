"""Options that every command takes, before or after its verb, and what they mean together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

import click
import platformdirs

from rightscan import runtime
from rightscan.errors import PermanentError, UsageError
from rightscan.localrun.session import LocalSession
from rightscan.ports import Ports

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")
_A_WHILE_S = 3600.0
_REMOTE_POLL_S = 2.0  # a read unit each; results take seconds to minutes
_KEY = "rightscan.options"


class Waiting:
    """Waits for what the functions do meanwhile."""

    def __init__(self, session: LocalSession | None) -> None:
        self._session = session

    def until(self, look: Callable[[], T | None]) -> T:
        """Look until there is something, and return it.

        Raises:
            PermanentError: code ``no_result``; a local store has nothing left to do and there is still nothing.
        """
        found: list[T] = []

        def there() -> bool:
            seen = look()
            found[:] = [] if seen is None else [seen]
            return seen is not None

        if self._session is None:
            while not there():
                time.sleep(_REMOTE_POLL_S)
            return found[0]
        session = self._session
        while not found:
            session.wait_until(lambda: there() or session.idle(), _A_WHILE_S)
            # What came between the two looks is there now; what is not will never come by itself.
            if not found and session.idle() and not there():
                raise PermanentError(
                    "no_result",
                    "nothing is left to do, and there is no result",
                    "`rightscan dlq show` lists messages that could not be handled, `rightscan doctor` says more.",
                )
        return found[0]

    def until_idle(self) -> None:
        """Return when a local store has nothing left to do; a deployed stack is not waited for."""
        if self._session is not None:
            session = self._session
            self.until(lambda: True if session.idle() else None)


@dataclass(frozen=True)
class Options:
    """What the person asked for on the whole."""

    home: Path
    stack: str | None
    json: bool
    language: Literal["ko", "en"]

    @cached_property
    def ports(self) -> Ports:
        """The world the command works in."""
        if self.stack is not None:
            world = runtime.stack_ports(self.stack)
        else:
            world = runtime.local_ports(self.home, os.environ)
        return replace(world, meter=runtime.SilentMeter())

    @contextmanager
    def running(self) -> Iterator[Waiting]:
        """See to it that the functions run: a deployed stack does by itself, a local store is started."""
        if self.stack is not None:
            yield Waiting(None)
            return
        with LocalSession(self.home) as session:
            yield Waiting(session)

    def needs_local(self, verb: str) -> None:
        """Refuse a verb that only a local store has.

        Raises:
            UsageError: code ``local_only``.
        """
        if self.stack is not None:
            raise UsageError("local_only", f"`{verb}` works on a local store", "Leave out --aws.")


def global_options(command: F) -> F:
    """Give a command the options that stand before or after the verb."""

    def remember(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value is not None and parameter.name is not None:
            context.find_root().meta.setdefault(_KEY, {})[parameter.name] = value
        return value

    for option in (
        click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="the local store"),
        click.option("--aws", is_flag=True, default=None, help="talk to a deployed stack"),
        click.option("--stack", help="the deployed stack's name (RIGHTSCAN_STACK); implies --aws"),
        click.option("--json", is_flag=True, default=None, help="one JSON object per line, nothing else"),
        click.option("--lang", type=click.Choice(["ko", "en"]), help="language of what is shown"),
    ):
        command = option(command)
    for parameter in getattr(command, "__click_params__", [])[-5:]:
        parameter.callback = remember
        parameter.expose_value = False
        parameter.is_eager = True
    return command


def options(context: click.Context) -> Options:
    """What was said, before or after the verb, in the environment, or by default."""
    said: dict[str, Any] = context.find_root().meta.get(_KEY, {})
    # A stack that was named is meant: its name would otherwise be dropped without a word.
    on_aws = said.get("aws") or said.get("stack") or os.environ.get("RIGHTSCAN_BACKEND") == "aws"
    stack = None
    if on_aws:
        stack = said.get("stack") or os.environ.get("RIGHTSCAN_STACK") or "rightscan-dev"
    home = said.get("home") or Path(
        os.environ.get("RIGHTSCAN_HOME") or platformdirs.user_data_path("rightscan")
    )
    language: Literal["ko", "en"] = (
        "en" if (said.get("lang") or os.environ.get("RIGHTSCAN_LANG")) == "en" else "ko"
    )
    found: Options = context.find_root().meta.setdefault(
        "rightscan.composed",
        Options(home=home.absolute(), stack=stack, json=bool(said.get("json")), language=language),
    )
    return found
