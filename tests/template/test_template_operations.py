"""Alarms, runbooks, the dashboard, outputs, the people's role, samconfig."""

from __future__ import annotations

import json
import re
import tomllib

from template_document import listed, target

from rightscan.adapters.aws.stack import OUTPUTS

RUNBOOK = re.compile(r"Runbook: (docs/runbooks/([a-z-]+)\.md)$")


def alarms(template):
    return template.of_type("AWS::CloudWatch::Alarm")


def watched(alarm):
    """(metric, logical id) pairs of an alarm."""
    metrics = (
        [alarm]
        if "MetricName" in alarm
        else [m["MetricStat"]["Metric"] for m in alarm["Metrics"] if "MetricStat" in m]
    )
    return {
        (metric["MetricName"], target(dimension["Value"]))
        for metric in metrics
        for dimension in metric.get("Dimensions", [{"Value": None}])
    }


def all_watched(template):
    return set().union(*(watched(alarm) for alarm in alarms(template).values()))


def test_each_alarm_has_its_runbook_and_each_runbook_its_alarm(template, root):
    linked = set()
    for name, alarm in alarms(template).items():
        found = RUNBOOK.search(alarm["AlarmDescription"])
        assert found, name
        assert alarm["AlarmName"]["Fn::Sub"] == f"${{AWS::StackName}}-{found[2]}", name
        linked.add(found[1])
    files = {str(path.relative_to(root)) for path in (root / "docs/runbooks").glob("*.md")}
    assert linked == files - {"docs/runbooks/README.md", "docs/runbooks/dead-letters.md"}


def test_a_runbook_says_what_why_and_what_to_do(root):
    for path in sorted((root / "docs/runbooks").glob("*.md")):
        text = path.read_text()
        if path.name not in ("README.md", "dead-letters.md"):
            for heading in ("## What it means", "## Look", "## Do"):
                assert heading in text, path.name


def test_each_alarm_tells_somebody_of_its_beginning_and_its_end(template):
    for name, alarm in alarms(template).items():
        assert [target(action) for action in alarm["AlarmActions"]] == ["AlarmTopic"], name
        assert [target(action) for action in alarm["OKActions"]] == ["AlarmTopic"], name
        assert alarm["TreatMissingData"] in ("notBreaching", "breaching"), name


def test_every_queue_is_watched(template):
    seen = all_watched(template)
    for name in template.of_type("AWS::SQS::Queue"):
        metric = (
            "ApproximateNumberOfMessagesVisible"
            if name in template.dead_letter_queues()
            else "ApproximateAgeOfOldestMessage"
        )
        assert (metric, name) in seen, name


def test_the_budget_counts_live_and_backfilled_files(template):
    assert watched(alarms(template)["VolumeBudgetAlarm"]) == {
        ("NumberOfMessagesSent", "ScanQueue"),
        ("NumberOfMessagesSent", "ScanBackfillQueue"),
    }


def test_every_function_is_watched(template):
    seen = all_watched(template)
    for name in template.functions:
        assert {("Errors", name), ("Throttles", name)} <= seen, name
        if any(event["Type"] == "DynamoDB" for event in template.events(name).values()):
            assert ("IteratorAge", name) in seen, name


def test_silence_is_an_alarm_and_missing_data_is_silence(template):
    alarm = alarms(template)["SilenceAlarm"]
    assert watched(alarm) == {("NumberOfMessagesDeleted", "ScanQueue")}
    assert (alarm["ComparisonOperator"], alarm["TreatMissingData"]) == ("LessThanThreshold", "breaching")
    # CloudWatch looks back seven days at most.
    assert template.parameters["SilenceHours"]["MaxValue"] * alarm["Period"] <= 7 * 86400


def test_the_index_alarm_listens_for_codes_that_the_code_raises(template, root):
    filters = template.of_type("AWS::Logs::MetricFilter")
    (index,) = filters.values()
    (metric,) = index["MetricTransformations"]
    assert metric["MetricName"] == alarms(template)["IndexMissingAlarm"]["MetricName"]
    assert metric["MetricNamespace"] == alarms(template)["IndexMissingAlarm"]["Namespace"]
    source = "".join(path.read_text() for path in (root / "shared/rightscan").rglob("*.py"))
    for term in index["FilterPattern"].split():
        assert f'"{term.removeprefix("?")}"' in source


def test_the_dashboard_is_json_and_names_resources(template):
    (dashboard,) = template.of_type("AWS::CloudWatch::Dashboard").values()
    text = dashboard["DashboardBody"]["Fn::Sub"]
    named = set(re.findall(r"\$\{([A-Za-z]+)(?:\.[A-Za-z]+)?\}", text))
    assert named <= set(template.resources)
    widgets = json.loads(re.sub(r"\$\{[^}]+\}", "x", text))["widgets"]
    assert len(widgets) == 6
    assert set(template.functions) | template.dead_letter_queues() <= named


def test_outputs_are_those_that_the_command_line_reads(template):
    expected = {*OUTPUTS, *template.dead_letter_queues(), "UnitsPerDay", "OperatorRole"}
    assert set(template.outputs) == expected
    for name, output in template.outputs.items():
        if name in template.resources and name != "OperatorRole":
            assert target(output["Value"]) == name
    assert template.outputs["Table"]["Value"] == {"Ref": "RecordsTable"}


def operator(template):
    (policy,) = template.resources["OperatorRole"]["Properties"]["Policies"]
    return policy["PolicyDocument"]["Statement"]


def test_people_read_records_and_write_pointers_only(template):
    writes = [s for s in operator(template) if "dynamodb:PutItem" in listed(s["Action"])]
    (write,) = writes
    assert write["Condition"] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["PTR#*"]},
        "Null": {"dynamodb:LeadingKeys": "false"},
    }
    actions = {action for s in operator(template) for action in listed(s["Action"])}
    assert not {action for action in actions if "Delete" in action} - {"sqs:DeleteMessage"}
    assert not {action for action in actions if action.startswith("secretsmanager:")}


def test_people_can_send_dead_letters_back(template):
    reached = {}
    for statement in operator(template):
        for resource in listed(statement["Resource"]):
            reached.setdefault(target(resource), set()).update(listed(statement["Action"]))
    for name in template.of_type("AWS::SQS::Queue"):
        expected = (
            {"sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"}
            if name in template.dead_letter_queues()
            else {"sqs:SendMessage"}
        )
        assert reached[name] == expected, name


def test_samconfig_has_three_stages_in_seoul(template, root):
    config = tomllib.loads((root / "samconfig.toml").read_text())
    assert {name for name in config if name != "version"} == {"default", "dev", "stage", "prod"}
    for stage in ("dev", "stage", "prod"):
        shared = config[stage]["global"]["parameters"]
        deploy = config[stage]["deploy"]["parameters"]
        assert shared == {"region": "ap-northeast-2", "stack_name": f"rightscan-{stage}"}
        set_ = dict(entry.split("=", 1) for entry in deploy["parameter_overrides"])
        assert set_["Stage"] == stage
        for name, value in set_.items():
            parameter = template.parameters[name]
            assert value in map(str, parameter.get("AllowedValues", [value])), name
            if "MinValue" in parameter:
                assert parameter["MinValue"] <= int(value) <= parameter.get("MaxValue", int(value)), name
        assert deploy["capabilities"] == "CAPABILITY_NAMED_IAM"
    assert config["prod"]["deploy"]["parameters"]["confirm_changeset"] is True
