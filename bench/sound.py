"""Sound in and out of files, and what can be done to it: FFmpeg through PyAV, the rest in numpy.

Mono is float32[n], stereo float32[n, 2]; everything is at ``RATE``. Nothing here draws its own random numbers.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
import av.filter
import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float32]

RATE = 44100
SUFFIXES = frozenset({".mp3", ".ogg", ".flac", ".opus", ".wav", ".m4a", ".aac", ".aif", ".aiff"})
_QUIET = 1e-12  # keeps the level of digital silence finite


# ---- files ----------------------------------------------------------------------------------------------
def files(folder: Path | None) -> list[Path]:
    """List the sound files below a folder, in order; none for no folder."""
    if folder is None or not folder.is_dir():
        return []
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)


def blocks(source: Path | io.BytesIO, *, channels: int = 1) -> Iterator[Sound]:
    """Yield the first audio stream of a file, float32[n, channels], as it is decoded.

    Args:
        source: of any kind FFmpeg reads.
        channels: 1 mixes down, 2 makes two of one.
    """
    with av.open(source if isinstance(source, io.BytesIO) else str(source)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono" if channels == 1 else "stereo", rate=RATE)
        for frame in container.decode(audio=0):
            for out in resampler.resample(frame):
                yield out.to_ndarray().reshape(-1, channels)
        for out in resampler.resample(None):
            yield out.to_ndarray().reshape(-1, channels)


def decode(source: Path | io.BytesIO, *, channels: int = 1, most_s: float | None = None) -> Sound:
    """Return the first audio stream of a file.

    Args:
        source: of any kind FFmpeg reads.
        channels: 1 mixes down, 2 makes two of one.
        most_s: stop after this many seconds.
    """
    pieces: list[Sound] = []
    samples = 0
    most = None if most_s is None else round(most_s * RATE)
    for piece in blocks(source, channels=channels):
        pieces.append(piece)
        samples += piece.shape[0]
        if most is not None and samples >= most:
            break
    x = np.concatenate(pieces)[:most] if pieces else np.zeros((0, channels), np.float32)
    return x[:, 0] if channels == 1 else x


def write_wav(path: Path, x: Sound) -> None:
    """Write 16-bit PCM; what is louder than full scale is turned down."""
    peak = float(np.abs(x).max(initial=0))
    scaled = x * (0.99 / peak) if peak > 0.99 else x
    with wave.open(str(path), "wb") as out:
        out.setnchannels(_channels(x))
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(np.rint(scaled * 32767).astype("<i2").tobytes())


def mono(x: Sound) -> Sound:
    """Mix down."""
    return x if x.ndim == 1 else x.mean(axis=1, dtype=np.float32)


def stereo(x: Sound) -> Sound:
    """Make two equal channels of one."""
    return x if x.ndim == 2 else np.stack((x, x), axis=1)


def _channels(x: Sound) -> int:
    return 1 if x.ndim == 1 else x.shape[1]


# ---- FFmpeg ---------------------------------------------------------------------------------------------
def _layout(x: Sound) -> str:
    return "mono" if _channels(x) == 1 else "stereo"


def _unpacked(frame: av.AudioFrame, like: Sound) -> Sound:
    """Return the samples of an interleaved frame in the shape of ``like``."""
    samples: Sound = frame.to_ndarray().reshape(-1, *like.shape[1:])
    return samples


def _frame(x: Sound, rate: int = RATE) -> av.AudioFrame:
    packed = np.ascontiguousarray(x, np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(packed, format="flt", layout=_layout(x))
    frame.sample_rate = rate
    return frame


def resampled(x: Sound, rate: int, *, called: int = RATE) -> Sound:
    """Return sound at another rate; ``called`` is the rate it is taken to have."""
    resampler = av.AudioResampler(format="flt", layout=_layout(x), rate=rate)
    parts = [_unpacked(out, x) for f in (_frame(x, called), None) for out in resampler.resample(f)]
    return np.concatenate(parts) if parts else x[:0]


def faster(x: Sound, ratio: float) -> Sound:
    """Play sound ``ratio`` times faster: pitch and tempo together."""
    return resampled(x, RATE, called=round(RATE * ratio))


def coded(x: Sound, codec: str, container: str, bit_rate: int, rate: int = RATE) -> Sound:
    """Return sound after a lossy codec and back."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.bit_rate = bit_rate
        stream.layout = _layout(x)
        resampler = av.AudioResampler(
            format=stream.format, layout=_layout(x), rate=rate, frame_size=stream.frame_size
        )
        for frame in (_frame(x), None):
            for part in resampler.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    file.seek(0)
    return decode(file, channels=_channels(x))


