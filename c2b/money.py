"""Money is an integer in the currency's minor unit; this is where it meets people.

Digits per currency come from Unicode CLDR by way of Babel.
"""

import re
from decimal import Decimal
from fractions import Fraction

from babel.numbers import format_currency, get_currency_precision

from c2b.errors import N_, Invalid

_PLAIN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,4})?")


def digits(currency: str) -> int:
    """Return how many decimal digits `currency` has: 2 for CNY, 0 for JPY."""
    return get_currency_precision(currency)


def decimal(amount: int, currency: str) -> Decimal:
    """Turn minor units into a decimal number with the currency's digits: 5000 CNY is 50.00."""
    return Decimal(amount).scaleb(-digits(currency))


def parse(text: str, currency: str) -> int:
    """Read an amount as people write it ("1,299.00", "50") into minor units.

    Raises Invalid for anything else: a sign, letters, or more digits than the currency has.
    """
    cleaned = text.strip()
    if not (_PLAIN.fullmatch(cleaned) or _GROUPED.fullmatch(cleaned)):
        raise Invalid(N_("“%(text)s” is not an amount; write it like 129.00"), text=text)
    scaled = Decimal(cleaned.replace(",", "")).scaleb(digits(currency))
    if scaled != scaled.to_integral_value():
        raise Invalid(N_("“%(text)s” has more decimal digits than %(currency)s has"), text=text, currency=currency)
    return int(scaled)


def coin(currency: str) -> int:
    """Return the smallest amount that is asked for, minor units: cards take currencies with three digits in tens only, so 10 for KWD."""
    return int(10 ** max(digits(currency) - 2, 0))


def price(text: str, currency: str) -> int:
    """Read an amount that will be asked for; raises Invalid as `parse` does, and for what isn't a multiple of the `coin`."""
    amount = parse(text, currency)
    if amount % coin(currency):
        smallest = decimal(coin(currency), currency)
        raise Invalid(
            N_("“%(text)s” can’t be paid by card; in %(currency)s write multiples of %(coin)s"), text=text, currency=currency, coin=smallest
        )
    return amount


def show(amount: int, currency: str, locale: str) -> str:
    """Format minor units for people: ¥50.00."""
    return format_currency(decimal(amount, currency), currency, locale=locale)


def percent_floor(amount: int, percent: int) -> int:
    """Return `percent` per cent of `amount` minor units, rounded down."""
    return int(Fraction(amount * percent, 100).__floor__())
