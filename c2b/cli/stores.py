"""c2b stores: where customers vote at a counter and collect their orders."""

from pathlib import Path

import click

from c2b import clock
from c2b.campaigns import importing
from c2b.cli import context
from c2b.cli.candidates import show_report
from c2b.stores.actions import import_stores
from c2b.stores.file import read_stores


@click.group("stores")
def group() -> None:
    """Stores: where orders are collected."""


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--skip-bad", is_flag=True, help="Leave out rows with a problem instead of writing nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def import_(file: Path, *, skip_bad: bool, as_json: bool) -> None:
    """Import stores from a CSV or XLSX FILE: code, name, address, city, latitude, longitude, hours, phone."""
    stores = read_stores(importing.load(file))
    with context.transaction() as session:
        report = import_stores(session, stores=stores, actor=context.actor(), now=clock.now(), skip_bad=skip_bad)
    show_report(report, as_json=as_json, dry_run=False, things="stores")
