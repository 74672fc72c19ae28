"""The list of clips beside the clips: one row a file, real and fake, appended whole blocks at a time."""

from __future__ import annotations

import csv
import fcntl
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from training.synthesis.sources import Clip


@dataclass(frozen=True)
class Row:
    """A line of ``index.csv``.

    Attributes:
        path: of the FLAC file, under the index's folder.
        label: ``real`` or ``fake``.
        family: of the decoder; ``real`` for real clips; ``<family>-init`` for a decoder never trained.
        lattice: 1 where the family's upsampling leaves lines at multiples of its rate over k, else 0.
        site: where the recording comes from.
        subject: person or track.
        split: ``train``, ``tune`` or ``report``, by subject.
        source_path: in the media folder, or ``synth:<seed>``.
        start_s: where the clip begins in its source, s.
        sample_rate: of the file, Hz.
        licence: of the source.
        clip: name of the clip; a real row and its fakes share it and the sample rate.
        kind: ``voice``, ``music`` or ``noise``.
        settings: of the family, as drawn.
    """

    path: str
    label: str
    family: str
    lattice: int
    site: str
    subject: str
    split: str
    source_path: str
    start_s: float
    sample_rate: int
    licence: str
    clip: str
    kind: str
    settings: str


def row_of(clip: Clip, path: str, family: str, lattice: int, rate: int, settings: str) -> Row:
    """The row of a file made from a clip."""
    source = clip.source
    label = "real" if family == "real" else "fake"
    return Row(
        path=path,
        label=label,
        family=family,
        lattice=lattice,
        site=source.site,
        subject=source.subject,
        split=source.split,
        source_path=source.path,
        start_s=clip.start_s,
        sample_rate=rate,
        licence=source.licence,
        clip=clip.name,
        kind=source.kind,
        settings=settings,
    )


def append(folder: Path, rows: Iterable[Row]) -> None:
    """Add rows to ``index.csv``; a reader sees the old list or the new one, never half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in fields(Row)]
    target, partial = folder / "index.csv", folder / "index.csv.part"
    with (folder / "index.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = read(folder) if target.exists() else []
        known = {row["path"] for row in before}
        block = {row.path: row for row in rows if row.path not in known}  # a real clip comes once per family
        new = [{name: str(value) for name, value in asdict(row).items()} for row in block.values()]
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(before + new)
        partial.rename(target)


def read(folder: Path) -> list[dict[str, str]]:
    """All rows of a folder's ``index.csv``."""
    with (folder / "index.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
