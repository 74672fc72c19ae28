"""Vocoders without a network: what comes back from analysis and resynthesis by signal processing alone.

They stand for what leaves no lattice (phase reconstructed, source and filter, quantised), and they lie on the
*other* side of real sound than neural vocoders in several features, which a detector must learn from both.
Every family takes ``(sound float32[n], rate Hz, rng)``, draws its settings and returns ``(float32[n], settings)``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from training.synthesis.excitation import excitation, pitch, pulses
from training.synthesis.sound import Magnitude, Sound, Spectrum, istft, mel_filters, stft

Rng = np.random.Generator
Family = Callable[[Sound, int, Rng], tuple[Sound, str]]

_FLOOR = 1e-5


def _frame(rate: int, rng: Rng) -> tuple[int, int]:
    """Window and hop in samples: 25 to 60 ms, an overlap of 2, 4 or 8, as published vocoders take them."""
    size = 2 ** round(np.log2(rate * float(rng.choice([0.025, 0.032, 0.05, 0.064]))))
    return size, size // int(rng.choice([4, 4, 4, 8, 2]))


def _griffin_lim(
    magnitude: Magnitude, size: int, hop: int, length: int, rng: Rng, *, rounds: int, momentum: float
) -> Sound:
    turn = np.exp(2j * np.pi * rng.random(magnitude.shape, dtype=np.float32)).astype(np.complex64)
    before: Spectrum = np.zeros_like(turn)
    for _ in range(rounds):
        rebuilt = stft(istft(magnitude * turn, size, hop, length), size, hop)
        ahead = rebuilt + np.float32(momentum) * (rebuilt - before)
        turn = ahead / np.maximum(np.abs(ahead), 1e-9)
        before = rebuilt
    return istft(magnitude * turn, size, hop, length)


def _settle(rng: Rng) -> tuple[int, float]:
    return int(rng.choice([8, 16, 24, 32, 48])), float(rng.choice([0.0, 0.5, 0.99]))


def griffin_lim(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """Phase found by alternating projections from the true magnitude.

    Griffin & Lim 1984, "Signal estimation from modified short-time Fourier transform"; the fast variant with
    momentum: Perraudin et al. 2013.
    """
    size, hop = _frame(rate, rng)
    rounds, momentum = _settle(rng)
    out = _griffin_lim(
        np.abs(stft(sound, size, hop)), size, hop, sound.size, rng, rounds=rounds, momentum=momentum
    )
    return out, f"n_fft={size} hop={hop} rounds={rounds} momentum={momentum}"


def mel_inverted(magnitude: Magnitude, rate: int, size: int, bands: int) -> Magnitude:
    """The magnitude that mel bands alone leave, float32[frames, size // 2 + 1]: non-negative least squares.

    Eight multiplicative updates (Lee & Seung 2001) from the transposed bands; more change under 0.1 dB.
    """
    filters = mel_filters(rate, size, bands)
    mel = magnitude @ filters.T
    found = np.maximum(mel @ (filters / np.maximum(filters.sum(axis=0), 1e-6)), _FLOOR)
    target, gram = mel @ filters, filters.T
    for _ in range(8):
        found *= target / np.maximum((found @ gram) @ filters, 1e-9)
    return np.asarray(found, dtype=np.float32)


def griffin_lim_mel(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """Griffin-Lim from an inverted mel spectrogram: the vocoder of Tacotron (Wang et al. 2017)."""
    size, hop = _frame(rate, rng)
    bands = int(rng.choice([64, 80, 80, 100, 128]))
    rounds, momentum = _settle(rng)
    magnitude = mel_inverted(np.abs(stft(sound, size, hop)), rate, size, bands)
    power = float(
        rng.choice([1.0, 1.0, 1.2])
    )  # Tacotron raises magnitudes to sharpen what bands have smeared
    peak = float(magnitude.max()) or 1.0
    magnitude = np.asarray(peak * (magnitude / peak) ** power, dtype=np.float32)
    out = _griffin_lim(magnitude, size, hop, sound.size, rng, rounds=rounds, momentum=momentum)
    return out, f"n_fft={size} hop={hop} mel={bands} rounds={rounds} momentum={momentum} power={power}"


def phase_integrated(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """Phase integrated from the frequencies of spectral peaks, one pass, no iteration.

    Beauregard et al. 2015, "Single pass spectrogram inversion"; half the draws see mel bands only.
    """
    size, hop = _frame(rate, rng)
    magnitude = np.asarray(np.abs(stft(sound, size, hop)), dtype=np.float32)
    bands = int(rng.choice([0, 0, 80, 128]))
    if bands:
        magnitude = mel_inverted(magnitude, rate, size, bands)
    phase = np.asarray(rng.uniform(0, 2 * np.pi, magnitude.shape[1]))
    out = np.empty(magnitude.shape, dtype=np.complex64)
    bins = np.arange(magnitude.shape[1])
    for number, now in enumerate(magnitude):
        inner = (now[1:-1] > now[:-2]) & (now[1:-1] >= now[2:])
        peaks = np.flatnonzero(inner) + 1
        if peaks.size:
            logarithm: Magnitude = np.log(np.maximum(now, np.float32(1e-9)))
            a, b, c = logarithm[peaks - 1], logarithm[peaks], logarithm[peaks + 1]
            bend = a - 2 * b + c
            offset = np.clip(0.5 * (a - c) / np.where(np.abs(bend) > 1e-6, bend, -1.0), -0.5, 0.5)
            nearest = np.searchsorted((peaks[1:] + peaks[:-1]) / 2, bins)
            advanced = phase[peaks] + 2 * np.pi * hop * (peaks + offset) / size
            # Beside a peak a window centred on the frame turns every other bin by half a turn.
            phase = advanced[nearest] + np.pi * ((bins - peaks[nearest]) % 2)
        out[number] = now * np.exp(1j * phase)
    return istft(out, size, hop, sound.size), f"n_fft={size} hop={hop} mel={bands}"


def world(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """WORLD (Morise, Yokomori & Ozawa 2016): pitch, envelope and aperiodicity; coded in two draws of three.

    Coding to 24 to 60 coefficients is what statistical parametric synthesis hands to the vocoder.
    """
    import pyworld  # type: ignore[import-not-found]  # the training environment alone has it

    wave = sound.astype(np.float64)
    slow = bool(rng.random() < 0.1)
    found, times = (pyworld.harvest if slow else pyworld.dio)(wave, rate)
    f0 = found if slow else pyworld.stonemask(wave, found, times, rate)
    envelope = pyworld.cheaptrick(wave, f0, times, rate)
    aperiodic = pyworld.d4c(wave, f0, times, rate)
    coded = int(rng.choice([0, 24, 40, 60]))
    if coded:
        size = (envelope.shape[1] - 1) * 2
        envelope = pyworld.decode_spectral_envelope(
            pyworld.code_spectral_envelope(envelope, rate, coded), rate, size
        )
        aperiodic = pyworld.decode_aperiodicity(pyworld.code_aperiodicity(aperiodic, rate), rate, size)
    out = pyworld.synthesize(f0, envelope, aperiodic, rate)
    fitted = np.pad(out, (0, max(0, sound.size - out.size)))[: sound.size]
    return np.asarray(fitted, dtype=np.float32), f"coded={coded} harvest={int(slow)}"


def levinson(correlation: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Linear prediction of many frames at once (Levinson 1947, Durbin 1960).

    Args:
        correlation: float64[frames, order + 1].

    Returns:
        Prediction filters float64[frames, order + 1], the first 1, and residual energies float64[frames].
    """
    frames, width = correlation.shape
    filters = np.zeros((frames, width))
    filters[:, 0] = 1.0
    energy = np.maximum(correlation[:, 0].copy(), 1e-12)
    for i in range(1, width):
        reflection = -np.einsum("fi,fi->f", filters[:, :i], correlation[:, i:0:-1]) / energy
        before = filters[:, : i + 1].copy()
        filters[:, : i + 1] += reflection[:, None] * before[:, ::-1]
        energy *= np.maximum(1 - reflection**2, 1e-6)
    return filters, energy


def lpc(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """Linear prediction with an excitation of pulses and noise (Atal & Hanauer 1971; LPC-10)."""
    size, hop = 2 ** round(np.log2(0.03 * rate)), round(rate * float(rng.choice([0.005, 0.01])))
    order = round(rate / 1000) + int(rng.choice([2, 4, 8]))
    f0 = pitch(sound, rate, hop)
    buzz = float(rng.choice([1.0, 0.8, 0.6]))
    drive = excitation(f0, rate, hop, sound.size, rng, voiced_share=buzz)
    power = np.abs(stft(sound, size, hop).astype(np.complex128)) ** 2
    correlation = np.fft.irfft(power, axis=1)[:, : order + 1]
    correlation[:, 0] *= 1 + 1e-4  # white-noise correction: without it narrow formants ring
    filters, energy = levinson(correlation)
    driven = stft(drive, size, hop)
    # The square root of the residual's energy per sample under the window, 3/8 of its length.
    gain = np.sqrt(energy / (0.375 * size))
    shaped = driven * (gain[:, None] / np.fft.rfft(filters, n=size, axis=1))
    out = istft(shaped.astype(np.complex64), size, hop, sound.size)
    return out, f"order={order} hop={hop} buzz={buzz}"


def homomorphic(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """Cepstral envelopes as minimum-phase or zero-phase responses at pitch marks (Oppenheim 1969)."""
    hop = round(0.005 * rate)
    size = 2 ** round(np.log2(0.032 * rate))
    kept = round(rate / 1000 * float(rng.choice([1.5, 2.0, 3.0])))
    minimum = bool(rng.random() < 0.5)
    magnitude = np.maximum(np.abs(stft(sound, size, hop)), _FLOOR)
    cepstrum = np.fft.irfft(np.log(magnitude), axis=1)
    lifter = np.zeros(size)
    lifter[: kept + 1] = 1.0
    if minimum:
        lifter[1 : kept + 1] = 2.0
    else:
        lifter[-kept:] = 1.0
    response = np.exp(np.fft.rfft(cepstrum * lifter, axis=1))
    marks, voiced = pulses(pitch(sound, rate, hop), rate, hop, sound.size, rng)
    rows = np.minimum(np.round(marks / hop).astype(int), len(response) - 1)
    turned = np.where(voiced[:, None], 1.0, np.exp(2j * np.pi * rng.random((marks.size, size // 2 + 1))))
    grains = np.fft.irfft(response[rows] * turned, n=size, axis=1)
    lead = 0 if minimum else size // 2
    grains = np.roll(grains, lead, axis=1) * np.sqrt(np.gradient(marks.astype(float)))[:, None]
    out = np.zeros(sound.size + 2 * size)
    for mark, grain in zip(marks + size - lead, grains, strict=True):
        out[mark : mark + size] += grain
    return np.asarray(out[size : size + sound.size], dtype=np.float32), f"kept={kept} minimum={int(minimum)}"


def _smooth_noise(shape: tuple[int, int], rng: Rng, over_frames: int, over_bins: int) -> Magnitude:
    """Gaussian noise of unit variance, smoothed by repeated values in time and frequency."""
    frames, bins = shape
    coarse = rng.standard_normal((frames // over_frames + 2, bins // over_bins + 2)).astype(np.float32)
    fine = np.repeat(np.repeat(coarse, over_frames, axis=0), over_bins, axis=1)
    for axis, width in ((0, over_frames), (1, over_bins)):
        if width > 1:
            total = np.cumsum(fine, axis=axis)
            fine = (np.roll(total, -width, axis=axis) - total) / np.float32(width)
    found = fine[:frames, :bins]
    return np.asarray(found / max(float(found.std()), 1e-6), dtype=np.float32)


def phase_perturbed(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """True magnitude, true phase plus noise or rounded to a few values: phase prediction that is not exact.

    Cf. the perturbations of Ai & Ling 2023, "Neural speech phase prediction".
    """
    size, hop = _frame(rate, rng)
    spectrum = stft(sound, size, hop)
    if rng.random() < 0.3:
        levels = int(rng.choice([4, 6, 8, 12]))
        phase = np.round(np.angle(spectrum) / (2 * np.pi) * levels) * (2 * np.pi / levels)
        settings = f"levels={levels}"
        spectrum = (np.abs(spectrum) * np.exp(1j * phase)).astype(np.complex64)
    else:
        depth = float(rng.choice([0.3, 0.5, 0.8, 1.2]))
        frames, bins = int(rng.choice([1, 2, 4])), int(rng.choice([1, 4, 16]))
        noise = depth * _smooth_noise(spectrum.shape, rng, frames, bins)
        settings = f"depth={depth} frames={frames} bins={bins}"
        spectrum = (spectrum * np.exp(1j * noise)).astype(np.complex64)
    return istft(spectrum, size, hop, sound.size), f"n_fft={size} hop={hop} {settings}"


def mu_law(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """Companded rounding, with or without pre-emphasis: the noise floor of autoregressive vocoders.

    WaveNet (van den Oord et al. 2016) emits 8-bit mu-law; WaveRNN 9 to 10 bits; LPCNet (Valin & Skoglund 2019)
    8 bits after pre-emphasis. Sampling from the distribution instead of taking its mode adds noise.
    """
    bits = int(rng.choice([8, 8, 9, 10]))
    emphasis = float(rng.choice([0.0, 0.85, 0.97]))
    jitter = float(rng.choice([0.0, 0.5, 1.0]))
    shaped = sound.astype(np.float64).copy()
    shaped[1:] -= emphasis * sound[:-1]
    scale = max(float(np.abs(shaped).max()), 1e-6) * 1.02
    mu = 2.0**bits - 1
    companded = np.sign(shaped) * np.log1p(mu * np.abs(shaped / scale)) / np.log1p(mu)
    steps = np.round((companded + 1) * mu / 2 + jitter * rng.standard_normal(sound.size)).clip(0, mu)
    value = steps * 2 / mu - 1
    coded = np.sign(value) * np.expm1(np.abs(value) * np.log1p(mu)) / mu * scale
    out = _de_emphasise(coded, emphasis)
    return np.asarray(out, dtype=np.float32), f"bits={bits} emphasis={emphasis} jitter={jitter}"


def _de_emphasise(sound: NDArray[np.float64], emphasis: float) -> NDArray[np.float64]:
    """The recursion y[n] = x[n] + emphasis * y[n-1], by doubling: 2^11 samples back nothing is left of 0.97."""
    out, reach, weight = sound.copy(), 1, emphasis
    while weight > 1e-9 and reach < out.size:
        out[reach:] += weight * out[:-reach]
        reach, weight = reach * 2, weight**2
    return out


def mel_smoothed(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """Magnitude through mel bands, true phase: what a mel-conditioned network never knew of the magnitude."""
    size, hop = _frame(rate, rng)
    bands = int(rng.choice([64, 80, 100, 128]))
    spectrum = stft(sound, size, hop)
    magnitude = np.abs(spectrum)
    smoothed = mel_inverted(magnitude, rate, size, bands)
    out = istft(
        (spectrum * (smoothed / np.maximum(magnitude, _FLOOR))).astype(np.complex64), size, hop, sound.size
    )
    return out, f"n_fft={size} hop={hop} mel={bands}"


def istft_head(sound: Sound, rate: int, rng: Rng) -> tuple[Sound, str]:
    """Magnitude and phase as an ISTFT head predicts them: log-normal error, phase lost where a bin is weak.

    Imitates iSTFTNet (Kaneko et al. 2022) and Vocos (Siuzdak 2023) without training one.
    """
    size = 2 ** round(np.log2(rate * float(rng.choice([0.02, 0.045]))))
    hop = size // 4
    spectrum = stft(sound, size, hop)
    magnitude = np.maximum(np.abs(spectrum), _FLOOR)
    error_db = float(rng.choice([0.5, 1.0, 2.0]))
    magnitude = magnitude * 10 ** (error_db / 20 * _smooth_noise(magnitude.shape, rng, 1, 2))
    width = 9
    local = np.apply_along_axis(lambda row: np.convolve(row, np.ones(width) / width, "same"), 1, magnitude)
    doubt = float(rng.choice([0.4, 0.8, 1.2]))
    spread = doubt * np.clip(local / np.maximum(magnitude, _FLOOR), 0.1, 4.0)
    noise = spread * _smooth_noise(magnitude.shape, rng, int(rng.choice([1, 2])), 1)
    turned = magnitude * np.exp(1j * (np.angle(spectrum) + noise))
    out = istft(turned.astype(np.complex64), size, hop, sound.size)
    return out, f"n_fft={size} hop={hop} error_db={error_db} doubt={doubt}"


CLASSICAL: dict[str, Family] = {
    "griffin_lim": griffin_lim,
    "griffin_lim_mel": griffin_lim_mel,
    "phase_integrated": phase_integrated,
    "world": world,
    "lpc": lpc,
    "homomorphic": homomorphic,
    "phase_perturbed": phase_perturbed,
    "mu_law": mu_law,
    "mel_smoothed": mel_smoothed,
    "istft_noise": istft_head,
}
"""Families by name, none with a lattice."""

VOICE_ONLY = frozenset({"world", "lpc", "homomorphic"})
"""Families that need one pitch: on music of many voices they give nothing that a listener would take for music."""
