"""Invariants of the fingerprint: how a stream is cut, where an excerpt begins, what damaged bytes do."""

from __future__ import annotations

from functools import cache

import numpy as np
from bench.synth import render
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rightscan.errors import PermanentError
from rightscan.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint
from rightscan.fingerprint.spectrum import CHUNK_FRAMES


@cache
def music() -> np.ndarray:
    # Longer than two chunks of 24 s, so that their seams are inside.
    return render(11, 52, sample_rate=SAMPLE_RATE).mean(axis=1)


@cache
def whole() -> bytes:
    return fingerprint([music()], SAMPLE_RATE).to_npz()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 52 * SAMPLE_RATE), max_size=12))
@example([CHUNK_FRAMES * 256, CHUNK_FRAMES * 256 + 512, CHUNK_FRAMES * 256 + 513])
@example(list(range(0, 52 * SAMPLE_RATE, 4096)))
def test_how_the_stream_is_cut_makes_no_difference(cuts: list[int]) -> None:
    assert fingerprint(np.split(music(), sorted(cuts)), SAMPLE_RATE).to_npz() == whole()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 6000), st.lists(st.integers(0, 6000), max_size=30), st.integers(0, 2**32 - 1))
def test_short_noise_cut_anyhow(samples: int, cuts: list[int], seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal(samples).astype(np.float32)
    assert (
        fingerprint(np.split(x, sorted(cuts)), SAMPLE_RATE).to_npz() == fingerprint([x], SAMPLE_RATE).to_npz()
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(5 * SAMPLE_RATE, 35 * SAMPLE_RATE))
def test_an_excerpt_shares_its_keys_wherever_it_begins(start: int) -> None:
    reference = Fingerprint.from_npz(whole())
    query = fingerprint([music()[start : start + 10 * SAMPLE_RATE]], SAMPLE_RATE)
    inside = (reference.times > start / SAMPLE_RATE + 1) & (reference.times < start / SAMPLE_RATE + 8)
    assert np.isin(reference.keys[inside], query.keys).mean() > 0.4


def outcome(data: bytes) -> str:
    try:
        Fingerprint.from_npz(data)
    except PermanentError as error:
        return error.code
    return "read"


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused_or_harmless(data: st.DataObject) -> None:
    damaged = bytearray(whole())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = damaged[: data.draw(st.integers(0, len(damaged)))] if data.draw(st.booleans()) else damaged
    assert outcome(bytes(cut)) in {"read", "corrupt_features", "unknown_pipeline"}


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_other_bytes_are_refused(data: bytes) -> None:
    assert outcome(data) == "corrupt_features"
