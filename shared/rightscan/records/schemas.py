"""JSON Schemas of everything that crosses a boundary, written to ``events/schemas`` by ``make schemas``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import BaseModel

from rightscan.records import (
    conflicts,
    findings,
    media,
    messages,
    money,
    objects,
    operations,
    registers,
    results,
    reviews,
    vault,
)

PUBLISHED: tuple[type[BaseModel], ...] = (
    messages.UploadEvent,
    messages.ScanRequested,
    messages.MatchRequested,
    messages.ReferenceRequested,
    messages.ReportRequested,
    messages.ScheduledReport,
    messages.FindingRecorded,
    messages.ExportReady,
    objects.Upload,
    objects.CustodyEntry,
    media.Media,
    media.Scan,
    findings.Match,
    findings.Finding,
    findings.Use,
    findings.Verdict,
    conflicts.RecordingConflict,
    registers.Recording,
    registers.Performer,
    registers.LineupEntry,
    registers.Mandate,
    registers.Consent,
    registers.Licence,
    registers.Reference,
    registers.Registration,
    operations.Incident,
    operations.Pointer,
    operations.Report,
    reviews.Case,
    reviews.Review,
    reviews.Dispute,
    reviews.Appeal,
    money.PoolShares,
    money.AttributionChange,
    vault.VoicesHeard,
    vault.Suppression,
    vault.AccessEntry,
    vault.EnrolResult,
    results.ScanResult,
    results.ClassifyResult,
    results.RegisterResult,
    results.ExplainResult,
    conflicts.ConflictResult,
)


def schemas() -> dict[str, str]:
    """File name to content."""
    return {
        f"{model.__name__}.json": json.dumps(model.model_json_schema(), indent=2, ensure_ascii=False) + "\n"
        for model in PUBLISHED
    }


def write(folder: Path) -> None:
    """Write all schemas into a folder and remove those of models that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = schemas()
    for path in folder.glob("*.json"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
