"""Corrections of money lines: a reversal row takes an issued line back won by won, a replacement row stands for it.

An issued line is never edited. All functions are pure; lines come in the order in which they were issued.
Domain page, section 4 and sheet 06.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

from rightscan.errors import PermanentError, UsageError


class LineType(StrEnum):
    """원본, 취소 or 대체."""

    ORIGINAL = "original"
    REVERSAL = "reversal"
    REPLACEMENT = "replacement"


@dataclass(frozen=True, slots=True, order=True)
class LineKey:
    """Whose money for what: one key has at most one standing line. ``performer_id`` empty: nobody's yet."""

    ledger: str
    use_period: str
    recording_id: str
    performer_id: str


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a line says. ``held`` is the part of ``gross`` that is not paid yet; both whole won.

    ``weight`` is the share of the pool that gave ``gross``; ``rule`` the rule profile, ``id@version``.
    """

    gross: int
    held: int = 0
    hold_reason: str = "none"
    weight: Fraction = Fraction(0)
    rule: str = ""

    def __neg__(self) -> Amounts:
        return replace(self, gross=-self.gross, held=-self.held, weight=-self.weight)


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """One issued line. ``supersedes`` names the row that a reversal takes back or a replacement stands for."""

    row_id: str
    key: LineKey
    amounts: Amounts
    line_type: LineType = LineType.ORIGINAL
    supersedes: str | None = None
    reason_code: str | None = None


def standing(lines: Iterable[MoneyLine]) -> dict[LineKey, MoneyLine]:
    """The lines that no reversal has taken back, by key.

    Raises:
        PermanentError: ``broken_lines`` where a row id comes twice, a reversal names no standing line of its
            key or takes back other amounts than that line gave, a replacement stands for a line that nobody
            took back, or a key has two standing lines.

    """
    found: dict[LineKey, MoneyLine] = {}
    reversed_rows: dict[str, LineKey] = {}
    seen: set[str] = set()
    for line in lines:
        if line.row_id in seen:
            raise _broken(line, "its row id was used before")
        seen.add(line.row_id)
        present = found.get(line.key)
        if line.line_type is LineType.REVERSAL:
            if present is None or present.row_id != line.supersedes:
                raise _broken(line, f"it takes back {line.supersedes}, which does not stand")
            if line.amounts != -present.amounts:
                raise _broken(line, f"it takes back other amounts than {line.supersedes} gave")
            reversed_rows[present.row_id] = line.key
            del found[line.key]
            continue
        if present is not None:
            raise _broken(line, f"{present.row_id} stands for the same money")
        replaces = line.line_type is LineType.REPLACEMENT
        if replaces and reversed_rows.pop(line.supersedes or "", None) != line.key:
            raise _broken(line, f"nobody took back {line.supersedes}, or it is replaced already")
        found[line.key] = line
    return found


def correct(
    issued: Sequence[MoneyLine],
    wanted: Mapping[LineKey, Amounts],
    *,
    reason_code: str,
    next_row_id: Callable[[], str],
) -> list[MoneyLine]:
    """The rows that turn what was issued into what is wanted, in order of key.

    A line that already says what is wanted gives nothing; a changed one gives a reversal and a replacement; one
    that is no longer wanted only a reversal; money that no standing line had an original row.

    Args:
        issued: every line so far, in order; none of them changes.
        wanted: what should stand after the correction.
        reason_code: why.
        next_row_id: gives a fresh row id at each call.

    Raises:
        UsageError: ``no_reason`` without a reason code.
        PermanentError: ``broken_lines`` where ``issued`` does not hold together.

    """
    if not reason_code.strip():
        raise UsageError("no_reason", "no reason was given", "Say why with --reason.")
    now = standing(issued)
    rows: list[MoneyLine] = []
    for key in sorted({*now, *wanted}):
        old, new = now.get(key), wanted.get(key)
        if old is not None and old.amounts == new:
            continue
        supersedes = None
        if old is not None:
            supersedes = old.row_id
            rows.append(
                MoneyLine(next_row_id(), key, -old.amounts, LineType.REVERSAL, supersedes, reason_code)
            )
        if new is not None:
            kind = LineType.ORIGINAL if old is None else LineType.REPLACEMENT
            rows.append(MoneyLine(next_row_id(), key, new, kind, supersedes, reason_code))
    return rows


def total(lines: Iterable[MoneyLine]) -> tuple[int, int]:
    """Gross and held won over all lines: reversed ones cancel out."""
    gross = held = 0
    for line in lines:
        gross += line.amounts.gross
        held += line.amounts.held
    return gross, held


def adjustment_rows(
    issued: Sequence[MoneyLine], corrections: Iterable[MoneyLine]
) -> Iterator[dict[str, str]]:
    """Rows of sheet 06 for ``corrections``, all values text.

    ``old`` and ``new`` are the gross won (and what of it is held) before and after. ``difference`` is what the
    row itself adds in gross won, so that the column's sum is what the correction comes to.
    """
    amounts = {line.row_id: line.amounts for line in issued}
    for line in corrections:
        before = amounts.get(line.supersedes or "")
        is_reversal = line.line_type is LineType.REVERSAL
        after = None if is_reversal else line.amounts
        row = {
            "row_id": line.row_id,
            "supersedes": line.supersedes,
            "line_type": line.line_type.value,
            "reason_code": line.reason_code,
            "old": _said(before),
            "new": _said(after),
            "difference": f"{line.amounts.gross:+d}",
        }
        yield {name: value for name, value in row.items() if value is not None}


def _said(amounts: Amounts | None) -> str | None:
    if amounts is None:
        return None
    return str(amounts.gross) + (f" ({amounts.hold_reason}: {amounts.held})" if amounts.held else "")


def _broken(line: MoneyLine, why: str) -> PermanentError:
    return PermanentError(
        "broken_lines",
        f"{line.line_type} {line.row_id}: {why}",
        "Restore the issued lines from the reports; they are never edited.",
    )
