"""Identifiers of recordings, performers and works, with four outcomes kept beside the value.

A bad identifier is kept verbatim and flagged; it never stops a match from being reported. Check digits
come from python-stdnum (ISNI: ISO 27729 with ISO 7064 MOD 11-2; ISAN: ISO 15706 and EIDR: ISO 26324,
both ISO 7064 MOD 37,36); ISWC (ISO 15707) and the IPI name number are written here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from stdnum import ean, isan, isni
from stdnum.iso7064 import mod_37_36
from stdnum.util import clean

from rightscan.rights.names import clean_text


class IdentifierOutcome(StrEnum):
    """What is known of an identifier: domain page, section 2."""

    VALID_CHECKED = "valid_checked"
    VALID_SYNTAX = "valid_syntax"
    INVALID = "invalid"
    ABSENT = "absent"


class IdentifierKind(StrEnum):
    """The identifiers this system reads."""

    ISRC = "isrc"
    IPN = "ipn"
    ISNI = "isni"
    ISWC = "iswc"
    IPI = "ipi"
    ISAN = "isan"
    EIDR = "eidr"
    UCI = "uci"
    SOCIETY = "society"
    BARCODE = "barcode"


@dataclass(frozen=True, slots=True)
class Identifier:
    """One identifier: ``value`` is compact when valid, verbatim when invalid, empty when absent."""

    kind: IdentifierKind
    value: str
    outcome: IdentifierOutcome

    @property
    def is_valid(self) -> bool:
        """True where the form is right and the check digit, if one exists, passed."""
        return self.outcome in (IdentifierOutcome.VALID_CHECKED, IdentifierOutcome.VALID_SYNTAX)

    @property
    def display(self) -> str:
        """The customary printed form (``KR-A01-25-12345``, ``T-034.524.680-1``); verbatim if invalid."""
        value = self.value
        if not self.is_valid:
            return value
        match self.kind:
            case IdentifierKind.ISRC:
                return f"{value[:2]}-{value[2:5]}-{value[5:7]}-{value[7:]}"
            case IdentifierKind.ISNI:
                return isni.format(value)
            case IdentifierKind.ISWC:
                return f"T-{value[1:4]}.{value[4:7]}.{value[7:10]}-{value[10]}"
            case IdentifierKind.ISAN:
                return isan.format(value, add_check_digits=False)
            case IdentifierKind.EIDR:
                digits = value.removeprefix("10.5240/")
                blocks = [digits[i : i + 4] for i in range(0, 20, 4)]
                return f"10.5240/{'-'.join(blocks)}-{digits[20]}"
            case _:
                return value


DEFAULT_SOCIETY_PATTERNS: Mapping[str, str] = {
    society: r"[0-9A-Za-z][0-9A-Za-z._/-]{0,63}" for society in ("FKMP", "KOMCA", "RIAK", "KEPA")
}
"""Society name space → pattern of what follows ``::``. The codes are opaque; a deployment may narrow them."""


# Two letters, not an ISO 3166 list: since 2019 the ISRC agency allots prefixes outside country codes.
_ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
# Leading zeros matter. SCAPR's numbers are far shorter than 11 digits, the length of a mobile number.
_IPN = re.compile(r"[0-9]{1,10}")
_ISWC = re.compile(r"T[0-9]{10}")
_IPI = re.compile(r"[0-9]{11}")
_BARCODE = re.compile(r"[0-9]{8}|[0-9]{12,13}")
_EIDR = re.compile(r"10\.5240/([0-9A-F]{20})([0-9A-Z])")
# RFC 4179, section 2: prefix "-" instance, a qualifier being part of the instance as far as form goes.
_UCI = re.compile(
    r"[A-Za-z0-9]{1,64}(:[A-Za-z0-9]{1,64})?(\+[A-Za-z0-9]{1,64})?"
    r"-([A-Za-z0-9()+,.=@;$_!*'-]|%[0-9A-Fa-f]{2}){1,256}"
)


def iswc_check_digit(digits: str) -> int:
    """Check digit of nine ISWC digits: ISO 15707, annex A, weights 1 to 9 plus one, modulo 10."""
    return -(1 + sum(weight * int(digit) for weight, digit in enumerate(digits, start=1))) % 10


def ipi_check_digits(digits: str) -> str:
    """Two check digits of the nine leading digits of an IPI name number: weights 10 to 2, modulo 101.

    The hundred that the rule can give is written ``00``.
    """
    total = sum(weight * int(digit) for weight, digit in zip(range(10, 1, -1), digits, strict=True))
    return f"{-total % 101 % 100:02d}"


def _isrc(text: str) -> tuple[str, bool] | None:
    value = clean(text, " -.").upper().removeprefix("ISRC").lstrip(":")
    return (value, False) if _ISRC.fullmatch(value) else None


def _ipn(text: str) -> tuple[str, bool] | None:
    value = clean(text, " -")
    return (value, False) if _IPN.fullmatch(value) else None


def _isni(text: str) -> tuple[str, bool] | None:
    value = clean(text.upper().removeprefix("ISNI").lstrip(":"), " -")
    return (value, True) if value.isascii() and isni.is_valid(value) else None


def _iswc(text: str) -> tuple[str, bool] | None:
    value = clean(text, " -.").upper().removeprefix("ISWC").lstrip(":")
    if _ISWC.fullmatch(value) is None or iswc_check_digit(value[1:10]) != int(value[10]):
        return None
    return value, True


def _ipi(text: str) -> tuple[str, bool] | None:
    value = clean(text, " -.")
    if _IPI.fullmatch(value) is None or ipi_check_digits(value[:9]) != value[9:]:
        return None
    return value, True


def _isan(text: str) -> tuple[str, bool] | None:
    value = clean(text.upper().removeprefix("ISAN").lstrip(":"), " -")
    # 16 or 24 characters without, 17 or 26 with check characters; the form with only one of two is refused.
    if not value.isascii() or len(value) not in (16, 17, 24, 26) or not isan.is_valid(value):
        return None
    return value, len(value) in (17, 26)


def _eidr(text: str) -> tuple[str, bool] | None:
    value = clean(text, " -").upper()
    value = value.removeprefix("HTTPS://DOI.ORG/").removeprefix("EIDR:")
    match = _EIDR.fullmatch(value)
    if match is None or not mod_37_36.is_valid(match[1] + match[2]):
        return None
    return value, True


def _uci(text: str) -> tuple[str, bool] | None:
    value = re.sub(r"^urn:uci:", "", text, flags=re.IGNORECASE)
    return (value, False) if _UCI.fullmatch(value) else None


def _barcode(text: str) -> tuple[str, bool] | None:
    value = clean(text, " -")
    # EAN-8, UPC-A and EAN-13 weigh from the right, so that leading zeros change nothing.
    return (value, True) if _BARCODE.fullmatch(value) and ean.is_valid(value.zfill(13)) else None


_CHECKS: Mapping[IdentifierKind, Callable[[str], tuple[str, bool] | None]] = {
    IdentifierKind.ISRC: _isrc,
    IdentifierKind.IPN: _ipn,
    IdentifierKind.ISNI: _isni,
    IdentifierKind.ISWC: _iswc,
    IdentifierKind.IPI: _ipi,
    IdentifierKind.ISAN: _isan,
    IdentifierKind.EIDR: _eidr,
    IdentifierKind.UCI: _uci,
    IdentifierKind.BARCODE: _barcode,
}


def _society(text: str, patterns: Mapping[str, str]) -> tuple[str, bool] | None:
    name_space, separator, code = text.partition("::")
    pattern = patterns.get(name_space.upper())
    if not separator or pattern is None or re.fullmatch(pattern, code) is None:
        return None
    return f"{name_space.upper()}::{code}", False


def check(
    kind: IdentifierKind,
    text: str | None,
    *,
    society_patterns: Mapping[str, str] = DEFAULT_SOCIETY_PATTERNS,
) -> Identifier:
    """Judge one identifier as it stood in a cell or a tag.

    Args:
        kind: what the column or tag says it is.
        text: the text as received; None and blank mean absent.
        society_patterns: name space → regular expression, for ``IdentifierKind.SOCIETY`` only.

    Returns:
        The identifier with its outcome; nothing is raised for bad input.

    """
    received = clean_text(text or "")
    if not received:
        return Identifier(kind, "", IdentifierOutcome.ABSENT)
    is_society = kind is IdentifierKind.SOCIETY
    found = _society(received, society_patterns) if is_society else _CHECKS[kind](received)
    if found is None:
        return Identifier(kind, received, IdentifierOutcome.INVALID)
    value, checked = found
    outcome = IdentifierOutcome.VALID_CHECKED if checked else IdentifierOutcome.VALID_SYNTAX
    return Identifier(kind, value, outcome)
