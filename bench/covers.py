"""Other performances of one work: found or not, wrongly found or not, and what a comparison costs.

``python -m bench.covers run --write`` measures and fills the section of docs/figures.md; ``python -m bench.covers
calibrate`` prints the weights of ``rightscan.harmony.score`` anew, on pieces that ``run`` does not use.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench import sound
from bench.arithmetic import clopper_pearson
from bench.pages import write_section
from bench.seeds import rng_for
from bench.synth import STYLES, another_performance, unison
from numpy.typing import NDArray

from rightscan.harmony import FRAMES_PER_SECOND, SAMPLE_RATE, THRESHOLD, Catalogue, Harmony, harmony_of
from rightscan.harmony import catalogue as search_in
from rightscan.harmony.summary import at_tempo

PAGE = Path(__file__).resolve().parents[1] / "docs" / "figures.md"
CALIBRATED_FROM, MEASURED_FROM, UNISON_FROM = 5_000, 20_000, 30_000
REFERENCE_S = 120.0
LENGTHS_S = (120.0, 60.0, 30.0)
TEMPI = (1.0, 0.75, 1.33)


@dataclass(frozen=True)
class Query:
    """A part of a performance; ``own`` is the recording of its work in the catalogue, None for other sound."""

    kind: str
    length_s: float
    tempo: float
    own: str | None
    harmony: Harmony


def style_of(seed: int) -> str:
    return list(STYLES)[seed % len(STYLES)]


def heard(play: Callable[[int, int, float], NDArray[np.float32]], seed: int, take: int, s: float) -> Harmony:
    return harmony_of(play(seed, take, s).mean(axis=1))


def arranged(seed: int, take: int, seconds: float) -> NDArray[np.float32]:
    return another_performance(seed, take, seconds, style=style_of(seed), sample_rate=SAMPLE_RATE)


def in_unison(seed: int, take: int, seconds: float) -> NDArray[np.float32]:
    return unison(seed, take, seconds, sample_rate=SAMPLE_RATE)


def real(folder: Path | None) -> dict[str, Harmony]:
    """Music of half a minute and more, by path; empty without a folder."""
    if folder is None or not (folder / "music").is_dir():
        return {}
    found = {}
    for path in sound.files(folder / "music"):
        x = sound.resampled(sound.mono(sound.decode(path)), SAMPLE_RATE)
        if len(x) >= 30 * SAMPLE_RATE:
            found[f"real/{path.relative_to(folder)}"] = harmony_of(x.reshape(-1))
    return found


def excerpt(whole: Harmony, length_s: float, key: Sequence[object]) -> Harmony:
    """A part of the given length, from anywhere."""
    free = max(0.0, whole.seconds - length_s)
    start = float(rng_for(1, "excerpt", *key).uniform(0, free))
    return whole.between(start, start + length_s)


def faster(whole: Harmony, tempo: float) -> Harmony:
    """Another tempo, by stretching the profile: the synthesiser's own takes differ by 5 to 14 %."""
    return Harmony(at_tempo(whole.profile, 1 / tempo), whole.tuning)


def queries(first: int, works: int, takes: Sequence[int], music: dict[str, Harmony]) -> Iterator[Query]:
    """Parts of other performances of each work, and of real music."""
    for seed in range(first, first + works):
        for take in takes:
            whole = heard(arranged, seed, take, REFERENCE_S)
            for length_s in LENGTHS_S:
                for tempo in TEMPI:
                    part = excerpt(faster(whole, tempo), length_s, (seed, take, length_s, tempo))
                    yield Query("arranged", length_s, tempo, f"work-{seed}", part)
    for name, whole in music.items():
        for length_s in LENGTHS_S:
            yield Query("real", length_s, 1.0, name, excerpt(whole, length_s, (name, length_s)))


def catalogue_of(first: int, works: int, others: int, music: dict[str, Harmony]) -> Catalogue:
    """Take 0 of each work, as many other works, and real music."""
    seeds = range(first, first + works + others)
    items = [(f"work-{seed}", heard(arranged, seed, 0, REFERENCE_S)) for seed in seeds]
    return Catalogue.of([*items, *music.items()])


