"""The sandbox's own payment page: what a bank's page would be, in both languages at once, without real money."""

from flask import Blueprint, abort, redirect, render_template, request
from werkzeug.wrappers import Response

from c2b.money import show
from c2b.payments.gateways.sandbox.books import DELAY, Sandbox


def blueprint(sandbox: Sandbox) -> Blueprint:
    """Return the page at `/sandbox/pay/<key>`; the key is random, so whoever has it may pay."""
    pages = Blueprint("sandbox", __name__, url_prefix="/sandbox", template_folder="templates")

    @pages.get("/pay/<key>")
    def page(key: str) -> str:
        """Show what is to be paid, and the ways it can end."""
        found = sandbox.find(key) or abort(404)
        amounts = {locale: show(found["amount"], found["currency"], locale) for locale in ("zh_Hans_CN", "en")}
        return render_template("sandbox/pay.html", payment=found, amounts=amounts, is_open=sandbox.is_open(key))

    @pages.post("/pay/<key>")
    def pay(key: str) -> Response:
        """Do what the customer chose, and send them back to the shop."""
        found = sandbox.find(key) or abort(404)
        choice = request.form.get("do")
        if choice == "decline":
            sandbox.decline(key)
        elif choice in ("approve", "delay"):
            sandbox.approve(key, **({"delay": DELAY} if choice == "delay" else {}))
        else:
            abort(400)
        return redirect(found["back"], 303)

    for view in (page, pay):
        view.__dict__["c2b_access"] = "public"  # as ui.access writes it, which stands above
    return pages
