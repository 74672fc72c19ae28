"""Retention is data, and the places that end something by themselves name the same time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rightscan.adapters import ledger, vault
from rightscan.rights.consents import Consent, ConsentState, consent_state
from rightscan.rights.retention import retention

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)


def test_times_stand_once():
    rules = retention()
    assert timedelta(days=rules["access_log"].days) == vault.LOG_KEPT
    assert timedelta(days=rules["likeness_result"].days) == ledger._VOICES_KEPT
    assert rules["template"].days == 1  # within 24 h
    assert {rule.by for rule in rules.values()} == {"purge", "lifecycle", "call", "never"}


@pytest.mark.parametrize(
    ("rows", "state"),
    [
        ([], "absent"),
        ([{"kind": "C2"}], "absent"),
        ([{}], "in_force"),
        ([{"text_sha256": ""}], "without_text"),
        ([{"withdrawn_at": NOW}], "withdrawn"),
        ([{"withdrawn_at": NOW + timedelta(seconds=1)}], "in_force"),
        ([{"valid_to": NOW.date() - timedelta(days=1)}], "ended"),
        ([{"valid_to": NOW.date()}], "in_force"),
        ([{"valid_from": NOW.date() + timedelta(days=1)}], "not_yet"),
        ([{"withdrawn_at": NOW}, {}], "in_force"),
    ],
)
def test_a_consent_stands_by_its_day_text_and_withdrawal(rows, state):
    consents = [Consent(**({"kind": "C1", "text_sha256": "ab"} | row)) for row in rows]
    assert consent_state(consents, "C1", NOW) is ConsentState(state)
