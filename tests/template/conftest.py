"""The template, read once."""

from __future__ import annotations

from pathlib import Path

import pytest
from cfnlint.decode import decode
from template_document import Template

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def template():
    document, problems = decode(str(ROOT / "template.yaml"))
    assert not problems
    return Template(document)
