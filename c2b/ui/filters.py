"""How templates show amounts, instants and shares; always with words or units, never bare."""

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, get_timezone
from babel.numbers import format_decimal
from flask import Flask
from flask_babel import gettext as _
from flask_babel import ngettext
from markupsafe import Markup

from c2b import money as money_module
from c2b.campaigns.models import Campaign
from c2b.deposits.legal import withdraws_without_login
from c2b.errors import N_
from c2b.qr import code_of
from c2b.ui.language import locale
from c2b.ui.shell import now

_GATEWAYS = {
    "sandbox": N_("Test payment"),
    "manual": N_("Bank transfer or cash"),
    "alipay": N_("Alipay"),
    "wechat": N_("WeChat Pay"),
    "stripe": N_("Card"),
    "bank": N_("Bank account"),
    "iban": N_("Bank account (IBAN)"),
}
_HAN = re.compile("[\u4e00-\u9fff]")
_PATTERNS = {
    "zh_Hans_CN": {"minute": "M月d日 HH:mm", "minute_year": "y年M月d日 HH:mm", "day": "M月d日", "day_year": "y年M月d日", "month": "M月"},
    "en": {"minute": "d MMM HH:mm", "minute_year": "d MMM y HH:mm", "day": "d MMM", "day_year": "d MMM y", "month": "MMM"},
}


def money(amount: int | None, currency: str) -> str:
    """Show minor units in the page's language: ¥50.00; nothing for None."""
    return "" if amount is None else money_module.show(amount, currency, locale())


def price_range(low: int | None, high: int | None, currency: str) -> str:
    """Show an estimate without needless digits: ¥229–289."""
    if low is None or high is None:
        return ""
    digits = money_module.digits(currency)

    def short(amount: int) -> str:
        return money(amount, currency).removesuffix("." + "0" * digits)

    first, last = short(low), short(high)
    symbol = first.rstrip("0123456789.,\u00a0 ")
    return first if low == high else f"{first}–{last.removeprefix(symbol)}"


def instant_text(moment: datetime, zone: str, form: str = "minute") -> str:
    """Show an instant in the campaign's zone as plain text, the year only where it isn't this one."""
    here = moment.astimezone(ZoneInfo(zone))
    this_year = now().astimezone(ZoneInfo(zone)).year
    key = form if here.year == this_year or form == "month" else f"{form}_year"
    return format_datetime(here, _PATTERNS[locale()][key], tzinfo=get_timezone(zone), locale=locale())


def instant(moment: datetime | None, zone: str, form: str = "minute") -> Markup:
    """Show an instant in the campaign's zone as a <time>; nothing for None. `form`: minute, day, month."""
    if moment is None:
        return Markup("")
    here = moment.astimezone(ZoneInfo(zone))
    return Markup('<time datetime="{}">{}</time>').format(here.isoformat(timespec="minutes"), instant_text(moment, zone, form))


def day(value: date | None) -> str:
    """Show a date without a time: 5 Jun."""
    if value is None:
        return ""
    key = "day" if value.year == now().year else "day_year"
    return format_date(value, _PATTERNS[locale()][key], locale=locale())


def until(moment: datetime) -> str:
    """Say how long it is until `moment`: 2 d 06:14; 00:00 once it has passed."""
    left = max(moment - now(), timedelta())
    hours, minutes = divmod(int(left.total_seconds()) % 86_400 // 60, 60)
    clock = f"{hours:02}:{minutes:02}"
    return _("%(days)s d %(clock)s", days=left.days, clock=clock) if left.days else clock


def number(value: int) -> str:
    """Show a count with its thousands apart: 182,417."""
    return format_decimal(value, locale=locale())


def gateway(name: str) -> str:
    """Return how people call a way to pay, or to be paid."""
    return _(_GATEWAYS[name]) if name in _GATEWAYS else name


def language_of(kept: str) -> str:
    """Return the tag of the language that a text of ours was kept in, which needn't be the page's: zh-CN or en."""
    return "zh-CN" if _HAN.search(kept) else "en"


def withdraws(campaign: Campaign) -> bool:
    """Tell whether orders of a campaign can be left without signing in: then its pages lead there (Directive 2011/83/EU, art. 11a)."""
    return withdraws_without_login(campaign.legal_profile, campaign.countries)


def share(part: int, whole: int) -> int:
    """Return `part` of `whole` in whole per cent, rounded down, 0 to 100."""
    return min(100, part * 100 // whole) if whole > 0 else 100


def set_up(app: Flask) -> None:
    """Give templates the filters, and one gettext of each kind."""
    app.jinja_env.filters.update(
        money=money, instant=instant, instant_text=instant_text, day=day, until=until, number=number, price_range=price_range
    )
    app.jinja_env.filters.update(gateway=gateway, language_of=language_of, withdraws=withdraws, qr=code_of)
    app.jinja_env.globals.update(share=share, ngettext=ngettext)
