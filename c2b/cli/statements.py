"""c2b statements: what a provider says of our account, for the three-way match."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from c2b import clock
from c2b.cli import context
from c2b.payments import gateways, statements
from c2b.payments.statements import Imported


@click.group("statements")
def group() -> None:
    """Statements of payment providers."""


@group.command("import")
@click.argument("gateway")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def import_(gateway: str, file: Path, *, as_json: bool) -> None:
    """Import FILE, a statement as GATEWAY writes it; the worker compares it with the books. The same file again changes nothing."""
    known = gateways.build(context.settings(), context.database())
    statement = statements.read(known, gateway=gateway, content=file.read_bytes())
    with context.transaction() as session:
        done = statements.import_statement(session, statement, name=file.name, actor=context.actor(), now=clock.now())
    context.output(_document(done), as_json=as_json, lines=[_sentence(done)])


def _document(done: Imported) -> dict[str, Any]:
    instants = {name: at and at.isoformat() for name, at in (("begins_at", done.begins_at), ("ends_at", done.ends_at))}
    return asdict(done) | instants


def _sentence(done: Imported) -> str:
    if done.again:
        return f"{done.lines} lines, all of them known: this file was imported before"
    return f"{done.lines} lines: {done.new} new, {done.repeated} known from other statements; the worker compares them with the books"
