"""What gateways tell us by themselves: kept once, committed before the answer, and nothing of what is forged."""

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from c2b.app import create_app
from c2b.db import Database
from c2b.payments import inbox
from c2b.payments.models import InboxEvent
from c2b.payments.protocol import About, Gateway, PaymentFacts
from c2b.ui.shell import parts
from tests.payments.books import Event
from tests.payments.stripe_server import StripeServer, settings

HOOK = "/webhooks/stripe"


@pytest.fixture
def server(tmp_path: Path, now: datetime) -> Iterator[StripeServer]:
    with StripeServer(tmp_path / "stripe.db", lambda: now) as running:
        yield running


@pytest.fixture
def app(database: Database, server: StripeServer, tmp_path: Path, now: datetime) -> Iterator[Flask]:
    url = database.engine.url.render_as_string(hide_password=False)
    shop = settings(server, database_url=url, data=tmp_path, secret_key="k" * 40, base_url="http://localhost", gateways="stripe,sandbox")
    made = create_app(shop, clock=lambda: now)
    yield made
    with made.app_context():
        parts().database.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def paid(app: Flask, server: StripeServer, now: datetime) -> Event:
    """The event of a payment that was captured."""
    with app.app_context():
        gateway: Gateway = parts().gateways["stripe"]
    gateway.start(PaymentFacts("pay-1", 5980, "CNY", "acct_local", now + timedelta(minutes=30), "/c/ss27/pay/pay-1"))
    server.approve("pay-1")
    return next(event for event in server.events() if b"checkout.session.completed" in event[1])


def deliver(client: FlaskClient, event: Event, to: str = HOOK) -> int:
    headers, body = event
    return client.post(to, data=body, headers=headers).status_code


def kept(database: Database) -> list[InboxEvent]:
    with database.reading() as session:
        return list(session.scalars(select(InboxEvent).order_by(InboxEvent.id)))


def test_an_event_is_kept_with_our_key_and_answered_with_what_the_gateway_wants_to_read(
    client: FlaskClient, database: Database, paid: Event, now: datetime
) -> None:
    answer = client.post(HOOK, data=paid[1], headers=paid[0])
    assert (answer.status_code, answer.text) == (200, "")
    (event,) = kept(database)
    assert (event.gateway, event.kind, event.about, event.key) == ("stripe", "checkout.session.completed", About.PAYMENT, "pay-1")
    assert (event.received_at, event.applied_at) == (now, None)
    with database.reading() as session:
        assert [waiting.key for waiting in inbox.due(session, now=now)] == ["pay-1"]


def test_the_same_event_delivered_again_is_one(client: FlaskClient, database: Database, server: StripeServer, paid: Event) -> None:
    again = server.signed(paid[1])
    assert [deliver(client, event) for event in (paid, again, paid)] == [200, 200, 200]
    assert len(kept(database)) == 1


def test_the_same_event_delivered_at_once_to_many_is_one(app: Flask, database: Database, paid: Event) -> None:
    together, said = threading.Barrier(8), []

    def one() -> None:
        client = app.test_client()
        together.wait()
        said.append(deliver(client, paid))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (said, len(kept(database))) == ([200] * 8, 1)


def test_an_event_is_committed_before_the_gateway_hears_that_we_have_it(app: Flask, database: Database, paid: Event) -> None:
    seen: list[int] = []
    inner: Callable[..., Iterable[bytes]] = app.wsgi_app

    def looking(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def started(status: str, *rest: Any) -> Any:
            seen.append(len(kept(database)))  # by another connection, so only what is committed
            return start_response(status, *rest)

        return inner(environ, started)

    app.wsgi_app = looking  # type: ignore[method-assign]  # Flask's own documented way
    assert deliver(app.test_client(), paid) == 200
    assert seen == [1]


def test_what_can_not_be_kept_is_not_acknowledged_so_that_it_comes_again(client: FlaskClient, database: Database, paid: Event) -> None:
    with database.transaction() as session:
        session.execute(text("ALTER TABLE inbox_event RENAME TO gone"))
    assert deliver(client, paid) == 500
    with database.transaction() as session:
        session.execute(text("ALTER TABLE gone RENAME TO inbox_event"))
    assert deliver(client, paid) == 200
    assert len(kept(database)) == 1


def test_a_forged_event_is_refused_and_leaves_nothing(
    client: FlaskClient, database: Database, server: StripeServer, paid: Event, now: datetime
) -> None:
    headers, body = paid
    forged: list[Event] = [
        ({}, body),
        (headers, body.replace(b"pay-1", b"pay-2")),
        server.signed(body, secret="whsec_guessed"),
        server.signed(body, at=now - timedelta(minutes=5, seconds=1)),
        (headers, b""),
    ]
    assert [deliver(client, event) for event in forged] == [400] * 5
    assert kept(database) == []


def test_an_event_that_is_not_about_our_money_is_taken_and_not_kept(client: FlaskClient, database: Database, server: StripeServer) -> None:
    body = b'{"id": "evt_9", "object": "event", "livemode": false, "type": "payout.paid", "data": {"object": {}}}'
    assert deliver(client, server.signed(body)) == 200
    assert kept(database) == []


@pytest.mark.parametrize("gateway", ["alipay", "manual", "nobody", "Stripe", "stripe/more"])
def test_a_gateway_that_this_shop_does_not_have_is_not_found(client: FlaskClient, paid: Event, gateway: str) -> None:
    assert deliver(client, paid, f"/webhooks/{gateway}") == 404


def test_a_gateway_that_sends_no_events_believes_none(client: FlaskClient, database: Database, paid: Event) -> None:
    assert deliver(client, paid, "/webhooks/sandbox") == 400
    assert kept(database) == []


def test_what_is_larger_than_any_event_is_not_read(client: FlaskClient, database: Database, server: StripeServer) -> None:
    assert deliver(client, server.signed(b"x" * (256 * 1024 + 1))) == 413
    assert deliver(client, server.signed(b"x" * 256 * 1024)) == 400, "large enough to be read, and no event"
    assert kept(database) == []


def test_looking_at_the_address_of_events_shows_nothing(client: FlaskClient) -> None:
    assert client.get(HOOK).status_code == 405


def test_events_need_no_token_of_a_form_and_everything_else_does(client: FlaskClient, paid: Event) -> None:
    assert deliver(client, paid) == 200
    assert client.post("/sign-in", data={"address": "anna@example.com"}).status_code == 400


def test_events_come_from_another_site_which_no_form_may(client: FlaskClient, paid: Event) -> None:
    headers, body = paid
    elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example.com"}
    assert client.post(HOOK, data=body, headers={**headers, **elsewhere}).status_code == 200


def test_an_event_may_be_quicker_than_the_answer_that_it_is_about(
    app: Flask, database: Database, server: StripeServer, now: datetime
) -> None:
    with app.app_context():
        gateway: Gateway = parts().gateways["stripe"]

    def customer_is_quick() -> None:
        server.before_answer = None
        server.approve("pay-1")
        assert {deliver(app.test_client(), event) for event in reversed(server.events())} == {200}

    server.before_answer = customer_is_quick
    gateway.start(PaymentFacts("pay-1", 5980, "CNY", "acct_local", now + timedelta(minutes=30), "/c/ss27/pay/pay-1"))
    assert {(event.about, event.key) for event in kept(database)} == {(About.PAYMENT, "pay-1")}


def test_an_event_needs_no_cookie_and_sets_none(client: FlaskClient, paid: Event) -> None:
    answer = client.post(HOOK, data=paid[1], headers=paid[0])
    assert "Set-Cookie" not in answer.headers
