"""c2b export: files for people, factories, accountants and auditors."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from c2b import clock, money
from c2b.cli import context
from c2b.errors import N_, Refused
from c2b.exports import actions, kinds
from c2b.exports.actions import ExportInfo, Wanted
from c2b.exports.kinds import Format, Kind


@click.command("export")
@click.argument("slug")
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]))
@click.option(
    "--format", "form", type=click.Choice([form.value for form in Format]), help="Default: the FILE's ending, or the KIND's first."
)
@click.option("-o", "--output", metavar="FILE|-", help="Where to; - for the standard output. Default: SLUG-KIND.FORMAT.")
@click.option("--no-bom", is_flag=True, help="CSV without a byte order mark, for machines.")
def export(slug: str, kind: str, form: str | None, output: str | None, *, no_bom: bool) -> None:
    """Export a KIND of the campaign SLUG; the audit log records it."""
    settings, as_ = context.settings(), _format(Kind(kind), form, output)
    media = settings.data / "media"
    wanted = Wanted(slug, Kind(kind), as_, locale=settings.locale, bom=not no_bom, counts_allowed=True, media=media)
    kinds.writer(wanted.kind, wanted.format)  # refuse before a file is begun
    target = output or wanted.file_name
    with _file(target) as stream:
        info = actions.export(context.database(), stream, wanted=wanted, actor=context.actor(), now=clock.now())
    click.echo(f"{target}: {_summary(info)}", err=True)


def _format(kind: Kind, form: str | None, output: str | None) -> Format:
    ending, usual = Path(output or "").suffix.removeprefix("."), (*kinds.formats(kind), Format.CSV)[0]
    return Format(form or (ending if ending in list(Format) else usual))


@contextmanager
def _file(target: str) -> Iterator[BinaryIO]:
    """Yield a stream that becomes `target` when everything is written and recorded, or leaves no trace."""
    path = Path(target)
    try:
        if target == "-" or (path.exists() and not path.is_file()):
            with tempfile.TemporaryFile() as whole:
                yield whole
                whole.seek(0)
                _pour(whole, path)
            return
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".c2b-") as folder:
            part = Path(folder) / path.name
            with part.open("wb") as stream:
                yield stream
            part.replace(path)
    except OSError as error:
        raise Refused(N_("%(file)s can't be written: %(why)s"), file=target, why=error.strerror) from error


def _pour(whole: BinaryIO, path: Path) -> None:
    """Write into what is there and must stay: the standard output, a pipe, a device."""
    if str(path) == "-":
        shutil.copyfileobj(whole, sys.stdout.buffer)
        return
    with path.open("wb") as stream:
        shutil.copyfileobj(whole, stream)


def _summary(info: ExportInfo) -> str:
    totals = [f"{name} {_total(info, name)}" for name in info.totals]
    return ", ".join([f"{info.rows} rows", *totals, f"sha256 {info.sha256}"])


def _total(info: ExportInfo, name: str) -> str:
    total = info.totals[name]
    return f"{money.decimal(total, info.currency)} {info.currency}" if name in info.amounts else str(total)
