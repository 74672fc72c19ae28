"""Two recordings on one stretch: by one sound they are rivals, sounding together they are not; parts of a print."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rightscan.index import Index
from unit.fingerprint.catalogue import cut, of, sound


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Index:
    folder: Path = tmp_path_factory.mktemp("rivals") / "base"
    louder = np.tanh(2 * sound(1) / np.abs(sound(1)).max()).astype(np.float32)
    medley = np.concatenate((cut(sound(2), 5.0, 20.0), cut(sound(3), 0.0, 20.0)))
    items = {"R1": sound(1), "R1 again": louder, "R2": sound(2), "R4": sound(4), "medley": medley}
    Index.build(((name, of(x)) for name, x in items.items()), folder)
    return Index.open([folder])


def rivals(index: Index, x: np.ndarray) -> dict[str, tuple[str, ...]]:
    return {s.recording_id: s.rivals for s in index.search(of(x))}


def test_an_edition_and_a_medley_are_rivals_of_their_source(index: Index) -> None:
    assert rivals(index, sound(1)) == {"R1": ("R1 again",), "R1 again": ("R1",)}
    assert rivals(index, cut(sound(2), 6.0, 18.0)) == {"R2": ("medley",), "medley": ("R2",)}
    assert rivals(index, sound(4)) == {"R4": ()}


def test_two_that_sound_together_are_none(index: Index) -> None:
    mixed = 0.5 * cut(sound(4), 0.0, 15.0) + 0.5 * cut(sound(2), 24.0, 39.0)
    together = rivals(index, mixed.astype(np.float32))
    assert set(together) == {"R2", "R4"}
    assert all(others == () for others in together.values())


@settings(max_examples=12, deadline=None)
@given(st.floats(0, 28), st.floats(6, 12))
def test_a_part_of_a_print_is_found_where_it_is_from(index: Index, start: float, length: float) -> None:
    part = of(sound(4)).between(start, start + length)
    assert part.duration_s == pytest.approx(length, abs=0.1)
    (found,) = index.search(part)
    assert found.recording_id == "R4"
    assert found.reference_start - found.media_start == pytest.approx(start, abs=0.1)


def test_a_part_beyond_the_ends_is_what_there_is(index: Index) -> None:
    whole = of(sound(4))
    assert whole.between(-5.0, 500.0).duration_s == pytest.approx(whole.duration_s, abs=0.1)
    assert whole.between(50.0, 60.0).keys.size == 0
