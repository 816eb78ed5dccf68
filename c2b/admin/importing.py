"""Importing candidates: upload, check, import. The uploaded file stays under a random name until it is imported or a day old."""

import secrets
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from flask import g, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed
from c2b.campaigns import catalogue, importing, queries, undoing
from c2b.campaigns.catalogue import ImportReport
from c2b.campaigns.importing import Finding, Parsed, pictures
from c2b.campaigns.importing.columns import named
from c2b.campaigns.importing.reader import MAX_BYTES
from c2b.campaigns.rules import CATALOGUE_OPEN, CampaignState
from c2b.errors import N_, Invalid, NotFound
from c2b.people.rules import Permission
from c2b.ui.problems import say
from c2b.ui.shell import now, parts, reading, staff, staff_required, transaction
from c2b.voting.queries import selected_ids

KEPT_SECONDS = 24 * 3600
SHOWN = 200
"""Findings listed one by one; the groups above them count all."""
TEMPLATE = "code,name,name_en,category,price_from,price_to,option1_name,option1_value,option2_name,option2_value,sku,image\n"


@dataclass(frozen=True)
class Group:
    """Findings with the same repair: how many rows, and the first of them as an example."""

    rows: int
    message: str
    repair: str
    example: str


def groups(findings: tuple[Finding, ...]) -> list[Group]:
    """Return the findings by what is to be done about them, the most frequent first."""

    def what(finding: Finding) -> tuple[str, str]:
        return finding.message, finding.repair

    found = []
    for _key, group in groupby(sorted(findings, key=what), key=what):
        own = list(group)
        found.append(Group(len(own), said(own[0].message, own[0]), said(own[0].repair, own[0]), own[0].value))
    return sorted(found, key=lambda each: -each.rows)


def said(message: str, finding: Finding) -> str:
    """Return a finding's sentence in the page's language."""
    if not message:
        return ""
    words = str(_(message, **finding.values) if finding.values else _(message))
    return words[:1].upper() + words[1:]


def _folder() -> Path:
    return parts().settings.data / "uploads"


def _paths(upload: str) -> tuple[Path, Path]:
    """Return where an upload's file and its pictures lie; raises NotFound for anything but a name that we gave."""
    path = _folder() / f"{upload}.file"
    if not upload.replace("-", "").replace("_", "").isalnum() or not path.is_file():
        raise NotFound(N_("This upload is gone: it was imported, or is more than a day old. Upload the file again"))
    return path, path.with_suffix(".zip")


def _keep(file: FileStorage, images: FileStorage | None) -> str:
    """Keep an upload under a random name, and forget those of yesterday."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.stat().st_mtime < time.time() - KEPT_SECONDS:
            old.unlink(missing_ok=True)
    name = secrets.token_urlsafe(12)
    file.save(folder / f"{name}.file")
    if images:
        images.save(folder / f"{name}.zip")
    return name


def _read(slug: str, upload: str, *, store_files: bool) -> tuple[Parsed, pictures.Shots]:
    """Read an upload again; its pictures are stored outside of any transaction, for that takes its time."""
    path, images = _paths(upload)
    parsed = importing.read(path.read_bytes(), matched=_matched())
    if not images.is_file():
        return parsed, {}
    with reading() as session:
        known = catalogue.stored_pictures(session, slug)
    with pictures.album(images) as album:
        return pictures.illustrate(parsed, album, _media(), known=known, store_files=store_files)


COLUMNS: dict[str, str] = {
    "code": N_("Code of the candidate"),
    "name": N_("Name"),
    "name_en": N_("English name"),
    "category": N_("Category"),
    "description": N_("Description"),
    "composition": N_("Composition"),
    "price_from": N_("Estimated price from"),
    "price_to": N_("Estimated price to"),
    "price": N_("Pre-order price"),
    "minimum": N_("Minimum"),
    "supplier": N_("Supplier’s code"),
    "option1_value": N_("First option, like the colour"),
    "option2_value": N_("Second option, like the size"),
    "sku": N_("SKU"),
    "barcode": N_("Barcode"),
    "image": N_("Picture"),
}
"""What can be matched by hand, as the page calls it."""
_OURS = "m-"
"""Before the name of an own column, in the address."""


def _matched() -> dict[str, str]:
    """Return what the address says of the file's columns."""
    return {own: request.args[_OURS + own] for own in COLUMNS if _OURS + own in request.args}


def _media() -> Path:
    return parts().settings.data / "media"


def _bring(session: Session, slug: str, parsed: Parsed, shots: pictures.Shots, **how: Any) -> ImportReport:
    """Check a file against the campaign and bring the campaign up to date with it, or only say what that would do."""
    campaign = queries.campaign(session, slug)
    selected = set(selected_ids(session, campaign)) if campaign.state is CampaignState.SELECTED else None
    who: dict[str, Any] = {"actor": staff().actor, "now": now(), "selected": selected}
    return catalogue.import_candidates(session, slug=slug, parsed=parsed, shots=shots, **who, **how)


