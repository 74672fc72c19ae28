"""What is deployed: built as `sam build` and the Dockerfiles build it, and imported from there."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from cfnlint.decode import decode

from host_build import ROOT, host_artefacts, make

ZIP = ("ingest", "report", "likeness", "counters")
IMAGES = ("scan", "match", "register")
LIMIT = 240 << 20  # unzipped bytes of a function with its layers; Lambda's own limit is 250 MB
HEAVY = {"av", "numpy", "openpyxl"}

needs_sam = pytest.mark.skipif(
    not (ROOT / ".venv-deploy/bin/sam").exists(), reason="needs the deployment tools: make setup-deploy"
)


def size(*folders):
    return sum(path.lstat().st_size for folder in folders for path in folder.rglob("*"))


def imported(*folders):
    """Import the handler with nothing but ``folders`` and the standard library; returns where its package lay."""
    program = (
        "import sys\n"
        f"sys.path[:0] = {[str(folder) for folder in folders]!r}\n"
        "import app, rightscan\n"
        "assert callable(app.handler)\n"
        "print(rightscan.__file__)\n"
        "print(' '.join(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        cwd="/",
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    where, modules = done.stdout.splitlines()
    return where, set(modules.split())


@pytest.mark.deploy
@pytest.mark.parametrize("function", ZIP)
def test_a_zip_function_imports_from_its_artefact_and_the_layer(function):
    built = host_artefacts()
    where, modules = imported(built / function, built / "core/python")
    assert where.startswith(str(built / function))
    assert not (HEAVY - allowed(function)) & modules


def allowed(function):
    """Heavy packages that the function's own list names."""
    text = (ROOT / f"functions/{function}/requirements.in").read_text() if function != "counters" else ""
    return HEAVY & set(text.split())


@pytest.mark.deploy
@pytest.mark.parametrize("function", IMAGES)
def test_an_image_imports_from_its_root(function):
    folder = host_artefacts() / function
    where, modules = imported(folder)
    assert where.startswith(str(folder))
    assert ("av" in modules) == (function != "match")  # match never decodes


@pytest.mark.deploy
def test_likeness_measures_with_what_it_carries():
    """Cohort and calibration of the encoder, without the library that runs it: only scan listens."""
    built = host_artefacts()
    program = (
        "import sys\n"
        f"sys.path[:0] = [{str(built / 'likeness')!r}, {str(built / 'core/python')!r}]\n"
        "from rightscan.engines import EngineSettings\n"
        "from rightscan.jobs.voices.prints import ruler\n"
        "found = ruler(EngineSettings())\n"
        "assert 'onnxruntime' not in sys.modules\n"
        "print(found.name, len(found.cohort.embeddings))\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    name, people = done.stdout.split()
    assert name.startswith("voice-encoder@")
    assert int(people) > 100


@pytest.mark.deploy
def test_the_decoder_of_an_image_works_in_its_guarded_child(tmp_path):
    folder = host_artefacts() / "scan"
    program = (
        "import sys, json\n"
        f"sys.path.insert(0, {str(folder)!r})\n"
        "from pathlib import Path\n"
        "from rightscan.errors import PermanentError\n"
        "from rightscan.jobs.analysis import analyse_guarded\n"
        "from rightscan.media.limits import Limits\n"
        f"folder = Path({str(tmp_path)!r})\n"
        "(folder / 'upload').write_bytes(b'no music')\n"
        "try:\n"
        "    analyse_guarded(folder / 'upload', folder / 'features.npz', Limits())\n"
        "except PermanentError as error:\n"
        "    print(error.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], cwd="/", capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()
    assert done.stdout.strip() != "decoder_crashed"


@pytest.mark.deploy
@needs_sam
def test_sam_builds_zip_functions_for_arm_within_the_limit():
    make("sam-build")
    build = ROOT / ".aws-sam/build"
    layer = build / "CoreLayer"
    for function in ZIP:
        folder = build / f"{function.capitalize()}Function"
        assert (folder / "app.py").is_file()
        assert (folder / "rightscan/__init__.py").is_file()
        assert size(folder, layer) < LIMIT, function
        for library in (*folder.rglob("*.so"), *layer.rglob("*.so")):
            # ELF: machine 183 is AArch64. cp313 or the stable ABI.
            assert int.from_bytes(library.read_bytes()[18:20], "little") == 183, library
            assert re.search(r"(cpython-313|abi3)", library.name) or ".libs" in str(library.parent), library
    built, problems = decode(str(build / "template.yaml"))
    assert not problems
    for function in ZIP:
        assert built["Resources"][f"{function.capitalize()}Function"]["Properties"]["CodeUri"] == (
            f"{function.capitalize()}Function"
        )
    assert built["Resources"]["CoreLayer"]["Properties"]["ContentUri"] == "CoreLayer"


def locked(path):
    return set(re.findall(r"^([a-z0-9][a-z0-9._-]*==[^ \\;]+)", path.read_text(), re.MULTILINE))


def test_functions_carry_the_versions_that_the_tests_ran_with():
    tested = locked(ROOT / "requirements/runtime.txt")
    locks = [*ROOT.glob("functions/*/requirements.txt"), ROOT / "layers/core/requirements.txt"]
    assert len(locks) == 7
    for path in locks:
        assert locked(path), path
        assert locked(path) <= tested, path


def test_locks_have_hashes_and_no_address():
    for path in (*ROOT.glob("functions/*/requirements.txt"), *ROOT.glob("requirements/*.txt")):
        text = path.read_text()
        assert text.count("--hash=sha256:") >= len(locked(path)), path
        assert "://" not in text, path
