"""Legal profiles as data: what holds for both sides, in both languages. Pure.

Sources stand with each profile; what customers can do after they paid is in `rights`.
A profile is a starting point for the merchant's own lawyer, not advice.
"""

import enum
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypedDict
from zoneinfo import ZoneInfo

from c2b.campaigns.rules import DEPOSIT_CAP_PERCENT, LegalProfile, text
from c2b.deposits.rights import CN_RETURN, EEA_COUNTRIES, EU_WITHDRAWAL, US_DELAY, DelayRule, Leaving, Source


class Case(enum.StrEnum):
    """The four cases that stand beside the pay button."""

    MISSED = "missed"
    CANCELLED = "cancelled"
    UNPAID = "unpaid"
    UNDELIVERED = "undelivered"


class Facts(TypedDict):
    """What the texts of a campaign name; `closes` is shown in its time zone."""

    closes: datetime
    time_zone: str
    grace_days: int
    locale: str


class Named(Protocol):
    """The facts of a campaign that its texts name; its row has them."""

    @property
    def ordering_closes(self) -> datetime:
        """Until when an order can be cancelled."""

    @property
    def time_zone(self) -> str:
        """Where times are shown."""

    @property
    def grace_days(self) -> int:
        """After the balance was due."""


@dataclass(frozen=True)
class Words:
    """A text in both languages, with `%(closes)s` and `%(grace)s` where an instant and days belong."""

    zh: str
    en: str

    def say(self, locale: str, values: Mapping[str, object]) -> str:
        """Return the text in `locale`, its values filled in."""
        return text(self.zh, self.en, locale) % values


@dataclass(frozen=True)
class Consequence:
    """What happens in one case, for people; `in_full`: all money comes back."""

    case: Case
    title: str
    text: str
    in_full: bool


@dataclass(frozen=True)
class Legal:
    """One profile: who loses what in which case, and what its terms say besides."""

    forfeits: bool
    """The deposit stays with the seller when the balance isn't paid."""
    doubles: bool
    """Who can't deliver owes the deposit a second time."""
    unpaid: Words
    undelivered: Words
    besides: Words
    sources: tuple[Source, ...] = ()
    forfeits_unreminded: bool = False
    """The deposit stays with the seller even if no reminder reached the customer; no profile does that."""
    leaving: Leaving | None = None
    """How a customer leaves without giving a reason, wherever the goods go; see `leaving_of` for countries."""
    delay: DelayRule | None = None
    """Customers are asked whether they wait longer; without it they are told."""


_TITLES = {
    Case.MISSED: Words("没到起订量", "Minimum not reached"),
    Case.CANCELLED: Words("预订截止前你取消", "You cancel before ordering closes"),
    Case.UNPAID: Words("你没付尾款", "You don’t pay the balance"),
    Case.UNDELIVERED: Words("我们交不了货", "We can’t deliver"),
}
_MISSED = Words("全额自动原路退回，不用申请。", "Returned in full, automatically, the way it came. You do nothing.")
_CANCELLED = Words("%(closes)s 前可以取消一款或全部，全额退回。", "One product or all, until %(closes)s: full refund.")
_RETURNED_UNPAID = Words(
    "提醒三次，再宽限 %(grace)s 天；之后这一款取消，订金全额退回。",
    "Three reminders and %(grace)s days of grace; then the product is cancelled and your deposit returned in full.",
)
_RETURNED_UNDELIVERED = Words("已付的钱全部退回。", "Everything that you paid comes back.")
_CONTRACT = Words(
    "付款后合同成立。预订截止时某一款没到起订量，这一款的合同终止，已付的钱全额退回。最终价对所有人相同，不会高于下单时的价格。",
    "Your payment makes a contract. For a product that misses its minimum when ordering closes it ends, and everything paid for it "
    "comes back. The final price is the same for everybody and never above the price at your order.",
)
_CN_CIVIL_CODE = Source("《民法典》第五百八十六、五百八十七条", "Civil Code of China, art. 586 and 587")
_CN_ECOMMERCE = Source("《电子商务法》第四十九条", "E-Commerce Law of China, art. 49")
_PROFILES = {
    LegalProfile.CN_DINGJIN: Legal(
        forfeits=True,
        doubles=True,
        unpaid=Words(
            "提醒三次，再宽限 %(grace)s 天；之后定金不退（《民法典》第五百八十七条），其余不用再付。",
            "Three reminders and %(grace)s days of grace; then the deposit is kept (Civil Code, art. 587) and you owe nothing more.",
        ),
        undelivered=Words(
            "已付的钱全部退回，定金双倍返还（《民法典》第五百八十七条）。",
            "Everything back, and the deposit twice (Civil Code of China, art. 587).",
        ),
        besides=Words(
            "定金不超过最低阶梯价的百分之二十（《民法典》第五百八十六条）。",
            "The deposit is at most 20 per cent of the lowest tier’s price (Civil Code of China, art. 586).",
        ),
        sources=(_CN_CIVIL_CODE, _CN_ECOMMERCE),
        leaving=CN_RETURN,
    ),
    LegalProfile.CN_PREPAY: Legal(
        forfeits=False,
        doubles=False,
        unpaid=_RETURNED_UNPAID,
        undelivered=_RETURNED_UNDELIVERED,
        besides=Words("所付为订金（预付款），不是定金，任何情况都不会没收。", "What you pay is a prepayment; it is never forfeited."),
        sources=(_CN_ECOMMERCE,),
        leaving=CN_RETURN,
    ),
    LegalProfile.EU: Legal(
        forfeits=False,
        doubles=False,
        unpaid=_RETURNED_UNPAID,
        undelivered=Words("已付的钱立即全部退回。", "Everything that you paid comes back without undue delay."),
        besides=Words(
            "收到货后十四天内，可以不说明理由撤回合同（2011/83/EU 指令第九条）。",
            "You may withdraw within 14 days of receiving the goods, without giving a reason (Directive 2011/83/EU, art. 9).",
        ),
        sources=(Source("2011/83/EU 指令第九条、第十八条", "Directive 2011/83/EU, art. 9 and 18"),),
        leaving=EU_WITHDRAWAL,
    ),
    LegalProfile.US: Legal(
        forfeits=False,
        doubles=False,
        unpaid=_RETURNED_UNPAID,
        undelivered=Words("已付的钱在七个工作日内全部退回。", "Everything that you paid comes back within seven working days."),
        besides=Words(
            "如果不能按时发货，我们会先问你；你不同意延期，就全额退款（16 CFR 435）。",
            "If we can’t ship in time we ask you first; unless you agree to the delay, you get a full refund (16 CFR part 435).",
        ),
        sources=(Source("16 CFR 435（邮购规则）", "16 CFR part 435 (mail order rule)"),),
        delay=US_DELAY,
    ),
    LegalProfile.GENERIC: Legal(
        forfeits=False,
        doubles=False,
        unpaid=_RETURNED_UNPAID,
        undelivered=_RETURNED_UNDELIVERED,
        besides=Words("退款一律原路退回。", "Refunds always go back the way the money came."),
    ),
}


