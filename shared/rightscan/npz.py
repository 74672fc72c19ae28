"""Arrays in one file: npz, deterministic, within limits. What different packages write lies apart by a prefix."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from rightscan.errors import PermanentError

MOST_BYTES = 2**31
"""Unpacked: the features of ten hours take 60 MB; more is not one of ours."""

Arrays = dict[str, NDArray[np.generic]]

_EPOCH = (1980, 1, 1, 0, 0, 0)
_SUFFIX = ".npy"


def pack(arrays: Mapping[str, NDArray[np.generic]]) -> bytes:
    """Return the arrays as an npz file; the same arrays in the same order give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            npy.write_array(member, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(name + _SUFFIX, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o600 << 16
            info.create_system = 3
            archive.writestr(info, member.getvalue())
    return out.getvalue()


def unpack(data: bytes, prefix: str = "") -> Arrays:
    """Read the arrays of one prefix, the others are left packed.

    Args:
        data: what ``pack`` gave.
        prefix: with its dot (``synthesis.``); empty for the members that have none.

    Returns:
        The arrays by their names without the prefix; empty where none has it.

    Raises:
        PermanentError: ``corrupt_features``.
    """
    arrays: Arrays = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                raise corrupt("the features unpack to more than any have")
            for member in archive.namelist():
                name = member.removesuffix(_SUFFIX)
                if _prefix_of(name) == prefix:
                    with archive.open(member) as file:
                        arrays[name.removeprefix(prefix)] = npy.read_array(file, allow_pickle=False)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise corrupt("the features are not a readable npz file") from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise corrupt("the features hold what is no array") from error
    return arrays


def prefixed(prefix: str, arrays: Mapping[str, NDArray[np.generic]]) -> Arrays:
    """Return the arrays under names that ``unpack`` finds by ``prefix``."""
    return {prefix + name: array for name, array in arrays.items()}


def _prefix_of(name: str) -> str:
    head, dot, _ = name.partition(".")
    return head + dot if dot else ""


def corrupt(cause: str) -> PermanentError:
    """The error for features that cannot be read."""
    return PermanentError("corrupt_features", cause, "scan the media again")
