"""The local adapters in a temporary folder, as one object that the contract tests take their adapters from."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.events import LocalEvents
from rightscan.adapters.local.items import SqliteItems
from rightscan.adapters.local.jobs import LocalJobs
from rightscan.adapters.local.objects import LocalObjects
from rightscan.adapters.local.queues import LocalDeadLetters, LocalQueue
from rightscan.adapters.local.vault import KeyFile, LocalMasterKey, SqliteVaultItems
from rightscan.adapters.local.wiring import QueueSettings, Wiring, apply
from rightscan.adapters.vault import MasterKey, VaultItems
from rightscan.ports import DeadLetters, EventBus, Jobs, ObjectStore, Queue
from rightscan.records.objects import ObjectRef

MAX_RECEIVES = 5
VISIBILITY_S = 30.0
NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)


class LocalBackend:
    """One empty store. Its queues' time is ``clock``, which a test moves."""

    name = "local"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = ManualClock(NOON)
        self.database = Database(folder / "store.sqlite", durable=False)
        self._queues: dict[str, QueueSettings] = {}
        self._announced = 0

    # ---- adapters ---------------------------------------------------------------------------------------
    def items(self, **_: Any) -> SqliteItems:
        """The item store."""
        return SqliteItems(self.database)

    def objects(self, *_: str) -> ObjectStore:
        """The object store; a bucket is there once something lies in it."""
        return LocalObjects(self.folder / "buckets", self.database, clock=self.clock)

    def queue(self, name: str) -> Queue:
        """A queue with its dead-letter queue."""
        if name not in self._queues:
            dead = f"{name}DeadLetterQueue"
            self._queues[name] = QueueSettings(name, VISIBILITY_S, MAX_RECEIVES, dead)
            self._queues[dead] = QueueSettings(dead, VISIBILITY_S, 0, None)
            apply(Wiring({}, self._queues, (), (), (), ()), self.database, clock=self.clock)
        return self._local_queue(name)

    def dead_letters(self) -> DeadLetters:
        """The dead letters of all queues made so far."""
        return LocalDeadLetters(self.database, self.clock)

    def events(self) -> EventBus:
        """The event bus."""
        return LocalEvents(self.database, self.clock)

    def jobs(self, *job_types: str) -> Jobs:
        """Jobs of these types; each runs until ``end_jobs``."""
        ended = str(self.folder / "ended")
        # A job outlives the test that started it, so it must also end with the test's folder.
        wait = (
            f"import pathlib, time\nended = pathlib.Path({ended!r})\n"
            "while ended.parent.exists() and not ended.exists(): time.sleep(0.01)"
        )
        return LocalJobs(
            self.database, self.folder / "jobs", {job_type: ("-c", wait) for job_type in job_types}
        )

    def vault_items(self, name: str) -> VaultItems:
        """A store of the vault: ``templates`` or ``keys``."""
        return SqliteVaultItems(self.folder / "vault" / f"{name}.sqlite3")

    def master_key(self) -> MasterKey:
        """What wraps the data keys."""
        return LocalMasterKey(KeyFile(self.folder / "keys" / "vault.key"), lambda: True)

    # ---- what a test does around them -------------------------------------------------------------------
    def delete_object(self, ref: ObjectRef) -> None:
        """Delete as S3 does: the latest gets a marker, a named version is gone."""
        LocalObjects(self.folder / "buckets", self.database, clock=self.clock).delete(ref)

    def receive(self, name: str) -> list[str]:
        """All visible bodies of a queue, taken out of it."""
        queue = self._local_queue(name)
        messages = queue.receive(1000)
        for message in messages:
            queue.acknowledge(message)
        return [message.body for message in messages]

    def bury(self, name: str) -> None:
        """Fail the queue's messages until they are dead letters."""
        queue = self._local_queue(name)
        while messages := queue.receive(1000):
            for message in messages:
                queue.release(message, delay_s=0)

    def published(self) -> list[tuple[str, dict[str, Any]]]:
        """Detail types and details of what was announced since the last call."""
        events = LocalEvents(self.database, self.clock).published(self._announced)
        self._announced = max([number for number, _, _ in events], default=self._announced)
        return [(detail_type, detail) for _, detail_type, detail in events]

    def hold_job(self, job_id: str) -> None:
        """Make a job one that still runs: here each does until ``end_jobs``."""

    def end_jobs(self) -> None:
        """Let all jobs end well."""
        (self.folder / "ended").touch()

    def _local_queue(self, name: str) -> LocalQueue:
        return LocalQueue(name, self.database, self.clock)


@contextmanager
def local_backend() -> Iterator[LocalBackend]:
    """An empty store in a folder of its own; its jobs end with it."""
    with TemporaryDirectory() as folder:
        backend = LocalBackend(Path(folder))
        try:
            yield backend
        finally:
            backend.end_jobs()
            backend.database.close()
