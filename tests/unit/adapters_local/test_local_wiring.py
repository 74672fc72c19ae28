"""The wiring: all that the template says, nothing that is not understood."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.template import Template, _Loader
from rightscan.adapters.local.wiring import (
    TRIGGERS,
    Notification,
    QueueSettings,
    QueueSource,
    Schedule,
    StreamSource,
    apply,
    read_wiring,
)
from rightscan.errors import PermanentError

FIXTURE = Path(__file__).parents[1] / "localrun" / "fixture" / "template.yaml"
REAL = Path(__file__).parents[3] / "template.yaml"


# ---- the fixture ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def wiring():
    return read_wiring(FIXTURE)


def test_functions_have_their_code_and_environment(wiring):
    work, changes = wiring.functions["WorkFunction"], wiring.functions["ChangesFunction"]
    assert work.folder == FIXTURE.parent / "functions" / "work"
    assert changes.folder == FIXTURE.parent / "functions" / "changes"
    assert (work.handler, work.timeout_s, work.memory_mb, work.image) == ("app.handler", 2, 256, False)
    assert (changes.handler, changes.timeout_s, changes.image) == ("app.handler", 5, True)
    assert dict(work.environment) == {
        "RIGHTSCAN_BACKEND": "aws",
        "RIGHTSCAN_TABLE": "RecordsTable",
        "RIGHTSCAN_DONE_QUEUE": "DoneQueue",
        "STAGE_AND_REGION": "dev-local-${literal}",
        "RIGHTSCAN_INDEX_CACHE": "/tmp/index",
        "RIGHTSCAN_INCOMING_BUCKET": "incoming",
        "BUCKET_ARN": "incoming/*",
    }


def test_queues_and_what_they_feed(wiring):
    assert wiring.queues["WorkQueue"] == QueueSettings("WorkQueue", 30, 3, "WorkDeadLetterQueue")
    assert wiring.queues["WorkDeadLetterQueue"].dead_letters is None
    assert "OnlyInProdQueue" not in wiring.queues
    assert wiring.queue_sources == (QueueSource("WorkFunction", "WorkQueue", 2, 4, partial_failures=True),)
    assert wiring.stream_sources == (
        StreamSource(
            function="ChangesFunction",
            table="RecordsTable",
            batch_size=4,
            max_retries=2,
            bisect=True,
            partial_failures=True,
            on_failure="ChangesDeadLetterQueue",
            patterns=({"dynamodb": {"Keys": {"PK": {"S": [{"prefix": "M#"}]}}}},),
        ),
    )
    assert wiring.notifications == (
        Notification("incoming", "WorkQueue", "s3:ObjectCreated:*", "in/", ".txt"),
    )
    assert wiring.schedules == (
        Schedule(
            name="Nightly",
            expression="cron(0 3 * * ? *)",
            timezone="Asia/Seoul",
            queue="WorkQueue",
            input='{"kind":"nightly","at":"<aws.scheduler.scheduled-time>"}',
        ),
    )


def test_a_parameter_changes_what_depends_on_it():
    wiring = read_wiring(FIXTURE, {"Stage": "prod", "Retries": "7"})
    assert wiring.queues["WorkQueue"].visibility_s == 300
    assert wiring.functions["WorkFunction"].timeout_s == 5  # NoValue leaves the Globals' value
    assert wiring.functions["WorkFunction"].environment["OPTIONAL"] == "true"
    assert wiring.queue_sources[0].batch_size == 10
    assert wiring.stream_sources[0].max_retries == 7
    assert "OnlyInProdQueue" in wiring.queues


# ---- what is not understood -----------------------------------------------------------------------------
def function(properties):
    return {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "x", **properties}}


def source(kind, **properties):
    return function({"Events": {"E": {"Type": kind, "Properties": properties}}})


WORK_ARN = {"Fn::GetAtt": ["WorkQueue", "Arn"]}
UNKNOWN = {
    "event source": ("Bad", source("Api", Path="/", Method="get"), "Bad.Events.E"),
    "scheduled function": ("Bad", source("ScheduleV2", ScheduleExpression="rate(1 day)"), "Bad.Events.E"),
    "queue filter": (
        "Bad",
        source("SQS", Queue=WORK_ARN, FilterCriteria={"Filters": [{"Pattern": "{}"}]}),
        "Bad.Events.E.FilterCriteria",
    ),
    "pattern": (
        "Bad",
        source(
            "DynamoDB",
            Stream={"Fn::GetAtt": ["RecordsTable", "StreamArn"]},
            FilterCriteria={"Filters": [{"Pattern": '{"eventName": [{"cidr": "10.0.0.0/8"}]}'}]},
        ),
        "cidr",
    ),
    "stream": ("Bad", source("DynamoDB", Stream="arn:of:another:table"), "arn:of:another:table"),
    "bucket to function": (
        "Bad",
        {
            "Type": "AWS::S3::Bucket",
            "Properties": {"NotificationConfiguration": {"LambdaConfigurations": [{}]}},
        },
        "LambdaConfigurations",
    ),
    "rule": (
        "Bad",
        {"Type": "AWS::Events::Rule", "Properties": {"Targets": [{"Id": "x", "Arn": WORK_ARN}]}},
        "Bad.Targets",
    ),
    "schedule": (
        "Bad",
        {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "ScheduleExpression": "rate(1 day)",
                "Target": {"Arn": {"Fn::GetAtt": ["WorkFunction", "Arn"]}},
            },
        },
        "Bad.Target",
    ),
    **{kind: ("Bad", {"Type": kind, "Properties": {}}, kind) for kind in TRIGGERS},
    "function url": ("Bad", function({"FunctionUrlConfig": {"AuthType": "NONE"}}), "Bad.FunctionUrlConfig"),
    "destinations": ("Bad", function({"EventInvokeConfig": {}}), "Bad.EventInvokeConfig"),
    "plain function": ("Bad", {"Type": "AWS::Lambda::Function", "Properties": {}}, "AWS::Lambda::Function"),
}
UNRESOLVABLE = {
    "imported value": {"Environment": {"Variables": {"A": {"Fn::ImportValue": "other-stack"}}}},
    "secret": {"Environment": {"Variables": {"A": "{{resolve:secretsmanager:x}}"}}},
    "parameter without a value": {"Environment": {"Variables": {"A": {"Ref": "NoDefault"}}}},
    "missing resource": {"Environment": {"Variables": {"A": {"Fn::Sub": "x-${Nothing.Arn}"}}}},
    "missing map key": {"Environment": {"Variables": {"A": {"Fn::FindInMap": ["Sizes", "x", "Batch"]}}}},
    "missing condition": {"Timeout": {"Fn::If": ["Nothing", 1, 2]}},
}


def changed(tmp_path, name, resource):
    document = yaml.load(FIXTURE.read_text(), _Loader)
    document["Resources"][name] = copy.deepcopy(resource)
    path = tmp_path / "template.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_would_silently_not_run_stops_the_reading(tmp_path, case):
    name, resource, told = UNKNOWN[case]
    with pytest.raises(PermanentError) as caught:
        read_wiring(changed(tmp_path, name, resource))
    assert caught.value.code == "unknown_event_source"
    assert told in caught.value.cause


@pytest.mark.parametrize("case", UNRESOLVABLE)
def test_a_value_that_has_no_meaning_here_stops_the_reading(tmp_path, case):
    with pytest.raises(PermanentError) as caught:
        read_wiring(changed(tmp_path, "Bad", function(UNRESOLVABLE[case])))
    assert caught.value.code == "unresolvable"
    assert caught.value.cause.startswith(("Bad", "Conditions"))


def test_the_same_value_where_nobody_needs_it_is_no_trouble(tmp_path):
    role = {"Type": "AWS::IAM::Role", "Properties": {"Name": {"Fn::ImportValue": "other"}}}
    assert read_wiring(changed(tmp_path, "Other", role)).queues


@pytest.mark.parametrize("text", ["", "- a list", "Resources: 3", "a: [", "\x00"])
def test_what_is_no_template_is_told(tmp_path, text):
    path = tmp_path / "template.yaml"
    path.write_text(text)
    for missing_or_bad in (path, tmp_path / "missing.yaml"):
        with pytest.raises(PermanentError) as caught:
            Template(missing_or_bad)
        assert caught.value.code == "bad_template"


# ---- applying it ----------------------------------------------------------------------------------------
NOON = datetime(2026, 11, 23, 3, tzinfo=UTC)


def table(database, query):
    return [tuple(row) for row in database.connection().execute(query).fetchall()]


def test_the_store_gets_the_wiring_and_keeps_positions(tmp_path, wiring):
    database, clock = Database(tmp_path / "store.sqlite", durable=False), ManualClock(NOON)
    apply(wiring, database, clock=clock)
    with database.transaction() as connection:
        connection.execute("UPDATE change_readers SET position=7")
        connection.execute("INSERT INTO queues VALUES ('Gone', 1, 1, NULL)")
        connection.execute("INSERT INTO queues VALUES ('GoneButNotEmpty', 1, 1, NULL)")
        connection.execute(
            "INSERT INTO messages (queue, body, sent_at, visible_at) VALUES ('GoneButNotEmpty', '', 0, 0)"
        )
        connection.execute("INSERT INTO schedules VALUES ('Gone', 'rate(1 day)', 0)")
        connection.execute("INSERT INTO change_readers (reader, position) VALUES ('Gone', 0)")
        connection.execute("INSERT INTO notifications VALUES ('b', 'Gone', 's3:*', '', '')")
    clock.advance(1000)
    apply(wiring, database, clock=clock)
    assert table(database, "SELECT reader, position FROM change_readers") == [("ChangesFunction", 7)]
    assert table(database, "SELECT name, last_run FROM schedules") == [("Nightly", NOON.timestamp())]
    assert table(database, "SELECT bucket, queue FROM notifications") == [("incoming", "WorkQueue")]
    names = {name for (name,) in table(database, "SELECT name FROM queues")}
    assert names == {*wiring.queues, "GoneButNotEmpty"}


# ---- the real one ---------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def real():
    return read_wiring(REAL)


def test_every_function_of_the_template_has_its_code(real):
    for each in real.functions.values():
        assert (each.folder / "app.py").is_file(), each.name


def test_every_queue_of_the_template_is_read_by_somebody(real):
    fed = {source.queue for source in real.queue_sources}
    dead = {queue.dead_letters for queue in real.queues.values()}
    assert {name for name, queue in real.queues.items() if queue.dead_letters is not None} == fed
    assert dead - {None} <= set(real.queues)


def test_whoever_is_told_of_objects_or_called_by_the_clock_is_a_queue_of_the_template(real):
    targets = {note.queue for note in real.notifications} | {each.queue for each in real.schedules}
    assert targets <= {source.queue for source in real.queue_sources}
    assert {note.bucket for note in real.notifications} == {"uploads", "registrations"}
