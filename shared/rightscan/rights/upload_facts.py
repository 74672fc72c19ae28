"""Upload facts: what a usage line needs and no sound can tell (platform, channel, dates, kind of use).

They come as S3 object metadata, as rows of a ``facts.csv`` or as a sidecar ``<file>.rs.json``. What is
missing or cannot be read stays empty with a problem; it is never guessed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import quote, unquote

from rightscan.errors import PermanentError, UsageError
from rightscan.rights import vocabulary
from rightscan.rights.names import clean_text
from rightscan.rights.periods import parse_moment
from rightscan.rights.personal_data import LeakKind, find_leaks
from rightscan.rights.problems import MAX_SHOWN, problem_words

METADATA_PREFIX = "rs-"
SIDECAR_SUFFIX = ".rs.json"
_HTTP_PREFIX = "x-amz-meta-"
_MAX_METADATA_BYTES = 2048  # S3's limit on user-defined metadata, keys and values together


@dataclass(frozen=True, slots=True)
class UploadFacts:
    """What is known of one upload beside its sound; empty and None mean not told.

    Times are UTC; ``use_type`` is a code of the ``use_type`` list, ``territory`` ISO 3166-1 alpha-2.
    """

    platform: str = ""
    channel: str = ""
    uploader: str = ""
    url: str = ""
    posted_at: dt.datetime | None = None
    captured_at: dt.datetime | None = None
    use_type: str = ""
    territory: str = ""


FACT_NAMES = tuple(field.name for field in fields(UploadFacts))


@dataclass(frozen=True, slots=True)
class FactProblem:
    """What is wrong with one fact; for the record and the terminal, never for a log."""

    name: str
    value: str
    code: str
    remedy: str
    remedy_ko: str


@dataclass(frozen=True, slots=True)
class ParsedFacts:
    """The facts that could be read, and the problems with the others."""

    facts: UploadFacts
    problems: tuple[FactProblem, ...] = ()


def _problem(name: str, value: str, code: str) -> FactProblem:
    words = problem_words(code)
    return FactProblem(name, value[:MAX_SHOWN], code, words["remedy_en"], words["remedy_ko"])


def parse_facts(values: Iterable[tuple[str, object]]) -> ParsedFacts:
    """Read facts from names and values, as they stand in a row or a JSON object.

    Names may be written with ``_`` or ``-``, in Korean or English. A time without a zone is Korean.
    """
    texts: dict[str, str] = {}
    problems: list[FactProblem] = []
    for given, value in values:
        name = vocabulary.code_for("fact", given)
        if name is None:
            problems.append(_problem(clean_text(given)[:MAX_SHOWN], "", "fact_unknown_name"))
        elif value is not None and not isinstance(value, str):
            problems.append(_problem(name, str(value), "fact_not_text"))
        elif value and (text := clean_text(value)):
            texts[name] = text
    facts: dict[str, Any] = {}
    for name, text in texts.items():
        if name in ("posted_at", "captured_at"):
            facts[name] = parse_moment(text)
            code = "" if facts[name] else "fact_bad_date"
        else:
            facts[name], code = _read_text(name, text)
        if code:
            problems.append(_problem(name, "" if code == "personal_number" else text, code))
    return ParsedFacts(UploadFacts(**facts), tuple(problems))


def _read_text(name: str, text: str) -> tuple[str, str]:
    """Return the value of one textual fact and, where it is bad, an empty value and a problem code."""
    if name == "use_type":
        word = vocabulary.code_for("use_type", text)
        return (word, "") if word else ("", "fact_unknown_use_type")
    if name == "territory":
        code = vocabulary.territory_code(text)
        return (code, "") if code else ("", "fact_bad_territory")
    # Row numbers in an address are no resident numbers; a phone number is a name that people do use.
    leaks = find_leaks(text, opaque=name == "url")
    if any(leak.kind is LeakKind.RESIDENT_NUMBER for leak in leaks):
        return "", "personal_number"
    return text, ""


def from_metadata(metadata: Mapping[str, str]) -> ParsedFacts:
    """Read facts from S3 object metadata: keys ``rs-…``, with or without ``x-amz-meta-``, any case.

    Values are percent-encoded UTF-8. Metadata of other makers is left alone.
    """
    values: list[tuple[str, object]] = []
    problems: list[FactProblem] = []
    for key, value in metadata.items():
        name = key.lower().removeprefix(_HTTP_PREFIX)
        if not name.startswith(METADATA_PREFIX):
            continue
        name = name.removeprefix(METADATA_PREFIX)
        try:
            values.append((name, unquote(value, errors="strict")))
        except UnicodeDecodeError:
            problems.append(_problem(name, value, "bad_encoding"))
    parsed = parse_facts(values)
    return ParsedFacts(parsed.facts, (*problems, *parsed.problems))


def to_metadata(facts: UploadFacts) -> dict[str, str]:
    """Write facts as S3 object metadata (keys without ``x-amz-meta-``), what is empty left out.

    Raises:
        UsageError: ``facts_too_long`` beyond S3's limit of 2,048 bytes.

    """
    metadata = {}
    for name in FACT_NAMES:
        value = getattr(facts, name)
        text = value.isoformat() if isinstance(value, dt.datetime) else value
        if text:
            metadata[METADATA_PREFIX + name.replace("_", "-")] = quote(text, safe="")
    size = sum(len(key) + len(value) for key, value in metadata.items())
    if size > _MAX_METADATA_BYTES:
        raise UsageError(
            "facts_too_long",
            f"the upload facts take {size} bytes as metadata",
            f"Shorten them to {_MAX_METADATA_BYTES} bytes; a Korean letter takes nine.",
        )
    return metadata


def facts_by_path(rows: Iterable[Mapping[str, str]]) -> dict[str, ParsedFacts]:
    """Read the rows of a ``facts.csv`` (keyed by header), one per ``path``, which is kept in NFC.

    A path on two rows gets no facts and the problem ``fact_path_twice``.
    """
    parsed: dict[str, ParsedFacts] = {}
    for row in rows:
        path = clean_text(row.get("path") or "")
        if not path:
            continue
        if path in parsed:
            parsed[path] = ParsedFacts(UploadFacts(), (_problem("path", path, "fact_path_twice"),))
        else:
            parsed[path] = parse_facts((name, value) for name, value in row.items() if name != "path")
    return parsed


def read_facts_csv(data: bytes) -> dict[str, ParsedFacts]:
    """Read a whole ``facts.csv`` (UTF-8 or CP949): facts by path.

    Raises:
        PermanentError: ``unknown_encoding``, ``bad_csv``, or ``no_header`` where there is no column
            ``path``.

    """
    from rightscan.rights.tables import read_csv  # only the command line reads facts.csv

    rows = [[clean_text(text) for text in texts] for _, texts in read_csv(data)]
    rows = [row for row in rows if any(row)]
    header = [text.lower() for text in rows[0]] if rows else []
    if "path" not in header:
        raise PermanentError(
            "no_header",
            "the facts file has no column path",
            f"Begin with a header row: path, {', '.join(FACT_NAMES)}.",
        )
    return facts_by_path(dict(zip(header, row, strict=False)) for row in rows[1:])


def is_sidecar(name: str) -> bool:
    """Say whether a file name is that of a sidecar, which is never itself scanned."""
    return name.lower().endswith(SIDECAR_SUFFIX)


def read_sidecar(data: bytes) -> ParsedFacts:
    """Read a sidecar ``<file>.rs.json``: one JSON object with the fact names.

    Raises:
        PermanentError: ``bad_sidecar`` where it is no JSON object in UTF-8.

    """
    try:
        parsed = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict):
        raise PermanentError(
            "bad_sidecar",
            "the sidecar is not a JSON object in UTF-8",
            f"Write one object with texts under {', '.join(FACT_NAMES)}.",
        )
    return parse_facts(parsed.items())


def uploader_ref(uploader: str, key: bytes) -> str:
    """Return the pseudonym of an uploader: HMAC-SHA256 under a key of the deployment, 128 bits, hexadecimal.

    The name is compared in NFC. An empty name gives an empty reference.

    Raises:
        UsageError: ``short_key`` under 16 bytes, which could be searched for.

    """
    if len(key) < 16:
        raise UsageError("short_key", f"the key has {len(key)} bytes", "Use at least 16 random bytes.")
    name = clean_text(uploader)
    message = b"rightscan uploader\0" + name.encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()[:32] if name else ""
