"""Stripe, for those who installed the package that speaks to it."""

from collections.abc import Callable
from datetime import datetime

from c2b.errors import N_, Refused
from c2b.payments.protocol import Gateway
from c2b.settings import Settings


def connect(settings: Settings, now: Callable[[], datetime]) -> Gateway:
    """Return the gateway; nothing is asked of Stripe yet. Raises Refused naming what to install where the package isn't there."""
    try:
        from c2b.payments.gateways.stripe.gateway import Stripe
    except ModuleNotFoundError as error:
        if error.name != "stripe":
            raise
        raise Refused(N_("Paying by Stripe needs one more package: pip install 'c2b[stripe]'")) from error
    return Stripe(settings, now)
