"""What a growing catalogue costs: synthetic fingerprints of real statistics around real recordings.

A synthetic recording is put together from short pieces of the fingerprints of recordings that are never queried
(the other half of the music, and synthesised pieces), in another order, at another tempo and pitch, each peak moved a
little: the habits of music stay (which keys are common, how often a recording repeats itself), the recordings do not.
How near the statistics come to the real ones is measured first and printed with the result.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from bench.arithmetic import clopper_pearson, quantile, wilson
from bench.identification import run
from bench.identification.conditions import BY_NAME
from bench.identification.material import Material
from bench.identification.queries import Query, first_seconds, make
from bench.pages import false_words, number, percent
from bench.processes import own_peak_mb, spread
from bench.seeds import rng_for
from bench.sound import mono
from bench.synth import STYLES, render

from rightscan.fingerprint import PARAMETERS as P
from rightscan.fingerprint import PIPELINE, SAMPLE_RATE, Fingerprint, fingerprint
from rightscan.fingerprint.landmarks import reference_keys
from rightscan.fingerprint.spectrum import Peaks
from rightscan.index import Index

SIZES = (350, 5_000, 20_000)
RECORDING_S = 210.0
SHARD = 1_000
"""Recordings built at a time: about 1 GB of memory in a worker."""

CONDITIONS = (
    "clean",
    "mp3_32k",
    "white_+0",
    "ambient_+0",
    "voiceover_6",
    "speed_+5",
    "tempo_+10",
    "pitch_+1",
)
LENGTHS = (3, 10)
TOLERANCE = 1.5
"""A statistic of the synthetic recordings may be off by this factor; beyond it the run says that it is no measure."""

_TICKS_PER_S = P.sample_rate / P.hop * P.ticks_per_hop
_ROWS_PER_S = P.sample_rate / P.hop / P.band_hops
_PIECE_S = (1.5, 4.0)
_STRANGE = 0.25  # share of the pieces that come from another recording than the first
_FIRST = 3_000
_SYNTHESISED = 50_000_000
_BYTES_AN_HOUR = 6_000_000  # of the index, twice what is asked for: what must be free on disk


# ---- synthetic recordings -----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Source:
    """The parts of a fingerprint that are cut up."""

    peaks: Peaks
    bands: np.ndarray
    weight: float = 1.0

    @classmethod
    def of(cls, fp: Fingerprint, weight: float = 1.0) -> Source:
        """Take a fingerprint apart; ``weight`` is how often it is cut from."""
        return cls(fp.peaks(), fp.bands(), weight)

    @property
    def seconds(self) -> float:
        """Its length."""
        return float(self.bands.shape[0] / _ROWS_PER_S)


def synthetic(
    sources: Sequence[Source], rng: np.random.Generator, seconds: float = RECORDING_S
) -> Fingerprint:
    """Put a recording together that nobody made.

    Tempo (1 %) and transposition (a semitone) are those of the recording, so that what it repeats stays repeated; peaks
    that leave the band come back an octave away. More change than that spreads the keys: tempos of 0.85 to 1.18 and a
    detuning of half a semitone left a quarter of the collisions that real music has.
    """
    share = np.array([s.weight for s in sources])
    share /= share.sum()
    home = sources[int(rng.choice(len(sources), p=share))]
    tempo = float(rng.uniform(0.99, 1.01))
    semitones = int(rng.integers(-1, 2))
    cents = 100 * semitones + float(rng.normal(0, 3))
    found: list[Peaks] = []
    bands: list[np.ndarray] = []
    length = 0.0
    while length < seconds:
        source = sources[int(rng.choice(len(sources), p=share))] if rng.random() < _STRANGE else home
        span = min(float(rng.uniform(*_PIECE_S)), source.seconds)
        at = float(rng.uniform(0, max(source.seconds - span, 1e-3)))
        first = round(at * _TICKS_PER_S)
        found.append(
            _moved(source.peaks.between(first, first + round(span * _TICKS_PER_S)), first, tempo, length)
        )
        rows = source.bands[round(at * _ROWS_PER_S) :][: max(round(span * _ROWS_PER_S), 1)]
        bands.append(
            _band_rows(rows, tempo, semitones, round((length + span / tempo) * _ROWS_PER_S) - _count(bands))
        )
        length += span / tempo
    ticks, pitch, strength, rank = (
        np.concatenate([getattr(p, name) for p in found]) for name in ("ticks", "cents", "strength", "rank")
    )
    ticks = np.maximum(ticks + rng.normal(0, 1, ticks.size), 0)
    pitch = _inside(pitch + cents + rng.normal(0, 2, pitch.size))
    order = np.lexsort((pitch, np.rint(ticks)))
    robust = {
        "ticks": np.rint(ticks[order]).astype(np.uint32),
        "cents": np.rint(pitch[order]).astype(np.uint16),
        "strength": strength[order],
        "rank": rank[order],
        "bands": np.concatenate(bands),
    }
    peaks = Peaks(*(robust[name] for name in ("ticks", "cents", "strength", "rank")))
    return Fingerprint(PIPELINE, length, -3.0, *reference_keys(peaks), robust)


def _count(rows: Sequence[np.ndarray]) -> int:
    return sum(r.shape[0] for r in rows)


def _moved(p: Peaks, first: int, tempo: float, start_s: float) -> Peaks:
    ticks = (p.ticks.astype(np.float64) - first) / tempo + start_s * _TICKS_PER_S
    return Peaks(ticks, p.cents.astype(np.float64), p.strength, p.rank)  # type: ignore[arg-type]


def _inside(cents: np.ndarray) -> np.ndarray:
    low, high = (1200 * np.log2(f / P.pitch_origin_hz) for f in (P.low_hz, P.high_hz))
    cents = np.where(cents < low, cents + 1200, cents)
    return np.asarray(np.where(cents > high, cents - 1200, cents))


def _band_rows(rows: np.ndarray, tempo: float, semitones: int, count: int) -> np.ndarray:
    """Stretch to ``count`` rows and move by semitones, which are bands; edges are repeated."""
    at = np.minimum((np.arange(max(count, 0)) * tempo).astype(np.int64), rows.shape[0] - 1)
    band = np.clip(np.arange(P.bands) - semitones, 0, P.bands - 1)
    return np.asarray(rows[at][:, band])


def weighted(
    sources: Sequence[Fingerprint], real: Sequence[Fingerprint], strangers: Sequence[Fingerprint], seed: int
) -> list[Source]:
    """Weigh the sources so that the synthetic hours meet unrelated music as often as the real ones do.

    A source counts by its length, times a power of the postings that a second of unrelated music meets in it: cutting
    and moving loses a third of the collisions, which sources of common keys make up for. The power is found by
    bisection on small samples. The check that follows draws other synthetic recordings but asks the same strangers, so
    its ``hits`` are fitted and not independent; the other statistics are not fitted.
    """
    hits = np.array([statistics([fp], strangers)["hits"] for fp in sources]) + 1
    target = statistics(real, strangers)["hits"]
    low, high = 0.0, 4.0
    for _ in range(5):
        power = (low + high) / 2
        cut = [
            Source.of(fp, fp.duration_s * h**power)
            for fp, h in zip(sources, (hits / hits.mean()).tolist(), strict=True)
        ]
        made = [synthetic(cut, rng_for(seed, "weighing", k)) for k in range(12)]
        low, high = (power, high) if statistics(made, strangers)["hits"] < target else (low, power)
    return cut


def statistics(fps: Sequence[Fingerprint], strangers: Sequence[Fingerprint]) -> dict[str, float]:
    """Return what decides the cost of a search and the look of the evidence.

    ``hits``: postings that a second of unrelated music meets in an hour of catalogue, which is the cost itself;
    ``even keys``: how many equally common keys would collide as often as these; ``top``: share of the postings in the
    commonest hundredth of the keys in use; ``again``: share of a recording's first 3,000 postings (half a minute) whose
    key it already had.
    """
    hours = sum(fp.duration_s for fp in fps) / 3600
    keys = np.concatenate([fp.keys for fp in fps])
    distinct, counts = np.unique(keys, return_counts=True)
    asked = np.concatenate([fp.keys for fp in strangers])
    place = np.minimum(np.searchsorted(distinct, asked), distinct.size - 1)
    hits = np.where(distinct[place] == asked, counts[place], 0).sum()
    share = counts / counts.sum()
    top = np.sort(counts)[::-1][: max(counts.size // 100, 1)].sum() / counts.sum()
    levels = np.concatenate([fp.bands() for fp in fps]).astype(np.float64) / 2
    contrast = np.diff(levels, axis=1)
    peaks = [fp.peaks() for fp in fps]
    seconds = 3600 * hours
    return {
        "peaks a second": sum(p.ticks.size for p in peaks) / seconds,
        "peaks of the reference a second": sum(int((p.rank < P.reference_rank).sum()) for p in peaks)
        / seconds,
        "keys a second": keys.size / seconds,
        "even keys": float(1 / (share**2).sum()),
        "top": float(top),
        "again": fmean(1 - np.unique(fp.keys[:_FIRST]).size / max(fp.keys[:_FIRST].size, 1) for fp in fps),
        "hits": float(hits / (asked.size / (keys.size / seconds)) / hours),
        "band level, SD over time, dB": float(levels.std(axis=0).mean()),
        "band contrast, mean size, dB": float(np.abs(contrast).mean()),
        "band contrast, change a row, dB": float(np.abs(np.diff(contrast, axis=0)).mean()),
    }


# ---- in the workers -----------------------------------------------------------------------------------------
def _piece(k: int) -> tuple[str, Fingerprint]:
    style = STYLES[k % len(STYLES)]
    x = mono(render(_SYNTHESISED + k, RECORDING_S, style=style, sample_rate=SAMPLE_RATE))
    return f"synthesised {k}", fingerprint([x], SAMPLE_RATE)


def _shard(task: tuple[Path, Sequence[Source], int, int, int]) -> tuple[Path, int, float]:
    """Write one part of the catalogue; return where, its bytes, its seconds of sound."""
    folder, sources, seed, first, stop = task
    seconds = 0.0

    def items() -> Any:
        nonlocal seconds
        for k in range(first, stop):
            fp = synthetic(sources, rng_for(seed, "synthetic", k))
            seconds += fp.duration_s
            yield f"synthetic {k:06d}", fp

    Index.build(items(), folder)
    return folder, sum(p.stat().st_size for p in folder.iterdir()), seconds


def _made(query: Query) -> list[tuple[Query, int, list[str], Fingerprint]]:
    made = make(query, run.Here.library)
    if made is None:
        return []
    found = []
    for seconds in LENGTHS:
        x, there = first_seconds(*made, seconds)
        found.append((query, seconds, [a.recording for a in there], run.fingerprint_of_sound(x)))
    return found


@dataclass(frozen=True)
class _Asked:
    condition: str
    seconds: int
    registered: bool
    identity_s: float
    deep_s: float
    identity_right: bool
    deep_right: bool
    deep_told: bool
    peak_mb: float


def _ask(task: tuple[Query, int, list[str], Fingerprint]) -> _Asked:
    query, seconds, names, fp = task
    index = run.Here.index
    if index is None:
        raise RuntimeError("this worker was given no index")
    spent, best = [], []
    for deep in (False, True):
        began = time.process_time()
        segments = index.search(fp, deep=deep)
        spent.append(time.process_time() - began)
        strongest = max(segments, key=lambda s: s.log10_lr, default=None)
        best.append("" if strongest is None else strongest.recording_id)
    return _Asked(
        query.condition,
        seconds,
        query.registered,
        spent[0],
        spent[1],
        best[0] in names,
        best[1] in names,
        bool(best[1]),
        own_peak_mb(),
    )


# ---- the measurement ----------------------------------------------------------------------------------------
def measure(material: Material, sizes: Sequence[int], *, n: int, jobs: int, work: Path) -> dict[str, Any]:
    """Grow a catalogue and ask it the same questions at each size.

    Args:
        material: real recordings that are registered, held out, and cut up (``context``).
        sizes: recordings in the catalogue.
        n: excerpts a condition.
        jobs: processes.
        work: scratch folder, removed at the end.

    Raises:
        ValueError: too little free disk.
    """
    sizes = sorted(sizes)
    need = _BYTES_AN_HOUR * sizes[-1] * RECORDING_S / 3600
    work.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(work).free < need:
        raise ValueError(
            f"{sizes[-1]} recordings may need {need / 1e9:.1f} GB of disk, which {work} does not have"
        )
    try:
        return _measure(material, sizes, n, jobs, work)
    finally:
        shutil.rmtree(work)


def _measure(material: Material, sizes: Sequence[int], n: int, jobs: int, work: Path) -> dict[str, Any]:
    seed = material.seed
    with run.workers(material, (), jobs) as pool:
        real, _ = run.fingerprints(pool, material.registered)
        context, _ = run.fingerprints(pool, material.context or material.registered)
        held_out, _ = run.fingerprints(pool, material.held_out)
        # One synthesised source to three real ones.
        made = spread(pool, _piece, range(max(len(context) // 3, 4)), "synthesised")
        questions = [q for part in spread(pool, _made, _plan(material, n), "questions") for q in part]
    everything, strangers = [fp for _, fp in (*real, *context)], [fp for _, fp in held_out]
    sources = weighted([fp for _, fp in (*context, *made)], everything, strangers, seed)
    match = _match(everything, sources, strangers, seed)
    for line in match_table(match):
        print(line, flush=True)
    catalogue = run.build(real, work / "real", 0.0)
    folders, size, hours, there = (
        list(catalogue.folders),
        catalogue.bytes,
        catalogue.hours,
        catalogue.recordings,
    )
    told: list[dict[str, Any]] = []
    made_so_far = 0
    for wanted in sizes:
        tasks = []
        while there < wanted:
            count = min(SHARD, wanted - there)
            tasks.append((work / f"{made_so_far:06d}", sources, seed, made_so_far, made_so_far + count))
            made_so_far += count
            there += count
        began = time.monotonic()
        with run.workers(material, (), jobs) as pool:
            for folder, written, seconds in spread(pool, _shard, tasks, f"{wanted} recordings"):
                folders.append(folder)
                size += written
                hours += seconds / 3600
        built = time.monotonic() - began
        with run.workers(material, folders, jobs) as pool:
            asked = spread(pool, _ask, questions, f"asked {wanted} recordings")
        told.append(
            {
                "recordings": there,
                "hours": hours,
                "segments": len(folders),
                "bytes_per_hour": size / hours,
                "gigabytes": size / 1e9,
                "built_s": built,
                "worker_peak_mb": max(a.peak_mb for a in asked),
                **_summed(asked),
            }
        )
        for line in tables({"sizes": told[-1:]}):
            print(line, flush=True)
    return {"match": match, "sizes": told, "cost": _costs(told)}


def _plan(material: Material, n: int) -> list[Query]:
    queries: list[Query] = []
    for name in CONDITIONS:
        if BY_NAME[name].needs == "voices" and not material.voices:
            continue
        order = rng_for(material.seed, "growth", name).permutation(len(material.registered)).tolist()
        queries += [Query(name, True, k, (order[k % len(order)],)) for k in range(n)]
    order = rng_for(material.seed, "growth", "outside").permutation(len(material.held_out)).tolist()
    return queries + [Query("clean", False, k, (order[k % len(order)],)) for k in range(2 * n)]


def _match(
    real: Sequence[Fingerprint], cut: Sequence[Source], strangers: Sequence[Fingerprint], seed: int
) -> dict[str, dict[str, Any]]:
    """Compare as many synthetic recordings as give the real ones' hours."""
    seconds = sum(fp.duration_s for fp in real)
    count = max(round(seconds / RECORDING_S), 1)
    made = [synthetic(cut, rng_for(seed, "match", k)) for k in range(count)]
    a, b = statistics(real, strangers), statistics(made, strangers)
    return {
        name: {
            "real": a[name],
            "synthetic": b[name],
            "ratio": b[name] / a[name],
            "near": _near(b[name] / a[name]),
        }
        for name in a
    }


