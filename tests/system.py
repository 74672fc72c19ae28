"""The whole system in one process, for tests: a small flow over the real template and handlers."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.synth import render

from rightscan import runtime
from rightscan.adapters.local.clock import ManualClock
from rightscan.adapters.local.database import Database
from rightscan.adapters.local.wiring import Wiring, read_wiring
from rightscan.engines import EngineSettings
from rightscan.jobs.analysis import analyse
from rightscan.localrun.inline import InlineRuntime
from rightscan.media.encode import encode
from rightscan.media.limits import Limits
from rightscan.ports import Ports
from rightscan.records.base import canonical_json

ROOT = Path(__file__).resolve().parents[1]
START = datetime(2026, 11, 10, 3, 0, tzinfo=UTC)
PERIOD = "2026-11"
PIECE_S = 14.0
RATE = 22050


@functools.cache
def wiring() -> Wiring:
    """The real template's wiring, read once."""
    return read_wiring(ROOT / "template.yaml")


@dataclass(frozen=True)
class Files:
    """The flow's files."""

    audio: dict[str, Path]
    uploads: dict[str, Path]


def make_files(folder: Path) -> Files:
    """Two registered pieces, and uploads of each kind that the flow tells apart."""
    audio, uploads = folder / "audio", folder / "uploads"
    audio.mkdir(parents=True)
    uploads.mkdir()
    pieces = {f"REC-{n}": render(n, PIECE_S, sample_rate=RATE) for n in (1, 2)}
    stranger = render(77, PIECE_S, sample_rate=RATE)
    for name, sound in pieces.items():
        encode(sound, RATE, audio / f"{name}.flac", "flac")
    shutil.copy(audio / "REC-1.flac", uploads / "exact.flac")
    shutil.copy(audio / "REC-1.flac", uploads / "exact again.flac")
    encode(pieces["REC-2"][RATE * 2 : RATE * 12], RATE, uploads / "excerpt.mp3", "mp3", 48_000)
    encode(stranger, RATE, uploads / "stranger.mp3", "mp3", 96_000)
    (uploads / "corrupt.mp3").write_bytes(b"ID3\x04" + bytes(range(256)) * 40)
    (uploads / "text.mp3").write_text("no music at all")
    return Files(
        {path.stem: path for path in sorted(audio.iterdir())},
        {path.name: path for path in sorted(uploads.iterdir())},
    )


CATALOGUE = (
    {
        "_sheet": "recordings",
        "recording_id": "REC-1",
        "title": "첫째 곡",
        "isrc": "",
        "lineup_size": "2",
        "audio": "audio/REC-1.flac",
    },
    {
        "_sheet": "recordings",
        "recording_id": "REC-2",
        "title": "둘째 곡",
        "isrc": "KRA402600002",
        "lineup_size": "3",
        "audio": "audio/REC-2.flac",
    },
    {"_sheet": "performers", "performer_id": "P-1", "name_ko": "가나다"},
    {"_sheet": "performers", "performer_id": "P-2", "name_ko": "라마바"},
    {
        "_sheet": "lineups",
        "recording_id": "REC-1",
        "performer_id": "P-1",
        "role": "가창",
        "featured": "주실연",
    },
    {
        "_sheet": "lineups",
        "recording_id": "REC-1",
        "performer_id": "P-2",
        "role": "연주",
        "featured": "부실연",
    },
    {
        "_sheet": "lineups",
        "recording_id": "REC-2",
        "performer_id": "P-1",
        "role": "가창",
        "featured": "주실연",
    },
    {"_sheet": "mandates", "performer_id": "P-1", "kind": "회원", "from": "2020-01-01"},
)


MORE = (
    {"_sheet": "recordings", "recording_id": "REC-3", "title": "셋째 곡", "audio": "audio/REC-3.mp3"},
    {
        "_sheet": "lineups",
        "recording_id": "REC-2",
        "performer_id": "P-2",
        "role": "연주",
        "featured": "부실연",
    },
    {"_sheet": "performers", "performer_id": "P-3", "name_ko": "사아자"},
    {
        "_sheet": "lineups",
        "recording_id": "REC-2",
        "performer_id": "P-3",
        "role": "연주",
        "featured": "부실연",
    },
)


