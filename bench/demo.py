"""The main job from end to end, through the functions of template.yaml on this machine.

``make demo`` runs it on music it makes itself, ``make demo MEDIA=dir`` on the audio files of a folder: every
fifth file is left out of the catalogue, of the others an excerpt in another encoding is uploaded. The results
are compared with what was put in; the exit status says whether they agree.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from bench.synth.demo import write_demo
from rich.console import Console

from rightscan.media.decode import open_audio
from rightscan.media.encode import encode

AUDIO = (".wav", ".mp3", ".m4a", ".aac", ".flac", ".ogg", ".opus", ".wma", ".aif", ".aiff")
EXCERPT_S = 20.0
SHORTEST_S = 25.0
BORDER_S = 1.0

console = Console()


@dataclass(frozen=True)
class Wanted:
    """What must be found in one upload: recordings with their place in the upload, s, and the code."""

    code: str
    appearances: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Material:
    """What the demonstration works on."""

    catalogue: Path
    uploads: Path
    facts: Path | None
    wanted: dict[str, Wanted]
    periods: tuple[str, ...]


def made(folder: Path) -> Material:
    """Music made here, with line-ups, facts and every kind of upload."""
    demo = write_demo(folder)
    wanted = {
        Path(entry.path).name: Wanted(
            entry.code, tuple((a.recording_id, a.media_start, a.media_end) for a in entry.appearances)
        )
        for entry in demo.expected
    }
    periods = tuple(sorted({entry.use_period for entry in demo.expected}))
    return Material(demo.catalogue, folder / "uploads", demo.facts, wanted, periods)


def from_folder(media: Path, folder: Path, most: int) -> Material:
    """The audio files of a folder, four in five registered."""
    files = sorted(path for path in media.rglob("*") if path.suffix.lower() in AUDIO)
    step = max(1, len(files) // most)
    chosen = files[::step][:most]
    uploads = folder / "uploads"
    uploads.mkdir(parents=True)
    rows, wanted = [], {}
    for number, path in enumerate(chosen):
        sound = _decode(path)
        if sound.size < SHORTEST_S * 44100:
            continue
        recording_id = f"FILE-{number:04d}"
        held_out = number % 5 == 4
        # The excerpt begins a third into the file, where music has begun and not yet faded.
        start = sound.size // 3
        excerpt = sound[start : start + int(EXCERPT_S * 44100)]
        codec, rate = (("mp3", 32_000), ("m4a", 64_000), ("opus", 48_000))[number % 3]
        target = uploads / f"{number:04d}.{codec}"
        encode(excerpt, 44100, target, codec, rate)
        if held_out:
            wanted[target.name] = Wanted("N1", ())
        else:
            rows.append({"recording_id": recording_id, "title": path.stem, "audio": str(path.resolve())})
            wanted[target.name] = Wanted("U3", ((recording_id, 0.0, excerpt.size / 44100),))
    catalogue = folder / "recordings.csv"
    with catalogue.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, ["recording_id", "title", "audio"])
        writer.writeheader()
        writer.writerows(rows)
    return Material(
        catalogue, uploads, None, wanted, (time.strftime("%Y-%m", time.gmtime(time.time() + 9 * 3600)),)
    )


def _decode(path: Path) -> np.ndarray:
    with open_audio(path) as stream:
        return np.concatenate(list(stream.blocks(44100)))


def rightscan(home: Path, *arguments: str, cwd: Path, capture: bool = False) -> str:
    """Run the command; its own exit status is judged by the caller's comparison."""
    command = [str(Path(sys.executable).with_name("rightscan")), "--home", str(home), *arguments]
    if not capture:
        console.print(f"\n[bold]$ rightscan {' '.join(arguments)}[/bold]", highlight=False)
    done = subprocess.run(
        command, cwd=cwd, check=False, text=True, stdout=subprocess.PIPE if capture else None
    )
    if done.returncode not in (0, 1):
        sys.exit(f"rightscan {' '.join(arguments)} ended with status {done.returncode}")
    return done.stdout or ""


def compare(lines: list[dict], wanted: dict[str, Wanted]) -> list[str]:
    """Where the results differ from what was put in."""
    wrong = []
    seen = {Path(line["path"]).name: line for line in lines}
    if set(seen) != set(wanted):
        wrong.append(f"uploads without a result: {sorted(set(wanted) - set(seen))}")
    for name, line in seen.items():
        want = wanted[name]
        codes = sorted({finding["code"] for finding in line.get("findings", [])})
        found = [(s["recording_id"], s["media_start"], s["media_end"]) for s in line.get("segments", [])]
        if codes != [want.code]:
            wrong.append(f"{name}: code {codes}, expected {want.code}")
        if [f[0] for f in found] != [w[0] for w in want.appearances]:
            wrong.append(
                f"{name}: found {[f[0] for f in found]}, expected {[w[0] for w in want.appearances]}"
            )
            continue
        for (recording, start, end), (_, want_start, want_end) in zip(found, want.appearances, strict=True):
            if abs(start - want_start) > BORDER_S or abs(end - want_end) > BORDER_S:
                wrong.append(
                    f"{name}: {recording} at {start:.1f}-{end:.1f} s, put at {want_start:.1f}-{want_end:.1f} s"
                )
    return wrong


def main() -> int:
    """Run the demonstration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/demo"))
    parser.add_argument("--media", type=Path, help="folder of audio files")
    parser.add_argument("--most", type=int, default=20, help="files taken from the folder")
    parser.add_argument("--lang", choices=["ko", "en"], default="ko")
    given = parser.parse_args()
    os.environ.setdefault("COLUMNS", "170")
    began = time.monotonic()
    work = given.work.resolve()
    shutil.rmtree(work, ignore_errors=True)
    files, home = work / "files", work / "store"
    files.mkdir(parents=True)
    material = made(files) if given.media is None else from_folder(given.media, files, given.most)
    console.print(f"material ready after {time.monotonic() - began:.0f} s: {files}", highlight=False)
    language = ("--lang", given.lang)
    facts = () if material.facts is None else ("--facts", str(material.facts))
    rightscan(home, "register", str(material.catalogue), *language, cwd=files)
    rightscan(home, "scan", "uploads", *facts, *language, cwd=files)
    # The same uploads again: nothing is counted twice, and the results come as JSON for the comparison.
    lines = rightscan(home, "scan", "uploads", *facts, "--json", cwd=files, capture=True)
    for period in material.periods:
        rightscan(home, "report", "--period", period, "--out", str(work / "reports"), *language, cwd=files)
    rightscan(home, "cases", *language, cwd=files)
    pools = (
        "--pool",
        "licence_fee=1000000",
        "--pool",
        "remuneration=500000",
        "--pool",
        "ai_licence_fee=300000",
    )
    rightscan(home, "shares", material.periods[-1], *pools, *language, cwd=files)
    rightscan(home, "verify-log", *language, cwd=files)
    rightscan(home, "doctor", *language, cwd=files)
    results = [json.loads(line) for line in lines.splitlines()]
    wrong = compare(results, material.wanted)
    uses = sum(len(result.get("uses", [])) for result in results)
    for problem in wrong:
        console.print(f"[red]{problem}[/red]", highlight=False)
    console.print(
        f"\n{len(results)} uploads, {uses} uses, {len(wrong)} differences from what was put in; "
        f"{time.monotonic() - began:.0f} s in all. Store: {home}  Reports: {work / 'reports'}",
        highlight=False,
    )
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
