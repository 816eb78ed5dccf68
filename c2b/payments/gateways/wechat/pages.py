"""The customer's page of a payment by WeChat: a QR code, WeChat's own button, or the way into WeChat."""

import secrets
from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, abort, redirect, render_template, request, session
from werkzeug.wrappers import Response

from c2b.payments.actions import keep_handle
from c2b.payments.gateways.wechat.gateway import WeChat, page
from c2b.payments.gateways.wechat.handle import Handle, Kind
from c2b.payments.protocol import Answer, Client, Heard, PaymentFacts, ask
from c2b.payments.queries import ToPay, to_pay
from c2b.qr import code_of

_NEAR_THE_END = timedelta(minutes=1)
"""An order made later could be paid after it has expired: WeChat gives each a minute at least."""


def blueprint(wechat: WeChat) -> Blueprint:
    """Return the page at `/wechat/pay/<key>`; the key is random, so whoever has it may pay."""
    pages = Blueprint("wechat_pay", __name__, url_prefix="/wechat", template_folder="templates")

    @pages.get("/pay/<key>")
    def show(key: str) -> Response | str:
        """Show how to pay; inside WeChat, once, ask who this is to us."""
        payment, handle = _found(wechat, key)
        is_open, client = payment.is_open(wechat.now()), _client()
        if is_open and handle.waits_for_openid and client.is_stranger and "unasked" not in request.args:
            asked = {"for": "paying", "next": page(key)}
            return redirect(f"/sign-in/wechat?{urlencode(asked)}", 303)
        shown = {"payment": payment, "handle": handle, "is_open": is_open, "client": client, "failed": "failed" in request.args}
        return render_template("wechat/pay.html", **shown, **_means(wechat, payment, handle, client))

    @pages.post("/pay/<key>")
    def pay(key: str) -> Response:
        """Order at WeChat what this browser can pay, and go there: to the link, or back to the page, which has its button now."""
        payment, handle = _found(wechat, key)
        client = _client()
        payable = client.openid if handle.kind is Kind.JSAPI else client.ip
        if not payable or not payment.is_open(wechat.now() + _NEAR_THE_END):
            return redirect(page(key), 303)
        answer = _ordered(wechat, payment, handle, client)
        if answer.heard is not Heard.PENDING or not answer.handle:
            return redirect(f"{page(key)}?failed", 303)
        with wechat.database.transaction() as writing:
            keep_handle(writing, key=key, handle=answer.handle)
        return redirect(answer.page, 303)

    for view in (show, pay):
        view.__dict__["c2b_access"] = "public"  # as ui.access writes it, which stands above
    return pages


def _found(wechat: WeChat, key: str) -> tuple[ToPay, Handle]:
    with wechat.database.reading() as reading:
        payment = to_pay(reading, key=key, gateway="wechat") or abort(404)
    return payment, Handle.read(payment.handle) or Handle(Kind.NATIVE, "", "/me")


def _client() -> Client:
    return Client(request.user_agent.string[:300], request.remote_addr or "", str(session.get("openid", "")))


def _ordered(wechat: WeChat, payment: ToPay, handle: Handle, client: Client) -> Answer:
    money = (payment.amount, payment.currency, payment.merchant)
    facts = PaymentFacts(payment.key, *money, payment.expires_at, handle.back, payment.handle, client)
    return ask(lambda asked: wechat.order(asked, handle.kind), facts)


def _means(wechat: WeChat, payment: ToPay, handle: Handle, client: Client) -> dict[str, object]:
    """Return what the page pays by: a code to scan, or what WeChat's script is told."""
    if handle.kind is Kind.NATIVE:
        return {"code": code_of(handle.value) if handle.value else "", "signed": None}
    if not client.is_wechat:
        return {"code": code_of(wechat.base_url + page(payment.key)), "signed": None}
    can_sign = handle.kind is Kind.JSAPI and handle.value
    return {"code": "", "signed": wechat.sign(prepay_id=handle.value, nonce=secrets.token_hex(16)) if can_sign else None}
