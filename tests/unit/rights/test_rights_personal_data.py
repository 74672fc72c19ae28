"""Resident registration and phone numbers are found; the identifiers of this field are not taken for them."""

import pytest

from rightscan.rights.identifiers import IdentifierKind as Kind
from rightscan.rights.personal_data import LeakKind, find_leaks

RESIDENT, PHONE = LeakKind.RESIDENT_NUMBER, LeakKind.PHONE_NUMBER


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("971013-9019902", [RESIDENT]),
        ("971013-1234567", [RESIDENT]),  # no valid check digit: none exist since October 2020
        ("9710131234567", [RESIDENT]),
        ("주민번호 001231 - 3123456 입니다", [RESIDENT]),
        ("주민번호001231-3123456", [RESIDENT]),
        ("900101-5123456", [RESIDENT]),  # foreigner
        ("010-1234-5678", []),  # 010 numbers begin with 2 to 9
        ("010-2345-6789", [PHONE]),
        ("01023456789", [PHONE]),
        ("+82 10-2345-6789", [PHONE]),
        ("연락처(010) 9876 5432", [PHONE]),
        ("016-345-6789", [PHONE]),
        ("02-345-6789", [PHONE]),
        ("031) 345-6789", [PHONE]),
        ("971013-1234567 / 010-2345-6789", [RESIDENT, PHONE]),
    ],
)
def test_found(text, kinds):
    assert [leak.kind for leak in find_leaks(text)] == kinds


@pytest.mark.parametrize(
    "text",
    [
        "971313-1234567",  # no 13th month
        "970230-1234567",  # no 30 February
        "880123-4567890",  # would be born in 2088
        "2026-10-31",
        "20261031",
        "2026-10-31T15:30:00+09:00",
        "2026-10-31 00:30:00",
        "KR-A01-26-12345",
        "KRA012612345",
        "0000 0001 2146 438X",
        "0000000121032683",
        "T-034.524.680-1",
        "00017798450",
        "10.5240/7791-8534-2C23-9030-8610-5",
        "0000-0001-8947-0000-8-0000-0000-D",
        "G706-11F0000.00001",
        "1761924600000",  # a time in milliseconds
        "https://video.example/watch?v=1761924600000",
        "9f9710131234567a" * 4,  # a hash
        "550e8400-e29b-41d4-a716-446655440000",
        "00000000001",
    ],
)
def test_not_found(text):
    assert find_leaks(text) == ()


def test_a_valid_identifier_is_never_a_leak_in_its_own_column():
    barcode = "8801011234567"  # reads as 1 January 1988, and is an EAN-13
    assert find_leaks(barcode) != ()
    assert find_leaks(barcode, identifier=Kind.BARCODE) == ()
    assert find_leaks("971013-1234567", identifier=Kind.ISRC) != ()


def test_opaque_row_numbers_need_separators():
    assert find_leaks("9710131234567", opaque=True) == ()
    assert find_leaks("01023456789", opaque=True) == ()
    assert find_leaks("971013-1234567", opaque=True) != ()
    assert find_leaks("010-2345-6789", opaque=True) != ()


def test_a_leak_does_not_repeat_the_number():
    (leak,) = find_leaks("번호 971013-1234567 끝")
    assert "971013" not in repr(leak)
    assert (leak.start, leak.end) == (3, 17)
