"""What a fingerprint must hold, whatever the stream."""

from __future__ import annotations

import dataclasses
import io
import re
import zipfile

import numpy as np
import pytest
from bench.synth import render

from rightscan.errors import PermanentError, UsageError
from rightscan.fingerprint import PARAMETERS, PIPELINE, SAMPLE_RATE, Fingerprint, fingerprint
from rightscan.fingerprint.parameters import pipeline_of


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    return render(5, 20, sample_rate=SAMPLE_RATE).mean(axis=1)


@pytest.fixture(scope="module")
def taken(music: np.ndarray) -> Fingerprint:
    return fingerprint([music], SAMPLE_RATE)


def tone(hz: float, seconds: float, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE)).astype(
        np.float32
    )


def test_the_pipeline_names_its_parameters() -> None:
    assert re.fullmatch(r"fp1-[0-9a-f]{12}", PIPELINE)
    for field in dataclasses.fields(PARAMETERS):
        changed = dataclasses.replace(PARAMETERS, **{field.name: getattr(PARAMETERS, field.name) + 1})
        assert pipeline_of(changed) != PIPELINE, field.name


def test_shapes_and_order(taken: Fingerprint) -> None:
    assert taken.pipeline == PIPELINE
    assert taken.duration_s == pytest.approx(20.0, abs=0.1)
    assert taken.keys.dtype == np.uint32
    assert taken.times.dtype == np.float32
    assert taken.keys.shape == taken.times.shape
    assert np.all(np.diff(taken.times) >= 0)
    assert taken.times.min() >= 0
    assert taken.times.max() <= taken.duration_s
    peaks = taken.peaks()
    assert np.all(np.diff(peaks.ticks.astype(np.int64)) >= 0)
    assert taken.bands().shape == (taken.bands().shape[0], PARAMETERS.bands)
    assert not taken.silent


