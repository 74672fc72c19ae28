"""Names: NFC, nothing hidden, safe as a file name."""

import unicodedata

import pytest

from rightscan.errors import UsageError
from rightscan.rights.names import clean_text, comparison_key, header_key, safe_filename


def test_nfd_names_from_macos_equal_nfc_ones():
    assert clean_text(unicodedata.normalize("NFD", "김민수")) == "김민수"
    assert comparison_key(unicodedata.normalize("NFD", "김  민수 ")) == comparison_key("김 민수")


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("a\u202egnp.exe", "agnp.exe"),  # bidi override
        ("a\u200bb\ufeff", "ab"),  # zero-width space, byte order mark
        ("a\x00b\x1b[31m", "ab[31m"),
        ("줄\r\n바꿈\t칸", "줄  바꿈 칸"),
        ("bad\udcff", "bad\ufffd"),  # lone surrogate of an undecodable file name
        ("👩\u200d🎤", "👩\u200d🎤"),  # the joiner belongs to the emoji
        ("  two  spaces  ", "two  spaces"),
    ],
)
def test_clean_text(text, clean):
    assert clean_text(text) == clean


def test_header_key_ignores_spacing_case_and_punctuation():
    assert header_key("녹음 ID") == header_key("녹음_id") == header_key("녹음-Id") == "녹음id"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "_._etc_passwd"),
        ("..", "_"),
        ("", "_"),
        ("C:\\음악\\곡.wav", "C__음악_곡.wav"),
        ("con.wav", "_con.wav"),
        (".hidden", "hidden"),
        ('a<b>:"|?*.mp3', "a_b______.mp3"),
        ("곡.", "곡"),
    ],
)
def test_safe_filename(text, name):
    assert safe_filename(text) == name


def test_safe_filename_keeps_the_suffix_and_whole_letters():
    name = safe_filename("가" * 400 + ".wav", max_bytes=64)
    assert name == "가" * 20 + ".wav"
    with pytest.raises(UsageError):
        safe_filename("x", max_bytes=8)
