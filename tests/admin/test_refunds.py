"""What finance does on the pages: failed refunds, payments that don't match, a run's needs, and totals that differ."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits import actions, paying_out
from c2b.deposits.apply import apply
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.models import Order, RefundLine
from c2b.deposits.payout_ways import Account
from c2b.deposits.rules import RefundReason
from c2b.jobs.models import Job
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import Answer, Heard, Limits, Way
from c2b.payments.rules import PaymentState, RefundState
from c2b.people.rules import Role
from tests import books, make
from tests.admin import shop
from tests.admin.conftest import Clock, Logged, SignIn, spoken

NOW = make.ORDERING_OPENS + timedelta(hours=1)
PAGE = "/admin/ss27/refunds"
SANDBOX = Way("sandbox", "main", timedelta(minutes=30), Limits())


@pytest.fixture(autouse=True)
def ordering(clock: Clock) -> None:
    clock.now = NOW


def cancelled(database: Database, *, why: str = "account closed") -> tuple[str, str]:
    """Let a customer pay, cancel, and the gateway refuse the refund (unless `why` is empty); returns order and refund."""
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        order, _ = books.paid(session, of, (make.variants(session, shop.candidates(session, of)[0])[0], 1))
        actions.cancel_order(session, order_ref=order.ref, person_id=order.person_id, now=NOW)
        refund = session.scalars(select(Refund)).one()
        if why:
            apply_refund(session, key=refund.key, answer=Answer(Heard.FAILED, why=why), now=NOW)
        return order.ref, refund.key


def mismatched(database: Database, amount: int, currency: str = "CNY") -> tuple[str, str]:
    """Let a customer pay something else than was asked for; returns order and payment."""
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        order = books.unpaid(session, of, (make.variants(session, shop.candidates(session, of)[0])[0], 1))
        key = actions.start_payment(session, order_ref=order.ref, person_id=order.person_id, by=SANDBOX, now=NOW)
        answer = Answer(Heard.DONE, amount=amount, currency=currency, merchant="main", reference="R-1")
        assert apply(session, key=key, answer=answer, now=NOW) is PaymentState.MISMATCH
        return order.ref, key


def refunds(database: Database) -> list[Refund]:
    with database.reading() as session:
        return list(session.scalars(select(Refund).order_by(Refund.id)))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_failed_refund_shows_the_gateways_words_and_is_sent_again(
    database: Database, sign_in: SignIn, logged: Logged, language: str
) -> None:
    _, key = cancelled(database)
    browser = sign_in(Role.FINANCE, language)
    browser.get(f"{PAGE}?refund={key}")
    assert "“account closed”" in browser.words
    browser.press({"en": "Send it again", "zh": "重发"}[language], reason=" ", expect=400)
    browser.press({"en": "Send it again", "zh": "重发"}[language], reason="Topped up")
    assert [refund.state for refund in refunds(database)] == [RefundState.FAILED, RefundState.QUEUED]
    assert [(entry.object, entry.reason) for entry in logged("deposits.send_refund_again")] == [(key, "Topped up")]
    assert "account closed" not in browser.words


def test_a_failed_refund_is_paid_by_hand_with_a_reference(database: Database, sign_in: SignIn) -> None:
    ref, key = cancelled(database)
    browser = sign_in(Role.FINANCE)
    browser.get(f"/admin/ss27/orders/{ref}")
    browser.get(f"{PAGE}?state=failed&refund={key}")
    browser.press("I paid it by hand", reason="Closed account", expect=400)
    assert "Give the reference of the payment" in browser.words
    assert 'value="Closed account"' in browser.html
    browser.press("I paid it by hand", reference="BANK-77")
    assert "Paid by hand" in browser.words
    assert "BANK-77" in browser.words
    assert "refunds failed" not in browser.words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_refund_whose_end_nobody_knows_is_given_up_after_a_week(
    database: Database, sign_in: SignIn, logged: Logged, language: str
) -> None:
    _, key = cancelled(database, why="")
    browser = sign_in(Role.FINANCE, language)
    for days in (6, 7):
        with database.transaction() as session:
            sent = {"state": RefundState.UNKNOWN, "sent_at": NOW - timedelta(days=days), "last_error": "pending"}
            session.execute(update(Refund).values(**sent))
        browser.get(f"{PAGE}?state=unknown")
        assert (f"refund={key}" in browser.html) is (days == 7)
    browser.get(f"{PAGE}?state=unknown&refund={key}")
    give_up = {"en": "Give it up", "zh": "放弃这笔退款"}[language]
    browser.press(give_up, reason=" ", expect=400)
    browser.press(give_up, reason="Not at the gateway")
    assert [refund.state for refund in refunds(database)] == [RefundState.FAILED]
    assert [(entry.object, entry.reason) for entry in logged("deposits.give_up_refund")] == [(key, "Not at the gateway")]


def gives_account(database: Database, ref: str) -> None:
    with database.transaction() as session:
        person = session.scalars(select(Order.person_id).where(Order.ref == ref)).one()
        account = Account("bank", "Anna Zhang", "6222001234567890", "ICBC Hangzhou")
        paying_out.give(session, order_ref=ref, person_id=person, given=account, now=NOW)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_finance_reads_the_customers_account_where_it_pays_out_and_the_look_is_logged(
    database: Database, sign_in: SignIn, logged: Logged, language: str
) -> None:
    ref, key = cancelled(database)
    browser = sign_in(Role.FINANCE, language)
    browser.get(f"{PAGE}?state=failed&refund={key}")
    assert {"en": "They gave no account yet", "zh": "顾客还没有填写收款账户"}[language] in browser.words
    gives_account(database, ref)
    browser.get(f"{PAGE}?state=failed&refund={key}")
    assert "6222001234567890" not in browser.html
    browser.press({"en": "Show the account", "zh": "查看账户"}[language])
    assert key in browser.url, "back at the form that pays it out"
    assert [text for text in ("Anna Zhang", "6222001234567890", "ICBC Hangzhou") if text in browser.words] != []
    assert [(entry.object, entry.actor) for entry in logged("deposits.look_at_account")] == [(ref, "staff:finance@example.com")]
    browser.press({"en": "I paid it by hand", "zh": "已人工支付"}[language], reason="Account closed", reference="BANK-77")
    assert [entry.after["account_of"] for entry in logged("deposits.paid_by_hand")] == [NOW.isoformat()]


def test_the_orders_page_shows_it_to_who_pays_and_to_nobody_else(database: Database, sign_in: SignIn, logged: Logged) -> None:
    ref, _ = cancelled(database)
    gives_account(database, ref)
    support = sign_in(Role.SUPPORT)
    support.get(f"/admin/ss27/orders/{ref}")
    assert "Paid out by hand" not in support.words
    token = next(each.get("value") for each in support.tree.iter("input") if each.get("name") == "csrf_token")
    assert support.client.post(f"/admin/ss27/orders/{ref}/account", data={"csrf_token": token}).status_code == 403
    assert logged("deposits.look_at_account") == []
    finance = sign_in(Role.FINANCE)
    finance.get(f"/admin/ss27/orders/{ref}")
    assert "¥59.80 is owed to the customer and waits to be paid out." in finance.words
    finance.press("Show the account")
    assert "6222001234567890" in finance.words


def test_the_list_says_for_which_failed_refunds_an_account_is_known(database: Database, sign_in: SignIn) -> None:
    ref, _ = cancelled(database)
    browser = sign_in(Role.FINANCE)
    browser.get(PAGE)
    assert "the customer gave an account" not in browser.words
    gives_account(database, ref)
    browser.get(PAGE)
    assert "the customer gave an account" in browser.words


def test_all_failed_refunds_are_sent_again_by_the_worker(database: Database, sign_in: SignIn) -> None:
    cancelled(database)
    browser = sign_in(Role.FINANCE)
    browser.get(PAGE)
    browser.press("Send all again", expect=400)
    browser.press("Send all again", reason="Topped up")
    assert "1 refund is sent again." in browser.words
    with database.reading() as session:
        assert session.scalars(select(Job.kind).where(Job.kind == "deposits.send_failed_again")).all() == ["deposits.send_failed_again"]


def test_who_may_look_but_not_touch_money_sees_no_buttons(database: Database, sign_in: SignIn) -> None:
    _, key = cancelled(database)
    browser = sign_in(Role.SUPPORT)
    browser.get(f"{PAGE}?refund={key}")
    assert "account closed" in browser.words
    assert not [button for button in ("Send it again", "Send all again", "I paid it by hand") if button in browser.words]


def test_another_campaigns_refund_is_not_decided_here(database: Database, sign_in: SignIn) -> None:
    _, key = cancelled(database)
    with database.transaction() as session:
        shop.campaign(session, slug="aw27")
    browser = sign_in(Role.FINANCE)
    browser.get(f"{PAGE}?refund={key}")
    browser.html = browser.html.replace("/admin/ss27/refunds", "/admin/aw27/refunds")
    browser.press("Send it again", reason="x", expect=404)
    assert len(refunds(database)) == 1


def test_while_a_run_goes_the_progress_refreshes_itself_and_what_it_needs_stands_below(database: Database, sign_in: SignIn) -> None:
    cancelled(database, why="")
    browser = sign_in(Role.FINANCE)
    browser.get(PAGE)
    (section,) = [each for each in browser.tree.iter("section") if each.get("id") == "progress"]
    assert section.get("hx-trigger") == "every 5s"
    assert "main 17 Mar 1 ¥59.80" in spoken(browser)


def test_once_nothing_waits_nothing_refreshes(database: Database, sign_in: SignIn) -> None:
    cancelled(database)
    browser = sign_in(Role.FINANCE)
    browser.get(PAGE)
    assert "every 5s" not in browser.html
    assert "Money needed" not in browser.words


def test_refunds_that_are_not_what_was_decided_raise_a_red_banner(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING, voting_opens=None, voting_closes=None)
        shop.decided(session, of)
    browser = sign_in(Role.FINANCE)
    browser.get(PAGE)
    assert "aren’t what was decided" not in browser.words
    with database.transaction() as session:
        session.execute(update(RefundLine).values(reason=RefundReason.CANCELLED))
    browser.get(PAGE)
    assert "The refunds aren’t what was decided: −¥59.80" in browser.words
    assert "Decided: 1 payments, ¥59.80. Queued for them: 0 payments, ¥0.00." in browser.words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_payment_that_brought_too_much_is_taken_on_the_orders_page(
    database: Database, sign_in: SignIn, logged: Logged, language: str
) -> None:
    ref, key = mismatched(database, 6000)
    browser = sign_in(Role.FINANCE, language)
    browser.get(PAGE)
    assert f"/admin/ss27/orders/{ref}?payment={key}" in browser.html
    browser.get(f"/admin/ss27/orders/{ref}?payment={key}")
    take = {"en": "Take it", "zh": "收下"}[language]
    browser.press(take, reason="", expect=400)
    browser.press(take, reason="The bank rounded")
    assert [refund.amount for refund in refunds(database)] == [20]
    assert [(entry.object, entry.reason) for entry in logged("deposits.accept_mismatch")] == [(key, "The bank rounded")]
    browser.get(PAGE)
    assert key not in browser.html


def test_too_little_can_only_go_back(database: Database, sign_in: SignIn) -> None:
    ref, _ = mismatched(database, 5979)
    browser = sign_in(Role.FINANCE)
    browser.get(f"/admin/ss27/orders/{ref}")
    assert "Take it" not in browser.words
    browser.press("Send it back", reason="Too little")
    assert [refund.amount for refund in refunds(database)] == [5979]
    browser.get(f"/admin/ss27/orders/{ref}")
    assert "doesn’t match" not in browser.words


def test_another_currency_is_noted_as_sent_back_by_hand(database: Database, sign_in: SignIn) -> None:
    ref, key = mismatched(database, 5980, "EUR")
    browser = sign_in(Role.FINANCE)
    browser.get(f"/admin/ss27/orders/{ref}")
    assert "Send it back" not in browser.words
    browser.press("I sent it back by hand", reason="EUR", reference="", expect=400)
    browser.press("I sent it back by hand", reason="EUR", reference="DESK-1")
    with database.reading() as session:
        assert session.scalars(select(Payment.state).where(Payment.key == key)).one() is PaymentState.FAILED
