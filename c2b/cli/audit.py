"""c2b audit: every promise that the database can show."""

import click

from c2b.cli import context
from c2b.work import audit as find


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def audit(*, as_json: bool) -> None:
    """Check every promise that the database can show; exit status 1 and a list if one is broken."""
    with context.database().reading(at_once=True) as session:
        findings = find(session)
    document = {"ok": not findings, "findings": [{"check": finding.check, "what": finding.what} for finding in findings]}
    lines = [f"{finding.check}: {finding.what}" for finding in findings] or ["All promises hold."]
    context.output(document, as_json=as_json, lines=lines)
    if findings:
        raise click.exceptions.Exit(1)
