"""Functions: what each is told, what its role may do, where it logs, how it is packed."""

from __future__ import annotations

import pytest
from template_document import listed, target

# What the environment names, the right that goes with it.
NEEDS = {
    "AWS::DynamoDB::Table": "dynamodb:PutItem",
    "AWS::S3::Bucket": "s3:GetObject",
    "AWS::SQS::Queue": "sqs:SendMessage",
    "AWS::Events::EventBus": "events:PutEvents",
    "AWS::SecretsManager::Secret": "secretsmanager:GetSecretValue",
    "AWS::KMS::Key": "kms:GenerateDataKey",
    "AWS::Serverless::Function": "lambda:InvokeFunction",
}

RIGHTS = {
    "dynamodb:GetItem",
    "dynamodb:BatchGetItem",
    "dynamodb:Query",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "events:PutEvents",
    "kms:Decrypt",
    "kms:GenerateDataKey",
    "lambda:InvokeFunction",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "s3:ListBucket",
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "secretsmanager:GetSecretValue",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:SendMessage",
}
"""All that any function may do; nothing deletes an object or a record, nothing changes a resource."""

DELETES = {("LikenessFunction", "VaultTable"), ("LikenessFunction", "VaultKeysTable")}
"""A withdrawal removes templates and keys: test_template_vault.py says which."""


def role(template, function):
    return template.resources[target(template.functions[function]["Role"])]["Properties"]


def reach(template, function):
    """Logical id to the actions that the function's role allows on it."""
    found = {}
    for policy in role(template, function)["Policies"]:
        for statement in policy["PolicyDocument"]["Statement"]:
            for resource in listed(statement["Resource"]):
                found.setdefault(target(resource), set()).update(listed(statement["Action"]))
    assert None not in found, function
    return found


def fed_by(template, function):
    """The queues and tables whose events call the function, and where its failures go."""
    found = set()
    for event in template.events(function).values():
        properties = event["Properties"]
        found.add(target(properties.get("Queue") or properties.get("Stream")))
        if "DestinationConfig" in properties:
            found.add(target(properties["DestinationConfig"]["OnFailure"]["Destination"]))
    return found


def names(template):
    return list(template.functions)


def test_each_folder_is_a_function_and_each_function_a_folder(template, root):
    folders = {path.parent.relative_to(root) for path in root.glob("functions/*/app.py")}
    assert {template.folder(function) for function in template.functions} == folders


