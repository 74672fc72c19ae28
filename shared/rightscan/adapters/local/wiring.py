"""What triggers what, read from ``template.yaml``: the one source of wiring for AWS and for one machine.

Anything that would trigger a function on AWS and is not known here stops the reading: a part that silently
does not run would be found by nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rightscan.adapters.local.clock import SystemClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.patterns import unknown_parts
from rightscan.adapters.local.template import Template
from rightscan.errors import PermanentError
from rightscan.ports import Clock

PARTIAL_FAILURES = "ReportBatchItemFailures"

# SQS's and Lambda's own defaults, which hold where the template says nothing.
_VISIBILITY_S = 30
_TIMEOUT_S = 3
_MEMORY_MB = 128
_QUEUE_BATCH = 10
_STREAM_BATCH = 100
_UNLIMITED = -1


@dataclass(frozen=True)
class Function:
    """A function: where its code lies and what it runs under. ``environment`` is the template's, resolved."""

    name: str
    folder: Path
    handler: str
    timeout_s: float
    memory_mb: int
    environment: Mapping[str, str]
    image: bool


@dataclass(frozen=True)
class QueueSettings:
    """A queue; ``dead_letters`` is ``None`` for a dead-letter queue itself."""

    name: str
    visibility_s: float
    max_receives: int
    dead_letters: str | None


@dataclass(frozen=True)
class QueueSource:
    """A queue that triggers a function. ``max_concurrency`` ``None``: no limit of its own."""

    function: str
    queue: str
    batch_size: int
    max_concurrency: int | None
    partial_failures: bool


@dataclass(frozen=True)
class StreamSource:
    """The change stream of the table that triggers a function.

    ``max_retries`` ``None``: for ever. ``patterns``: which changes it wants, any of them; none: all.
    """

    function: str
    table: str
    batch_size: int
    max_retries: int | None
    bisect: bool
    partial_failures: bool
    on_failure: str | None
    patterns: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Notification:
    """A bucket that tells a queue of its objects. ``event`` is S3's pattern, e.g. ``s3:ObjectCreated:*``."""

    bucket: str
    queue: str
    event: str
    prefix: str
    suffix: str


@dataclass(frozen=True)
class Schedule:
    """A message sent at set times.

    ``input`` is its text, in which ``<aws.scheduler.scheduled-time>`` stands for the time it was due.
    """

    name: str
    expression: str
    timezone: str
    queue: str
    input: str


@dataclass(frozen=True)
class Wiring:
    """All of it, in the template's order."""

    functions: Mapping[str, Function]
    queues: Mapping[str, QueueSettings]
    queue_sources: tuple[QueueSource, ...]
    stream_sources: tuple[StreamSource, ...]
    notifications: tuple[Notification, ...]
    schedules: tuple[Schedule, ...]

    def sources_of(self, function: str) -> tuple[QueueSource, ...]:
        """The queues that trigger a function, in the template's order."""
        return tuple(source for source in self.queue_sources if source.function == function)


def read_wiring(template: Path, parameters: Mapping[str, str] | None = None) -> Wiring:
    """Read the wiring of a template.

    Args:
        template: ``template.yaml``; code folders are relative to it.
        parameters: values of template parameters; the others have their defaults.

    Raises:
        PermanentError: codes ``bad_template``, ``unresolvable``, ``unknown_event_source``; each names the
            resource and the property.
    """
    return _Reader(Template(template, parameters)).read()


def apply(wiring: Wiring, database: Database, *, clock: Clock | None = None) -> None:
    """Set the store's queues, notifications, stream readers and schedules to what the wiring says.

    A queue that left the template stays as long as messages lie in it. A schedule seen for the first time
    begins now.
    """
    now = (clock or SystemClock()).now().timestamp()
    with database.transaction() as connection:
        connection.execute("DELETE FROM queues WHERE name NOT IN (SELECT queue FROM messages)")
        connection.executemany(
            "INSERT OR REPLACE INTO queues (name, visibility_s, max_receives, dead_letters) VALUES (?,?,?,?)",
            [(q.name, q.visibility_s, q.max_receives, q.dead_letters) for q in wiring.queues.values()],
        )
        connection.execute("DELETE FROM notifications")
        connection.executemany(
            "INSERT INTO notifications (bucket, queue, events, prefix, suffix) VALUES (?,?,?,?,?)",
            [(n.bucket, n.queue, n.event, n.prefix, n.suffix) for n in wiring.notifications],
        )
        _keep(connection, "change_readers", {s.function: (0,) for s in wiring.stream_sources})
        _keep(connection, "schedules", {s.name: (s.expression, now) for s in wiring.schedules})


_KEEP = {
    "change_readers": (
        "SELECT reader FROM change_readers",
        "DELETE FROM change_readers WHERE reader=?",
        "INSERT OR IGNORE INTO change_readers (reader, position) VALUES (?,?)",
    ),
    "schedules": (
        "SELECT name FROM schedules",
        "DELETE FROM schedules WHERE name=?",
        "INSERT OR IGNORE INTO schedules (name, expression, last_run) VALUES (?,?,?)",
    ),
}


