"""Catalogue files: recordings, performers, line-ups, mandates, consents and licences.

``read_catalogue`` turns bytes into rows of text under English column names, ``parse_row`` one row into
a typed record or problems, ``parse_catalogue`` a whole catalogue with the checks between rows. Nothing
is dropped silently and nothing is guessed: a row that cannot be taken says why, where and what to do.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from pathlib import PurePosixPath
from typing import Any

from rightscan.errors import PermanentError
from rightscan.rights import tables, vocabulary
from rightscan.rights.axes import Stem
from rightscan.rights.identifiers import Identifier, IdentifierKind, check
from rightscan.rights.ledgers import Ledger, Mandate, MandateKind
from rightscan.rights.lineup import Category, LineupEntry, merge, role_named
from rightscan.rights.money import NOT_A_PAYEE_PREFIX
from rightscan.rights.names import clean_text, header_key
from rightscan.rights.periods import parse_day, parse_moment
from rightscan.rights.personal_data import find_leaks
from rightscan.rights.problems import MAX_SHOWN, Severity, problem_words

_MAX_ID_BYTES = 128  # ids become parts of record keys, of which a store takes 1,024 bytes


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with one cell or row; ``value`` is empty where it may not be repeated."""

    file: str
    sheet: str
    row: int
    column: str
    value: str
    code: str
    severity: Severity
    remedy: str
    remedy_ko: str

    @property
    def cause(self) -> str:
        """What is wrong, in English."""
        return problem_words(self.code)["en"]

    @property
    def cause_ko(self) -> str:
        """What is wrong, in Korean."""
        return problem_words(self.code)["ko"]


@dataclass(frozen=True, slots=True)
class CatalogueRow:
    """One row as read: cells of known columns by English name, the others under their own header.

    ``row`` is the number a spreadsheet or editor shows. ``fault`` is a problem code where the row could
    not even be read (``bad_json``, ``unknown_sheet``).
    """

    sheet: str
    file: str
    row: int
    cells: dict[str, str]
    extra: dict[str, str] = field(default_factory=dict)
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a catalogue sheet; ``identifier`` None and ``opaque`` False is plain text."""

    name: str
    ko: str
    spellings: frozenset[str]
    identifier: IdentifierKind | None
    opaque: bool
    example: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet (or file) of a catalogue."""

    name: str
    ko: str
    spellings: frozenset[str]
    columns: Mapping[str, Column]
    share_headers: frozenset[str]


@cache
def sheets() -> dict[str, Sheet]:
    """Return the six sheets by English name, from ``data/columns.toml``."""
    result = {}
    for name, entry in vocabulary.load_toml("columns.toml").items():
        columns = {}
        for column, words in entry["columns"].items():
            kind = words.get("id", "")
            columns[column] = Column(
                column,
                words["ko"],
                frozenset(map(header_key, (column, words["ko"], *words.get("also", ())))),
                None if kind in ("", "opaque") else IdentifierKind(kind),
                kind == "opaque",
                words["example"],
            )
        result[name] = Sheet(
            name,
            entry["ko"],
            frozenset(map(header_key, entry["names"])),
            columns,
            frozenset(map(header_key, entry.get("share_headers", ()))),
        )
    return result


def sheet_named(text: str) -> str | None:
    """English name of the sheet that ``text`` (a sheet's or file's name) means, else None."""
    key = header_key(text)
    return next((name for name, sheet in sheets().items() if key in sheet.spellings), None)


@lru_cache(maxsize=4096)
def _column_named(sheet: str, header: str) -> str | None:
    # "ISWC(참고)" is the column ISWC: a remark in brackets does not count, unless it is the spelling.
    keys = {header_key(header), header_key(re.sub(r"\([^()]*\)", "", header))}
    columns = sheets()[sheet].columns.values()
    return next((column.name for column in columns if keys & column.spellings), None)


# --- reading ---------------------------------------------------------------------------------------


