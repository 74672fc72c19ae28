"""The licence check refuses copyleft and unknown licences, also inside wheels, unless a reason still holds."""

from __future__ import annotations

import tomllib
from importlib.metadata import Distribution

import pytest
from bench.licences import (
    ROOT,
    TABLE,
    bundled,
    declared,
    is_copyleft,
    is_permissive,
    judge,
    judge_bundled,
    judge_package,
    left_out_of_artefacts,
    locked,
)


@pytest.fixture
def package(tmp_path):
    def make(metadata: str, files: tuple[str, ...] = ()) -> Distribution:
        folder = tmp_path / "thing-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: Thing\nVersion: 1.0\n{metadata}\n")
        (folder / "RECORD").write_text("".join(f"{name},,\n" for name in files))
        return Distribution.at(folder)

    return make


def test_what_this_repository_ships_is_in_order():
    wrong = [v for v in judge(ROOT, tomllib.loads(TABLE.read_text("utf-8"))) if v.problem]
    assert wrong == []


@pytest.mark.parametrize(
    ("licence", "permissive", "copyleft"),
    [
        ("MIT", True, False),
        ("Apache-2.0 OR GPL-2.0-or-later", True, False),
        ("MIT AND LGPL-2.1-or-later", False, False),
        ("LGPL-3.0-or-later OR GPL-2.0-or-later", False, False),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", False, False),
        ("GPL-2.0-or-later", False, True),
        ("AGPL-3.0-only", False, True),
        ("SSPL-1.0", False, True),
        ("", False, False),
        ("Proprietary", False, False),
    ],
)
def test_licences_are_told_apart(licence, permissive, copyleft):
    assert (is_permissive(licence), is_copyleft(licence)) == (permissive, copyleft)


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        ("License-Expression: MIT", "MIT"),
        ("License: see file\nClassifier: License :: OSI Approved :: MIT License", "MIT License"),
        ("License: GPLv3", "GPLv3"),
        ("", ""),
    ],
)
def test_the_most_exact_declaration_counts(package, metadata, says):
    assert declared(package(metadata)) == says


@pytest.mark.parametrize("metadata", ["License-Expression: AGPL-3.0-only", "License: GPLv3", ""])
def test_copyleft_and_unknown_need_a_reason(package, metadata):
    thing = package(metadata)
    assert judge_package(thing, {}).problem
    reasons = {"thing": {"declared": declared(thing), "why": "asked the author"}}
    assert not judge_package(thing, reasons).problem


def test_a_reason_is_void_when_the_licence_changes(package):
    reasons = {"thing": {"declared": "LGPL-2.1-or-later", "why": "a library"}}
    assert "LGPL-2.1" in judge_package(package("License-Expression: GPL-3.0-only"), reasons).problem


def test_libraries_inside_a_wheel_are_found_by_name(package):
    files = ("thing.libs/libx264-d6533a8d.so.165", "thing/.dylibs/libx265.216.dylib", "thing/_core.abi3.so")
    files += (
        "thing.libs/libgfortran-040039e1-0352e75f.so.5.0.0",
        "thing/libxcb-shm-0be6dfbf.so.0",
        "thing/lib.py",
    )
    assert bundled(package("", files)) == ["gfortran", "x264", "x265", "xcb-shm"]


def test_gpl_inside_a_wheel_is_refused_unless_artefacts_do_without(package):
    thing = package("License-Expression: BSD-3-Clause", ("thing.libs/libx264-d6533a8d.so.165",))

    def problem(reasons, against=""):
        (verdict,) = judge_bundled(thing, reasons, lambda owner, word: against)
        return verdict.problem

    listed = {"libraries": {"x264": "GPL-2.0-or-later"}, "why": "development"}
    assert problem({}) == "find out its licence and list it"
    assert problem({"thing": listed}) == "artefacts would carry it"
    assert problem({"thing": {**listed, "images": "FFMPEG=build"}}) == ""
    assert problem({"thing": {**listed, "images": "FFMPEG=build"}}, "a Dockerfile") == "a Dockerfile"


def test_artefacts_are_looked_at(tmp_path):
    image, zipped = tmp_path / "functions/image", tmp_path / "functions/zipped"
    for folder in (image, zipped):
        folder.mkdir(parents=True)
        (folder / "requirements.txt").write_text("six==1.0 \\\n    --hash=sha256:00\n")
    (image / "Dockerfile").write_text("RUN make image-root FFMPEG=build\n")
    against = left_out_of_artefacts(tmp_path)
    assert against("av", "FFMPEG=build") == ""
    assert against("av", "FFMPEG=none") == "functions/image/Dockerfile does not say FFMPEG=none"
    assert against("six", "FFMPEG=build") == "functions/zipped/requirements.txt carries it"


def test_a_lock_is_read_for_this_python(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "# a comment\nA.b_c==1 \\\n    --hash=sha256:00\n    # via d\n"
        "old==1 ; python_full_version < '3' \\\n    --hash=sha256:00\nnew==2 ; python_full_version >= '3'\n"
    )
    assert locked(lock) == ["a-b-c", "new"]
