"""Money of the whole shop: open cases and statements on one page, the books on another.

They are the shop's and not a campaign's, because a gateway's account, its statements and its payouts are: one line of a statement
may pay for two campaigns, and what belongs to nothing we know belongs to no campaign. Both pages take a campaign as a filter.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from flask import Response, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.money_words import ENTRIES, GROUPS, WORDS, says
from c2b.admin.page import Answer, done, show, shown_again_by, typed
from c2b.campaigns import queries
from c2b.campaigns.rules import text
from c2b.deposits import finance
from c2b.errors import N_, Invalid, NotFound
from c2b.ledger.queries import short_balance
from c2b.ledger.rules import CUSTOMERS, EARNED, OWN_MONEY, Group, group, positions, trial_totals
from c2b.payments import cases as money_cases
from c2b.payments import statements
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.people.rules import Permission
from c2b.ui.filters import gateway
from c2b.ui.language import locale
from c2b.ui.shell import now, parts, reading, staff, staff_required, transaction

_DAY = timedelta(days=1)


def money_page() -> str:
    """Show open cases by kind, the worst first, then statements and what was closed last."""
    with reading() as session:
        chosen, choices = _chosen(session)
        counts = finance.counts(session, campaign=chosen)
        found = finance.open_cases(session, campaign=chosen)
        closed = finance.closed_cases(session, campaign=chosen)
        imported = finance.statements(session)
        zone = finance.zone(session)
    about: dict[str, Any] = {
        "counts": counts,
        "cases": found,
        "closed": closed,
        "statements": imported,
        "zone": zone,
        "chosen": chosen,
        "choices": choices,
    }
    gateways = [(name, gateway(name)) for name in parts().gateways]
    names: dict[str, Any] = {"words": WORDS, "says": says, "entries": ENTRIES, "gateways": gateways, "demo_file": _sandbox() is not None}
    return show("money.html", here="money", **about, **names)


def _chosen(session: Session) -> tuple[str, list[tuple[str, str]]]:
    """Return the campaign that the address names, if there is one, and all that can be chosen."""
    choices = [(each.slug, text(each.title, each.title_en, locale())) for each in queries.campaigns(session)]
    asked = request.args.get("slug", "")
    return asked if asked in dict(choices) else "", [("", _("All campaigns")), *choices]


@bp.get("/money")
@staff_required(Permission.DEPOSITS)
def money() -> str:
    """Show open cases, statements and what was closed last."""
    return money_page()


@bp.post("/money/cases")
@staff_required(Permission.MONEY)
@shown_again_by(money_page)
def close_case() -> Answer:
    """Close a case with a note."""
    number = typed("case")
    case = int(number) if number.isascii() and number.isdigit() else 0
    with transaction() as session:
        campaign = finance.campaign_of(session, case_id=case)
        about: dict[str, Any] = {"note": typed(f"note-{case}"), "campaign": campaign, "actor": staff().actor, "now": now()}
        closed = money_cases.close(session, case_id=case, **about)
    return done(_("Closed: %(subject)s", subject=closed.details.get("reference") or closed.subject), "money", **_filter())


def _filter() -> dict[str, Any]:
    return {"slug": request.args["slug"]} if request.args.get("slug") else {}


@bp.post("/money/statements")
@staff_required(Permission.MONEY)
@shown_again_by(money_page)
def import_statement() -> Answer:
    """Import a statement; the worker compares it with the books a moment later."""
    file = request.files.get("file")
    if not file or not file.filename:
        raise Invalid(N_("Choose the file that the gateway sent"), field="file")
    read = statements.read(parts().gateways, gateway=typed("gateway"), content=file.stream.read(statements.LARGEST + 1))
    with transaction() as session:
        imported = statements.import_statement(session, read, name=file.filename, actor=staff().actor, now=now())
    if imported.again:
        return done(_("This file was imported before; nothing changed."), "money")
    figures = {"new": imported.new, "repeated": imported.repeated}
    return done(_("Imported: %(new)s new lines, %(repeated)s known from other files. They are being compared.", **figures), "money")


@bp.get("/money/sandbox.csv")
@staff_required(Permission.MONEY)
def sandbox_statement() -> Response:
    """Send yesterday's statement of the sandbox, as a real gateway would offer it for download."""
    sandbox = _sandbox()
    if sandbox is None:
        raise NotFound(N_("The sandbox isn't switched on here"))
    today = datetime.combine(now().astimezone(UTC).date(), time(tzinfo=UTC))
    content = sandbox.write_statement(since=today - _DAY, until=today)
    name = {"Content-Disposition": f'attachment; filename="sandbox-{today - _DAY:%Y-%m-%d}.csv"'}
    return Response(content, headers=name, content_type="text/csv; charset=utf-8")


def _sandbox() -> Sandbox | None:
    found = parts().gateways.get("sandbox")
    return found if isinstance(found, Sandbox) else None


@bp.get("/money/books")
@staff_required(Permission.DEPOSITS)
def books() -> str:
    """Show where the money is and whose it is, and the trial balance, of all campaigns or of one."""
    with reading() as session:
        chosen, choices = _chosen(session)
        balance = short_balance(session, campaign=chosen or None)
    found = positions(balance)
    totals = {each.currency: trial_totals(balance, each.currency) for each in found}
    about: dict[str, Any] = {"positions": found, "balance": balance, "totals": totals, "chosen": chosen, "choices": choices}
    sides: dict[str, Any] = {
        "own": OWN_MONEY,
        "customers": CUSTOMERS,
        "earned": EARNED,
        "suspense": Group.SUSPENSE,
        "groups": GROUPS,
        "group": group,
    }
    return show("books.html", here="books", **about, **sides)
