"""An encoder of voices: a model of kind ``speaker`` and what its card says of the sound that it takes.

Two forms: ``features``, log-mel bands with the card's parameters (GE2E and ECAPA exports without their front end),
and ``waveform``, sound as it is (exports with it). ``docs/likeness.md`` lists the fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.likeness.features import MelSettings, log_mel, normalised
from rightscan.likeness.pieces import SAMPLE_RATE
from rightscan.models import Model, ModelCard, Registry

Float = NDArray[np.float32]

KIND = "speaker"
SHIPPED_ENCODER = "voice-encoder"
FORMS = ("features", "waveform")
LAYOUTS = ("frames_bands", "bands_frames")

_BATCH = 16
_QUIET = 1e-6


@dataclass(frozen=True)
class EncoderForm:
    """How a card says that sound goes in.

    Attributes:
        form: ``features`` or ``waveform``.
        window_s: length of a window, seconds.
        hop_s: from one window to the next.
        features: of the bands; None for ``waveform``.
        layout: ``frames_bands`` or ``bands_frames``, the last two dimensions of the input.
        level_db: root of the mean square that a window is brought to, dB of full scale; None leaves it.
        batched: whether more than one window goes in at a time.
    """

    form: str
    window_s: float
    hop_s: float
    features: MelSettings | None
    layout: str
    level_db: float | None
    batched: bool

    @classmethod
    def of(cls, card: ModelCard) -> EncoderForm:
        """Read the form from a card.

        Raises:
            PermanentError: ``bad_model_card`` where it is of another kind or its inputs do not fit.
        """
        given = dict(card.inputs.settings)
        if card.kind != KIND:
            raise _flaw(card, f"is of the kind {card.kind}, not {KIND}")
        form = _choice(card, given, "form", FORMS)
        layout = _choice(card, given, "layout", LAYOUTS, LAYOUTS[0])
        level = given.pop("level_db", None)
        features = given.pop("features", None)
        hop = given.pop("hop_s", None)
        if given:
            raise _flaw(card, f"unknown field {', '.join(sorted(given))} of inputs")
        window = card.inputs.window_s
        if window is None or not 0.5 <= window <= 30.0:
            raise _flaw(card, "window_s must lie between 0.5 and 30 seconds")
        hop = window / 2 if hop is None else hop
        if not isinstance(hop, int | float) or not 0.1 <= hop <= window:
            raise _flaw(card, "hop_s must lie between 0.1 s and window_s")
        if level is not None and not isinstance(level, int | float):
            raise _flaw(card, "level_db must be a number or null")
        settings = _features(card, form, features)
        return cls(form, window, float(hop), settings, layout, level, _batched(card, form, settings, layout))


class Encoder:
    """Gives embeddings of windows.

    Args:
        model: of kind ``speaker``.

    Raises:
        PermanentError: ``bad_model_card`` where the card is no encoder's.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.form = EncoderForm.of(model.card)
        size = model.card.outputs.arrays[0].shape[-1]
        if len(model.card.outputs.arrays) != 1 or not isinstance(size, int):
            raise _flaw(model.card, "an encoder has one output, and its last dimension is a number")
        self.dimensions: int = size

    @classmethod
    def load(
        cls,
        name: str = SHIPPED_ENCODER,
        folders: Sequence[Path] = (),
        provider: str = "cpu",
    ) -> Encoder:
        """Open an encoder, shipped or plugged in, by its name.

        Raises:
            PermanentError: as ``Registry.speaker`` and as the constructor.
        """
        return cls(Registry.speaker(name, folders, provider=provider))

    @property
    def name(self) -> str:
        """Name and version: templates of another name are never compared."""
        return f"{self.model.card.name}@{self.model.card.version}"

    @property
    def folder(self) -> Path:
        """Where card, model and cohort lie."""
        return self.model.folder

    def embed(self, windows: Sequence[Float]) -> Float:
        """Embed windows.

        Args:
            windows: float32[n] each at 16 kHz, of about ``form.window_s``; shorter ones are repeated to half of it.

        Returns:
            float32[windows, dimensions], each of unit length.

        Raises:
            PermanentError: as ``Model.run``.
        """
        rows: list[Float] = []
        inputs = [self._input(window) for window in windows]
        start = 0
        while start < len(inputs):
            stop = start + 1
            limit = start + (_BATCH if self.form.batched else 1)
            while stop < min(len(inputs), limit) and inputs[stop].shape == inputs[start].shape:
                stop += 1
            rows.extend(self._run(np.stack(inputs[start:stop])))
            start = stop
        return np.stack(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def _run(self, batch: Float) -> Float:
        spec, out = self.model.card.inputs.arrays[0], self.model.card.outputs.arrays[0]
        array = batch.reshape(batch.shape[1:]) if len(spec.shape) == batch.ndim - 1 else batch
        got = self.model.run(**{spec.name: np.ascontiguousarray(array, spec.dtype)})[out.name]
        vectors = np.asarray(got, np.float32).reshape(-1, self.dimensions)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if len(vectors) != len(batch) or not np.isfinite(vectors).all() or (lengths < _QUIET).any():
            raise PermanentError(
                "bad_model",
                f"model {self.model.card.name}: its embeddings are not one finite vector for each window",
                "Export it again together with its card (docs/likeness.md), or take the model out.",
            )
        return np.asarray(vectors / lengths, np.float32)

    def _input(self, window: Float) -> Float:
        form = self.form
        window = _at_least(window, round(form.window_s * SAMPLE_RATE / 2))
        if form.level_db is not None:
            rms = float(np.sqrt(np.mean(window**2)))
            window = window * np.float32(10 ** (form.level_db / 20) / max(rms, _QUIET))
        if form.features is None:
            return _fixed(window, self.model.card.inputs.arrays[0].shape[-1])
        time = -2 if form.layout == "frames_bands" else -1
        bands = _fixed(log_mel(window, form.features), self.model.card.inputs.arrays[0].shape[time])
        bands = normalised(bands, form.features)
        return bands if form.layout == "frames_bands" else np.ascontiguousarray(bands.T)


def _at_least(sound: Float, count: int) -> Float:
    return sound if sound.size >= count else np.resize(sound, count)


def _fixed(rows: Float, size: int | str) -> Float:
    """Bring the first dimension to what the card fixes, repeating or cutting."""
    if isinstance(size, str) or len(rows) == size:
        return rows
    return rows[np.arange(size) % max(len(rows), 1)]


def _features(card: ModelCard, form: str, given: Any) -> MelSettings | None:
    if form == "waveform":
        if given is not None:
            raise _flaw(card, "features belong to the form features alone")
        return None
    if not isinstance(given, dict):
        raise _flaw(card, "features must say which bands are taken")
    settings = MelSettings.of({"sample_rate": card.inputs.sample_rate, **given})
    if settings.sample_rate != SAMPLE_RATE:
        raise _flaw(card, f"bands must be of sound at {SAMPLE_RATE} Hz")
    return settings


def _batched(card: ModelCard, form: str, settings: MelSettings | None, layout: str) -> bool:
    """Whether the first dimension is free, after a check of the others."""
    if card.inputs.sample_rate != SAMPLE_RATE or len(card.inputs.arrays) != 1:
        raise _flaw(card, f"an encoder has one input, made of sound at {SAMPLE_RATE} Hz")
    shape = card.inputs.arrays[0].shape
    inner = 1 if form == "waveform" else 2
    if len(shape) not in (inner, inner + 1):
        raise _flaw(card, f"its input has {len(shape)} dimensions, not {inner + 1}")
    if settings is not None and shape[-1 if layout == "frames_bands" else -2] != settings.bands:
        raise _flaw(card, "its input does not have the number of bands that its features give")
    return len(shape) == inner + 1 and isinstance(shape[0], str)


def _choice(
    card: ModelCard, given: dict[str, Any], key: str, of: tuple[str, ...], default: str | None = None
) -> str:
    value = given.pop(key, default)
    if value not in of:
        raise _flaw(card, f"{key} is {value!r}, not one of {', '.join(of)}")
    return str(value)


def _flaw(card: ModelCard, what: str) -> PermanentError:
    return PermanentError(
        "bad_model_card",
        f"model {card.name}: {what}",
        "Correct the card after docs/likeness.md, or take the model out.",
    )
