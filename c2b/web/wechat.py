"""Signing in by WeChat inside WeChat: nothing to type. WeChat tells the shop who came, in two hops."""

import hmac
import secrets
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, g, redirect, request
from flask import session as cookie
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.errors import Refused
from c2b.people.addresses import Linked
from c2b.people.rules import AddressKind
from c2b.people.wechat import UNKNOWN, OfficialAccount, official_account
from c2b.ui.access import public
from c2b.ui.clients import remember_openid
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import local, now, parts, secret_key, transaction, viewer, visitor
from c2b.voting import linking
from c2b.voting.actions import SignedIn, enter
from c2b.web.sign_in import bring, guest, welcome

bp = Blueprint("wechat", __name__)
_BACK = "/sign-in/wechat/back"


@bp.get("/sign-in/wechat")
@public
def begin() -> Response:
    """Send the browser to WeChat, which sends it back with a code; who isn't there is told so by the page for signing in."""
    account, to = _account(), local(request.args.get("next", ""), "/me")
    paying = request.args.get("for") == "paying"
    cookie["wechat"] = {"state": secrets.token_urlsafe(16), "next": to, "paying": paying}
    back = parts().settings.base_url.rstrip("/") + _BACK
    return redirect(account.authorize(back=back, state=cookie["wechat"]["state"]), 303)


@bp.get(_BACK)
@public
def back() -> Response:
    """Take what WeChat says: for paying remember the openid alone, else sign in, or add it to who is signed in.

    It writes, though it is a GET, for WeChat can only redirect; the state in the cookie lets it happen once and for this browser alone.
    """
    asked = _asked()
    if asked is None:
        flash(_(UNKNOWN), "bad")
        return redirect("/sign-in", 303)
    try:
        openid = _openid()
        remember_openid(openid)
        return redirect(asked["next"], 303) if asked["paying"] else _known(openid, asked["next"])
    except Refused as problem:
        return _refused(problem, asked)


def _account() -> OfficialAccount:
    return official_account(parts().settings) or abort(404)


def _asked() -> dict[str, str] | None:
    """Return what this browser asked WeChat for, if the answer is to that; it is good for once."""
    if "wechat" not in g:
        asked = cookie.pop("wechat", None)
        right = asked is not None and hmac.compare_digest(asked["state"].encode(), request.args.get("state", "").encode())
        g.wechat = asked if right else None
    return g.wechat  # type: ignore[no-any-return]  # what `begin` wrote


def _openid() -> str:
    """Ask WeChat once a request: when the database wants the view to run again, the code is spent."""
    if "openid" not in g:
        code = request.args.get("code", "")[:512]
        if not code:
            raise Refused(UNKNOWN)
        g.openid = _account().openid(code)
    return str(g.openid)


def _refused(problem: Refused, asked: dict[str, str]) -> Response:
    flash(say(problem), "bad")
    to = asked["next"]
    if asked["paying"]:
        return redirect(f"{to}{'&' if '?' in to else '?'}unasked", 303)
    return redirect("/sign-in?" + urlencode({"next": to}), 303)


def _known(openid: str, to: str) -> Response:
    known = visitor()
    if known and known.verified:
        return _linked(known.person_id, openid, to)
    signed = _signed_in(openid)
    answer = welcome(signed, to)
    remember_openid(openid)  # the cookie of before is gone
    return answer


def _linked(person_id: int, openid: str, to: str) -> Response:
    proved: dict[str, Any] = {"kind": AddressKind.WECHAT, "address": openid}
    with transaction() as session:
        linked = linking.add(session, person_id=person_id, secret_key=secret_key(), now=now(), **proved)
    if linked is Linked.ADDED:
        flash(_("Added. Inside WeChat you can sign in by it from now on."), "ok")
    else:
        flash(_("This WeChat account can’t be added here. To use it, sign out and sign in by WeChat."), "bad")
    return redirect(to, 303)


def _signed_in(openid: str) -> SignedIn:
    guest_id, number = guest(), viewer()
    proved: dict[str, Any] = {"kind": AddressKind.WECHAT, "address": openid}
    with transaction() as session:
        signed = enter(session, guest_id=guest_id, viewer=number, locale=locale(), secret_key=secret_key(), now=now(), **proved)
        bring(session, signed, guest_id, number)
    return signed
