from datetime import UTC, datetime, timedelta

import pytest

from c2b.deposits.models import Order, OrderLine
from c2b.deposits.rules import Money, Outcome, RefundReason
from c2b.deposits.timeline import BY_HAND, Entry, Event, timeline
from c2b.payments.models import Payment, Refund
from c2b.payments.rules import PaymentState, RefundState

AT = datetime(2027, 3, 20, 4, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=5)


def order() -> Order:
    return Order(ref="AbC", placed_at=AT)


def payment(state: PaymentState, **values: object) -> Payment:
    return Payment(key="k", amount=5980, state=state, created_at=AT, **values)


def events(
    *lines: OrderLine, payments: tuple[Payment, ...] = (), refunds: tuple[Refund, ...] = (), why: RefundReason = RefundReason.CANCELLED
) -> list[Event]:
    lined = [(line, "K1", Money.HELD) for line in lines]
    return [entry.event for entry in timeline(order(), lined, payments, dict.fromkeys(refunds, why))]


def test_every_order_begins_with_being_placed() -> None:
    assert timeline(order(), [], [], {}) == (Entry(AT, Event.PLACED),)


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        (PaymentState.CAPTURED, [Event.PAID]),
        (PaymentState.FAILED, [Event.PAYMENT_FAILED]),
        (PaymentState.MISMATCH, [Event.PAYMENT_HELD_UP]),
        (PaymentState.PENDING, []),
        (PaymentState.UNKNOWN, []),
    ],
)
def test_a_payment_is_told_as_far_as_it_is_known(state: PaymentState, ends: list[Event]) -> None:
    settled = LATER if ends else None
    assert events(payments=(payment(state, settled_at=settled),)) == [Event.PLACED, Event.PAYMENT_STARTED, *ends]


def test_a_paid_entry_quotes_the_gateways_reference() -> None:
    paid = payment(PaymentState.CAPTURED, settled_at=LATER, provider_reference="SBX-k")
    assert timeline(order(), [], [paid], {})[-1] == Entry(LATER, Event.PAID, 5980, "SBX-k")


@pytest.mark.parametrize(
    ("outcome", "event"),
    [(Outcome.CANCELLED, Event.CANCELLED), (Outcome.MISSED, Event.MISSED)],
)
def test_how_a_line_ended_names_its_product(outcome: Outcome, event: Event) -> None:
    line = OrderLine(outcome=outcome, ended_at=LATER)
    assert timeline(order(), [(line, "K1", Money.HELD)], [], {})[-1] == Entry(LATER, event, about="K1")


def test_what_we_cannot_deliver_says_why_instead_of_cancelled() -> None:
    line = OrderLine(id=7, outcome=Outcome.CANCELLED, ended_at=LATER)
    entries = timeline(order(), [(line, "K1", Money.REFUND_DUE)], [], {}, undelivered={7: "No yarn"})
    assert entries[-1] == Entry(LATER, Event.UNDELIVERED, about="K1", why="No yarn")


def test_a_cancelling_that_waits_is_told_before_it_is_done() -> None:
    line = OrderLine(outcome=Outcome.CANCELLED, cancel_requested_at=AT + timedelta(minutes=1), ended_at=LATER)
    assert events(line) == [Event.PLACED, Event.CANCEL_REQUESTED, Event.CANCELLED]


@pytest.mark.parametrize(
    ("state", "ends"), [(RefundState.QUEUED, []), (RefundState.SETTLED, [Event.REFUNDED]), (RefundState.FAILED, [Event.REFUND_REFUSED])]
)
def test_a_refund_is_told_from_its_queue_to_its_end(state: RefundState, ends: list[Event]) -> None:
    refund = Refund(key="k-1", amount=5980, state=state, queued_at=AT, next_attempt_at=LATER, settled_at=None)
    assert events(refunds=(refund,)) == [Event.PLACED, Event.REFUND_QUEUED, *ends]


def test_what_happened_at_one_instant_is_told_in_the_order_of_the_story() -> None:
    line = OrderLine(outcome=Outcome.CANCELLED, ended_at=AT)
    refund = Refund(key="k-1", amount=5980, state=RefundState.SETTLED, queued_at=AT, next_attempt_at=AT, settled_at=AT)
    told = events(line, payments=(payment(PaymentState.CAPTURED, settled_at=AT),), refunds=(refund,))
    assert told == [Event.PLACED, Event.PAYMENT_STARTED, Event.PAID, Event.CANCELLED, Event.REFUND_QUEUED, Event.REFUNDED]


@pytest.mark.parametrize(("money", "event"), [(Money.FORFEITED, Event.FORFEITED), (Money.DISPUTED, Event.DISPUTED)])
def test_a_line_that_ended_by_its_money_says_so(money: Money, event: Event) -> None:
    line = OrderLine(outcome=Outcome.CANCELLED, ended_at=LATER)
    assert timeline(order(), [(line, "K1", money)], [], {})[-1] == Entry(LATER, event, about="K1")


def test_a_line_that_ended_for_want_of_its_balance_says_so_beside_one_that_was_cancelled() -> None:
    unpaid, cancelled = (OrderLine(outcome=Outcome.CANCELLED, ended_at=at) for at in (LATER, AT))
    refund = Refund(key="k-1", amount=5980, state=RefundState.QUEUED, queued_at=LATER, next_attempt_at=LATER)
    told = events(unpaid, cancelled, refunds=(refund,), why=RefundReason.UNPAID)
    assert told == [Event.PLACED, Event.CANCELLED, Event.UNPAID, Event.REFUND_QUEUED]


def test_a_refund_that_was_paid_by_hand_says_so_with_the_banks_reference() -> None:
    back = Refund(key="k-1", amount=5980, state=RefundState.FAILED, queued_at=AT, next_attempt_at=AT, last_error=f"{BY_HAND}BANK-77")
    back.resolved_at = LATER
    assert timeline(order(), [], [], {back: RefundReason.CANCELLED})[-1] == Entry(LATER, Event.REFUND_BY_HAND, 5980, "BANK-77")


def test_money_that_goes_back_says_why() -> None:
    refund = Refund(key="k-1", amount=5980, state=RefundState.QUEUED, queued_at=LATER, next_attempt_at=LATER)
    assert timeline(order(), [], [], {refund: RefundReason.OVERPAID})[-1].cause is RefundReason.OVERPAID


def test_a_refund_that_came_back_was_returned_first() -> None:
    times = {"queued_at": AT, "settled_at": LATER, "bounced_at": LATER + (LATER - AT)}
    back = Refund(key="k-1", amount=5980, state=RefundState.FAILED, **times)
    assert events(refunds=(back,)) == [Event.PLACED, Event.REFUND_QUEUED, Event.REFUNDED, Event.REFUND_BOUNCED]
