"""The one tree of errors: what a caller must do is told by the class, what happened by ``code``.

A permanent error is recorded and its message acknowledged, a transient one goes back to the queue,
a cancelled one stops the work without a verdict. Nobody matches on message text.
"""

from __future__ import annotations


class RightscanError(Exception):
    """An error that names its object, its cause and the remedy.

    Args:
        code: stable machine word, lower snake case, e.g. ``"not_media"``.
        cause: what was found, naming the object; for the record and the terminal, never for a log.
        remedy: what the reader can do about it.
    """

    def __init__(self, code: str, cause: str, remedy: str) -> None:
        super().__init__(code, cause, remedy)
        self.code = code
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.cause} [{self.code}] {self.remedy}"


class PermanentError(RightscanError):
    """Trying again cannot succeed: record it and acknowledge the message."""


class TransientError(RightscanError):
    """A later attempt can succeed: leave the message on its queue."""


class CancelledError(RightscanError):
    """The work was called off (superseded, suppressed, lost its claim): stop, write no verdict."""


class UsageError(RightscanError):
    """The command or call itself is wrong; nothing was done (exit status 2)."""
