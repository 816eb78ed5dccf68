"""Money is an integer in the currency's minor unit; this is where it meets people.

How many digits a currency has decides what a stored amount means, so they stand here and never change with a library's release.
Source: ISO 4217, list one; only Madagascar's ariary, which has fifths by the list, is counted whole, as banks and cards count it.
"""

import re
from copy import copy
from decimal import Decimal
from fractions import Fraction
from functools import cache

from babel import Locale
from babel.numbers import NumberPattern

from c2b.errors import N_, Invalid

_PLAIN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")
_GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]{1,4})?")
_WHOLE = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def digits(currency: str) -> int:
    """Return how many decimal digits `currency` has: 2 for CNY, 0 for JPY."""
    if currency in _WHOLE:
        return 0
    return 3 if currency in _THREE else 2


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
    """Format minor units for people: ¥50.00; a campaign has one currency, so its ¥ needs no CN."""
    shown: str = _pattern(locale, digits(currency)).apply(decimal(amount, currency), locale, currency=currency, currency_digits=False)
    return shown.replace("CN¥", "¥")


@cache
def _pattern(locale: str, decimals: int) -> NumberPattern:
    pattern: NumberPattern = copy(Locale.parse(locale).currency_formats["standard"])
    pattern.frac_prec = (decimals, decimals)
    return pattern


def percent_floor(amount: int, percent: int) -> int:
    """Return `percent` per cent of `amount` minor units, rounded down."""
    return int(Fraction(amount * percent, 100).__floor__())
