"""How well the audio fingerprint identifies: real music, degraded excerpts, and what is in no catalogue.

    python bench/fingerprint_accuracy.py --media DIR [--seed N] [--json]   report on one half of the music
    python bench/fingerprint_accuracy.py --media DIR --calibrate           fit the score on the other half

DIR holds ``music`` and, where there are any, ``voices``, ``noise`` and ``ai``. Tracks of one series (same folder
and first word of the name) stay together, because they share samples; series are dealt into a tuning and a
reporting half, and within a half into registered and held out. Queries come from the chosen half alone; the
catalogue searched also holds the other half.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import av
import av.error
import av.filter
import numpy as np
from numpy.typing import NDArray

from rightscan.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint
from rightscan.index import Index, Segment, calibration

Sound = NDArray[np.float32]

RATE = 44100
SUFFIXES = {".mp3", ".ogg", ".flac", ".opus", ".wav", ".m4a"}
OFFSET_S = 0.5  # a match further off than this is a wrong one


# Sound ------------------------------------------------------------------------------------------------------
def decode(source: Path | io.BytesIO, rate: int = RATE) -> Sound:
    pieces: list[Sound] = []
    with av.open(source if isinstance(source, io.BytesIO) else str(source)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in container.decode(audio=0):
            pieces += [out.to_ndarray()[0] for out in resampler.resample(frame)]
        pieces += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def _frame(x: Sound) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(x[None], np.float32), format="flt", layout="mono")
    frame.sample_rate = RATE
    return frame


def resampled(x: Sound, rate: int) -> Sound:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    return np.concatenate([out.to_ndarray()[0] for f in (_frame(x), None) for out in resampler.resample(f)])


def coded(x: Sound, codec: str, container: str, rate: int, bit_rate: int) -> Sound:
    """The sound after a lossy codec and back."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate)
        stream.bit_rate = bit_rate
        stream.layout = "mono"
        resampler = av.AudioResampler(
            format=stream.format, layout="mono", rate=rate, frame_size=stream.frame_size
        )
        for frame in (_frame(x), None):
            for part in resampler.resample(frame):
                out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    file.seek(0)
    return decode(file)


def filtered(x: Sound, *filters: str) -> Sound:
    """The sound after FFmpeg filters, each ``name=arguments``."""
    graph = av.filter.Graph()
    last = graph.add_abuffer(sample_rate=RATE, format="flt", layout="mono")
    source = last
    for text in (*filters, "aformat=sample_fmts=flt:channel_layouts=mono"):
        name, _, arguments = text.partition("=")
        node = graph.add(name, arguments)
        last.link_to(node)
        last = node
    sink = graph.add("abuffersink")
    last.link_to(sink)
    graph.configure()
    source.push(_frame(x))
    source.push(None)
    pieces: list[Sound] = []
    while True:
        try:
            pieces.append(sink.pull().to_ndarray().ravel())
        except (av.error.EOFError, av.error.BlockingIOError):
            return np.concatenate(pieces).astype(np.float32)


def rms(x: Sound) -> float:
    return float(np.sqrt(np.mean(x.astype(np.float64) ** 2))) + 1e-12


def mixed(x: Sound, other: Sound, snr_db: float) -> Sound:
    return (x + other * (rms(x) / rms(other) * 10 ** (-snr_db / 20))).astype(np.float32)


