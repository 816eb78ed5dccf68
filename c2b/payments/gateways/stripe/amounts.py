"""What Stripe counts an amount in, which is not always the currency's smallest coin: pure.

Source: docs.stripe.com/currencies, "zero-decimal", "three-decimal" and "special cases".
"""

from c2b import money

_WHOLE = frozenset(["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"])
_THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])


def _digits(currency: str) -> int:
    """Return the decimal digits that Stripe counts with; ISK and UGX have none, and Stripe wants them with two all the same."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def to_stripe(amount: int, currency: str) -> int:
    """Turn minor units into Stripe's: 5980 fen are 5980, 500 yen are 500, 5 Icelandic crowns are 500. Raises ValueError if it can't."""
    return _scaled(amount, _digits(currency) - money.digits(currency))


def from_stripe(amount: int, currency: str) -> int:
    """Turn Stripe's units into minor ones; raises ValueError for a part of the smallest coin, which nobody asked for."""
    return _scaled(amount, money.digits(currency) - _digits(currency))


def _scaled(amount: int, digits: int) -> int:
    if digits >= 0:
        return amount * int(10**digits)
    whole, rest = divmod(amount, int(10**-digits))
    if rest:
        raise ValueError(f"{amount} has a part of the smallest coin")
    return whole
