"""The command line; one group of commands a file."""

import sys

import click

from c2b.errors import Problem


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="c2b")
def group() -> None:
    """c2b: customers choose, then it is made."""


def main() -> None:
    """Run a command; what is refused is one line on stderr and exit status 1."""
    try:
        group(standalone_mode=True)
    except Problem as problem:
        print(f"c2b: {problem}", file=sys.stderr)
        sys.exit(1)
