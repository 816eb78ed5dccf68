from datetime import timedelta

import pytest

from c2b.campaigns.models import Campaign, Candidate
from c2b.deposits import actions, queries
from c2b.deposits.legal import Case
from c2b.deposits.order_view import OrderView
from c2b.deposits.queries import Basket
from c2b.deposits.rules import Money, Outcome
from c2b.deposits.timeline import Event
from c2b.errors import NotFound
from c2b.payments.rules import PaymentState
from c2b.people.models import Person
from tests import make
from tests.deposits.scene import Shop
from tests.statements import counted

TIERS = {"minimum": 3, "tier2_units": 4, "tier3_units": 6}


def basket(shop: Shop, *, person: int | None = None, add: str = "", locale: str = "en") -> Basket:
    with shop.database.reading() as session:
        campaign = session.get_one(Campaign, shop.campaign_id)
        return queries.basket(session, campaign=campaign, person_id=person, add=add, locale=locale, now=shop.now)


def order(shop: Shop, ref: str, person: int) -> OrderView:
    with shop.database.reading() as session:
        return queries.order(session, ref=ref, person_id=person, locale="en", now=shop.now)


def cheaper(shop: Shop, code: str, second: int, third: int) -> None:
    """Give a product lower tiers' prices."""
    with shop.database.transaction() as session:
        for variant in shop.variants(code):
            loaded = session.merge(variant)
            loaded.tier2_price, loaded.tier3_price = second, third


def test_the_basket_shows_promise_deposit_and_how_far_the_minimum_is(shop: Shop) -> None:
    shop.sells("K1", offer=TIERS)
    cheaper(shop, "K1", 25900, 19900)
    (item,) = basket(shop).items
    assert (item.product.card.code, item.product.card.name) == ("K1", "Design K1")
    assert (item.units, item.minimum, item.to_minimum, item.is_reached) == (0, 3, 3, False)
    assert (item.tier, item.to_next_tier, item.left) == (1, 4, None)
    choice = item.choices[0]
    assert (choice.variant.label, choice.promised, choice.now, choice.deposit) == ("S", 29900, 29900, 3980)


@pytest.mark.parametrize(("units", "tier", "price", "to_next"), [(1, 1, 29900, 3), (4, 2, 25900, 2), (5, 2, 25900, 1), (6, 3, 19900, None)])
def test_what_would_be_paid_if_ordering_closed_now_follows_the_captured_units(
    shop: Shop, units: int, tier: int, price: int, to_next: int | None
) -> None:
    shirt = shop.sells("K1", offer=TIERS)
    cheaper(shop, "K1", 25900, 19900)
    shop.buys(shop.customer(), (shirt[0], units))
    (item,) = basket(shop).items
    assert (item.units, item.tier, item.choices[0].now, item.to_next_tier) == (units, tier, price, to_next)


def test_units_that_nobody_paid_for_move_no_price(shop: Shop) -> None:
    shirt = shop.sells("K1", offer=TIERS)
    shop.order(shop.customer(), (shirt[0], 9))
    (item,) = basket(shop).items
    assert (item.units, item.tier) == (0, 1)


def test_a_products_own_minimum_goes_before_the_campaigns(shop: Shop) -> None:
    shop.sells("K1", offer={"minimum": 7})
    shop.sells("K2")
    assert [item.minimum for item in basket(shop).items] == [7, 50]


def test_first_what_was_asked_for_then_the_picks_then_the_rest(shop: Shop) -> None:
    for position, code in enumerate(["K1", "K2", "K3", "K4"], start=1):
        shop.sells(code, position=position)
    anna = shop.customer()
    with shop.database.transaction() as session:
        campaign = session.get_one(Campaign, shop.campaign_id)
        picked = session.get_one(Candidate, shop.variants("K3")[0].candidate_id)
        make.ballot(session, campaign, picked, by=session.get_one(Person, anna))
    items = basket(shop, person=anna, add="K4").items
    assert [(item.product.card.code, item.added, item.picked) for item in items] == [
        ("K4", True, False),
        ("K3", False, True),
        ("K1", False, False),
        ("K2", False, False),
    ]


def test_only_offered_products_that_were_not_withdrawn_are_in_the_basket(shop: Shop) -> None:
    shop.sells("K1")
    shop.sells("K2")
    shop.sells("K3", price=0)
    with shop.database.transaction() as session:
        make.candidate(session, session.get_one(Campaign, shop.campaign_id), "K4")
        actions.withdraw(session, slug="ss27", code="K2", reason="the yarn is gone", actor="staff:a@example.com", now=shop.now)
    assert [item.product.card.code for item in basket(shop).items] == ["K1"]


def test_a_cap_shows_what_is_left_with_the_places_of_those_who_are_paying(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 5})
    shop.buys(shop.customer(), (shirt[0], 2))
    berta = shop.customer()
    shop.pay(shop.order(berta, (shirt[1], 1)), berta)
    assert [item.left for item in basket(shop).items] == [2]
    shop.forward(minutes=30)
    shop.sweep()
    assert [item.left for item in basket(shop).items] == [3]


