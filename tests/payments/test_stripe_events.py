"""Signed events: which are believed, and which of our payments or refunds they make us ask about."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from c2b.payments.gateways.stripe.gateway import Stripe
from c2b.payments.protocol import About, Call, Forged, Notice, PaymentFacts, RefundFacts
from tests.payments.books import Event
from tests.payments.conftest import START, Clock
from tests.payments.stripe_server import StripeServer, settings

PAID: dict[str, Any] = {
    "id": "evt_1",
    "object": "event",
    "livemode": False,
    "type": "checkout.session.completed",
    "data": {"object": {"id": "cs_test_1", "object": "checkout.session", "metadata": {"c2b": "pay-1"}, "payment_intent": "pi_1"}},
}


def call(event: Event, clock: Clock) -> Call:
    headers, body = event
    return Call({name.lower(): value for name, value in headers.items()}, body, clock())


def said(server: StripeServer, clock: Clock, **changes: Any) -> Call:
    """Return a well-signed call with `PAID`, changed."""
    return call(server.signed(json.dumps({**PAID, **changes}).encode()), clock)


def test_everything_that_happens_to_a_payment_and_its_refund_is_told_with_our_keys(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, clock: Clock
) -> None:
    stripe.start(deposit)
    server.approve("pay-1")
    stripe.refund(RefundFacts("pay-1-1", "pay-1", 1000, "CNY", stripe.query(deposit).reference, merchant="acct_local"))
    server.bounce("pay-1-1")
    server.dispute("pay-1")
    server.win("pay-1")
    heard = [stripe.notice(call(event, clock)) for event in server.events()]
    assert [(notice.kind, notice.about, notice.key) for notice in heard if notice] == [
        ("payment_intent.created", About.PAYMENT, "pay-1"),
        ("checkout.session.completed", About.PAYMENT, "pay-1"),
        ("payment_intent.succeeded", About.PAYMENT, "pay-1"),
        ("refund.created", About.REFUND, "pay-1-1"),
        ("refund.updated", About.REFUND, "pay-1-1"),
        ("charge.refund.updated", About.REFUND, "pay-1-1"),
        ("refund.failed", About.REFUND, "pay-1-1"),
        ("charge.dispute.created", About.PAYMENT, "pay-1"),
        ("charge.dispute.funds_withdrawn", About.PAYMENT, "pay-1"),
        ("charge.dispute.funds_reinstated", About.PAYMENT, "pay-1"),
        ("charge.dispute.closed", About.PAYMENT, "pay-1"),
    ]
    assert len({notice.id for notice in heard if notice}) == 11, "each event has a name of its own"
    assert heard.count(None) == 2, "what a charge says, its payment says too"


def test_the_same_event_again_has_the_same_name(stripe: Stripe, server: StripeServer, clock: Clock) -> None:
    once = stripe.notice(said(server, clock))
    assert once == Notice("evt_1", "checkout.session.completed", About.PAYMENT, "pay-1")
    clock.forward(timedelta(hours=25))  # sent again, signed again
    assert stripe.notice(said(server, clock)) == once


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_signature_holds_for_five_minutes(stripe: Stripe, server: StripeServer, clock: Clock, seconds: int) -> None:
    event = server.signed(json.dumps(PAID).encode(), at=START - timedelta(seconds=seconds))
    assert stripe.notice(call(event, clock)) is not None


@pytest.mark.parametrize("seconds", [-301, 301, 90_000])
def test_an_old_event_sent_again_is_forged_and_so_is_one_from_the_future(
    stripe: Stripe, server: StripeServer, clock: Clock, seconds: int
) -> None:
    event = server.signed(json.dumps(PAID).encode(), at=START - timedelta(seconds=seconds))
    with pytest.raises(Forged):
        stripe.notice(call(event, clock))


def tampered(event: Call) -> Call:
    return replace(event, body=event.body.replace(b"pay-1", b"pay-2"))


def later(event: Call) -> Call:
    header = event.headers["stripe-signature"]
    stamp = int(header[2 : header.index(",")])
    return replace(event, headers={"stripe-signature": header.replace(str(stamp), str(stamp + 1))})


def unsigned(event: Call) -> Call:
    return replace(event, headers={})


def not_text(event: Call) -> Call:
    return replace(event, body=b"\xff\xfe" + event.body)


def junk(event: Call) -> Call:
    return replace(event, headers={"stripe-signature": "t=now,v1=,,=,v0=abc"})


def old_scheme(event: Call) -> Call:
    return replace(event, headers={"stripe-signature": event.headers["stripe-signature"].replace("v1=", "v0=")})


@pytest.mark.parametrize("spoil", [tampered, later, unsigned, not_text, junk, old_scheme])
def test_whoever_does_not_know_the_secret_is_a_forger(
    stripe: Stripe, server: StripeServer, clock: Clock, spoil: Callable[[Call], Call]
) -> None:
    with pytest.raises(Forged):
        stripe.notice(spoil(said(server, clock)))


def test_a_signature_by_another_secret_is_forged(stripe: Stripe, server: StripeServer, clock: Clock) -> None:
    with pytest.raises(Forged):
        stripe.notice(call(server.signed(json.dumps(PAID).encode(), secret="whsec_other"), clock))


def test_while_a_secret_is_changed_either_signature_will_do(stripe: Stripe, server: StripeServer, clock: Clock) -> None:
    event = said(server, clock)
    header = event.headers["stripe-signature"].replace("v1=", f"v1={'0' * 64},v1=")
    assert stripe.notice(replace(event, headers={"stripe-signature": header})) is not None


def test_spaces_and_line_ends_belong_to_what_is_signed(stripe: Stripe, server: StripeServer, clock: Clock) -> None:
    event = said(server, clock)
    with pytest.raises(Forged):
        stripe.notice(replace(event, body=json.dumps(json.loads(event.body), indent=1).encode()))


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"not json"])
def test_what_is_no_event_is_forged_although_it_is_signed(stripe: Stripe, server: StripeServer, clock: Clock, body: bytes) -> None:
    with pytest.raises(Forged):
        stripe.notice(call(server.signed(body), clock))


def test_events_of_another_account_are_forged_and_of_our_own_are_not(stripe: Stripe, server: StripeServer, clock: Clock) -> None:
    assert stripe.notice(said(server, clock, account="acct_local")) is not None
    with pytest.raises(Forged):
        stripe.notice(said(server, clock, account="acct_other"))


def test_a_test_event_moves_nothing_where_money_is_real(server: StripeServer, clock: Clock) -> None:
    live = Stripe(settings(server, stripe_key="sk_live_local"), clock)
    with pytest.raises(Forged):
        live.notice(said(server, clock))
    assert live.notice(said(server, clock, livemode=True)) is not None


def test_a_real_event_moves_nothing_in_a_test(stripe: Stripe, server: StripeServer, clock: Clock) -> None:
    with pytest.raises(Forged):
        stripe.notice(said(server, clock, livemode=True))


@pytest.mark.parametrize("kind", ["charge.succeeded", "charge.refunded", "payout.paid", "customer.created", "invoice.paid"])
def test_events_that_say_nothing_new_about_our_money_are_passed_over(stripe: Stripe, server: StripeServer, clock: Clock, kind: str) -> None:
    assert stripe.notice(said(server, clock, type=kind)) is None


@pytest.mark.parametrize("metadata", [None, {}, {"order": "7"}, {"c2b": ""}, {"c2b": "x" * 41}, {"c2b": "no key of ours"}])
def test_payments_that_others_begin_on_the_same_account_are_passed_over(
    stripe: Stripe, server: StripeServer, clock: Clock, metadata: dict[str, str] | None
) -> None:
    theirs = {"object": {"id": "cs_test_2", "object": "checkout.session", "metadata": metadata}}
    assert stripe.notice(said(server, clock, data=theirs)) is None


def test_a_dispute_of_a_payment_that_others_took_is_passed_over(stripe: Stripe, server: StripeServer, clock: Clock) -> None:
    theirs: dict[str, Any] = {"object": {"id": "du_1", "object": "dispute", "metadata": {}, "payment_intent": None}}
    assert stripe.notice(said(server, clock, type="charge.dispute.created", data=theirs)) is None


def test_a_dispute_whose_payment_can_not_be_asked_for_now_is_not_lost(
    stripe: Stripe, server: StripeServer, deposit: PaymentFacts, clock: Clock
) -> None:
    stripe.start(deposit)
    server.approve("pay-1")
    server.events()
    server.dispute("pay-1")
    event = call(server.events()[0], clock)
    server.troubles = ["down"]
    with pytest.raises(Exception, match="Stripe"):  # so that Stripe sends it again
        stripe.notice(event)
    assert stripe.notice(event) is not None
