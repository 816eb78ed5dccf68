"""The balance: said where it goes, paid in one go with the shipping, at the final price, in its window."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Campaign, Offer, Variant
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits.models import Obligation, Order
from c2b.deposits.rules import ObligationState
from c2b.production import actions
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser
from tests.web.test_order_pages import Open, customer, order, ordering, pay

__all__ = ["ordering"]
DECIDED = make.ORDERING_CLOSES + timedelta(hours=1)
DUE = DECIDED + timedelta(days=14)
WHERE: dict[str, Any] = {
    "recipient": "Anna",
    "phone": "+8613800138000",
    "address": "1 Silk Road, Hangzhou",
    "postal_code": "310000",
    "country": "CN",
}


@pytest.fixture
def anna(visit: Open, ordering: Campaign, sqlite_database: Database, clock: Clock) -> Browser:
    """Anna paid the deposit on two shirts whose price then fell from 299 to 249, and it was decided; shipping costs 15.00."""
    with sqlite_database.transaction() as session:
        here = session.get_one(Campaign, ordering.id)
        here.minimum, here.shipping, here.balance_due, here.balance_opens = 1, 1500, DUE, DECIDED + timedelta(days=1)
        candidate = make.candidate_of(session, here, "K07")
        for variant in session.scalars(select(Variant).where(Variant.candidate_id == candidate.id)):
            variant.tier2_price = 24900
        session.get_one(Offer, candidate.id).tier2_units = 2
    browser = customer(visit)
    order(browser, "K07", units__K07="2")
    pay(browser)
    browser.press("Check now")
    with sqlite_database.transaction() as session:
        make.campaign_of(session, "ss27").state = CampaignState.SETTLING
    clock.at = DECIDED
    with sqlite_database.transaction() as session:
        actions.decide(session, slug="ss27", actor="cli:test", now=DECIDED)
    browser.get(f"/me/orders/{ref(sqlite_database)}")
    return browser


def ref(database: Database) -> str:
    with database.reading() as session:
        return session.scalars(select(Order.ref)).one()


def owed(database: Database) -> set[ObligationState]:
    with database.reading() as session:
        return set(session.scalars(select(Obligation.state)))


def test_before_its_window_opens_nothing_can_be_paid_and_the_fallen_price_is_shown(anna: Browser) -> None:
    assert "Promised ¥299.00, final ¥249.00 each." in anna.words
    assert "Pay the balance" not in anna.words


def test_the_balance_is_paid_at_the_final_price_with_the_shipping_once_it_is_said_where_it_goes(
    anna: Browser, clock: Clock, sqlite_database: Database
) -> None:
    clock.at = DECIDED + timedelta(days=2)
    anna.get(anna.url)
    assert "First say where it goes" in anna.words
    anna.press("Save the address", **WHERE)
    assert "1 Silk Road, Hangzhou" in anna.words
    anna.press("Pay the balance, ¥413.40")  # 2 x 249.00, less 2 x 49.80 of deposit, and 15.00 of shipping
    assert "413.40" in anna.words
    pay(anna)
    anna.press("Check now")
    assert "The money is in" in anna.words
    assert owed(sqlite_database) == {ObligationState.PAID}
    assert "Pay the balance" not in anna.words


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("recipient", "", "Say who receives it"),
        ("phone", "", "Give a telephone number"),
        ("address", "", "Give street and number"),
        ("recipient", "x" * 101, "room for 100 characters"),
        ("country", "ZZ", "We don’t ship to ZZ"),
    ],
)
def test_what_is_wrong_with_an_address_is_named_and_what_was_typed_stays(anna: Browser, field: str, typed: str, says: str) -> None:
    anna.press("Save the address", expect=400, **(WHERE | {field: typed}))
    assert says in anna.words
    assert "310000" in anna.html


def test_somebody_elses_order_goes_nowhere_else(anna: Browser, visit: Open, sqlite_database: Database) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', anna.html)
    assert token
    bert = customer(visit, "bert@example.com")
    bert.get("/me")
    own = re.search(r'name="csrf_token" value="([^"]+)"', bert.html)
    assert own
    answer = bert.client.post(f"/me/orders/{ref(sqlite_database)}/address", data=WHERE | {"csrf_token": own[1]})
    assert answer.status_code == 404
    with sqlite_database.reading() as session:
        assert session.scalars(select(Order.address)).one() == ""


def test_in_the_grace_it_can_still_be_paid_and_afterwards_not(anna: Browser, clock: Clock) -> None:
    anna.press("Save the address", **WHERE)
    clock.at = DUE + timedelta(days=6)
    anna.get(anna.url.partition("#")[0])
    assert "Being made, balance overdue" in anna.words
    assert "Pay the balance" in anna.words
    clock.at = DUE + timedelta(days=7)
    anna.get(anna.url.partition("#")[0])
    assert "Pay the balance" not in anna.words
