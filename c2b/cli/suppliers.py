"""c2b suppliers: the list of factories."""

from pathlib import Path

import click

from c2b import clock
from c2b.campaigns import catalogue, importing
from c2b.campaigns.importing.suppliers import read_suppliers
from c2b.cli import context
from c2b.cli.candidates import show_report


@click.group("suppliers")
def group() -> None:
    """Suppliers: the factories."""


@group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--skip-bad", is_flag=True, help="Leave out rows with a problem instead of writing nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def import_(file: Path, *, skip_bad: bool, as_json: bool) -> None:
    """Import suppliers from a CSV or XLSX FILE: code, name, contact, phone, capacity_units, lead_days."""
    suppliers = read_suppliers(importing.load(file))
    with context.transaction() as session:
        report = catalogue.import_suppliers(session, suppliers=suppliers, actor=context.actor(), now=clock.now(), skip_bad=skip_bad)
    show_report(report, as_json=as_json, dry_run=False, things="suppliers")
