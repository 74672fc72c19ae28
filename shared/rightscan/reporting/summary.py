"""Sheet 01 folded from sheet 02 while it streams, and sheet 00, the cover."""

from __future__ import annotations

import datetime as dt
import hashlib
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise

from rightscan.errors import PermanentError
from rightscan.reporting.columns import Language, Words, sheets
from rightscan.reporting.rows import Cell, cell_text
from rightscan.reporting.workbook import SECTION_MARK
from rightscan.rights.periods import KST, month_bounds

_USAGE = sheets()["02"]
# The sheet has no performer_id: two people are told apart by all their names and numbers together.
_PERFORMER = tuple(
    _USAGE.positions[name] for name in ("member_no", "ipn", "isni", "name_ko", "name_roman", "stage_name")
)
_LEDGER, _CODE, _PLATFORM = (_USAGE.positions[name] for name in ("ledger", "code", "platform"))
_ROW_ID, _USE_ID, _LINE_TYPE = (_USAGE.positions[name] for name in ("row_id", "use_id", "line_type"))
_SECONDS, _COUNT = (_USAGE.positions[name] for name in ("seconds_used", "use_count"))
_RECORDING, _AMOUNT, _CURRENCY = (
    _USAGE.positions[name] for name in ("recording_id", "est_amount", "currency")
)
_FACTS = tuple((position, column.name) for position, column in enumerate(_USAGE.columns) if column.fact)


@dataclass(slots=True)
class Totals:
    """What a group of usage rows adds up to.

    Attributes:
        uses: sum of use counts, a use once however many performer rows it has; reversals carry minus signs.
        seconds_used: likewise, s.
        recordings: distinct recording ids.
        performers: distinct performers.
        est_amount: sum over the rows, won; None where no row has one.

    """

    uses: int = 0
    seconds_used: Decimal = Decimal("0.000")
    recordings: set[str] = field(default_factory=set)
    performers: set[tuple[Cell, ...]] = field(default_factory=set)
    est_amount: int | None = None

    def add_row(self, cells: Sequence[Cell]) -> None:
        """Take what a row says beyond its use."""
        recording = cells[_RECORDING]
        if recording is not None:
            self.recordings.add(str(recording))
        performer = tuple(cells[position] for position in _PERFORMER)
        if any(performer):
            self.performers.add(performer)
        amount = cells[_AMOUNT]
        if isinstance(amount, int):
            self.est_amount = (self.est_amount or 0) + amount


class _Once:
    """Sees every id once. 8 bytes an id: two of 10 million share a digest with a chance of 3 in a million."""

    def __init__(self) -> None:
        self._digests = array("Q")

    def add(self, text: str) -> None:
        digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
        self._digests.append(int.from_bytes(digest, "little"))

    def has_repeats(self) -> bool:
        ordered = sorted(self._digests)
        return any(first == second for first, second in pairwise(ordered))


