"""The tables, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def lines(rows: Sequence[dict[str, Any]], head: dict[str, Any]) -> list[str]:
    """The section of the page of figures.

    Args:
        rows: of ``Row.told``.
        head: ``encoder``, ``date``, ``command``, ``machine``.
    """
    out = [
        f"Encoder {head['encoder']}, measured on {head['date']} ({head['machine']}): `{head['command']}`.",
        "",
        "Equal error rate in % (95 % interval over draws of people); every person and every pair of people counts the"
        " same. Cllr with lines fitted on the other half of the people; a dash where there are too few.",
        "",
        "| condition | trials | people | same | different | encoder: EER | Cllr | log-mel statistics: EER | Cllr |",
        "|---|---|---|---|---|---|---|---|---|",
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


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
