"""The event bus, on SQLite and on EventBridge."""

from __future__ import annotations

import pytest

from rightscan.errors import PermanentError
from rightscan.records.messages import MAX_EVENT_BYTES, ExportReady, FindingRecorded
from rightscan.records.objects import ObjectRef


def finding(**changes):
    facts = {"media_id": "m" * 64, "verdict_id": "v", "state": "matched", "codes": ("U1", "N1")}
    return FindingRecorded(**{**facts, **changes})


def test_an_event_is_announced_under_its_type(backend):
    events = backend.events()
    manifest = ObjectRef(bucket="exports", key="2026-11/보고.xlsx", version="v1")
    ready = ExportReady(report_id="r", period="2026-11", version=2, manifest=manifest)
    events.publish(finding())
    events.publish(ready)
    assert sorted(backend.published(), key=repr) == sorted(
        [
            (
                "finding.recorded",
                {"media_id": "m" * 64, "verdict_id": "v", "state": "matched", "codes": ["U1", "N1"]},
            ),
            (
                "export.ready",
                {"report_id": "r", "period": "2026-11", "version": 2, "manifest": manifest.to_json()},
            ),
        ],
        key=repr,
    )
    assert backend.published() == []


def test_too_large_an_event_is_refused(backend):
    events = backend.events()
    with pytest.raises(PermanentError) as caught:
        events.publish(finding(codes=("x" * MAX_EVENT_BYTES,)))
    assert caught.value.code == "event_too_large"
    assert backend.published() == []
