"""Building the catalogue and asking the engine, in a process per core; what comes back is plain rows.

The engine is asked through ``bench.fingerprint_adapter``: with a file, decoding included, deep search on.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, field
from pathlib import Path
from typing import Any

from bench.fingerprint_adapter import fingerprint_of
from bench.identification import streams
from bench.identification.conditions import DURATIONS
from bench.identification.material import Library, Material, Track
from bench.identification.queries import Appearance, Query, first_seconds, make
from bench.processes import spawned, spread
from bench.sound import RATE, Sound, resampled, write_wav

from rightscan.errors import RightscanError
from rightscan.fingerprint import SAMPLE_RATE, Fingerprint, fingerprint
from rightscan.index import Index


@dataclass(frozen=True)
class Answer:
    """A segment as the engine told it."""

    recording: str
    start: float
    end: float
    reference: float
    score: float
    speed: float
    semitones: float

    def reference_at(self, second: float) -> float:
        """Where in the recording the answer puts a second of the query."""
        return self.reference + (second - self.start) * self.speed


@dataclass
class Row:
    """One question and its answers.

    Attributes:
        kind: ``excerpt`` or what kind of programme.
        condition: what was done to it, or the variant of the programme.
        seconds: length of the question.
        k: number of the question.
        registered: whether anything registered sounds in it.
        truth: what sounds where.
        answers: by the engine.
        cpu_s: processor seconds of decoding, fingerprint and search.
    """

    kind: str
    condition: str
    seconds: float
    k: int
    registered: bool
    truth: list[Appearance] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    cpu_s: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        body = asdict(self)
        body["truth"] = [list(astuple(a)) for a in self.truth]
        body["answers"] = [
            [v if isinstance(v, str) else round(v, 3) for v in astuple(a)] for a in self.answers
        ]
        return body

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Row:
        """Read what ``as_dict`` made."""
        truth = [Appearance(*a) for a in body["truth"]]
        return cls(**{**body, "truth": truth, "answers": [Answer(*a) for a in body["answers"]]})


@dataclass(frozen=True)
class Catalogue:
    """What a search is given.

    Attributes:
        folders: of the index.
        hours: of sound in it.
        bytes: on disk.
        recordings: in it.
        times_real_time: speed of decoding and fingerprinting, on one core.
    """

    folders: tuple[Path, ...]
    hours: float
    bytes: int
    recordings: int
    times_real_time: float


# ---- processes --------------------------------------------------------------------------------------------
class Here:
    """What a worker keeps between its tasks."""

    library: Library
    index: Index | None = None


def _start(material: Material, folders: Sequence[Path]) -> None:
    Here.library = Library(material)
    Here.index = Index.open(list(folders), verify=False) if folders else None


@contextmanager
def workers(material: Material, folders: Sequence[Path], jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Run a pool whose processes hold the material and the index; spawned, since a fork would copy threads."""
    with spawned(jobs, _start, material, folders) as pool:
        yield pool


# ---- the catalogue ----------------------------------------------------------------------------------------
def _registered(track: Track) -> tuple[str, Fingerprint | None, float]:
    began = time.process_time()
    try:
        found = fingerprint_of(track.path)
    except RightscanError as error:
        print(f"not registered: {track.name}: {error}", flush=True)
        return track.name, None, 0.0
    return track.name, found, time.process_time() - began


def fingerprints(
    pool: ProcessPoolExecutor, tracks: Sequence[Track]
) -> tuple[list[tuple[str, Fingerprint]], float]:
    """Fingerprint tracks; also return the speed, seconds of sound per processor second."""
    found = spread(pool, _registered, tracks, "registered")
    items = [(name, fp) for name, fp, _ in found if fp is not None]
    spent = sum(cpu for _, _, cpu in found)
    return items, sum(fp.duration_s for _, fp in items) / max(spent, 1e-9)


def build(items: Sequence[tuple[str, Fingerprint]], folder: Path, times_real_time: float) -> Catalogue:
    """Write the index of a catalogue."""
    Index.build(items, folder)
    size = sum(p.stat().st_size for p in folder.iterdir())
    hours = sum(fp.duration_s for _, fp in items) / 3600
    return Catalogue((folder,), hours, size, len(items), times_real_time)


def _copy(track: Track) -> tuple[str, Fingerprint]:
    return track.name + streams.COPY, fingerprint_of_sound(streams.copy_of(Here.library, track))


def fingerprint_of_sound(x: Sound) -> Fingerprint:
    """Fingerprint samples."""
    return fingerprint([resampled(x, SAMPLE_RATE)], SAMPLE_RATE)


# ---- asking -----------------------------------------------------------------------------------------------
def ask(x: Sound) -> tuple[list[Answer], float]:
    """Ask the worker's index; return the answers, the strongest first, and the processor seconds."""
    if Here.index is None:
        raise RuntimeError("this worker was given no index")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "query.wav"
        write_wav(path, x)
        began = time.process_time()
        segments = Here.index.search(fingerprint_of(path), deep=True, limit=100)
        spent = time.process_time() - began
    answers = [
        Answer(
            s.recording_id,
            s.media_start,
            s.media_end,
            s.reference_start,
            s.log10_lr,
            s.modification.speed,
            s.modification.pitch_semitones,
        )
        for s in segments
    ]
    return sorted(answers, key=lambda a: -a.score), spent


def _excerpts(queries: Sequence[Query]) -> list[Row]:
    rows: list[Row] = []
    for query in queries:
        made = make(query, Here.library)
        if made is None:
            continue
        for seconds in DURATIONS:
            x, there = first_seconds(*made, seconds)
            answers, spent = ask(x)
            rows.append(
                Row("excerpt", query.condition, seconds, query.k, query.registered, there, answers, spent)
            )
    return rows


def excerpts(pool: ProcessPoolExecutor, queries: Sequence[Query]) -> list[Row]:
    """Ask for excerpts; those of one track go to one worker, which decodes it once."""
    groups: dict[tuple[bool, int], list[Query]] = defaultdict(list)
    for q in queries:
        groups[q.registered, q.tracks[0] if q.tracks else -1 - q.k].append(q)
    # Ten at a time at most, so that the last worker does not work alone for long.
    parts = [group[i : i + 10] for group in groups.values() for i in range(0, len(group), 10)]
    return [row for rows in spread(pool, _excerpts, parts, "excerpts") for row in rows]


def _stream(task: tuple[streams.Stream, int]) -> Row:
    stream, copies = task
    library = Here.library
    match stream.kind:
        case "inside, clean" | "inside, under talk":
            x, there = streams.inside(library, stream.k, talk=stream.kind.endswith("talk"))
        case "montage":
            x, there = streams.montage(library, stream.k)
        case "thrice":
            x, there = streams.thrice(library, stream.k)
        case "registered twice":
            x, there = streams.twice(library, stream.k, copies)
        case _:
            raise ValueError(stream.kind)
    answers, spent = ask(x)
    return Row("stream", stream.kind, x.size / RATE, stream.k, True, there, answers, spent)


def programmes(pool: ProcessPoolExecutor, kinds: Sequence[str], n: int, copies: int = 0) -> list[Row]:
    """Ask for ``n`` programmes of each kind."""
    tasks = [(streams.Stream(kind, k), copies) for kind in kinds for k in range(n)]
    return spread(pool, _stream, tasks, "programmes")


def copies(pool: ProcessPoolExecutor, material: Material, n: int, folder: Path) -> int:
    """Register recordings a second time, in an index of their own; return how many."""
    tracks = streams.copied(material, n)
    Index.build(spread(pool, _copy, tracks, "copies"), folder)
    return len(tracks)
