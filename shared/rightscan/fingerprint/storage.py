"""The fingerprint of one recording or upload and its form in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan import npz
from rightscan.errors import PermanentError
from rightscan.fingerprint import landmarks, spectrum
from rightscan.fingerprint.parameters import PARAMETERS, PIPELINE
from rightscan.fingerprint.spectrum import Peaks

SILENCE_DBFS = -70.0
_NO_LEVEL_DBFS = -200.0  # stands for digital silence, whose level is minus infinity
_ROBUST = {"ticks": "<u4", "cents": "<u2", "strength": "|u1", "rank": "|u1", "bands": "|u1"}


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is kept of the sound of one recording or upload.

    Attributes:
        pipeline: version word of the parameters it was made with.
        duration_s: length of the stream, s.
        level_dbfs: level of the loudest sample, dB re full scale; -200 for digital silence.
        keys: uint32[n], landmark keys in order of time: what a recording is registered under.
        times: float32[n], s, of each key's first peak.
        robust: the spectral peaks, from which a query makes its own landmarks under any assumed change, and the
            band levels: ``ticks`` uint32[m] (1/16 of a 256-sample hop), ``cents`` uint16[m] above 55 Hz,
            ``strength`` uint8[m] (quarter dB over the local mean), ``rank`` uint8[m] (stronger peaks within half
            a second), ``bands`` uint8[r, 52] (half dB above -100 dB, semitones from 180 Hz, 93 ms a row).
            None where only the keys are known; such a fingerprint can be kept but not searched with.
    """

    pipeline: str
    duration_s: float
    level_dbfs: float
    keys: NDArray[np.uint32]
    times: NDArray[np.float32]
    robust: dict[str, NDArray[np.generic]] | None

    @property
    def silent(self) -> bool:
        """Whether nothing is above -70 dBFS."""
        return self.level_dbfs <= SILENCE_DBFS

    def peaks(self) -> Peaks:
        """Return the spectral peaks.

        Raises:
            PermanentError: ``corrupt_features`` when they were not kept.
        """
        if self.robust is None:
            raise npz.corrupt("the fingerprint holds no spectral peaks")
        return Peaks(*(self.robust[name] for name in ("ticks", "cents", "strength", "rank")))  # type: ignore[arg-type]

    def bands(self) -> NDArray[np.uint8]:
        """Return the band levels uint8[r, 52]; raises as ``peaks`` does."""
        if self.robust is None:
            raise npz.corrupt("the fingerprint holds no band levels")
        return self.robust["bands"].astype(np.uint8, copy=False)

    def between(self, start_s: float, end_s: float) -> Fingerprint:
        """Return a part of it, as if the stream had begun and ended there; times in s, rounded to 93 ms.

        Raises:
            PermanentError: as ``peaks``.
        """
        peaks, bands = self.peaks(), self.bands()
        row = PARAMETERS.hop * PARAMETERS.band_hops / PARAMETERS.sample_rate
        first, last = (min(max(round(t / row), 0), len(bands)) for t in (start_s, end_s))
        ticks = PARAMETERS.band_hops * PARAMETERS.ticks_per_hop
        part = peaks.between(first * ticks, last * ticks)
        robust: dict[str, NDArray[np.generic]] = {
            name: getattr(part, name) for name in ("ticks", "cents", "strength", "rank")
        }
        robust["ticks"] = (part.ticks - first * ticks).astype(np.uint32)
        robust["bands"] = bands[first:last]
        return _assemble((last - first) * row, self.level_dbfs, robust)

    def to_arrays(self) -> npz.Arrays:
        """Return the fingerprint as arrays for a file.

        Keys and times are left out where the peaks are kept: they follow from them, exactly.
        """
        head = {"pipeline": self.pipeline, "duration_s": self.duration_s, "level_dbfs": self.level_dbfs}
        text = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
        arrays: npz.Arrays = {"head": np.frombuffer(text, np.uint8)}
        if self.robust is None:
            arrays |= {"keys": self.keys.astype("<u4"), "times": self.times.astype("<f4")}
        else:
            arrays |= {name: self.robust[name].astype(dtype) for name, dtype in _ROBUST.items()}
            # Steps from peak to peak deflate to half of what the ticks themselves take.
            arrays["ticks"] = np.diff(arrays["ticks"], prepend=np.uint32(0))
        return arrays

    def to_npz(self) -> bytes:
        """Return the fingerprint as an npz file; the same fingerprint gives the same bytes."""
        return npz.pack(self.to_arrays())

    @classmethod
    def from_npz(cls, data: bytes) -> Fingerprint:
        """Read what ``to_npz`` wrote; members with a prefix are somebody else's and stay unread.

        Raises:
            PermanentError: ``unknown_pipeline`` for another version, ``corrupt_features`` for damaged bytes.
        """
        return cls.from_arrays(npz.unpack(data))

    @classmethod
    def from_arrays(cls, arrays: npz.Arrays) -> Fingerprint:
        """Read what ``to_arrays`` gave; raises as ``from_npz`` does."""
        arrays = dict(arrays)
        try:
            head = json.loads(arrays.pop("head").tobytes())
            pipeline, duration, level = (
                str(head["pipeline"]),
                float(head["duration_s"]),
                float(head["level_dbfs"]),
            )
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise npz.corrupt("the features lack a readable head") from error
        if pipeline != PIPELINE:
            raise PermanentError(
                "unknown_pipeline",
                f"the features were made by pipeline {pipeline} and this version reads {PIPELINE}",
                "scan the media again with this version",
            )
        if "keys" in arrays:
            _check(arrays, {"keys": "<u4", "times": "<f4"})
            if arrays["keys"].shape != arrays["times"].shape:
                raise npz.corrupt("keys and times differ in number")
            return cls(pipeline, duration, level, arrays["keys"], arrays["times"], None)  # type: ignore[arg-type]
        _check(arrays, _ROBUST)
        n = arrays["ticks"].size
        if any(arrays[name].shape != (n,) for name in ("ticks", "cents", "strength", "rank")):
            raise npz.corrupt("the peak arrays differ in length")
        if arrays["bands"].ndim != 2 or arrays["bands"].shape[1] != PARAMETERS.bands:
            raise npz.corrupt("the band levels have the wrong shape")
        arrays["ticks"] = np.cumsum(arrays["ticks"], dtype=np.uint32)
        return _assemble(duration, level, arrays)


