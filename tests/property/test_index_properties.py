"""Invariants of the index: order, grouping, and where an excerpt is found."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.fingerprint import PARAMETERS, PIPELINE, Fingerprint
from rightscan.fingerprint.landmarks import KEY_COUNT
from rightscan.index import Index
from rightscan.index.shard import Shard
from unit.fingerprint.catalogue import SECONDS, cut, items, of, sound

SEEDS = (1, 2, 3, 4)


@cache
def base() -> tuple[tempfile.TemporaryDirectory[str], Index]:
    folder = tempfile.TemporaryDirectory()
    Index.build(items(*SEEDS), Path(folder.name) / "base")
    return folder, Index.open([Path(folder.name) / "base"])


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@st.composite
def fingerprints(draw: st.DrawFn) -> Fingerprint:
    """Anything the types allow, not only what music gives."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, k, rows = draw(st.integers(0, 60)), draw(st.integers(0, 80)), draw(st.integers(0, 40))
    hops = draw(st.integers(1, 3000))
    robust: dict[str, np.ndarray] = {
        "ticks": np.sort(rng.integers(0, hops * 16, n)).astype(np.uint32),
        "cents": rng.integers(2000, 7600, n).astype(np.uint16),
        "strength": rng.integers(0, 256, n).astype(np.uint8),
        "rank": rng.integers(0, 60, n).astype(np.uint8),
        "bands": rng.integers(0, 256, (rows, PARAMETERS.bands)).astype(np.uint8),
    }
    # Few distinct keys, so that buckets overflow.
    keys = rng.integers(0, draw(st.sampled_from([3, 300, KEY_COUNT])), k).astype(np.uint32)
    times = np.sort(rng.uniform(0, hops * 0.0232, k)).astype(np.float32)
    return Fingerprint(PIPELINE, hops * 0.0232, -10.0, keys, times, robust)


@settings(max_examples=40, deadline=None)
@given(st.lists(fingerprints(), max_size=6), st.randoms(use_true_random=False))
def test_order_and_grouping_make_no_difference(prints: list[Fingerprint], random: object) -> None:
    named = [(f"녹음{i}", fp) for i, fp in enumerate(prints)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Index.build(named, folder / "straight")
        shuffled = list(named)
        random.shuffle(shuffled)
        Index.build(shuffled, folder / "shuffled")
        at = random.randint(0, len(shuffled))
        Index.build(shuffled[:at], folder / "a")
        Index.build(shuffled[at:], folder / "b")
        Index.merge([folder / "a", folder / "b"], folder / "merged")
        assert content(folder / "straight") == content(folder / "shuffled") == content(folder / "merged")


@settings(max_examples=40, deadline=None)
@given(fingerprints())
def test_every_key_is_found_where_it_was_put(fp: Fingerprint) -> None:
    with tempfile.TemporaryDirectory() as name:
        Index.build([("R", fp)], Path(name) / "one")
        shard = Shard(Path(name) / "one", verify=True)
        low, high = shard.find(np.unique(fp.keys))
        found = np.repeat(np.unique(fp.keys), high - low)
        order = np.lexsort((fp.times, fp.keys))
        assert np.array_equal(found, fp.keys[order])
        # Half a hop of rounding and what float32 keeps of it.
        assert np.allclose(
            np.concatenate([shard.posting_hop[a:b] for a, b in zip(low, high, strict=True)] or [[]]),
            fp.times[order] * (11025 / 256),
            atol=0.51,
        )


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(SEEDS),
    st.floats(0.5, SECONDS - 13.0),
    st.floats(4.0, 12.0),
    st.floats(0.02, 4.0),
    st.sampled_from([1.0, -1.0]),
)
def test_an_excerpt_is_found_wherever_it_begins(
    seed: int, start: float, seconds: float, gain: float, polarity: float
) -> None:
    query = of(polarity * gain * cut(sound(seed), start, start + seconds))
    (found,) = base()[1].search(query)
    assert found.recording_id == f"R{seed}"
    assert abs((found.reference_start - found.media_start) - start) < 0.1
    assert 0 <= found.media_start <= 1.0
    assert seconds - 1.0 <= found.media_end <= query.duration_s


@settings(max_examples=25, deadline=None)
@given(fingerprints())
def test_any_fingerprint_may_be_asked(fp: Fingerprint) -> None:
    for segment in base()[1].search(fp, deep=True):
        assert 0 <= segment.media_start <= segment.media_end <= fp.duration_s + 1
