"""Who reaches the templates of performers: one function, whom scan and people may ask and nobody else."""

from __future__ import annotations

import pytest
from template_document import listed, target

VAULT = {"VaultTable", "VaultKeysTable", "VaultKey"}


def statements(template):
    """(role, statement) of every statement of a role's policies."""
    for name, role in template.of_type("AWS::IAM::Role").items():
        for policy in role.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


def reached(template, *resources):
    return {
        role
        for role, statement in statements(template)
        if {target(resource) for resource in listed(statement["Resource"])} & set(resources)
    }


def test_likeness_alone_reaches_the_vault(template):
    assert reached(template, *VAULT) == {"LikenessRole"}


@pytest.mark.parametrize("role", ["ReportRole", "ScanRole", "MatchRole", "OperatorRole"])
def test_others_have_no_right_to_its_tables_or_its_key(template, role):
    for name, statement in statements(template):
        if name == role:
            assert not {target(resource) for resource in listed(statement["Resource"])} & VAULT


def test_scan_and_people_may_ask_likeness_and_report_and_match_may_not(template):
    assert reached(template, "LikenessFunction") == {"ScanRole", "OperatorRole"}
    for _, statement in statements(template):
        if "LikenessFunction" in {target(resource) for resource in listed(statement["Resource"])}:
            assert listed(statement["Action"]) == ["lambda:InvokeFunction"]


def test_likeness_reaches_no_media_and_no_export(template):
    buckets = set(template.of_type("AWS::S3::Bucket"))
    queues = set(template.of_type("AWS::SQS::Queue"))
    assert "LikenessRole" not in reached(template, *buckets, *queues)
    assert template.events("LikenessFunction") == {}  # nobody else's event calls it


def test_templates_and_keys_are_deleted_by_their_names_and_the_log_never(template):
    found = {}
    for role, statement in statements(template):
        if "dynamodb:DeleteItem" in listed(statement["Action"]):
            assert role == "LikenessRole"
            assert listed(statement["Action"]) == ["dynamodb:DeleteItem"]
            assert statement["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}
            keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            found[target(statement["Resource"])] = keys
    assert found == {"VaultTable": ["V#*", "LIVE#*"], "VaultKeysTable": ["K#*"]}


def test_of_the_keys_no_copy_is_made(template):
    tables = template.of_type("AWS::DynamoDB::Table")
    assert "PointInTimeRecoverySpecification" not in tables["VaultKeysTable"]
    assert tables["VaultTable"]["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
    for name in ("VaultTable", "VaultKeysTable"):
        # Neither a stream nor a replica carries templates elsewhere.
        assert not {"StreamSpecification", "Replicas"} & set(tables[name]), name
    assert not [r for r in template.resources.values() if r["Type"] == "AWS::DynamoDB::GlobalTable"]
    assert not [r for r in template.resources.values() if r["Type"].startswith("AWS::Backup::")]


def test_the_vaults_key_admits_no_service(template):
    (statement,) = template.resources["VaultKey"]["Properties"]["KeyPolicy"]["Statement"]
    assert set(statement["Principal"]) == {"AWS"}


def test_the_log_of_accesses_ends_by_its_time_to_live(template):
    table = template.of_type("AWS::DynamoDB::Table")["VaultTable"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
