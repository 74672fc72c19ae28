"""What a catalogue is refused for before any of it lies in a bucket."""

from __future__ import annotations

import pytest

from rightscan import runtime
from rightscan.errors import PermanentError
from rightscan.jobs.submit import send_catalogue


def test_a_personal_number_is_named_by_its_row_and_never_repeated(tmp_path):
    path = tmp_path / "performers.csv"
    path.write_text("performer_id,name_ko,stage_name\nP-1,김민수,\nP-2,김민수,901010-1234567\n", "utf-8")
    ports = runtime.local_ports(tmp_path / "store", durable=False)
    with pytest.raises(PermanentError) as caught:
        send_catalogue(path, ports)
    assert caught.value.code == "personal_number"
    assert "performers.csv performers row 3" in caught.value.cause
    assert "1234567" not in str(caught.value)
    assert list(ports.objects.list(ports.settings.buckets.registrations)) == []
