"""What Stripe doesn't let us do; readable without the package that speaks to it."""

from datetime import timedelta

from c2b.payments.protocol import Limits
from c2b.settings import Settings


def limits(settings: Settings) -> Limits:
    """Return what Stripe's documents say; refunds of cards have no deadline and no number, and wait for money as long as it takes.

    docs.stripe.com/refunds. Keys: docs.stripe.com/api/idempotent_requests. Calls: 100 a second, 25 in test mode, of which mass refunds
    should take a part only: support.stripe.com/questions/rate-limit-error-when-creating-bulk-api-requests.
    """
    live = "_live_" in settings.stripe_key.get_secret_value()
    return Limits(key_lasts=timedelta(hours=24), refunds_a_second=50.0 if live else 12.0)
