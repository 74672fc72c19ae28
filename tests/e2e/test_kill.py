"""Real processes, real SIGKILLs: the local runtime is killed at random moments and started again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rightscan import runtime
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.wiring import apply
from rightscan.localrun.session import LocalSession
from system import PERIOD, ROOT, Files, System, make_files, wiring

KILLS = int(os.environ.get("RIGHTSCAN_KILLS", "5"))


def start(home: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "rightscan.localrun.supervisor", "--home", str(home)]
    command += ["--template", str(ROOT / "template.yaml"), "--cores", "2"]
    return subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, cwd=ROOT
    )


def kill(process: subprocess.Popen) -> None:
    """Kill the supervisor alone: its workers and their decoders must not outlive it."""
    process.send_signal(signal.SIGKILL)
    process.wait()


def facts(system: Store) -> dict:
    """What must be the same however often the process died."""
    found = {}
    for upload in system.ports.ledger.uploads():
        media = system.ports.ledger.media(upload.media_id)
        findings = system.ports.ledger.findings(upload.media_id)
        uses = [use.use_id for use in system.ports.ledger.uses(upload.media_id) if use.upload == upload.ref]
        chain = [entry.action for entry in system.ports.ledger.custody(upload.ref)]
        found[upload.ref.key] = (
            media.state.value,
            sorted(f.finding_id + f.code for f in findings),
            uses,
            chain,
        )
    return found


class Store:
    """A store as its users see it; the functions run elsewhere."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ports = runtime.local_ports(home)
        apply(wiring(), Database(runtime.LocalPaths(home).database))

    register, upload, ask_report = System.register, System.upload, System.ask_report

    def settle(self) -> None:
        with LocalSession(self.home) as session:
            assert session.wait_until(session.idle, 180)


def run(home: Path, files: Files, kills: int) -> Store:
    """The whole flow; the runtime is killed so many times, spread over its three stages."""
    store = Store(home)
    chance = random.Random(20261123)
    stages = (lambda: store.register(files), lambda: store.upload(files), store.ask_report)
    for number, act in enumerate(stages):
        act()
        for _ in range(kills * (number + 1) // 3 - kills * number // 3):
            process = start(home)
            time.sleep(chance.uniform(0.3, 3.5))
            kill(process)
        store.settle()
    return store


@pytest.mark.kill
def test_killed_at_any_moment_it_goes_on_without_loss_or_double_count(tmp_path: Path) -> None:
    files = make_files(tmp_path / "files")
    calm = run(tmp_path / "calm", files, 0)
    stormy = run(tmp_path / "stormy", files, KILLS)
    assert facts(stormy) == facts(calm)
    assert len(facts(calm)) == len(files.uploads)
    assert [report.rows for report in stormy.ports.ledger.reports(PERIOD)] == [5]
    assert stormy.ports.dead_letters.show() == []
    workspaces = runtime.LocalPaths(stormy.home).workspaces
    assert not list(workspaces.glob("*/rightscan-*")) + list(workspaces.glob("rightscan-*"))
