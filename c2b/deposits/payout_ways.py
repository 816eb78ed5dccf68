"""The ways by which money is paid out by hand, and what each must say: pure."""

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from c2b.errors import N_, Invalid

LONGEST = 100
"""Letters of each part."""
_END = 4


class PayoutWay(enum.StrEnum):
    """Where a person can send money that can't go back the way it came."""

    ALIPAY = "alipay"
    WECHAT = "wechat"
    BANK = "bank"
    IBAN = "iban"


@dataclass(frozen=True)
class Account:
    """An account as its owner wrote it down; `bank` only where the way asks for it."""

    way: str
    holder: str
    account: str
    bank: str = ""


_OFFERED = {"CNY": (PayoutWay.ALIPAY, PayoutWay.WECHAT, PayoutWay.BANK), "EUR": (PayoutWay.IBAN,)}
_ELSEWHERE = (PayoutWay.BANK, PayoutWay.IBAN)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9 ./-]{3,39}", re.IGNORECASE)
_NAME = re.compile(r"\S{4,100}")
"""A telephone number, a mail address, or a name that its owner chose there."""
_PARTS = dict.fromkeys(PayoutWay, ("holder", "account")) | {PayoutWay.BANK: ("holder", "bank", "account")}
"""What each way asks for; an IBAN names its bank."""
_NO_IBAN = N_("This is no IBAN; compare it with your bank’s letter, digit by digit")
_MISSING = {
    "holder": N_("Write the name in which the account is held"),
    "bank": N_("Write the bank’s name, with its branch or code"),
    "account": N_("Write the account"),
}


def offered(currency: str) -> tuple[PayoutWay, ...]:
    """Return by which ways money of a currency is paid out, the most usual first."""
    return _OFFERED.get(currency, _ELSEWHERE)


def checked(given: Account, currency: str) -> Account:
    """Return an account as it is kept: without what surrounds it, an IBAN without spaces. Raises Invalid naming the field.

    Only what can surely be no account is refused; an IBAN has two digits that prove the others (ISO 13616).
    """
    if given.way not in offered(currency):
        raise Invalid(N_("Choose how you want the money"), field="way")
    way = PayoutWay(given.way)
    parts = {name: _line(getattr(given, name)) for name in _PARTS[way]}
    for name, part in parts.items():
        _require(name, part)
    return Account(way.value, **(parts | {"account": _NUMBERS[way](parts["account"])}))


def masked(account: str) -> str:
    """Return the end of an account, by which its owner knows it again."""
    return f"•••• {account[-_END:]}" if len(account) >= 2 * _END else "••••"


def _line(text: str) -> str:
    """Return a text as one line of visible characters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _require(name: str, part: str) -> None:
    if len(part) > LONGEST:
        raise Invalid(N_("That is longer than %(most)s characters; shorten it"), field=name, most=LONGEST)
    if not part:
        raise Invalid(_MISSING[name], field=name)


def _matching(form: re.Pattern[str], wrong: str, account: str) -> str:
    if not form.fullmatch(account):
        raise Invalid(wrong, field="account")
    return account


def _iban(account: str) -> str:
    number = account.replace(" ", "").upper()
    if not _IBAN.fullmatch(number) or int("".join(str(int(letter, 36)) for letter in number[4:] + number[:4])) % 97 != 1:
        raise Invalid(_NO_IBAN, field="account")
    return number


_NUMBERS: Mapping[PayoutWay, Callable[[str], str]] = {
    PayoutWay.IBAN: _iban,
    PayoutWay.BANK: partial(
        _matching, _NUMBER, N_("Write the account’s number as your bank writes it: letters, digits, spaces and dashes")
    ),
    PayoutWay.ALIPAY: partial(_matching, _NAME, N_("Write the telephone number or mail address of your Alipay account")),
    PayoutWay.WECHAT: partial(_matching, _NAME, N_("Write your WeChat ID or the telephone number of your account")),
}
