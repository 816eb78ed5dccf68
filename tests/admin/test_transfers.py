"""The desk for bank transfers and cash: what is waited for, what came, and what is paid out by hand."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select

from c2b.admin import transfer_rows
from c2b.app import create_app
from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits import actions
from c2b.deposits.models import Obligation, Order, PaymentPart
from c2b.payments.models import ManualPayout, ManualReceipt, Payment, Refund
from c2b.payments.rules import PaymentState, RefundState
from c2b.people.rules import Role
from c2b.settings import Settings
from c2b.ui.shell import parts
from tests import books, make
from tests.admin.conftest import Clock, Logged, SignIn, spoken
from tests.web.pages import Browser

KEY = "GEZDGNBVGY3TQOJQ"
PAGE = "/admin/ss27/transfers"
TODAY = make.ORDERING_OPENS + timedelta(hours=1)


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path, clock: Clock) -> Iterator[Flask]:
    clock.now = TODAY
    url = sqlite_database.engine.url.render_as_string(hide_password=False)
    values = {"database_url": url, "data": tmp_path, "secret_key": SecretStr("k" * 40), "base_url": "http://localhost"}
    made = create_app(Settings.model_validate(values | {"gateways": "sandbox,manual", "manual_account": "Bank 6222"}), clock=clock)
    yield made
    with made.app_context():
        parts().database.close()


def waits(database: Database, key: str = KEY, *, code: str = "K1", email: str = "anna@example.com", **changes: object) -> str:
    """Let a customer order a shirt and choose a transfer of 59.80; returns the order's reference."""
    with database.transaction() as session:
        of = session.scalars(select(Campaign)).first() or make.campaign(session, state=CampaignState.ORDERING)
        variant = make.variants(session, make.candidate(session, of, code))[0]
        customer = make.person(session)
        make.address(session, customer, email)
        order = books.unpaid(session, of, (variant, 1), by=customer)
        order.recipient = f"Recipient {code}"
        facts = {"gateway": "manual", "key": key, "state": PaymentState.PENDING, "captured": 0, "settled_at": None, "minutes": 3 * 24 * 60}
        payment = make.payment(session, order, 5980, **(facts | changes))
        owed = session.scalars(select(Obligation).where(Obligation.order_id == order.id)).one()
        session.add(PaymentPart(payment_id=payment.id, obligation_id=owed.id, amount=5980))
        return order.ref


def state(database: Database, key: str = KEY) -> PaymentState:
    with database.reading() as session:
        return session.scalars(select(Payment.state).where(Payment.key == key)).one()


def opened(sign_in: SignIn, role: Role = Role.FINANCE, *, query: str = "", language: str = "en") -> Browser:
    browser = sign_in(role, language)
    browser.get(PAGE + query)
    return browser


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", ["1 transfer is waited for", "20 Mar 10:00", "¥59.80"]), ("zh", ["1 笔转账在等", "3月20日 10:00", "¥59.80"])],
)
def test_who_is_waited_for_stands_with_amount_reference_and_deadline(
    database: Database, sign_in: SignIn, language: str, words: list[str]
) -> None:
    order = waits(database)
    page = spoken(opened(sign_in, language=language))
    assert all(word in page for word in [KEY, order, *words]), page


def test_names_are_for_those_who_may_see_them(database: Database, sign_in: SignIn) -> None:
    waits(database)
    masked = opened(sign_in, Role.FINANCE).words
    assert "a***@example.com" in masked
    assert "anna@example.com" not in masked
    assert "Recipient K1 · anna@example.com" in opened(sign_in, Role.OWNER).words


def test_money_that_came_is_entered_and_booked_at_once(database: Database, sign_in: SignIn, logged: Logged) -> None:
    order = waits(database)
    browser = opened(sign_in, query=f"?key={KEY}")
    browser.press("It is here", reference="2027031700001")
    assert "Entered and booked." in browser.words
    assert state(database) is PaymentState.CAPTURED
    (entry,) = logged("payments.receive")
    assert (entry.actor, entry.after["amount"]) == ("staff:finance@example.com", 5980)
    with database.reading() as session:
        receipt = session.scalars(select(ManualReceipt)).one()
    assert receipt.received_at == datetime.fromisoformat("2027-03-17T00:00:00+08:00")
    page = spoken(browser)
    assert "Nobody is waited for" in page
    assert all(word in page for word in [order, "Bank transfer", "2027031700001", "17 Mar", "finance@example.com"])


