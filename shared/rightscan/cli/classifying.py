"""``classify``: what a file declares of its making and what its sound shows; nothing is registered or recorded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rightscan import runtime
from rightscan.cli import show as output
from rightscan.cli.options import Options, global_options, options
from rightscan.errors import UsageError
from rightscan.jobs.submit import media_files
from rightscan.records.results import ClassifyResult, Picture
from rightscan.rights import vocabulary

if TYPE_CHECKING:
    from rightscan.jobs.origin import Origin

_COLUMNS = ("file", "length", "origin", "strength", "score", "lattice", "passages", "note")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--jobs", default=1, type=click.IntRange(1, 64), help="files at a time, each in its own process"
)
@click.option(
    "--picture", type=click.Path(path_type=Path, dir_okay=False), help="the picture (PNG) to draw of one file"
)
@global_options
@click.pass_context
def classify(context: click.Context, paths: tuple[Path, ...], jobs: int, picture: Path | None) -> int:
    """Say of files or folders what made them: their own declarations, and the traces in their sound.

    Needs no store, and nothing is registered, uploaded or recorded.
    """
    from rightscan.jobs.classify import classify_all

    told = options(context)
    files = list(media_files(paths))
    if not files:
        raise UsageError(
            "nothing_to_scan", "the paths hold no file", "Name files, or a folder that holds some."
        )
    if picture is not None and len(files) > 1:
        raise UsageError("one_picture", "a picture shows one file", "Name one file with --picture.")
    results = []
    for done in classify_all(files, runtime.engine_settings(os.environ), jobs=jobs):
        result = done.result
        if picture is not None and done.origin is not None:
            drawn = draw(files[0].name, done.origin, picture, told)
            result = result.model_copy(update={"picture": drawn})
        results.append(result)
        if told.json:
            output.json_line(result.model_dump(mode="json"))
    if not told.json:
        output.table(told, "", _COLUMNS, [_row(told, result) for result in results])
    return int(any(result.error is not None for result in results))


def draw(name: str, origin: Origin, path: Path, told: Options) -> Picture:
    """Draw the evidence of one file."""
    # matplotlib is for this alone.
    from rightscan.pictures import synthetic
    from rightscan.pictures.style import save_png

    subject = synthetic.Subject(
        name=name,
        duration_s=origin.duration_s,
        axis_c=origin.whole().axis_c,
        declared=_declared(told, origin),
        conditions=origin.limits,
        evidence=origin.evidence,
        judgement=origin.judgement,
    )
    save_png(synthetic.draw(subject, told.language), path)
    return Picture(path=str(path), width=synthetic.WIDTH, height=synthetic.HEIGHT)


def _declared(told: Options, origin: Origin) -> str:
    return " / ".join(
        f"{_word(told, 'declared_by', one.by)}: {_word(told, 'ai_part', one.part)} "
        f"{_word(told, 'extent', one.extent)}" + (f" ({one.generator})" if one.generator else "")
        for one in origin.declarations
    )


def _word(told: Options, words: str, code: str) -> str:
    return vocabulary.ko(words, code) if told.language == "ko" else vocabulary.en(words, code)


def _row(told: Options, result: ClassifyResult) -> list[str]:
    if result.error is not None or result.synthesis is None:
        note = "" if result.error is None else " → ".join(output.said(told, result.error))
        return [result.path, "", output.word("failed", told), "", "", "", "", note]
    said = result.synthesis
    kind = "" if said.kind is None else f" ({_kind(told, said.kind)})"
    passages = [
        f"{output.clock(one.media_start)}–{output.clock(one.media_end)} {_word(told, 'axis_c', one.axis_c)}"
        for one in said.segments
    ]
    return [
        result.path,
        "" if result.duration_s is None else output.clock(result.duration_s),
        _word(told, "axis_c", said.axis_c) + kind,
        "" if said.log10_lr is None else f"{said.log10_lr:.1f}",
        "" if said.score is None else f"{said.score:.1f}",
        said.family or "",
        "\n".join(passages if len({one.axis_c for one in said.segments}) > 1 else ()),
        ", ".join(_word(told, "condition", name) for name in said.conditions),
    ]


def _kind(told: Options, kind: str) -> str:
    listed = "declared_by" if kind in vocabulary.word_list("declared_by") else "detected_part"
    return _word(told, listed, kind)
