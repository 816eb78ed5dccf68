"""c2b ballots: votes given elsewhere."""

import sys
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from c2b import clock
from c2b.cli import context
from c2b.voting.importing import BadBallots, ImportReport, import_ballots


@click.group("ballots")
def group() -> None:
    """Votes given elsewhere."""


@group.command("import")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def import_(slug: str, file: Path, *, as_json: bool) -> None:
    """Import the ballots of FILE (.csv, .csv.gz, Pabulib .pb) into the campaign SLUG; all of them, or nothing."""
    try:
        report = _imported(slug, file)
    except BadBallots as bad:
        problems = [str(problem) for problem in bad.problems]
        context.output({"problems": problems}, as_json=as_json, lines=(f"problem: {problem}" for problem in problems))
        raise click.ClickException(f"nothing was imported: {len(bad.problems)} problems") from bad
    context.output(asdict(report), as_json=as_json, lines=[_sentence(report)])


def _imported(slug: str, file: Path) -> ImportReport:
    key = context.settings().with_local_secret().secret_key.get_secret_value()
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("ballots", total=None)
        with context.transaction() as session:
            return import_ballots(
                session,
                slug=slug,
                path=file,
                actor=context.actor(),
                secret_key=key,
                now=clock.now(),
                progress=lambda done, of: bar.update(task, completed=done, total=of),
            )


def _sentence(report: ImportReport) -> str:
    return (
        f"{report.voters} voters, {report.votes} votes: {report.new} new, {report.replaced} replaced, {report.unchanged} unchanged, "
        f"{report.kept} kept as their owners tapped them"
        + (f"; {report.candidates} candidates made of the file's projects" if report.candidates else "")
    )
