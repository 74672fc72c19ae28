"""Words as data: the files under ``data/``, and the Korean and English word for every code.

A code is what records and machine files carry; the words are what people read and type. Both ways go
through ``data/words.toml``, so that a word changes without code.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from rightscan.rights.names import header_key

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True, slots=True)
class Word:
    """The words of one code: ``ko`` and ``en`` to show, ``also`` further spellings taken on input."""

    code: str
    ko: str
    en: str
    also: tuple[str, ...] = ()


def load_json(name: str) -> Any:
    """Content of the JSON data file ``name``."""
    return json.loads((_DATA / name).read_text("utf-8"))


def load_toml(name: str) -> dict[str, Any]:
    """Content of the TOML data file ``name``."""
    return tomllib.loads((_DATA / name).read_text("utf-8"))


def load_csv(name: str) -> list[dict[str, str]]:
    """Rows of the CSV data file ``name``, keyed by its header row."""
    with (_DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def word_list(name: str) -> dict[str, Word]:
    """Return the words of one list (``"axis_a"``, ``"use_type"`` …) by code, in the file's order.

    Raises:
        KeyError: the data file has no such list.

    """
    entries = _words()[name]
    return {
        code: Word(code, entry["ko"], entry["en"], tuple(entry.get("also", ())))
        for code, entry in entries.items()
    }


@cache
def _words() -> dict[str, Any]:
    return load_toml("words.toml")


@cache
def _codes_by_spelling(name: str) -> dict[str, str]:
    spellings: dict[str, str] = {}
    for word in word_list(name).values():
        for spelling in (word.code, word.ko, word.en, *word.also):
            spellings[header_key(spelling)] = word.code
    return spellings


def code_for(name: str, text: str) -> str | None:
    """Return the code that ``text`` spells in list ``name`` (code, Korean, English or synonym), else None."""
    return _codes_by_spelling(name).get(header_key(text))


def ko(name: str, code: str) -> str:
    """Korean word of ``code`` in list ``name``; the code itself where the list does not know it."""
    word = word_list(name).get(code)
    return word.ko if word else code


def en(name: str, code: str) -> str:
    """English word of ``code`` in list ``name``; the code itself where the list does not know it."""
    word = word_list(name).get(code)
    return word.en if word else code


def data_sha256(name: str) -> str:
    """SHA-256 of a data file, hexadecimal: what a version built from content hashes takes of it."""
    return hashlib.sha256((_DATA / name).read_bytes()).hexdigest()


def effective_dates(row: Mapping[str, Any]) -> tuple[dt.date, dt.date | None]:
    """``effective_from`` and ``effective_to`` (None: open) of a dated rule in a data file."""
    until = row["effective_to"]
    return dt.date.fromisoformat(row["effective_from"]), dt.date.fromisoformat(until) if until else None


def is_in_force(start: dt.date | None, end: dt.date | None, on: dt.date | None) -> bool:
    """Say whether ``on`` is a Korean day from ``start`` to ``end``, both included; None is open.

    ``on`` None asks for what has no end.
    """
    if on is None:
        return end is None
    return (start is None or start <= on) and (end is None or on <= end)


def territory_code(text: str) -> str | None:
    """Return the ISO 3166-1 alpha-2 code (or ``WW``) that ``text`` names, None where it names none.

    Two letters are taken as they stand: which codes exist changes, and a report must not lose one.
    """
    known = code_for("territory", text)
    return known or (text.upper() if len(text) == 2 and text.isascii() and text.isalpha() else None)