def _near(ratio: float) -> bool:
    return 1 / TOLERANCE <= ratio <= TOLERANCE


def _summed(asked: Sequence[_Asked]) -> dict[str, Any]:
    def cost(registered: bool, which: str) -> dict[str, float | None]:
        values = [
            getattr(a, which) for a in asked if a.registered == registered and a.seconds == max(LENGTHS)
        ]
        return {
            "median": quantile(values, 0.5),
            "mean": fmean(values) if values else None,
            "most": max(values, default=None),
        }

    def recall(condition: str, seconds: int, which: str) -> dict[str, Any]:
        part = [a for a in asked if a.registered and a.condition == condition and a.seconds == seconds]
        k, n = sum(getattr(a, which) for a in part), len(part)
        low, high = wilson(k, n)
        return {"n": n, "k": k, "share": k / n if n else None, "low": low, "high": high}

    def false(seconds: int) -> dict[str, Any]:
        part = [a for a in asked if not a.registered and a.seconds == seconds]
        k, n = sum(a.deep_told for a in part), len(part)
        low, high = clopper_pearson(k, n)
        return {"n": n, "k": k, "share": k / n if n else None, "low": low, "high": high}

    conditions = list(dict.fromkeys(a.condition for a in asked if a.registered))
    return {
        "cpu": {
            who: {which: cost(registered, f"{which}_s") for which in ("identity", "deep")}
            for who, registered in (("registered", True), ("unregistered", False))
        },
        "recall": {
            str(s): {c: {w: recall(c, s, f"{w}_right") for w in ("identity", "deep")} for c in conditions}
            for s in LENGTHS
        },
        "false": {str(s): false(s) for s in LENGTHS},
    }


