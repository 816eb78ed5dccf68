"""The gateways that this installation takes money by, one folder each."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint

from c2b import clock
from c2b.db import Database
from c2b.payments.gateways.sandbox import pages
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.gateways.wechat import pages as wechat_pages
from c2b.payments.gateways.wechat.gateway import WeChat
from c2b.payments.protocol import Gateway, Gateways
from c2b.settings import Settings


def build(settings: Settings, database: Database, *, now: Callable[[], datetime] = clock.now) -> Gateways:
    """Return the gateways that the settings name, in their order; `database` holds the books of those that have none of their own."""
    known: dict[str, Callable[[], Gateway]] = {
        "sandbox": lambda: Sandbox(settings.data / "sandbox.db", now),
        "wechat": lambda: WeChat(settings, database, now),
    }
    return {name: known[name]() for name in settings.gateways}


def blueprints(gateways: Gateways) -> list[Blueprint]:
    """Return the pages that gateways bring with them."""
    sandboxes = [pages.blueprint(each) for each in gateways.values() if isinstance(each, Sandbox)]
    return sandboxes + [wechat_pages.blueprint(each) for each in gateways.values() if isinstance(each, WeChat)]