@dataclass
class Count:
    """How often of how many."""

    hits: int = 0
    n: int = 0

    def add(self, hit: bool) -> None:
        """Count one."""
        self.hits += int(hit)
        self.n += 1

    def __str__(self) -> str:
        low, high = clopper_pearson(self.hits, self.n)
        share = 100 * self.hits / self.n if self.n else 0.0
        return f"{self.hits}/{self.n} = {share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def measure(works: int, others: int, folder: Path | None) -> list[str]:
    """Search every query in the catalogue with its own work and without it."""
    music = real(folder)
    catalogue = catalogue_of(MEASURED_FROM, works, others, music)
    found: dict[tuple[str, float, float], Count] = {}
    false: dict[tuple[str, float], Count] = {}
    right, told, seconds = 0, 0, []
    for query in queries(MEASURED_FROM, works, (1, 2), music):
        if query.kind == "arranged":
            started = time.process_time()
            candidates = [c.recording_id for c in catalogue.search(query.harmony)]
            seconds.append((query.length_s, time.process_time() - started))
            found.setdefault((query.kind, query.length_s, query.tempo), Count()).add(query.own in candidates)
            right += query.own in candidates
            told += len(candidates)
        without = catalogue.search(query.harmony, without=[query.own or ""])
        false.setdefault((query.kind, query.length_s), Count()).add(bool(without))
    lines = [
        f"Catalogue: {len(catalogue)} recordings ({works} works of which other performances are asked for, {others} "
        f"other works of the same styles, {len(music)} pieces of real music). Threshold {THRESHOLD}. "
        "Intervals: Clopper-Pearson, 95 %.",
        "",
        "| query | tempo, beyond the 5 to 14 % of the take | the work is a candidate |",
        "|---|---|---|",
        *(
            f"| {s:.0f} s of another performance | × {tempo:g} | {count} |"
            for (_, s, tempo), count in found.items()
        ),
        "",
        f"Of the candidates told for these queries the right work: {Count(right, told)}. The queries of one work are "
        "not independent; the intervals take them for it.",
        "",
        "| query, its own work left out of the catalogue | a candidate is told all the same |",
        "|---|---|",
        *(f"| {s:.0f} s, {_KINDS[kind]} | {count} |" for (kind, s), count in false.items()),
        "",
        *unisons(30),
        "",
        *costs(catalogue, seconds),
    ]
    return lines


_KINDS = {"arranged": "synthesised", "real": "real music"}


def unisons(works: int) -> list[str]:
    """One melody in unison, another band, key and tempo; and other melodies in the very same key."""
    first = UNISON_FROM
    items = [(f"tune-{seed}", heard(in_unison, seed, 0, 60.0)) for seed in range(first, first + works)]
    catalogue = Catalogue.of(items)
    found, false = Count(), Count()
    for seed in range(first, first + works):
        query = heard(in_unison, seed, 1, 45.0)
        found.add(f"tune-{seed}" in [c.recording_id for c in catalogue.search(query)])
        false.add(bool(catalogue.search(query, without=[f"tune-{seed}"])))
    return [
        "| 45 s of one melody in unison (voices, strings, winds, gugak), other players, key and tempo | |",
        "|---|---|",
        f"| the work is a candidate, of {works} melodies | {found} |",
        f"| a candidate is told where the melody is not in the catalogue | {false} |",
    ]


