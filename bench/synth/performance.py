"""How it is played: instruments, timing, tuning and room turn a ``Score`` into sound.

``render`` is the reference performance; ``another_performance`` plays the same score with other people in
another room; ``stems`` gives the parts of the reference performance apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from bench.synth.composition import Note, Score, compose
from bench.synth.instruments import HOME, Drums, Gesture, Instrument, Voice, make
from bench.synth.signal import Rng, Signal, convolve, decibels, room

PEAK = decibels(-1.0)

_SINGERS = ("voice_high", "voice_low", "voice_husky")
# Who may play what, by style and track. A voice in the melody makes the stem "vocals".
_BANDS: dict[str, dict[str, tuple[str, ...]]] = {
    "gugak": {
        "melody": ("haegeum", "daegeum", "voice_husky", "voice_husky"),
        "counter": ("gayageum", "yanggeum", "haegeum", "daegeum"),
        "comp": ("gayageum", "gayageum", "yanggeum"),
        "bass": ("ajaeng", "geomungo"),
    },
    "pop": {
        "melody": _SINGERS,
        "counter": (*_SINGERS, "lead", "strings"),
        "comp": ("guitar", "electric_guitar", "epiano", "piano", "marimba"),
        "pad": ("pad", "organ", "strings"),
        "bass": ("bass_guitar", "synth_bass"),
    },
    "ballad": {
        "melody": _SINGERS,
        "counter": ("violin", "cello", "flute", "strings"),
        "comp": ("piano", "guitar", "epiano", "harp"),
        "pad": ("strings", "pad", "organ"),
        "bass": ("bass_guitar", "cello"),
    },
    "classical": {
        "melody": ("violin", "flute", "oboe", "clarinet", "piano"),
        "counter": ("oboe", "flute", "clarinet", "violin"),
        "comp": ("piano", "harp"),
        "pad": ("strings",),
        "bass": ("cello",),
    },
}
# Level in dB of a track against the melody, and what it sends to the room.
_LEVEL = {"melody": 0.0, "counter": -7.0, "comp": -5.0, "pad": -12.0, "bass": -4.0}
_SEND = {"melody": 0.8, "counter": 0.9, "comp": 0.7, "pad": 1.0, "bass": 0.15}
_STEM = {"counter": "harmony", "comp": "harmony", "pad": "harmony", "bass": "bass"}
# Drums on the stage: line, level in dB, pan.
_KIT = {"kick": ("low", 0.0), "gung": ("low", -0.25), "tom": ("low", 0.2), "buk": ("low", -0.3)}
_KIT |= {"snare": ("mid", 0.05), "clap": ("mid", -0.1), "deok": ("mid", 0.25), "roll": ("mid", 0.25)}
_KIT |= {"timpani": ("low", -0.2), "jing": ("high", -0.4)}
_DEFAULT_PLACE = ("high", 0.35)


@dataclass(frozen=True)
class Line:
    """One mono track of the mix.

    Attributes:
        stem: which stem it belongs to.
        sound: float32 ``[n]``, at its final level.
        pan: -1 left to 1 right.
        send: share that goes to the room.
    """

    stem: str
    sound: Signal
    pan: float
    send: float


@dataclass(frozen=True)
class Performance:
    """A performed piece before mixing; ``instruments`` by track."""

    score: Score
    bpm: float
    instruments: dict[str, str]
    lines: tuple[Line, ...]
    reverb: Signal


def _loudness(x: Signal, block: int) -> float:
    """Measure how loud a track is where it plays: 75th percentile of its block levels (RMS), 0 if nowhere."""
    rows = np.resize(x, (-(-len(x) // block), block))
    power = np.einsum("ij,ij->i", rows, rows) / block
    playing = power[power > 1e-3 * power.max()]
    return float(np.sqrt(np.percentile(playing, 75))) if len(playing) else 0.0


def _clock(beats: int, bpm: float, swing: float, rng: Rng) -> np.ndarray:
    """Seconds of each beat: the tempo wanders, slowly."""
    wander = np.convolve(rng.standard_normal(beats + 16), np.ones(16) / 4, "valid")[:beats]
    return np.concatenate(([0.0], np.cumsum(60 / bpm * (1 + swing * wander))))


class _Player:
    """Plays the notes of one track on one instrument."""

    def __init__(
        self, instrument: Instrument, clock: np.ndarray, sample_rate: int, n: int, tuning: float
    ) -> None:
        self._instrument = instrument
        self._clock = clock
        self._rate = sample_rate
        self._n = n
        self._tuning = tuning

    def _seconds(self, beat: float) -> float:
        return float(np.interp(beat, np.arange(len(self._clock)), self._clock))

    def play(
        self, notes: tuple[Note, ...], rng: Rng, *, looseness: float, ornaments: float, legato: bool
    ) -> Signal:
        out = np.zeros(self._n, dtype=np.float32)
        before: Note | None = None
        for i, note in enumerate(notes):
            start = max(0.0, self._seconds(note.beat) + looseness * rng.standard_normal())
            seconds = max(0.05, self._seconds(note.beat + note.beats) - self._seconds(note.beat))
            dice, choice, touch = rng.random(), rng.integers(3), 1 + 0.1 * rng.standard_normal()
            own = np.random.default_rng(rng.integers(1 << 62))
            at = int(start * self._rate)
            if at >= self._n:
                break
            joined = legato and before is not None and note.beat - before.beat - before.beats < 0.05
            gesture = Gesture(
                pitch=note.pitch + self._tuning,
                seconds=seconds,
                velocity=float(np.clip(note.velocity * touch, 0.05, 1.0)),
                came_from=before.pitch + self._tuning if joined and before is not None else None,
                ornament=("scoop", "break", "fall")[choice] if dice < ornaments and seconds > 0.25 else "",
                syllable=i,
            )
            sound = self._instrument.note(gesture, own)[: self._n - at]
            out[at : at + len(sound)] += sound
            before = note
        return out


def _play_drums(
    score: Score, clock: np.ndarray, sample_rate: int, n: int, rng: Rng, looseness: float
) -> list[Line]:
    kit = Drums(sample_rate, rng)
    kettle = make("timpani", sample_rate, rng)
    sums = {name: np.zeros(n, dtype=np.float32) for name in ("low", "mid", "high")}
    pans: dict[str, list[float]] = {name: [] for name in sums}
    for note in score.tracks["drums"]:
        dice = rng.standard_normal()
        take = int(rng.integers(3))
        start = float(np.interp(note.beat, np.arange(len(clock)), clock)) + looseness * dice
        at = max(0, int(start * sample_rate))
        if at >= n:
            continue
        if note.sound == "timpani":
            sound = kettle.note(Gesture(note.pitch, 1.0, note.velocity), rng)
        else:
            sound = kit.stroke(note.sound, note.velocity, take)
        place, pan = _KIT.get(note.sound, _DEFAULT_PLACE)
        sound = sound[: n - at]
        sums[place][at : at + len(sound)] += sound
        pans[place].append(pan)
    level = {"low": 0.0, "mid": -2.0, "high": -11.0}
    if score.style == "classical":
        level["low"] = -8.0
    return [
        Line("drums", sums[p] * np.float32(2.2 * decibels(level[p])), float(np.mean(pans[p])), 0.25)
        for p in sums
        if pans[p]
    ]


def band(seed: int, style: str, take: int = 0) -> dict[str, str]:
    """Which instrument plays which track of the piece ``seed``, drums aside; no instrument twice."""
    rng = np.random.default_rng([seed, 7, take])
    chosen: dict[str, str] = {}
    for track, choices in _BANDS[style].items():
        free = [c for c in choices if c not in chosen.values()]
        chosen[track] = free[int(rng.integers(len(free)))]
    return chosen


def _at_home(notes: tuple[Note, ...], instrument: str) -> tuple[Note, ...]:
    """Move the notes by octaves into the register of the instrument."""
    if instrument not in HOME or not notes:
        return notes
    mean = float(np.mean([note.pitch for note in notes[:64]]))
    shift = 12 * round((HOME[instrument] - mean) / 12)
    return tuple(replace(note, pitch=note.pitch + shift) for note in notes)


def perform(
    seed: int, duration_s: float, *, style: str | None = None, sample_rate: int = 44100, take: int = 0
) -> Performance:
    """Play the piece ``seed``; take 0 is the reference, any other take is another band on another day."""
    if duration_s <= 0:
        raise ValueError(f"duration {duration_s} s: must be positive")
    n = round(duration_s * sample_rate)
    rng = np.random.default_rng([seed, 3, take])
    # Another tempo may need more of the piece: the score is asked for with the largest factor in hand.
    score = compose(seed, 1.2 * duration_s + 4, style)
    bpm = score.bpm * (1.0 if take == 0 else float(rng.choice([-1, 1]) * rng.uniform(0.05, 0.14) + 1))
    tuning = float(rng.uniform(-0.25, 0.25)) + (0 if take == 0 else int(rng.integers(-2, 3)))
    strict = score.style == "pop"
    looseness = (0.004 if strict else 0.011) * rng.uniform(0.7, 1.4)
    hall = float(rng.uniform(0.7, 1.3))
    clock = _clock(
        int(score.sections[-1][0]) + 5 * score.bar + 2,
        bpm,
        0.004 if strict else 0.012,
        np.random.default_rng([seed, 6, take]),
    )
    lines: list[Line] = []
    instruments = band(seed, score.style, take)
    for t, (track, name) in enumerate(instruments.items()):
        own = np.random.default_rng([seed, 4, take, t])
        instrument = make(name, sample_rate, own)
        player = _Player(instrument, clock, sample_rate, n, tuning)
        ornaments = {"gugak": 0.45, "ballad": 0.2, "pop": 0.15}.get(score.style, 0.04)
        sound = player.play(
            _at_home(score.tracks[track], name),
            own,
            looseness=looseness,
            ornaments=ornaments if track in ("melody", "counter") else 0.0,
            legato=track in ("melody", "bass"),
        )
        loud = _loudness(sound, sample_rate // 10) or 1.0  # a track may not have begun yet
        level = decibels(_LEVEL[track] + own.uniform(-1.5, 1.5)) * 0.25 / loud
        stem = _STEM.get(track) or ("vocals" if isinstance(instrument, Voice) else "melody")
        pan = 0.0 if track in ("melody", "bass") else float(own.uniform(0.15, 0.6) * own.choice([-1, 1]))
        lines.append(Line(stem, sound * np.float32(level), pan, _SEND[track]))
    own = np.random.default_rng([seed, 5, take])
    lines += _play_drums(score, clock, sample_rate, n, own, looseness)
    wet = {"pop": 0.25, "ballad": 0.4, "gugak": 0.35, "classical": 0.5}[score.style]
    reverb = room(sample_rate, rng, t60=hall * (2.0 if score.style == "classical" else 1.2))
    return Performance(score, bpm, instruments, tuple(lines), reverb * np.float32(wet))


def _mix(lines: list[Line], reverb: Signal, sample_rate: int) -> Signal:
    """Pan (constant power), add the room, fade the last second; float32 ``[n, 2]``, not yet scaled."""
    n = len(lines[0].sound)
    out = np.zeros((n, 2), dtype=np.float32)
    send = np.zeros(n, dtype=np.float32)
    for line in lines:
        angle = (line.pan + 1) * np.pi / 4
        for ear, gain in enumerate((np.cos(angle), np.sin(angle))):
            out[:, ear] += np.float32(gain) * line.sound
        send += np.float32(line.send) * line.sound
    out += convolve(send, reverb)
    fade = min(n, round(min(1.0, 0.05 * n / sample_rate) * sample_rate))
    out[n - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return out


def _scale(mix: Signal) -> np.float32:
    peak = float(np.abs(mix).max())
    return np.float32(PEAK / peak if peak > 0 else 1.0)


def _whole(performance: Performance, sample_rate: int) -> Signal:
    mix = _mix(list(performance.lines), performance.reverb, sample_rate)
    return mix * _scale(mix)


def render(seed: int, duration_s: float, *, style: str | None = None, sample_rate: int = 44100) -> Signal:
    """Compose and play a piece.

    The same arguments give the same bytes on the same machine and numpy; another processor may round the last
    bit differently. Other seeds give other music: key, tempo, harmony, melody, instruments.

    Args:
        seed: which piece; 0 or more.
        duration_s: seconds.
        style: ``gugak``, ``pop``, ``ballad`` or ``classical``; None lets the seed choose.
        sample_rate: Hz.

    Returns:
        float32 ``[n, 2]``, peak -1 dBFS.

    Raises:
        ValueError: unknown style, negative seed or no duration.
    """
    return _whole(perform(seed, duration_s, style=style, sample_rate=sample_rate), sample_rate)


def another_performance(
    seed: int, take: int, duration_s: float = 60.0, *, style: str | None = None, sample_rate: int = 44100
) -> Signal:
    """Play the composition ``seed`` with other performers.

    The notes are the same; tempo (5 to 14 % off), timing, tuning, key (up to two semitones), instruments,
    ornaments and room are not. Take 0 is ``render`` itself.

    Returns:
        float32 ``[n, 2]``, peak -1 dBFS.

    Raises:
        ValueError: as ``render``; a negative take.
    """
    if take < 0:
        raise ValueError(f"take {take}: must be 0 or more")
    return _whole(perform(seed, duration_s, style=style, sample_rate=sample_rate, take=take), sample_rate)


def stems(
    seed: int, duration_s: float, *, style: str | None = None, sample_rate: int = 44100
) -> dict[str, Signal]:
    """Render the parts of a piece apart, each with its share of the room.

    Returns:
        Those that the piece has of ``vocals`` (sung melody), ``melody`` (played), ``harmony``, ``bass`` and
        ``drums``, each float32 ``[n, 2]``. Their sum is ``render`` of the same arguments up to rounding.
    """
    performance = perform(seed, duration_s, style=style, sample_rate=sample_rate)
    names = list(dict.fromkeys(line.stem for line in performance.lines))
    parts = {
        name: _mix([line for line in performance.lines if line.stem == name], performance.reverb, sample_rate)
        for name in names
    }
    gain = _scale(np.sum(list(parts.values()), axis=0))
    return {name: part * gain for name, part in parts.items()}