def fingerprint(blocks: Iterable[NDArray[np.float32]], sample_rate: int) -> Fingerprint:
    """Fingerprint a mono stream; how it is cut into blocks makes no difference.

    Args:
        blocks: float32[n] each, full scale ±1; values that are not finite count as 0.
        sample_rate: of the blocks, Hz; must be ``SAMPLE_RATE``.

    Returns:
        The fingerprint; without keys for a stream without sound.

    Raises:
        UsageError: ``wrong_sample_rate`` or ``wrong_shape``.

    Example:
        >>> fingerprint([np.zeros(11025, np.float32)], 11025).silent
        True
    """
    found = spectrum.analyse(blocks, sample_rate)
    level = 20 * float(np.log10(found.loudest)) if found.loudest > 0 else _NO_LEVEL_DBFS
    robust: dict[str, NDArray[np.generic]] = {
        name: getattr(found.peaks, name) for name in ("ticks", "cents", "strength", "rank")
    }
    robust["bands"] = found.bands
    return _assemble(found.samples / sample_rate, max(level, _NO_LEVEL_DBFS), robust)


def _assemble(duration: float, level: float, robust: dict[str, NDArray[np.generic]]) -> Fingerprint:
    empty = Fingerprint(PIPELINE, duration, level, np.zeros(0, np.uint32), np.zeros(0, np.float32), robust)
    keys, times = landmarks.reference_keys(empty.peaks())
    return Fingerprint(PIPELINE, duration, level, keys, times, robust)


def _check(arrays: dict[str, NDArray[np.generic]], wanted: dict[str, str]) -> None:
    if set(arrays) != set(wanted) or any(arrays[name].dtype != np.dtype(t) for name, t in wanted.items()):
        raise npz.corrupt("the features hold other arrays than this pipeline's")