def legal(profile: LegalProfile) -> Legal:
    """Return what holds under a profile."""
    return _PROFILES[profile]


def leaving_of(profile: LegalProfile, country: str) -> Leaving | None:
    """Return how a customer leaves whose order goes to `country` (may be empty): in the EEA by its law, else by the profile's."""
    return EU_WITHDRAWAL if country in EEA_COUNTRIES else legal(profile).leaving


def withdraws_without_login(profile: LegalProfile, countries: Iterable[str]) -> bool:
    """Say whether somebody whose order goes to one of these countries may leave it without signing in, so that pages lead there."""
    ways = (leaving_of(profile, country) for country in ("", *countries))
    return any(way is not None and way.without_login for way in ways)


def cap_percent(profile: LegalProfile) -> int | None:
    """Return what a deposit may be at most, per cent of the lowest tier's price; None: the price itself."""
    return DEPOSIT_CAP_PERCENT.get(profile)


def consequences(profile: LegalProfile, *, closes: datetime, time_zone: str, grace_days: int, locale: str) -> tuple[Consequence, ...]:
    """Return the four cases for the pay button; `closes` is shown in the campaign's zone."""
    rules = legal(profile)
    values = _values(closes, time_zone, grace_days)
    texts = {Case.MISSED: _MISSED, Case.CANCELLED: _CANCELLED, Case.UNPAID: rules.unpaid, Case.UNDELIVERED: rules.undelivered}
    return tuple(
        Consequence(case, _TITLES[case].say(locale, {}), words.say(locale, values), in_full=case is not Case.UNPAID or not rules.forfeits)
        for case, words in texts.items()
    )


def terms(profile: LegalProfile, *, closes: datetime, time_zone: str, grace_days: int, locale: str) -> str:
    """Return the text that a customer accepts with an order, in `locale`: one paragraph a case."""
    cases = consequences(profile, closes=closes, time_zone=time_zone, grace_days=grace_days, locale=locale)
    mark = text("：", ": ", locale)
    first, last = _CONTRACT.say(locale, {}), legal(profile).besides.say(locale, {})
    return "\n".join([first, *(f"{each.title}{mark}{each.text}" for each in cases), last])


def digest(accepted: str) -> str:
    """Return the SHA-256 of a text of terms, in hexadecimal: which version somebody accepted."""
    return hashlib.sha256(accepted.encode()).hexdigest()


def facts(campaign: Named, locale: str) -> Facts:
    """Return what the texts name of a campaign."""
    return {"closes": campaign.ordering_closes, "time_zone": campaign.time_zone, "grace_days": campaign.grace_days, "locale": locale}


def _values(closes: datetime, time_zone: str, grace_days: int) -> dict[str, object]:
    shown = closes.astimezone(ZoneInfo(time_zone)).strftime("%Y-%m-%d %H:%M")
    return {"closes": f"{shown} ({time_zone})", "grace": grace_days}
