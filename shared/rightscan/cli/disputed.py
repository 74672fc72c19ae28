"""``conflicts``: registered recordings that claim one thing."""

from __future__ import annotations

import click

from rightscan.cli import show
from rightscan.cli.options import Options, global_options, options
from rightscan.jobs import recording_conflicts
from rightscan.records.conflicts import ConflictResult
from rightscan.rights import vocabulary
from rightscan.rights.periods import KST


@click.command()
@global_options
@click.pass_context
def conflicts(context: click.Context) -> int:
    """List open conflicts between recordings; their money is held until the registers are put right."""
    told = options(context)
    found = recording_conflicts.listed(told.ports)
    if told.json:
        for result in found:
            show.json_line(result.to_json())
        return 0
    show.table(
        told,
        "",
        ("conflict", "recording", "other_recording", "isrc", "files", "seconds", "since"),
        [_row(result, told) for result in found],
    )
    return 0


def _row(result: ConflictResult, told: Options) -> list[str]:
    kind = (vocabulary.ko if told.language == "ko" else vocabulary.en)("conflict_kind", result.kind)
    one, other = (
        recording_id if title is None else f"{recording_id} {title}"
        for recording_id, title in zip(result.recording_ids, result.titles, strict=True)
    )
    return [
        kind,
        one,
        other,
        result.isrc or "",
        str(result.media) if result.media else "",
        f"{result.seconds:.1f}" if result.media else "",
        f"{result.first_found_at.astimezone(KST):%Y-%m-%d %H:%M} KST",
    ]
