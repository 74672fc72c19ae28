"""The command line's verbs. Exit status: 0 done, 1 some inputs failed (each named), 2 usage."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.markup import escape

import rightscan
from rightscan.cli import catalogue, operate, reports, scanning
from rightscan.cli.options import global_options
from rightscan.errors import RightscanError, UsageError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@global_options
@click.version_option(rightscan.__version__, prog_name="rightscan")
def cli() -> None:
    """Finds registered performances in uploaded media and says who is to be paid."""


for _command in (
    catalogue.register,
    catalogue.template,
    scanning.scan,
    scanning.watch,
    scanning.backfill,
    scanning.show,
    reports.report,
    reports.verify_report,
    operate.local,
    operate.verify_log,
    operate.dlq,
    operate.doctor,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line; errors are shown with cause and remedy."""
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    except RightscanError as error:
        Console(stderr=True).print(
            f"[red]{escape(error.cause)}[/red] \\[{escape(error.code)}]\n→ {escape(error.remedy)}"
        )
        sys.exit(2 if isinstance(error, UsageError) else 1)
    sys.exit(status if isinstance(status, int) else 0)
