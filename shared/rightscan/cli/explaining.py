"""``explain``: the evidence for one upload and one recording, as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rightscan.cli import show as output
from rightscan.cli.options import Options, global_options, options
from rightscan.errors import RightscanError, UsageError
from rightscan.jobs import incidents
from rightscan.records.results import ExplainResult, Picture

if TYPE_CHECKING:
    from rightscan.fingerprint import Fingerprint
    from rightscan.index.explanation import Explanation


class _FailedInputError(Exception):
    """One of the two sides could not be read: which, and why."""

    def __init__(self, name: str, error: RightscanError) -> None:
        super().__init__(name, error)
        self.name, self.error = name, error


@click.command()
@click.argument("upload", type=click.Path(path_type=Path))
@click.argument("recording")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="the picture (PNG) to write"
)
@global_options
@click.pass_context
def explain(context: click.Context, upload: Path, recording: str, out: Path) -> int:
    """Draw why RECORDING is, or is not, found in UPLOAD.

    RECORDING is an audio file or the id of a registered recording. Nothing is registered, uploaded or counted.
    """
    # numpy and matplotlib are for this verb alone; the others start without them.
    from rightscan.jobs.explain import explain as look
    from rightscan.jobs.explain import result_of
    from rightscan.pictures import explanation as pictures
    from rightscan.pictures.style import save_png

    told = options(context)
    try:
        heard, title, known = _both(upload, recording, told)
    except _FailedInputError as failed:
        return _say_failed(told, upload, recording, failed)
    with output.console(told).status("explain"):
        seen = look(heard, known)
        names = pictures.Names(upload.name, title)
        save_png(pictures.draw(seen, names, told.language), out)
    picture = Picture(path=str(out), width=pictures.WIDTH, height=pictures.HEIGHT)
    if told.json:
        output.json_line(result_of(str(upload), recording, seen, picture).model_dump(mode="json"))
    else:
        _say(told, seen, out)
    return 0


def _both(upload: Path, recording: str, told: Options) -> tuple[Fingerprint, str, Fingerprint]:
    """Return the upload's fingerprint, the recording's name and its fingerprint; a file goes before an id."""
    from rightscan.jobs.explain import fingerprint_of_file, fingerprint_of_recording

    name = recording
    try:
        # What is wrong is said before a long upload is decoded.
        if Path(recording).exists():
            title, known = Path(recording).name, fingerprint_of_file(Path(recording))
        else:
            title, known = fingerprint_of_recording(recording, told.ports)
            title = f"{title} ({recording})"
        name = str(upload)
        heard = fingerprint_of_file(upload)
    except UsageError:
        raise
    except RightscanError as error:
        raise _FailedInputError(name, error) from error
    return heard, title, known


def _say_failed(told: Options, upload: Path, recording: str, failed: _FailedInputError) -> int:
    if told.json:
        result = ExplainResult(
            path=str(upload),
            recording=recording,
            state="failed",
            failed_input=failed.name,
            error=incidents.info(failed.error),
        )
        output.json_line(result.model_dump(mode="json"))
    else:
        output.error(told, failed.error, about=failed.name)
    return 1


def _say(told: Options, seen: Explanation, out: Path) -> None:
    from rightscan.pictures.explanation import headline, summary, words
    from rightscan.pictures.style import clock

    console, language = output.console(told), told.language
    for line in (headline(seen, language), summary(seen, language)):
        console.print(line, markup=False, highlight=False)
    rows = [
        [
            f"{clock(p.media_start)}–{clock(p.media_end)}",
            f"{clock(p.reference_start)}–{clock(p.reference_end)}",
            f"{p.log10_lr:.1f} ({words('threshold', language)} {seen.threshold:.1f})",
            f"{p.modification.speed:.4f}",
            f"{p.modification.pitch_semitones:+.2f}",
        ]
        for p in seen.passages
    ]
    if rows:
        title = "" if seen.told else words("strongest_followed", language)
        columns = ("in_upload", "in_original", "strength", words("speed", language), words("pitch", language))
        output.table(told, title, columns, rows)
    console.print(str(out), markup=False, highlight=False, soft_wrap=True)
