"""The process stops after every single port call in turn; the ledger ends as if it never had."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from system import Files, Fuse, RememberedAnalysis, System, make_files

Stage = Callable[[System, Files], None]

# Stage by stage: the ledger after a stage is all that the next one starts from, so equality after each
# stage is equality at the end, at a third of the cost of running the whole flow for every call.
STAGES: dict[str, Stage] = {
    "register": lambda system, files: system.register(files),
    "scan": lambda system, files: system.upload(files),
    "report": lambda system, files: system.ask_report(),
    "compare again": lambda system, files: system.ask_again(),
}
# What happens undisturbed before a stage.
BEFORE: dict[str, Stage] = {"compare again": lambda system, files: system.register_more(files)}
CHUNKS = 8


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """For each stage: the store before it, the calls it makes, the ledger after it."""
    folder = tmp_path_factory.mktemp("faults")
    files = make_files(folder / "files")
    analysis = RememberedAnalysis(folder / "analysis")
    system = System(folder / "store", analysis)
    stages = {}
    for name, act in STAGES.items():
        if name in BEFORE:
            system.start()
            BEFORE[name](system, files)
            system.pump()
        before = folder / f"before-{name}"
        system.database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copytree(system.home, before)
        system.start(Fuse())
        act(system, files)
        system.pump()
        stages[name] = (before, list(system.fuse.calls), system.snapshot())
        assert system.left_over() == {"messages": 0, "folders": 0, "dead": 0}
    return files, analysis, stages


def test_the_stages_do_what_they_are_named_for(undisturbed) -> None:
    _, _, stages = undisturbed
    after = {name: snapshot for name, (_, _, snapshot) in stages.items()}
    verdicts = {name: sum(" VERD#" in key for key in found) for name, found in after.items()}
    assert verdicts == {"register": 0, "scan": 3, "report": 3, "compare again": 5}
    # The stranger is registered by now, and its file has its use; the line-up of the second piece is complete.
    codes = [value["code"] for key, value in after["compare again"].items() if " FIND#" in key]
    assert sorted(codes) == ["N1", "U1", "U1", "U3", "X2", "X2"]
    ended = [value for key, value in after["compare again"].items() if value.get("status") == "ended"]
    assert [value["code"] for value in ended] == ["N1"]


@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("stage", STAGES)
def test_a_stop_after_any_port_call_changes_nothing(
    undisturbed, tmp_path: Path, stage: str, chunk: int
) -> None:
    files, analysis, stages = undisturbed
    before, calls, wanted = stages[stage]
    assert len(calls) > 20
    for after in range(1 + chunk, len(calls) + 1, CHUNKS):
        home = tmp_path / str(after)
        shutil.copytree(before, home)
        system = System(home, analysis)
        STAGES[stage](system, files)
        system.start(Fuse(after))
        assert system.survive() == 1, f"call {after} of {stage} was never reached"
        place = f"stopped after call {after} of {len(calls)} in {stage}: {calls[after - 1]}"
        got = system.snapshot()
        assert {key for key in wanted.keys() ^ got.keys()} == set(), place
        assert {key: (wanted[key], got[key]) for key in wanted if wanted[key] != got[key]} == {}, place
        assert system.left_over()["messages"] == 0, place
        assert system.left_over()["dead"] == 0, place
        shutil.rmtree(home)