def costs(catalogue: Catalogue, seconds: Sequence[tuple[float, float]]) -> list[str]:
    """CPU of a search here, in a catalogue of thousands, and of making and keeping a profile."""
    rng = rng_for(1, "thousands")
    profiles = [catalogue.profile(n) for n in range(len(catalogue))]
    many = Catalogue.of(
        (f"{n:05d}", Harmony(np.roll(profiles[n % len(profiles)], int(rng.integers(40, 400)), 0), 0.0))
        for n in range(5_000)
    )
    asked = Harmony(np.concatenate(profiles[:4])[: round(180 * FRAMES_PER_SECOND)], 0.0)
    started = time.process_time()
    for _ in range(5):
        many.search(asked)
    thousands = (time.process_time() - started) / 5
    x = np.asarray(arranged(1, 0, 120.0).mean(axis=1), np.float32)
    started = time.process_time()
    made = harmony_of(x)
    listening = time.process_time() - started
    kept = len(many.to_bytes()) / (
        sum(len(many.profile(n)) for n in range(len(many))) / FRAMES_PER_SECOND / 60
    )
    here = {s: float(np.mean([t for length, t in seconds if length == s])) for s in LENGTHS_S}
    return [
        "| cost | |",
        "|---|---|",
        *(
            f"| search of {s:.0f} s in the {len(catalogue)} recordings | {1000 * t:.0f} CPU-ms |"
            for s, t in here.items()
        ),
        f"| search of 180 s in 5,000 recordings of 2 minutes | {1000 * thousands:.0f} CPU-ms |",
        f"| pitch classes while decoding | {120 / listening:,.0f} × real time |",
        f"| in the features, before they are packed | {made.profile.nbytes / 2:,.0f} bytes a minute |",
        f"| in the index, packed, with the summaries | {kept:,.0f} bytes a minute |",
    ]


def calibrate(works: int, others: int, folder: Path | None) -> list[str]:
    """Fit the score: logistic regression over examined pairs, own works against all others."""
    music = real(folder)
    catalogue = catalogue_of(CALIBRATED_FROM, works, others, music)
    seen: list[tuple[float, float, int, int]] = []
    shipped = search_in.score

    def noted(length: float, chance: float, query: int, reference: int) -> float:
        seen.append((length, chance, query - 8, reference - 8))
        return float(len(seen))

    rows, labels, owners = [], [], []
    search_in.score = noted
    try:
        for number, query in enumerate(queries(CALIBRATED_FROM, works, (1,), music)):
            seen.clear()
            without = [query.own or ""] if query.kind == "real" else []
            for candidate in catalogue.search(query.harmony, without=without, threshold=-1e9):
                rows.append(np.log(np.maximum(seen[int(candidate.score) - 1], 1.0)))
                labels.append(candidate.recording_id == query.own)
                owners.append(number)
    finally:
        search_in.score = shipped
    x = np.column_stack([np.asarray(rows)[:, [0, 2, 3, 1]], np.ones(len(rows))])
    y = np.asarray(labels, np.float64)
    weights = _logistic(x, y)
    scores, who = x @ weights, np.asarray(owners)
    worst = np.array([scores[(who == n) & (y == 0)].max() for n in np.unique(who)])
    return [
        f"{len(y)} pairs of {len(worst)} queries, {int(y.sum())} of one work",
        "path, query, reference, chance, constant: " + ", ".join(f"{w:.2f}" for w in weights),
        f"strongest wrong pair of a query: 99 % below {np.quantile(worst, 0.99):.2f}, at most {worst.max():.2f}",
        f"pairs of one work at {THRESHOLD} and above: {float((scores[y == 1] >= THRESHOLD).mean()):.3f}",
    ]


def _logistic(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = np.where(x.std(0) > 0, x.std(0), 1.0)
    z = x / scale
    w = np.zeros(x.shape[1])
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(z @ w, -40, 40)))
        hessian = (z * (p * (1 - p))[:, None]).T @ z + 1e-6 * np.eye(len(w))
        w = w + np.linalg.solve(hessian, z.T @ (y - p) - 1e-6 * w)
    return np.asarray(w / scale)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.covers")
    parser.add_argument("what", choices=("run", "calibrate"))
    parser.add_argument("--works", type=int, default=16)
    parser.add_argument("--others", type=int, default=100)
    parser.add_argument("--write", action="store_true", help="fill the section of docs/figures.md")
    told = parser.parse_args()
    media = os.environ.get("RIGHTSCAN_MEDIA")
    step = measure if told.what == "run" else calibrate
    lines = step(told.works, told.others, Path(media) if media else None)
    print("\n".join(lines))
    if told.write and told.what == "run":
        write_section(PAGE, "covers run", lines)


if __name__ == "__main__":
    main()
