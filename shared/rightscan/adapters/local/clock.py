"""The time: the machine's, or one that tests and replays set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Now, aware, UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved.

    Args:
        start: where it stands, aware.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Where it stands, aware, UTC."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move it on by ``seconds``, s."""
        self._now += timedelta(seconds=seconds)
