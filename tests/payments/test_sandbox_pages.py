import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_wtf import CSRFProtect

from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.gateways.sandbox.pages import blueprint
from c2b.payments.protocol import Heard, PaymentFacts
from tests.payments.conftest import Clock

PAGE = "/sandbox/pay/pay-1"


@pytest.fixture
def client(sandbox: Sandbox, payment: PaymentFacts) -> FlaskClient:
    app = Flask(__name__, static_folder=None)
    app.secret_key = "test"
    CSRFProtect(app)
    app.register_blueprint(blueprint(sandbox))
    sandbox.start(payment)
    return app.test_client()


def press(client: FlaskClient, choice: str) -> tuple[int, str | None]:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get(PAGE).text)
    answer = client.post(PAGE, data={"do": choice, "csrf_token": token[1] if token else ""})
    return answer.status_code, answer.location


def test_the_page_says_in_both_languages_that_no_real_money_moves(client: FlaskClient) -> None:
    page = client.get(PAGE).text
    assert "¥59.80" in page
    assert "¥59.80" in page
    assert "这里不动真钱" in page
    assert "No real money moves here" in page
    assert 'href="/c/ss27/pay/pay-1"' in page


def test_the_page_holds_to_the_content_policy(client: FlaskClient) -> None:
    page = client.get(PAGE).text
    assert "<script" not in page
    assert "style=" not in page
    assert '<link rel="stylesheet" href="/static/tokens.css">' in page


@pytest.mark.parametrize(("choice", "heard"), [("approve", Heard.DONE), ("decline", Heard.FAILED), ("delay", Heard.PENDING)])
def test_a_button_ends_the_payment_and_leads_back_to_the_shop(
    client: FlaskClient, sandbox: Sandbox, payment: PaymentFacts, choice: str, heard: Heard
) -> None:
    assert press(client, choice) == (303, "/c/ss27/pay/pay-1")
    assert sandbox.query(payment).heard is heard


def test_a_delayed_payment_counts_a_minute_later(client: FlaskClient, sandbox: Sandbox, payment: PaymentFacts, clock: Clock) -> None:
    press(client, "delay")
    clock.forward(timedelta(seconds=60))
    assert sandbox.query(payment).heard is Heard.DONE


def test_looking_at_the_page_pays_nothing(client: FlaskClient, sandbox: Sandbox, payment: PaymentFacts) -> None:
    client.get(PAGE)
    client.get(f"{PAGE}?do=approve")
    assert sandbox.query(payment).heard is Heard.PENDING


def test_without_a_token_nothing_is_paid(client: FlaskClient, sandbox: Sandbox, payment: PaymentFacts) -> None:
    assert client.post(PAGE, data={"do": "approve"}).status_code == 400
    assert sandbox.query(payment).heard is Heard.PENDING


def test_an_unknown_choice_pays_nothing(client: FlaskClient, sandbox: Sandbox, payment: PaymentFacts) -> None:
    assert press(client, "steal") == (400, None)
    assert sandbox.query(payment).heard is Heard.PENDING


def test_a_finished_payment_offers_no_buttons(client: FlaskClient) -> None:
    press(client, "approve")
    page = client.get(PAGE).text
    assert "<button" not in page
    assert "This payment is over." in page


def test_an_unknown_payment_is_not_found(client: FlaskClient) -> None:
    assert client.get("/sandbox/pay/other").status_code == 404


def test_each_view_says_who_may_open_it(client: FlaskClient) -> None:
    views = {name: view for name, view in client.application.view_functions.items() if name.startswith("sandbox.")}
    assert {name: getattr(view, "c2b_access", None) for name, view in views.items()} == {"sandbox.page": "public", "sandbox.pay": "public"}
