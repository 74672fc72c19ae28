"""``register`` and ``template``."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from rightscan.cli import show
from rightscan.cli.options import Options, Waiting, global_options, options
from rightscan.errors import PermanentError, RightscanError
from rightscan.jobs import incidents
from rightscan.jobs.register import outcomes_of
from rightscan.jobs.submit import SentCatalogue, send_catalogue
from rightscan.jobs.versions import fingerprint_pipeline
from rightscan.records import identity
from rightscan.records.registers import ReferenceState, Registration, RowOutcome
from rightscan.records.results import RegisterResult
from rightscan.rights.catalogue_templates import write_catalogue_templates

_SETTLED = (ReferenceState.INDEXED, ReferenceState.FAILED)


@click.command()
@click.argument("catalogue", nargs=-1, required=True, type=click.Path(path_type=Path))
@global_options
@click.pass_context
def register(context: click.Context, catalogue: tuple[Path, ...]) -> int:
    """Register recordings, performers, line-ups, mandates, consents and licences.

    CATALOGUE is a workbook, a CSV, a JSON Lines file, or a folder of them.
    """
    told = options(context)
    failed = False
    with told.running() as waiting:
        for path in catalogue:
            result = _register(path, told, waiting)
            failed = failed or result.error is not None or result.invalid > 0
            if told.json:
                show.json_line(result.model_dump(mode="json"))
            else:
                show.register_table(told, result)
    return int(failed)


def _register(path: Path, told: Options, waiting: Waiting) -> RegisterResult:
    try:
        sent = send_catalogue(path, told.ports)
    except RightscanError as error:
        return RegisterResult(path=str(path), state="failed", error=incidents.info(error))
    ref = sent.ref
    registration_id = identity.registration_id(ref.bucket, ref.key, ref.version)
    try:
        with show.console(told).status(escape(str(path))):
            registration = waiting.until(lambda: _settled(registration_id, told))
    except PermanentError as error:
        return RegisterResult(path=str(path), state="failed", error=incidents.info(error))
    return _result(path, sent, registration, told)


def _settled(registration_id: str, told: Options) -> Registration | None:
    registration = told.ports.ledger.registration(registration_id)
    return None if registration is None or _in_work(registration, told) else registration


def _in_work(registration: Registration, told: Options) -> bool:
    if registration.state == "received":
        return True
    for recording_id in registration.recording_ids:
        reference = told.ports.ledger.reference(recording_id, fingerprint_pipeline())
        if reference is not None and reference.state not in _SETTLED:
            return True
    return False


def _result(path: Path, sent: SentCatalogue, registration: Registration, told: Options) -> RegisterResult:
    rows = [row for row in outcomes_of(registration, told.ports) if row.outcome in ("invalid", "warning")]
    indexed = 0
    for recording_id in registration.recording_ids:
        reference = told.ports.ledger.reference(recording_id, fingerprint_pipeline())
        if reference is None:
            continue
        if reference.state is ReferenceState.INDEXED:
            indexed += 1
        elif reference.error is not None:
            row, named = sent.sounds.get(recording_id, (None, recording_id))
            rows.append(
                RowOutcome(
                    file=path.name if row is None else row.file,
                    sheet="recordings",
                    row=0 if row is None else row.row,
                    outcome="invalid",
                    key=recording_id,
                    column="audio",
                    value=named,
                    code=reference.error.code,
                    remedy=reference.error.remedy,
                )
            )
    rows = [*sent.refused, *rows]
    return RegisterResult(
        path=str(path),
        state=registration.state,
        created=registration.created,
        updated=registration.updated,
        unchanged=registration.unchanged,
        invalid=sum(row.outcome == "invalid" for row in rows),
        indexed=indexed,
        rows=tuple(rows),
        error=registration.error,
    )


@click.group()
def template() -> None:
    """Write templates of the files that rightscan reads."""


@template.command("catalogue")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="folder to write to"
)
@global_options
@click.pass_context
def template_catalogue(context: click.Context, out: Path) -> int:
    """A workbook and CSV files with the catalogue's columns and an example row each."""
    told = options(context)
    for path in write_catalogue_templates(out, told.language):
        if told.json:
            show.json_line({"path": str(path)})
        else:
            show.console(told).print(str(path), markup=False, highlight=False)
    return 0
