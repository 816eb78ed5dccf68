"""Signing in by a code, with the picks that were made before."""

import re
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request
from flask import session as cookie
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from c2b.campaigns import queries
from c2b.campaigns.queries import CandidateCard
from c2b.campaigns.rules import CampaignState
from c2b.errors import Invalid, Refused
from c2b.people import size
from c2b.people.rules import CODE_LIFE, SIGN_IN_KINDS, WRONG_CODE, AddressKind, mask
from c2b.people.wechat import official_account
from c2b.qr import code_of
from c2b.ui.access import public
from c2b.ui.clients import client
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import begin_login, end_login, local, now, parts, reading, secret_key, transaction, viewer, visitor
from c2b.voting import queries as voting
from c2b.voting.actions import SignedIn, sign_in
from c2b.voting.linking import waiting
from c2b.voting.queries import BallotView
from c2b.web import codes, seen
from c2b.web.campaign import title
from c2b.web.choosing import choosing

bp = Blueprint("sign_in", __name__, template_folder="templates")


_OF_CAMPAIGN = re.compile(r"/c/([^/?#]+)")


def _drafts() -> list[tuple[str, BallotView, list[CandidateCard]]]:
    """Return what this browser picked and nobody has signed for: title, ballot and pictures, a campaign each."""
    known = visitor()
    if known is None or known.verified:
        return []
    with reading() as session:
        ballots = [(found, voting.ballot(session, campaign_id=found.id, person_id=known.person_id)) for found in queries.campaigns(session)]
        return [
            (title(found), ballot, queries.candidates(session, found.id, locale=locale(), ids=sorted(ballot.picked)[:7]))
            for found, ballot in ballots
            if ballot.picked
        ]


def _form(status: int = 200, to: str = "", **values: object) -> tuple[str, int]:
    to = to or _next()
    kinds, has_wechat = _kinds(to)
    asked: dict[str, Any] = {"kind": _asked_kind(kinds), "kinds": kinds, "errors": {}, "address": "", "next": to, "drafts": _drafts()}
    asked["wechat"] = by_wechat(to) if has_wechat else None
    return render_template("web/sign_in.html" if kinds else "web/sign_in_wechat.html", **(asked | values)), status


def by_wechat(to: str) -> dict[str, str]:
    """Return how a page leads to signing in by WeChat: its address, and for a browser elsewhere a code that opens it in WeChat."""
    path = "/sign-in/wechat?" + urlencode({"next": to})
    return {"path": path, "code": "" if client().is_wechat else code_of(parts().settings.base_url.rstrip("/") + path)}


def _next() -> str:
    return local(request.values.get("next", ""), "/me")


def _kinds(to: str) -> tuple[tuple[AddressKind, ...], bool]:
    """Return what a person may sign in by, and whether by WeChat: the anchor of the campaign they come from, else whatever is one."""
    with reading() as session:
        anchors = {each.slug: each.identity for each in queries.campaigns(session) if each.state is not CampaignState.DRAFT}
    of_campaign = _OF_CAMPAIGN.match(to)
    anchor = anchors.get(of_campaign[1]) if of_campaign else None
    used = {anchor} if anchor else set(anchors.values())
    has_wechat = AddressKind.WECHAT in used and official_account(parts().settings) is not None
    return tuple(kind for kind in SIGN_IN_KINDS if kind in used) or (() if has_wechat else SIGN_IN_KINDS[:1]), has_wechat


def _asked_kind(kinds: tuple[AddressKind, ...]) -> AddressKind:
    kinds = kinds or SIGN_IN_KINDS[:1]
    return next((kind for kind in kinds if kind == request.values.get("kind")), kinds[0])


@bp.get("/sign-in")
@public
def address() -> tuple[str, int]:
    """Ask for the address that the campaign knows its voters by."""
    return _form()


@bp.post("/sign-in")
@public
def send() -> Response | tuple[str, int]:
    """Send a code, whether or not the address is known."""
    typed, to = request.form.get("address", "").strip()[:254], _next()
    kind = _asked_kind(_kinds(to)[0])
    try:
        code = codes.send(kind, typed)
    except (Invalid, Refused) as problem:
        return _form(400 if isinstance(problem, Invalid) else 429, errors={"address": say(problem)}, address=typed)
    cookie["signing_in"] = {"kind": kind.value, "address": typed, "next": to, "code": code}
    return redirect("/sign-in/code", 303)


def _code_form(status: int = 200, **errors: str) -> Response | tuple[str, int]:
    asked = cookie.get("signing_in")
    if not asked:
        return redirect("/sign-in", 303)
    kind, minutes = AddressKind(asked["kind"]), int(CODE_LIFE.total_seconds() // 60)
    again = "/sign-in?" + urlencode({"next": asked["next"], "kind": kind.value})
    about = {"kind": kind, "address": mask(kind, asked["address"]), "minutes": minutes, "again": again, "demo_code": asked["code"]}
    return render_template("web/code.html", errors=errors, drafts=_drafts(), **about), status


@bp.get("/sign-in/code")
@public
def code() -> Response | tuple[str, int]:
    """Ask for the six digits."""
    return _code_form()


@bp.post("/sign-in/code")
@public
def check() -> Response | tuple[str, int]:
    """Sign in by the code; the picks of this browser come along."""
    asked = cookie.get("signing_in")
    if not asked:
        return redirect("/sign-in", 303)
    kind, address = AddressKind(asked["kind"]), asked["address"]
    try:
        signed = _signed_in(kind, address)
    except Refused as problem:
        return _form(409, asked["next"], errors={"address": say(problem)}, kind=kind, address=address)
    return welcome(signed, asked["next"]) if signed else _code_form(400, code=_(WRONG_CODE))


def _signed_in(kind: AddressKind, address: str) -> SignedIn | None:
    """Sign in by the code that was typed; raises Refused for an address that can't be used now."""
    proof: dict[str, Any] = {"kind": kind, "address": address, "code": request.form.get("code", "").replace(" ", "")[:12]}
    guest_id, number = guest(), viewer()
    with transaction() as session:
        signed = sign_in(session, guest_id=guest_id, viewer=number, locale=locale(), secret_key=secret_key(), now=now(), **proof)
        bring(session, signed, guest_id, number)
    return signed


def guest() -> int | None:
    """Return the person of a browser that tapped before anybody signed in."""
    known = visitor()
    return known.person_id if known and not known.verified else None


def bring(session: Session, signed: SignedIn | None, guest_id: int | None, number: int) -> None:
    """Let the account know what its new browser was shown and told."""
    if signed:
        seen.bring(session, browser=number, account=signed.viewer)
        size.bring(session, guest_id=guest_id, person_id=signed.person_id)


def welcome(signed: SignedIn, to: str) -> Response:
    """Let this browser carry the login, and lead on; picks that didn't fit are chosen among first."""
    begin_login("customer", signed.token)
    if not signed.left_over:
        flash(_("You are signed in, and your picks count.") if not _waiting(signed.person_id) else _("You are signed in."), "ok")
        return redirect(to, 303)
    here = _OF_CAMPAIGN.match(to)
    slug = here[1] if here and here[1] in signed.left_over else next(iter(signed.left_over))
    return redirect(choosing(slug, to), 303)


def _waiting(person_id: int) -> bool:
    with reading() as session:
        return bool(waiting(session, person_id=person_id))


@bp.post("/sign-out")
@public
def sign_out() -> Response:
    """End this browser's login."""
    end_login("customer")
    flash(_("You are signed out. Your votes and orders stay with your address."), "ok")
    return redirect("/", 303)
