"""The one composition root: what the environment says, which adapters that means, how a function is watched."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from rightscan.engines import EngineSettings
from rightscan.errors import PermanentError, TransientError, UsageError
from rightscan.media.limits import Limits
from rightscan.ports import (
    Analyse,
    AskLikeness,
    Buckets,
    Clock,
    Ledger,
    Meter,
    ObjectStore,
    OpenIndex,
    Ports,
    Queue,
    Settings,
    Vault,
)
from rightscan.records.objects import Origin
from rightscan.records.vault import LikenessAnswer, LikenessAsk

if TYPE_CHECKING:
    from rightscan.adapters.local.database import Database

QUEUES = (
    "ingest",
    "backfill",
    "scan",
    "scan_backfill",
    "match",
    "match_backfill",
    "register",
    "report",
)
"""Each is a queue port, an environment variable ``RIGHTSCAN_<NAME>_QUEUE`` and a queue of the template."""

LOCAL_BUCKETS = Buckets(uploads="uploads", registrations="registrations", work="work", exports="exports")

_QUIET = ("boto3", "botocore", "s3transfer", "urllib3", "libav", "aws_xray_sdk")

_override: Ports | None = None
_ports: Ports | None = None


def ports() -> Ports:
    """The world of this process, composed at the first call from its environment.

    Raises:
        UsageError: code ``bad_environment`` where a variable is missing or has no meaning.
    """
    global _ports  # noqa: PLW0603 (one composition per process is the point)
    if _override is not None:
        return _override
    if _ports is None:
        _ports = compose(os.environ)
    return _ports


@contextmanager
def use(world: Ports) -> Iterator[Ports]:
    """Let handlers run in another world, for tests and the inline runtime."""
    global _override  # noqa: PLW0603
    before, _override = _override, world
    try:
        yield world
    finally:
        _override = before


def compose(environment: Mapping[str, str]) -> Ports:
    """Build the ports that the environment names.

    Args:
        environment: ``RIGHTSCAN_BACKEND`` (``aws`` or ``local``) and the variables of ``docs/architecture.md``.

    Raises:
        UsageError: code ``bad_environment``.
    """
    backend = environment.get("RIGHTSCAN_BACKEND", "local")
    if backend == "aws":
        return _aws(environment)
    if backend == "local":
        return local_ports(Path(_required(environment, "RIGHTSCAN_HOME")), environment)
    raise UsageError("bad_environment", f"RIGHTSCAN_BACKEND is {backend!r}", "Set it to aws or local.")


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise UsageError(
            "bad_environment", f"{name} is not set", "Set it; docs/architecture.md lists the variables."
        )
    return value


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name, "")
    try:
        return float(text) if text else default
    except ValueError as error:
        raise UsageError("bad_environment", f"{name} is {text!r}", "Set it to a number.") from error


_PARENT_BYTES = 400 << 20
"""What a function itself takes beside its decoding child, with room to spare."""


def _limits(environment: Mapping[str, str]) -> Limits:
    """The limits on one file, within the memory that Lambda gives the function.

    Above its memory Lambda kills the function, and a file that did it would come again five times and end
    as a dead letter; at its own limit the child fails alone, and the file is recorded.
    """
    limits = Limits()
    memory = int(_number(environment, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 0)) << 20
    if memory:
        limits = replace(limits, decode_memory_bytes=min(limits.decode_memory_bytes, memory - _PARENT_BYTES))
    return limits


def engine_settings(environment: Mapping[str, str]) -> EngineSettings:
    """Which engines are on, by ``ENGINE_VARIABLES``.

    Raises:
        UsageError: ``bad_engine_settings``; ``bad_environment`` for a file of trust anchors that is not there.
    """
    text = {
        name: environment[variable] for name, variable in _ENGINE_WORDS.items() if environment.get(variable)
    }
    return EngineSettings.from_text(**text, anchors=_anchors(environment.get(_ANCHORS, "")))


_ENGINE_WORDS = {
    "engines": "RIGHTSCAN_ENGINES",
    "models": "RIGHTSCAN_MODELS",
    "separator": "RIGHTSCAN_SEPARATOR",
    "detectors": "RIGHTSCAN_DETECTORS",
    "folders": "RIGHTSCAN_MODEL_FOLDERS",
    "provider": "RIGHTSCAN_MODEL_PROVIDER",
    "encoder": "RIGHTSCAN_VOICE_ENCODER",
}
_ANCHORS = "RIGHTSCAN_TRUST_ANCHORS"

ENGINE_VARIABLES = (*_ENGINE_WORDS.values(), _ANCHORS)
"""Variables that say which engines are on."""


def _anchors(value: str) -> str:
    """Certificates themselves, or the file that holds them."""
    if not value or value.lstrip().startswith("-----BEGIN"):
        return value
    try:
        return Path(value).read_text("utf-8")
    except (OSError, UnicodeError) as error:
        raise UsageError(
            "bad_environment",
            f"RIGHTSCAN_TRUST_ANCHORS names {value}, which cannot be read",
            "Set it to a file of PEM certificates, or to the certificates themselves.",
        ) from error


def _settings(environment: Mapping[str, str], buckets: Buckets, uploader_key: bytes) -> Settings:
    return Settings(
        buckets=buckets,
        limits=_limits(environment),
        engines=engine_settings(environment),
        scan_lease_s=_number(environment, "RIGHTSCAN_SCAN_LEASE_SECONDS", 900.0),
        index_refresh_s=_number(environment, "RIGHTSCAN_INDEX_REFRESH_SECONDS", 30.0),
        units_per_day=int(_number(environment, "RIGHTSCAN_UNITS_PER_DAY", 100_000)),
        uploader_key=uploader_key,
    )


# ---- local ----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class LocalPaths:
    """Where things lie in a local store."""

    home: Path

    @property
    def database(self) -> Path:
        """Records, queues, object versions."""
        return self.home / "rightscan.sqlite3"

    @property
    def objects(self) -> Path:
        """The buckets."""
        return self.home / "buckets"

    @property
    def index_cache(self) -> Path:
        """Fetched index segments."""
        return self.home / "cache" / "index"

    @property
    def workspaces(self) -> Path:
        """Temporary folders of work under way; emptied when the runtime starts."""
        return self.home / "cache" / "work"

    @property
    def jobs(self) -> Path:
        """Locks and logs of jobs."""
        return self.home / "jobs"

    @property
    def logs(self) -> Path:
        """Logs of the local runtime's functions."""
        return self.home / "logs"

    @property
    def vault(self) -> Path:
        """Sealed templates, their log and, in a file of their own, the wrapped keys: of these no backup is made."""
        return self.home / "vault"

    @property
    def vault_key(self) -> Path:
        """The master key of the vault, where no keyring has it."""
        return self.home / "keys" / "vault.key"

    @property
    def uploader_key(self) -> Path:
        """The key of uploader pseudonyms."""
        return self.home / "keys" / "uploader.key"