def filtered(x: Sound, *filters: str) -> Sound:
    """Return sound after FFmpeg filters, each ``name=arguments``."""
    graph = av.filter.Graph()
    last = source = graph.add_abuffer(sample_rate=RATE, format="flt", layout=_layout(x))
    for text in (*filters, f"aformat=sample_fmts=flt:channel_layouts={_layout(x)}:sample_rates={RATE}"):
        name, _, arguments = text.partition("=")
        node = graph.add(name, arguments)
        last.link_to(node)
        last = node
    sink = graph.add("abuffersink")
    last.link_to(sink)
    graph.configure()
    pieces: list[Sound] = []
    # In pieces: some filters take a frame as a whole and would be given ten seconds of look-ahead.
    for at in range(0, x.shape[0], 4096):
        frame = _frame(x[at : at + 4096])
        frame.pts = at
        source.push(frame)
    source.push(None)
    while True:
        try:
            pieces.append(_unpacked(sink.pull(), x))
        except (av.error.EOFError, av.error.BlockingIOError):
            return np.concatenate(pieces).astype(np.float32)


def stretcher() -> str:
    """Name what changes tempo and pitch apart from each other here."""
    return "rubberband" if shutil.which("rubberband") else "FFmpeg atempo"


def stretched(x: Sound, tempo: float = 1.0, semitones: float = 0.0) -> Sound:
    """Change tempo and pitch of sound, each without the other, by what ``stretcher`` names."""
    if stretcher() != "rubberband":
        k = 2 ** (semitones / 12)
        return filtered(faster(x, k) if semitones else x, f"atempo={tempo / k:.6f}")
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "in.wav", Path(folder) / "out.wav"
        write_wav(before, x)
        options = ["-T", f"{tempo:.5f}"] if tempo != 1.0 else []
        options += ["-p", f"{semitones:.3f}"] if semitones else []
        subprocess.run(
            ["rubberband", "-q", *options, str(before), str(after)], check=True, capture_output=True
        )
        return decode(after, channels=_channels(x))


# ---- levels and mixing ----------------------------------------------------------------------------------
def rms(x: Sound) -> float:
    """Return the root mean square, never 0."""
    return float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) + _QUIET if x.size else _QUIET


def levelled(x: Sound, level: float = 0.08) -> Sound:
    """Scale to a root mean square."""
    return np.asarray(x * np.float32(level / max(rms(x), 1e-4)), np.float32)


def mixed(x: Sound, other: Sound, snr_db: float) -> Sound:
    """Add ``other`` so that ``x`` is ``snr_db`` louder."""
    return np.asarray(x + other * np.float32(rms(x) / rms(other) * 10 ** (-snr_db / 20)), np.float32)


def fitted(x: Sound, n: int) -> Sound:
    """Cut or pad with silence to ``n`` samples."""
    return x[:n] if x.shape[0] >= n else np.pad(x, [(0, n - x.shape[0])] + [(0, 0)] * (x.ndim - 1))