def test_other_money_has_to_be_ticked_and_waits_for_a_person(database: Database, sign_in: SignIn) -> None:
    waits(database)
    browser = opened(sign_in, query=f"?key={KEY}")
    browser.press("It is here", reference="1", amount="60.00", expect=400)
    assert "59.80 CNY was due" in browser.words
    assert 'value="60.00"' in browser.html, "what was typed stays"
    assert state(database) is PaymentState.PENDING
    browser.press("It is here", differs="1")
    assert "It isn’t what was due" in browser.words
    assert state(database) is PaymentState.MISMATCH


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"amount": "fifty"}, "“fifty” is not an amount"),
        ({"amount": "59.801"}, "more decimal digits than CNY"),
        ({"reference": ""}, "Enter the bank’s reference"),
        ({"day": "17.3.2027"}, "“17.3.2027” is not a day; write it like 2027-03-20"),
        ({"day": "2027-03-18"}, "still to come"),
        ({"day": "2027-03-16"}, "before the payment was begun"),
    ],
)
def test_what_can_not_be_read_is_said_at_its_field(database: Database, sign_in: SignIn, typed: dict[str, str], words: str) -> None:
    waits(database)
    browser = opened(sign_in, query=f"?key={KEY}")
    browser.press("It is here", **({"reference": "1"} | typed), expect=400)
    assert words in browser.words
    assert browser.html.count("ferr") == 1
    assert state(database) is PaymentState.PENDING


def test_cash_needs_no_number(database: Database, sign_in: SignIn) -> None:
    waits(database)
    browser = opened(sign_in, query=f"?key={KEY}")
    browser.press("It is here", how="cash")
    assert "Entered and booked." in browser.words
    assert "Cash" in spoken(browser)


def test_two_who_enter_the_same_cash_enter_it_once_and_other_cash_not_at_all(database: Database, sign_in: SignIn, logged: Logged) -> None:
    waits(database)
    first, second = (opened(sign_in, role, query=f"?key={KEY}") for role in (Role.FINANCE, Role.OWNER))
    form = second.html
    first.press("It is here", how="cash")
    second.press("It is here", how="cash")
    assert "Entered and booked." in second.words
    second.html = form
    second.press("It is here", how="cash", amount="70", differs="1", expect=409)
    assert "finance@example.com entered 59.80 CNY for this payment already" in second.words
    assert len(logged("payments.receive")) == 1


@pytest.mark.parametrize("search", ["gezd gnbv", KEY, "anna@example.com", "ORDER"])
def test_a_search_that_finds_one_opens_its_form(database: Database, sign_in: SignIn, search: str) -> None:
    order = waits(database)
    waits(database, "MFRGGZDFMZTWQ2LK", code="K2", email="bert@example.com")
    browser = opened(sign_in)
    browser.press("Search", q=order if search == "ORDER" else search)
    assert f"Money for order {order}" in browser.words
    assert "MFRGGZDFMZTWQ2LK" not in browser.words


def test_a_search_that_finds_nothing_says_so(database: Database, sign_in: SignIn) -> None:
    waits(database)
    browser = opened(sign_in, query="?q=nobody")
    assert "No open transfer fits this search" in browser.words


def test_money_after_its_time_is_found_entered_and_listed_to_go_back(database: Database, sign_in: SignIn) -> None:
    waits(database, state=PaymentState.FAILED)
    browser = opened(sign_in)
    assert KEY not in browser.words
    browser.get(f"{PAGE}?q={KEY}")
    assert "Its time is over" in browser.words
    browser.press("It is here", reference="1")
    assert state(database) is PaymentState.CAPTURED
    assert "1 refund to pay out by hand" in browser.words


def cancelled(database: Database) -> None:
    with database.transaction() as session:
        order = session.scalars(select(Order)).one()
        actions.cancel_order(session, order_ref=order.ref, person_id=order.person_id, now=TODAY)


