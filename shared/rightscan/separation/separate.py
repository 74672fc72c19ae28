"""Separates a voice from its backing by a model, piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rightscan.errors import PermanentError
from rightscan.models.session import Model
from rightscan.separation.form import Form
from rightscan.separation.overlap import overlap_add
from rightscan.separation.resampling import resample

Sound = NDArray[np.float32]


@dataclass(frozen=True)
class Stems:
    """A stretch of sound in two parts whose sum it is, to the rounding of float32.

    Attributes:
        start: of the stretch, samples from the beginning of the sound.
        vocal: float32[n, 2].
        instrumental: float32[n, 2], what is left when the voice is taken off.
    """

    start: int
    vocal: Sound
    instrumental: Sound


def separate(blocks: Iterable[Sound], model: Model, sample_rate: int) -> Iterator[Stems]:
    """Separate a sound of any length; memory holds one piece of ``chunk_s`` seconds at a time.

    Args:
        blocks: float32[n, 2], full scale 1, in order, of any length; mono sound has two equal columns.
        model: of kind ``separation``.
        sample_rate: Hz, of the blocks.

    Yields:
        The stems of one stretch after the other, without gaps, at the rate of the blocks.

    Raises:
        PermanentError: ``bad_model_card`` where the card has no form, ``bad_model`` where the model gives what is
            no number; whatever ``Model.run`` raises.
        UsageError: ``wrong_shape``.
    """
    form = Form.of(model.card)
    chunk, overlap = round(form.chunk_s * sample_rate), round(form.overlap_s * sample_rate)

    def voice(piece: Sound) -> Sound:
        inside = resample(piece, sample_rate, form.sample_rate)
        found = _masked(inside, model, form) if form.masks else _waveform(inside, model, form)
        return resample(found, form.sample_rate, sample_rate)[: len(piece)]

    start = 0
    for mix, vocal in overlap_add(blocks, voice, chunk, overlap):
        yield Stems(start, vocal, mix - vocal)
        start += len(mix)


def separate_whole(sound: Sound, model: Model, sample_rate: int) -> Stems:
    """Separate float32[n, 2] at once; arguments and errors as ``separate``."""
    pieces = list(separate([sound], model, sample_rate))
    if not pieces:
        return Stems(0, sound, sound)
    return Stems(
        0, *(np.concatenate([getattr(p, name) for p in pieces]) for name in ("vocal", "instrumental"))
    )


def _waveform(sound: Sound, model: Model, form: Form) -> Sound:
    count = len(sound)
    rows = sound.T if form.channels == 2 else sound.mean(axis=1)[None, :]
    padded = np.zeros((1, form.channels, form.padded(count)), np.float32)
    padded[0, :, :count] = rows
    found = _run(model, form, padded)[0, :, :count].T
    return np.broadcast_to(found, (count, 2)).astype(np.float32)


def _masked(sound: Sound, model: Model, form: Form) -> Sound:
    """The voice by a mask over the spectra of both channels."""
    window = np.sin(np.pi * (np.arange(form.window) + 0.5) / form.window).astype(np.float32)
    spectra = _transform(sound, form, window)
    frames = spectra.shape[0]
    seen = spectra[:, :, : form.bins]
    rows = [seen[:, 0] + seen[:, 1], seen[:, 0] - seen[:, 1]][: form.channels]
    magnitude = np.zeros((1, form.channels, form.padded(frames), form.bins), np.float32)
    for row, sums in enumerate(rows):
        magnitude[0, row, :frames] = np.abs(sums) * np.float32(0.5 / window.sum())
    mask = np.clip(_run(model, form, magnitude)[0, 0, :frames], 0, 1)
    spectra[:, :, : form.bins] *= mask[:, None, :]
    eighth = form.bins // 8
    spectra[:, :, form.bins :] *= (
        mask[:, -eighth:].mean(axis=1)[:, None, None] if form.holds else np.float32(0)
    )
    return _back(spectra, form, window, len(sound))


def _transform(sound: Sound, form: Form, window: Sound) -> NDArray[np.complex64]:
    """Spectra complex64[frames, 2, bins] of frames that begin a window less a hop before the sound."""
    lead = form.window - form.hop
    frames = form.frames(len(sound))
    padded = np.zeros((2, (frames - 1) * form.hop + form.window), np.float32)
    padded[:, lead : lead + len(sound)] = sound.T
    cut = np.lib.stride_tricks.sliding_window_view(padded, form.window, axis=1)[:, :: form.hop]
    spectra: NDArray[np.complex64] = np.fft.rfft(cut * window, axis=2).astype(np.complex64, copy=False)
    return np.ascontiguousarray(spectra.transpose(1, 0, 2))


def _back(spectra: NDArray[np.complex64], form: Form, window: Sound, count: int) -> Sound:
    """Sound float32[count, 2] of spectra. The squares of sine windows sum to ``window / (2 hop)`` everywhere."""
    frames, parts = spectra.shape[0], form.window // form.hop
    pieces = np.fft.irfft(spectra, form.window, axis=2).astype(np.float32, copy=False)
    pieces *= window * np.float32(2 / parts)
    out = np.zeros((frames + parts - 1, 2, form.hop), np.float32)
    for part in range(parts):
        out[part : part + frames] += pieces[:, :, part * form.hop : (part + 1) * form.hop]
    lead = form.window - form.hop
    flat = out.transpose(0, 2, 1).reshape(-1, 2)
    return np.ascontiguousarray(flat[lead : lead + count])


def _run(model: Model, form: Form, array: Sound) -> Sound:
    found = model.run(**{form.sound_in: array})[form.sound_out]
    if not np.isfinite(found).all():
        raise PermanentError(
            "bad_model",
            f"the separator {model.card.name} gave what is no number",
            "Export it again together with its card (docs/models.md), or switch it off.",
        )
    return found
