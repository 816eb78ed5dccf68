"""The page that says where to pay by bank transfer: one of the shop's own, as the template that it extends."""

import re

from flask import Blueprint, abort, render_template, request
from sqlalchemy import select

from c2b.campaigns.models import Campaign
from c2b.payments.gateways.manual.books import Manual
from c2b.payments.manual import NAME
from c2b.payments.models import Payment
from c2b.payments.rules import OPEN

_BACK = re.compile(r"/c/([A-Za-z0-9._-]+)/pay/([A-Za-z0-9_-]+)")


def blueprint(manual: Manual) -> Blueprint:
    """Return the page at `/manual/pay/<key>`; the key is random, so whoever has it may read where to pay."""
    pages = Blueprint("manual", __name__, url_prefix="/manual", template_folder="templates")

    @pages.get("/pay/<key>")
    def page(key: str) -> str:
        """Show account, amount, reference and deadline, and the way back to where the customer waits."""
        with manual.database.reading() as session:
            payment = session.scalars(select(Payment).where(Payment.key == key, Payment.gateway == NAME)).one_or_none() or abort(404)
            slug = _slug(request.args.get("back", ""), key)
            zone = session.scalar(select(Campaign.time_zone).where(Campaign.slug == slug)) or "UTC"
        back = f"/c/{slug}/pay/{key}" if slug else f"/me/orders/{payment.payer}"
        is_open = payment.state in OPEN and manual.now() < payment.expires_at
        return render_template("manual/pay.html", payment=payment, is_open=is_open, account=manual.account, zone=zone, back=back)

    page.__dict__["c2b_access"] = "public"  # as ui.access writes it, which stands above
    return pages


def _slug(back: str, key: str) -> str:
    """Return the campaign in whose pages this payment's customer waits; an address that says anything else is passed over."""
    found = _BACK.fullmatch(back)
    return found[1] if found and found[2] == key else ""