# Material ---------------------------------------------------------------------------------------------------
def dealt(text: str, seed: int, share: float) -> bool:
    """Whether a name falls into the first ``share`` of a seeded deal."""
    digest = hashlib.sha256(f"{seed}|{text}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES) if folder.is_dir() else []


def series(path: Path) -> str:
    word = path.stem.replace("-", " ").replace("_", " ").split()[0]
    return f"{path.parent.name}/{word}"


@dataclass
class Material:
    """The sounds of one half, and the index they are searched in."""

    registered: list[Path]
    held_out: list[Path]
    others: dict[str, list[Path]]
    index: Index
    hours: float
    index_bytes: int
    extraction: float
    rng: np.random.Generator
    cache: dict[Path, Sound] = field(default_factory=dict)

    def sound(self, path: Path) -> Sound:
        """The decoded file; the last few are kept."""
        if path not in self.cache:
            if len(self.cache) > 12:
                del self.cache[next(iter(self.cache))]
            self.cache[path] = decode(path)
        return self.cache[path]

    def excerpt(self, path: Path, seconds: float) -> tuple[Sound, float]:
        """A stretch that is not silent, and where it begins."""
        x = self.sound(path)
        n = min(int(seconds * RATE), x.size)
        for _ in range(30):
            at = int(self.rng.integers(x.size - n + 1))
            if rms(x[at : at + n]) > 10 ** (-42 / 20):
                break
        return x[at : at + n].copy(), at / RATE

    def talk(self, samples: int) -> Sound:
        """Speech of one person after another."""
        pieces: list[Sound] = []
        while sum(p.size for p in pieces) < samples:
            x = self.sound(self.others["voices"][int(self.rng.integers(len(self.others["voices"])))])
            pieces.append(x / np.float32(rms(x) / 0.08))
        return np.concatenate(pieces)[:samples]


def gather(media: Path, seed: int, folder: Path, *, tuning: bool) -> Material:
    music = files(media / "music")
    names = sorted({series(p) for p in music})
    order = np.random.default_rng(seed).permutation(len(names))
    # Every other series goes to the tuning half; of each half one in three is held out.
    half = {names[s]: i % 2 == 0 for i, s in enumerate(order)}
    out = {names[s]: i // 2 % 3 == 2 for i, s in enumerate(order)}
    mine = [p for p in music if half[series(p)] == tuning]
    held_out = [p for p in mine if out[series(p)]]
    registered = [p for p in mine if p not in held_out]
    catalogue = registered + [p for p in music if half[series(p)] != tuning]
    others = {
        kind: [p for p in files(media / kind) if dealt(p.parent.name, seed, 0.5) == tuning]
        for kind in ("voices", "noise", "ai")
    }
    seconds = cpu = 0.0
    items: list[tuple[str, Fingerprint]] = []
    for path in catalogue:
        x = decode(path, SAMPLE_RATE)
        began = time.process_time()
        items.append((str(path.relative_to(media)), fingerprint([x], SAMPLE_RATE)))
        cpu += time.process_time() - began
        seconds += x.size / SAMPLE_RATE
    Index.build(items, folder / "catalogue")
    size = sum(p.stat().st_size for p in (folder / "catalogue").iterdir())
    index = Index.open([folder / "catalogue"])
    index.search(items[0][1])  # maps the files and makes the table of keys
    rng = np.random.default_rng([seed, tuning])
    return Material(registered, held_out, others, index, seconds / 3600, size, seconds / cpu, rng)


# Conditions: seconds of the original needed per second of the query, and what is done to them ------------------
Change = Callable[[Sound, Material], Sound]


def _speed(ratio: float) -> Change:
    return lambda x, _: filtered(x, f"asetrate={round(RATE * ratio)}", f"aresample={RATE}")


def _tempo(ratio: float) -> Change:
    return lambda x, _: filtered(x, f"atempo={ratio}")


def _pitch(semitones: float) -> Change:
    k = 2 ** (semitones / 12)
    return lambda x, _: filtered(x, f"asetrate={round(RATE * k)}", f"aresample={RATE}", f"atempo={1 / k}")


def _white(snr: float) -> Change:
    return lambda x, m: mixed(x, m.rng.standard_normal(x.size).astype(np.float32), snr)


CONDITIONS: dict[str, tuple[float, Change]] = {
    "clean": (1, lambda x, _: x),
    "mp3 32k": (1, lambda x, _: coded(x, "libmp3lame", "mp3", RATE, 32_000)),
    "opus 24k": (1, lambda x, _: coded(x, "libopus", "ogg", 48_000, 24_000)),
    "telephone": (1, lambda x, _: filtered(x, "highpass=f=300:p=2", "lowpass=f=3400:p=2")),
    "white noise +5 dB": (1, _white(5)),
    "white noise 0 dB": (1, _white(0)),
    "white noise -5 dB": (1, _white(-5)),
    "talk 6 dB over": (1, lambda x, m: mixed(x, m.talk(x.size), -6)),
    "speed 0.90": (0.9, _speed(0.9)),
    "speed 1.01": (1.01, _speed(1.01)),
    "speed 1.05": (1.05, _speed(1.05)),
    "nightcore 1.25": (1.25, _speed(1.25)),
    "tempo 0.80": (0.8, _tempo(0.8)),
    "tempo 1.10": (1.1, _tempo(1.1)),
    "tempo 1.20": (1.2, _tempo(1.2)),
    "pitch -2": (1, _pitch(-2)),
    "pitch +0.75": (1, _pitch(0.75)),
}


@dataclass
class Cell:
    """One row of the table."""

    condition: str
    seconds: float
    deep: bool
    n: int
    found: int
    wrong: int
    low: float
    high: float
    median_log10_lr: float | None
    query_ms: float


def wilson(k: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    z = 1.959964
    centre = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def ask(material: Material, x: Sound, *, deep: bool) -> tuple[list[Segment], float]:
    """Segments, and CPU seconds of fingerprint and search."""
    low = resampled(x, SAMPLE_RATE)
    began = time.process_time()
    found = material.index.search(fingerprint([low], SAMPLE_RATE), deep=deep)
    return found, time.process_time() - began


def positives(m: Material, media: Path, condition: str, seconds: float, n: int, *, deep: bool) -> Cell:
    need, change = CONDITIONS[condition]
    found = wrong = 0
    scores: list[float] = []
    cpu = 0.0
    for i in range(n):
        path = m.registered[i % len(m.registered)]
        # Half a second more on either side keeps the ends of filters and codecs out of the query.
        x, at = m.excerpt(path, need * (seconds + 1))
        y = change(x, m)
        skip = min(int(0.5 * RATE), max(y.size - int(seconds * RATE), 0))
        segments, spent = ask(m, y[skip : skip + int(seconds * RATE)], deep=deep)
        cpu += spent
        truth = at + skip / RATE * need
        name = str(path.relative_to(media))
        right = [
            s
            for s in segments
            if s.recording_id == name
            and abs(s.reference_start - s.media_start * s.modification.speed - truth) <= OFFSET_S
        ]
        found += bool(right)
        scores += [max(s.log10_lr for s in right)] if right else []
        others = [s for s in segments if s.recording_id != name]
        wrong += bool(others)
        for s in others:
            print(f"  wrong: {name} at {truth:.1f} as {s}", file=sys.stderr)
    low, high = wilson(found, n)
    middle = float(np.median(scores)) if scores else None
    return Cell(condition, seconds, deep, n, found, wrong, low, high, middle, 1000 * cpu / n)


def negatives(m: Material, kind: str, paths: Sequence[Path], seconds: float, n: int, *, deep: bool) -> Cell:
    wrong = 0
    cpu = 0.0
    for i in range(n):
        x, _ = m.excerpt(paths[i % len(paths)], seconds)
        segments, spent = ask(m, x, deep=deep)
        cpu += spent
        wrong += bool(segments)
        for s in segments:
            print(
                f"  false: {paths[i % len(paths)].name} as {s.recording_id} {s.log10_lr:.1f}", file=sys.stderr
            )
    low, high = wilson(wrong, n)
    return Cell(f"not registered: {kind}", seconds, deep, n, 0, wrong, low, high, None, 1000 * cpu / n)


@dataclass
class Programmes:
    """Registered excerpts of 5 to 60 s between talk and unregistered music, two in five under talk."""

    hours: float
    excerpts: int
    found: int
    both_borders: int
    median_error_s: float
    within_bounds: float
    false_segments: int
    times_real_time: float


def programmes(m: Material, media: Path, count: int, *, deep: bool) -> Programmes:
    errors: list[tuple[float, float]] = []
    inside: list[bool] = []
    hours = cpu = 0.0
    excerpts = false = 0
    for _ in range(count):
        parts: list[Sound] = []
        truths: list[tuple[str, float, float, float]] = []
        length = 0.0

        def add(x: Sound, parts: list[Sound] = parts) -> float:
            parts.append(x / np.float32(rms(x) / 0.08))
            return x.size / RATE

        for _ in range(4):
            length += add(m.talk(int(m.rng.uniform(5, 25) * RATE)))
            if m.held_out and m.rng.random() < 0.5:
                x, _at = m.excerpt(m.held_out[int(m.rng.integers(len(m.held_out)))], m.rng.uniform(10, 30))
                length += add(x)
            for _ in range(int(m.rng.integers(1, 3))):
                path = m.registered[int(m.rng.integers(len(m.registered)))]
                x, at = m.excerpt(path, m.rng.uniform(5, 60))
                if m.rng.random() < 0.4:
                    x = mixed(x, m.talk(x.size), float(m.rng.uniform(-6, 6)))
                seconds = add(x)
                truths.append((str(path.relative_to(media)), length, length + seconds, at))
                length += seconds
        fp = fingerprint([resampled(np.concatenate(parts), SAMPLE_RATE)], SAMPLE_RATE)
        began = time.process_time()
        segments = m.index.search(fp, deep=deep, limit=100)
        cpu += time.process_time() - began
        hours += length / 3600
        excerpts += len(truths)
        for name, start, stop, at in truths:
            for s in segments:
                line = s.reference_start - s.media_start * s.modification.speed
                here = s.recording_id == name and s.media_start < stop and s.media_end > start
                if here and abs(line - (at - start * s.modification.speed)) <= OFFSET_S:
                    errors.append((abs(s.media_start - start), abs(s.media_end - stop)))
                    inside += [e <= b for e, b in zip(errors[-1], s.bounds, strict=True)]
                    break
        false += sum(
            not any(s.recording_id == n and s.media_start < b and s.media_end > a for n, a, b, _ in truths)
            for s in segments
        )
    both = sum(max(e) <= 0.5 for e in errors)
    middle = float(np.median(errors)) if errors else math.nan
    return Programmes(
        hours,
        excerpts,
        len(errors),
        both,
        middle,
        float(np.mean(inside)),
        false,
        hours * 3600 / max(cpu, 1e-9),
    )


# Calibration ------------------------------------------------------------------------------------------------
def calibrate(m: Material, media: Path, n: int) -> None:
    """Print the logistic fit of log10 LR on the harmony statistic, and the tail of the unregistered."""
    scores: dict[bool, list[float]] = {True: [], False: []}

    def collect(x: Sound, name: str | None, *, deep: bool) -> None:
        fp = fingerprint([resampled(x, SAMPLE_RATE)], SAMPLE_RATE)
        for recording_id, alignment in m.index.followed(fp, deep=deep):
            if name is None:
                scores[False].append(alignment.harmony)
            elif recording_id == name:
                scores[True].append(alignment.harmony)

    easy = ["mp3 32k", "white noise 0 dB", "white noise -5 dB", "talk 6 dB over", "opus 24k", "telephone"]
    for i in range(n):
        path = m.registered[i % len(m.registered)]
        x, _ = m.excerpt(path, (3, 5, 10)[i % 3])
        collect(CONDITIONS[easy[i % len(easy)]][1](x, m), str(path.relative_to(media)), deep=False)
    pools = [m.held_out, *m.others.values()]
    for i in range(4 * n):
        pool = pools[i % len(pools)]
        if pool:
            x, _ = m.excerpt(pool[i // len(pools) % len(pool)], (3, 5, 10)[i % 3])
            collect(x, None, deep=i % 8 == 0)
    h = np.array(scores[True] + scores[False])
    y = np.array([1.0] * len(scores[True]) + [0.0] * len(scores[False]))
    w = np.where(y == 1, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    a = np.stack([h, np.ones_like(h)], 1)
    b = np.zeros(2)
    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(a @ b, -50, 50)))
        step = (a * (w * p * (1 - p))[:, None]).T @ a + 1e-9 * np.eye(2)
        b -= np.linalg.solve(step, a.T @ (w * (p - y)))
    per_unit, constant = b / math.log(10)
    print(f"log10_lr = {per_unit:.3f} * harmony + {constant:.3f}")
    print(f"registered n = {len(scores[True])}, unregistered n = {len(scores[False])}")
    tail = np.array(scores[False])
    for t in range(2, 13):
        print(f"  unregistered harmony > {t}: {(tail > t).sum()} ({(tail > t).mean():.2e})")


# Report -----------------------------------------------------------------------------------------------------
def cells(m: Material, media: Path, n: int) -> Iterator[Cell]:
    for seconds in (10, 5, 3):
        for condition in list(CONDITIONS)[:8]:
            yield positives(m, media, condition, seconds, n, deep=False)
    for seconds in (10, 5):
        for condition in list(CONDITIONS)[8:]:
            yield positives(m, media, condition, seconds, max(n // 2, 1), deep=True)
    kinds = {
        "music": m.held_out,
        "voices": m.others["voices"],
        "noise": m.others["noise"],
        "machine-made": m.others["ai"],
    }
    for deep, count in ((False, 2 * n), (True, n)):
        for seconds in (10, 3):
            for kind, paths in kinds.items():
                if paths:
                    yield negatives(m, kind, paths, seconds, count, deep=deep)


def main() -> None:
    """Run the report or the calibration."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--n", type=int, default=100, help="queries a row (default 100)")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--calibrate", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        m = gather(arguments.media, arguments.seed, Path(folder), tuning=arguments.calibrate)
        if arguments.calibrate:
            calibrate(m, arguments.media, 3 * arguments.n)
            return
        head = {
            "registered": len(m.index.recording_ids),
            "hours": m.hours,
            "extraction_times_real_time": m.extraction,
            "index_mb_per_hour": m.index_bytes / m.hours / 1e6,
            "accept_log10_lr": calibration.ACCEPT_LOG10_LR,
        }
        if not arguments.json:
            print(", ".join(f"{k} {v:.4g}" for k, v in head.items()), flush=True)
            print(
                f"{'condition':32} {'s':>3} deep {'n':>4} {'found':>6} {'95 %':>11} {'wrong':>5} {'lr':>5} {'ms':>5}"
            )
        rows: list[Cell] = []
        for cell in cells(m, arguments.media, arguments.n):
            rows.append(cell)
            if not arguments.json:
                lr = "" if cell.median_log10_lr is None else f"{cell.median_log10_lr:.1f}"
                share = "" if cell.condition.startswith("not") else f"{100 * cell.found / cell.n:.1f}"
                span = f"{100 * cell.low:.1f}-{100 * cell.high:.1f}"
                print(
                    f"{cell.condition:32} {cell.seconds:3.0f} {'yes' if cell.deep else 'no':>4} {cell.n:4d}"
                    f" {share:>6} {span:>11} {cell.wrong:5d} {lr:>5} {cell.query_ms:5.0f}",
                    flush=True,
                )
        streams = {
            d: programmes(m, arguments.media, max(arguments.n // 10, 1), deep=d) for d in (False, True)
        }
        if arguments.json:
            body = head | {"rows": [asdict(r) for r in rows]}
            body["programmes"] = [asdict(p) | {"deep": d} for d, p in streams.items()]
            print(json.dumps(body))
        else:
            for d, p in streams.items():
                print(f"programmes, deep {'yes' if d else 'no'}: {asdict(p)}")


if __name__ == "__main__":
    main()
