"""The command line's verbs. Exit status: 0 done, 1 some inputs failed (each named), 2 usage."""

from __future__ import annotations

import os
import sqlite3
import sys
from typing import Any

import click

import rightscan
from rightscan.cli import (
    catalogue,
    classifying,
    disputed,
    explaining,
    operate,
    reports,
    reviewing,
    scanning,
    sharing,
    show,
    voices,
)
from rightscan.cli.options import global_options, options
from rightscan.errors import PermanentError, RightscanError, UsageError


class _Verbs(click.Group):
    """Shows errors with cause and remedy in the person's language, which only the context knows."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except RightscanError as error:
            show.error(options(ctx), error)
            ctx.exit(2 if isinstance(error, UsageError) else 1)
        except BrokenPipeError:
            # Whoever read the output has gone, as `| head` does; what is still buffered has nowhere to go.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(1)
        except (OSError, sqlite3.Error) as error:
            trouble = PermanentError(
                "machine_refused", str(error), "Check the path, its rights and the space left on the disk."
            )
            show.error(options(ctx), trouble)
            ctx.exit(1)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
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
    explaining.explain,
    classifying.classify,
    reports.report,
    reports.verify_report,
    reviewing.cases,
    reviewing.review,
    reviewing.appeal,
    reviewing.dispute,
    reviewing.disputes,
    sharing.shares,
    disputed.conflicts,
    operate.local,
    operate.verify_log,
    operate.dlq,
    operate.doctor,
    voices.enrol,
    voices.withdraw,
    voices.subject,
    voices.purge,
    voices.vault_log,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line."""
    try:
        status = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
