"""The exported schemas are those of the code."""

from __future__ import annotations

from rightscan.records.schemas import schemas
from system import ROOT


def test_schemas_have_not_drifted() -> None:
    folder = ROOT / "events" / "schemas"
    kept = {path.name: path.read_text("utf-8") for path in folder.glob("*.json")}
    assert kept == schemas(), "run: make schemas"
