"""Runs a model: one thread, the same bits each time on the same machine, and its card held to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.models.card import ArraySpec, ModelCard

PROVIDERS: Mapping[str, tuple[str, ...]] = {
    "cpu": ("CPUExecutionProvider",),
    "cuda": ("CUDAExecutionProvider", "CPUExecutionProvider"),
}
"""What a provider's name in the settings means to onnxruntime; ``cuda`` needs its build for GPUs."""

_TYPES = {"float32": "tensor(float)", "float64": "tensor(double)", "int64": "tensor(int64)"}


class Model:
    """A model file with its card. Nothing is loaded before the first ``run`` or ``prepare``.

    Args:
        card: of a kind that has a file.
        folder: where card and file lie.
        provider: ``cpu`` or ``cuda``.
    """

    def __init__(self, card: ModelCard, folder: Path, provider: str = "cpu") -> None:
        self.card = card
        self.folder = folder
        self._path = folder / str(card.file)
        self._provider = provider

    def verify(self) -> None:
        """Hold the file against its card.

        Raises:
            PermanentError: ``model_file_missing`` or ``model_hash_mismatch``.
        """
        self._read()

    def prepare(self) -> None:
        """Load the model now and hold what it takes and gives against its card.

        Raises:
            PermanentError: as ``verify``; ``bad_model``, ``provider_missing``.
        """
        _ = self._session

    def run(self, **arrays: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Run the model once.

        Args:
            **arrays: every input of the card by its name, of its dtype and shape; a dimension that has a name on
                the card may have any size, the same wherever the name returns.

        Returns:
            Every output of the card by its name, checked the same way.

        Raises:
            PermanentError: as ``prepare``; ``bad_model_input`` where an array is not what the card says,
                ``bad_model`` where an output is not.
        """
        sizes: dict[str, int] = {}
        _check(self.card.inputs.arrays, arrays, sizes, self._bad_input)
        names = [spec.name for spec in self.card.outputs.arrays]
        outputs = dict(zip(names, self._session.run(names, arrays), strict=True))
        _check(self.card.outputs.arrays, outputs, sizes, self._bad_model)
        return outputs

    def _read(self) -> bytes:
        try:
            data = self._path.read_bytes()
        except OSError as error:
            raise PermanentError(
                "model_file_missing",
                f"{self._path} cannot be read ({error.strerror})",
                "Put the file beside its card, or take the model out.",
            ) from error
        digest = hashlib.sha256(data).hexdigest()
        if digest != self.card.sha256:
            raise PermanentError(
                "model_hash_mismatch",
                f"{self._path} has the SHA-256 {digest}, its card says {self.card.sha256}",
                "Fetch the model again from where it came from; a changed model needs a card of its own.",
            )
        return data

    @cached_property
    def _session(self) -> Any:
        # Hashed again with the bytes in hand: what runs is what was checked.
        session = _open_session(self._read(), self._provider, self._bad_model)
        for listed, specs in (
            (session.get_inputs(), self.card.inputs.arrays),
            (session.get_outputs(), self.card.outputs.arrays),
        ):
            flaw = _disagreement({node.name: node for node in listed}, specs)
            if flaw:
                raise self._bad_model(flaw)
        inputs = {spec.name for spec in self.card.inputs.arrays}
        unknown = sorted({node.name for node in session.get_inputs()} - inputs)
        if unknown:
            raise self._bad_model(f"its input {unknown[0]} is not on the card")
        return session

    def _bad_input(self, what: str) -> PermanentError:
        return PermanentError(
            "bad_model_input",
            f"model {self.card.name}: {what}",
            "Its card says what it takes; a card of other features needs the version of rightscan it was made for.",
        )

    def _bad_model(self, what: str) -> PermanentError:
        return PermanentError(
            "bad_model",
            f"model {self.card.name}: {what}",
            "Export it again together with its card (docs/models.md), or take the model out.",
        )


def _open_session(data: bytes, provider: str, refuse: Any) -> Any:
    import onnxruntime as ort
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    refusals = (
        *(state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf),
        *(state.NotImplemented, state.RuntimeException),
    )

    ort.disable_telemetry_events()
    providers = PROVIDERS.get(provider, (provider,))
    if providers[0] not in ort.get_available_providers():
        raise PermanentError(
            "provider_missing",
            f"this onnxruntime has no {providers[0]}",
            "Install the build of onnxruntime for this hardware, or set the provider to cpu.",
        )
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.use_deterministic_compute = True
    # An arena keeps the largest input it ever saw: a function that scans files of all lengths must not.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # its messages may name tensors and paths; errors come as exceptions
    try:
        return ort.InferenceSession(data, options, providers=list(providers))
    except refusals as error:
        raise refuse(f"onnxruntime cannot load it ({type(error).__name__})") from error


def _disagreement(nodes: Mapping[str, Any], specs: Sequence[ArraySpec]) -> str:
    """What the file and the card disagree about; empty where nothing."""
    for spec in specs:
        node = nodes.get(spec.name)
        if node is None:
            return f"{spec.name} is on the card and not in the file"
        if node.type != _TYPES[spec.dtype]:
            return f"{spec.name} is {node.type} in the file, {spec.dtype} on the card"
        fixed = [(a, b) for a, b in zip(node.shape, spec.shape, strict=False) if isinstance(a, int)]
        if len(node.shape) != len(spec.shape) or any(a != b for a, b in fixed):
            return f"{spec.name} has the shape {node.shape} in the file, {list(spec.shape)} on the card"
    return ""


def _check(
    specs: Sequence[ArraySpec], arrays: Mapping[str, NDArray[Any]], sizes: dict[str, int], refuse: Any
) -> None:
    """Hold arrays against the card; ``sizes`` collects what the named dimensions came to be."""
    if arrays.keys() != {spec.name for spec in specs}:
        raise refuse(f"it has {', '.join(spec.name for spec in specs)}, not {', '.join(arrays) or 'nothing'}")
    for spec in specs:
        array = arrays[spec.name]
        if array.dtype != np.dtype(spec.dtype):
            raise refuse(f"{spec.name} is {array.dtype}, the card says {spec.dtype}")
        wanted = [sizes.setdefault(d, n) if isinstance(d, str) else d for d, n in _paired(spec, array)]
        if wanted != list(array.shape):
            raise refuse(f"{spec.name} has the shape {list(array.shape)}, the card says {list(spec.shape)}")


def _paired(spec: ArraySpec, array: NDArray[Any]) -> list[tuple[int | str, int]]:
    return list(zip(spec.shape, array.shape, strict=False)) if array.ndim == len(spec.shape) else []
