"""The instruments: each turns a ``Gesture`` (pitch, length, loudness, ornament) into a mono signal.

Four ways of making sound cover them: plucked strings (Karplus-Strong), struck bodies (decaying modes),
bowed and blown tones (harmonics under a body resonance, with breath) and a voice (a glottal source under
moving formants). Strings and struck bodies keep what they rendered per pitch, as a sampler would; timing,
loudness and bends differ note by note. Parameters are drawn from the generator given, so that no two pieces
have the same guitar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from bench.synth.signal import (
    HOP,
    Control,
    Rng,
    Signal,
    band,
    decay,
    hertz,
    oscillate,
    peak_one,
    pluck,
    points,
    ring,
    shaped_noise,
    spread,
    warp,
    wavetable,
)
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Gesture:
    """How one note is played.

    Attributes:
        pitch: MIDI note number, fractional.
        seconds: length until the release.
        velocity: loudness, 0 to 1.
        came_from: pitch of the note before when the two are joined, else None.
        ornament: ``scoop`` (from below), ``break`` (꺾는 음, from above), ``fall`` (퇴성) or empty.
        syllable: running number of the syllable, chooses consonant and vowel; instruments ignore it.
    """

    pitch: float
    seconds: float
    velocity: float
    came_from: float | None = None
    ornament: str = ""
    syllable: int = 0


class Instrument(Protocol):
    """Anything that plays a pitched note."""

    def note(self, gesture: Gesture, rng: Rng) -> Signal:
        """Render one note, release included; roughly peak ``velocity``."""
        ...


def _envelope(n: int, sample_rate: int, seconds: float, attack: float, release: float) -> Control:
    """Draw a control curve that rises in ``attack`` s, holds until ``seconds`` and falls in ``release`` s."""
    t = np.arange(points(n)) * (HOP / sample_rate)
    rise = np.minimum(t / attack, 1.0)
    fall = np.clip(1.0 - (t - seconds) / release, 0.0, 1.0)
    return np.asarray(np.sin(0.5 * np.pi * rise) * fall**1.5)


def _bend(gesture: Gesture, n: int, sample_rate: int) -> Control:
    """Draw the ornament as a control curve in semitones; glides from the note before take 50 ms."""
    t = np.arange(points(n)) * (HOP / sample_rate)
    cents = np.zeros(len(t))
    if gesture.came_from is not None:
        step = np.clip(gesture.came_from - gesture.pitch, -7, 7)
        cents += step * np.exp(-t / 0.025)
    if gesture.ornament == "scoop":
        cents -= 1.6 * np.exp(-t / 0.07)
    elif gesture.ornament == "break":
        hold = 0.3 * gesture.seconds
        cents += 1.2 / (1.0 + np.exp((t - hold) / 0.015))
    elif gesture.ornament == "fall":
        cents -= 2.0 * np.clip((t - 0.6 * gesture.seconds) / (0.4 * gesture.seconds), 0, 1) ** 2
    return cents


def _wander(t: Control, every: float, depth: float, rng: Rng) -> Control:
    """Draw a slow random curve over the times ``t``: a new value of deviation ``depth`` ``every`` s."""
    knots = np.arange(0, t[-1] + 2 * every, every)
    return np.interp(t, knots, depth * rng.standard_normal(len(knots)))


class PluckedString:
    """Guitar, gayageum, geomungo, harp, bass guitar: a Karplus-Strong string per pitch, bent as it sounds."""

    def __init__(
        self,
        sample_rate: int,
        rng: Rng,
        *,
        t60: float,
        damping: float,
        dark: float,
        release: float = 0.09,
        vibrato_cents: float = 0.0,
        drive: float = 0.0,
    ) -> None:
        self._rate = sample_rate
        self._t60 = t60 * rng.uniform(0.8, 1.25)
        self._damping = damping * rng.uniform(0.8, 1.2)
        self._dark = min(0.9, dark * rng.uniform(0.8, 1.2))
        self._position = rng.uniform(0.09, 0.22)
        self._release = release
        self._vibrato = (rng.uniform(4.2, 5.8), vibrato_cents / 100)
        self._drive = drive
        self._strings: dict[tuple[int, int], Signal] = {}

    def _string(self, period: int, variant: int, rng: Rng) -> Signal:
        if (period, variant) not in self._strings:
            pitch = self._rate / (period + self._damping)
            # High strings are short-lived: without the exponent the top octave would ring like a bell.
            t60 = self._t60 * (220 / pitch) ** 0.45
            n = int(min(t60 * 0.75, 3.5) * self._rate)
            string = pluck(
                period,
                n,
                rng,
                loss=10 ** (-3 / (pitch * t60)),
                damping=self._damping,
                position=self._position,
                dark=self._dark,
            )
            if self._drive:
                string = np.tanh(self._drive * string * (1 + 2 * spread(np.linspace(0, 1, points(n)), n)))
            self._strings[period, variant] = peak_one(string)
        return self._strings[period, variant]

    def note(self, gesture: Gesture, rng: Rng) -> Signal:
        """One plucked note; a low string stays open longer than its written length."""
        wanted = hertz(gesture.pitch)
        period = max(8, round(self._rate / wanted - self._damping))
        string = self._string(period, int(rng.integers(2)), rng)
        n = min(len(string), int((gesture.seconds + self._release) * self._rate))
        bend = _bend(gesture, n, self._rate)
        if self._vibrato[1] and gesture.seconds > 0.35:
            t = np.arange(points(n)) * (HOP / self._rate)
            swell = np.clip((t - 0.12) / 0.25, 0, 1)
            bend = bend + self._vibrato[1] * swell * np.sin(
                2 * np.pi * self._vibrato[0] * t + rng.uniform(0, 6)
            )
        ratio = wanted * (period + self._damping) / self._rate * 2 ** (bend / 12)
        envelope = _envelope(n, self._rate, gesture.seconds, 0.002, self._release) * gesture.velocity
        return warp(string, ratio, n) * spread(envelope, n)


class Struck:
    """Piano, electric piano, yanggeum, marimba or timpani: decaying modes, kept per pitch.

    The partials follow f_k = k f0 sqrt(1 + B k^2) (Fletcher, stiff string) unless ``ratios`` are given. With
    ``choir`` each is doubled slightly out of tune with a longer decay, which gives the piano its two slopes.
    """

    def __init__(
        self,
        sample_rate: int,
        rng: Rng,
        *,
        t60: float,
        slope: float,
        stiffness: float = 0.0,
        ratios: tuple[float, ...] = (),
        choir: bool = False,
        release: float = 0.15,
        knock: float = 0.1,
    ) -> None:
        self._rate = sample_rate
        self._t60 = t60 * rng.uniform(0.8, 1.25)
        self._slope = slope * rng.uniform(0.85, 1.15)
        self._stiffness = stiffness * rng.uniform(0.6, 1.6)
        self._ratios = np.array(ratios) * (1 + 0.01 * rng.standard_normal(len(ratios)))
        self._choir = choir
        self._release = release
        self._knock = knock
        self._strike = rng.uniform(0.1, 0.14)
        self._thump = shaped_noise(
            int(0.06 * sample_rate), sample_rate, rng, band(120, rng.uniform(1200, 3000))
        )
        self._notes: dict[float, Signal] = {}

    def _body(self, pitch: float, rng: Rng) -> Signal:
        f0 = hertz(pitch)
        if len(self._ratios):
            frequencies = f0 * self._ratios
            amplitudes = np.arange(1, len(frequencies) + 1.0) ** -self._slope
        else:
            k = np.arange(1, 41)
            frequencies = f0 * k * np.sqrt(1 + self._stiffness * k**2)
            amplitudes = k**-self._slope * np.abs(np.sin(np.pi * k * self._strike))
        keep = frequencies < min(0.45 * self._rate, 9000)
        frequencies, amplitudes = frequencies[keep], amplitudes[keep]
        amplitudes = amplitudes * rng.uniform(0.6, 1.4, len(amplitudes))
        t60 = self._t60 * (220 / f0) ** 0.4 / (1 + (frequencies / 1800) ** 0.9)
        if self._choir:
            frequencies = np.concatenate((frequencies, frequencies * (1 + rng.uniform(0.0002, 0.0009))))
            amplitudes = np.concatenate((amplitudes, 0.35 * amplitudes))
            t60 = np.concatenate((0.45 * t60, 1.6 * t60))
        n = int(min(4.0, 0.8 * float(t60.max())) * self._rate)
        phases = rng.uniform(0, 2 * np.pi, len(frequencies))
        body = peak_one(ring(frequencies, amplitudes, t60, n, self._rate, phases))
        m = min(n, len(self._thump))
        body[:m] += self._knock * self._thump[:m] * decay(m, self._rate, 0.05)
        return body

    def note(self, gesture: Gesture, rng: Rng) -> Signal:
        """One struck note, damped at its end."""
        key = round(gesture.pitch, 2)
        if key not in self._notes:
            self._notes[key] = self._body(key, rng)
        body = self._notes[key]
        n = min(len(body), int((gesture.seconds + self._release) * self._rate))
        attack = 0.002 + 0.004 * (1 - gesture.velocity)  # a soft touch lacks the knock of the hammer
        envelope = _envelope(n, self._rate, gesture.seconds, attack, self._release) * gesture.velocity
        return body[:n] * spread(envelope, n)


@dataclass(frozen=True, slots=True)
class Tone:
    """The sound of a bowed or blown instrument or a synthesiser.

    Attributes:
        slope: harmonic k has amplitude ``k ** -slope`` before the body.
        even: gain of the even harmonics (a clarinet or stopped flute has few).
        body: resonances as (Hz, bandwidth Hz, gain).
        breath: level and band (Hz) of bow or breath noise.
        vibrato: rate in Hz and depth in cents.
        attack: seconds.
        release: seconds.
        ensemble: players in unison, slightly out of tune.
        swell: how much a long note grows and falls, 0 to 1.
    """

    slope: float
    even: float = 1.0
    body: tuple[tuple[float, float, float], ...] = ()
    breath: tuple[float, float, float] = (0.0, 500.0, 4000.0)
    vibrato: tuple[float, float] = (5.2, 0.0)
    attack: float = 0.05
    release: float = 0.1
    ensemble: int = 1
    swell: float = 0.3


class Sustained:
    """A bowed, blown or synthesised tone: harmonics under a fixed body resonance, bright when loud."""

    def __init__(self, sample_rate: int, rng: Rng, tone: Tone) -> None:
        self._rate = sample_rate
        self._tone = tone
        self._slope = tone.slope * rng.uniform(0.88, 1.12)
        self._body = [(f * rng.uniform(0.88, 1.14), b, g * rng.uniform(0.7, 1.3)) for f, b, g in tone.body]
        self._phases = rng.uniform(0, 2 * np.pi, 200)
        self._colour = rng.uniform(0.6, 1.4, 200)
        self._vibrato = (tone.vibrato[0] * rng.uniform(0.88, 1.12), tone.vibrato[1] * rng.uniform(0.75, 1.25))
        level, low, high = tone.breath
        self._breath_level = level * rng.uniform(0.7, 1.3)
        self._breath = shaped_noise(sample_rate, sample_rate, rng, band(low, high)) if level else None
        self._tables: dict[int, tuple[Signal, Signal]] = {}

    def _table(self, pitch: float) -> tuple[Signal, Signal]:
        key = round(pitch)
        if key not in self._tables:
            f0 = hertz(key)
            k = np.arange(1, int(min(190, max(1, 0.44 * self._rate / f0))) + 1)
            amplitudes = k**-self._slope * self._colour[: len(k)]
            amplitudes[1::2] *= self._tone.even
            f = f0 * k
            amplitudes = amplitudes * (
                0.3 + sum(g / (1 + ((f - c) / (b / 2)) ** 2) for c, b, g in self._body)
            )
            soft = wavetable(amplitudes * k**-0.9, self._phases[: len(k)])
            self._tables[key] = soft, wavetable(amplitudes, self._phases[: len(k)])
        return self._tables[key]

    def note(self, gesture: Gesture, rng: Rng) -> Signal:
        """One held note with late vibrato and a slow unsteadiness of pitch and loudness."""
        tone = self._tone
        seconds = max(gesture.seconds, 0.06)
        n = int((seconds + tone.release) * self._rate)
        t = np.arange(points(n)) * (HOP / self._rate)
        envelope = _envelope(n, self._rate, seconds, min(tone.attack, 0.5 * seconds), tone.release)
        envelope = envelope * (1 + tone.swell * np.sin(np.pi * np.clip(t / seconds, 0, 1)) - 0.5 * tone.swell)
        soft, bright = self._table(gesture.pitch)
        bend = _bend(gesture, n, self._rate)
        out = np.zeros(n, dtype=np.float32)
        for _ in range(tone.ensemble):
            depth = self._vibrato[1] / 100 * np.clip((t - 0.15) / 0.35, 0, 1) * rng.uniform(0.8, 1.2)
            rate = self._vibrato[0] * rng.uniform(0.94, 1.06)
            wave = np.sin(2 * np.pi * rate * t + rng.uniform(0, 2 * np.pi))
            drift = _wander(t, 0.1, 0.06, rng)
            detune = 0.09 * rng.standard_normal() if tone.ensemble > 1 else 0.0
            frequency = hertz(gesture.pitch) * 2 ** ((bend + depth * wave + drift + detune) / 12)
            # Bow pressure follows the vibrato a little; loud notes are brighter than soft ones.
            morph = np.clip(gesture.velocity * (0.4 + 0.6 * envelope) + 0.12 * wave * (depth > 0), 0, 1)
            out += oscillate(frequency, n, self._rate, soft, bright, morph, float(rng.random()))
        out *= np.float32(tone.ensemble**-0.5)
        if self._breath is not None:
            at = int(rng.integers(self._rate // 2))
            out += np.float32(0.3 * self._breath_level) * np.resize(self._breath[at:], n)
        return out * spread(envelope * gesture.velocity, n)


# Formants in Hz of Korean monophthongs of an adult man (rounded textbook values), F1 to F3.
VOWELS: dict[str, tuple[float, float, float]] = {
    "ㅏ": (750, 1250, 2600),
    "ㅓ": (600, 950, 2600),
    "ㅗ": (400, 760, 2550),
    "ㅜ": (330, 780, 2400),
    "ㅡ": (380, 1350, 2400),
    "ㅣ": (290, 2200, 2950),
    "ㅐ": (550, 1850, 2550),
}
_NASAL = (260.0, 1100.0, 2300.0)
# Consonants as (noise band low Hz, high Hz, seconds, level); a level of 0 is a nasal or liquid.
CONSONANTS: dict[str, tuple[float, float, float, float]] = {
    "": (0, 0, 0.0, 0.0),
    "ㅅ": (5000, 9000, 0.085, 0.35),
    "ㅈ": (3500, 7000, 0.050, 0.45),
    "ㄷ": (2500, 5000, 0.020, 0.50),
    "ㄱ": (1500, 3000, 0.025, 0.50),
    "ㅂ": (300, 1500, 0.015, 0.50),
    "ㅎ": (700, 3500, 0.060, 0.25),
    "ㄴ": (0, 0, 0.055, 0.0),
    "ㄹ": (0, 0, 0.030, 0.0),
}


class Voice:
    """A singing or speaking voice: glottal pulses under five formants, consonants, breath.

    The harmonics of a note get the response of the cascaded formant resonators at their frequencies (Klatt,
    JASA 67, 1980); the wavetables of a consonant's opening and of the vowel are cross-faded.
    """

    def __init__(
        self, sample_rate: int, rng: Rng, *, tract: float, husky: float = 0.15, spoken: bool = False
    ) -> None:
        self._rate = sample_rate
        self._tract = tract * rng.uniform(0.96, 1.05)  # formants scale with the inverse length of the tract
        self._husky = husky
        self._spoken = spoken
        self._tilt = rng.uniform(0.45, 0.85)
        self._ring = rng.uniform(0.3, 1.0)  # strength of the singer's formant
        self._vibrato = (rng.uniform(4.8, 6.4), rng.uniform(0.25, 0.65))
        self._onset = rng.uniform(0.15, 0.35)
        self._vowels = list(VOWELS)
        self._salt = int(rng.integers(1 << 30))
        second = sample_rate
        self._noise = {
            c: shaped_noise(second, second, rng, band(low, min(high, 0.45 * sample_rate)))
            for c, (low, high, _, level) in CONSONANTS.items()
            if level
        }
        self._breath = shaped_noise(second, second, rng, band(1200, min(6000, 0.45 * sample_rate), 1))
        self._tables: dict[tuple[int, str], Signal] = {}

    def _table(self, pitch: float, vowel: str) -> Signal:
        key = round(pitch), vowel
        if key not in self._tables:
            f0 = hertz(key[0])
            k = np.arange(1, int(min(190, max(1, 0.44 * self._rate / f0))) + 1)
            f = f0 * k
            f1, f2, f3 = _NASAL if vowel == "n" else VOWELS[vowel]
            # A singer opens the mouth when the pitch passes F1.
            centres = [max(f1 * self._tract, 1.02 * f0), f2 * self._tract, f3 * self._tract]
            centres += [3400 * self._tract, 4400 * self._tract]
            bandwidths = (80, 95, 130, 180, 260)
            response = np.ones(len(k), dtype=np.complex128)
            for c, b in zip(centres, bandwidths, strict=True):
                response *= c**2 / (c**2 - f**2 + 1j * b * f)
            response *= 1 + self._ring * 2.5 / (1 + ((f - 2900 * self._tract) / 350) ** 2)
            # -12 dB per octave of the glottis, +6 of the lips; the cascade above F5 falls on its own.
            source = k**-self._tilt
            table = wavetable(np.abs(response) * source, np.angle(response))
            self._tables[key] = table * np.float32(0.25 / max(float(np.sqrt(np.mean(table**2))), 1e-6))
        return self._tables[key]

    def _text(self, syllable: int) -> tuple[str, str]:
        choice = np.random.default_rng([self._salt, syllable])
        consonant = list(CONSONANTS)[int(choice.integers(len(CONSONANTS)))]
        return consonant, self._vowels[int(choice.integers(len(self._vowels)))]

    def note(self, gesture: Gesture, rng: Rng) -> Signal:
        """One syllable: consonant, then the vowel on the pitch."""
        consonant, vowel = self._text(gesture.syllable)
        _, _, closure, level = CONSONANTS[consonant]
        release = 0.04 if self._spoken else 0.09
        seconds = max(gesture.seconds, closure + 0.06)
        n = int((seconds + release) * self._rate)
        t = np.arange(points(n)) * (HOP / self._rate)
        depth = 0.0 if self._spoken else self._vibrato[1]
        swing = depth * np.clip((t - self._onset) / 0.3, 0, 1)
        swing = swing * np.sin(2 * np.pi * self._vibrato[0] * t + rng.uniform(0, 6))
        wobble = _wander(t, 0.08, 0.35 if self._spoken else 0.1, rng)
        frequency = hertz(gesture.pitch) * 2 ** ((_bend(gesture, n, self._rate) + swing + wobble) / 12)
        onset = self._table(gesture.pitch, "n" if consonant and not level else "ㅡ")
        morph = 1 / (1 + np.exp(-(t - closure - 0.01) / 0.012))
        voiced = oscillate(frequency, n, self._rate, onset, self._table(gesture.pitch, vowel), morph, 0.0)
        delay = closure if level else 0.0
        envelope = _envelope(n, self._rate, seconds, 0.03, release)
        shift = int(delay * self._rate / HOP)
        envelope = np.concatenate((np.zeros(shift), envelope))[: len(envelope)]
        envelope = envelope * np.clip((seconds + release - t) / release, 0, 1)
        envelope = envelope * (0.8 + 0.2 * np.sin(np.pi * np.clip(t / seconds, 0, 1)))
        at = int(rng.integers(self._rate // 2))
        out = voiced + np.float32(0.05 * self._husky) * np.resize(self._breath[at:], n)
        out *= spread(envelope * gesture.velocity, n)
        if level:
            m = min(n, int((closure + 0.02) * self._rate))
            burst = self._noise[consonant][at : at + m]
            out[:m] += np.float32(0.18 * level * gesture.velocity) * burst * np.hanning(m).astype(np.float32)
        return out


class Drums:
    """A kit and Korean percussion; every stroke has three takes, so that hits in a row differ."""

    def __init__(self, sample_rate: int, rng: Rng) -> None:
        self._rate = sample_rate
        self._seed = int(rng.integers(1 << 30))
        self._takes: dict[tuple[str, int], Signal] = {}

    def stroke(self, sound: str, velocity: float, take: int) -> Signal:
        """Give one stroke, peak ``velocity``.

        Args:
            sound: kick, snare, clap, hat, open, ride, shaker, tom, gung, deok, roll, jing or buk.
            velocity: 0 to 1.
            take: any integer; chooses among three renderings.
        """
        key = sound, take % 3
        if key not in self._takes:
            # The drum itself is the same in its three takes; where it is hit differs.
            drum = np.random.default_rng([self._seed, *sound.encode()])
            hit = np.random.default_rng([self._seed, key[1], *sound.encode()])
            self._takes[key] = peak_one(getattr(self, f"_{sound}")(drum, hit))
        return self._takes[key] * np.float32(velocity)

    def _time(self, seconds: float) -> tuple[int, NDArray[np.float64]]:
        n = int(seconds * self._rate)
        return n, np.arange(n) / self._rate

    def _noise(self, n: int, hit: Rng, low: float, high: float) -> Signal:
        return shaped_noise(n, self._rate, hit, band(low, min(high, 0.47 * self._rate)))

    def _sweep(self, seconds: float, low: float, high: float, fall: float, t60: float) -> Signal:
        n, t = self._time(seconds)
        phase = 2 * np.pi * (low * t + (high - low) * fall * (1 - np.exp(-t / fall)))
        return np.sin(phase).astype(np.float32) * decay(n, self._rate, t60)

    def _membrane(self, hit: Rng, seconds: float, f0: float, t60: float) -> Signal:
        """Ring the first modes of an ideal drum head (zeros of the Bessel functions), hit anywhere."""
        ratios = np.array([1, 1.593, 2.136, 2.296, 2.653, 2.917, 3.156, 3.501, 3.6, 4.06])
        amplitudes = hit.uniform(0.2, 1.0, 10) / np.arange(1, 11) ** 0.6
        n = int(seconds * self._rate)
        return ring(f0 * ratios, amplitudes, t60 / ratios**0.7, n, self._rate, hit.uniform(0, 6, 10))

    def _kick(self, drum: Rng, hit: Rng) -> Signal:
        low, high = drum.uniform(42, 62), drum.uniform(110, 220)
        out = self._sweep(
            0.4, low, high * hit.uniform(0.95, 1.05), drum.uniform(0.02, 0.05), drum.uniform(0.3, 0.6)
        )
        n = int(0.02 * self._rate)
        out[:n] += drum.uniform(0.15, 0.4) * self._noise(n, hit, 800, 5000) * decay(n, self._rate, 0.015)
        return np.asarray(np.tanh(1.5 * out))

    def _snare(self, drum: Rng, hit: Rng) -> Signal:
        f0, t60 = drum.uniform(165, 240), drum.uniform(0.18, 0.38)
        out = 0.7 * peak_one(self._membrane(hit, 0.35, f0, 0.2))
        wires = self._noise(len(out), hit, drum.uniform(900, 1800), drum.uniform(7000, 11000))
        return np.asarray(np.tanh(out + 0.45 * wires * decay(len(out), self._rate, t60)))

    def _clap(self, drum: Rng, hit: Rng) -> Signal:
        n, t = self._time(0.3)
        noise = self._noise(n, hit, drum.uniform(700, 1100), drum.uniform(2500, 6000))
        offsets = np.array([0, 0.011, 0.021, 0.03]) + 0.002 * hit.standard_normal(4)
        bursts = sum(np.exp(-np.maximum(t - o, 0) / 0.006) * (t >= o) for o in offsets)
        bursts = bursts + 0.5 * np.exp(-t / 0.06) * (t > 0.03)
        return np.asarray(noise * bursts, dtype=np.float32)

    def _cymbal(self, drum: Rng, hit: Rng, seconds: float, t60: float, low: float) -> Signal:
        n = int(seconds * self._rate)
        metal = drum.uniform(min(low, 0.3 * self._rate), 0.42 * self._rate, 24)
        out = ring(metal, hit.uniform(0.3, 1, 24), np.full(24, t60), n, self._rate, hit.uniform(0, 6, 24))
        return 0.15 * out + 0.6 * self._noise(n, hit, low, 14000) * decay(n, self._rate, t60)

    def _hat(self, drum: Rng, hit: Rng) -> Signal:
        return self._cymbal(drum, hit, 0.12, drum.uniform(0.06, 0.12), drum.uniform(5000, 7000))

    def _open(self, drum: Rng, hit: Rng) -> Signal:
        return self._cymbal(drum, hit, 0.5, drum.uniform(0.45, 0.8), drum.uniform(4500, 6500))

    def _ride(self, drum: Rng, hit: Rng) -> Signal:
        return self._cymbal(drum, hit, 0.9, drum.uniform(1.2, 2.0), drum.uniform(3000, 4500))

    def _shaker(self, drum: Rng, hit: Rng) -> Signal:
        n, _ = self._time(0.11)
        return self._noise(n, hit, drum.uniform(4000, 6000), 12000) * np.hanning(n).astype(np.float32)

    def _tom(self, drum: Rng, hit: Rng) -> Signal:
        f0 = drum.uniform(85, 130)
        return self._sweep(0.6, f0, 1.5 * f0, 0.05, 0.6) + 0.4 * peak_one(self._membrane(hit, 0.6, f0, 0.4))

    def _gung(self, drum: Rng, hit: Rng) -> Signal:
        """궁편: the large, low head of the janggu, struck with the ball-headed stick."""
        f0 = drum.uniform(82, 118)
        out = peak_one(self._membrane(hit, 0.7, f0, drum.uniform(0.5, 0.8)))
        out += 0.6 * self._sweep(0.7, f0, 1.25 * f0, 0.04, 0.6)
        n = int(0.03 * self._rate)
        out[:n] += 0.3 * self._noise(n, hit, 300, 1800) * decay(n, self._rate, 0.03)
        return out

    def _deok(self, drum: Rng, hit: Rng) -> Signal:
        """채편: the thin, tight head, struck with a bamboo strip."""
        out = 0.6 * peak_one(self._membrane(hit, 0.25, drum.uniform(330, 460), 0.15))
        slap = self._noise(len(out), hit, drum.uniform(1200, 1900), drum.uniform(5000, 8000))
        return out + 0.4 * slap * decay(len(out), self._rate, 0.07)

    def _roll(self, drum: Rng, hit: Rng) -> Signal:
        """더러러러: the strip bounces, faster and softer."""
        single = self._deok(np.random.default_rng([self._seed, *b"deok"]), hit)
        out = np.zeros(int(0.75 * self._rate), dtype=np.float32)
        at, gap, gain = 0.0, drum.uniform(0.09, 0.12), 1.0
        for _ in range(5):
            start = int(at * self._rate)
            m = min(len(single), len(out) - start)
            out[start : start + m] += np.float32(gain) * single[:m]
            at, gap, gain = at + gap, 0.84 * gap, 0.8 * gain
        return out

    def _jing(self, drum: Rng, hit: Rng) -> Signal:
        """징: the large gong, with beating partials that bloom late."""
        f0 = drum.uniform(130, 190)
        ratios = np.concatenate(([1, 1.005, 2.01, 2.78, 3.02, 4.1], drum.uniform(4.5, 14, 18)))
        amplitudes = 1 / ratios ** drum.uniform(0.7, 1.0) * hit.uniform(0.7, 1.3, len(ratios))
        n = int(3.0 * self._rate)
        out = ring(f0 * ratios, amplitudes, 4.5 / ratios**0.5, n, self._rate, hit.uniform(0, 6, len(ratios)))
        return out * spread(1 - 0.7 * np.exp(-np.arange(points(n)) * (HOP / self._rate) / 0.05), n)

    def _buk(self, drum: Rng, hit: Rng) -> Signal:
        f0 = drum.uniform(105, 150)
        out = peak_one(self._membrane(hit, 0.45, f0, 0.35))
        n = int(0.04 * self._rate)
        out[:n] += 0.4 * self._noise(n, hit, 500, 3000) * decay(n, self._rate, 0.03)
        return out


_TONES: dict[str, Tone] = {
    "haegeum": Tone(
        0.75,
        1.0,
        ((900, 500, 2.5), (1700, 500, 1.6), (3000, 900, 1.2)),
        (0.2, 1500, 7000),
        (5.5, 55),
        0.05,
        0.09,
        1,
        0.5,
    ),
    "daegeum": Tone(
        1.5,
        0.7,
        ((700, 600, 1.5), (2100, 700, 1.0), (4800, 1600, 2.2)),
        (0.6, 700, 5500),
        (4.8, 50),
        0.07,
        0.12,
        1,
        0.6,
    ),
    "ajaeng": Tone(
        0.8, 1.0, ((350, 250, 2.0), (1100, 500, 1.2)), (0.6, 500, 5000), (4.6, 45), 0.09, 0.15, 1, 0.5
    ),
    "violin": Tone(
        0.95,
        1.0,
        ((480, 180, 1.5), (1000, 400, 1.2), (2700, 900, 1.4)),
        (0.2, 2000, 9000),
        (5.8, 28),
        0.06,
        0.14,
        1,
        0.4,
    ),
    "cello": Tone(
        1.0,
        1.0,
        ((250, 150, 1.6), (600, 300, 1.2), (1800, 900, 0.8)),
        (0.2, 800, 6000),
        (5.2, 24),
        0.08,
        0.18,
        1,
        0.4,
    ),
    "flute": Tone(
        1.9, 0.8, ((900, 900, 1.0), (2200, 1200, 0.6)), (0.6, 1200, 7000), (5.1, 22), 0.05, 0.1, 1, 0.3
    ),
    "oboe": Tone(
        0.7, 1.0, ((1100, 500, 2.2), (2900, 900, 1.4)), (0.12, 1500, 7000), (5.4, 20), 0.04, 0.08, 1, 0.3
    ),
    "clarinet": Tone(1.0, 0.25, ((1500, 900, 1.0),), (0.15, 1500, 6000), (5.0, 8), 0.04, 0.08, 1, 0.3),
    "strings": Tone(
        1.0, 1.0, ((500, 300, 1.0), (1200, 700, 0.8)), (0.15, 2000, 9000), (5.5, 18), 0.18, 0.3, 3, 0.3
    ),
    "organ": Tone(0.8, 0.8, (), (0.0, 500, 4000), (6.2, 9), 0.02, 0.06, 1, 0.0),
    "pad": Tone(1.1, 0.9, ((800, 700, 1.0),), (0.0, 500, 4000), (0.6, 14), 0.25, 0.4, 3, 0.2),
    "lead": Tone(0.8, 0.6, ((1600, 1200, 1.0),), (0.0, 500, 4000), (5.6, 20), 0.015, 0.08, 2, 0.1),
    "synth_bass": Tone(0.9, 0.9, ((300, 400, 1.5),), (0.0, 500, 4000), (5.0, 0), 0.008, 0.05, 2, 0.0),
}
_STRUCK: dict[str, dict[str, Any]] = {
    "piano": {"t60": 7.0, "slope": 1.05, "stiffness": 0.0004, "choir": True},
    "epiano": {"t60": 5.0, "slope": 1.5, "ratios": (1.0, 2.0, 3.0, 6.9, 12.2), "choir": True, "knock": 0.04},
    "marimba": {"t60": 1.2, "slope": 1.1, "ratios": (1.0, 3.93, 9.2, 16.0), "knock": 0.2},
    "yanggeum": {"t60": 4.0, "slope": 0.6, "stiffness": 0.0002, "choir": True, "release": 0.6},
    "timpani": {
        "t60": 1.8,
        "slope": 0.7,
        "ratios": (1.0, 1.5, 1.98, 2.44, 2.9, 3.4),
        "release": 0.4,
        "knock": 0.3,
    },
}
_PLUCKED: dict[str, dict[str, Any]] = {
    "gayageum": {"t60": 3.0, "damping": 0.4, "dark": 0.4, "vibrato_cents": 32, "release": 0.25},
    "geomungo": {"t60": 2.4, "damping": 0.48, "dark": 0.55, "vibrato_cents": 40, "release": 0.2},
    "guitar": {"t60": 3.5, "damping": 0.35, "dark": 0.35},
    "electric_guitar": {"t60": 6.0, "damping": 0.3, "dark": 0.3, "vibrato_cents": 8, "drive": 3.0},
    "harp": {"t60": 4.5, "damping": 0.45, "dark": 0.55, "release": 0.5},
    "bass_guitar": {"t60": 4.0, "damping": 0.5, "dark": 0.6, "release": 0.06},
}
_VOICES: dict[str, dict[str, Any]] = {
    "voice_high": {"tract": 1.17},
    "voice_low": {"tract": 1.0},
    "voice_husky": {"tract": 1.06, "husky": 0.9},
}
# MIDI note around which an instrument is at home; a melody is moved there by octaves.
HOME = {
    "voice_high": 68,
    "voice_low": 55,
    "voice_husky": 60,
    "cello": 52,
    "violin": 74,
    "flute": 76,
    "daegeum": 67,
}


def make(name: str, sample_rate: int, rng: Rng) -> Instrument:
    """Build an instrument by its name in the tables above.

    Args:
        name: ``haegeum``, ``gayageum``, ``piano``, ``voice_low`` …
        sample_rate: Hz.
        rng: draws the make of the instrument.

    Raises:
        KeyError: no such instrument.
    """
    if name in _TONES:
        return Sustained(sample_rate, rng, _TONES[name])
    if name in _STRUCK:
        return Struck(sample_rate, rng, **_STRUCK[name])
    if name in _PLUCKED:
        return PluckedString(sample_rate, rng, **_PLUCKED[name])
    return Voice(sample_rate, rng, **_VOICES[name])
