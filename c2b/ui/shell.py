"""What every view starts from: the application's parts, the clock, who is there, and the transaction of this request."""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps
from typing import Literal, ParamSpec, TypeVar, cast
from urllib.parse import urlencode, urlsplit

from flask import abort, current_app, g, redirect, request
from flask import session as cookie
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from c2b import clock
from c2b.db import Database
from c2b.payments.protocol import Gateways
from c2b.people import actions as people
from c2b.people import queries
from c2b.people.queries import Customer, StaffMember
from c2b.people.rules import Permission
from c2b.settings import Settings
from c2b.ui.access import declare
from c2b.ui.viewers import ViewerNumbers
from c2b.voting.seen import Impressions

P = ParamSpec("P")
R = TypeVar("R")
Kind = Literal["customer", "staff"]
_SIGN_IN: dict[Kind, str] = {"customer": "/sign-in", "staff": "/admin/sign-in"}


@dataclass(frozen=True)
class Parts:
    """What `create_app` wired together."""

    settings: Settings
    database: Database
    viewers: ViewerNumbers
    impressions: Impressions
    gateways: Gateways
    clock: Callable[[], datetime] = field(default=clock.now)


def parts() -> Parts:
    """Return the running application's parts."""
    return cast("Mapping[str, Parts]", current_app.extensions)["c2b"]


def secret_key() -> str:
    """Return what keys the hashes of addresses and devices."""
    return parts().settings.secret_key.get_secret_value()


def now() -> datetime:
    """Return the instant of this request: the same from its first to its last line."""
    at = g.get("now")
    if at is None:
        at = g.now = parts().clock()
    return cast("datetime", at)


def transaction() -> AbstractContextManager[Session]:
    """Open this request's writing transaction."""
    return parts().database.transaction()


def reading() -> AbstractContextManager[Session]:
    """Open a transaction that only reads."""
    return parts().database.reading()


def reserve_viewers(database: Database) -> Callable[[int], range]:
    """Return what takes the next so many viewer numbers from `database`."""

    def reserve(count: int) -> range:
        with database.transaction() as session:
            return people.reserve_viewers(session, count=count)

    return reserve


def _who(kind: Kind, within: Session | None = None) -> Customer | StaffMember | None:
    """Return whose login the browser carries; asked once a request, in a transaction that is open already if it is given."""
    known = g.setdefault("c2b_who", {})
    if kind not in known:
        token = cookie.get(kind)
        with nullcontext(within) if within else reading() as session:
            known[kind] = queries.who(session, token=token, now=now()) if token else None
    return cast("Customer | StaffMember | None", known[kind])


def visitor(within: Session | None = None) -> Customer | None:
    """Return the person behind this browser, a guest too; None before their first tap. `within`: a transaction to ask in."""
    found = _who("customer", within)
    return found if isinstance(found, Customer) else None


def known_as(customer: Customer | None) -> None:
    """Take it as read who is behind this browser, for a statement has just said so."""
    g.setdefault("c2b_who", {})["customer"] = customer


def customer() -> Customer:
    """Return the signed-in customer; without one the answer is 403, for the route forgot `customer_required`."""
    found = visitor()
    return found if found and found.verified else abort(403)


def staff() -> StaffMember:
    """Return the signed-in member of staff; without one the answer is 403, for the route forgot `staff_required`."""
    found = _who("staff")
    return found if isinstance(found, StaffMember) else abort(403)


def viewer() -> int:
    """Return this browser's viewer number: the account's where somebody is signed in; a first visit gets one in its cookie."""
    known = visitor()
    return known.viewer if known else own_number()


def own_number() -> int:
    """Return this browser's own viewer number, whoever is signed in; taken before a writing transaction, for taking one may write."""
    if "viewer" not in cookie:
        cookie["viewer"], cookie.permanent = parts().viewers.take(), True
        _remember_origin()
    return int(cookie["viewer"])


_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ORIGIN_LENGTH = 60


def _remember_origin() -> None:
    """Keep what led to the first visit: the source that a short link names (`?s=`), else the other site's host."""
    try:
        host = urlsplit(request.referrer or "").hostname or ""
    except ValueError:
        host = ""
    origin = request.args.get("s") or (host if host != request.host.partition(":")[0] else "")
    if origin := _UNSAFE.sub("", origin)[:_ORIGIN_LENGTH]:
        cookie["from"] = origin


def came_from() -> str:
    """Return what led this browser to its first visit; empty if nothing did."""
    return str(cookie.get("from", ""))


def begin_login(kind: Kind, token: str) -> None:
    """Let this browser carry a login; whatever an earlier holder of the cookie knew is worthless afterwards."""
    kept = {key: cookie[key] for key in ("lang", "viewer", "from", "asked", "customer", "staff") if key in cookie and key != kind}
    cookie.clear()
    cookie.update(kept)
    cookie[kind], cookie.permanent = token, True
    g.pop("c2b_who", None)


def begin_guest(token: str) -> None:
    """Let this browser carry the login of a guest, made for a first tap; the page that it looks at goes on working."""
    cookie["customer"], cookie.permanent = token, True
    g.pop("c2b_who", None)


def end_login(kind: Kind) -> None:
    """Sign this browser out, on the server and in its cookie."""
    if token := cookie.pop(kind, None):
        with transaction() as session:
            people.end_login(session, token=token, now=now())
    g.pop("c2b_who", None)


def local(path: str, otherwise: str = "/") -> str:
    """Return `path` if it leads to a page of this shop, for what an address said where to go next."""
    safe = path.startswith("/") and not path.startswith("//") and "\\" not in path and path.isprintable()
    return path if safe else otherwise  # browsers drop tabs and line ends: /<tab>/host is another site's address


def to_sign_in(kind: Kind) -> Response:
    """Send the browser to sign in, and back here afterwards where here is a page."""
    here = request.full_path.rstrip("?") if request.method in {"GET", "HEAD"} else ""
    query = "?" + urlencode({"next": here}) if here else ""
    return redirect(_SIGN_IN[kind] + query, 303)


def customer_required(view: Callable[P, R]) -> Callable[P, R | Response]:
    """Let only signed-in customers open a page; others are asked to sign in first."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
        known = visitor()
        return view(*args, **kwargs) if known and known.verified else to_sign_in("customer")

    return declare(guarded, "customer")


def staff_required(permission: Permission | None = None) -> Callable[[Callable[P, R]], Callable[P, R | Response]]:
    """Let only staff with `permission` open a page; None: any member of staff."""

    def decorate(view: Callable[P, R]) -> Callable[P, R | Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R | Response:
            known = _who("staff")
            if not isinstance(known, StaffMember):
                return to_sign_in("staff")
            if permission is not None and not known.may(permission):
                abort(403)
            return view(*args, **kwargs)

        return declare(guarded, f"staff:{permission or 'any'}")

    return decorate
