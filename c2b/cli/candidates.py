"""c2b candidates: catalogues in."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import track

from c2b import clock
from c2b.campaigns import catalogue, importing, queries
from c2b.campaigns.catalogue import ImportReport
from c2b.campaigns.importing import pictures
from c2b.cli import context
from c2b.voting.queries import selected_ids

_FORMATS = ("auto", "c2b", "shopify", "woocommerce")
_ENCODINGS = ("auto", "utf-8", "gb18030")


@click.group("candidates")
def group() -> None:
    """Candidates and their offers."""


@group.command("import")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "format_", type=click.Choice(_FORMATS), default="auto", show_default=True)
@click.option("--encoding", type=click.Choice((*_ENCODINGS, "gbk"), case_sensitive=False), default="auto", show_default=True)
@click.option("--images", type=click.Path(exists=True, path_type=Path), help="A folder or ZIP archive of pictures.")
@click.option("--dry-run", is_flag=True, help="Report what would happen and write nothing.")
@click.option("--skip-bad", is_flag=True, help="Leave out candidates with a problem instead of writing nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def import_(
    slug: str, file: Path, format_: Any, encoding: str, images: Path | None, *, dry_run: bool, skip_bad: bool, as_json: bool
) -> None:
    """Import candidates of the campaign SLUG, or their offers after the selection, from a CSV or XLSX FILE."""
    known_encoding: Any = "gb18030" if encoding == "gbk" else encoding
    parsed = importing.read(importing.load(file), format=format_, encoding=known_encoding)
    media, shots = context.settings().data / "media", pictures.Shots()
    try:
        if images is not None:
            parsed, shots = _illustrated(parsed, slug, images, media, store_files=not dry_run)
        with context.transaction() as session:
            facts: dict[str, Any] = {"slug": slug, "parsed": parsed, "shots": shots, "actor": context.actor(), "now": clock.now()}
            selected = selected_ids(session, queries.campaign(session, slug))
            report = catalogue.import_candidates(session, selected=selected, skip_bad=skip_bad, dry_run=dry_run, **facts)
    except BaseException:
        pictures.discard(shots, media)
        raise
    if not report.written:
        pictures.discard(shots, media)
    show_report(report, as_json=as_json, dry_run=dry_run, things="candidates")


def _illustrated(
    parsed: importing.Parsed, slug: str, images: Path, media: Path, *, store_files: bool
) -> tuple[importing.Parsed, pictures.Shots]:
    with context.reading() as session:
        queries.campaign(session, slug)
        known = catalogue.stored_pictures(session, slug)
    with pictures.album(images) as album:
        return pictures.illustrate(parsed, album, media, known=known, store_files=store_files, progress=_progress)


def _progress(lines: Sequence[Any]) -> Iterable[Any]:
    """Show how far the pictures are, on a terminal only."""
    return track(lines, "pictures", console=Console(stderr=True)) if sys.stderr.isatty() else lines


def show_report(report: ImportReport, *, as_json: bool, dry_run: bool, things: str) -> None:
    """Print what an import did; exit status 1 if it wrote nothing because of problems."""
    counts = {name: getattr(report, name) for name in ("written", "new", "changed", "unchanged", "skipped", "variants", "pictures")}
    listed = {name: list(map(_document, getattr(report, name))) for name in ("problems", "notices")}
    context.output(counts | listed, as_json=as_json, lines=_lines(report, dry_run=dry_run, things=things))
    if not report.written and not dry_run:
        raise click.ClickException(f"nothing was written: {len(report.problems)} problems; repair them or use --skip-bad")


def _document(finding: importing.Finding) -> dict[str, Any]:
    said = {"problem": finding.message % finding.values, "repair": finding.repair % finding.values}
    return {"row": finding.row, "column": finding.column, "value": finding.value, **said}


def _lines(report: ImportReport, *, dry_run: bool, things: str) -> Iterator[str]:
    yield from map("problem: {}".format, report.problems)
    yield from map("notice: {}".format, report.notices)
    if report.written or dry_run:
        would = "would be " if dry_run else ""
        yield f"{things} {would}{report.new} new, {report.changed} changed, {report.unchanged} unchanged, {report.skipped} skipped"
