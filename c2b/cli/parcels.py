"""c2b parcels: what the warehouse sent."""

from dataclasses import asdict
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from c2b import clock
from c2b.campaigns import importing, queries
from c2b.cli import context
from c2b.deposits import parcels
from c2b.deposits.parcel_file import read_parcels
from c2b.deposits.parcels import Sent


@click.group("parcels")
def group() -> None:
    """Parcels: what left for whom."""


@group.command("import")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def import_(slug: str, file: Path, *, as_json: bool) -> None:
    """Import the parcels of the campaign SLUG from a CSV or XLSX FILE: order, sku, units, carrier, number, sent, delivered.

    The export of shipments, filled in, is such a file. All rows or none are written; the same file again changes nothing.
    """
    data = importing.load(file)
    with context.transaction() as session:
        today = clock.now().astimezone(ZoneInfo(queries.campaign(session, slug).time_zone)).date()
        sent = parcels.enter(session, slug=slug, entries=read_parcels(data, today=today), actor=context.actor(), now=clock.now())
    context.output(_document(sent), as_json=as_json, lines=_lines(sent))
    if not sent.written:
        raise click.ClickException(f"nothing was written: {len(sent.findings.problems)} problems; repair them and import again")


def _document(sent: Sent) -> dict[str, Any]:
    listed = {name: list(map(str, getattr(sent.findings, name))) for name in ("problems", "notices")}
    return {name: value for name, value in asdict(sent).items() if name != "findings"} | listed


def _lines(sent: Sent) -> list[str]:
    found = [f"problem: {each}" for each in sent.findings.problems] + [f"notice: {each}" for each in sent.findings.notices]
    counts = f"{sent.parcels} new parcels, {sent.delivered} lines delivered, {sent.unchanged} rows known before"
    return [*found, counts] if sent.written else found