class UsageFold:
    """Folds rows of sheet 02 in one pass; memory is bounded by the distinct groups, recordings and people.

    The rows of one use have to come together.

    Attributes:
        groups: totals by (ledger, code, platform).
        whole: totals of all rows; a use that stands in two ledgers counts once here and once in each group.
        rows: rows seen.
        missing: how many rows leave each fact column empty.

    """

    def __init__(self) -> None:
        self.groups: dict[tuple[Cell, Cell, Cell], Totals] = {}
        self.whole = Totals()
        self.rows = 0
        self.missing = {name: 0 for _, name in _FACTS}
        self._use: Cell = None
        self._counted: dict[Cell, tuple[Cell, Cell]] = {}
        self._counted_groups: set[tuple[Cell, tuple[Cell, Cell, Cell]]] = set()
        self._use_ids = _Once()
        self._row_ids = _Once()

    def add(self, cells: Sequence[Cell]) -> None:
        """Take one row of sheet 02.

        Raises:
            PermanentError: rows of one use differ in seconds or count (``use_rows_disagree``), or an
                amount is not in won (``foreign_currency``).

        """
        self.rows += 1
        self._row_ids.add(str(cells[_ROW_ID]))
        for position, name in _FACTS:
            if cells[position] is None:
                self.missing[name] += 1
        if cells[_AMOUNT] is not None and cells[_CURRENCY] not in (None, "KRW"):
            raise PermanentError(
                "foreign_currency",
                f"row {cells[_ROW_ID]} has an amount in {cells[_CURRENCY]}; a report adds up won",
                "Convert the amount to won, or leave it empty.",
            )
        if cells[_USE_ID] != self._use:
            self._use = cells[_USE_ID]
            self._use_ids.add(str(self._use))
            self._counted.clear()
            self._counted_groups.clear()
        key = (cells[_LEDGER], cells[_CODE], cells[_PLATFORM])
        group = self.groups.setdefault(key, Totals())
        group.add_row(cells)
        self.whole.add_row(cells)
        self._count_use(key, group, cells)

    def _count_use(self, key: tuple[Cell, Cell, Cell], group: Totals, cells: Sequence[Cell]) -> None:
        # A reversal or replacement of a use is a count of its own, beside the original.
        line_type, count, seconds = cells[_LINE_TYPE], cells[_COUNT], cells[_SECONDS]
        if line_type not in self._counted:
            self._counted[line_type] = (count, seconds)
            _add_use(self.whole, count, seconds)
        elif self._counted[line_type] != (count, seconds):
            raise PermanentError(
                "use_rows_disagree",
                f"row {cells[_ROW_ID]}: use {self._use} has other seconds or counts on another row",
                "Both belong to the use: write the same values on each of its performer rows.",
            )
        if (line_type, key) not in self._counted_groups:
            self._counted_groups.add((line_type, key))
            _add_use(group, count, seconds)

    def finish(self) -> None:
        """Check what only the end can show.

        Raises:
            PermanentError: a row id came twice (``repeated_row_id``), or a use's rows came apart and it
                was counted twice (``use_rows_apart``).

        """
        if self._row_ids.has_repeats():
            raise PermanentError(
                "repeated_row_id", "a row id stands on two rows of sheet 02", "Give each row its own."
            )
        if self._use_ids.has_repeats():
            raise PermanentError(
                "use_rows_apart",
                "the rows of a use do not stand together in sheet 02",
                "Order the rows by use, then by performer.",
            )

    def summary_rows(self) -> Iterator[dict[str, object]]:
        """Rows of sheet 01, by ledger, code and platform."""
        for key in sorted(self.groups, key=lambda group: tuple(map(cell_text, group))):
            ledger, code, platform = key
            totals = self.groups[key]
            yield {
                "ledger": ledger,
                "code": code,
                "platform": platform,
                "uses": totals.uses,
                "seconds_used": totals.seconds_used,
                "recordings": len(totals.recordings),
                "performers": len(totals.performers),
                "est_amount": totals.est_amount,
            }


def _add_use(totals: Totals, count: Cell, seconds: Cell) -> None:
    if isinstance(count, int):
        totals.uses += count
    if isinstance(seconds, Decimal):
        totals.seconds_used += seconds


# ---- the cover ----

COVER_WORDS: Mapping[str, Words] = {
    "report": Words("보고서", "Report"),
    "report_id": Words("보고서번호", "Report id"),
    "period": Words("정산기간", "Period"),
    "version": Words("보고서 판", "Version"),
    "boundaries": Words("기간 경계(KST)", "Boundaries (KST)"),
    "created": Words("작성일시(KST)", "Created (KST)"),
    "filters": Words("조건", "Filters"),
    "no_filter": Words("없음(전체)", "none (everything)"),
    "counts": Words("건수", "Counts"),
    "rows": Words("행 수", "rows"),
    "sums": Words("합계(02 이용내역)", "Sums (02 Usage)"),
    "uses": Words("이용건수(이용 한 건은 한 번)", "Uses (each counted once)"),
    "seconds_used": Words("사용초(이용 한 건은 한 번)", "Seconds used (each use once)"),
    "recordings": Words("음원수", "Recordings"),
    "performers": Words("실연자수", "Performers"),
    "est_amount": Words("추정액(원)", "Estimated amount (won)"),
    "no_amount": Words("재원이나 요율이 주어지지 않음", "no pool or tariff given"),
    "missing": Words("빠진 정보(02의 행 수)", "Missing (rows of 02)"),
    "unlisted": Words("코드표에 없는 값", "values in no code list"),
    "versions": Words("버전", "Versions"),
    "files": Words("파일과 SHA-256", "Files and SHA-256"),
    "legend": Words("범례: 판정코드", "Legend: codes"),
    "notes": Words("유의사항", "Notes"),
    # Versions and counts that reports commonly bring; any other name is shown as it is.
    "engine": Words("엔진", "Engine"),
    "pipeline": Words("분석 절차", "Pipeline"),
    "models": Words("모델", "Models"),
    "index": Words("색인", "Index"),
    "rules": Words("분배 규칙", "Rules"),
    "code_table": Words("판정 규칙", "Code table"),
    "files_received": Words("받은 파일", "Files received"),
    "files_analysed": Words("분석한 파일", "Files analysed"),
    "files_matched": Words("일치가 있는 파일", "Files with matches"),
    "files_clear": Words("일치가 없는 파일", "Files without matches"),
    "files_failed": Words("처리하지 못한 파일", "Files that failed"),
    "files_in_work": Words("아직 처리 중인 파일", "Files still in work"),
    "hours_scanned": Words("검사한 시간(시간)", "Hours scanned"),
    "cost_estimate": Words("비용 추정", "Cost estimate"),
}