def test_the_basket_says_whether_ordering_is_open(shop: Shop) -> None:
    assert basket(shop).is_open
    shop.now = make.ORDERING_CLOSES
    assert not basket(shop).is_open


def test_the_four_consequences_stand_beside_the_pay_button(shop: Shop) -> None:
    shown = basket(shop).consequences
    assert [each.case for each in shown] == list(Case)
    assert "2027-03-30 22:00 (Asia/Shanghai)" in shown[1].text
    assert [each.in_full for each in shown] == [True, True, False, True]


@pytest.mark.parametrize("products", [1, 12])
def test_the_basket_takes_as_many_statements_for_many_products_as_for_one(shop: Shop, products: int) -> None:
    for number in range(products):
        shop.sells(f"K{number}", offer={"cap": 9})
    anna = shop.customer()
    with counted(shop.database) as sent:
        basket(shop, person=anna)
    assert len(sent) <= 12


def test_an_order_says_what_is_due_and_what_comes_later(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 2))
    seen = order(shop, ref, anna)
    assert (seen.due, seen.deposit, seen.balance) == (11960, 11960, 2 * 29900 - 11960)
    assert (seen.may_pay, seen.may_cancel, seen.payment) == (True, True, None)
    (line,) = seen.lines
    assert (line.code, line.name, line.label, line.sku, line.units) == ("K1", "Design K1", "S", "ss27-K1-S", 2)
    assert (line.outcome, line.money) == (Outcome.OPEN, Money.DEPOSIT_DUE)
    assert [entry.event for entry in seen.timeline] == [Event.PLACED]
    assert seen.terms.startswith("Your payment makes a contract.")


def test_a_paid_order_shows_the_payment_with_its_reference(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    seen = order(shop, ref, anna)
    assert seen.payment is not None
    assert (seen.payment.state, seen.payment.is_open, seen.due, seen.may_pay) == (PaymentState.CAPTURED, False, 0, False)
    assert seen.lines[0].money is Money.HELD
    assert [(entry.event, entry.amount) for entry in seen.timeline] == [
        (Event.PLACED, None),
        (Event.PAYMENT_STARTED, 5980),
        (Event.PAID, 5980),
    ]
    assert seen.timeline[-1].reference == f"SBX-{seen.payment.key}"


def test_a_cancelled_order_shows_the_refund_until_it_has_left(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    shop.forward(hours=1)
    with shop.database.transaction() as session:
        actions.cancel_order(session, order_ref=ref, person_id=anna, now=shop.now)
    seen = order(shop, ref, anna)
    assert (seen.lines[0].outcome, seen.lines[0].money, seen.balance, seen.may_cancel) == (Outcome.CANCELLED, Money.REFUND_DUE, 0, False)
    shop.forward(minutes=1)
    shop.send_refunds()
    seen = order(shop, ref, anna)
    assert seen.lines[0].money is Money.REFUNDED
    assert [(entry.event, entry.amount, entry.about) for entry in seen.timeline[-3:]] == [
        (Event.CANCELLED, None, seen.lines[0].name),
        (Event.REFUND_QUEUED, 5980, ""),
        (Event.REFUNDED, 5980, ""),
    ]


def test_after_ordering_closed_nothing_can_be_paid_or_cancelled(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    shop.now = make.ORDERING_CLOSES - timedelta(microseconds=1)
    assert (order(shop, ref, anna).may_pay, order(shop, ref, anna).may_cancel) == (True, True)
    shop.now = make.ORDERING_CLOSES
    assert (order(shop, ref, anna).may_pay, order(shop, ref, anna).may_cancel) == (False, False)


def test_somebody_elses_order_and_payment_are_not_found(shop: Shop) -> None:
    anna, berta = shop.customer(), shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    key = shop.pay(ref, anna)
    with pytest.raises(NotFound):
        order(shop, ref, berta)
    with shop.database.reading() as session:
        assert queries.payment(session, key=key, person_id=anna).order_ref == ref
        with pytest.raises(NotFound):
            queries.payment(session, key=key, person_id=berta)


def test_my_orders_come_newest_first_by_a_fixed_number_of_statements(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    refs = []
    for _ in range(3):
        refs.append(shop.buys(anna, (shirt[0], 1)))
        shop.forward(minutes=1)
    shop.buys(shop.customer(), (shirt[0], 1))
    with shop.database.reading() as session, counted(shop.database) as sent:
        mine = queries.my_orders(session, person_id=anna, locale="en", now=shop.now)
    assert [each.ref for each in mine] == refs[::-1]
    assert len(sent) == 16  # the parcels of all of them are one


def test_somebody_without_orders_has_none(shop: Shop) -> None:
    with shop.database.reading() as session:
        assert queries.my_orders(session, person_id=shop.customer(), locale="en", now=shop.now) == []
