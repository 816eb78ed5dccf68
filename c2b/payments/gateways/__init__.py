"""The gateways that this installation takes money by, one folder each."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint

from c2b import clock
from c2b.db import Database
from c2b.payments.gateways import stripe
from c2b.payments.gateways.alipay.gateway import Alipay
from c2b.payments.gateways.manual import pages as manual_pages
from c2b.payments.gateways.manual.books import Manual
from c2b.payments.gateways.sandbox import pages as sandbox_pages
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.gateways.stripe.limits import limits as stripe_limits
from c2b.payments.gateways.wechat import pages as wechat_pages
from c2b.payments.gateways.wechat.gateway import WeChat
from c2b.payments.protocol import Gateway, Gateways, Limits
from c2b.settings import Settings


def build(settings: Settings, database: Database, *, now: Callable[[], datetime] = clock.now) -> Gateways:
    """Return the gateways that the settings name, in their order; `database` holds the books of those that have none of their own."""
    known: dict[str, Callable[[], Gateway]] = {
        "sandbox": lambda: Sandbox(settings.data / "sandbox.db", now),
        "stripe": lambda: stripe.connect(settings, now),
        "manual": lambda: Manual(settings, database, now),
        "alipay": lambda: Alipay(settings, now),
        "wechat": lambda: WeChat(settings, database, now),
    }
    return {name: known[name]() for name in settings.gateways}


def limits(settings: Settings) -> dict[str, Limits]:
    """Return what each gateway that the settings name doesn't let us do; nothing is asked of any of them."""
    known = {
        "sandbox": Sandbox.limits,
        "stripe": stripe_limits(settings),
        "manual": Manual.limits,
        "alipay": Alipay.limits,
        "wechat": WeChat.limits,
    }
    return {name: known[name] for name in settings.gateways}


def blueprints(gateways: Gateways) -> list[Blueprint]:
    """Return the pages that gateways bring with them."""
    found: list[Blueprint] = []
    for each in gateways.values():
        if isinstance(each, Sandbox):
            found.append(sandbox_pages.blueprint(each))
        elif isinstance(each, Manual):
            found.append(manual_pages.blueprint(each))
        elif isinstance(each, WeChat):
            found.append(wechat_pages.blueprint(each))
    return found
