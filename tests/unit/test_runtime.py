"""The composition root: limits within a function's memory, queues that a function was not given."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rightscan import runtime
from rightscan.engines import EngineSettings
from rightscan.errors import TransientError, UsageError
from rightscan.media.limits import Limits
from system import ROOT

AWS = {"RIGHTSCAN_BACKEND": "aws", "RIGHTSCAN_TABLE": "table", "AWS_DEFAULT_REGION": "ap-northeast-2"}


@pytest.mark.parametrize(("memory_mb", "limit_mb"), [("3008", 2608), ("10240", 3072), ("", 3072)])
def test_the_decoder_stays_within_the_functions_memory(memory_mb: str, limit_mb: int) -> None:
    world = runtime.compose({**AWS, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory_mb})
    assert world.settings.limits.decode_memory_bytes == limit_mb << 20
    assert world.settings.limits.max_duration_s == Limits().max_duration_s


def test_a_queue_that_the_deployment_forgot_sends_the_message_back_and_does_not_drop_it() -> None:
    world = runtime.compose({**AWS, "RIGHTSCAN_MATCH_QUEUE": "https://sqs.local/1/match"})
    with pytest.raises(TransientError) as told:
        world.match_backfill_queue.send({"media_id": "x"})
    assert told.value.code == "queue_not_wired"
    assert "RIGHTSCAN_MATCH_BACKFILL_QUEUE" in told.value.remedy


def test_each_queue_of_the_composition_is_one_of_the_template() -> None:
    from system import wiring

    names = {runtime._queue_name(name) for name in runtime.QUEUES}
    assert names == {name for name, queue in wiring().queues.items() if queue.dead_letters is not None}


@pytest.mark.parametrize(
    "environment",
    [{"RIGHTSCAN_BACKEND": "gcp"}, {"RIGHTSCAN_BACKEND": "aws"}, {**AWS, "RIGHTSCAN_UNITS_PER_DAY": "many"}],
)
def test_an_environment_that_makes_no_sense_is_told(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError) as told:
        runtime.compose(environment)
    assert told.value.code == "bad_environment"


def test_a_workspace_is_gone_however_the_work_ends(tmp_path: Path) -> None:
    workspaces = runtime.Workspaces(tmp_path)

    def work() -> None:
        with workspaces() as folder:
            (folder / "upload").write_bytes(b"x")
            raise ValueError("bug")

    with pytest.raises(ValueError, match="bug"):
        work()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sweep", [True, False])
def test_what_a_function_left_at_its_time_limit_is_removed_by_the_next(tmp_path: Path, sweep: bool) -> None:
    cache = tmp_path / "rightscan-index"
    cache.mkdir()
    with runtime.Workspaces(tmp_path)() as in_use:
        left = tmp_path / f"{in_use.name}-killed"
        left.mkdir()
        with runtime.Workspaces(tmp_path, sweep=sweep)() as own:
            assert own.is_dir()
            assert left.exists() is not sweep
            assert in_use.is_dir()
    assert cache.is_dir()


@pytest.mark.parametrize("function", ["stack-scan", None])
def test_only_a_function_sweeps_the_machines_folder(function: str | None) -> None:
    named = {} if function is None else {"AWS_LAMBDA_FUNCTION_NAME": function}
    assert runtime.compose({**AWS, **named}).workspace._sweeps is (function is not None)


def test_engines_are_on_as_the_environment_says() -> None:
    assert runtime.compose(AWS).settings.engines == EngineSettings()
    world = runtime.compose(
        {**AWS, "RIGHTSCAN_ENGINES": "provenance", "RIGHTSCAN_MODELS": "none", "RIGHTSCAN_SEPARATOR": "none"}
    )
    assert world.settings.engines == EngineSettings(lattice=False, models=())
    with pytest.raises(UsageError) as told:
        runtime.compose({**AWS, "RIGHTSCAN_ENGINES": "latice"})
    assert told.value.code == "bad_engine_settings"


def test_trust_anchors_come_as_text_or_as_a_file(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"
    (tmp_path / "anchors.pem").write_text(pem)
    for value in (pem, str(tmp_path / "anchors.pem")):
        assert runtime.engine_settings({"RIGHTSCAN_TRUST_ANCHORS": value}).anchors == pem
    with pytest.raises(UsageError) as told:
        runtime.engine_settings({"RIGHTSCAN_TRUST_ANCHORS": str(tmp_path / "none.pem")})
    assert told.value.code == "bad_environment"


def test_the_template_switches_the_engines_of_scan_alone() -> None:
    from system import wiring

    functions = wiring().functions
    scan = functions["ScanFunction"].environment
    assert runtime.engine_settings(scan) == EngineSettings()
    for name, function in functions.items():
        told = set(runtime.ENGINE_VARIABLES) & set(function.environment)
        # likeness holds what scan heard against the cohort of the same encoder.
        expected = {"RIGHTSCAN_VOICE_ENCODER"} if name == "LikenessFunction" else set()
        assert name == "ScanFunction" or told == expected, name


def test_a_persons_own_settings_come_before_the_templates(tmp_path: Path, monkeypatch) -> None:
    from rightscan.localrun.delivery import local_environment
    from system import wiring

    scan = wiring().functions["ScanFunction"]
    paths = runtime.LocalPaths(tmp_path)
    assert local_environment(scan, paths)["RIGHTSCAN_ENGINES"] == "lattice,provenance"
    monkeypatch.setenv("RIGHTSCAN_ENGINES", "none")
    off = runtime.engine_settings(local_environment(scan, paths))
    assert (off.lattice, off.provenance) == (False, False)


def test_a_scans_pipeline_changes_with_its_engines_and_the_fingerprints_does_not() -> None:
    from rightscan.jobs.versions import fingerprint_pipeline, scan_pipeline

    settings = [
        EngineSettings(),
        EngineSettings(lattice=False),
        EngineSettings(provenance=False),
        EngineSettings(anchors="-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"),
        EngineSettings(lattice=False, provenance=False, models=()),
    ]
    versions = {scan_pipeline(one) for one in settings}
    assert len(versions) == len(settings)
    assert fingerprint_pipeline() not in versions
    assert scan_pipeline(EngineSettings()) == scan_pipeline(EngineSettings())


def test_a_model_that_cannot_be_used_keeps_the_messages_waiting() -> None:
    from rightscan.jobs.versions import scan_pipeline

    with pytest.raises(TransientError) as told:
        scan_pipeline(EngineSettings(models=("nobody",)))
    assert told.value.code == "unknown_model"


_WITHOUT = """
import importlib.util, json, sys
absent = set(sys.argv[2].split(","))
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in absent:
            raise ImportError(name)
sys.meta_path.insert(0, Absent())
spec = importlib.util.spec_from_file_location("app", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
from rightscan import runtime
runtime.compose(json.loads(sys.argv[3]))
"""


@pytest.mark.parametrize(
    ("function", "absent"),
    [
        ("ingest", "numpy,av,onnxruntime,c2pa,cryptography"),
        ("counters", "numpy,av,onnxruntime,c2pa,tinytag,stdnum,cryptography"),
        ("report", "av,onnxruntime,c2pa,tinytag,cryptography"),
        ("match", "av,onnxruntime,c2pa,tinytag,stdnum,cryptography"),
        ("register", "onnxruntime,c2pa,cryptography"),
        ("scan", "matplotlib,stdnum"),
        ("likeness", "av,onnxruntime,c2pa,tinytag,matplotlib"),
    ],
)
def test_a_function_starts_without_what_it_does_not_carry(function: str, absent: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT, str(ROOT / f"functions/{function}/app.py"), absent, json.dumps(AWS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
