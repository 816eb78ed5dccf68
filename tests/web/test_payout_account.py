"""The customer of a refund that came back says on the order's page where else it goes."""

from typing import Any

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.deposits import resolving
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.models import Order, PayoutAccount
from c2b.deposits.sending import send_refunds
from c2b.payments.models import Refund
from c2b.payments.protocol import Answer, Heard
from c2b.ui.shell import parts
from tests.web.conftest import Clock
from tests.web.pages import Browser
from tests.web.test_order_pages import Open, customer, order, ordering, pay

__all__ = ["ordering"]
GIVEN: dict[str, Any] = {"way": "bank", "holder": "Anna Zhang", "account": "6222001234567890", "bank": "ICBC Hangzhou"}
HEAD = {"en": "Where your money goes", "zh": "钱退到哪里"}


@pytest.fixture
def anna(visit: Open, ordering: Campaign, sqlite_database: Database, clock: Clock) -> Browser:
    """Anna paid and cancelled, and the refund came back to us."""
    assert ordering.slug == "ss27"
    browser = customer(visit)
    order(browser, "K07")
    pay(browser)
    browser.press("Check now")
    browser.get(f"/me/orders/{ref(sqlite_database)}")
    browser.press("Cancel")
    assert HEAD["en"] not in browser.words
    with browser.client.application.app_context():
        send_refunds(sqlite_database, parts().gateways, clock.at)
    with sqlite_database.transaction() as session:
        key = session.scalars(select(Refund.key)).one()
        apply_refund(session, key=key, answer=Answer(Heard.FAILED, why="account closed"), now=clock.at)
    browser.get(browser.url)
    return browser


def ref(database: Database) -> str:
    with database.reading() as session:
        return session.scalars(select(Order.ref)).one()


def kept(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(PayoutAccount.account)))


def test_the_page_asks_keeps_and_shows_the_end_of_the_account_alone(anna: Browser, sqlite_database: Database) -> None:
    assert "¥59.80 is yours and couldn’t go back the way you paid." in anna.words
    anna.press("Save the account", **GIVEN)
    assert kept(sqlite_database) == ["6222001234567890"]
    assert "•••• 7890" in anna.words
    assert "6222001234567890" not in anna.html
    assert "6222" not in anna.url
    anna.press("Save the account", **(GIVEN | {"way": "alipay", "account": "anna@example.com"}))
    assert kept(sqlite_database) == ["anna@example.com"]


def test_in_chinese_it_asks_in_chinese(anna: Browser) -> None:
    anna.get(f"{anna.url.partition('#')[0]}?lang=zh")
    assert HEAD["zh"] in anna.words
    anna.press("保存收款账户", expect=400, **(GIVEN | {"holder": ""}))
    assert "请填写账户的户名" in anna.words


def test_what_is_wrong_stands_at_its_field_and_what_was_typed_stays(anna: Browser, sqlite_database: Database) -> None:
    anna.press("Save the account", expect=400, **(GIVEN | {"bank": ""}))
    assert "Write the bank’s name" in anna.words
    assert 'value="Anna Zhang"' in anna.html
    assert kept(sqlite_database) == []


def test_once_it_is_paid_out_the_form_is_gone(anna: Browser, sqlite_database: Database, clock: Clock) -> None:
    anna.press("Save the account", **GIVEN)
    with sqlite_database.transaction() as session:
        key = session.scalars(select(Refund.key)).one()
        resolving.paid_by_hand(session, key=key, reference="B-1", reason="bounced", actor="staff:f@example.com", now=clock.at)
    page = anna.url.partition("#")[0]
    anna.get(page)
    assert "It was sent; this account can’t be changed any more." in anna.words
    assert "Save the account" not in anna.words


@pytest.mark.usefixtures("anna")
def test_nobody_elses_order_takes_an_account(visit: Open, sqlite_database: Database) -> None:
    bert = customer(visit, "bert@example.com")
    bert.get("/me")
    token = next(each.get("value") for each in bert.tree.iter("input") if each.get("name") == "csrf_token")
    assert bert.client.post(f"/me/orders/{ref(sqlite_database)}/account", data=GIVEN | {"csrf_token": token}).status_code == 404
    assert bert.client.post(f"/me/orders/{ref(sqlite_database)}/account", data=GIVEN).status_code == 400, "without a token"
    assert kept(sqlite_database) == []


def test_changing_it_too_often_says_when_it_can_be_changed_again(anna: Browser) -> None:
    for _ in range(5):
        anna.press("Save the account", **GIVEN)
    anna.press("Save the account", **GIVEN)
    assert "You changed it 5 times today" in anna.words
