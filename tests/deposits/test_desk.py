"""What staff read of orders and refunds, on both databases."""

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Variant
from c2b.deposits import desk
from c2b.deposits.models import Order
from c2b.deposits.rules import Outcome, RefundReason
from c2b.errors import NotFound
from c2b.payments.rules import PaymentState, RefundState
from tests import make


class Shop:
    """A campaign with two products and the customers Anna and Bert."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.campaign: Campaign = make.campaign(session)
        self.dress, self.coat = (make.candidate(session, self.campaign, code) for code in ("D1", "C1"))

    def variant(self, of: str = "D1") -> Variant:
        return make.variants(self.session, self.dress if of == "D1" else self.coat)[0]

    def order(self, units: int = 1, email: str = "anna@example.com", of: str = "D1", **line: object) -> Order:
        customer = make.person(self.session)
        make.address(self.session, customer, email)
        return make.order(self.session, self.campaign, (self.variant(of), units), by=customer, line=line)

    def refs(self, **filters: object) -> set[str]:
        found, count = desk.orders(self.session, self.campaign.id, **filters)  # type: ignore[arg-type]  # a table of filters
        assert count == len(found)
        return {row.ref for row in found}


@pytest.fixture
def shop(session: Session) -> Shop:
    return Shop(session)


def test_totals_count_held_deposits_of_lines_that_stand(shop: Shop) -> None:
    shop.order(2)
    shop.order(1, outcome=Outcome.ALLOCATED)
    shop.order(5, outcome=Outcome.MISSED)
    shop.order(7, reserved_at=None, outcome=Outcome.CANCELLED)
    shop.order(9, reserved_at=None)
    assert desk.totals(shop.session, shop.campaign.id) == desk.Totals(orders=2, units=3, deposits=3 * 5980)


def test_a_campaign_without_orders_has_zeros(shop: Shop) -> None:
    assert desk.totals(shop.session, shop.campaign.id) == desk.Totals(0, 0, 0)
    assert desk.open_payments(shop.session, shop.campaign.id) == (0, 0)
    assert desk.orders(shop.session, shop.campaign.id) == ([], 0)


def test_an_order_of_two_lines_is_one_order(shop: Shop) -> None:
    both = make.order(shop.session, shop.campaign, (shop.variant(), 1), (shop.variant("C1"), 2))
    assert desk.totals(shop.session, shop.campaign.id).orders == 1
    (row,), _ = desk.orders(shop.session, shop.campaign.id)
    assert (row.ref, row.codes, row.units, row.deposit, row.customer) == (both.ref, ("D1", "C1"), 3, 3 * 5980, "")


def test_orders_are_searched_by_reference_address_and_code(shop: Shop) -> None:
    anna, bert = shop.order().ref, shop.order(email="bert@example.com", of="C1").ref
    assert shop.refs(search=anna[:10]) == {anna}
    assert shop.refs(search=" Bert@Example.com ") == {bert}
    assert shop.refs(search="c1") == {bert}
    assert shop.refs(search="%") == set()
    assert shop.refs() == {anna, bert}


def test_orders_are_filtered_by_outcome_and_by_payment(shop: Shop) -> None:
    paid = shop.order().ref
    unpaid = shop.order(reserved_at=None).ref
    missed = shop.order(outcome=Outcome.MISSED).ref
    assert shop.refs(paid=False) == {unpaid}
    assert shop.refs(paid=True) == {paid, missed}
    assert shop.refs(outcome=Outcome.MISSED) == {missed}
    assert shop.refs(outcome=Outcome.OPEN, paid=True) == {paid}


def test_pages_come_newest_first(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "PAGE", 2)
    refs = [shop.order(email=f"c{number}@example.com").ref for number in range(5)]
    pages = [[row.ref for row in desk.orders(shop.session, shop.campaign.id, page=page)[0]] for page in (1, 2, 3)]
    assert pages == [[refs[4], refs[3]], [refs[2], refs[1]], [refs[0]]]
    assert desk.orders(shop.session, shop.campaign.id, page=2)[1] == 5


def test_an_order_shows_its_lines_and_what_happened_to_its_money(shop: Shop) -> None:
    order = shop.order(2, outcome=Outcome.MISSED)
    line = make.lines_of(shop.session, order)
    payment = make.payment(shop.session, order, line[0].deposit)
    make.refund(shop.session, payment, *line)
    found = desk.order(shop.session, shop.campaign.id, order.ref, locale="en")
    assert [(each.code, each.name, each.variant, each.units, each.paid) for each in found.lines] == [("D1", "Design D1", "S", 2, True)]
    assert [each.key for each in found.payments] == [payment.key]
    assert [(each.amount, each.codes, each.reasons) for each in found.refunds] == [(11960, ("D1",), frozenset({RefundReason.MISSED}))]
    assert found.row.customer == "a***@example.com"


def test_an_order_of_another_campaign_is_not_found(shop: Shop) -> None:
    order = shop.order()
    other = make.campaign(shop.session, slug="other")
    with pytest.raises(NotFound):
        desk.order(shop.session, other.id, order.ref, locale="en")
    assert desk.orders(shop.session, other.id) == ([], 0)


@pytest.mark.parametrize(
    ("state", "is_open"),
    [
        (PaymentState.STARTED, True),
        (PaymentState.PENDING, True),
        (PaymentState.UNKNOWN, True),
        (PaymentState.CAPTURED, False),
        (PaymentState.FAILED, False),
    ],
)
def test_payments_whose_end_nobody_knows_are_open(shop: Shop, state: PaymentState, *, is_open: bool) -> None:
    order = shop.order(reserved_at=None)
    make.payment(shop.session, order, 5980, state=state, captured=5980 if state is PaymentState.CAPTURED else 0)
    assert desk.open_payments(shop.session, shop.campaign.id) == ((1, 5980) if is_open else (0, 0))


def test_refunds_are_summed_by_state_within_the_campaign(shop: Shop) -> None:
    for number, state in enumerate((RefundState.QUEUED, RefundState.QUEUED, RefundState.SETTLED, RefundState.FAILED)):
        order = shop.order(email=f"c{number}@example.com", outcome=Outcome.MISSED)
        lines = make.lines_of(shop.session, order)
        make.refund(shop.session, make.payment(shop.session, order, lines[0].deposit), *lines, state=state)
    sums = desk.refund_sums(shop.session, shop.campaign.id)
    assert sums == {
        RefundState.QUEUED: (2, 11960),
        RefundState.UNKNOWN: (0, 0),
        RefundState.SETTLED: (1, 5980),
        RefundState.FAILED: (1, 5980),
    }
    assert [row.state for row in desk.refunds(shop.session, shop.campaign.id, state=RefundState.FAILED)] == [RefundState.FAILED]
    assert len(desk.refunds(shop.session, shop.campaign.id)) == 4
    other = make.campaign(shop.session, slug="other")
    assert desk.refund_sums(shop.session, other.id)[RefundState.QUEUED] == (0, 0)
