"""A shop that takes money by WeChat Pay, and the WeChat that it talks to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from c2b.db import Database
from c2b.payments.gateways.wechat.gateway import WeChat
from c2b.payments.models import Payment
from c2b.payments.protocol import Client, PaymentFacts, RefundFacts
from c2b.settings import Settings
from tests.payments.wechat_server import MERCHANT, WeChatServer, serving

KEY = "pay-1-abcDEF_123"
BACK = f"/c/ss27/pay/{KEY}"
PAGE = f"/wechat/pay/{KEY}"
INSIDE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 MicroMessenger/8.0.50"
PHONE = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"
DESK = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
ANNA = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
IN_WECHAT, ON_PHONE, AT_DESK = Client(INSIDE, "203.0.113.7", ANNA), Client(PHONE, "203.0.113.7"), Client(DESK, "203.0.113.7")


def facts(start: datetime, **changes: Any) -> PaymentFacts:
    """Return the facts of a payment of 59.80 that lasts half an hour."""
    values: dict[str, Any] = {
        "key": KEY,
        "amount": 5980,
        "currency": "CNY",
        "merchant": MERCHANT,
        "expires_at": start + timedelta(minutes=30),
        "back": BACK,
    }
    return PaymentFacts(**(values | changes))


def refund_facts(**changes: Any) -> RefundFacts:
    """Return the facts of a refund of 50.00 of that payment."""
    values: dict[str, Any] = {"key": f"{KEY}-1", "payment_key": KEY, "amount": 5000, "currency": "CNY", "payment_reference": f"4200{KEY}"}
    return RefundFacts(**(values | {"payment_amount": 5980} | changes))


def settings(wechat: WeChatServer, database: Database, **changes: Any) -> Settings:
    """Return the settings of a shop with this WeChat."""
    url = database.engine.url.render_as_string(hide_password=False)
    values = {"database_url": url, "data": wechat.folder, "secret_key": "k" * 40, "base_url": "http://localhost", "gateways": ("wechat",)}
    return Settings.model_validate(values | wechat.settings() | changes)


@contextmanager
def opened(folder: Path, database: Database, clock: Callable[[], datetime]) -> Iterator[tuple[WeChatServer, WeChat]]:
    """Open WeChat and the shop's gateway to it."""
    with serving(folder / "wechat", clock) as wechat:
        yield wechat, WeChat(settings(wechat, database), database, clock, seconds=2.0)


def write(database: Database, start: datetime, **changes: Any) -> None:
    """Write the payment down, as a shop does before it calls."""
    values = {"key": KEY, "payer": "ORDER-1", "gateway": "wechat", "merchant": MERCHANT, "amount": 5980, "currency": "CNY"}
    with database.transaction() as session:
        session.add(Payment(**(values | {"created_at": start, "checked_at": start} | changes)))
