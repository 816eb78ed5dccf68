"""Staff accounts, the owner's business: add, change a role, a new set-up link, shut."""

from flask import flash, get_flashed_messages, redirect, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed
from c2b.errors import N_, Invalid, Refused
from c2b.people import actions, queries
from c2b.people.rules import AddressKind, Permission, Role, normalise
from c2b.stores import queries as stores
from c2b.stores.actions import employ
from c2b.ui.shell import now, parts, reading, staff, staff_required, transaction

ROLES: dict[Role, str] = {
    Role.OWNER: N_("Owner"),
    Role.MANAGER: N_("Manager"),
    Role.MERCHANDISER: N_("Merchandiser"),
    Role.FINANCE: N_("Finance"),
    Role.SUPPORT: N_("Support"),
    Role.ASSISTANT: N_("Store assistant"),
    Role.AUDITOR: N_("Auditor"),
}


def accounts_page() -> str:
    """Show all accounts, the form for a new one, and a set-up link just made: once, as a message is."""
    links = [str(text).split(" ", 1) for text in get_flashed_messages(category_filter=["set_up_link"])]
    with reading() as session:
        accounts, works = queries.staff(session), stores.workplaces(session)
        shops = [("", "–"), *((store.code, store.name) for store in stores.near(session, ""))]
    roles = {role: _(name) for role, name in ROLES.items()}
    return show("accounts.html", here="accounts", accounts=accounts, links=links, roles=roles, shops=shops, works=works)


def _with_link(email: str, token: str) -> Response:
    """Go back to the accounts, with the link if the account needs one to come in."""
    if not token:
        return done(_("%(email)s is saved", email=email), "accounts")
    address = parts().settings.base_url.rstrip("/") + url_for("admin.set_up_form", token=token)
    flash(f"{email} {address}", "set_up_link")
    return redirect(url_for("admin.accounts"), 303)


@bp.get("/staff")
@staff_required(Permission.STAFF)
def accounts() -> str:
    """List the accounts."""
    return accounts_page()


def _address() -> str:
    """Return the address that was typed; raises Invalid at the form's own field."""
    try:
        normalise(AddressKind.EMAIL, typed("email"))
    except Invalid as problem:
        raise Invalid(problem.message, field="email", **problem.values) from problem
    return typed("email")


@bp.post("/staff")
@staff_required(Permission.STAFF)
@shown_again_by(accounts_page)
def add_account() -> Answer:
    """Make an account or change a role."""
    if typed("role") not in set(Role):
        raise Invalid(N_("Choose a role"), field="role")
    role, email = Role(typed("role")), _address()
    if email.strip().lower() == staff().email and role is not Role.OWNER:
        raise Refused(N_("You can’t take the owner’s role from yourself; another owner can"))
    with transaction() as session:
        token = actions.add_staff(session, email=email, role=role, name=typed("name"), actor=staff().actor, now=now())
        employ(session, email=email, role=role, store=typed("store"), actor=staff().actor, now=now())
    return _with_link(email, token)


@bp.post("/staff/reset")
@staff_required(Permission.STAFF)
@shown_again_by(accounts_page)
def reset_account() -> Answer:
    """Take password and logins away and make a new set-up link."""
    with transaction() as session:
        token = actions.reset_staff(session, email=typed("email"), actor=staff().actor, now=now())
    return _with_link(typed("email"), token)


@bp.post("/staff/shut")
@staff_required(Permission.STAFF)
@shown_again_by(accounts_page)
def shut_account() -> Answer:
    """Shut an account; a new set-up link opens it again."""
    if typed("email").strip().lower() == staff().email:
        raise Refused(N_("You can’t shut your own account; another owner can"))
    with transaction() as session:
        actions.disable_staff(session, email=typed("email"), actor=staff().actor, now=now())
    return done(_("%(email)s is shut. A new set-up link opens it again.", email=typed("email")), "accounts")
