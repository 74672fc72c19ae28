"""What must hold for any file and any block size."""

from __future__ import annotations

import functools
import io
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostile_media import PIECE_S, encoded
from rightscan.errors import PermanentError
from rightscan.media.decode import DecodeOutcome, open_audio
from rightscan.media.probe import probe
from rightscan.media.structure import examine

FORMATS = ("wav", "mp3", "m4a", "flac", "ogg", "opus", "wma", "mkv")
HEADS = (
    b"RIFF\0\0\0\0WAVE", b"RF64\0\0\0\0WAVEds64", b"RIFF\0\0\0\0AVI ", b"FORM\0\0\0\0AIFFSSND", b"caff\0\1\0\0desc",
    b"\0\0\0\x18ftypM4A ", b"\0\0\0\1moov", b"\x1a\x45\xdf\xa3", b"OggS\0\2", b"fLaC\0", b"ID3\3\0\0",
    bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c"), b"\xff\xfb\x90\0", b"",
)  # fmt: skip


def whole(codec: str) -> bytes:
    return encoded("m4a", movflags="faststart") if codec == "index first" else encoded(codec)


def decode(data: bytes, block_s: float = 4.0) -> tuple[list[np.ndarray], DecodeOutcome]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        with open_audio(Path(file.name)) as stream:
            blocks = [block.copy() for block in stream.blocks(11025, block_s)]
    return blocks, stream.outcome


@functools.cache
def reference(codec: str) -> np.ndarray:
    return np.concatenate(decode(whole(codec))[0])


@settings(max_examples=20, deadline=None)
@given(codec=st.sampled_from(FORMATS), block_s=st.floats(0.0, 2 * PIECE_S))
def test_blocks_make_no_difference(codec: str, block_s: float) -> None:
    blocks, outcome = decode(whole(codec), block_s)
    size = max(1, round(block_s * 11025))
    assert {block.size for block in blocks[:-1]} <= {size}
    assert 0 < blocks[-1].size <= size
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    np.testing.assert_array_equal(np.concatenate(blocks), reference(codec))
    assert outcome.complete


# A crash of FFmpeg's is what the guarded child is for, and not what these look for: the same cases each time.
@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    codec=st.sampled_from(("mp3", "m4a", "index first", "flac", "wav", "ogg", "opus", "wma", "mkv")),
    share=st.floats(0, 1),
)
def test_a_file_cut_anywhere_never_passes_for_whole(codec: str, share: float) -> None:
    data = whole(codec)
    cut = data[: int(share * len(data))]
    try:
        blocks, outcome = decode(cut)
    except PermanentError:
        return
    missing = PIECE_S - sum(block.size for block in blocks) / 11025
    assert not outcome.complete or missing < 0.06


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    codec=st.sampled_from(FORMATS),
    damage=st.lists(
        st.tuples(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=64)), max_size=6
    ),
)
def test_damage_ends_in_sound_or_in_a_permanent_error(codec: str, damage: list[tuple[float, bytes]]) -> None:
    data = bytearray(whole(codec))
    for share, patch in damage:
        start = int(share * len(data))
        data[start : start + len(patch)] = patch[: len(data) - start]
    try:
        blocks, _ = decode(bytes(data))
    except PermanentError:
        return
    assert all(np.isfinite(block).all() for block in blocks)


@settings(max_examples=200)
@given(head=st.sampled_from(HEADS), body=st.binary(max_size=400))
def test_headers_of_any_bytes_are_read_without_a_fall(head: bytes, body: bytes) -> None:
    data = head + body
    structure = examine(io.BytesIO(data), len(data))
    assert 0 <= structure.surplus_bytes <= len(data)
    try:
        found = probe(io.BytesIO(data), len(data))
    except PermanentError:
        return
    assert found.declared_duration_s is None or found.declared_duration_s > 0


@pytest.mark.parametrize("codec", [*FORMATS, "index first", "aiff", "adts", "mp4", "mov", "webm", "avi"])
def test_a_whole_file_promises_nothing_more(codec: str) -> None:
    data = whole(codec)
    structure = examine(io.BytesIO(data), len(data))
    assert (structure.missing, structure.surplus_bytes, structure.encrypted) == ("", 0, False)
