"""The documents agree with the code: links, runbooks, environment, verbs, records, figures."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from rightscan import runtime
from rightscan.adapters import ledger
from rightscan.adapters.items import INDEXES
from rightscan.cli.main import cli
from rightscan.ports import Ledger
from rightscan.records.registers import AnyRegisterRow
from system import ROOT

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "training/**/*.md", "console/*.md")
    for path in ROOT.glob(pattern)
)
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
ELSEWHERE = ("http://", "https://", "mailto:")
VARIABLE = re.compile(r"RIGHTSCAN_[A-Z_]+")


def text(path: str | Path) -> str:
    return (ROOT / path).read_text("utf-8")


def anchors(document: str) -> set[str]:
    """The anchors that headings get, by GitHub's rule."""
    return {
        re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", heading).lower()).strip().replace(" ", "-")
        for heading in HEADING.findall(FENCE.sub("", document))
    }


def leads_somewhere(link: str, path: Path) -> bool:
    name, _, anchor = link.partition("#")
    target = path.parent / name if name else path
    if not target.exists() or not anchor or target.suffix != ".md":
        return target.exists()
    return anchor in anchors(target.read_text("utf-8"))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(path):
    links = [
        link
        for link in LINK.findall(FENCE.sub("", path.read_text("utf-8")))
        if not link.startswith(ELSEWHERE)
    ]
    assert [link for link in links if not leads_somewhere(link, path)] == []


def test_every_file_that_the_code_sends_a_reader_to_is_there():
    sources = [*ROOT.glob("shared/**/*.py"), *ROOT.glob("functions/*/Dockerfile"), ROOT / "template.yaml"]
    named = {name for path in sources for name in re.findall(r"\bdocs/[\w/-]+\.md", path.read_text("utf-8"))}
    named |= {
        f"docs/runbooks/{name}.md"
        for path in sources
        for name in re.findall(r"the runbook ([a-z]+-[a-z-]+)", path.read_text("utf-8"))
    }
    assert {name for name in named if not (ROOT / name).is_file()} == set()
    assert any(name.startswith("docs/runbooks/") for name in named)


def environment_variables() -> set[str]:
    """What the composition root, the command line and the template know."""
    names = set(VARIABLE.findall(text("template.yaml")))
    names |= set(VARIABLE.findall(text("shared/rightscan/cli/options.py")))
    for node in ast.walk(ast.parse(text("shared/rightscan/runtime.py"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            names |= set(VARIABLE.findall(node.value)) - {"RIGHTSCAN_"}
    names |= {f"RIGHTSCAN_{name.upper()}_QUEUE" for name in runtime.QUEUES}
    names |= {f"RIGHTSCAN_{name.upper()}_BUCKET" for name in vars(runtime.LOCAL_BUCKETS)}
    return names


def test_every_environment_variable_is_described():
    described = set(VARIABLE.findall(text("docs/architecture.md")))
    assert environment_variables() - described == set()


def test_every_described_variable_exists():
    read = environment_variables()
    for path in [*ROOT.glob("tests/**/*.py"), ROOT / "Makefile", *ROOT.glob("mk/*.mk")]:
        read |= set(VARIABLE.findall(path.read_text("utf-8")))
    assert set(VARIABLE.findall(text("docs/architecture.md"))) - read == set()


def verbs(group: click.Group, before: str = "rightscan") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from verbs(command, f"{before} {name}")
        else:
            yield f"{before} {name}"


@pytest.mark.parametrize("verb", sorted(verbs(cli)))
def test_every_verb_stands_in_the_readme(verb):
    lines = re.findall(r"^    (rightscan .*?)(?:  |$)", text("README.md"), re.MULTILINE)
    # "rightscan dlq show | redrive | drop" says three.
    said = {
        " ".join((*line.split(" | ")[0].split()[:-1], other.split()[0])) if position else line
        for line in lines
        for position, other in enumerate(line.split(" | "))
    }
    assert any(f"{line} ".startswith(f"{verb} ") for line in said)


def record_kinds() -> set[str]:
    """Kinds of the items that the ledger writes."""
    kinds = {row.model_fields["kind"].default for row in AnyRegisterRow.__args__}
    for node in ast.walk(ast.parse(Path(ledger.__file__).read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Item", "Add"):
            kinds |= {
                argument.value
                for argument in node.args[:4]
                if isinstance(argument, ast.Constant) and re.fullmatch("[a-z]+", str(argument.value))
            }
    return kinds


def rows_of(document: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading."""
    section = document.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_kind_of_record_is_described_and_no_other():
    rows = rows_of(text("docs/data-model.md"), "Records and keys")
    assert {row[0].strip("`") for row in rows} == record_kinds()


def test_every_method_of_the_ledger_is_described_and_no_other():
    rows = rows_of(text("docs/data-model.md"), "Records and keys")
    described = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row[4])}
    assert described == {name for name in vars(Ledger) if not name.startswith("_")}


def test_every_index_is_described():
    document = text("docs/data-model.md")
    used = {row[3].partition(":")[0] for row in rows_of(document, "Records and keys")} - {""}
    assert used <= set(INDEXES)
    assert {name for name in set(INDEXES) - used if f"`{name}`" not in document} == set()


def test_write_units_are_those_that_the_contract_test_holds_to():
    tree = ast.parse(text("tests/contract/test_write_units.py"))
    (most,) = (
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MOST"
    )
    rows = rows_of(text("docs/data-model.md"), "What a scan costs in write units")
    assert {row[0]: int(row[1]) for row in rows} == most


def test_every_decision_is_listed():
    pages = {path.name for path in (ROOT / "docs/adr").glob("[0-9]*.md")}
    assert set(re.findall(r"\]\((\d{4}[\w-]*\.md)\)", text("docs/adr/README.md"))) == pages


def test_the_version_is_in_the_changelog():
    import rightscan

    assert f"## [{rightscan.__version__}]" in text("CHANGELOG.md")