def test_each_function_has_a_role_of_its_own_for_lambda_alone(template):
    roles = [target(properties["Role"]) for properties in template.functions.values()]
    assert len(set(roles)) == len(roles)
    for function in template.functions:
        (trust,) = role(template, function)["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert "ManagedPolicyArns" not in role(template, function)
        assert "Policies" not in template.functions[function]


def test_a_function_is_told_of_what_its_role_reaches_and_of_nothing_else(template):
    for function in template.functions:
        told = {
            target(value)
            for name, value in template.environment(function).items()
            if name.startswith("RIGHTSCAN_") and target(value) in template.resources
        }
        own = {"DataKey", f"{function.removesuffix('Function')}LogGroup"}
        reached = reach(template, function)
        assert own <= set(reached)
        # A queue may feed the function and be sent to as well; then the environment names it too.
        received = {
            name for name in fed_by(template, function) if name not in told and name != "RecordsTable"
        }
        assert set(reached) - own - received == told, function
        for name in told:
            assert NEEDS[template.resources[name]["Type"]] in reached[name], (function, name)


def test_event_sources_are_in_reach(template):
    for function in template.functions:
        reached = reach(template, function)
        for event in template.events(function).values():
            if event["Type"] == "SQS":
                queue = target(event["Properties"]["Queue"])
                assert {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"} <= reached[queue]
            else:
                assert {"dynamodb:GetRecords", "dynamodb:DescribeStream"} <= reached["RecordsTable"]
                failures = target(event["Properties"]["DestinationConfig"]["OnFailure"]["Destination"])
                assert "sqs:SendMessage" in reached[failures]


def test_no_right_outside_the_list(template):
    for function in template.functions:
        for resource, actions in reach(template, function).items():
            more = {"dynamodb:DeleteItem"} if (function, resource) in DELETES else set()
            assert actions <= RIGHTS | more, (function, resource)


RECORDS = {
    "IngestFunction": {"RecordsTable": {"GetItem", "Query", "PutItem"}},
    "ScanFunction": {"RecordsTable": {"GetItem", "Query", "PutItem"}},
    "MatchFunction": {"RecordsTable": {"GetItem", "Query", "PutItem"}},
    # References that wait lie in the index of work, whose entries are keys only: the items are read in batches.
    "RegisterFunction": {
        "RecordsTable": {"GetItem", "BatchGetItem", "Query", "PutItem"},
        "RecordsTable/index/work": {"Query"},
    },
    "ReportFunction": {
        "RecordsTable": {"GetItem", "Query", "PutItem"},
        "RecordsTable/index/period": {"Query"},
    },
    "LikenessFunction": {
        "RecordsTable": {"GetItem", "Query", "PutItem"},
        "VaultTable": {"GetItem", "Query", "PutItem", "DeleteItem"},
        "VaultKeysTable": {"GetItem", "PutItem", "DeleteItem"},
    },
    # A count and the id that was counted are one transaction.
    "CountersFunction": {"RecordsTable": {"PutItem", "UpdateItem"}},
}
"""What the code of each function asks of the table; tests/e2e/test_deployed_template.py runs them under it."""


def test_rights_on_records_are_those_that_the_code_uses(template):
    stream = {"DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"}
    for function in template.functions:
        found: dict[str, set[str]] = {}
        for policy in role(template, function)["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                actions = {
                    a.removeprefix("dynamodb:") for a in listed(statement["Action"]) if "dynamodb:" in a
                }
                for resource in listed(statement["Resource"]):
                    if actions - stream:
                        found.setdefault(table_part(resource), set()).update(actions)
        assert found == RECORDS[function], function


def table_part(resource):
    """``RecordsTable``, or ``RecordsTable/index/work``."""
    text = resource.get("Fn::Sub")
    return target(resource) if text is None else text.replace("${RecordsTable.Arn}", "RecordsTable")


def test_uploads_and_registrations_are_only_read(template):
    for function in template.functions:
        for bucket in ("UploadsBucket", "RegistrationsBucket"):
            assert "s3:PutObject" not in reach(template, function).get(bucket, set()), (function, bucket)


def test_only_ingest_reads_the_pseudonym_key(template):
    readers = {
        function for function in template.functions if "UploaderKeySecret" in reach(template, function)
    }
    assert readers == {"IngestFunction"}


def test_the_roles_a_matching_function_has_read_no_upload(template):
    # ingest and match never decode media; scan never looks at rights.
    assert "UploadsBucket" not in reach(template, "MatchFunction")
    assert "RegistrationsBucket" not in reach(template, "ScanFunction")


def test_each_function_has_a_log_group_with_an_end_and_a_key(template):
    groups = template.of_type("AWS::Logs::LogGroup")
    used = []
    for function, properties in template.functions.items():
        name = target(properties["LoggingConfig"]["LogGroup"])
        used.append(name)
        assert groups[name]["RetentionInDays"] == {"Ref": "LogRetentionDays"}, function
        # With JSON lines Lambda has a level of its own, INFO where none is given, which overrules LOG_LEVEL.
        assert properties["LoggingConfig"]["LogFormat"] == "JSON", function
        assert properties["LoggingConfig"]["ApplicationLogLevel"] == {"Ref": "LogLevel"}, function
        assert (
            groups[name]["LogGroupName"]["Fn::Sub"] == "/aws/lambda/" + properties["FunctionName"]["Fn::Sub"]
        )
        assert reach(template, function)[name] == {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert sorted(used) == sorted(groups)


def test_no_log_level_drops_the_metrics(template):
    # Metrics are log lines without a level, which Lambda takes for INFO.
    assert template.parameters["LogLevel"]["AllowedValues"] == ["DEBUG", "INFO"]


def test_zip_functions_run_on_arm_and_images_on_x86(template):
    for function, properties in template.functions.items():
        metadata = template.resources[function]["Metadata"]
        if properties.get("PackageType") == "Image":
            assert properties["Architectures"] == ["x86_64"], function
            assert properties["ImageConfig"] == {"Command": ["app.handler"]}, function
            assert metadata["DockerContext"] == "."
        else:
            assert properties["Architectures"] == ["arm64"], function
            assert properties["Runtime"] == "python3.13", function
            assert properties["Handler"] == "app.handler", function
            assert [target(layer) for layer in properties["Layers"]] == ["CoreLayer"], function
            # The makefile builder takes shared/ along; SAM's own would drop it silently.
            assert metadata == {"BuildMethod": "makefile", "ContextPath": ".", "WorkingDirectory": "."}
    layer = template.resources["CoreLayer"]
    assert layer["Metadata"]["BuildArchitecture"] == "arm64"
    assert layer["Properties"]["CompatibleArchitectures"] == ["arm64"]


def test_time_limits(template):
    for function, properties in template.functions.items():
        assert 1 <= properties["Timeout"] <= 900, function
        assert 128 <= properties["MemorySize"] <= 10240, function


def test_variables_are_those_that_the_runtime_reads(template, root):
    source = "".join(path.read_text() for path in (root / "shared/rightscan").rglob("*.py"))
    known = {"RIGHTSCAN_UPLOADS_BUCKET", "RIGHTSCAN_REGISTRATIONS_BUCKET", "RIGHTSCAN_WORK_BUCKET"}
    known |= {"RIGHTSCAN_EXPORTS_BUCKET"}  # composed from their stems, as the queues' are
    for function in template.functions:
        for name in template.environment(function):
            if name.startswith("RIGHTSCAN_") and not name.endswith("_QUEUE") and name not in known:
                assert f'"{name}"' in source, (function, name)


@pytest.mark.parametrize("function", ["scan", "match", "register"])
def test_a_dockerfile_holds_from_copy_and_the_makefile_call(root, function):
    lines = [
        line
        for line in (root / f"functions/{function}/Dockerfile").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    words = [line.split()[0] for line in lines]
    assert set(words) == {"FROM", "COPY", "RUN"}
    (run,) = [line for line in lines if line.startswith("RUN")]
    assert run == f"RUN make image-root TARGET={function} FFMPEG=build DEST=/image"
