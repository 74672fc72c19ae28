"""``make demo``, as a person runs it: it finds what it put in, and its logs name nobody."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from bench.synth import demo_catalogue

from system import ROOT


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a demonstration and what it printed."""
    work = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "bench.demo", "--work", str(work)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300"},  # no cell is folded
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return work, done.stdout


def test_it_finds_what_it_put_in_and_says_so_in_korean(ran: tuple[Path, str]) -> None:
    told = ran[1]
    assert "0 differences" in told
    for code in ("U1", "U2", "U3", "L1", "A2", "H1", "N1", "X2"):
        assert f"{code} " in told, code
    assert "LIC-2026-001" in told
    assert "LIC-2025-007" in told
    assert "침해" not in told
    assert "1,000,000" in told


def test_its_logs_hold_ids_and_no_name_title_or_channel(ran: tuple[Path, str]) -> None:
    logs = sorted((ran[0] / "store" / "logs").glob("*.log"))
    written = {path.name: unicodedata.normalize("NFC", path.read_text("utf-8")) for path in logs}
    assert len(written) >= 6
    assert sum(map(len, written.values())) > 5_000
    pieces = demo_catalogue(1)
    people = [person for piece in pieces for person in piece.performers]
    words = {piece.title for piece in pieces} | {piece.title_en for piece in pieces}
    words |= {person.name_ko for person in people} | {person.name_roman for person in people}
    words |= {"저녁의 음악 산책", "한들방송", "보기튜브", "커피숍", "연주회", "handeul.example", "user-festa"}
    for name, text in written.items():
        assert not [word for word in words if word in text], name