def local_ports(
    home: Path,
    environment: Mapping[str, str] | None = None,
    *,
    clock: Clock | None = None,
    analyse: Analyse | None = None,
    durable: bool = True,
) -> Ports:
    """The ports over a folder.

    Args:
        home: the store.
        environment: further settings.
        clock: another clock than the system's.
        analyse: another analysis than the guarded child.
        durable: see ``Database``.
    """
    from rightscan.adapters.ledger import RecordLedger
    from rightscan.adapters.local.clock import SystemClock
    from rightscan.adapters.local.database import Database
    from rightscan.adapters.local.events import LocalEvents
    from rightscan.adapters.local.items import SqliteItems
    from rightscan.adapters.local.jobs import LocalJobs
    from rightscan.adapters.local.objects import LocalObjects
    from rightscan.adapters.local.queues import LocalDeadLetters, LocalQueue

    environment = environment or {}
    paths = LocalPaths(home)
    database: Database = Database(paths.database, durable=durable)
    clock = clock or SystemClock()
    ledger = RecordLedger(SqliteItems(database))
    objects = LocalObjects(paths.objects, database, clock=clock)
    settings = _settings(environment, LOCAL_BUCKETS, _local_key(paths.uploader_key))
    cache = Path(environment.get("RIGHTSCAN_INDEX_CACHE") or paths.index_cache)
    queues: dict[str, Any] = {
        f"{name}_queue": LocalQueue(_queue_name(name), database, clock) for name in QUEUES
    }
    return Ports(
        settings=settings,
        objects=objects,
        ledger=ledger,
        **queues,
        dead_letters=LocalDeadLetters(database, clock),
        events=LocalEvents(database, clock),
        jobs=LocalJobs(database, paths.jobs, {}),
        clock=clock,
        meter=PowertoolsMeter(),
        analyse=analyse or _analyse_guarded,
        workspace=Workspaces(_own_folder(environment, paths)),
        index=_index_reader(ledger, objects, settings, clock, cache),
        vault=_local_vault(paths, environment, clock),
        likeness=_likeness_here,
    )