# ---- in the spectrum ------------------------------------------------------------------------------------
def _fast_length(n: int) -> int:
    """Round up to 2^k, 3 · 2^k or 5 · 2^k, which numpy transforms fast."""
    base = 2 ** int(np.ceil(np.log2(max(n, 1))))
    return min(m for m in (base, base * 3 // 4, base * 5 // 8) if m >= n)


def convolved(x: Sound, response: Sound) -> Sound:
    """Return sound through an impulse response, as long as it was; channels of both are paired.

    Args:
        x: float32[n] or float32[n, channels].
        response: float32[taps], or as many channels as ``x``.
    """
    if x.ndim == 2:
        both = response if response.ndim == 2 else np.stack([response] * x.shape[1], axis=1)
        return np.stack([convolved(a, b) for a, b in zip(x.T, both.T, strict=True)], axis=1)
    n = _fast_length(x.size + response.size)
    y = np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(response, n), n)
    return np.asarray(y[: x.size], np.float32)


def band_passed(x: Sound, low: float, high: float, order: int = 6) -> Sound:
    """Return mono through a causal Butterworth band-pass, by its complex response (bilinear frequencies)."""
    n = _fast_length(x.size + RATE // 10)
    f = np.fft.rfftfreq(n, 1 / RATE)
    w, a, b = (np.tan(np.pi * np.minimum(v, 0.4999 * RATE) / RATE) for v in (f, low, high))
    s = 1j * np.maximum(w, 1e-9)
    prototype = (s * s + a * b) / ((b - a) * s)
    poles = np.exp(1j * np.pi * (2 * np.arange(order) + order + 1) / (2 * order))
    response = 1 / np.prod([prototype - p for p in poles], axis=0)
    return np.asarray(np.fft.irfft(np.fft.rfft(x, n) * response, n)[: x.size], np.float32)


def pink(n: int, rng: np.random.Generator) -> Sound:
    """Return noise with equal power an octave."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    return np.asarray(
        np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(spectrum.size), 1)), n), np.float32
    )


_WINDOW, _HOP = 2048, 512


def _stft(x: Sound) -> NDArray[np.complex64]:
    padded = np.pad(x, (_WINDOW, _WINDOW + (-x.size) % _HOP))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    return np.asarray(np.fft.rfft(frames * np.hanning(_WINDOW).astype(np.float32), axis=1), np.complex64)


def _istft(z: NDArray[np.complex64], n: int) -> Sound:
    window = np.hanning(_WINDOW).astype(np.float32)
    frames = np.fft.irfft(z, _WINDOW, axis=1).astype(np.float32) * window
    out = np.zeros((z.shape[0] - 1) * _HOP + _WINDOW, np.float32)
    norm = np.zeros_like(out)
    for i, frame in enumerate(frames):
        out[i * _HOP : i * _HOP + _WINDOW] += frame
        norm[i * _HOP : i * _HOP + _WINDOW] += window * window
    return np.asarray((out / np.maximum(norm, 1e-3))[_WINDOW : _WINDOW + n], np.float32)


def _median(values: NDArray[np.float32], width: int, axis: int) -> NDArray[np.float32]:
    edge = [(0, 0), (0, 0)]
    edge[axis] = (width // 2, width // 2)
    view = np.lib.stride_tricks.sliding_window_view(np.pad(values, edge, mode="edge"), width, axis=axis)
    return np.asarray(np.median(view, axis=-1), np.float32)


def stem(x: Sound, part: str) -> Sound:
    """Return the ``harmonic`` or the ``percussive`` part of mono: no separator, but a stem alone in kind.

    Median filters over 17 frames (0.2 s) and 17 bins (370 Hz) and soft masks: D. Fitzgerald, Harmonic/percussive
    separation using median filtering, DAFx 2010.
    """
    z = _stft(x)
    size = np.abs(z).astype(np.float32)
    along, across = _median(size, 17, 0) ** 2, _median(size, 17, 1) ** 2
    wanted = along if part == "harmonic" else across
    return _istft(z * (wanted / (along + across + 1e-12)), x.size)


def without_centre(x: Sound) -> Sound:
    """Return stereo with what sounds equal in both channels taken out above 120 Hz, mixed down: karaoke.

    The mask of a bin is how little its two channels agree (1 - 2 |L R*| / (|L|² + |R|²), phase counted); below 120 Hz
    bass and bass drum stay, as in karaoke machines.
    """
    left, right = _stft(x[:, 0]), _stft(x[:, 1])
    energy = np.abs(left) ** 2 + np.abs(right) ** 2 + 1e-12
    alike = np.clip(2 * (left * right.conj()).real / energy, 0, 1)
    mask = np.sqrt(1 - alike)
    mask[:, : round(120 * _WINDOW / RATE)] = 1
    # The channels are mixed down by their difference: their sum would bring the centre's remains back.
    low = np.zeros_like(mask)
    low[:, : round(120 * _WINDOW / RATE)] = 1
    return _istft(((left - right) * (1 - low) + (left + right) * low) * mask / 2, x.shape[0])


# ---- rooms, telephones, loudspeakers ----------------------------------------------------------------------
def small_room(rng: np.random.Generator, rt60: float, direct_db: float = 0.0) -> Sound:
    """Return the impulse response of a small room.

    Direct sound, six early reflections within 30 ms, a tail of noise that decays by 60 dB in ``rt60`` s and carries
    as much energy as the direct sound, less ``direct_db``.
    """
    n = round(1.2 * rt60 * RATE)
    decay = 10 ** (-3 * np.arange(n) / RATE / rt60)
    tail = rng.standard_normal(n) * decay
    tail[: round(0.004 * RATE)] = 0
    for at in rng.uniform(0.004, 0.03, 6):
        tail[round(at * RATE)] += rng.choice([-1.0, 1.0]) * 8 * 10 ** (-3 * at / rt60)
    tail *= 10 ** (-direct_db / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return np.asarray(tail, np.float32)


def mu_law(x: Sound) -> Sound:
    """Return mono through eight-bit mu-law steps."""
    peak = float(np.abs(x).max(initial=0)) + 1e-9
    code = np.sign(x) * np.log1p(255 * np.abs(x / peak)) / np.log(256)
    code = np.round(code * 127) / 127
    return np.asarray(np.sign(code) * (256 ** np.abs(code) - 1) / 255 * peak, np.float32)


def telephone(x: Sound) -> Sound:
    """Return mono through a telephone: 300 to 3,400 Hz, 8 kHz, mu-law."""
    narrow = resampled(band_passed(x, 300, 3400), 8000)
    return resampled(mu_law(narrow), RATE, called=8000)
