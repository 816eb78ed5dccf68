"""Stripe, for those who installed the package that speaks to it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from c2b.errors import N_, Refused
from c2b.payments.protocol import Gateway, Limits
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


def limits(settings: Settings) -> Limits:
    """Return what Stripe's documents say; refunds of cards have no deadline and no number, and wait for money as long as it takes.

    docs.stripe.com/refunds. Keys: docs.stripe.com/api/idempotent_requests. Calls: 100 a second, 25 in test mode, of which mass refunds
    should take a part only: support.stripe.com/questions/rate-limit-error-when-creating-bulk-api-requests.
    """
    live = "_live_" in settings.stripe_key.get_secret_value()
    return Limits(key_lasts=timedelta(hours=24), refunds_a_second=50.0 if live else 12.0)
