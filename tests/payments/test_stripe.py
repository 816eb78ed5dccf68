"""The real SDK against a local Stripe: what is asked, and what its answers mean to us."""

import json
import sqlite3
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from stripe.checkout import Session

from c2b.db import Database
from c2b.errors import Refused
from c2b.payments.gateways import build
from c2b.payments.gateways.stripe.amounts import from_stripe, to_stripe
from c2b.payments.gateways.stripe.answers import payment
from c2b.payments.gateways.stripe.gateway import Stripe
from c2b.payments.protocol import Answer, Client, Disputed, Heard, PaymentFacts, RefundFacts, ask
from tests.payments.books import GatewayBooks
from tests.payments.conftest import START, Clock
from tests.payments.stripe_server import StripeServer, settings

HALF_HOUR = timedelta(minutes=30)


def page(answer: Answer) -> str:
    return f"https://checkout.stripe.com/c/pay/{answer.handle}"


def crowd(server: StripeServer, others: int) -> None:
    """Let others begin to pay: a page of Stripe's lists has a hundred of them."""
    for _ in range(others):
        wish = {"client_reference_id": "other", "line_items[0][price_data][unit_amount]": "100", "success_url": "https://shop.example.com"}
        server.new_session({**wish, "line_items[0][price_data][currency]": "cny", "expires_at": str(server.instant() + 3600)}, {}, {})


