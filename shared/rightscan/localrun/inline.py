"""The same wiring and the same handlers in one process and in a set order, for tests and replays."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from rightscan import runtime
from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.queues import Message, release_held
from rightscan.adapters.local.wiring import Function, Wiring, apply
from rightscan.errors import TransientError
from rightscan.localrun import schedules
from rightscan.localrun.delivery import (
    Context,
    Handler,
    QueueConsumer,
    StreamConsumer,
    load_handler,
    local_environment,
)
from rightscan.ports import Ports

_WINDOW = 1000  # messages that are mixed with each other where deliveries are shuffled
_STEP_S = 0.001  # the clock counts microseconds; this is safely past any visibility


class InlineRuntime:
    """Delivers by hand what the worker processes would deliver.

    Anything a handler raises that is no ``Exception`` passes through ``pump`` as if the process had died:
    the messages in hand stay in hand until their visibility ends, or ``restart`` gives them back.

    Args:
        wiring: what triggers what; applied to the store here.
        home: the folder of the store.
        database: the store.
        clock: moved on when only invisible messages are left.
        ports: the world of the handlers; default: composed by ``runtime.ports`` from the environment.
        seed: shuffles the order of queues and messages; ``None``: oldest first, in the template's order.
        duplicate: each message and each batch of changes is delivered twice, as if the first
            acknowledgement had been lost; the second time after a pause of up to 10 s drawn from ``seed``.
    """

    def __init__(
        self,
        wiring: Wiring,
        home: Path,
        database: Database,
        clock: ManualClock,
        *,
        ports: Ports | None = None,
        seed: int | None = None,
        duplicate: bool = False,
    ) -> None:
        self._wiring = wiring
        self._paths = runtime.LocalPaths(home)
        self._database = database
        self._clock = clock
        self._ports = ports
        self._shuffle = seed is not None
        self._random = random.Random(seed)  # noqa: S311 (a test's order)
        self._duplicate = duplicate
        self._seen: set[str] = set()
        self.handlers: dict[str, Handler] = {}
        """By function; imported at the first delivery. A test may put its own in their place."""
        self.errors: list[tuple[str, Exception]] = []
        """Function and exception of every batch that failed as a whole."""
        apply(wiring, database, clock=clock)
        self._queues = [QueueConsumer(source, database, clock) for source in wiring.queue_sources]
        self._streams = [StreamConsumer(source, database, clock) for source in wiring.stream_sources]

    def pump(self, *, most: int = 100_000) -> int:
        """Deliver until nothing waits, moving the clock on where something waits for a time.

        Args:
            most: give up after so many deliveries.

        Returns:
            The number of invocations.

        Raises:
            TransientError: code ``not_settled`` where ``most`` did not suffice.
        """
        delivered = 0
        while delivered < most:
            count = self.pump_once()
            delivered += count
            if count:
                continue
            pause = self._due_in()
            if pause is None:
                return delivered
            self._clock.advance(max(pause, 0.0) + _STEP_S)
        raise TransientError(
            "not_settled",
            f"work is left after {delivered} deliveries",
            "Look for messages that cause each other.",
        )

    def pump_once(self) -> int:
        """Deliver what is visible now, each queue and stream once; returns the number of invocations."""
        steps: list[Callable[[], int]] = [
            *(lambda consumer=consumer: self._step_queue(consumer) for consumer in self._queues),
            *(lambda consumer=consumer: self._step_stream(consumer) for consumer in self._streams),
        ]
        if self._shuffle:
            self._random.shuffle(steps)
        return sum(step() for step in steps)

    def send_due(self) -> int:
        """Fire the schedules that are due by the clock; returns how many."""
        return schedules.send_due(self._wiring.schedules, self._database, self._clock)

    def restart(self) -> int:
        """Give back what a killed run had in hand, as the runtime does when it starts; returns how many."""
        return release_held(self._database, self._clock, None)

    # ---- deliveries -------------------------------------------------------------------------------------
    def _step_queue(self, consumer: QueueConsumer) -> int:
        messages = consumer.take(_WINDOW if self._shuffle else None)
        if self._shuffle:
            self._random.shuffle(messages)
        size, name = consumer.source.batch_size, consumer.source.function
        most = self._wiring.queues[consumer.source.queue].max_receives

        def again(message: Message) -> float | None:
            # A last permitted receive, lost, would make a dead letter of a message that was done.
            if not self._duplicate or message.message_id in self._seen or message.receives >= most:
                return None
            self._seen.add(message.message_id)
            return self._random.uniform(0, 10)

        batches = [messages[start : start + size] for start in range(0, len(messages), size)]
        for batch in batches:
            consumer.deliver(batch, self._invoker(name), self._teller(name), again)
        return len(batches)

    def _step_stream(self, consumer: StreamConsumer) -> int:
        name = consumer.source.function
        invoke = self._invoker(name)

        def twice(event: dict[str, Any]) -> Any:
            invoke(event)
            return invoke(event)

        return int(consumer.step(twice if self._duplicate else invoke, self._teller(name)))

    def _invoker(self, name: str) -> Callable[[dict[str, Any]], Any]:
        function = self._wiring.functions[name]

        def invoke(event: dict[str, Any]) -> Any:
            with _environment(local_environment(function, self._paths)):
                world = nullcontext() if self._ports is None else runtime.use(self._ports)
                with world:
                    return self._handler(function)(event, Context(function))

        return invoke

    def _handler(self, function: Function) -> Handler:
        if function.name not in self.handlers:
            self.handlers[function.name] = load_handler(function)
        return self.handlers[function.name]

    def _teller(self, name: str) -> Callable[[Exception], None]:
        return lambda error: self.errors.append((name, error))

    def _due_in(self) -> float | None:
        """Seconds until something can be delivered; ``None`` where nothing waits."""
        now = self._clock.now().timestamp()
        waits = [wait for wait in (stream.due_in() for stream in self._streams) if wait is not None]
        for consumer in self._queues:
            row = self._database.connection().execute(_NEXT, (consumer.source.queue,)).fetchone()
            if row[0] is not None:
                waits.append(row[0] - now)
        return min(waits, default=None)


_NEXT = "SELECT min(visible_at) FROM messages WHERE queue=?"


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Run the block under these variables beside the process's own."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
