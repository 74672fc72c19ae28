"""Every error code that the code can raise has Korean words; they say what the error says, and no more."""

from __future__ import annotations

import ast
import csv
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

import rightscan
from rightscan import runtime
from rightscan.cli.main import cli
from rightscan.errors import PermanentError
from rightscan.jobs import incidents
from rightscan.jobs.report import fetch_report, report
from rightscan.records.messages import ReportRequested
from rightscan.records.objects import ErrorInfo
from rightscan.rights import vocabulary
from rightscan.rights.error_words import error_words, korean, said

PACKAGE = Path(rightscan.__file__).parent
CLASSES = {"PermanentError", "TransientError", "UsageError", "CancelledError", "RightscanError"}
RECORDS = {"ErrorInfo", "RowOutcome"}
RELAYS = {"error.code", "problem.code", "reference.error.code"}
"""Expressions that pass on the code of an error raised elsewhere."""


def name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def strings(node: ast.expr) -> set[str]:
    """The string constants that an expression can be, a conditional's test left out."""
    if isinstance(node, ast.IfExp):
        return strings(node.body) | strings(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


class Codes:
    """The error codes of one module, and the expressions whose codes could not be told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text("utf-8"))
        self.found: set[str] = set()
        self.unknown: list[str] = []
        for function, node in self._calls():
            code = self._code_argument(node)
            if code is None:
                continue
            codes = strings(code) or self._through(function, code)
            self.found |= codes
            if not codes and ast.unparse(code) not in RELAYS:
                self.unknown.append(f"{path.name}:{node.lineno} {ast.unparse(code)}")

    def _calls(self) -> Iterator[tuple[ast.AST, ast.Call]]:
        for function in [n for n in ast.walk(self.tree) if isinstance(n, ast.FunctionDef)]:
            yield from ((function, node) for node in ast.walk(function) if isinstance(node, ast.Call))

    def _code_argument(self, node: ast.Call) -> ast.expr | None:
        name = name_of(node.func)
        if name in CLASSES and node.args:
            return node.args[0]
        if len(node.args) > 1 and strings(node.args[0]) & CLASSES:
            return node.args[1]  # an error on its way out of the child process
        if name in RECORDS:
            return next((k.value for k in node.keywords if k.arg == "code"), None)
        if ast.unparse(node.func) == "super().__init__" and len(node.args) == 3:
            return node.args[0]
        return None

    def _through(self, function: ast.AST, code: ast.expr) -> set[str]:
        """The constants that reach a variable: assigned in the function, or passed to it as first argument."""
        assert isinstance(function, ast.FunctionDef)
        if not isinstance(code, ast.Name):
            return set()
        found: set[str] = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and [name_of(t) for t in node.targets] == [code.id]:
                found |= strings(node.value)
        if function.args.args and function.args.args[0].arg == code.id:
            for _, call in self._calls():
                if name_of(call.func) == function.name and call.args:
                    found |= strings(call.args[0])
        return found - {""}


@pytest.fixture(scope="module")
def modules() -> list[Codes]:
    # errors.py defines the classes; the command line's errors are included.
    return [Codes(path) for path in sorted(PACKAGE.rglob("*.py")) if path.name != "errors.py"]


def test_every_code_can_be_told_from_the_source(modules):
    assert [where for module in modules for where in module.unknown] == []


def test_every_code_that_is_raised_has_words(modules):
    missing = {
        code: str(module.path.relative_to(PACKAGE))
        for module in modules
        for code in module.found
        if korean(code) is None
    }
    assert missing == {}


def test_every_code_with_words_is_raised(modules):
    raised = set().union(*(module.found for module in modules))
    assert set(vocabulary.load_toml("errors.toml")) - raised == set()


def test_each_code_has_its_words_in_one_place():
    assert not set(vocabulary.load_toml("errors.toml")) & set(vocabulary.load_toml("problems.toml"))


@pytest.mark.parametrize("code", sorted(error_words()))
def test_words_are_fit_to_be_shown(code):
    words = error_words()[code]
    for text in (words.ko, words.remedy_ko):
        assert unicodedata.is_normalized("NFC", text)
        assert any("가" <= letter <= "힣" for letter in text)
        assert "침해" not in text
    assert words.remedy_ko.endswith((".", "."))
    assert not words.ko.endswith(".")
    assert words.en.isascii()


def test_korean_keeps_the_detail_that_the_error_carries():
    cause, remedy = said("too_long", "the file holds 13.2 h of sound, the limit is 12 h", "Cut it.", "ko")
    assert cause == "소리의 길이가 한도를 넘음 (the file holds 13.2 h of sound, the limit is 12 h)"
    assert remedy == "여러 부분으로 잘라 올리십시오."


def test_a_cause_without_particulars_is_not_said_twice():
    error = PermanentError("empty_file", "the file has 0 bytes", "Upload it again.")
    assert said(error.code, error.cause, error.remedy, "ko")[0] == "파일 크기가 0바이트임"


@pytest.mark.parametrize("code", ["empty_file", "a_code_of_tomorrow"])
def test_english_and_unknown_codes_stay_as_they_are(code):
    language = "en" if korean(code) else "ko"
    assert said(code, "the cause", "the remedy", language) == ("the cause", "the remedy")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("ko", "그 이름으로 알려진 것이 없음 (nothing is known under 'nobody') [unknown_id]"),
        ("en", "nothing is known under 'nobody' [unknown_id]"),
    ],
)
def test_the_terminal_says_it_in_the_readers_language(tmp_path, language, words):
    arguments = ["--home", str(tmp_path), "--lang", language, "show", "nobody"]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(cli, arguments)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[0] == words
    assert done.stdout == ""


@pytest.mark.parametrize("language", ["ko", "en"])
def test_sheet_07_says_it_and_sheet_90_lists_the_codes_that_occur(tmp_path, language):
    ports = runtime.local_ports(tmp_path / "store")
    trouble = ErrorInfo(code="too_long", cause="13.2 h of sound, the limit is 12 h", remedy="Cut it.")
    incidents.record(ports, "upload", "0" * 40 + "/v1", trouble, period="2026-11")
    assert report(ReportRequested(period="2026-11", request_id="r", language=language), ports) == "ready"
    (done,) = ports.ledger.reports("2026-11")
    files = fetch_report(done, tmp_path, ports)

    def rows(number: str) -> list[list[str]]:
        (path,) = (path for path in files if f"_{number}_" in path.name)
        return list(csv.reader(path.read_text("utf-8-sig").splitlines()))

    (row,) = rows("07")[1:]
    assert tuple(row[2:5]) == ("too_long", *said("too_long", trouble.cause, trouble.remedy, language))
    words = error_words()["too_long"]
    listed = {row[1]: row[2:] for row in rows("90")}
    assert listed["too_long"] == [words.ko, words.en]
    assert "empty_file" not in listed