def test_a_refund_is_paid_out_by_a_person_and_settled_at_once(database: Database, sign_in: SignIn, logged: Logged) -> None:
    waits(database)
    browser = opened(sign_in, query=f"?key={KEY}")
    browser.press("It is here", reference="1")
    cancelled(database)
    browser.get(PAGE)
    assert "1 refund to pay out by hand" in browser.words
    browser.get(f"{PAGE}?refund={KEY}-1")
    browser.press("It is paid out", expect=400)
    assert "Enter the bank’s reference" in browser.words
    browser.press("It is paid out", reference="OUT-7")
    assert "Paid out. The customer is told." in browser.words
    with database.reading() as session:
        assert session.scalars(select(Refund.state)).one() is RefundState.SETTLED
        assert session.scalars(select(ManualPayout.amount)).one() == 5980
    assert logged("payments.pay_out")[0].after == {"amount": 5980, "currency": "CNY", "reference": "OUT-7"}
    assert "−¥59.80" in spoken(browser)
    assert "to pay out by hand" not in browser.words


def test_of_many_refunds_those_are_listed_that_wait_longest_and_each_can_be_opened(
    database: Database, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer_rows, "PAGE", 1)
    for number, key in enumerate(("KEYA", "KEYB")):
        waits(database, key, code=key, email=f"{key}@example.com", state=PaymentState.CAPTURED, captured=5980)
        with database.transaction() as session:
            payment = session.scalars(select(Payment).where(Payment.key == key)).one()
            queued = make.ORDERING_OPENS + timedelta(hours=number)
            made = Refund(key=f"{key}-1", payment_id=payment.id, amount=5980, queued_at=queued, next_attempt_at=queued)
            session.add(made)
    browser = opened(sign_in)
    assert all(words in spoken(browser) for words in ("2 refunds to pay out by hand", "the first 1", "KEYA-1"))
    assert "KEYB-1" not in browser.words
    browser.get(f"{PAGE}?refund=KEYB-1")
    assert "Pay ¥59.80 out for order" in browser.words, "the form of one that isn't listed yet"
    assert "KEYB-1" in browser.words


def test_another_campaigns_payment_is_not_entered_here(database: Database, sign_in: SignIn) -> None:
    waits(database)
    with database.transaction() as session:
        make.campaign(session, slug="other")
    browser = opened(sign_in, query=f"?key={KEY}")
    form = browser.html
    browser.html = form.replace(f'action="{PAGE}"', 'action="/admin/other/transfers"')
    browser.press("It is here", reference="1", expect=404)
    with database.reading() as session:
        assert session.scalars(select(AuditEntry).where(AuditEntry.action == "payments.receive")).all() == []
    browser.get("/admin/other/transfers")
    assert KEY not in browser.words


def test_the_list_is_in_pages_the_longest_waiting_first(database: Database, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_rows, "PAGE", 2)
    keys = [f"KEY{number}" for number in "ABC"]
    for hour, key in enumerate(keys):
        waits(database, key, code=key, email=f"{key}@example.com", created_at=make.ORDERING_OPENS + timedelta(hours=hour))
    browser = opened(sign_in)
    assert [key in browser.words for key in keys] == [True, True, False]
    browser.get(f"{PAGE}?page=2")
    assert [key in browser.words for key in keys] == [False, False, True]
    browser.get(f"{PAGE}?key=KEYC")
    assert "KEYC" in browser.words, "the form of one from another page"


def test_the_menu_has_it_only_where_the_shop_takes_transfers(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.campaign(session)
    browser = sign_in(Role.FINANCE)
    assert PAGE in browser.get("/admin/ss27/")
    with browser.client.application.app_context():
        parts().gateways.pop("manual")  # type: ignore[attr-defined]  # a mapping to everybody else
    assert PAGE not in browser.get("/admin/ss27/")


def test_a_shop_without_transfers_enters_none(database: Database, sign_in: SignIn) -> None:
    waits(database)
    browser = opened(sign_in, query=f"?key={KEY}")
    with browser.client.application.app_context():
        parts().gateways.pop("manual")  # type: ignore[attr-defined]  # as above
    browser.press("It is here", reference="1", expect=409)
    assert "This shop takes no bank transfers" in browser.words
    assert state(database) is PaymentState.PENDING
