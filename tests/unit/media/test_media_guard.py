"""The guarded child: every way it can end, and that nothing of it is left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from rightscan import errors
from rightscan.errors import PermanentError, RightscanError, TransientError
from rightscan.media.guard import ChildError, run_guarded
from rightscan.media.limits import Limits

LIMITS = Limits(decode_cpu_s=60, decode_wall_s=120, decode_memory_bytes=1 << 30)


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "upload").write_bytes(b"the caller's own")
    return folder


def call(name: str, workdir: Path, limits: Limits = LIMITS, **arguments: object) -> dict[str, object]:
    try:
        return run_guarded(f"guard_targets:{name}", arguments, limits=limits, workdir=workdir)
    finally:
        assert [path.name for path in workdir.iterdir()] == ["upload"]


def code_of(name: str, workdir: Path, limits: Limits = LIMITS) -> str:
    with pytest.raises(PermanentError) as caught:
        call(name, workdir, limits)
    assert caught.value.remedy
    return caught.value.code


def test_a_result_comes_back(workdir: Path) -> None:
    seen = call("look_around", workdir, path="방송 🎵.mp3", count=3)
    assert seen["arguments"] == {"path": "방송 🎵.mp3", "count": 3}


def test_the_child_sees_no_secret(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    monkeypatch.setenv("RIGHTSCAN_HOME", "/somewhere/topsecret")
    with (workdir.parent / "open.txt").open("w"):
        seen = call("look_around", workdir)
    assert "topsecret" not in str(seen["environment"])
    wanted = "PATH LANG TMPDIR PYTHONPATH LD_LIBRARY_PATH OMP_NUM_THREADS OPENBLAS_NUM_THREADS LC_CTYPE"
    assert set(seen["environment"]) <= set(wanted.split())
    # Standard streams, the listing itself and what Python holds: no file of the parent's.
    assert len(seen["open"]) <= 4
    assert seen["core"] == [0, 0]
    assert seen["files"] == 64


def test_the_child_works_in_a_folder_of_its_own(workdir: Path) -> None:
    seen = call("look_around", workdir)
    assert Path(seen["folder"]).parent == workdir
    assert seen["temporary"] == seen["folder"]
    assert seen["folder"] not in seen["paths"]
    assert "" not in seen["paths"]


@pytest.mark.parametrize("name", ["leave_files", "chatter"])
def test_what_the_child_leaves_is_gone(name: str, workdir: Path) -> None:
    call(name, workdir)


@pytest.mark.parametrize("kind", ["PermanentError", "TransientError", "CancelledError", "UsageError"])
def test_declared_errors_keep_their_class(kind: str, workdir: Path) -> None:
    with pytest.raises(RightscanError) as caught:
        call("fail", workdir, **{"class": kind})
    assert type(caught.value) is getattr(errors, kind)
    assert (caught.value.code, caught.value.cause, caught.value.remedy) == ("some_code", "원인", "대책")


@pytest.mark.parametrize("name", ["leave_files_and_crash", "abort"])
def test_a_crash_is_the_files_fault(name: str, workdir: Path) -> None:
    assert code_of(name, workdir) == "decoder_crashed"


def test_limits_of_memory_output_and_time(workdir: Path) -> None:
    assert code_of("take_memory", workdir) == "decode_memory_limit"
    assert code_of("write_much", workdir, replace(LIMITS, output_bytes=1 << 20)) == "decode_output_limit"
    assert code_of("spin", workdir, replace(LIMITS, decode_cpu_s=1)) == "decode_time_limit"
    assert code_of("sleep", workdir, replace(LIMITS, decode_wall_s=0.5)) == "decode_time_limit"


@pytest.mark.parametrize(("name", "code"), [("be_killed", "child_stopped"), ("disk_full", "disk_full")])
def test_an_outage_is_not_the_files_fault(name: str, code: str, workdir: Path) -> None:
    with pytest.raises(TransientError) as caught:
        call(name, workdir)
    assert caught.value.code == code
    assert "비밀" not in str(caught.value)


def test_a_bug_is_neither_hidden_nor_blamed_on_the_file(workdir: Path) -> None:
    with pytest.raises(ChildError) as caught:
        call("fail_by_mistake", workdir)
    assert caught.value.args[0] == "ValueError"
    assert any("guard_targets.py" in place and "fail_by_mistake" in place for place in caught.value.places)
    assert "비밀" not in str(caught.value)
    with pytest.raises(ChildError):
        call("leave", workdir)
    with pytest.raises(ChildError):
        call("no_such_function", workdir)


@pytest.mark.kill
def test_the_child_dies_with_its_parent(workdir: Path) -> None:
    told = workdir.parent / "pid"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    parent = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("guard_targets.py")), str(told), str(workdir)],
        env=environment,
    )
    try:
        wait_until(told.exists)
        child = int(told.read_text())
        assert is_running(child)
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not is_running(child))


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_until(holds: object) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_ten_hours_of_silence_take_no_more_memory_than_minutes(workdir: Path) -> None:
    short, long = (call("decode_silence", workdir, hours=hours) for hours in (0.1, 10.0))
    assert long["complete"]
    assert long["silent"]
    assert long["hours"] > 9.99
    assert long["peak"] < short["peak"] + 8