def _local_vault(paths: LocalPaths, environment: Mapping[str, str], clock: Clock) -> Vault:
    from rightscan.adapters.local.vault import KeyFile, KeyringKey, LocalMasterKey, SqliteVaultItems
    from rightscan.adapters.vault import RecordVault

    keys = SqliteVaultItems(paths.vault / "keys.sqlite3")
    keyring = environment.get("RIGHTSCAN_VAULT_KEYRING", "")
    path = Path(environment.get("RIGHTSCAN_VAULT_KEY_FILE") or paths.vault_key)
    source = KeyringKey(keyring) if keyring else KeyFile(path)
    master = LocalMasterKey(source, lambda: keys.empty)
    return RecordVault(SqliteVaultItems(paths.vault / "templates.sqlite3"), keys, master, clock)


def _likeness_here(ask: LikenessAsk, world: Ports) -> LikenessAnswer:
    # Imported late: it brings numpy, and what never asks does not need it.
    from rightscan.jobs.voices.likeness import answer

    return answer(ask, world)


def _queue_name(name: str) -> str:
    """``scan_backfill`` to the template's ``ScanBackfillQueue``."""
    return "".join(part.capitalize() for part in name.split("_")) + "Queue"


def _own_folder(environment: Mapping[str, str], paths: LocalPaths) -> Path:
    """A worker's own folder, which the runtime removes with it, or the store's."""
    own = Path(environment.get("TMPDIR", ""))
    return own if own.is_relative_to(paths.workspaces) else paths.workspaces


