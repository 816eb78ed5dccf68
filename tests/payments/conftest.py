from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.gateways.stripe.gateway import Stripe
from c2b.payments.protocol import PaymentFacts, RefundFacts
from tests.payments.stripe_server import StripeServer, settings

START = datetime(2027, 3, 20, 4, 0, tzinfo=UTC)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def forward(self, by: timedelta) -> None:
        self.at += by


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(tmp_path: Path, clock: Clock) -> Sandbox:
    return Sandbox(tmp_path / "books" / "sandbox.db", clock)


@pytest.fixture
def payment() -> PaymentFacts:
    return PaymentFacts("pay-1", 5980, "CNY", "main", START + timedelta(minutes=30), "/c/ss27/pay/pay-1")


@pytest.fixture
def refund() -> RefundFacts:
    return RefundFacts("pay-1-1", "pay-1", 5000, "CNY", "SBX-pay-1")


@pytest.fixture
def server(tmp_path: Path, clock: Clock) -> Iterator[StripeServer]:
    """Run a local Stripe by the test's clock."""
    with StripeServer(tmp_path / "stripe.db", clock) as running:
        yield running


@pytest.fixture
def stripe(server: StripeServer, clock: Clock) -> Stripe:
    return Stripe(settings(server), clock, patience=0.5)


@pytest.fixture
def deposit() -> PaymentFacts:
    """Facts of a payment by Stripe."""
    return PaymentFacts("pay-1", 5980, "CNY", "acct_local", START + timedelta(minutes=30), "/c/ss27/pay/pay-1")
