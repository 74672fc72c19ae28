"""One process that runs one function: takes a batch, calls the handler, settles the batch, again.

``python -m rightscan.localrun.worker --function NAME``, with its job description as JSON on standard input.
The supervisor starts it; alone it is of no use.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from rightscan.adapters.local.clock import SystemClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.wiring import Function, QueueSource, StreamSource
from rightscan.handling import describe
from rightscan.localrun.delivery import Context, Handler, QueueConsumer, StreamConsumer, load_handler
from rightscan.localrun.parent import end_with_parent, is_orphan
from rightscan.runtime import function_logger

BROKEN = 70
"""Exit status of a worker whose function could not be imported (EX_SOFTWARE)."""

_POLL_S = (0.005, 0.2)
"""Pauses between looks at empty queues double from the first to the second."""

_IDLE_S = 120.0
"""A worker that had nothing to do for so long ends; the supervisor starts another when there is work."""

logger = function_logger("localrun.worker")


@dataclass(frozen=True)
class Assignment:
    """What a worker is to do.

    Args:
        function: it runs this.
        queues: in the order of precedence: the second is looked at when the first is empty.
        streams: of changes.
        database: the store's file.
        holder: the name under which it holds messages.
        parent: the supervisor's process number.
    """

    function: Function
    queues: tuple[QueueSource, ...]
    streams: tuple[StreamSource, ...]
    database: Path
    holder: str
    parent: int

    def to_json(self) -> str:
        """As text for ``from_json``."""
        return json.dumps(asdict(self), default=str)

    @staticmethod
    def from_json(text: str) -> Assignment:
        """The assignment behind the text."""
        raw: dict[str, Any] = json.loads(text)
        function = {**raw["function"], "folder": Path(raw["function"]["folder"])}
        return Assignment(
            function=Function(**function),
            queues=tuple(QueueSource(**source) for source in raw["queues"]),
            streams=tuple(StreamSource(**source) for source in raw["streams"]),
            database=Path(raw["database"]),
            holder=raw["holder"],
            parent=raw["parent"],
        )


class Worker:
    """Runs an assignment until it is told to stop; the batch in hand is always finished."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment
        self._stopping = False
        self._handler: Handler | None = None
        self._import_error: Exception | None = None

    def run(self) -> int:
        """Work; returns the exit status."""
        signal.signal(signal.SIGTERM, self._stop)
        # Ctrl-C on a terminal reaches the supervisor, which decides.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        end_with_parent(self._assignment.parent, signal.SIGKILL)
        try:
            self._handler = load_handler(self._assignment.function)
        except Exception as error:  # noqa: BLE001 (it is somebody's module)
            # As on AWS the first batch fails for it, so that after the last attempt it lies in the dead letters.
            logger.error("the function cannot be imported", extra=describe(error))  # noqa: TRY400 (no text of errors in logs)
            self._import_error = error
        clock, database = SystemClock(), Database(self._assignment.database)
        consumers: list[QueueConsumer | StreamConsumer] = [
            QueueConsumer(source, database, clock, self._assignment.holder)
            for source in self._assignment.queues
        ]
        consumers += [StreamConsumer(source, database, clock) for source in self._assignment.streams]
        pause, longest = _POLL_S
        busy_at = time.monotonic()
        while not self._stopping and not is_orphan(self._assignment.parent):
            if any(consumer.step(self._invoke, self._tell) for consumer in consumers):
                pause = _POLL_S[0]
                if self._import_error is not None:
                    return BROKEN
                busy_at = time.monotonic()
                continue
            if time.monotonic() - busy_at > _IDLE_S:
                break
            time.sleep(pause)
            pause = min(2 * pause, longest)
        return 0

    def _invoke(self, event: dict[str, Any]) -> Any:
        if self._handler is None:
            raise self._import_error or RuntimeError("no handler")
        # The default action of SIGALRM ends the process without asking Python, whatever C code it is in.
        signal.setitimer(signal.ITIMER_REAL, self._assignment.function.timeout_s)
        try:
            return self._handler(event, Context(self._assignment.function))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _tell(self, error: Exception) -> None:
        logger.error("the batch failed", extra=describe(error))

    def _stop(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signature of a handler)
        self._stopping = True


def main() -> int:
    """Run as a program."""
    parser = argparse.ArgumentParser(prog="rightscan.localrun.worker")
    parser.add_argument("--function", required=True, help="shown in the list of processes")
    parser.parse_args()
    return Worker(Assignment.from_json(sys.stdin.read())).run()


if __name__ == "__main__":
    sys.exit(main())