class RememberedAnalysis:
    """The real analysis, without the child and each file but once: a crash test runs it hundreds of times."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, path: Path, features: Path, limits: Limits, engines: EngineSettings) -> dict[str, Any]:
        digest = hashlib.sha256(path.read_bytes() + repr(engines).encode()).hexdigest()
        kept, facts = self._folder / f"{digest}.npz", self._folder / f"{digest}.json"
        if not facts.exists():
            told = analyse(path, kept, limits, engines)
            facts.write_text(json.dumps(told))
        shutil.copy(kept, features)
        return json.loads(facts.read_text())


class Killed(BaseException):
    """The process dies here."""


class Fuse:
    """Lets so many port calls of the functions happen and kills after the last of them."""

    def __init__(self, after: int | None = None) -> None:
        self.after = after
        self.calls: list[str] = []

    def wrap(self, ports: Ports) -> Ports:
        """The same world with every call counted."""
        names = [
            "objects", "ledger", "ingest_queue", "backfill_queue", "scan_queue", "scan_backfill_queue",
            "match_queue", "match_backfill_queue", "register_queue", "report_queue", "dead_letters", "events",
            "jobs",
        ]  # fmt: skip
        return replace(ports, **{name: _Counted(getattr(ports, name), name, self) for name in names})

    def burn(self, name: str) -> None:
        self.calls.append(name)
        if self.after is not None and len(self.calls) == self.after:
            raise Killed(name)


class _Counted:
    def __init__(self, inner: Any, name: str, fuse: Fuse) -> None:
        self._inner, self._name, self._fuse = inner, name, fuse

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(self._inner, attribute)
        if not callable(value):
            return value

        def call(*arguments: Any, **named: Any) -> Any:
            try:
                result = value(*arguments, **named)
            finally:
                self._fuse.burn(f"{self._name}.{attribute}")
            return result

        return call


class System:
    """A store, its runtime and the hands of the people who use it."""

    def __init__(
        self, home: Path, analysis: Callable[..., Any], *, seed: int | None = None, duplicate: bool = False
    ) -> None:
        self.home = home
        self.clock = ManualClock(START)
        self.ports = replace(
            runtime.local_ports(home, clock=self.clock, analyse=analysis, durable=False),
            meter=runtime.SilentMeter(),
        )
        self.database = Database(runtime.LocalPaths(home).database, durable=False)
        self._seed, self._duplicate = seed, duplicate
        self.log = io.StringIO()
        self.start()

    def start(self, fuse: Fuse | None = None) -> None:
        """Start the functions anew, as after a kill: nothing of the process before is left."""
        self.fuse = fuse or Fuse()
        # The index reader is process memory: a new process opens the index anew.
        fresh = runtime.local_ports(self.home, clock=self.clock, analyse=self.ports.analyse, durable=False)
        settings = replace(fresh.settings, index_refresh_s=0)
        world = self.fuse.wrap(replace(fresh, meter=runtime.SilentMeter(), settings=settings))
        self.runtime = InlineRuntime(
            wiring(),
            self.home,
            self.database,
            self.clock,
            ports=world,
            seed=self._seed,
            duplicate=self._duplicate,
        )
        self.runtime.restart()

    def pump(self) -> int:
        """Let the functions work until nothing waits."""
        with contextlib.redirect_stdout(self.log), contextlib.redirect_stderr(self.log):
            return self.runtime.pump()

    def survive(self) -> int:
        """As ``pump``, starting anew after each kill; returns how many there were."""
        kills = 0
        while True:
            try:
                self.pump()
            except Killed:
                kills += 1
                self.start(Fuse())
            else:
                return kills

    def register(self, files: Files) -> None:
        """Put the catalogue with its audio into the registrations bucket."""
        for name, path in files.audio.items():
            self.ports.objects.put_if_absent("registrations", f"catalogues/test/audio/{name}.flac", path)
        lines = "".join(canonical_json(row) + "\n" for row in CATALOGUE)
        self.ports.objects.put("registrations", "catalogues/test/catalogue.jsonl", lines.encode())

    def register_more(self, files: Files) -> None:
        """A second catalogue: the stranger becomes a recording, the line-up of the second piece complete."""
        stranger = files.uploads["stranger.mp3"]
        self.ports.objects.put_if_absent("registrations", "catalogues/more/audio/REC-3.mp3", stranger)
        lines = "".join(canonical_json(row) + "\n" for row in MORE)
        self.ports.objects.put("registrations", "catalogues/more/catalogue.jsonl", lines.encode())

    def ask_again(self) -> None:
        """Ask for all that was decided to be compared with the index and the registers of now."""
        for media_id in sorted({u.media_id for u in self.ports.ledger.uploads() if u.media_id is not None}):
            self.ports.match_queue.send({"kind": "match", "media_id": media_id, "cause": "sweep"})

    def upload(self, files: Files) -> None:
        """Put every upload into the bucket."""
        for name, path in files.uploads.items():
            self.ports.objects.put(
                "uploads", name, path, metadata={"rs-platform": "radio", "rs-use-type": "broadcast"}
            )

    def ask_report(self) -> None:
        """Ask for the month's export."""
        self.ports.report_queue.send(
            {"kind": "report", "period": PERIOD, "request_id": "test", "language": "ko"}
        )

    def snapshot(self) -> dict[str, Any]:
        """The ledger without what may differ between two runs: times, digests over them, attempts."""
        rows = self.database.connection().execute("SELECT pk, sk, kind, body FROM items ORDER BY pk, sk")
        found = {f"{row['pk']} {row['sk']}": _timeless(json.loads(row["body"])) for row in rows}
        index = found.get("PTR#index META")
        if index is not None:
            # How the catalogue is cut into segments depends on which recordings met in a batch; what the
            # index holds does not.
            found["PTR#index META"] = {
                name: index["value"][name] for name in ("pipeline", "version", "content")
            }
        return found

    def left_over(self) -> dict[str, int]:
        """What should not be there at the end: messages, dead letters, temporary folders."""
        count = self.database.connection().execute("SELECT count(*) FROM messages").fetchone()[0]
        workspaces = runtime.LocalPaths(self.home).workspaces
        folders = len(list(workspaces.iterdir())) if workspaces.is_dir() else 0
        return {"messages": count, "folders": folders, "dead": len(self.ports.dead_letters.show())}


# A report's keys name its content, and its content holds times.
_VOLATILE = {"digest", "previous", "claim_token", "lease_until", "attempts", "manifest", "files"}
_TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d")


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(item) for key, item in value.items() if key not in _VOLATILE}
    if isinstance(value, list):
        return [_timeless(item) for item in value]
    if isinstance(value, str) and _TIME.match(value):
        return "<time>"
    return value


@contextlib.contextmanager
def quiet() -> Iterator[io.StringIO]:
    """Keep the functions' logs off the terminal."""
    kept = io.StringIO()
    with contextlib.redirect_stdout(kept), contextlib.redirect_stderr(kept):
        yield kept
