"""The tables, in words."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.likeness.run import Row
from bench.processes import cores

from rightscan.likeness import Encoder


def keep(path: Path, encoder: Encoder, rows: Sequence[Row], *, singers: bool) -> None:
    """Write figures to a JSON file, with what they are of and how they came about."""
    head = {
        "encoder": encoder.name,
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python -m bench.likeness run --media DIR{' --singers DIR' if singers else ''}",
        "machine": f"{cores()} cores, Python {platform.python_version()}",
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    body = {"head": head, "rows": [row.told() for row in rows]}
    path.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", "utf-8")


def lines(kept: Mapping[str, Any]) -> list[str]:
    """The section of the page of figures, from what ``keep`` wrote."""
    head, rows = kept["head"], kept["rows"]
    out = [
        f"Encoder {head['encoder']}, measured on {head['date']} ({head['machine']}): `{head['command']}`.",
        "",
        "Equal error rate in % (95 % interval over draws of people); every person and every pair of people counts the"
        " same. Cllr, and the shares of trials of one person and of two people that reach ASSERT (log10 LR 1.5), in %,"
        " with lines fitted on the other half of the people; a dash where there are too few.",
        "",
        "| condition | trials | people | same | different | encoder: EER | Cllr | reach ASSERT: same, different |"
        " log-mel statistics: EER | Cllr |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    plain = {(row["condition"], row["kind"]): row for row in rows if row["system"] != "encoder"}
    for row in rows:
        if row["system"] != "encoder":
            continue
        other = plain.get((row["condition"], row["kind"]), {})
        cells = (
            row["condition"],
            row["kind"],
            str(row["people"]),
            f"{row['n_same']:,}",
            f"{row['n_different']:,}",
            _rate(row),
            _number(row["cllr"]),
            _reach(row),
            _rate(other),
            _number(other.get("cllr")),
        )
        out.append(f"| {' | '.join(cells)} |")
    return out


def _rate(row: dict[str, Any]) -> str:
    if row.get("eer") is None:
        return "–"
    low, high = row["eer_interval"]
    if low is None or high is None:
        return f"{100 * row['eer']:.1f}"
    return f"{100 * row['eer']:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _reach(row: Mapping[str, Any]) -> str:
    same, different = row["same_above_assert"], row["different_above_assert"]
    return "–" if same is None else f"{100 * same:.0f}, {100 * different:.2f}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
