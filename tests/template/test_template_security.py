"""Who may do what, what is encrypted, what is public (nothing), what is kept."""

from __future__ import annotations

import re

import pytest
from template_document import listed, target

WILDCARD_RESOURCES = {
    "DataKey": "in a key's policy * means this key; IAM has no other form",
    "LogsKey": "in a key's policy * means this key; IAM has no other form",
    "VaultKey": "in a key's policy * means this key; IAM has no other form",
}

HOLDS_NOTHING = {
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::IAM::Role",
    "AWS::KMS::Alias",
    "AWS::KMS::Key",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::Scheduler::ScheduleGroup",
}

SERVICE_KEYS = {
    "AWS::Events::EventBus": "events carry references; EventBridge encrypts them under its own key",
    "AWS::Events::Archive": "as the bus",
    "AWS::Scheduler::Schedule": "its input is the word previous",
    "AWS::Serverless::Function": "environments hold names and limits; code is this repository",
    "AWS::Serverless::LayerVersion": "published packages",
    "AccessLogsBucket": "S3 delivers access logs only under SSE-S3",
}

KEY_OF = {
    "AWS::DynamoDB::Table": lambda p: p["SSESpecification"]["KMSMasterKeyId"],
    "AWS::Logs::LogGroup": lambda p: p["KmsKeyId"],
    "AWS::S3::Bucket": lambda p: p["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
        "ServerSideEncryptionByDefault"
    ]["KMSMasterKeyID"],
    "AWS::SNS::Topic": lambda p: p["KmsMasterKeyId"],
    "AWS::SQS::Queue": lambda p: p["KmsMasterKeyId"],
    "AWS::SecretsManager::Secret": lambda p: p["KmsKeyId"],
}

VAULT = {"VaultTable", "VaultKeysTable"}
LOGS = {"AWS::Logs::LogGroup", "AWS::SNS::Topic"}


def policies(template):
    """(resource, statement) of every policy document in the template."""
    for name, resource in template.resources.items():
        properties = resource.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        documents += [
            properties[k]
            for k in ("PolicyDocument", "KeyPolicy", "AssumeRolePolicyDocument")
            if k in properties
        ]
        for document in documents:
            for statement in document["Statement"]:
                yield name, statement


def test_encryption_of_everything_that_holds_something(template):
    for name, resource in template.resources.items():
        kind = resource["Type"]
        if kind in HOLDS_NOTHING or kind in SERVICE_KEYS or name in SERVICE_KEYS:
            continue
        assert kind in KEY_OF, f"{name}: say in this test how a {kind} is encrypted"
        expected = "LogsKey" if kind in LOGS else "VaultKey" if name in VAULT else "DataKey"
        assert target(KEY_OF[kind](resource["Properties"])) == expected, name


def test_keys_rotate(template):
    assert all(key["EnableKeyRotation"] is True for key in template.of_type("AWS::KMS::Key").values())


def test_no_statement_names_every_resource(template):
    for name, statement in policies(template):
        if statement["Effect"] == "Allow" and "*" in listed(statement.get("Resource", [])):
            assert name in WILDCARD_RESOURCES, (name, statement)


def test_no_statement_allows_every_action_or_everybody(template):
    for name, statement in policies(template):
        if statement["Effect"] != "Allow":
            continue
        for action in listed(statement["Action"]):
            assert "*" not in action or (name in WILDCARD_RESOURCES and action == "kms:*"), (name, action)
        assert statement.get("Principal") not in ("*", {"AWS": "*"}), name


def test_a_service_that_sends_on_our_behalf_is_bound_to_this_account(template):
    # lambda.amazonaws.com and logs' own encryption context are bound otherwise.
    for name, statement in policies(template):
        service = (
            (statement.get("Principal") or {}).get("Service") if statement["Effect"] == "Allow" else None
        )
        if service is None or service == "lambda.amazonaws.com" or isinstance(service, dict):
            continue
        assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == {"Ref": "AWS::AccountId"}, name


@pytest.mark.parametrize("kind", ["AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SNS::Topic"])
def test_tls_only(template, kind):
    refused = {
        target(resource)
        for _, statement in policies(template)
        if statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for resource in listed(statement["Resource"])
    }
    assert set(template.of_type(kind)) <= refused


def test_a_bucket_policy_covers_bucket_and_objects(template):
    for name, policy in template.of_type("AWS::S3::BucketPolicy").items():
        bucket = target(policy["Bucket"])
        (deny,) = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Deny"]
        assert deny["Resource"] == [
            {"Fn::GetAtt": [bucket, "Arn"]},
            {"Fn::Sub": f"${{{bucket}.Arn}}/*"},
        ], name


def test_no_bucket_is_public_and_each_is_versioned_and_cleaned(template):
    for name, bucket in template.of_type("AWS::S3::Bucket").items():
        block = bucket["PublicAccessBlockConfiguration"]
        assert block == dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"), True
        ), name
        assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}], name
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, name
        rules = bucket["LifecycleConfiguration"]["Rules"]
        assert any("AbortIncompleteMultipartUpload" in rule for rule in rules), name
        if name != "AccessLogsBucket":  # a bucket that logs into itself never stops
            assert target(bucket["LoggingConfiguration"]["DestinationBucketName"]) == "AccessLogsBucket", name


def test_no_lifecycle_rule_deletes_a_current_object_of_the_work(template):
    for name, bucket in template.of_type("AWS::S3::Bucket").items():
        deletes = [r for r in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in r]
        assert bool(deletes) == (name == "AccessLogsBucket"), name


def test_the_longest_bucket_name_fits(template, root):
    import tomllib

    stacks = [
        environment["global"]["parameters"].get("stack_name", "")
        for environment in tomllib.loads((root / "samconfig.toml").read_text()).values()
        if isinstance(environment, dict)
    ]
    longest = max(stacks, key=len)
    for name, bucket in template.of_type("AWS::S3::Bucket").items():
        text = bucket["BucketName"]["Fn::Sub"]
        text = text.replace("${AWS::StackName}", longest).replace("${AWS::AccountId}", "0" * 12)
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", text), name


def test_what_holds_records_survives_the_stack(template):
    keeps = {"AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::SecretsManager::Secret"}
    for name, resource in template.resources.items():
        if resource["Type"] in keeps:
            assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain"), name


def test_the_table(template):
    from rightscan.adapters.items import INDEXES

    table = template.of_type("AWS::DynamoDB::Table")["RecordsTable"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["PK", "SK"]
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert set(indexes) == set(INDEXES)
    for name, index in indexes.items():
        assert index["KeySchema"] == [
            {"AttributeName": f"{name}_pk", "KeyType": "HASH"},
            {"AttributeName": f"{name}_sk", "KeyType": "RANGE"},
        ]
    assert table["DeletionProtectionEnabled"] == {"Fn::If": ["IsProd", True, False]}
