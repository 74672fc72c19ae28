"""What CloudWatch reads from a function's output: the embedded metric format, few dimensions, every name described."""

from __future__ import annotations

import contextlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from rightscan import runtime
from rightscan.handling import origin_of
from rightscan.localrun.delivery import Context, load_handler
from system import ROOT, RememberedAnalysis, System, wiring


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path / "store", RememberedAnalysis(tmp_path / "analysis"))


def emitted(system: System, function: str, name: str) -> list[dict]:
    """The metric lines that one invocation writes."""
    found = wiring().functions[function]
    message = json.loads((ROOT / f"events/{name}.json").read_text())
    world = replace(system.ports, meter=runtime.PowertoolsMeter())
    kept = io.StringIO()
    with runtime.use(world), contextlib.redirect_stdout(kept):
        load_handler(found)(message, Context(found))
    lines = [json.loads(line) for line in kept.getvalue().splitlines() if line.startswith("{")]
    return [line for line in lines if "_aws" in line]


@pytest.mark.parametrize(
    ("function", "name", "origin", "counts"),
    [
        ("IngestFunction", "ingest_object_created", "live", {"Ingest.gone": 1.0, "Incident.upload": 1.0}),
        ("IngestFunction", "ingest_backfill", "backfill", {"Ingest.gone": 1.0, "Incident.upload": 1.0}),
        ("IngestFunction", "ingest_test_event", "live", {"TestEvent": 1.0}),
        ("ScanFunction", "scan_requested", "live", {"Incident.event": 1.0}),
        ("RegisterFunction", "register_reference", "live", {"Reference.done_before": 1.0}),
        (
            "RegisterFunction",
            "register_catalogue",
            "live",
            {"Catalogue.failed": 1.0, "Incident.catalogue": 1.0},
        ),
        ("ReportFunction", "report_requested", "live", {"Report.ready": 1.0}),
    ],
)
def test_an_invocation_tells_what_it_did_by_function_and_origin(
    system: System, monkeypatch, function: str, name: str, origin: str, counts: dict[str, float]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "rightscan-dev")
    (line,) = emitted(system, function, name)
    (said,) = line["_aws"]["CloudWatchMetrics"]
    assert said["Namespace"] == "rightscan-dev"
    assert [sorted(dimensions) for dimensions in said["Dimensions"]] == [["origin", "service"]]
    service = function.removesuffix("Function").lower()
    assert (line["service"], line["origin"]) == (service, origin)
    assert {metric["Name"]: line[metric["Name"]] for metric in said["Metrics"]} == {
        metric: [value] for metric, value in counts.items()
    }


def test_the_origin_does_not_stay_for_the_next_invocation(system: System) -> None:
    (first,) = emitted(system, "IngestFunction", "ingest_backfill")
    (second,) = emitted(system, "IngestFunction", "ingest_object_created")
    assert (first["origin"], second["origin"]) == ("backfill", "live")


def test_an_invocation_without_a_metric_writes_none_and_warns_of_nothing(system: System, recwarn) -> None:
    assert emitted(system, "CountersFunction", "counters_media_finished") == []
    assert [str(warning.message) for warning in recwarn] == []


def test_the_queues_of_backfill_have_it_in_their_names() -> None:
    arn = "arn:aws:sqs:ap-northeast-2:000000000000:stack-{}-1A2B3C"
    origins = {source.queue: origin_of(arn.format(source.queue)) for source in wiring().queue_sources}
    assert {queue for queue, origin in origins.items() if origin == "backfill"} == {
        "BackfillQueue",
        "ScanBackfillQueue",
        "MatchBackfillQueue",
    }


def test_every_metric_is_described() -> None:
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    files = [*(ROOT / "functions").glob("*/app.py"), *(ROOT / "shared/rightscan").rglob("*.py")]
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    names = set(re.findall(r'meter\.count\(f?"([A-Za-z]+)[."]', source))
    assert names == {
        "TestEvent",
        "Ingest",
        "Scan",
        "Match",
        "Catalogue",
        "Reference",
        "Report",
        "Likeness",
        "Incident",
    }
    for name in names:
        assert re.search(rf"\| `{name}[.`]", page), name
