"""The features object: what is kept of one file's sound and origin, each part under a prefix of its own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from rightscan import npz
from rightscan.errors import PermanentError
from rightscan.fingerprint import Fingerprint
from rightscan.harmony import Harmony
from rightscan.rights.axes import Stem
from rightscan.synthesis import Evidence

FEATURES_FILE = "features.npz"

_SYNTHESIS, _PROVENANCE, _HARMONY = "synthesis.", "provenance.", "harmony."
_STEMS = {Stem.VOCAL: "vocal_stem.", Stem.INSTRUMENTAL: "instrumental_stem."}
_RECORD = "json"


def pack(
    fingerprint: Fingerprint | None,
    evidence: Evidence | None,
    provenance: Mapping[str, Any] | None,
    stems: Mapping[Stem, Fingerprint] | None = None,
    harmony: Harmony | None = None,
) -> bytes:
    """Return a features object.

    Args:
        fingerprint: whose members have no prefix; alone, this is the object as it always was. None where
            nothing is compared, only classified.
        evidence: of synthesis, where it was looked for.
        provenance: as ``Provenance.to_json`` gives it, where it was read.
        stems: fingerprints of the separated parts, where a separator is plugged in.
        harmony: pitch classes, to look for other performances of a registered work.
    """
    arrays = {} if fingerprint is None else fingerprint.to_arrays()
    if evidence is not None:
        arrays |= npz.prefixed(_SYNTHESIS, evidence.to_arrays())
    if provenance is not None:
        text = json.dumps(provenance, sort_keys=True, separators=(",", ":")).encode()
        arrays |= npz.prefixed(_PROVENANCE, {_RECORD: np.frombuffer(text, np.uint8)})
    for stem, prefix in _STEMS.items():
        if stems is not None and stem in stems:
            arrays |= npz.prefixed(prefix, stems[stem].to_arrays())
    if harmony is not None:
        arrays |= npz.prefixed(_HARMONY, harmony.to_arrays())
    return npz.pack(arrays)


def stem_prints_in(features: bytes) -> dict[Stem, Fingerprint]:
    """Return the fingerprints of the separated parts; empty where none were made.

    Raises:
        PermanentError: ``corrupt_features``, ``unknown_pipeline``.
    """
    found = {stem: npz.unpack(features, prefix) for stem, prefix in _STEMS.items()}
    return {stem: Fingerprint.from_arrays(arrays) for stem, arrays in found.items() if arrays}


def harmony_in(features: bytes) -> Harmony | None:
    """Return the pitch classes; None where an object holds none, or those of another pipeline.

    Raises:
        PermanentError: ``corrupt_features``.
    """
    arrays = npz.unpack(features, _HARMONY)
    return Harmony.from_arrays(arrays) if arrays else None


def evidence_in(features: bytes) -> Evidence | None:
    """Return the evidence of synthesis; None where an object holds none, or that of another pipeline.

    Raises:
        PermanentError: ``corrupt_features``.
    """
    arrays = npz.unpack(features, _SYNTHESIS)
    if not arrays:
        return None
    try:
        return Evidence.from_arrays(arrays)
    except PermanentError as error:
        # What another version saw cannot be judged by this one; the file was not tested by what judges now.
        if error.code == "unknown_pipeline":
            return None
        raise


def provenance_in(features: bytes) -> dict[str, Any] | None:
    """Return the provenance record as JSON values; None where an object holds none.

    Raises:
        PermanentError: ``corrupt_features``.
    """
    arrays = npz.unpack(features, _PROVENANCE)
    if not arrays:
        return None
    try:
        record: dict[str, Any] = json.loads(arrays[_RECORD].tobytes())
    except (KeyError, ValueError) as error:
        raise npz.corrupt("the record of provenance cannot be read") from error
    return record