def _keep(connection: Any, table: str, rows: Mapping[str, tuple[Any, ...]]) -> None:
    """Make the rows that are new, leave those that stand (their position is what counts), drop the others."""
    select, delete, insert = _KEEP[table]
    gone = [(row[0],) for row in connection.execute(select).fetchall() if row[0] not in rows]
    connection.executemany(delete, gone)
    connection.executemany(insert, [(name, *values) for name, values in rows.items()])


TRIGGERS = (
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGatewayV2::Api",
    "AWS::IoT::TopicRule",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Logs::SubscriptionFilter",
    "AWS::Pipes::Pipe",
    "AWS::SNS::Subscription",
    "AWS::Serverless::Api",
    "AWS::Serverless::HttpApi",
    "AWS::Serverless::StateMachine",
    "AWS::StepFunctions::StateMachine",
)
"""Resources that call a function, or let a service call one, in a way that is not known here."""


class _Reader:
    """One reading of a template."""

    def __init__(self, template: Template) -> None:
        self._template = template
        self._folder = template.path.resolve().parent
        self._queue_names = frozenset(template.of_type("AWS::SQS::Queue"))
        self._function_names = frozenset(
            (*template.of_type("AWS::Serverless::Function"), *template.of_type("AWS::Lambda::Function"))
        )

    def read(self) -> Wiring:
        self._refuse_unknown()
        mappings = list(self._mappings())
        queues = [s for s in mappings if isinstance(s, QueueSource)]
        return Wiring(
            functions={name: self._function(name, p) for name, p in self._of("AWS::Serverless::Function")},
            queues={name: self._queue(name, p) for name, p in self._of("AWS::SQS::Queue")},
            queue_sources=tuple(queues),
            stream_sources=tuple(s for s in mappings if isinstance(s, StreamSource)),
            notifications=tuple(self._notifications()),
            schedules=tuple(self._schedules()),
        )

    def _of(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        yield from self._template.of_type(kind).items()

    def _get(self, where: str, properties: Mapping[str, Any], *path: str) -> Any:
        """The resolved value under a path of property names; ``None`` where it is not there."""
        value: Any = properties
        for name in path:
            where = f"{where}.{name}"
            value = self._template.resolve(value, where) if _is_function(value) else value
            if not isinstance(value, Mapping) or name not in value:
                return None
            value = value[name]
        return self._template.resolve(value, where)

    # ---- functions --------------------------------------------------------------------------------------
    def _function(self, name: str, properties: Mapping[str, Any]) -> Function:
        shared = self._template.globals_for("Function")

        def get(*path: str, default: Any = None) -> Any:
            for source in (properties, shared):
                value = self._get(name, source, *path)
                if value is not None:
                    return value
            return default

        environment = {
            **(self._get("Globals.Function", shared, "Environment", "Variables") or {}),
            **(self._get(name, properties, "Environment", "Variables") or {}),
        }
        image = get("PackageType") == "Image"
        command = get("ImageConfig", "Command", default=["app.handler"])
        return Function(
            name=name,
            folder=self._code_folder(name, properties, image=image),
            handler=command[0] if image else get("Handler", default="app.handler"),
            timeout_s=float(get("Timeout", default=_TIMEOUT_S)),
            memory_mb=int(get("MemorySize", default=_MEMORY_MB)),
            environment={key: _text(value) for key, value in environment.items()},
            image=image,
        )

    def _code_folder(self, name: str, properties: Mapping[str, Any], *, image: bool) -> Path:
        if image:
            metadata = self._template.resources[name].get("Metadata", {})
            context = self._get(name, metadata, "DockerContext") or "."
            dockerfile = self._get(name, metadata, "Dockerfile") or "Dockerfile"
            return (self._folder / context / dockerfile).resolve().parent
        folder = self._get(name, properties, "CodeUri") or self._get(
            "Globals.Function", self._template.globals_for("Function"), "CodeUri"
        )
        if not isinstance(folder, str):
            raise _unknown(f"{name}.CodeUri", "a folder is needed")
        return (self._folder / folder).resolve()

    # ---- queues and buckets -----------------------------------------------------------------------------
    def _queue(self, name: str, properties: Mapping[str, Any]) -> QueueSettings:
        dead_letters = self._get(name, properties, "RedrivePolicy", "deadLetterTargetArn")
        if dead_letters is not None:
            self._check_queue(f"{name}.RedrivePolicy", dead_letters)
        return QueueSettings(
            name=name,
            visibility_s=float(self._get(name, properties, "VisibilityTimeout") or _VISIBILITY_S),
            max_receives=int(self._get(name, properties, "RedrivePolicy", "maxReceiveCount") or 0),
            dead_letters=dead_letters,
        )

    def _notifications(self) -> Iterator[Notification]:
        for name, properties in self._of("AWS::S3::Bucket"):
            configuration = self._get(name, properties, "NotificationConfiguration") or {}
            where = f"{name}.NotificationConfiguration"
            for other in sorted(set(configuration) - {"QueueConfigurations"}):
                raise _unknown(where, other)
            for entry in configuration.get("QueueConfigurations", []):
                self._check_queue(where, entry["Queue"])
                rules = entry.get("Filter", {}).get("S3Key", {}).get("Rules", [])
                filters = {rule["Name"].lower(): rule["Value"] for rule in rules}
                yield Notification(
                    bucket=self._template.resolve({"Ref": name}, name),
                    queue=entry["Queue"],
                    event=entry["Event"],
                    prefix=filters.get("prefix", ""),
                    suffix=filters.get("suffix", ""),
                )

    # ---- what triggers functions ------------------------------------------------------------------------
    def _mappings(self) -> Iterator[QueueSource | StreamSource]:
        for name, properties in self._of("AWS::Serverless::Function"):
            for event, definition in (properties.get("Events") or {}).items():
                where = f"{name}.Events.{event}"
                kind = self._get(where, definition, "Type")
                if kind not in ("SQS", "DynamoDB"):
                    raise _unknown(where, f"an event source of type {kind}")
                source = self._template.resolve(definition["Properties"], where)
                yield from self._mapping(where, name, source["Queue" if kind == "SQS" else "Stream"], source)
        for name, properties in self._of("AWS::Lambda::EventSourceMapping"):
            source = self._template.resolve(properties, name)
            yield from self._mapping(name, source["FunctionName"], source["EventSourceArn"], source)

    def _mapping(
        self, where: str, function: str, origin: str, source: Mapping[str, Any]
    ) -> Iterator[QueueSource | StreamSource]:
        if source.get("Enabled") is False:
            return
        partial = PARTIAL_FAILURES in source.get("FunctionResponseTypes", [])
        if origin in self._queue_names:
            if source.get("FilterCriteria"):
                raise _unknown(f"{where}.FilterCriteria", "a filter of messages")
            concurrency = source.get("ScalingConfig", {}).get("MaximumConcurrency")
            yield QueueSource(
                function=function,
                queue=origin,
                batch_size=int(source.get("BatchSize", _QUEUE_BATCH)),
                max_concurrency=None if concurrency is None else int(concurrency),
                partial_failures=partial,
            )
        elif origin in self._template.of_type("AWS::DynamoDB::Table"):
            retries = int(source.get("MaximumRetryAttempts", _UNLIMITED))
            on_failure = source.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
            if on_failure is not None:
                self._check_queue(f"{where}.DestinationConfig", on_failure)
            yield StreamSource(
                function=function,
                table=origin,
                batch_size=int(source.get("BatchSize", _STREAM_BATCH)),
                max_retries=None if retries == _UNLIMITED else retries,
                bisect=bool(source.get("BisectBatchOnFunctionError", False)),
                partial_failures=partial,
                on_failure=on_failure,
                patterns=tuple(_patterns(where, source.get("FilterCriteria", {}))),
            )
        else:
            raise _unknown(where, f"the source {origin}")

    def _schedules(self) -> Iterator[Schedule]:
        for name, properties in self._of("AWS::Scheduler::Schedule"):
            resolved = self._template.resolve(properties, name)
            if resolved.get("State") == "DISABLED":
                continue
            target = resolved["Target"]
            self._check_queue(f"{name}.Target", target["Arn"])
            yield Schedule(
                name=name,
                expression=resolved["ScheduleExpression"],
                timezone=resolved.get("ScheduleExpressionTimezone", "UTC"),
                queue=target["Arn"],
                input=target.get("Input", "{}"),
            )

    def _refuse_unknown(self) -> None:
        """Refuse what would trigger a function on AWS and does not here."""
        for name, _ in self._of("AWS::Lambda::Function"):
            raise _unknown(name, "AWS::Lambda::Function (functions are AWS::Serverless::Function)")
        for kind in TRIGGERS:
            for name, _ in self._of(kind):
                raise _unknown(name, kind)
        for name, properties in self._of("AWS::Serverless::Function"):
            for part in ("FunctionUrlConfig", "EventInvokeConfig"):
                if part in properties or part in self._template.globals_for("Function"):
                    raise _unknown(f"{name}.{part}", part)
        inside = self._queue_names | self._function_names
        for name, properties in self._of("AWS::Events::Rule"):
            for target in self._get(name, properties, "Targets") or []:
                if target["Arn"] in inside:
                    raise _unknown(f"{name}.Targets", f"a rule for {target['Arn']}")

    def _check_queue(self, where: str, name: Any) -> None:
        if name not in self._queue_names:
            raise _unknown(where, f"{name}, which is no queue of the template,")


def _patterns(where: str, criteria: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in criteria.get("Filters", []):
        pattern = json.loads(entry["Pattern"])
        for part in unknown_parts(pattern):
            raise _unknown(f"{where}.FilterCriteria", f"the pattern {part}")
        yield pattern


def _is_function(value: Any) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)).startswith(("Fn::", "Ref"))


def _text(value: Any) -> str:
    # CloudFormation writes YAML's booleans in lower case.
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unknown(where: str, what: str) -> PermanentError:
    return PermanentError(
        "unknown_event_source",
        f"{where}: the local runtime does not know how to run {what}",
        "Wire it as docs/architecture.md says, or teach adapters.local.wiring and localrun about it.",
    )