def _local_key(path: Path) -> bytes:
    """The deployment's key for pseudonyms, made at the first use."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != 32:
            raise PermanentError(
                "bad_uploader_key", f"{path} holds {len(key)} bytes, not 32", "Restore it from your backup."
            ) from None
        return key
    key = secrets.token_bytes(32)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    return key


# ---- AWS ------------------------------------------------------------------------------------------------
def _aws(environment: Mapping[str, str]) -> Ports:
    from rightscan.adapters.aws.events import EventBridgeBus
    from rightscan.adapters.aws.items import DynamoItems
    from rightscan.adapters.aws.jobs import BatchJobs
    from rightscan.adapters.aws.objects import S3Objects
    from rightscan.adapters.aws.queues import SqsDeadLetters, SqsQueue
    from rightscan.adapters.ledger import RecordLedger
    from rightscan.adapters.local.clock import SystemClock

    ledger = RecordLedger(DynamoItems(_required(environment, "RIGHTSCAN_TABLE")))
    objects = S3Objects()
    buckets = Buckets(
        *(
            environment.get(f"RIGHTSCAN_{name}_BUCKET", "")
            for name in ("UPLOADS", "REGISTRATIONS", "WORK", "EXPORTS")
        )
    )
    secret = environment.get("RIGHTSCAN_UPLOADER_KEY_SECRET", "")
    settings = _settings(environment, buckets, _secret(secret) if secret else b"")
    clock = SystemClock()
    queues: dict[str, Any] = {}
    for name in QUEUES:
        url = environment.get(f"RIGHTSCAN_{name.upper()}_QUEUE", "")
        queues[f"{name}_queue"] = SqsQueue(url) if url else UnwiredQueue(name)
    cache = Path(environment.get("RIGHTSCAN_INDEX_CACHE") or Path(tempfile.gettempdir()) / "rightscan-index")
    return Ports(
        settings=settings,
        objects=objects,
        ledger=ledger,
        **queues,
        dead_letters=SqsDeadLetters({}),
        events=EventBridgeBus(environment.get("RIGHTSCAN_EVENT_BUS", "")),
        jobs=BatchJobs("", {}),
        clock=clock,
        meter=PowertoolsMeter(),
        analyse=_analyse_guarded,
        workspace=Workspaces(Path(tempfile.gettempdir()), sweep="AWS_LAMBDA_FUNCTION_NAME" in environment),
        index=_index_reader(ledger, objects, settings, clock, cache),
        vault=_aws_vault(environment, clock),
        likeness=_aws_likeness(environment),
    )


def _aws_vault(environment: Mapping[str, str], clock: Clock) -> Vault:
    names = [environment.get(name, "") for name in _VAULT]
    if not all(names):
        # Only likeness is told of the vault; the others carry neither its library nor a right to it.
        return cast("Vault", UnwiredVault())
    from rightscan.adapters.aws.vault import DynamoVaultItems, KmsMasterKey
    from rightscan.adapters.vault import RecordVault

    return RecordVault(DynamoVaultItems(names[0]), DynamoVaultItems(names[1]), KmsMasterKey(names[2]), clock)


_VAULT = ("RIGHTSCAN_VAULT_TABLE", "RIGHTSCAN_VAULT_KEYS_TABLE", "RIGHTSCAN_VAULT_KEY")


def _aws_likeness(environment: Mapping[str, str]) -> AskLikeness:
    from rightscan.adapters.aws.likeness import LambdaLikeness

    name = environment.get("RIGHTSCAN_LIKENESS_FUNCTION", "")
    if name:
        return LambdaLikeness(name)
    return _likeness_here if environment.get("RIGHTSCAN_VAULT_TABLE") else _likeness_not_wired


def _likeness_not_wired(ask: LikenessAsk, world: Ports) -> LikenessAnswer:  # noqa: ARG001 (the port's signature)
    """Refuse: a fault of the deployment, not of the message, which waits."""
    raise TransientError(
        "likeness_not_wired",
        f"this function may not ask likeness to {ask.kind}",
        "Give it RIGHTSCAN_LIKENESS_FUNCTION and the right to invoke it in template.yaml.",
    )


def stack_ports(stack_name: str) -> Ports:
    """The ports of a deployed stack, for the command line.

    Args:
        stack_name: the CloudFormation stack.
    """
    from rightscan.adapters.aws.queues import SqsDeadLetters
    from rightscan.adapters.aws.stack import read_stack

    stack = read_stack(stack_name)
    # The operator's machine needs no pseudonym key: uploads are received by the function that has it.
    environment = {name: value for name, value in stack.environment.items() if not name.endswith("_SECRET")}
    return replace(_aws(environment), dead_letters=SqsDeadLetters(stack.dead_letters))


def _secret(arn: str) -> bytes:
    from aws_lambda_powertools.utilities import parameters

    value = parameters.get_secret(arn, max_age=3600)
    return value if isinstance(value, bytes) else str(value).encode()


class UnwiredQueue:
    """Stands for a queue that the template does not give this function."""

    def __init__(self, name: str) -> None:
        self._name = name

    def send(self, body: Mapping[str, Any], *, delay_s: int = 0) -> None:
        """Refuse.

        Raises:
            TransientError: code ``queue_not_wired``: a fault of the deployment, not of the message, which waits.
        """
        raise TransientError(
            "queue_not_wired",
            f"this function has no {self._name} queue (message of {len(body)} fields, delay {delay_s} s)",
            f"Give it RIGHTSCAN_{self._name.upper()}_QUEUE and the right to send in template.yaml.",
        )


class UnwiredVault:
    """Stands for the vault in a function that the template does not tell of it."""

    def __getattr__(self, name: str) -> Any:
        """Refuse.

        Raises:
            TransientError: code ``vault_not_wired``: a fault of the deployment, not of the message, which waits.
        """
        raise TransientError(
            "vault_not_wired",
            f"this function has no vault ({name})",
            f"Give it {', '.join(_VAULT)} and the rights that go with them in template.yaml.",
        )


# ---- shared ---------------------------------------------------------------------------------------------
class Workspaces:
    """Temporary folders under one root, removed at the end of the work that opened them.

    A folder is locked for as long as it is in use, and the lock ends with the process: one that is there and
    free was left by a killed process.

    Args:
        root: where they lie.
        sweep: remove what killed processes left before opening a folder. Lambda keeps ``/tmp`` when it ends a
            function at its time limit, and the disk would fill with uploads.
    """

    _PREFIX = "rightscan-work-"

    def __init__(self, root: Path, *, sweep: bool = False) -> None:
        self._root = root
        self._sweeps = sweep

    @contextmanager
    def __call__(self) -> Iterator[Path]:
        """Open a folder of one's own."""
        self._root.mkdir(parents=True, exist_ok=True)
        if self._sweeps:
            self._sweep()
        folder, lock = self._new()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
            os.close(lock)

    def _new(self) -> tuple[Path, int]:
        while True:
            folder = Path(tempfile.mkdtemp(prefix=self._PREFIX, dir=self._root))
            # Before it is locked another process's sweep may take the folder for one that was left.
            with suppress(FileNotFoundError):
                lock = os.open(folder, os.O_RDONLY)
                fcntl.flock(lock, fcntl.LOCK_EX)
                if folder.is_dir():
                    return folder, lock
                os.close(lock)

    def _sweep(self) -> None:
        for folder in self._root.glob(f"{self._PREFIX}*"):
            with suppress(FileNotFoundError):
                lock = os.open(folder, os.O_RDONLY)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    pass
                else:
                    shutil.rmtree(folder, ignore_errors=True)
                finally:
                    os.close(lock)