def importing_page(slug: str) -> str:
    """Ask for a file."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        last = undoing.undoable(session, campaign, now())
    closed, limit = campaign.state not in CATALOGUE_OPEN, MAX_BYTES // 1_000_000
    return show("importing.html", here="importing", campaign=campaign, closed=closed, limit=limit, last=last, kept=undoing.KEPT)


@bp.get("/<slug>/import", endpoint="importing")
@staff_required(Permission.CANDIDATES)
def importing_form(slug: str) -> str:
    """Ask for a file."""
    return importing_page(slug)


@bp.post("/<slug>/import")
@staff_required(Permission.CANDIDATES)
@shown_again_by(importing_page)
def upload(slug: str) -> Answer:
    """Keep the uploaded file and go on to its check; nothing is written to the campaign."""
    file = _sent("file")
    if file is None:
        raise Invalid(N_("Choose a CSV or XLSX file"), field="file")
    _, fits = importing.peek(file.stream.read(MAX_BYTES + 1))
    file.stream.seek(0)
    kept = _keep(file, _sent("images"))
    return redirect(url_for("admin.checked" if fits else "admin.columns", slug=slug, upload=kept), 303)


def _sent(name: str) -> FileStorage | None:
    """Return a file of the form; browsers send one without a name where nothing was chosen."""
    file = request.files.get(name)
    return file if file and file.filename else None


def columns_page(slug: str, upload: str) -> str:
    """Show the file's first rows and ask which column is what; a guess stands in the form already."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
    table, _ = importing.peek(_paths(upload)[0].read_bytes())
    guessed = named(table.header, _matched())
    choices = [("", "–"), *((name, name) for name in table.header if name)]
    shown = [(_OURS + own, title, guessed.get(own, "")) for own, title in COLUMNS.items()]
    return show("import_columns.html", here="importing", campaign=campaign, table=table, columns=shown, upload=upload, choices=choices)


@bp.get("/<slug>/import/<upload>/columns")
@staff_required(Permission.CANDIDATES)
def columns(slug: str, upload: str) -> str:
    """Ask which column of the file is what."""
    return columns_page(slug, upload)


def checked_page(slug: str, upload: str) -> str:
    """Show what an import of the upload would do, and everything that is wrong with it."""
    parsed, shots = _read(slug, upload, store_files=False)
    with transaction() as session:  # the dry run writes into a savepoint and takes it back
        report = _bring(session, slug, parsed, shots, dry_run=True)
        campaign = queries.campaign(session, slug)
    problems, notices = groups(report.problems), groups(report.notices)
    rows = [(finding, said(finding.message, finding), said(finding.repair, finding)) for finding in report.problems[:SHOWN]]
    values = {
        "report": report,
        "problems": problems,
        "notices": notices,
        "rows": rows,
        "upload": upload,
        "matched": request.query_string.decode(),
        "ours": parsed.format == "c2b",
    }
    return show("import_check.html", here="importing", campaign=campaign, **values)


@bp.get("/<slug>/import/<upload>")
@staff_required(Permission.CANDIDATES)
def checked(slug: str, upload: str) -> Answer:
    """Show what an import of the upload would do; where its columns don't make a catalogue, ask for them again."""
    try:
        return checked_page(slug, upload)
    except Invalid as problem:
        g.errors = {_OURS + "code": say(problem)}
        return columns_page(slug, upload), 400


@bp.post("/<slug>/import/<upload>")
@staff_required(Permission.CANDIDATES)
@shown_again_by(checked_page)
def import_checked(slug: str, upload: str) -> Answer:
    """Import the upload: all of it, or the good candidates where that was asked for."""
    parsed, shots = _read(slug, upload, store_files=True)
    with transaction() as session:
        report = _bring(session, slug, parsed, shots, skip_bad=typed("skip") == "yes")
    if not report.written:
        pictures.discard(shots, _media())
        raise Invalid(N_("Nothing was written: repair the problems, or leave out the candidates that have one"))
    for path in _paths(upload):
        path.unlink(missing_ok=True)
    return done(_told(report), "candidates", slug=slug)


def _told(report: ImportReport) -> str:
    counts = {"new": report.new, "changed": report.changed, "unchanged": report.unchanged}
    told: str = _("Imported: %(new)s new, %(changed)s changed, %(unchanged)s unchanged", **counts)
    if report.new or report.changed:
        told = _(
            "Imported: %(new)s new, %(changed)s changed, %(unchanged)s unchanged. It can be taken back for a day, under “Import”.", **counts
        )
    return told


@bp.post("/<slug>/import/undo")
@staff_required(Permission.CANDIDATES)
@shown_again_by(importing_page)
def undo_import(slug: str) -> Answer:
    """Take the last import back."""
    with transaction() as session:
        files = undoing.undo(session, slug=slug, actor=staff().actor, now=now())
    for file in files:
        (_media() / file).unlink(missing_ok=True)
    return done(_("The import is taken back; everything is as it was before it."), "importing", slug=slug)
