"""Known-good identifiers of domain section 2, and what each kind refuses."""

import pytest

from rightscan.rights.identifiers import IdentifierKind as Kind
from rightscan.rights.identifiers import IdentifierOutcome as Outcome
from rightscan.rights.identifiers import check, ipi_check_digits


@pytest.mark.parametrize(
    ("kind", "text", "value", "display", "outcome"),
    [
        (Kind.ISRC, "KR-A01-26-12345", "KRA012612345", "KR-A01-26-12345", Outcome.VALID_SYNTAX),
        (Kind.ISRC, "ISRC kra012612345", "KRA012612345", "KR-A01-26-12345", Outcome.VALID_SYNTAX),
        (Kind.ISNI, "0000 0001 2146 438X", "000000012146438X", "0000 0001 2146 438X", Outcome.VALID_CHECKED),
        (Kind.ISNI, "0000000121032683", "0000000121032683", "0000 0001 2103 2683", Outcome.VALID_CHECKED),
        (Kind.ISWC, "T-034.524.680-1", "T0345246801", "T-034.524.680-1", Outcome.VALID_CHECKED),
        # One digit from the one above and passes too: weight 8 and a change by 5, modulo 10.
        (Kind.ISWC, "T-034.524.630-1", "T0345246301", "T-034.524.630-1", Outcome.VALID_CHECKED),
        (
            Kind.ISAN,
            "0000-0001-8947-0000-8-0000-0000-D",
            "00000001894700008" + "00000000D",
            "0000-0001-8947-0000-8-0000-0000-D",
            Outcome.VALID_CHECKED,
        ),
        (
            Kind.ISAN,
            "000000018947000000000000",
            "000000018947000000000000",
            "0000-0001-8947-0000-0000-0000",
            Outcome.VALID_SYNTAX,
        ),
        (
            Kind.EIDR,
            "10.5240/7791-8534-2C23-9030-8610-5",
            "10.5240/779185342C23903086105",
            "10.5240/7791-8534-2C23-9030-8610-5",
            Outcome.VALID_CHECKED,
        ),
        (Kind.IPI, "00000000199", "00000000199", "00000000199", Outcome.VALID_CHECKED),
        (Kind.IPI, "00017798450", "00017798450", "00017798450", Outcome.VALID_CHECKED),
        (Kind.IPN, "00123456", "00123456", "00123456", Outcome.VALID_SYNTAX),
        (Kind.UCI, "urn:uci:G706-11F0000.1", "G706-11F0000.1", "G706-11F0000.1", Outcome.VALID_SYNTAX),
        (Kind.UCI, "I410-ECN-0102-001", "I410-ECN-0102-001", "I410-ECN-0102-001", Outcome.VALID_SYNTAX),
        (Kind.SOCIETY, "fkmp::A-17", "FKMP::A-17", "FKMP::A-17", Outcome.VALID_SYNTAX),
        (Kind.BARCODE, "8801234567893", "8801234567893", "8801234567893", Outcome.VALID_CHECKED),
    ],
)  # fmt: skip
def test_known_good(kind, text, value, display, outcome):
    identifier = check(kind, text)
    assert (identifier.value, identifier.display, identifier.outcome) == (value, display, outcome)
    assert check(kind, identifier.display) == identifier


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.ISRC, "KRA01261234"),
        (Kind.ISRC, "1RA012612345"),
        (Kind.ISNI, "0000000121464380"),
        (Kind.ISNI, "971013-9019902"),
        (Kind.ISWC, "T-034.524.680-2"),
        (Kind.ISWC, "034.524.680-1"),
        (Kind.IPI, "00000000198"),
        (Kind.ISAN, "0000-0001-8947-0000-9-0000-0000-D"),
        (Kind.ISAN, "0000-0001-8947-0000-8-0000-0000-E"),
        (Kind.EIDR, "10.5240/7791-8534-2C23-9030-8610-6"),
        (Kind.IPN, "12A"),
        (Kind.IPN, "01012345678"),
        (Kind.UCI, "no dash"),
        (Kind.SOCIETY, "ASCAP::1"),
        (Kind.SOCIETY, "FKMP:1"),
    ],
)
def test_invalid_is_kept_verbatim(kind, text):
    identifier = check(kind, text)
    assert (identifier.value, identifier.display, identifier.outcome) == (text, text, Outcome.INVALID)


@pytest.mark.parametrize("text", [None, "", "  ", "\u200b"])
@pytest.mark.parametrize("kind", Kind)
def test_nothing_is_absent(kind, text):
    assert check(kind, text).outcome is Outcome.ABSENT


def test_society_patterns_are_configurable():
    assert check(Kind.SOCIETY, "ASCAP::12", society_patterns={"ASCAP": "[0-9]+"}).is_valid
    assert not check(Kind.SOCIETY, "ASCAP::x", society_patterns={"ASCAP": "[0-9]+"}).is_valid


def test_the_hundred_that_mod_101_can_give_is_written_00():
    # Weights 10 … 2: 9*10 + 1*9 + 1*3 = 102, remainder 1, complement 100.
    assert ipi_check_digits("910000010") == "00"
