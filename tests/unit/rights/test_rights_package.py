"""Rules that hold over the whole package: its words, its data and what importing it costs."""

import csv
import json
import subprocess
import sys
import tomllib
import unicodedata
from pathlib import Path

import pytest

import rightscan.rights as package
from rightscan.rights import vocabulary

ROOT = Path(package.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
INFRINGEMENT = "침" + "해"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_word_infringement_appears_nowhere(path):
    text = path.read_text("utf-8")
    assert INFRINGEMENT not in unicodedata.normalize("NFC", text)
    assert unicodedata.is_normalized("NFC", text)


def strings(value):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from strings(key)
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_every_shown_text_stands_in_korean_and_english():
    def check_pairs(value, path):
        if isinstance(value, dict):
            assert ("ko" in value) == ("en" in value) or "columns" in path or path.startswith("columns"), path
            for key, item in value.items():
                check_pairs(item, f"{path}.{key}")

    for name in ("words", "problems"):
        check_pairs(tomllib.loads((ROOT / "data" / f"{name}.toml").read_text("utf-8")), name)
    check_pairs(json.loads((ROOT / "data" / "codes.json").read_text("utf-8")), "codes")


def test_escaped_json_hides_nothing():
    for path in (ROOT / "data").glob("*.json"):
        assert not any(INFRINGEMENT in text for text in strings(json.loads(path.read_text("utf-8"))))


def test_role_file_has_the_domains_columns():
    with (ROOT / "data" / "roles.csv").open(encoding="utf-8", newline="") as file:
        assert next(csv.reader(file)) == [
            "kmpu_role",
            "kmpu_category",
            "ddex_role",
            "ddex_instrument",
            "counts_as",
        ]


def test_no_spelling_means_two_codes_of_one_list():
    for name, entries in vocabulary.load_toml("words.toml").items():
        for code, entry in entries.items():
            for spelling in (code, entry["ko"], entry["en"], *entry.get("also", ())):
                assert vocabulary.code_for(name, spelling) == code, (name, spelling)


def test_data_hashes_are_of_the_file():
    assert len(vocabulary.data_sha256("codes.json")) == 64
    assert vocabulary.data_sha256("codes.json") != vocabulary.data_sha256("ledgers.json")


def test_importing_the_modules_of_the_hot_path_loads_nothing_heavy():
    code = (
        "import sys; import rightscan.rights.upload_facts, rightscan.rights.codes, rightscan.rights.money, "
        "rightscan.rights.ledgers, rightscan.rights.periods, rightscan.rights.catalogue; "
        "heavy = {'openpyxl', 'xlsxwriter', 'numpy', 'pydantic', 'boto3', 'defusedxml'} & set(sys.modules); "
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