def read_catalogue(
    name: str, data: bytes, *, limits: tables.WorkbookLimits = tables.DEFAULT_LIMITS
) -> Iterator[CatalogueRow]:
    """Rows of one catalogue file, empty rows left out.

    Args:
        name: the file's name; its suffix tells the format, its stem the sheet of a CSV or JSON Lines
            file (``recordings`` where it names none).
        data: the file's bytes: .xlsx, CSV (UTF-8 or CP949) or JSON Lines (``_sheet``, ``_file`` and
            ``_row`` in an object override where the row comes from).
        limits: what a workbook may unpack to.

    Raises:
        PermanentError: on iteration, where the file as a whole cannot be read:
            ``unknown_catalogue_format``, ``unknown_encoding``, ``bad_csv``, ``old_workbook``,
            ``not_a_workbook``, ``workbook_too_large``, ``no_known_sheet``, ``no_header``,
            ``duplicate_column``.

    """
    file = clean_text(name)
    path = PurePosixPath(file.replace("\\", "/"))
    sheet = sheet_named(path.stem) or "recordings"
    suffix = path.suffix.lower()
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")) or suffix in (".xlsx", ".xlsm", ".xls"):
        yield from _workbook_rows(file, data, limits)
    elif suffix in (".jsonl", ".ndjson"):
        yield from _json_rows(sheet, file, data)
    elif suffix in (".csv", ".tsv", ".txt"):
        yield from _table_rows(sheet, file, tables.read_csv(data))
    else:
        raise PermanentError(
            "unknown_catalogue_format",
            f"{file} is not .xlsx, .csv or .jsonl",
            "Send one of these; `rightscan template catalogue --out DIR` writes examples.",
        )


def _workbook_rows(file: str, data: bytes, limits: tables.WorkbookLimits) -> Iterator[CatalogueRow]:
    opened = tables.read_workbook(data, limits)
    titles = [title for title, _ in opened]
    if len(titles) > 1 and not any(map(sheet_named, titles)):
        raise PermanentError(
            "no_known_sheet",
            f"{file} has the sheets {', '.join(titles)}, none of them a catalogue sheet",
            f"Name the sheets {', '.join(sheets())} or {', '.join(s.ko for s in sheets().values())}.",
        )
    for title, rows in opened:
        sheet = sheet_named(title) or ("recordings" if len(titles) == 1 else None)
        if sheet:
            yield from _table_rows(sheet, file, rows)


def _table_rows(sheet: str, file: str, rows: Iterator[tables.Row]) -> Iterator[CatalogueRow]:
    header: list[tuple[str | None, str]] = []
    for number, received in rows:
        texts = [clean_text(text) for text in received]
        if not any(texts):
            continue
        if not header:
            header = _read_header(sheet, file, texts)
            continue
        cells: dict[str, str] = {}
        extra: dict[str, str] = {}
        for position, text in enumerate(texts):
            column, label = header[position] if position < len(header) else (None, f"column {position + 1}")
            if column:
                cells[column] = text
            elif text:
                extra[label] = text
        yield CatalogueRow(sheet, file, number, cells, extra)


def _read_header(sheet: str, file: str, texts: Sequence[str]) -> list[tuple[str | None, str]]:
    """Per position: the known column or None, and the label under which an unknown one is kept."""
    columns = [_column_named(sheet, text) for text in texts]
    known = [column for column in columns if column]
    if not known:
        raise PermanentError(
            "no_header",
            f"the first row of {file} ({sheet}) names no known column",
            f"Begin with a header row: {', '.join(sheets()[sheet].columns)}.",
        )
    twice = sorted({column for column in known if known.count(column) > 1})
    if twice:
        raise PermanentError(
            "duplicate_column",
            f"{file} ({sheet}) has more than one column for {', '.join(twice)}",
            "Keep one column for each.",
        )
    labels = [
        f"{text} (column {position})" if texts.index(text) < position - 1 or not text else text
        for position, text in enumerate(texts, start=1)
    ]
    return list(zip(columns, labels, strict=True))


