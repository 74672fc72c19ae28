"""Conflicts between recordings in the ledger: found from either side, listed while open, one ISRC's recordings."""

from __future__ import annotations

import pytest
import record_samples as sample
from record_samples import NOW, later

from rightscan.adapters.ledger import RecordLedger
from rightscan.records.conflicts import RecordingConflict
from rightscan.records.registers import IdentifierRecord

ISRC = IdentifierRecord(value="KRA402600001", outcome="valid_syntax")


@pytest.fixture
def ledger(backend):
    return RecordLedger(backend.items())


def conflict(number: int = 0, **changes) -> RecordingConflict:
    values = {
        "conflict_id": f"c-{number}",
        "kind": "same_sound",
        "recording_ids": ("R-1", "R-2"),
        "found_at": later(number),
    }
    return RecordingConflict(**{**values, **changes})


def test_a_conflict_is_found_from_both_recordings_and_listed_once(ledger):
    ledger.put_conflict(conflict())
    ledger.put_conflict(conflict())
    assert ledger.conflicts_of("R-1") == ledger.conflicts_of("R-2") == [conflict()]
    assert list(ledger.open_conflicts()) == [conflict()]
    assert ledger.conflicts_of("R-3") == []


def test_a_conflict_of_a_file_lies_with_the_file_and_an_ended_one_is_not_listed(ledger):
    span = {"kind": "shared_span", "media_id": "a" * 64, "media_start": 1.0, "media_end": 9.5}
    first, second = conflict(1, **span), conflict(2, **span)
    for one in (second, first):
        ledger.put_conflict(one)
    assert ledger.conflicts_in("a" * 64) == [first, second]
    assert ledger.conflicts_of("R-1") == []
    assert list(ledger.open_conflicts()) == [first, second]
    ended = first.model_copy(update={"status": "ended", "ended_at": NOW})
    ledger.put_conflict(ended)
    assert ledger.conflicts_in("a" * 64) == [ended, second]
    assert list(ledger.open_conflicts()) == [second]
    ledger.put_conflict(first)
    assert list(ledger.open_conflicts()) == [first, second]


def test_the_recordings_of_an_isrc_are_those_that_carry_it_now(ledger):
    for recording_id in ("R-1", "R-2"):
        ledger.save_register_row(sample.recording(recording_id, isrc=ISRC))
    ledger.save_register_row(sample.recording("R-3", isrc=ISRC.model_copy(update={"outcome": "invalid"})))
    assert [r.recording_id for r in ledger.recordings_with_isrc(ISRC.value)] == ["R-1", "R-2"]
    ledger.save_register_row(sample.recording("R-1"))
    assert [r.recording_id for r in ledger.recordings_with_isrc(ISRC.value)] == ["R-2"]
    assert ledger.recordings_with_isrc("KRA402600099") == []
