"""Orders and refunds in each of their states, and lists at their edges."""

from datetime import timedelta
from itertools import cycle

import pytest

from c2b.admin.orders import OUTCOMES, PAYMENTS, REASONS, REFUNDS
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits import desk
from c2b.deposits.rules import Outcome, RefundReason
from c2b.payments.rules import PaymentState, RefundState
from c2b.people.rules import Role
from tests import make
from tests.admin import shop
from tests.admin.conftest import SignIn, spoken

OTHER = "other@example.com"


def test_every_state_and_reason_has_words() -> None:
    assert set(PAYMENTS) == set(PaymentState)
    assert set(REFUNDS) == set(RefundState)
    assert set(OUTCOMES) == set(Outcome)
    assert set(REASONS) == set(RefundReason)


@pytest.mark.parametrize(("language", "held_up"), [("en", "Does not match, a person looks"), ("zh", "金额不符，待人工核对")])
def test_an_order_shows_its_payments_in_every_state(database: Database, sign_in: SignIn, language: str, held_up: str) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        order = shop.order(session, of, "K101", 1)
        for state in PaymentState:
            captured = 5980 if state is PaymentState.CAPTURED else 0
            settled = make.ORDERING_OPENS if state in (PaymentState.CAPTURED, PaymentState.FAILED, PaymentState.MISMATCH) else None
            make.payment(session, order, 5980, state=state, captured=captured, settled_at=settled)
        ref = order.ref
    browser = sign_in(Role.FINANCE, language)
    browser.get(f"/admin/ss27/orders/{ref}")
    assert held_up in spoken(browser)
    assert spoken(browser).count("¥59.80") >= len(PaymentState)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_order_shows_refunds_of_every_state_and_reason(database: Database, sign_in: SignIn, language: str) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING)
        order = shop.order(session, of, "K101", 1)
        lines = make.lines_of(session, order)
        for number, (state, reason) in enumerate(zip(cycle(RefundState), RefundReason, strict=False)):
            payment = make.payment(session, order, 5980, provider_reference=f"p-{number}")
            settled = make.ORDERING_CLOSES if state is RefundState.SETTLED else None
            make.refund(session, payment, *lines, reason=reason, state=state, settled_at=settled)
        ref = order.ref
    browser = sign_in(Role.FINANCE, language)
    for path in (f"orders/{ref}", "refunds"):
        browser.get(f"/admin/ss27/{path}")
        words = spoken(browser)
        wanted = ("minimum missed", "paid late", "paid too much") if language == "en" else ("没达到", "付晚了", "多付了")
        assert all(word in words for word in wanted), words


def test_an_order_that_nobody_paid_says_so(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        variant = make.variants(session, shop.candidates(session, of)[0])[0]
        ref = make.order(session, of, (variant, 1), line={"reserved_at": None}).ref
    browser = sign_in(Role.SUPPORT)
    browser.get(f"/admin/ss27/orders/{ref}")
    words = spoken(browser)
    assert "by a customer without address" in words
    assert "None was begun." in words
    assert "Not paid Open" in words


def test_an_order_of_another_campaign_is_not_found_in_this_one(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
        ref = shop.order(session, shop.campaign(session, slug="aw27"), "K101", 1).ref
    browser = sign_in()
    browser.get(f"/admin/aw27/orders/{ref}")
    browser.get(f"/admin/ss27/orders/{ref}", expect=404)


@pytest.fixture
def many(database: Database) -> Database:
    """One order more than fits a page, the newest numbered highest; and as many refunds."""
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING)
        variant = make.variants(session, shop.candidates(session, of)[0])[0]
        for number in range(desk.PAGE + 1):
            at = make.ORDERING_OPENS + timedelta(minutes=number)
            order = make.order(session, of, (variant, 1), ref=f"order-{number:03}", placed_at=at, line={"outcome": Outcome.MISSED})
            payment = make.payment(session, order, 5980, provider_reference=f"p-{number}")
            make.refund(session, payment, *make.lines_of(session, order), queued_at=at)
    return database


@pytest.mark.parametrize(
    ("page", "first", "listed"),
    [("1", "order-050", 50), ("2", "order-000", 1), ("0", "order-050", 50), ("-3", "order-050", 50), ("x", "order-050", 50)],
)
def test_a_page_of_orders_holds_fifty_the_newest_first(many: Database, sign_in: SignIn, page: str, first: str, listed: int) -> None:
    assert not many.engine.echo
    browser = sign_in(Role.FINANCE)
    browser.get(f"/admin/ss27/orders?page={page}")
    rows = [a.text or "" for a in browser.tree.iter("a") if (a.text or "").startswith("order-")]
    assert (rows[0], len(rows)) == (first, listed)
    assert "51 orders" in browser.words


def test_the_last_page_of_refunds_is_short_and_what_lies_behind_it_is_empty(many: Database, sign_in: SignIn) -> None:
    assert not many.engine.echo
    browser = sign_in(Role.FINANCE)
    for page, listed in (("1", 50), ("2", 1), ("3", 0)):
        browser.get(f"/admin/ss27/refunds?state=queued&page={page}")
        assert browser.html.count("/admin/ss27/orders/order-") == listed
    assert "None in this state." in browser.words


@pytest.mark.parametrize("query", ["outcome=nonsense", "paid=maybe", "outcome=&paid=&q=", "q=%20", "unknown=1"])
def test_a_filter_that_makes_no_sense_lets_all_pass(database: Database, sign_in: SignIn, query: str) -> None:
    with database.transaction() as session:
        ref = shop.order(session, shop.campaign(session, CampaignState.ORDERING), "K101", 1).ref
    browser = sign_in(Role.FINANCE)
    browser.get(f"/admin/ss27/orders?{query}")
    assert ref in browser.html


@pytest.mark.parametrize("query", ["%", "_", "k10", "anna", "' OR 1=1 --"])
def test_a_search_takes_signs_as_they_are(database: Database, sign_in: SignIn, query: str) -> None:
    with database.transaction() as session:
        shop.order(session, shop.campaign(session, CampaignState.ORDERING), "K101", 1).ref = "NO-SUCH-SIGNS"  # a drawn one may have them
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/ss27/orders", query_string={"q": query})
    assert "No order fits this search." in browser.words


def test_filters_narrow_the_orders_together(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING)
        wanted = shop.missed(session, of, "K101").ref
        others = (shop.missed(session, of, "K102").ref, shop.order(session, of, "K101", 1, email=OTHER).ref)
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/ss27/orders?q=K101&outcome=missed&paid=yes")
    assert wanted in browser.html
    assert not any(ref in browser.html for ref in others)
    kept = {control.get("name"): control.get("value") for control in browser.tree.iter("input")}
    assert kept["q"] == "K101"


@pytest.mark.parametrize("path", ["orders", "refunds"])
def test_before_anything_was_ordered_the_lists_say_when_it_comes(database: Database, sign_in: SignIn, path: str) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in(Role.FINANCE)
    browser.get(f"/admin/ss27/{path}")
    assert ("No orders yet" if path == "orders" else "No refunds") in browser.words
