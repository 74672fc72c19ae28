"""Names and free text: one normal form to store, one key to compare, one safe form for a file name.

Korean names carry more weight than identifiers in practice, and the same name arrives as NFC from
Windows and as NFD from macOS. Everything is stored in NFC (Unicode Standard Annex 15).
"""

from __future__ import annotations

import unicodedata

from rightscan.errors import UsageError

# Format characters that belong to what is seen: the joiners of emoji and Indic or Persian script, and
# the tag characters of subdivision flags. Every other one (bidi controls, zero-width space, BOM, soft
# hyphen) only hides a difference between two texts that look alike.
_KEPT_FORMAT = {"\u200c", "\u200d", *map(chr, range(0xE0020, 0xE0080))}

# Refused by Windows, a separator somewhere, or special to a shell or an archive member name.
_UNSAFE_IN_FILE_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))
_WINDOWS_DEVICES = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}
# A suffix longer than this is not a file type; the longest in use here is ".rs.json".
_MAX_SUFFIX_BYTES = 16
_EDGES = "." + "".join(character for character in map(chr, range(0x3001)) if character.isspace())


def _clean_character(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cc":
        return " " if character.isspace() else ""
    if category == "Cf" and character not in _KEPT_FORMAT:
        return ""
    return "\ufffd" if category == "Cs" else character


def clean_text(text: str) -> str:
    """Return ``text`` in NFC, without control and bidi characters, stripped at both ends.

    Tabs and line breaks become spaces; runs of spaces inside are kept, because a file path may hold
    them. A lone surrogate (an undecodable byte of a file name) becomes U+FFFD. Idempotent.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    return unicodedata.normalize("NFC", "".join(map(_clean_character, text))).strip()


def comparison_key(text: str) -> str:
    """Key under which two spellings of one name are equal: casefolded, NFC, whitespace collapsed.

    Canonical caseless matching (Unicode Standard, D145): decompose, fold, compose. Equal keys do not
    make two people one: two 김민수 are two people.
    """
    folded = unicodedata.normalize("NFD", clean_text(text)).casefold()
    return " ".join(unicodedata.normalize("NFC", folded).split())


def header_key(text: str) -> str:
    """Comparison key of a column header or a code word: letters and digits only.

    ``"녹음 ID"``, ``"녹음id"`` and ``"녹음_ID"`` are one header.
    """
    return "".join(filter(str.isalnum, comparison_key(text)))


def safe_filename(text: str, max_bytes: int = 255) -> str:
    """Return a file name that every common file system takes, as close to ``text`` as possible.

    Separators and characters that Windows refuses become ``_``; leading and trailing dots and spaces
    go (so ``..`` cannot remain); Windows device names get a leading ``_``; the stem is cut between
    code points until the UTF-8 form has at most ``max_bytes`` bytes, the suffix is kept. Never empty.

    Raises:
        UsageError: ``max_bytes`` is under 32, too short for a stem and a suffix.

    """
    if max_bytes < 32:
        raise UsageError("bad_max_bytes", f"max_bytes is {max_bytes}", "Allow at least 32 bytes.")
    name = clean_text(text).translate(_UNSAFE_IN_FILE_NAMES).strip(_EDGES)
    stem, dot, suffix = name.rpartition(".")
    suffix = dot + suffix
    if not stem or len(suffix.encode()) > _MAX_SUFFIX_BYTES:
        stem, suffix = name, ""
    if stem.split(".")[0].strip().casefold() in _WINDOWS_DEVICES:
        stem = "_" + stem
    room = max_bytes - len(suffix.encode())
    stem = stem.encode()[:room].decode(errors="ignore").strip(_EDGES)
    return (stem or "_") + suffix
