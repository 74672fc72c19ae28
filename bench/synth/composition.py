"""What is played: form, harmony, melody and rhythm as notes in beats, before anybody performs them.

A piece is a row of sections (verse, chorus, …). Each letter has its own material (chords, motifs, patterns),
drawn once; when it returns, some notes are changed, so that no two passages are alike and an excerpt has one
right place. The melody is a random walk over the scale, drawn to chord tones on strong beats and back into
its range, in phrases made of motifs that return (a a b a).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Rng = np.random.Generator

STYLES = ("gugak", "pop", "ballad", "classical")

_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_PYEONGJO, _GYEMYEONJO = (0, 2, 5, 7, 9), (0, 3, 5, 7, 10)

# From a scale degree to the next (0 = tonic), weights; common-practice and pop root movements.
_MOVES: dict[int, dict[int, float]] = {
    0: {3: 3, 4: 3, 5: 3, 1: 1.5, 2: 1.2},
    1: {4: 4, 6: 0.4, 3: 1, 0: 0.8},
    2: {5: 3, 3: 2, 1: 0.8},
    3: {4: 3, 0: 2, 1: 1.2, 5: 1, 2: 0.6},
    4: {0: 3, 5: 2.5, 3: 1.5, 2: 0.5},
    5: {3: 3, 1: 1.5, 4: 1.5, 2: 1, 0: 0.8},
    6: {0: 3, 2: 1},
}

# How a group of beats may be cut: by its length.
_CELLS: dict[int, tuple[tuple[float, ...], ...]] = {
    1: ((1,), (0.5, 0.5), (0.75, 0.25), (0.5, 0.25, 0.25)),
    2: (
        (2,),
        (1, 1),
        (1.5, 0.5),
        (0.5, 1, 0.5),
        (0.5, 1.5),
        (1, 0.5, 0.5),
        (0.5, 0.5, 1),
        (0.5, 0.5, 0.5, 0.5),
        (0.75, 0.75, 0.5),
        (0.25, 0.25, 0.5, 1),
    ),
    3: ((3,), (2, 1), (1, 2), (1, 1, 1), (1.5, 0.5, 1), (1, 0.5, 0.5, 1), (2, 0.5, 0.5)),
}


@dataclass(frozen=True)
class Jangdan:
    """A rhythmic cycle of Korean traditional music.

    Attributes:
        beats: length of the cycle in pulses.
        group: pulses that belong together (3 in compound metres).
        tempo: range of pulses per minute.
        strokes: (pulse, stroke, velocity); ``deong`` is both hands.
    """

    beats: int
    group: int
    tempo: tuple[float, float]
    strokes: tuple[tuple[float, str, float], ...]


JANGDAN: dict[str, Jangdan] = {
    "굿거리": Jangdan(
        12,
        3,
        (180, 225),
        (
            (0, "deong", 1.0),
            (2, "deok", 0.6),
            (3, "gung", 0.8),
            (5, "roll", 0.6),
            (6, "gung", 0.9),
            (8, "deok", 0.6),
            (9, "gung", 0.8),
            (11, "roll", 0.6),
        ),
    ),
    "자진모리": Jangdan(
        12,
        3,
        (290, 400),
        (
            (0, "deong", 1.0),
            (3, "gung", 0.7),
            (6, "gung", 0.8),
            (8, "deok", 0.9),
            (9, "gung", 0.7),
            (11, "deok", 0.4),
        ),
    ),
    "중중모리": Jangdan(
        12,
        3,
        (230, 290),
        (
            (0, "deong", 1.0),
            (2, "deok", 0.5),
            (3, "gung", 0.7),
            (4, "deok", 0.6),
            (5, "deok", 0.6),
            (6, "gung", 0.8),
            (7, "gung", 0.5),
            (8, "deok", 1.0),
            (9, "gung", 0.7),
            (11, "gung", 0.6),
        ),
    ),
    "세마치": Jangdan(
        9,
        3,
        (230, 300),
        ((0, "deong", 1.0), (3, "deong", 0.8), (5, "deok", 0.6), (6, "gung", 0.8), (7, "deok", 0.6)),
    ),
    "중모리": Jangdan(
        12,
        1,
        (84, 112),
        (
            (0, "deong", 1.0),
            (1, "gung", 0.6),
            (2, "deok", 0.6),
            (2.5, "deok", 0.4),
            (3, "gung", 0.6),
            (4, "deok", 0.7),
            (5, "deok", 0.7),
            (6, "gung", 0.8),
            (7, "gung", 0.6),
            (8, "deok", 1.0),
            (9, "gung", 0.7),
            (10, "gung", 0.6),
            (11, "gung", 0.6),
            (11.5, "deok", 0.4),
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class Note:
    """One note: onset and length in beats, MIDI pitch, velocity 0 to 1; ``sound`` names a drum stroke."""

    beat: float
    beats: float
    pitch: float
    velocity: float
    sound: str = ""


@dataclass(frozen=True)
class Score:
    """A composition, at least as long as was asked for.

    Attributes:
        style: one of ``STYLES``.
        key: MIDI note of the tonic near middle C.
        minor: minor mode or 계면조.
        bpm: beats (in gugak: pulses) per minute.
        bar: beats per bar or jangdan cycle.
        sections: (first beat, letter).
        tracks: notes of ``melody``, ``counter``, ``comp``, ``pad``, ``bass``, ``drums``, in order of onset.
    """

    style: str
    key: int
    minor: bool
    bpm: float
    bar: int
    sections: tuple[tuple[float, str], ...]
    tracks: dict[str, tuple[Note, ...]]


@dataclass
class _Material:
    """What a section letter is made of. Degrees count scale steps from the tonic."""

    chords: list[int]
    melody: list[tuple[float, float, int]]  # onset, length, degree
    comp: list[tuple[float, float, int]]  # within a bar: onset, length, chord tone (-1 = the whole chord)
    bass: list[tuple[float, float, int]]  # within a bar: onset, length, chord tone
    drums: list[tuple[float, str, float]]  # within a bar
    lift: float = 0.0  # louder sections carry more instruments


@dataclass
class _Piece:
    style: str
    rng: Rng
    scale: tuple[int, ...] = _MAJOR
    minor: bool = False
    key: int = 60
    bpm: float = 100.0
    bar: int = 4
    group: int = 2
    jangdan: Jangdan | None = None
    cells: np.ndarray = field(default_factory=lambda: np.ones(1))
    rest: float = 0.1
    centre: int = 4
    leap: float = 0.15

    def pitch(self, degree: int, raise_seventh: bool = False) -> int:
        octave, step = divmod(degree, len(self.scale))
        sharp = 1 if raise_seventh and self.minor and step == 6 else 0
        return self.key + 12 * octave + self.scale[step] + sharp

    def tones(self, chord: int) -> tuple[int, ...]:
        """Scale steps of the chord on a degree; in gugak the fifth frame around a central tone."""
        if self.style == "gugak":
            return chord % 5, (chord + 3) % 5
        return chord % 7, (chord + 2) % 7, (chord + 4) % 7


def _pick(rng: Rng, weights: dict[int, float]) -> int:
    values = np.array(list(weights.values()))
    return list(weights)[int(rng.choice(len(values), p=values / values.sum()))]


def _begin(style: str, rng: Rng) -> _Piece:
    """Draw what holds for the whole piece."""
    piece = _Piece(style, rng)
    piece.key = 60 + int(rng.integers(-6, 6))
    piece.rest = rng.uniform(0.05, 0.18)
    piece.leap = rng.uniform(0.08, 0.3)
    piece.centre = int(rng.integers(2, 7))
    match style:
        case "gugak":
            piece.jangdan = list(JANGDAN.values())[int(rng.integers(len(JANGDAN)))]
            piece.bpm = rng.uniform(*piece.jangdan.tempo)
            piece.bar, piece.group = piece.jangdan.beats, piece.jangdan.group
            piece.minor = bool(rng.random() < 0.5)
            piece.scale = _GYEMYEONJO if piece.minor else _PYEONGJO
        case "pop":
            piece.bpm = rng.uniform(88, 138)
            piece.minor = bool(rng.random() < 0.45)
        case "ballad":
            piece.bpm = rng.uniform(60, 84)
            piece.minor = bool(rng.random() < 0.35)
        case "classical":
            piece.bpm = rng.uniform(72, 132)
            piece.bar = int(rng.choice([3, 4, 4]))
            piece.group = 1 if piece.bar == 3 else 2
            piece.minor = bool(rng.random() < 0.5)
    if style != "gugak":
        piece.scale = _MINOR if piece.minor else _MAJOR
    piece.cells = rng.dirichlet(np.full(len(_CELLS[piece.group]), 0.8)) + 0.02
    piece.cells /= piece.cells.sum()
    return piece


def _chords(piece: _Piece, bars: int, closing: bool) -> list[int]:
    """Draw one chord a bar, ending on the dominant or, to close, on the tonic."""
    rng = piece.rng
    if piece.style == "gugak":
        return [0, *(int(rng.choice([0, 0, 2, 3])) for _ in range(bars - 2)), 0][:bars]
    chords = [_pick(rng, {0: 5, 5: 2.5, 3: 2, 1: 0.7})]
    while len(chords) < bars:
        chords.append(_pick(rng, _MOVES[chords[-1]]))
    if bars > 1:
        chords[-1] = 0 if closing else int(rng.choice([4, 4, 3, 6 if piece.minor else 1]))
    return chords


def _rhythm(piece: _Piece) -> list[tuple[float, float, bool]]:
    """Draw one bar as (onset, length, rest)."""
    rng, at, out = piece.rng, 0.0, []
    for _ in range(piece.bar // piece.group):
        cell = _CELLS[piece.group][int(rng.choice(len(piece.cells), p=piece.cells))]
        for length in cell:
            out.append((at, length, bool(at > 0 and rng.random() < piece.rest)))
            at += length
    return out


def _snap(piece: _Piece, degree: int, chord: int) -> int:
    """Move a degree to the nearest chord tone."""
    size, tones = len(piece.scale), piece.tones(chord)
    return min(
        (d for d in range(degree - 4, degree + 5) if d % size in tones), key=lambda d: (abs(d - degree), d)
    )


def _melody(piece: _Piece, chords: list[int]) -> list[tuple[float, float, int]]:
    """Make phrases out of one-bar motifs that return over other chords."""
    rng = piece.rng
    plan = str(rng.choice(["abac", "aaba", "abab", "aabc", "abcb", "abca"]))
    motifs = {letter: (_rhythm(piece), rng.random(32)) for letter in "abc"}
    out: list[tuple[float, float, int]] = []
    degree = piece.centre
    for bar, chord in enumerate(chords):
        rhythm, dice = motifs[plan[bar % 4]]
        last = bar % 4 == 3 or bar == len(chords) - 1
        leapt = 0
        for i, (onset, length, rest) in enumerate(rhythm):
            u = dice[i % 32]
            if leapt:
                step = -int(np.sign(leapt))  # a leap is followed by a step back
            elif u < piece.leap:
                step = int(np.sign(u - piece.leap / 2)) * (2 + int(u * 997) % 3)
            else:
                step = (-1, -1, 0, 1, 1)[int((u - piece.leap) / (1 - piece.leap) * 4.999)]
            leapt = step if abs(step) > 2 else 0
            degree += step
            if abs(degree - piece.centre) > 5:
                degree -= 3 * int(np.sign(degree - piece.centre))
            strong = onset % piece.group == 0
            if strong:
                degree = _snap(piece, degree, chord)
            if last and onset >= piece.bar / 2:  # phrases end on a long chord tone
                degree = _snap(piece, degree, chord)
                out.append((bar * piece.bar + onset, 0.85 * (piece.bar - onset), degree))
                break
            if not rest:
                out.append((bar * piece.bar + onset, length, degree))
    return out


def _accompaniment(
    piece: _Piece, dense: bool
) -> tuple[list[tuple[float, float, int]], list[tuple[float, float, int]]]:
    """Draw patterns of one bar for the chord instrument and the bass."""
    rng, bar = piece.rng, piece.bar
    if piece.style == "gugak":
        g = piece.group if piece.group > 1 else 2
        comp = [(float(at), float(g), int(rng.integers(0, 4))) for at in range(0, bar, g)]
        comp += [
            (at + g * 2 / 3, g / 3, int(rng.integers(0, 4))) for at in range(0, bar, g) if rng.random() < 0.5
        ]
        bass = [(0.0, bar / 2, 0), (bar / 2, bar / 2, 0 if rng.random() < 0.5 else 1)]
        return sorted(comp), bass
    unit = 0.5 if dense or piece.style == "classical" else float(rng.choice([0.5, 0.5, 1.0]))
    slots = np.arange(0, bar, unit)
    kind = int(rng.integers(3))
    if kind == 0 and piece.style == "pop":  # strummed or stabbed
        hits = sorted({0.0, *(float(s) for s in slots if rng.random() < 0.55)})
        comp = [(at, (hits[i + 1] if i + 1 < len(hits) else bar) - at, -1) for i, at in enumerate(hits)]
    else:  # broken chords; Alberti and harp-like ones come out of the draw too
        cycle = [int(x) for x in rng.permutation([0, 1, 2, 3])[: int(rng.choice([3, 4]))]]
        comp = [(float(at), 2 * unit, cycle[i % len(cycle)]) for i, at in enumerate(slots)]
        if kind == 1:
            comp = [(0.0, bar / 2, -1), *comp[1:]]
    if piece.style == "classical":
        bass = [
            (0.0, 1.0, 0),
            *((float(b), 1.0, int(rng.choice([0, 1, 2]))) for b in range(1, bar) if rng.random() < 0.6),
        ]
    else:
        hits = sorted(
            {0.0, *(float(s) for s in np.arange(0.5, bar, 0.5) if rng.random() < (0.5 if dense else 0.2))}
        )
        bass = [
            (
                at,
                0.9 * ((hits[i + 1] if i + 1 < len(hits) else bar) - at),
                int(rng.choice([0, 0, 0, 2, 1])) if i else 0,
            )
            for i, at in enumerate(hits)
        ]
    return comp, bass


def _drums(piece: _Piece, dense: bool) -> list[tuple[float, str, float]]:
    """Draw one bar of percussion."""
    rng = piece.rng
    if piece.jangdan is not None:
        strokes = [(at, s, v) for at, s, v in piece.jangdan.strokes]
        extra = [
            at + piece.group / 2
            for at in range(0, piece.bar, piece.group)
            if rng.random() < (0.3 if dense else 0.1)
        ]
        return sorted([*strokes, *((at, "deok", 0.35) for at in extra)])
    if piece.style == "classical":
        return [(0.0, "timpani", 0.6)] if dense and rng.random() < 0.6 else []
    out: list[tuple[float, str, float]] = [(0.0, "kick", 1.0)]
    step = 0.25 if dense and piece.bpm < 112 and rng.random() < 0.6 else 0.5
    out += [
        (float(at), "kick", 0.8) for at in np.arange(0.5, 4, 0.5) if at not in (1, 3) and rng.random() < 0.3
    ]
    back = str(rng.choice(["snare", "snare", "clap"]))
    out += [(1.0, back, 0.9), (3.0, back, 0.95)]
    metal = str(rng.choice(["hat", "hat", "ride", "shaker"]))
    out += [(float(at), metal, 0.6 if at % 1 == 0 else 0.38) for at in np.arange(0, 4, step)]
    if rng.random() < 0.5:
        out.append((3.5, "open", 0.5))
    out += [(float(at), "snare", 0.2) for at in (1.75, 2.25, 3.75) if rng.random() < 0.25]
    return sorted(out)


_FORMS = {
    "gugak": ("ABACBDAB", "AABCDBAC", "ABCADCBA"),
    "pop": ("ivcvcbcc", "cvcvbcvc", "ivvcvbcc", "vcivcbcc"),
    "ballad": ("ivvcvcbc", "vvcvcbcc", "ivcibvcc", "cvvcbvcc"),
    "classical": ("ABACDABA", "AABBCDAB", "ABCABDCA"),
}
_LIFT = {"i": 0.0, "v": 0.4, "c": 1.0, "b": 0.7, "A": 0.5, "B": 0.8, "C": 0.9, "D": 0.6}


def _material(piece: _Piece, letter: str) -> _Material:
    bars = 2 if letter == "i" else 4
    chords = _chords(piece, bars, closing=letter in "cAB")
    dense = _LIFT[letter] > 0.6
    piece.centre += {"c": 2, "b": 1}.get(letter, 0)
    melody = _melody(piece, chords) if letter != "i" else []
    piece.centre -= {"c": 2, "b": 1}.get(letter, 0)
    comp, bass = _accompaniment(piece, dense)
    return _Material(chords, melody, comp, bass, _drums(piece, dense), _LIFT[letter])


def _vary(piece: _Piece, material: _Material, rng: Rng) -> list[tuple[float, float, int]]:
    """Change a returning melody: some notes moved, split or left out."""
    out = []
    for onset, length, degree in material.melody:
        u = rng.random()
        if u < 0.10:
            out += [
                (onset, length / 2, degree),
                (onset + length / 2, length / 2, degree + int(rng.choice([-1, 1]))),
            ]
        elif u < 0.20:
            out.append((onset, length, degree + int(rng.choice([-2, -1, 1, 2]))))
        elif u > 0.95 and onset % piece.bar:
            continue
        else:
            out.append((onset, length, degree))
    return out


def _voicing(piece: _Piece, chord: int, centre: int) -> list[int]:
    """Spread a chord over four pitches, ascending, near a centre: the inversion that moves least."""
    raised = chord % 7 == 4
    classes = [piece.pitch(t, raised) % 12 for t in piece.tones(chord)]
    near = sorted(centre - 6 + (c - centre + 6) % 12 for c in classes)
    return [*near, *(p + 12 for p in near)][:4]


class _Writer:
    """Collects the notes of all tracks, section by section."""

    def __init__(self, piece: _Piece) -> None:
        self.piece = piece
        self.tracks: dict[str, list[Note]] = {
            name: [] for name in ("melody", "counter", "comp", "pad", "bass", "drums")
        }

    def section(self, start: float, material: _Material, first: bool, rng: Rng) -> float:
        """Write one section at ``start``; returns the beat where it ends."""
        piece = self.piece
        melody = material.melody if first else _vary(piece, material, rng)
        self._melody(start, melody, material, rng)
        register = 0 if first else int(rng.integers(-4, 5))  # other inversions on a return
        for b, chord in enumerate(material.chords):
            at = start + b * piece.bar
            last = b == len(material.chords) - 1
            self._harmony(at, chord, material, register, rng)
            self._rhythm(at, material, last, rng)
        return start + len(material.chords) * piece.bar

    def _melody(
        self, start: float, melody: list[tuple[float, float, int]], material: _Material, rng: Rng
    ) -> None:
        piece = self.piece
        span = len(material.chords) * piece.bar
        for onset, length, degree in melody:
            raised = material.chords[int(onset // piece.bar)] % 7 == 4
            arc = 0.62 + 0.2 * np.sin(np.pi * onset / span) + 0.12 * (onset % piece.group == 0)
            velocity = float(np.clip(arc + 0.05 * rng.standard_normal(), 0.3, 1.0))
            pitch = piece.pitch(degree, raised)
            self.tracks["melody"].append(Note(start + onset, length, pitch, velocity))
            third = degree - (1 if piece.style == "gugak" else 2)
            if (
                piece.style == "gugak" and rng.random() < 0.8
            ):  # heterophony: the same line, an octave off, thinned
                self.tracks["counter"].append(Note(start + onset, length, pitch - 12, 0.7 * velocity))
            elif piece.style != "gugak" and material.lift > 0.8 and length >= 0.5:
                self.tracks["counter"].append(
                    Note(start + onset, length, piece.pitch(third, raised), 0.6 * velocity)
                )

    def _harmony(self, at: float, chord: int, material: _Material, register: int, rng: Rng) -> None:
        piece = self.piece
        voicing = _voicing(piece, chord, register + (57 if piece.style == "classical" else 60))
        gain = 0.55 + 0.35 * material.lift
        for onset, length, which in material.comp:
            if rng.random() < 0.05:
                continue
            velocity = float(np.clip(gain + 0.1 * (onset == 0) + 0.07 * rng.standard_normal(), 0.2, 1.0))
            pitches = voicing if which < 0 else [voicing[which % len(voicing)]]
            for pitch in pitches:
                self.tracks["comp"].append(Note(at + onset, length, pitch, velocity))
        if material.lift > 0.3 and piece.style != "gugak":
            for pitch in voicing[:3]:
                self.tracks["pad"].append(Note(at, piece.bar, pitch, 0.5 * gain))
        raised = chord % 7 == 4
        tones = piece.tones(chord)
        for onset, length, which in material.bass:
            pitch = piece.pitch(tones[which % len(tones)], raised)
            while pitch > 50:
                pitch -= 12
            self.tracks["bass"].append(Note(at + onset, length, pitch, float(np.clip(gain + 0.1, 0.3, 1.0))))

    def _rhythm(self, at: float, material: _Material, last: bool, rng: Rng) -> None:
        piece = self.piece
        drums = self.tracks["drums"]
        if piece.style == "ballad" and material.lift < 0.3:
            return
        if piece.style == "gugak" and at % (2 * piece.bar) == 0:
            drums.append(Note(at, 1, 0, 0.8, "jing"))
        fill = last and piece.style in ("pop", "ballad") and rng.random() < 0.7
        for onset, sound, accent in material.drums:
            if fill and onset >= piece.bar - 1:
                continue
            if rng.random() < 0.06 and onset > 0:
                continue
            velocity = float(
                np.clip(accent * (0.75 + 0.25 * material.lift) + 0.06 * rng.standard_normal(), 0.08, 1.0)
            )
            sounds = ("gung", "deok") if sound == "deong" else (sound,)
            drums.extend(Note(at + onset, 1, piece.key - 24, velocity, s) for s in sounds)
        if fill:
            drums.extend(
                Note(
                    at + piece.bar - 1 + 0.25 * i,
                    1,
                    0,
                    0.6 + 0.1 * i,
                    "tom" if rng.random() < 0.6 else "snare",
                )
                for i in range(4)
            )


def compose(seed: int, seconds: float, style: str | None = None) -> Score:
    """Compose a piece.

    The first ``n`` sections do not depend on how many are asked for.

    Args:
        seed: which piece; 0 or more.
        seconds: the shortest length, at the written tempo.
        style: one of ``STYLES``; None lets the seed choose.

    Raises:
        ValueError: unknown style or a negative seed.
    """
    if seed < 0:
        raise ValueError(f"seed {seed}: must be 0 or more")
    rng = np.random.default_rng([seed, 1])
    drawn = STYLES[int(rng.integers(len(STYLES)))]
    chosen = drawn if style is None else style
    if chosen not in STYLES:
        raise ValueError(f"style {chosen!r}: one of {', '.join(STYLES)}")
    piece = _begin(chosen, rng)
    form = str(rng.choice(_FORMS[chosen]))
    materials = {letter: _material(piece, letter) for letter in sorted(set(form))}
    writer = _Writer(piece)
    sections: list[tuple[float, str]] = []
    beat, seen = 0.0, set[str]()
    while beat * 60 / piece.bpm < seconds:
        # The form comes round again without its introduction.
        place = len(sections)
        letter = form[place] if place < len(form) else form[1 + (place - 1) % (len(form) - 1)]
        sections.append((beat, letter))
        own = np.random.default_rng([seed, 2, place])
        beat = writer.section(beat, materials[letter], letter not in seen, own)
        seen.add(letter)
    tracks = {
        name: tuple(sorted(notes, key=lambda n: (n.beat, n.pitch))) for name, notes in writer.tracks.items()
    }
    return Score(chosen, piece.key, piece.minor, piece.bpm, piece.bar, tuple(sections), tracks)