def test_density_is_bounded_in_every_second(taken: Fingerprint) -> None:
    hop = taken.peaks().ticks // PARAMETERS.ticks_per_hop
    per_second = np.bincount(hop * PARAMETERS.hop // SAMPLE_RATE)
    # The rank is counted over 45 hops around each peak, 1.05 s.
    assert per_second.max() <= 2 * PARAMETERS.ranks_kept
    assert 15 <= per_second.mean() <= 70


@pytest.mark.parametrize("hz", [220.0, 440.0, 1234.5, 3520.0])
def test_a_tone_is_found_at_its_pitch_and_time(hz: float) -> None:
    x = np.concatenate(
        [np.zeros(SAMPLE_RATE * 2, np.float32), tone(hz, 0.12), np.zeros(SAMPLE_RATE, np.float32)]
    )
    peaks = fingerprint([x], SAMPLE_RATE).peaks()
    strongest = int(np.argmin(peaks.rank))
    seconds = peaks.ticks[strongest] / PARAMETERS.ticks_per_hop * PARAMETERS.hop / SAMPLE_RATE
    assert seconds == pytest.approx(2.06, abs=0.03)
    assert peaks.cents[strongest] == pytest.approx(1200 * np.log2(hz / 55), abs=12)


@pytest.mark.parametrize("samples", [0, 1, 2, 255, 256, 1023, 1024, 5000])
def test_short_streams(samples: int) -> None:
    fp = fingerprint([np.full(samples, 0.5, np.float32)], SAMPLE_RATE)
    assert fp.duration_s == samples / SAMPLE_RATE
    assert fp.keys.size == 0
    assert fp.silent == (samples == 0)
    assert Fingerprint.from_npz(fp.to_npz()).duration_s == fp.duration_s


def test_no_blocks_at_all() -> None:
    assert fingerprint([], SAMPLE_RATE).silent


@pytest.mark.parametrize(("level", "silent"), [(0.0, True), (3.0e-4, True), (3.3e-4, False), (1.0, False)])
def test_silence_is_nothing_above_minus_70_dbfs(level: float, silent: bool) -> None:
    fp = fingerprint([np.full(3000, -level, np.float32)], SAMPLE_RATE)
    assert fp.silent == silent
    if level:
        assert fp.level_dbfs == pytest.approx(20 * np.log10(level), abs=1e-3)


def test_silence_has_no_peaks() -> None:
    assert fingerprint([np.zeros(SAMPLE_RATE * 3, np.float32)], SAMPLE_RATE).peaks().ticks.size == 0


def test_damaged_samples_are_no_obstacle(music: np.ndarray) -> None:
    hurt = music.copy()
    hurt[1000:1010] = [np.nan, np.inf, -np.inf, 1e30, -1e38, np.nan, 0, np.nan, np.inf, 3e38]
    fp = fingerprint([hurt], SAMPLE_RATE)
    whole = fingerprint([music], SAMPLE_RATE)
    late = whole.times > 5
    assert np.isfinite(fp.level_dbfs)
    assert set(whole.keys[late]) <= set(fp.keys)


def test_loudness_and_polarity_make_no_difference(music: np.ndarray, taken: Fingerprint) -> None:
    quiet = fingerprint([-0.02 * music], SAMPLE_RATE)
    shared = np.isin(taken.keys, quiet.keys).mean()
    assert shared > 0.95


def test_another_rate_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        fingerprint([np.zeros(10, np.float32)], 44100)
    assert caught.value.code == "wrong_sample_rate"


def test_two_channels_are_refused() -> None:
    with pytest.raises(UsageError) as caught:
        fingerprint([np.zeros((10, 2), np.float32)], SAMPLE_RATE)
    assert caught.value.code == "wrong_shape"


def same(a: Fingerprint, b: Fingerprint) -> bool:
    if (a.robust is None) != (b.robust is None):
        return False
    arrays = [(a.keys, b.keys), (a.times, b.times)]
    if a.robust is not None and b.robust is not None:
        arrays += [(a.robust[name], b.robust[name]) for name in a.robust]
    return (a.pipeline, a.duration_s, a.level_dbfs) == (b.pipeline, b.duration_s, b.level_dbfs) and all(
        x.dtype == y.dtype and np.array_equal(x, y) for x, y in arrays
    )


def test_a_file_gives_back_the_fingerprint(taken: Fingerprint) -> None:
    data = taken.to_npz()
    assert same(Fingerprint.from_npz(data), taken)
    assert Fingerprint.from_npz(data).to_npz() == data
    bare = dataclasses.replace(taken, robust=None)
    assert same(Fingerprint.from_npz(bare.to_npz()), bare)


def test_the_file_is_plain_npz_of_known_arrays(taken: Fingerprint) -> None:
    with np.load(io.BytesIO(taken.to_npz()), allow_pickle=False) as arrays:
        assert set(arrays) == {"head", "ticks", "cents", "strength", "rank", "bands"}


def test_bare_fingerprints_cannot_be_searched_with(taken: Fingerprint) -> None:
    bare = dataclasses.replace(taken, robust=None)
    for part in (bare.peaks, bare.bands):
        with pytest.raises(PermanentError) as caught:
            part()
        assert caught.value.code == "corrupt_features"


def test_another_pipeline_is_refused(taken: Fingerprint) -> None:
    foreign = dataclasses.replace(taken, pipeline="fp1-000000000000")
    with pytest.raises(PermanentError) as caught:
        Fingerprint.from_npz(foreign.to_npz())
    assert caught.value.code == "unknown_pipeline"


def rezipped(data: bytes, change: dict[str, np.ndarray | None]) -> bytes:
    with np.load(io.BytesIO(data)) as arrays:
        members = dict(arrays) | change
    out = io.BytesIO()
    np.savez(out, **{name: array for name, array in members.items() if array is not None})
    return out.getvalue()


@pytest.mark.parametrize(
    "change",
    [
        {"ticks": None},
        {"head": None},
        {"head": np.frombuffer(b"[1]", np.uint8)},
        {"head": np.frombuffer(b"{}", np.uint8)},
        {"cents": np.zeros(3, "<u2")},
        {"cents": np.zeros(3, "<f4")},
        {"bands": np.zeros((4, 3), np.uint8)},
        {"bands": np.zeros(4, np.uint8)},
        {"more": np.zeros(4, np.uint8)},
    ],
    ids=str,
)
def test_files_with_other_content_are_refused(
    taken: Fingerprint, change: dict[str, np.ndarray | None]
) -> None:
    with pytest.raises(PermanentError) as caught:
        Fingerprint.from_npz(rezipped(taken.to_npz(), change))
    assert caught.value.code == "corrupt_features"


def test_objects_are_never_unpickled(taken: Fingerprint) -> None:
    out = io.BytesIO()
    np.savez(out, head=np.array([{"a": 1}], dtype=object))
    with pytest.raises(PermanentError) as caught:
        Fingerprint.from_npz(out.getvalue())
    assert caught.value.code == "corrupt_features"


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("head.npy", b"")
    data = bytearray(out.getvalue())
    at = data.find(b"PK\x01\x02")
    data[at + 24 : at + 28] = (2**32 - 2).to_bytes(4, "little")
    with pytest.raises(PermanentError) as caught:
        Fingerprint.from_npz(bytes(data))
    assert caught.value.code == "corrupt_features"
