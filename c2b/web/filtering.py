"""What the gallery's address asks for, and the links that change it; everything works as a plain GET."""

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext as _

from c2b import money
from c2b.campaigns.bands import Band
from c2b.campaigns.kept import Bits
from c2b.ui.filters import price_range

_PAGE_NUMBER = re.compile("[1-9][0-9]{0,3}")
_PRICE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,4})?)?-([0-9]{1,9}(?:\.[0-9]{1,4})?)?")
_SINCE = re.compile("[A-Za-z0-9_-]{1,1400}")
_TICKED = 3
"""Designs that are carried along to be compared; the fourth is ticked where they are carried to."""
NOT_SEEN, SEEN, PICKED = KINDS = ("no", "yes", "picked")


@dataclass(frozen=True)
class Filters:
    """What the address asks for."""

    category: str = ""
    search: str = ""
    price: str = ""
    """A range in whole units of the currency: 200-300, -200, 450-."""
    seen: str = ""
    """`no`, `yes` (and not picked) or `picked`."""
    since: str = ""
    """With `no`: what was seen when the filter was chosen, so that the list stays while one looks through it."""
    show: str = ""
    """`all`: after the selection, those that weren't selected too."""
    page: int = 1
    compare: tuple[str, ...] = ()
    """Codes ticked on the way: what is chosen here is set beside them."""

    @classmethod
    def asked(cls) -> "Filters":
        """Read the address; what makes no sense is page 1 of everything."""
        if not request.query_string:
            return cls()
        ask = request.args.get
        page, show, seen = ask("page", "1"), ask("show", ""), ask("seen", "")
        return cls(
            category=ask("cat", "")[:100],
            search=ask("q", "").strip()[:60],
            price=ask("price", "") if _PRICE.fullmatch(ask("price", "")) else "",
            seen=PICKED if show == PICKED else seen if seen in {NOT_SEEN, SEEN, PICKED} else "",
            since=ask("since", "") if seen == NOT_SEEN and _SINCE.fullmatch(ask("since", "")) else "",
            show="all" if show == "all" else "",
            page=int(page) if _PAGE_NUMBER.fullmatch(page) else 1,
            compare=tuple(dict.fromkeys(code[:60] for code in request.args.getlist("c") if code))[:_TICKED],
        )

    @cached_property
    def pairs(self) -> dict[str, Any]:
        """What stands in the address besides the page."""
        pairs = {"cat": self.category, "q": self.search, "price": self.price, "seen": self.seen, "since": self.since, "show": self.show}
        return {key: value for key, value in (pairs | {"c": self.compare}).items() if value}

    @property
    def narrow(self) -> bool:
        """Whether something may be left out."""
        return bool(self.pairs.keys() - {"show", "c"})

    def href(self, **changes: Any) -> str:
        """Return the query of this list with changes; any change but the page goes back to page 1."""
        fresh = {"since": ""} if "seen" in changes else {}
        new = replace(self, **({"page": 1} | fresh | changes))
        return "?" + urlencode(new.pairs | ({"page": new.page} if new.page > 1 else {}), doseq=True)

    def band(self, currency: str) -> Band | None:
        """Return the range of estimates that is asked for, in minor units."""
        asked = _PRICE.fullmatch(self.price)
        low, high = asked.groups() if asked else (None, None)
        return Band(_minor(low, currency), _minor(high, currency)) if low or high else None


def _minor(amount: str | None, currency: str) -> int | None:
    return int(Decimal(amount).scaleb(money.digits(currency))) if amount else None


def address_of(band: Band, currency: str) -> str:
    """Return a band as an address names it: 200-300."""
    return "-".join("" if edge is None else f"{money.decimal(edge, currency).normalize():f}" for edge in (band.low, band.high))


def words_of(band: Band, currency: str) -> str:
    """Say a band: under ¥200, ¥200-300, ¥450 and more."""
    if band.low is None:
        return str(_("Under %(price)s", price=price_range(band.high, band.high, currency)))
    if band.high is None:
        return str(_("%(price)s and more", price=price_range(band.low, band.low, currency)))
    return price_range(band.low, band.high, currency)


def packed(bits: Bits) -> str:
    """Write some candidates as an address carries them."""
    return base64.urlsafe_b64encode(bits.to_bytes((bits.bit_length() + 7) // 8 or 1, "little")).decode().rstrip("=")


def unpacked(since: str) -> Bits:
    """Read what `packed` wrote; whatever else it is names candidates too, also some that there aren't, or none."""
    try:
        return int.from_bytes(base64.urlsafe_b64decode(since + "=" * (-len(since) % 4)), "little")
    except ValueError:
        return 0


@dataclass(frozen=True)
class Choice:
    """A link of the filters; chosen, it leads back to where it isn't."""

    text: str
    href: str
    count: int
    chosen: bool


def seen_choices(filters: Filters, counts: dict[str, int]) -> list[Choice]:
    """Return the links to what was seen, what wasn't, and the picks."""
    texts = {NOT_SEEN: _("Not seen yet"), SEEN: _("Seen, no vote"), PICKED: _("Picked")}
    return [
        Choice(text, filters.href(seen="" if filters.seen == key else key, show=""), counts[key], filters.seen == key)
        for key, text in texts.items()
    ]


def price_choices(filters: Filters, bands: Iterable[Band], prices: Sequence[int | None], currency: str) -> list[Choice]:
    """Return the links to price ranges."""
    found = []
    for band in bands:
        address = address_of(band, currency)
        chosen = filters.price == address
        count = sum(price in band for price in prices)
        found.append(Choice(words_of(band, currency), filters.href(price="" if chosen else address), count, chosen))
    return found


def active(filters: Filters, category: str, currency: str) -> list[tuple[str, str]]:
    """Return what leaves something out, in words, each with the address without it."""
    seen = {NOT_SEEN: _("Not seen yet"), SEEN: _("Seen, no vote"), PICKED: _("Picked"), "": ""}[filters.seen]
    band = filters.band(currency)
    texts = {
        "search": _("“%(words)s”", words=filters.search) if filters.search else "",
        "category": category,
        "price": words_of(band, currency) if band else "",
        "seen": seen,
    }
    return [(text, filters.href(**{name: ""})) for name, text in texts.items() if text]