def paid(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> RefundFacts:
    """Pay, and return the facts of a refund of 50 yuan."""
    stripe.start(deposit)
    server.approve(deposit.key)
    return RefundFacts("pay-1-1", "pay-1", 5000, "CNY", stripe.query(deposit).reference, merchant="acct_local")


def test_a_payment_opens_a_page_and_is_known_by_our_key_wherever_stripe_shows_it(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts
) -> None:
    answer = stripe.start(deposit)
    assert answer == Answer(Heard.PENDING, page=page(answer), handle=answer.handle)
    with server.open() as books:
        row = server.row(books, "session", "id", answer.handle)
    assert (row["amount"], row["currency"], row["back"]) == (5980, "cny", "https://shop.example.com/c/ss27/pay/pay-1")
    assert [row["key"], json.loads(row["metadata"]), json.loads(row["intent_metadata"])] == ["pay-1", {"c2b": "pay-1"}, {"c2b": "pay-1"}]


def test_what_was_paid_is_told_with_its_amount_currency_account_and_a_name_that_never_changes(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts
) -> None:
    handle = stripe.start(deposit).handle
    server.approve("pay-1")
    answer = stripe.query(deposit)
    expected = Answer(Heard.DONE, amount=5980, currency="CNY", merchant="acct_local", reference=answer.reference, handle=handle)
    assert answer == expected
    assert answer.reference.startswith("pi_")
    assert stripe.query(replace(deposit, handle=handle)) == expected, "with or without the handle"


def test_another_amount_than_was_asked_for_is_told_as_it_came(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    stripe.start(deposit)
    server.approve("pay-1", amount=5979)
    assert stripe.query(deposit).amount == 5979


def test_a_repeated_start_is_the_same_payment_and_says_what_holds_now(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    first = stripe.start(deposit)
    assert stripe.start(deposit) == first
    server.approve("pay-1")
    assert stripe.start(deposit).heard is Heard.DONE, "not what was true when the page was opened"
    assert (server.count("session"), server.captured()) == (1, 5980)


def test_a_start_is_repeated_word_for_word_whenever_it_is_repeated(stripe: Stripe, clock: Clock, deposit: PaymentFacts) -> None:
    first = stripe.start(deposit)
    clock.forward(HALF_HOUR - timedelta(seconds=1))
    assert stripe.start(deposit) == first


def test_a_key_never_stands_for_two_payments(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    stripe.start(deposit)
    assert ask(stripe.start, replace(deposit, amount=1000)) == Answer(Heard.UNKNOWN)
    assert server.count("session") == 1


def test_a_declined_card_has_failed_and_says_why(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    stripe.start(deposit)
    server.decline("pay-1")
    answer = stripe.query(deposit)
    assert (answer.heard, answer.why) == (Heard.FAILED, "card_declined")


def test_when_the_time_is_up_the_page_is_closed_there_too_and_can_not_be_paid_any_more(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, clock: Clock
) -> None:
    stripe.start(deposit)
    clock.forward(HALF_HOUR - timedelta(microseconds=1))
    assert stripe.query(deposit).heard is Heard.PENDING
    clock.forward(timedelta(microseconds=1))
    answer = stripe.query(deposit)
    assert (answer.heard, answer.why) == (Heard.FAILED, "expired")
    server.approve("pay-1")
    assert server.captured() == 0


def test_who_pays_in_the_moment_that_the_page_is_closed_has_paid(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stripe.start(deposit)
    clock.forward(HALF_HOUR)
    closing = server.expire

    def pays_first(identity: str) -> dict[str, object] | None:
        server.approve("pay-1")
        return closing(identity)

    monkeypatch.setattr(server, "expire", pays_first)
    assert stripe.query(deposit).heard is Heard.DONE


def test_a_page_that_nobody_asks_about_is_closed_by_stripe_itself(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, clock: Clock
) -> None:
    stripe.start(deposit)
    clock.forward(timedelta(minutes=61))
    server.approve("pay-1")
    assert (stripe.query(deposit).heard, server.captured()) == (Heard.FAILED, 0)


def test_money_that_needs_days_is_pending_until_it_is_there(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, clock: Clock
) -> None:
    handle = stripe.start(deposit).handle
    server.begin("pay-1")
    clock.forward(timedelta(days=2))
    assert stripe.query(deposit) == Answer(Heard.PENDING, handle=handle)
    server.approve("pay-1")
    assert stripe.query(deposit).amount == 5980


def test_money_that_needed_days_and_never_came_has_failed(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    stripe.start(deposit)
    server.begin("pay-1")
    server.decline("pay-1")
    assert stripe.query(deposit).heard is Heard.FAILED


def test_what_never_arrived_is_surely_absent(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    server.troubles = ["down"]
    assert ask(stripe.start, deposit) == Answer(Heard.UNKNOWN)
    assert stripe.query(deposit) == Answer(Heard.ABSENT)


@pytest.mark.parametrize("trouble", ["lost", "done-error", "slow"])
def test_what_arrived_without_an_answer_is_found_among_all_of_its_time(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, clock: Clock, trouble: str
) -> None:
    crowd(server, 5)
    server.troubles = [trouble]
    assert ask(stripe.start, deposit) == Answer(Heard.UNKNOWN)
    crowd(server, 230)
    server.approve("pay-1")
    clock.forward(timedelta(days=40))
    assert stripe.query(deposit).heard is Heard.DONE


def test_a_list_that_breaks_off_proves_nothing(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    crowd(server, 101)
    server.troubles = ["", "down"]  # its second page
    assert ask(stripe.query, deposit) == Answer(Heard.UNKNOWN)


@pytest.mark.parametrize(("others", "heard"), [(100, Heard.ABSENT), (101, Heard.UNKNOWN)])
def test_among_too_many_nobody_looks_to_the_end_and_nobody_knows(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, monkeypatch: pytest.MonkeyPatch, *, others: int, heard: Heard
) -> None:
    monkeypatch.setattr("c2b.payments.gateways.stripe.gateway._MOST_SESSIONS", 100)
    crowd(server, others)
    assert ask(stripe.query, deposit).heard is heard


@pytest.mark.parametrize(
    ("page_is", "money_is", "heard"),
    [
        ("expired", "processing", Heard.PENDING),
        ("expired", "requires_capture", Heard.PENDING),
        ("expired", "requires_action", Heard.FAILED),
        ("expired", "succeeded", Heard.DONE),
        ("complete", "canceled", Heard.FAILED),
        ("complete", "requires_action", Heard.PENDING),
        ("complete", "something_new", Heard.UNKNOWN),
    ],
)
def test_only_what_is_clearly_over_has_failed(page_is: str, money_is: str, heard: Heard) -> None:
    money = {"id": "pi_1", "object": "payment_intent", "status": money_is, "amount_received": 5980, "currency": "cny"}
    whole = {"id": "cs_1", "object": "checkout.session", "status": page_is, "payment_intent": {**money, "last_payment_error": None}}
    assert payment(Session.construct_from(whole, None), merchant="acct_local").heard is heard


@pytest.mark.parametrize("trouble", ["down", "lost", "error", "done-error", "slow"])
def test_whatever_goes_wrong_with_a_question_means_that_nobody_knows(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, trouble: str
) -> None:
    handle = stripe.start(deposit).handle
    server.troubles = [trouble]
    assert ask(stripe.query, replace(deposit, handle=handle)) == Answer(Heard.UNKNOWN)


def test_a_call_is_made_once_and_never_repeated_behind_our_back(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    _ = stripe.merchant
    server.calls.clear()
    server.troubles = ["lost", "lost"]
    ask(stripe.start, deposit)
    assert server.calls == ["POST /v1/checkout/sessions"]


def test_an_amount_below_what_stripe_takes_has_failed_for_good(stripe: Stripe, deposit: PaymentFacts) -> None:
    assert stripe.start(replace(deposit, amount=49)) == Answer(Heard.FAILED, why="amount_too_small")


def test_the_account_is_asked_for_once(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    assert stripe.merchant == "acct_local"
    stripe.query(deposit)
    paid(stripe, server, deposit)
    assert server.calls.count("GET /v1/account") == 1


def test_a_wrong_key_is_said_to_the_customer_as_a_gateway_that_does_not_answer(server: StripeServer, clock: Clock) -> None:
    with pytest.raises(Refused, match="doesn't answer"):
        _ = Stripe(settings(server, stripe_key="sk_test_other"), clock).merchant


def test_a_payment_of_another_account_is_neither_sent_nor_called_absent(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts
) -> None:
    elsewhere = replace(deposit, merchant="acct_before")
    assert [ask(stripe.start, elsewhere), ask(stripe.query, elsewhere)] == [Answer(Heard.UNKNOWN)] * 2
    assert server.count("session") == 0


@pytest.mark.parametrize(
    ("currency", "ours", "stripes"),
    [
        ("CNY", 5980, 5980),
        ("JPY", 500, 500),
        ("KRW", 9900, 9900),
        ("KWD", 5120, 5120),
        ("ISK", 5, 500),
        ("UGX", 700, 70000),
        ("RSD", 300, 300),
        ("MGA", 7, 7),
    ],
)
def test_amounts_are_counted_as_stripe_counts_them(currency: str, ours: int, stripes: int) -> None:
    assert (to_stripe(ours, currency), from_stripe(stripes, currency)) == (stripes, ours)


def test_a_part_of_the_smallest_coin_is_no_amount() -> None:
    with pytest.raises(ValueError, match="smallest coin"):
        from_stripe(501, "ISK")


def test_yen_are_captured_and_returned_as_yen(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    yen = replace(deposit, currency="JPY", amount=1200)
    stripe.start(yen)
    server.approve("pay-1")
    answer = stripe.query(yen)
    assert (answer.amount, answer.currency, server.captured()) == (1200, "JPY", 1200)
    back = stripe.refund(RefundFacts("pay-1-1", "pay-1", 1200, "JPY", answer.reference, merchant="acct_local"))
    assert (back.amount, back.currency, server.refunded()) == (1200, "JPY", 1200)


def test_a_refund_is_sent_once_however_often_it_is_asked_for(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    facts = paid(stripe, server, deposit)
    first = stripe.refund(facts)
    assert first == Answer(
        Heard.DONE, amount=5000, currency="CNY", merchant="acct_local", reference=first.reference, handle=first.reference
    )
    assert [stripe.refund(facts), stripe.query_refund(facts), stripe.query_refund(replace(facts, handle=first.handle))] == [first] * 3
    assert (server.refunded(), server.count("refund")) == (5000, 1)


@pytest.mark.parametrize("trouble", ["lost", "done-error", "slow"])
def test_a_refund_without_an_answer_is_found_by_its_key(stripe: Stripe, server: StripeServer, deposit: PaymentFacts, trouble: str) -> None:
    facts = paid(stripe, server, deposit)
    stripe.refund(replace(facts, key="pay-1-0", amount=10))
    server.troubles = [trouble]
    assert ask(stripe.refund, facts) == Answer(Heard.UNKNOWN)
    assert stripe.query_refund(facts).amount == 5000


def test_a_refund_that_never_arrived_is_surely_absent(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    facts = paid(stripe, server, deposit)
    server.troubles = ["down"]
    assert ask(stripe.refund, facts) == Answer(Heard.UNKNOWN)
    assert stripe.query_refund(facts) == Answer(Heard.ABSENT)


def test_a_refund_waits_while_there_is_no_money_on_the_account(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    facts = paid(stripe, server, deposit)
    server.refunds_wait = True
    waiting = stripe.refund(facts)
    assert (waiting.heard, waiting.why, waiting.handle[:3]) == (Heard.PENDING, "insufficient_funds", "re_")
    assert stripe.query_refund(facts) == waiting
    server.settle("pay-1-1")
    assert stripe.query_refund(facts).heard is Heard.DONE


def test_a_refund_that_comes_back_has_failed_although_it_had_succeeded(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    facts = paid(stripe, server, deposit)
    sent = stripe.refund(facts)
    server.bounce("pay-1-1")
    answers = [stripe.refund(facts), stripe.query_refund(facts), stripe.query_refund(replace(facts, handle=sent.handle))]
    assert [(answer.heard, answer.why) for answer in answers] == [(Heard.FAILED, "expired_or_canceled_card")] * 3
    assert server.refunded() == 0


def test_more_than_was_captured_never_goes_back(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    facts = paid(stripe, server, deposit)
    assert stripe.refund(facts).heard is Heard.DONE
    assert stripe.refund(replace(facts, key="pay-1-2", amount=981)) == Answer(Heard.FAILED, why="charge_already_refunded")
    assert stripe.refund(replace(facts, key="pay-1-3", amount=980)).heard is Heard.DONE
    assert server.refunded() == 5980


def test_a_refund_that_is_refused_because_it_was_done_long_ago_is_done(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, clock: Clock
) -> None:
    facts = paid(stripe, server, deposit)
    first = stripe.refund(facts)
    clock.forward(timedelta(hours=25))  # the key is forgotten, and not enough is left for a second one
    assert stripe.refund(facts) == first
    assert server.refunded() == 5000


def test_a_refund_of_a_payment_that_this_key_does_not_reach_is_no_failure(stripe: Stripe) -> None:
    facts = RefundFacts("pay-1-1", "pay-1", 5000, "CNY", "pi_live", merchant="acct_local")
    assert stripe.refund(facts) == Answer(Heard.UNKNOWN, why="resource_missing", handle="pay-1-1.1")


def test_a_refund_of_another_account_is_neither_sent_nor_called_absent(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    facts = replace(paid(stripe, server, deposit), merchant="acct_before")
    server.calls.clear()
    assert [ask(stripe.refund, facts), ask(stripe.query_refund, facts)] == [Answer(Heard.UNKNOWN)] * 2
    assert server.calls == []


@pytest.mark.parametrize("code", ["balance_insufficient", "insufficient_funds"])
def test_a_refund_refused_for_want_of_money_goes_with_another_key_each_time_for_stripe_repeats_itself(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, code: str
) -> None:
    facts, server.refunds_refused = paid(stripe, server, deposit), code
    refused = stripe.refund(facts)
    assert stripe.query_refund(replace(facts, handle=refused.handle)) == Answer(Heard.ABSENT)
    again = stripe.refund(replace(facts, handle=refused.handle))
    assert [(each.heard, each.why, each.handle) for each in (refused, again)] == [
        (Heard.UNKNOWN, code, "pay-1-1.1"),
        (Heard.UNKNOWN, code, "pay-1-1.2"),
    ]
    server.refunds_refused = ""
    assert stripe.refund(facts) == refused, "nobody got to know what was said first"
    done = stripe.refund(replace(facts, handle=again.handle))
    assert stripe.refund(replace(facts, handle=again.handle)) == done
    assert (done.heard, server.refunded(), server.count("refund")) == (Heard.DONE, 5000, 1)


def test_after_a_day_stripe_has_forgotten_a_key_so_a_refund_is_asked_for_before_it_is_sent(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, clock: Clock
) -> None:
    facts = paid(stripe, server, deposit)
    server.troubles = ["lost"]
    ask(stripe.refund, replace(facts, amount=1000))
    clock.forward(timedelta(hours=25))
    assert stripe.limits.key_lasts == timedelta(hours=24)
    assert stripe.query_refund(replace(facts, amount=1000)).heard is Heard.DONE
    stripe.refund(replace(facts, amount=1000))
    assert server.refunded() == 2000, "what the limit is there for"


def test_a_dispute_is_told_with_what_the_bank_took_and_whether_we_got_it_back(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts
) -> None:
    paid(stripe, server, deposit)
    server.inquire("pay-1")
    assert stripe.query(deposit).disputes == (), "a question of the bank moves no money"
    server.dispute("pay-1")
    (open_one,) = stripe.query(deposit).disputes
    assert open_one == Disputed(open_one.reference, 5980)
    server.win("pay-1")
    assert stripe.query(deposit).disputes == (replace(open_one, is_open=False),)
    assert stripe.query(deposit).heard is Heard.DONE


def test_a_disputed_payment_can_not_be_refunded_too(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    facts = paid(stripe, server, deposit)
    server.dispute("pay-1")
    assert stripe.refund(facts) == Answer(Heard.FAILED, why="charge_disputed")
    assert server.refunded() == 0


def test_stripe_is_not_offered_inside_wechat(stripe: Stripe) -> None:
    assert stripe.is_offered(Client())
    assert not stripe.is_offered(Client(agent="Mozilla/5.0 (iPhone) MicroMessenger/8.0"))


def test_mass_refunds_take_a_part_of_what_stripe_allows(server: StripeServer, stripe: Stripe, clock: Clock) -> None:
    assert stripe.limits.refunds_a_second == 12
    assert Stripe(settings(server, stripe_key="sk_live_local"), clock).limits.refunds_a_second == 50


def test_the_settings_name_stripe(server: StripeServer, deposit: PaymentFacts, clock: Clock, sqlite_database: Database) -> None:
    gateways = build(settings(server), sqlite_database, now=clock)
    assert gateways["stripe"].start(deposit).heard is Heard.PENDING
    assert gateways["stripe"].hosts == ("https://checkout.stripe.com",)


def test_without_its_package_the_start_says_what_to_install(
    server: StripeServer, clock: Clock, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "stripe", None)
    monkeypatch.delitem(sys.modules, "c2b.payments.gateways.stripe.gateway")
    with pytest.raises(Refused, match=r"pip install 'c2b\[stripe\]'"):
        build(settings(server), sqlite_database, now=clock)


def test_the_local_stripe_is_one_of_the_books_that_the_harness_knows(server: StripeServer) -> None:
    books: GatewayBooks = server
    books.approve("never-started")
    assert (books.captured(), books.refunded(), books.events(), books.troubles) == (0, 0, [], [])


def test_the_books_hold_refunds_to_what_was_captured_whoever_writes(stripe: Stripe, server: StripeServer, deposit: PaymentFacts) -> None:
    facts = paid(stripe, server, deposit)
    with pytest.raises(sqlite3.IntegrityError, match="greater than unrefunded"):
        server.new_refund(facts.payment_reference, 5981, {})


def test_the_clock_of_the_test_is_the_clock_of_the_local_stripe(server: StripeServer) -> None:
    assert server.instant() == int(START.timestamp())
