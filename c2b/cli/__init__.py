"""The command line; one group of commands a file."""

import os
from typing import Any

import click

from c2b.cli import (
    audit,
    backup,
    ballots,
    campaign,
    candidates,
    database,
    decide,
    demo,
    export,
    parcels,
    privacy,
    select,
    serve,
    staff,
    statements,
    stores,
    suppliers,
    verify,
    work,
)
from c2b.errors import Problem


class Commands(click.Group):
    """Commands whose refusals are one line on stderr and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what a person did wrong makes no traceback."""
        try:
            return super().invoke(ctx)
        except Problem as problem:
            raise click.ClickException(" ".join(str(problem).split())) from problem
        except BrokenPipeError:
            raise  # who reads our output has seen enough; click ends quietly
        except OSError as error:
            said = filter(None, (error.filename, error.strerror or error))
            raise click.ClickException(": ".join(map(str, said))) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="c2b")
def group() -> None:
    """c2b: customers choose, then it is made."""


_COMMANDS: tuple[click.Command, ...] = (
    demo.demo,
    database.init,
    serve.serve,
    work.work,
    campaign.group,
    candidates.group,
    suppliers.group,
    stores.group,
    parcels.group,
    statements.group,
    staff.group,
    privacy.group,
    ballots.group,
    select.command,
    decide.decide,
    export.export,
    verify.command,
    audit.audit,
    backup.backup,
    backup.restore,
)
for _commands in _COMMANDS:
    group.add_command(_commands)


def main() -> None:
    """Run a command; what it writes holds personal data, so nobody else on this machine may read it."""
    os.umask(0o077)
    group()