class PowertoolsMeter:
    """Metrics in the embedded format, with the function's own dimensions."""

    def __init__(self) -> None:
        self._metrics = Metrics(namespace=_namespace())

    def count(self, name: str, value: float = 1.0) -> None:
        """Add to a metric; the handler's decorator writes them out."""
        self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


class SilentMeter:
    """Drops metrics: a person at a terminal reads none."""

    def count(self, name: str, value: float = 1.0) -> None:
        """Drop."""


def _analyse_guarded(path: Path, features: Path, limits: Limits, engines: EngineSettings) -> dict[str, Any]:
    # Imported late: the zip functions neither carry nor need numpy.
    from rightscan.jobs.analysis import analyse_guarded

    return analyse_guarded(path, features, limits, engines)


class _LateIndex:
    """The live index, imported at the first search."""

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments
        self._reader: Any = None

    def current(self, *, fresh: bool = False) -> OpenIndex:
        """See ``ports.IndexReader``."""
        if self._reader is None:
            from rightscan.jobs.live_index import LiveIndex

            self._reader = LiveIndex(*self._arguments)
        found: OpenIndex = self._reader.current(fresh=fresh)
        return found


def _index_reader(
    ledger: Ledger, objects: ObjectStore, settings: Settings, clock: Clock, cache: Path
) -> _LateIndex:
    return _LateIndex(ledger, objects, settings.buckets.work, clock, cache, settings.index_refresh_s)


def _namespace() -> str:
    # The template gives each stack its own: two stages of one account must not be summed.
    return os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "rightscan")


def function_metrics(name: str) -> Metrics:
    """The metrics of a function in CloudWatch's embedded format; its dimensions are the function and the origin."""
    # Plain text among the JSON of a log, about what is meant: nothing to count, another origin than before.
    for message in ("No application metrics to publish", "Dimension 'origin' has already been added"):
        warnings.filterwarnings("ignore", message)
    return Metrics(namespace=_namespace(), service=name)


def mark_origin(origin: Origin) -> None:
    """Say of the metrics of this invocation which way its messages came."""
    Metrics(namespace=_namespace()).add_dimension(name="origin", value=origin)


def function_logger(name: str) -> Logger:
    """The structured logger of a function; other libraries' loggers are silenced.

    A library may put a key or a title into a message, and logs carry ids only.
    """
    for library in _QUIET:
        quiet = logging.getLogger(library)
        quiet.setLevel(logging.CRITICAL)
        quiet.propagate = False
    return Logger(service=name)


__all__ = [
    "LocalPaths",
    "Meter",
    "PowertoolsMeter",
    "Queue",
    "SilentMeter",
    "compose",
    "function_logger",
    "function_metrics",
    "local_ports",
    "mark_origin",
    "ports",
    "stack_ports",
    "use",
]
