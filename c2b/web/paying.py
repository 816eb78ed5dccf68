"""The ways to pay, as a customer sees them."""

from flask_babel import gettext as _

from c2b.ui import filters
from c2b.ui.clients import client
from c2b.ui.shell import parts


def offered() -> list[str]:
    """Return the ways to pay that work in this browser, in the shop's order."""
    here = client()
    return [name for name, gateway in parts().gateways.items() if gateway.is_offered(here)]


def name(gateway: str) -> tuple[str, str]:
    """Return how a way to pay is called, and one line about it."""
    said = {
        "sandbox": _("No real money moves; for trying things out"),
        "manual": _("You transfer it yourself; we tell you the account and when to send it"),
    }
    return filters.gateway(gateway), said.get(gateway, "")
