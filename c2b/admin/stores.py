"""The brand's stores: taken in from a list, closed and opened again."""

from flask import g, request
from flask_babel import gettext as _
from flask_babel import ngettext

from c2b.admin.blueprint import bp
from c2b.admin.importing import said
from c2b.admin.page import Answer, done, show, shown_again_by, typed
from c2b.campaigns.catalogue import ImportReport
from c2b.errors import N_, Invalid
from c2b.people.rules import Permission
from c2b.stores import actions, queries
from c2b.stores.file import read_stores
from c2b.ui.shell import now, reading, staff, staff_required, transaction

_MOST = 50
"""Problems shown at once."""


def stores_page() -> str:
    """Show the stores, the form for their list, and what is wrong with one that was just sent."""
    with reading() as session:
        found = queries.stores(session)
    problems = g.get("problems", [])
    rows = [(each, said(each.message, each)) for each in problems[:_MOST]]
    return show("stores.html", here="stores", stores=found, rows=rows, count=len(problems))


@bp.get("/stores")
@staff_required(Permission.PHASES)
def stores() -> str:
    """List the stores."""
    return stores_page()


@bp.post("/stores")
@staff_required(Permission.PHASES)
@shown_again_by(stores_page)
def import_stores() -> Answer:
    """Take in a list of stores, all of it or nothing."""
    file = request.files.get("file")
    data = file.read() if file else b""
    if not data:
        raise Invalid(N_("Choose the list of stores first"), field="file")
    with transaction() as session:
        report = actions.import_stores(session, stores=read_stores(data), actor=staff().actor, now=now())
    if not report.written:
        return _refused(report)
    told = {"new": report.new, "changed": report.changed, "unchanged": report.unchanged}
    return done(_("%(new)s new, %(changed)s changed, %(unchanged)s as before.", **told), "stores")


def _refused(report: ImportReport) -> Answer:
    """Show every problem of the list; nothing of it was written."""
    g.problems = report.problems
    message = ngettext("%(num)s problem; nothing was written", "%(num)s problems; nothing was written", len(report.problems))
    g.errors = {"file": message}
    return stores_page(), 400


@bp.post("/stores/close")
@staff_required(Permission.PHASES)
@shown_again_by(stores_page)
def close_store() -> Answer:
    """Let nobody choose a store any more."""
    with transaction() as session:
        name = actions.close(session, code=typed("code"), actor=staff().actor, now=now())
    return done(_("%(name)s can’t be chosen any more; what waits there can still be collected.", name=name), "stores")


@bp.post("/stores/reopen")
@staff_required(Permission.PHASES)
@shown_again_by(stores_page)
def reopen_store() -> Answer:
    """Let a closed store be chosen again."""
    with transaction() as session:
        name = actions.reopen(session, code=typed("code"), actor=staff().actor, now=now())
    return done(_("%(name)s can be chosen again.", name=name), "stores")
