"""Event patterns, as Lambda's documentation gives them."""

from __future__ import annotations

import pytest

from rightscan.adapters.local.patterns import matches, unknown_parts

EVENT = {
    "eventName": "INSERT",
    "dynamodb": {"NewImage": {"kind": {"S": "media"}, "n": {"N": "3"}, "none": None}},
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({}, True),
        ({"eventName": ["INSERT"]}, True),
        ({"eventName": ["REMOVE", "INSERT"]}, True),
        ({"eventName": ["REMOVE"]}, False),
        ({"eventName": []}, False),
        ({"missing": ["x"]}, False),
        ({"missing": [None]}, False),
        ({"dynamodb": {"NewImage": {"none": [None]}}}, True),
        ({"dynamodb": {"NewImage": {"kind": {"S": ["media"]}}}, "eventName": ["INSERT"]}, True),
        ({"dynamodb": {"NewImage": {"kind": {"S": ["media"]}}}, "eventName": ["MODIFY"]}, False),
        ({"dynamodb": {"OldImage": {"kind": {"S": ["media"]}}}}, False),
        ({"eventName": {"deeper": ["x"]}}, False),
        ({"eventName": [{"prefix": "INS"}]}, True),
        ({"eventName": [{"prefix": "NS"}]}, False),
        ({"dynamodb": {"NewImage": {"none": [{"prefix": ""}]}}}, False),
        ({"dynamodb": {"OldImage": [{"exists": False}]}}, True),
        ({"dynamodb": {"NewImage": [{"exists": True}]}}, True),
        ({"eventName": [{"exists": False}]}, False),
        ({"eventName": [{"anything-but": ["REMOVE", "MODIFY"]}]}, True),
        ({"eventName": [{"anything-but": "INSERT"}]}, False),
        ({"missing": [{"anything-but": "x"}]}, False),
    ],
)
def test_a_pattern_lets_pass_what_has_one_of_its_values(pattern, expected):
    assert unknown_parts(pattern) == []
    assert matches(pattern, EVENT) is expected


@pytest.mark.parametrize(
    "pattern",
    [
        {"a": "scalar"},
        {"a": [{"numeric": [">", 1]}]},
        {"a": {"b": [1, {"suffix": "x"}]}},
        {"$or": [{"a": ["x"]}, {"b": ["x"]}]},
    ],
)
def test_what_is_not_understood_is_named(pattern):
    assert unknown_parts(pattern)
