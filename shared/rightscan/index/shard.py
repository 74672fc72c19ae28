"""The on-disk form of a part of the catalogue: flat little-endian arrays and a manifest, mapped, never unpickled.

Positions count hops (23 ms) in a numbering of the shard's own: recording after recording, each beginning on a
multiple of 64 and followed by an empty gap, so that no alignment of one recording runs into the next.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError, UsageError
from rightscan.fingerprint import PARAMETERS as P
from rightscan.fingerprint import PIPELINE, Fingerprint
from rightscan.fingerprint.landmarks import KEY_COUNT
from rightscan.index.contrast import BAND_BYTES, ROWS_PER_BLOCK, band_signs

Int = NDArray[np.int64]

FORMAT = "rightscan-index-2"
BLOCK = 64  # hops; a peak's time inside a block fits one byte in quarter hops
GAP_BLOCKS = 32  # 48 s: more than a window of query spans at the fastest rate searched
_MAX_SHIFT = 8  # bits of a key that fit a byte
_TICKS = 4  # a stored peak time counts quarter hops
_BLOCK_TICKS = BLOCK * P.ticks_per_hop
_MANIFEST = "manifest.json"
_DTYPES = {
    "posting_start": "<u4",  # [buckets + 1] where each bucket of keys begins
    "posting_low": "|u1",  # [postings] the bits of the key below its bucket; empty when there are none
    "posting_hop": "<u4",  # [postings] position of the landmark's first peak
    "block_start": "<u4",  # [recordings + 1] first block of 64 hops of each recording
    "peak_start": "<u4",  # [blocks + 1] first peak of each block
    "peak_time": "|u1",  # [peaks] quarter hops from the start of the block
    "peak_cents": "<u2",  # [peaks] above 55 Hz
    "band_sign": "|u1",  # [blocks * 16 * 7] 52 signs of band contrast per 4 hops, packed
}


@dataclass(frozen=True)
class Manifest:
    """What a shard holds. ``version`` is a hash of all of it, and it contains the hash of every array."""

    pipeline: str
    recording_ids: tuple[str, ...]
    durations_s: tuple[float, ...]
    key_shift: int
    counts: dict[str, int]
    sha256: dict[str, str]

    def to_json(self) -> bytes:
        """Return canonical JSON (sorted keys, no blanks, UTF-8, a newline at the end)."""
        body = dataclasses.asdict(self) | {"format": FORMAT, "parameters": dataclasses.asdict(P)}
        return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    @property
    def version(self) -> str:
        """SHA-256 of the manifest, hex."""
        return hashlib.sha256(self.to_json()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One recording on its way into a shard, in its own numbering (hop 0 is its beginning)."""

    recording_id: str
    duration_s: float
    keys: NDArray[np.uint32]
    hops: NDArray[np.uint32]
    peak_start: Int
    peak_time: NDArray[np.uint8]
    peak_cents: NDArray[np.uint16]
    band_sign: NDArray[np.uint8]

    @classmethod
    def of(cls, recording_id: str, fp: Fingerprint) -> Entry:
        """Reduce a fingerprint to what the index keeps of it."""
        check_pipeline(f"the fingerprint of {recording_id}", fp.pipeline)
        peaks = fp.peaks()
        used = peaks.rank < P.reference_rank
        ticks = peaks.ticks[used].astype(np.int64)
        hops = np.rint(fp.times.astype(np.float64) * (P.sample_rate / P.hop)).astype(np.uint32)
        ends = [
            int(ticks[-1]) // _BLOCK_TICKS + 1 if ticks.size else 0,
            int(hops.max(initial=0)) // BLOCK + 1,
        ]
        blocks = max(*ends, -(-fp.bands().shape[0] // ROWS_PER_BLOCK))
        return cls(
            recording_id,
            fp.duration_s,
            fp.keys,
            hops,
            np.searchsorted(ticks, np.arange(blocks + 1) * _BLOCK_TICKS),
            (ticks % _BLOCK_TICKS // (P.ticks_per_hop // _TICKS)).astype(np.uint8),
            peaks.cents[used],
            band_signs(fp.bands(), blocks),
        )


def write(entries: Iterable[Entry], directory: Path) -> Manifest:
    """Write a shard; the same recordings in any order give the same bytes.

    The folder appears complete or not at all. An equal shard already there is left as it is.

    Raises:
        UsageError: ``duplicate_recording`` for two entries of one id, ``segment_exists`` when the folder is
            there with another content, ``segment_too_large`` beyond 2^32 hops (about 8,000 hours).
    """
    ordered = sorted(entries, key=lambda e: e.recording_id)
    ids = tuple(e.recording_id for e in ordered)
    if len(set(ids)) != len(ids):
        twice = next(a for a, b in itertools.pairwise(ids) if a == b)
        raise UsageError(
            "duplicate_recording", f"recording {twice} is given twice", "give each recording once"
        )
    arrays, shift = _arrays(ordered)
    manifest = Manifest(
        pipeline=PIPELINE,
        recording_ids=ids,
        durations_s=tuple(round(e.duration_s, 6) for e in ordered),
        key_shift=shift,
        counts={name: int(a.size) for name, a in arrays.items()},
        sha256={name: hashlib.sha256(a.tobytes()).hexdigest() for name, a in arrays.items()},
    )
    _place(directory, manifest, arrays)
    return manifest


def _arrays(entries: Sequence[Entry]) -> tuple[dict[str, NDArray[Any]], int]:
    blocks = np.array([0] + [e.peak_start.size - 1 for e in entries], np.int64).cumsum()
    origin = _origins(blocks)
    if blocks[-1] + len(entries) * GAP_BLOCKS >= 2**32 // BLOCK:
        raise UsageError(
            "segment_too_large", f"{len(entries)} recordings do not fit one segment", "build several segments"
        )
    words = _join(
        [
            (e.keys.astype(np.uint64) << np.uint64(32)) | (e.hops + np.uint64(o))
            for e, o in zip(entries, origin.tolist(), strict=True)
        ],
        np.uint64,
    )
    words.sort()
    key = (words >> np.uint64(32)).astype(np.int64)
    # About eight postings a bucket; eight bits at most are left below it.
    shift = int(np.clip(np.floor(np.log2(8 * KEY_COUNT / max(key.size, 1))), 0, _MAX_SHIFT))
    buckets = (KEY_COUNT - 1 >> shift) + 1
    counts = np.bincount(key >> shift, minlength=buckets)
    peaks = np.array([0] + [e.peak_time.size for e in entries], np.int64).cumsum()
    arrays = {
        "posting_start": np.concatenate([[0], counts.cumsum()]),
        "posting_low": key & ((1 << shift) - 1) if shift else key[:0],
        "posting_hop": words & np.uint64(0xFFFFFFFF),
        "block_start": blocks,
        "peak_start": _join(
            [e.peak_start[:-1] + p for e, p in zip(entries, peaks.tolist(), strict=False)] + [peaks[-1:]],
            np.int64,
        ),
        "peak_time": _join([e.peak_time for e in entries], np.uint8),
        "peak_cents": _join([e.peak_cents for e in entries], np.uint16),
        "band_sign": _join([e.band_sign for e in entries], np.uint8),
    }
    return {name: arrays[name].astype(dtype) for name, dtype in _DTYPES.items()}, shift


def _join(parts: Sequence[NDArray[Any]], dtype: type[np.generic]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def _origins(block_start: Int) -> Int:
    """Return the position int64[recordings] at which each recording begins."""
    return (block_start[:-1] + np.arange(block_start.size - 1) * GAP_BLOCKS) * BLOCK


def _place(directory: Path, manifest: Manifest, arrays: dict[str, NDArray[Any]]) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        for name, array in arrays.items():
            _write_file(work / f"{name}.bin", array.tobytes())
        _write_file(work / _MANIFEST, manifest.to_json())
        work.chmod(0o755)
        try:
            work.rename(directory)
        except OSError:
            if not directory.is_dir():
                raise
            there = directory / _MANIFEST
            if not there.is_file() or there.read_bytes() != manifest.to_json():
                raise UsageError(
                    "segment_exists", f"{directory.name} exists with another content", "write to a new folder"
                ) from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _write_file(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest of a shard.

    Raises:
        PermanentError: ``missing_segment``, ``corrupt_index`` or ``unknown_pipeline``.
    """
    path = directory / _MANIFEST
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _missing(path) from error
    try:
        body = json.loads(data)
        kind, pipeline = body.pop("format"), body["pipeline"]
        body.pop("parameters")
        if kind != FORMAT:
            raise _corrupt(f"{path} has format {kind} and this version reads {FORMAT}")
        check_pipeline(str(directory), str(pipeline))
        manifest = Manifest(
            **(body | {name: tuple(body[name]) for name in ("recording_ids", "durations_s")}),
        )
        sound = _consistent(manifest) and manifest.to_json() == data
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise _corrupt(f"{path} is not a manifest") from error
    if not sound:
        raise _corrupt(f"{path} is not a complete, canonical manifest")
    return manifest


def _consistent(manifest: Manifest) -> bool:
    """Whether the manifest's own numbers fit each other, so that no look-up can leave an array."""
    counts = manifest.counts
    if not set(counts) == set(manifest.sha256) == set(_DTYPES):
        return False
    blocks = counts["peak_start"] - 1
    return (
        len(manifest.recording_ids) == len(manifest.durations_s) == counts["block_start"] - 1
        and manifest.key_shift in range(_MAX_SHIFT + 1)
        and counts["posting_start"] == ((KEY_COUNT - 1) >> manifest.key_shift) + 2
        and counts["posting_low"] == (counts["posting_hop"] if manifest.key_shift else 0)
        and counts["peak_time"] == counts["peak_cents"]
        and counts["band_sign"] == blocks * ROWS_PER_BLOCK * BAND_BYTES
    )


class Shard:
    """One mapped part of the catalogue.

    Attributes:
        manifest: what it holds.
        gap: hops between two recordings in the numbering of positions.
        posting_hop: uint32[postings].
    """

    gap = GAP_BLOCKS * BLOCK

    def __init__(self, directory: Path, *, verify: bool) -> None:
        """Map a shard.

        Raises:
            PermanentError: ``missing_segment``, ``corrupt_index`` (a size, with ``verify`` a hash, differs from
                the manifest) or ``unknown_pipeline``.
        """
        self.manifest = read_manifest(directory)
        arrays = {name: self._map(directory, name, verify) for name in _DTYPES}
        self._start: NDArray[np.uint32] = arrays["posting_start"]
        self._low: NDArray[np.uint8] = arrays["posting_low"]
        self.posting_hop: NDArray[np.uint32] = arrays["posting_hop"]
        self._block_start = arrays["block_start"].astype(np.int64)
        self._peak_start: NDArray[np.uint32] = arrays["peak_start"]
        self._peak_time: NDArray[np.uint8] = arrays["peak_time"]
        self._peak_cents: NDArray[np.uint16] = arrays["peak_cents"]
        self._band_sign: NDArray[np.uint8] = arrays["band_sign"]
        self.origin = _origins(self._block_start)

    def _map(self, directory: Path, name: str, verify: bool) -> NDArray[Any]:
        path = directory / f"{name}.bin"
        dtype = np.dtype(_DTYPES[name])
        count = self.manifest.counts[name]
        try:
            size = path.stat().st_size
        except FileNotFoundError as error:
            raise _missing(path) from error
        if size != count * dtype.itemsize:
            raise _corrupt(f"{path} has {size} bytes and the manifest says {count * dtype.itemsize}")
        array = np.memmap(path, dtype, "r", shape=(count,)) if count else np.zeros(0, dtype)
        if verify and hashlib.sha256(np.asarray(array).data).hexdigest() != self.manifest.sha256[name]:
            raise _corrupt(f"{path} does not have the hash of the manifest")
        return np.asarray(array)

    def find(self, keys: NDArray[np.uint32]) -> tuple[Int, Int]:
        """Return for each key the range int64[n], int64[n] of its postings."""
        return self._table[keys].astype(np.int64), self._table[keys + np.uint32(1)].astype(np.int64)

    @cached_property
    def _table(self) -> NDArray[np.uint32]:
        """Where each key's postings begin, uint32[keys + 1].

        A small segment stores coarser buckets: 7 MB for every key would outweigh it on disk, not in memory.
        """
        if self.manifest.key_shift == 0:
            return self._start
        counts = np.bincount(self._keys(), minlength=KEY_COUNT)[:KEY_COUNT]
        return np.concatenate([[0], counts.cumsum()]).astype(np.uint32)

    def _keys(self) -> Int:
        """Return the key int64[postings] of every posting."""
        bucket = np.repeat(np.arange(self._start.size - 1), self._start[1:] - self._start[:-1])
        return (bucket << self.manifest.key_shift) | (self._low if self.manifest.key_shift else 0)

    def recordings_at(self, positions: NDArray[np.float64]) -> Int:
        """Return the numbers int64[n] of the recordings whose stretch (half a gap either side) covers positions."""
        return np.maximum(np.searchsorted(self.origin, positions + self.gap / 2, side="right") - 1, 0)

    def blocks_of(self, number: int) -> int:
        """Return how many blocks of 64 hops a recording has."""
        return int(self._block_start[number + 1] - self._block_start[number])

    def peaks(
        self, number: int, first: float, stop: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the peaks of a recording between two hops of its own: hops float32[n] and cents float32[n]."""
        low = int(np.clip(first // BLOCK, 0, self.blocks_of(number)))
        high = int(np.clip(stop // BLOCK + 1, low, self.blocks_of(number)))
        base = int(self._block_start[number])
        starts = self._peak_start[base + low : base + high + 1].astype(np.int64)
        block = np.repeat(np.arange(low, high), np.diff(starts))
        hops = block * BLOCK + self._peak_time[starts[0] : starts[-1]] / np.float32(_TICKS)
        inside = (hops >= first) & (hops < stop)
        cents = self._peak_cents[starts[0] : starts[-1]]
        return hops[inside].astype(np.float32), cents[inside].astype(np.float32)

    def signs(self, number: int, first: int, stop: int) -> NDArray[np.uint8]:
        """Return the packed band signs uint8[rows, 7] of rows of 4 hops; the range must lie in the recording."""
        base = int(self._block_start[number]) * ROWS_PER_BLOCK
        part = self._band_sign[(base + first) * BAND_BYTES : (base + stop) * BAND_BYTES]
        return part.reshape(-1, BAND_BYTES)

    def entries(self, drop: frozenset[str]) -> Iterable[Entry]:
        """Take the shard apart again, for a merge."""
        keys = self._keys()
        owner = np.searchsorted(self.origin, self.posting_hop, side="right") - 1
        order = np.argsort(owner, kind="stable")
        cut = np.searchsorted(owner[order], np.arange(self.origin.size + 1))
        ids = self.manifest.recording_ids
        for i, (recording_id, duration) in enumerate(zip(ids, self.manifest.durations_s, strict=True)):
            if recording_id in drop:
                continue
            mine = order[cut[i] : cut[i + 1]]
            base, end = int(self._block_start[i]), int(self._block_start[i + 1])
            starts = self._peak_start[base : end + 1].astype(np.int64)
            yield Entry(
                recording_id,
                duration,
                keys[mine].astype(np.uint32),
                (self.posting_hop[mine] - self.origin[i]).astype(np.uint32),
                starts - starts[0],
                self._peak_time[starts[0] : starts[-1]],
                self._peak_cents[starts[0] : starts[-1]],
                self._band_sign[base * ROWS_PER_BLOCK * BAND_BYTES : end * ROWS_PER_BLOCK * BAND_BYTES],
            )


def _missing(path: Path) -> PermanentError:
    return PermanentError("missing_segment", f"{path} is not there", "restore the index or build it again")


def _corrupt(cause: str) -> PermanentError:
    return PermanentError("corrupt_index", cause, "restore the index from its bucket or build it again")


def check_pipeline(what: str, pipeline: str) -> None:
    """Raise PermanentError ``unknown_pipeline`` unless ``pipeline`` is the one this version reads."""
    if pipeline != PIPELINE:
        raise PermanentError(
            "unknown_pipeline",
            f"{what} is of pipeline {pipeline} and this version reads {PIPELINE}",
            "fingerprint the sound again with this version",
        )
