"""Commands whose names are public already and whose work comes in a later version."""

import click

from c2b.errors import N_, Refused

_LATER = {
    "stores": "The list of stores.",
}


def _command(name: str, what: str) -> click.Command:
    @click.command(name, help=f"{what} Comes in a later version.", context_settings={"ignore_unknown_options": True})
    @click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
    def later(arguments: tuple[str, ...]) -> None:  # noqa: ARG001  whatever it will take
        raise Refused(N_("c2b %(name)s comes in a later version"), name=name)

    return later


commands = tuple(_command(name, what) for name, what in _LATER.items())