_NOTES = (
    Words(
        "한 이용에 징수구분이 둘이면 01 요약의 두 행에 한 번씩 나옵니다.",
        "A use that stands in two ledgers appears once in each of their rows of sheet 01.",
    ),
    Words(
        "01 요약의 음원수와 실연자수는 행마다 따로 센 것이라 더하지 않습니다.",
        "Recordings and performers of sheet 01 are distinct per row: do not add them up.",
    ),
    Words(
        "판정은 기계의 추정이며, 지급과 통지는 담당자가 정합니다.",
        "Codes are machine estimates; payments and notices are decided by a named person.",
    ),
)


@dataclass(frozen=True, slots=True)
class CoverFacts:
    """What the cover states beside the fold of sheet 02.

    Attributes:
        sheet_rows: rows of each sheet by its tab title.
        unlisted: cells with a code in no list, by list name.
        file_hashes: SHA-256 by file name.
        legend: words of the finding codes.

    """

    report_id: str
    period: str
    version: int
    created_at: dt.datetime
    filters: Mapping[str, str]
    counts: Mapping[str, int | float | Decimal | str]
    versions: Mapping[str, str]
    sheet_rows: Mapping[str, int]
    unlisted: Mapping[str, int]
    file_hashes: Mapping[str, str]
    legend: Mapping[str, Words]


def cover_rows(facts: CoverFacts, fold: UsageFold, language: Language) -> Iterator[dict[str, str]]:
    """Rows of sheet 00: headings (``SECTION_MARK``) and, under each, what it states."""

    def word(name: str) -> str:
        return COVER_WORDS[name][language] if name in COVER_WORDS else name

    def section(name: str, pairs: Iterable[tuple[str, str]]) -> Iterator[dict[str, str]]:
        yield {"key": SECTION_MARK + word(name)}
        for key, value in pairs:
            yield {"key": key, "value": value}

    headers = {column.name: column.header[language] for column in _USAGE.columns}
    start, end = (moment.astimezone(KST) for moment in month_bounds(facts.period))
    stated = {
        "report_id": facts.report_id,
        "period": facts.period,
        "version": str(facts.version),
        "created": f"{facts.created_at.astimezone(KST):%Y-%m-%d %H:%M:%S}",
        "boundaries": f"{start:%Y-%m-%d %H:%M} ≤ … < {end:%Y-%m-%d %H:%M}",
    }
    yield from section("report", ((word(name), value) for name, value in stated.items()))
    filters = [(headers.get(name, name), text) for name, text in facts.filters.items()]
    yield from section("filters", filters or [(word("no_filter"), "")])
    rows = {f"{title} {word('rows')}": count for title, count in facts.sheet_rows.items()}
    counts = {word(name): count for name, count in facts.counts.items()}
    yield from section("counts", ((key, _amount(value)) for key, value in (counts | rows).items()))
    yield from section("sums", ((word(name), value) for name, value in _sums(fold, word("no_amount"))))
    missing = {headers[name]: count for name, count in fold.missing.items()}
    missing |= {
        f"{word('unlisted')}: {headers.get(name, name)}": n for name, n in facts.unlisted.items() if n
    }
    yield from section("missing", ((key, _amount(count)) for key, count in missing.items()))
    yield from section("versions", ((word(name), text) for name, text in facts.versions.items()))
    yield from section("files", facts.file_hashes.items())
    yield from section("legend", ((code, words[language]) for code, words in facts.legend.items()))
    yield from section("notes", ((str(n), note[language]) for n, note in enumerate(_NOTES, 1)))


def _amount(value: int | float | Decimal | str) -> str:
    return value if isinstance(value, str) else f"{value:,}"


def _sums(fold: UsageFold, no_amount: str) -> Iterator[tuple[str, str]]:
    whole = fold.whole
    yield "uses", _amount(whole.uses)
    yield "seconds_used", _amount(whole.seconds_used)
    yield "recordings", _amount(len(whole.recordings))
    yield "performers", _amount(len(whole.performers))
    yield "est_amount", no_amount if whole.est_amount is None else _amount(whole.est_amount)