def _json_rows(default_sheet: str, file: str, data: bytes) -> Iterator[CatalogueRow]:
    for number, line in enumerate(tables.decode_text(data).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            parsed = json.loads(line, parse_int=str, parse_float=_json_number)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            yield CatalogueRow(default_sheet, file, number, {}, fault="bad_json")
            continue
        source = clean_text(_json_text(parsed.pop("_file", ""))) or file
        position = _json_text(parsed.pop("_row", ""))
        row = int(position) if re.fullmatch(r"[0-9]{1,9}", position) else number
        given_sheet = _json_text(parsed.pop("_sheet", ""))
        sheet = sheet_named(given_sheet) if given_sheet else default_sheet
        if sheet is None:
            yield CatalogueRow(clean_text(given_sheet), source, row, {}, fault="unknown_sheet")
            continue
        cells: dict[str, str] = {}
        extra: dict[str, str] = {}
        for key, value in parsed.items():
            column, text = _column_named(sheet, key), clean_text(_json_text(value))
            if column and column not in cells:
                cells[column] = text
            elif text:
                extra[clean_text(key)] = text
        if cells or extra:
            yield CatalogueRow(sheet, source, row, cells, extra)


def _json_number(text: str) -> str:
    return text.removesuffix(".0")


def _json_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "; ".join(map(_json_text, value))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else str(value)


# --- typed rows ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordingRow:
    """One recording; ``audio`` is a POSIX path relative to the file unless absolute ones are allowed.

    ``stem_of`` names the recording of which this is the separated vocal or instrumental (``stem``); both empty
    for a recording of its own.
    """

    recording_id: str
    isrc: Identifier
    uci: Identifier
    iswc: Identifier
    title: str
    display_artist: str
    lineup_size: int | None
    audio: str
    stem_of: str = ""
    stem: Stem | None = None


@dataclass(frozen=True, slots=True)
class PerformerRow:
    """One performer's identity; ``name_roman`` is as the performer uses it, never generated."""

    performer_id: str
    name_ko: str
    name_roman: str
    stage_name: str
    group: str
    birth_year: int | None
    ipn: Identifier
    isni: Identifier
    member_no: str


LineupRow = LineupEntry
MandateRow = Mandate


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One consent (C1 … C5) of a performer; days are Korean and included, ``withdrawn_at`` is UTC.

    ``proof`` names the document by which a guardian or heir signs for the performer.
    """

    performer_id: str
    kind: str
    text_version: str
    text_sha256: str
    channel: str
    signer: str
    valid_from: dt.date | None
    valid_to: dt.date | None
    withdrawn_at: dt.datetime | None
    proof: str = ""


@dataclass(frozen=True, slots=True)
class LicenceRow:
    """One AI licence of a performer or a recording; empty ``territories`` mean worldwide.

    ``scope`` and ``parts`` are codes of the ``use_type`` and ``ai_part`` lists.
    """

    licence_id: str
    performer_id: str
    recording_id: str
    scope: tuple[str, ...]
    parts: tuple[str, ...]
    territories: tuple[str, ...]
    valid_from: dt.date | None
    valid_to: dt.date | None
    price: Decimal | None
    currency: str


Record = RecordingRow | PerformerRow | LineupRow | MandateRow | ConsentRow | LicenceRow


@dataclass(frozen=True, slots=True)
class ParsedRow:
    """A row and what became of it: ``record`` is None where an error or a merge keeps it from being taken."""

    row: CatalogueRow
    record: Record | None
    problems: tuple[RowProblem, ...] = ()


def check_audio_path(text: str, *, allow_absolute: bool = False) -> str:
    """Return the audio path of a catalogue row, with ``/`` between its parts.

    Whoever opens it must also refuse file-system links where absolute paths are refused, and must
    compare names in NFC: the file itself may be stored in NFD.

    Args:
        text: the cell.
        allow_absolute: True for a catalogue named on the command line: absolute paths and ``..`` are
            taken; False for one that came through a bucket or an API.

    Raises:
        PermanentError: ``missing_value``, ``audio_link`` (a URL), ``audio_absolute``, ``audio_parent``.

    """
    path = clean_text(text).replace("\\", "/")
    posix = PurePosixPath(path)
    code = ""
    if posix == PurePosixPath():
        code = "missing_value"
    elif re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", path):
        code = "audio_link"
    elif not allow_absolute and (posix.is_absolute() or re.match(r"[A-Za-z]:", path)):
        code = "audio_absolute"
    elif not allow_absolute and ".." in posix.parts:
        code = "audio_parent"
    if code:
        words = problem_words(code)
        raise PermanentError(code, f"{words['en']}: {path[:MAX_SHOWN]}", words["remedy_en"])
    return posix.as_posix()


class _Cells:
    """Reads the cells of one row, collecting problems."""

    def __init__(self, row: CatalogueRow) -> None:
        self.row = row
        self.problems: list[RowProblem] = []

    def add(self, code: str, column: str = "") -> None:
        self.problems.append(_problem(self.row, code, column))

    def text(self, column: str) -> str:
        return self.row.cells.get(column, "")

    def id(self, column: str) -> str:
        text = self.text(column)
        if not text:
            self.add("missing_value", column)
        elif len(text.encode()) > _MAX_ID_BYTES:
            self.add("id_too_long", column)
        elif column == "performer_id" and text.casefold().startswith(NOT_A_PAYEE_PREFIX):
            self.add("payee_not_a_person", column)
        return text

    def identifier(self, column: str, kind: IdentifierKind) -> Identifier:
        identifier = check(kind, self.text(column))
        if identifier.value and not identifier.is_valid:
            self.add("identifier_invalid", column)
        return identifier

    def integer(self, column: str, low: int, high: int) -> int | None:
        text = self.text(column)
        if re.fullmatch(r"[0-9]{1,6}", text) and low <= int(text) <= high:
            return int(text)
        if text:
            self.add("bad_number", column)
        return None

    def amount(self, column: str) -> Decimal | None:
        text = self.text(column).replace(",", "").strip("₩원 ")
        if not text:
            return None
        try:
            amount = Decimal(text)
        except InvalidOperation:
            amount = Decimal(-1)
        if amount.is_finite() and 0 <= amount < 10**15:
            return amount
        self.add("bad_number", column)
        return None

    def word(self, column: str, list_name: str, code: str = "unknown_word") -> str | None:
        text = self.text(column)
        word = vocabulary.code_for(list_name, text) if text else None
        if text and word is None:
            self.add(code, column)
        return word

    def kind(self, list_name: str) -> str | None:
        word = self.word("kind", list_name, "unknown_kind")
        if not self.text("kind"):
            self.add("missing_value", "kind")
        return word

    def words(self, column: str, list_name: str) -> tuple[str, ...]:
        found = []
        for part in _parts(self.text(column)):
            word = vocabulary.code_for(list_name, part)
            if word is None:
                self.add("unknown_kind", column)
            else:
                found.append(word)
        return tuple(dict.fromkeys(found))

    def territories(self) -> tuple[str, ...]:
        found = [vocabulary.territory_code(part) for part in _parts(self.text("territory"))]
        if None in found:
            self.add("bad_territory", "territory")
        return () if "WW" in found else tuple(dict.fromkeys(code for code in found if code))

    def day(self, column: str) -> dt.date | None:
        text = self.text(column)
        day = parse_day(text) if text else None
        if text and day is None:
            self.add("bad_date", column)
        return day

    def period(self) -> tuple[dt.date | None, dt.date | None]:
        start, end = self.day("from"), self.day("to")
        if start and end and end < start:
            self.add("period_reversed", "to")
        return start, end


def _parts(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"[;,/|]", text) if part.strip()]


def _problem(row: CatalogueRow, code: str, column: str = "") -> RowProblem:
    words = problem_words(code)
    value = row.cells.get(column, row.extra.get(column, ""))
    return RowProblem(
        row.file,
        row.sheet,
        row.row,
        column,
        "" if code == "personal_number" else value[:MAX_SHOWN],
        code,
        Severity(words["severity"]),
        words["remedy_en"],
        words["remedy_ko"],
    )


def _recording(cells: _Cells, allow_absolute_audio: bool) -> RecordingRow:
    audio = ""
    try:
        audio = check_audio_path(cells.text("audio"), allow_absolute=allow_absolute_audio)
    except PermanentError as error:
        cells.add(error.code, "audio")
    recording_id = cells.id("recording_id")
    stem_of, stem = cells.text("stem_of"), cells.word("stem", "stem", "unknown_kind")
    if bool(stem_of) != bool(stem):
        cells.add("stem_without_its_recording", "stem_of" if stem else "stem")
    elif stem_of:
        cells.id("stem_of")
        if stem_of == recording_id:
            cells.add("stem_of_itself", "stem_of")
    return RecordingRow(
        recording_id=recording_id,
        isrc=cells.identifier("isrc", IdentifierKind.ISRC),
        uci=cells.identifier("uci", IdentifierKind.UCI),
        iswc=cells.identifier("iswc", IdentifierKind.ISWC),
        title=cells.text("title"),
        display_artist=cells.text("display_artist"),
        lineup_size=cells.integer("lineup_size", 1, 10_000),
        audio=audio,
        stem_of=stem_of,
        stem=Stem(stem) if stem else None,
    )


def _performer(cells: _Cells) -> PerformerRow:
    return PerformerRow(
        performer_id=cells.id("performer_id"),
        name_ko=cells.text("name_ko"),
        name_roman=cells.text("name_roman"),
        stage_name=cells.text("stage_name"),
        group=cells.text("group"),
        birth_year=cells.integer("birth_year", 1850, 2045),
        ipn=cells.identifier("ipn", IdentifierKind.IPN),
        isni=cells.identifier("isni", IdentifierKind.ISNI),
        member_no=cells.text("member_no"),
    )


def _lineup(cells: _Cells) -> LineupEntry:
    # "합창·합주" is one role: the middle dot does not separate.
    named = [(part, role_named(part)) for part in _parts(cells.text("role"))]
    if any(role is None for _, role in named):
        cells.add("unknown_role", "role")
    category = cells.word("category", "category")
    of_roles = [role.category for _, role in named if role and role.category]
    categories = [Category(category)] if category else of_roles
    featured = cells.word("featured", "featured")
    return LineupEntry(
        recording_id=cells.id("recording_id"),
        performer_id=cells.id("performer_id"),
        featured=None if featured is None else featured == "yes",
        roles=tuple(dict.fromkeys(role.kmpu_role if role else part for part, role in named)),
        categories=tuple(dict.fromkeys(categories)),
        instruments=tuple(dict.fromkeys(_parts(cells.text("instrument")))),
        valid_from=cells.day("valid_from"),
    )


def _mandate(cells: _Cells) -> Mandate:
    kind = cells.kind("mandate")
    start, end = cells.period()
    return Mandate(
        performer_id=cells.id("performer_id"),
        kind=MandateKind(kind) if kind else MandateKind.NON_MEMBER,
        ledgers=tuple(map(Ledger, cells.words("ledger", "ledger"))),
        territories=cells.territories(),
        valid_from=start,
        valid_to=end,
    )


def _consent(cells: _Cells) -> ConsentRow:
    start, end = cells.period()
    digest = cells.text("text_sha256").lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digest):
        cells.add("consent_without_text_hash", "text_sha256")
    signs_for_another = vocabulary.code_for("signer", cells.text("signer")) in ("guardian", "heir")
    if signs_for_another and not cells.text("proof"):
        cells.add("consent_without_proof", "proof")
    withdrawn = cells.text("withdrawn_at")
    withdrawn_at = parse_moment(withdrawn) if withdrawn else None
    if withdrawn and withdrawn_at is None:
        cells.add("bad_date", "withdrawn_at")
    return ConsentRow(
        performer_id=cells.id("performer_id"),
        kind=cells.kind("consent") or "",
        text_version=cells.text("text_version"),
        text_sha256=digest,
        channel=cells.text("channel"),
        signer=cells.text("signer"),
        valid_from=start,
        valid_to=end,
        withdrawn_at=withdrawn_at,
        proof=cells.text("proof"),
    )


def _licence(cells: _Cells) -> LicenceRow:
    start, end = cells.period()
    performer_id, recording_id = cells.text("performer_id"), cells.text("recording_id")
    if not performer_id and not recording_id:
        cells.add("no_subject", "performer_id")
    return LicenceRow(
        licence_id=cells.id("licence_id"),
        performer_id=performer_id and cells.id("performer_id"),
        recording_id=recording_id and cells.id("recording_id"),
        scope=cells.words("scope", "use_type"),
        parts=cells.words("parts", "ai_part"),
        territories=cells.territories(),
        valid_from=start,
        valid_to=end,
        price=cells.amount("price"),
        currency=cells.text("currency").upper(),
    )


_READERS: Mapping[str, Callable[[_Cells], Record]] = {
    "performers": _performer,
    "lineups": _lineup,
    "mandates": _mandate,
    "consents": _consent,
    "licences": _licence,
}


def parse_row(row: CatalogueRow, *, allow_absolute_audio: bool = False) -> ParsedRow:
    """One row as a typed record, or the problems that keep it from being one.

    A row with a resident registration or phone number gets ``personal_number`` alone: its values are
    repeated nowhere, and the caller quarantines the file.
    """
    cells = _Cells(row)
    if row.fault:
        return ParsedRow(row, None, (_problem(row, row.fault),))
    leaking = _leaking_columns(row)
    if leaking:
        problems = tuple(_problem(row, "personal_number", column) for column in leaking)
        # What is handed on holds none of the row's values.
        return ParsedRow(replace(row, cells={}, extra={}), None, problems)
    for column, text in (row.cells | row.extra).items():
        if text.startswith("=") and len(text) > 1:
            cells.add("formula_text", column)
    if row.sheet == "recordings":
        record: Record = _recording(cells, allow_absolute_audio)
    else:
        record = _READERS[row.sheet](cells)
    failed = any(problem.severity is Severity.ERROR for problem in cells.problems)
    return ParsedRow(row, None if failed else record, tuple(cells.problems))


def _leaking_columns(row: CatalogueRow) -> list[str]:
    columns = sheets()[row.sheet].columns
    leaking = []
    for name, text in row.cells.items():
        column = columns[name]
        if find_leaks(text, identifier=column.identifier, opaque=column.opaque):
            leaking.append(name)
    for header, text in row.extra.items():
        key = header_key(header)
        barcode = any(word in key for word in ("barcode", "바코드", "upc", "ean"))
        if find_leaks(text, identifier=IdentifierKind.BARCODE if barcode else None):
            leaking.append(header)
    return leaking


# --- checks between rows ---------------------------------------------------------------------------


def parse_catalogue(
    rows: Iterable[CatalogueRow], *, allow_absolute_audio: bool = False
) -> tuple[ParsedRow, ...]:
    """All rows of one catalogue (a file, or the files of a folder), checked one by one and together.

    - Rows with one id that differ are all refused (``duplicate_id``); repetitions are taken once.
    - A performer's rows on one recording and day are merged into the first of them; if they contradict
      each other on featured, all get ``performer_twice`` and ``featured`` becomes None.
    - Line-up rows of a recording whose shares sum to more than 100 % are refused.
    - Performers of one name and birth year under two ids are listed (``same_person_twice``).
    - An ISRC on two recordings, or an IPN or ISNI on two performers, is listed (``identifier_shared``).

    Returns:
        One ``ParsedRow`` per row, in the order of ``rows``.

    """
    parsed = [parse_row(row, allow_absolute_audio=allow_absolute_audio) for row in rows]
    _check_shares(parsed)
    _check_duplicates(parsed)
    _merge_lineups(parsed)
    _check_people(parsed)
    _check_shared_identifiers(parsed)
    return tuple(parsed)


def _flag(parsed: list[ParsedRow], position: int, code: str, column: str, *, keep: bool) -> None:
    """Add a problem to one row; unless ``keep``, its record is not taken."""
    item = parsed[position]
    problem = _problem(item.row, code, column)
    parsed[position] = replace(item, record=item.record if keep else None, problems=(*item.problems, problem))


def _groups(parsed: Sequence[ParsedRow], key_of: Callable[[Record], Hashable | None]) -> list[list[int]]:
    """Positions of the records that share a key, groups of two or more, in order."""
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for position, item in enumerate(parsed):
        key = key_of(item.record) if item.record else None
        if key is not None:
            groups[key].append(position)
    return [group for group in groups.values() if len(group) > 1]


def _primary_key(record: Record) -> Hashable | None:
    match record:
        case RecordingRow():
            return ("recording_id", record.recording_id)
        case PerformerRow():
            return ("performer_id", record.performer_id)
        case LicenceRow():
            return ("licence_id", record.licence_id)
        case Mandate() | ConsentRow():
            return ("", record)  # no id of their own: only repetitions meet
        case _:
            return None


def _check_duplicates(parsed: list[ParsedRow]) -> None:
    for group in _groups(parsed, _primary_key):
        first = parsed[group[0]]
        if all(parsed[i].record == first.record and parsed[i].row.extra == first.row.extra for i in group):
            for position in group[1:]:
                _flag(parsed, position, "repeated_row", "", keep=False)
        else:
            column = next(iter(sheets()[first.row.sheet].columns))
            for position in group:
                _flag(parsed, position, "duplicate_id", column, keep=False)


def _merge_lineups(parsed: list[ParsedRow]) -> None:
    def place(record: Record) -> Hashable | None:
        if isinstance(record, LineupEntry):
            return record.recording_id, record.performer_id, record.valid_from
        return None

    for group in _groups(parsed, place):
        entries = [record for i in group if isinstance(record := parsed[i].record, LineupEntry)]
        contradiction = {True, False} <= {entry.featured for entry in entries}
        merged = merge(entries)
        for position, entry in zip(group, entries, strict=True):
            is_first = position == group[0]
            if contradiction:
                _flag(parsed, position, "performer_twice", "featured", keep=is_first)
            elif not is_first and entry == entries[0]:
                _flag(parsed, position, "repeated_row", "", keep=False)
            parsed[position] = replace(parsed[position], record=merged if is_first else None)


def _check_shares(parsed: list[ParsedRow]) -> None:
    headers = sheets()["lineups"].share_headers
    rows: defaultdict[str, list[tuple[int, str, Decimal]]] = defaultdict(list)
    for position, item in enumerate(parsed):
        if not isinstance(item.record, LineupEntry):
            continue
        for header, text in item.row.extra.items():
            if header_key(header) in headers:
                share = _percent(text)
                if share is None:
                    _flag(parsed, position, "bad_share", header, keep=True)
                else:
                    rows[item.record.recording_id].append((position, header, share))
    for shares in rows.values():
        if sum(share for _, _, share in shares) > 100:
            for position, header, _ in shares:
                _flag(parsed, position, "shares_above_100", header, keep=False)


def _percent(text: str) -> Decimal | None:
    try:
        share = Decimal(text.strip("% "))
    except InvalidOperation:
        return None
    # One share above 100 is a sum above 100: left to the check of the sum.
    return share if share.is_finite() and share >= 0 else None


def _check_people(parsed: list[ParsedRow]) -> None:
    def person(record: Record) -> Hashable | None:
        if isinstance(record, PerformerRow) and record.name_ko and record.birth_year:
            return record.name_ko.replace(" ", ""), record.birth_year
        return None

    for group in _groups(parsed, person):
        for position in group:
            _flag(parsed, position, "same_person_twice", "name_ko", keep=True)


def _check_shared_identifiers(parsed: list[ParsedRow]) -> None:
    for record_type, column in ((RecordingRow, "isrc"), (PerformerRow, "ipn"), (PerformerRow, "isni")):

        def value(record: Record, record_type: type = record_type, column: str = column) -> Hashable | None:
            identifier = getattr(record, column) if isinstance(record, record_type) else None
            return identifier.value if identifier and identifier.is_valid else None

        for group in _groups(parsed, value):
            for position in group:
                _flag(parsed, position, "identifier_shared", column, keep=True)
