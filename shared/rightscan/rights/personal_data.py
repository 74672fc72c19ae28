"""Finds resident registration numbers and phone numbers that have no business in an import or export.

Resident registration numbers are never stored; this module only tells that one stands somewhere. A
finding carries its kind and place, never the number, so that it may be printed and logged.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from enum import StrEnum

from rightscan.rights.identifiers import IdentifierKind, check


class LeakKind(StrEnum):
    """What was found."""

    RESIDENT_NUMBER = "resident_number"
    PHONE_NUMBER = "phone_number"


@dataclass(frozen=True, slots=True)
class Leak:
    """One finding: its kind and its span in the text, in characters, half-open."""

    kind: LeakKind
    start: int
    end: int


# Not inside a longer run of letters or digits: hashes, UUIDs, 16-digit ISNIs and 14-digit times stay out.
_BEFORE = r"(?<![0-9A-Za-z])"
_AFTER = r"(?![0-9A-Za-z])"
_RESIDENT = re.compile(_BEFORE + r"([0-9]{6})(\s?[-–—_·]\s?|\s)?([0-9])[0-9]{6}" + _AFTER)
# Mobile 010 numbers begin with 2 to 9 after the prefix, so that zero-padded row numbers are not taken;
# a land line is only believed with separators, because nine to eleven digits are also IPI and IPN numbers.
_PHONE = re.compile(
    r"(?<![0-9A-Za-z.-])(?:"
    r"(?:\+82[-. ]?(?:\(0\) ?)?|0)1(?:0[-. )]{0,2}[2-9][0-9]{3}|[16-9][-. )]{0,2}[2-9][0-9]{2,3})"
    r"[-. ]?[0-9]{4}"
    r"|(?:\+82[-. ]?|0)(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70)[-. )]{1,2}[0-9]{3,4}[-. ][0-9]{4}"
    r")" + _AFTER
)
# Centuries told by the seventh digit: Koreans 1/2 (1900s), 3/4 (2000s), 9/0 (1800s), foreigners 5 to 8.
_CENTURY = {**dict.fromkeys("1256", 1900), **dict.fromkeys("3478", 2000), **dict.fromkeys("90", 1800)}
# A fixed bound instead of today's date keeps the function pure; it rules out most 13-digit Korean
# barcodes (880…), whose seventh digit would say 2088.
_LAST_BIRTH_YEAR = 2045


def _is_possible_birth(yymmdd: str, century_digit: str) -> bool:
    try:
        year = _CENTURY[century_digit] + int(yymmdd[:2])
        dt.date(year, int(yymmdd[2:4]), int(yymmdd[4:]))
    except ValueError:
        return False
    return year <= _LAST_BIRTH_YEAR


def find_leaks(
    text: str, *, identifier: IdentifierKind | None = None, opaque: bool = False
) -> tuple[Leak, ...]:
    """Resident registration and phone numbers in one cell.

    A resident registration number is six digits that are a possible birth date, an optional hyphen, and
    seven more; the check digit is not looked at, since numbers given from October 2020 on have none.

    Args:
        text: the cell as received.
        identifier: kind of identifier the column holds; a value valid as such is never a leak.
        opaque: the column holds somebody's own row numbers: only written-out forms (with separators) count.

    """
    if identifier is not None and check(identifier, text).is_valid:
        return ()
    residents = [
        Leak(LeakKind.RESIDENT_NUMBER, *match.span())
        for match in _RESIDENT.finditer(text)
        if (match[2] or not opaque) and _is_possible_birth(match[1], match[3])
    ]
    phones = [
        Leak(LeakKind.PHONE_NUMBER, *match.span())
        for match in _PHONE.finditer(text)
        if not (opaque and match[0].lstrip("+").isdigit())
    ]
    return tuple(sorted(residents + phones, key=lambda leak: leak.start))
