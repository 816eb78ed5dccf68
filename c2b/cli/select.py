"""c2b select: the vote becomes the list of what opens for pre-order."""

from collections.abc import Iterator
from typing import Any

import click

from c2b import clock
from c2b.cli import context
from c2b.voting import selecting
from c2b.voting.queries import SelectionView
from c2b.voting.rules import SelectionResult


@click.command("select")
@click.argument("slug")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show what the selection would be now; changes nothing, but the audit log says who looked before the result is out.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def command(slug: str, *, dry_run: bool, as_json: bool) -> None:
    """Make the selection of the campaign SLUG, once voting has closed; made already, show it."""
    if dry_run:
        with context.transaction() as session:
            view = selecting.look(session, slug=slug, actor=context.actor(), now=clock.now())
    else:
        with context.transaction() as session:
            view = selecting.select_winners(session, slug=slug, actor=context.actor(), now=clock.now())
    context.output(_document(view), as_json=as_json, lines=_lines(view))


def _document(view: SelectionView) -> dict[str, Any]:
    figures = ("places", "voters", "votes", "held_votes", "input_hash", "ballot_root", "seed", "output_hash", "margin")
    lines = [
        {"rank": line.rank, "code": line.code, "votes": line.votes, "held": line.held, "result": line.result.value} for line in view.lines
    ]
    return {name: getattr(view, name) for name in figures} | {"lines": lines}


def _lines(view: SelectionView) -> Iterator[str]:
    selected = [line for line in view.lines if line.result is SelectionResult.SELECTED]
    yield f"{len(selected)} of {len(view.lines)} candidates selected for {view.places} places; {view.voters} voters, {view.votes} votes"
    for line in selected:
        yield f"{line.rank:>4}  {line.code:<20} {line.votes:>8}"
    yield f"last in {view.margin['last_selected']} votes, first out {view.margin['first_not_selected']}" + (
        "; a lot decided" if view.margin["tie"] else ""
    )
    yield f"input {view.input_hash}"
    yield f"seed {view.seed}"
    yield f"output {view.output_hash}"