def _costs(told: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return how much dearer the largest catalogue is than the smallest, by kind of query."""
    first, last = told[0], told[-1]
    return {
        "recordings": last["recordings"] / first["recordings"],
        **{
            f"{who}, {which}": last["cpu"][who][which]["mean"] / max(first["cpu"][who][which]["mean"], 1e-9)
            for who in ("registered", "unregistered")
            for which in ("identity", "deep")
        },
    }


# ---- words --------------------------------------------------------------------------------------------------
def match_table(match: dict[str, dict[str, Any]]) -> list[str]:
    """Write how near the synthetic fingerprints are to real ones."""
    lines = ["| statistic | real | synthetic | ratio | |", "|---|---|---|---|---|"]
    for name, m in match.items():
        words = "near" if m["near"] else "NOT NEAR"
        lines.append(f"| {name} | {m['real']:.4g} | {m['synthetic']:.4g} | {m['ratio']:.2f} | {words} |")
    return [*lines, ""]


def tables(result: dict[str, Any]) -> list[str]:
    """Write cost and recall at each size."""
    lines = match_table(result["match"]) if "match" in result else []
    lines += [
        "| recordings | hours | MB an hour | identity, registered / not, CPU-ms | deep, registered / not, CPU-ms |"
        " unregistered answered, 3 s / 10 s | worker MB |",
        "|---|---|---|---|---|---|---|",
    ]
    for t in result["sizes"]:
        cpu = {
            which: " / ".join(
                number(1000 * t["cpu"][who][which]["mean"], ".0f") for who in ("registered", "unregistered")
            )
            for which in ("identity", "deep")
        }
        false = " / ".join(false_words(c) for c in t["false"].values())
        lines.append(
            f"| {t['recordings']} | {t['hours']:.0f} | {t['bytes_per_hour'] / 1e6:.2f} | {cpu['identity']} |"
            f" {cpu['deep']} | {false} | {t['worker_peak_mb']:.0f} |"
        )
    head = [str(t["recordings"]) for t in result["sizes"]]
    for s in map(str, LENGTHS):
        lines += [
            "",
            f"| found % (95 %), {s} s, deep search | " + " | ".join(head) + " |",
            "|---|" + "---|" * len(head),
        ]
        for c in result["sizes"][0]["recall"][s]:
            lines.append(
                f"| {c} | " + " | ".join(percent(t["recall"][s][c]["deep"]) for t in result["sizes"]) + " |"
            )
    if "cost" in result and len(result["sizes"]) > 1:
        words = ", ".join(f"{k} × {v:.1f}" for k, v in result["cost"].items())
        lines += ["", f"From the smallest to the largest: {words}."]
    return [*lines, ""]
