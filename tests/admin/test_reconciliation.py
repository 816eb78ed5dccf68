"""Finance at its desk: open cases, statements, and books that anybody can see to add up."""

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from c2b.admin.money_words import ENTRIES, GROUPS, WORDS, says
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits import bookkeeping, finance
from c2b.ledger.queries import short_balance
from c2b.ledger.rules import Balance, Group
from c2b.payments import cases
from c2b.payments.cases import Difference
from c2b.payments.gateways.sandbox import statement
from c2b.payments.models import Payment
from c2b.payments.protocol import Entry, StatementLine
from c2b.payments.rules import CaseKind
from c2b.people.rules import Role
from tests import books, make
from tests.admin import shop
from tests.admin.conftest import NOON, Clock, Logged, SignIn, spoken

DETAILS = {"here": 5980, "booked": 5980, "there": 5981, "amount": 5980, "currency": "CNY", "why": "technical", "what": "a.b"}
STRANGER = StatementLine(2, Entry.PAYMENT, "", "SBX-77", 12300, 0, "CNY", NOON)


@pytest.fixture
def paid(database: Database) -> Payment:
    """A campaign with one order, paid and in the books."""
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        _, payment = books.paid(session, of, (make.variants(session, shop.candidates(session, of)[0])[0], 1))
        return payment


Find = Callable[..., None]


@pytest.fixture
def found(database: Database) -> Find:
    """Return a function that lets differences be found."""

    def these(*differences: Difference) -> None:
        with database.transaction() as session:
            cases.keep(session, differences, kinds=set(CaseKind), now=NOON)

    return these


def upload(lines: list[StatementLine], name: str = "march.csv") -> dict[str, Any]:
    return {"file": (io.BytesIO(statement.write(lines)), name)}


def test_every_kind_of_case_and_account_and_entry_has_words() -> None:
    assert list(WORDS) == list(CaseKind)
    assert set(GROUPS) == set(Group)
    assert set(ENTRIES) == ({entry.value for entry in Entry} - {"fee"}) | {"fees"}


@pytest.mark.parametrize("kind", list(CaseKind))
def test_every_sentence_can_be_said_with_what_its_case_knows(app: Flask, kind: CaseKind) -> None:
    with app.test_request_context("/?lang=en"):
        assert "%(" not in says(kind, DETAILS)
        assert says(CaseKind.OTHER_AMOUNT, DETAILS | {"there_currency": "EUR"}).endswith("€59.81")


@pytest.mark.parametrize(("language", "quiet"), [("en", "Nothing differs."), ("zh", "没有差异。")])
def test_where_nothing_differs_the_page_says_so(sign_in: SignIn, language: str, quiet: str) -> None:
    browser = sign_in(Role.FINANCE, language)
    browser.get("/admin/money")
    assert quiet in spoken(browser)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_cases_of_every_kind_stand_in_order_the_worst_first(sign_in: SignIn, found: Find, language: str) -> None:
    found(*(Difference(kind, "sandbox", f"subject-{kind}", "", DETAILS) for kind in reversed(CaseKind)))
    browser = sign_in(Role.FINANCE, language)
    browser.get("/admin/money")
    places = [browser.html.index(f'id="m-{kind}"') for kind in CaseKind]
    assert places == sorted(places)
    assert all(f"subject-{kind}" in browser.words for kind in CaseKind)
    assert f"{len(CaseKind)} " in spoken(browser)  # at the menu


def test_a_case_leads_to_the_order_that_it_is_about(sign_in: SignIn, found: Find, paid: Payment) -> None:
    found(Difference(CaseKind.CAPTURED_HERE, "sandbox", paid.key, paid.payer, DETAILS))
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/money")
    assert f"/admin/ss27/orders/{paid.payer}" in browser.html
    assert "We say that ¥59.80 was paid; no statement has it" in spoken(browser)
    assert "open since 8 Mar 12:00" in spoken(browser)


def test_finance_closes_a_case_with_a_note(sign_in: SignIn, found: Find, paid: Payment, logged: Logged) -> None:
    found(Difference(CaseKind.CAPTURED_HERE, "sandbox", paid.key, paid.payer, DETAILS))
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/money?slug=ss27")
    browser.press("Close this case", expect=400)
    assert "Say what was found and done" in browser.words
    assert '<details class="s" open>' in browser.html
    browser.press("Close this case", note__1="They will send it on Monday")
    assert f"Closed: {paid.key}" in browser.words
    assert browser.url == "/admin/money?slug=ss27"
    assert "finance@example.com They will send it on Monday" in spoken(browser)
    (entry,) = logged("payments.close_case")
    assert (entry.actor, entry.campaign, entry.reason) == ("staff:finance@example.com", "ss27", "They will send it on Monday")


def test_a_case_that_is_not_there_or_closed_already_changes_nothing(sign_in: SignIn, found: Find, logged: Logged) -> None:
    found(Difference(CaseKind.MISMATCH, "sandbox", "pay-1", "", DETAILS))
    first, second = sign_in(Role.FINANCE), sign_in(Role.OWNER)
    for browser in (first, second):
        browser.get("/admin/money")
    first.press("Close this case", note__1="done")
    second.press("Close this case", note__1="done too", expect=409)
    assert "This case is closed already" in second.words
    for number in ("999", "x", ""):
        second.get("/admin/money")
        token = second.html.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
        assert second.client.post("/admin/money/cases", data={"csrf_token": token, "case": number}).status_code == 404
    assert len(logged("payments.close_case")) == 1


def test_who_may_not_move_money_reads_and_closes_nothing(sign_in: SignIn, found: Find) -> None:
    found(Difference(CaseKind.MISMATCH, "sandbox", "pay-1", "", DETAILS))
    browser = sign_in(Role.AUDITOR)
    browser.get("/admin/money")
    assert "Came in with another amount" in browser.words
    assert "Close this case" not in browser.html
    assert "Import a statement" not in browser.html


def test_of_many_alike_a_page_shows_some_and_counts_the_others(sign_in: SignIn, found: Find) -> None:
    found(*(Difference(CaseKind.CAPTURED_HERE, "sandbox", f"pay-{n}", "", DETAILS) for n in range(finance.EACH + 3)))
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/money")
    assert browser.html.count("Close this case") == finance.EACH
    assert "and 3 more like this" in browser.words


def test_a_campaigns_filter_keeps_what_belongs_to_none(database: Database, sign_in: SignIn, found: Find, paid: Payment) -> None:
    with database.transaction() as session:
        other = shop.campaign(session, slug="aw27")
        elsewhere = make.order(session, other, (make.variants(session, shop.candidates(session, other)[0])[0], 1)).ref
    found(
        Difference(CaseKind.MISMATCH, "sandbox", "here-here", paid.payer, DETAILS),
        Difference(CaseKind.MISMATCH, "sandbox", "elsewhere-1", elsewhere, DETAILS),
        Difference(CaseKind.UNKNOWN_REFERENCE, "sandbox", "nobodys-1", "", DETAILS),
    )
    browser = sign_in(Role.FINANCE)
    shown = {}
    for query in ("", "?slug=ss27", "?slug=aw27", "?slug=nothing"):
        browser.get(f"/admin/money{query}")
        shown[query] = [name for name in ("here-here", "elsewhere-1", "nobodys-1") if name in browser.words]
    everything = ["here-here", "elsewhere-1", "nobodys-1"]
    assert shown == {"": everything, "?slug=ss27": everything[::2], "?slug=aw27": everything[1:], "?slug=nothing": everything}


def test_a_statement_is_imported_by_hand_compared_and_listed(database: Database, sign_in: SignIn, paid: Payment, logged: Logged) -> None:
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/money")
    assert "None was imported yet" in browser.words
    own = replace(STRANGER, key=paid.key, reference="SBX-own", amount=5980, fee=35)
    browser.press("Import and compare", gateway="sandbox", **upload([own, STRANGER]))
    assert "Imported: 2 new lines, 0 known from other files." in browser.words
    assert "Being compared" in browser.words
    bookkeeping.match(database, NOON)
    browser.get("/admin/money")
    words = spoken(browser)
    assert "50% 1 of 2 lines" in words
    assert "Payments ¥182.80 Fees ¥0.35" in words
    assert "march.csv Test payment · main" in words
    assert "¥123.00 on the statement, kept apart in the ledger" in words
    browser.press("Import and compare", **upload([own, STRANGER]))
    assert "This file was imported before; nothing changed." in browser.words
    assert [entry.actor for entry in logged("payments.import_statement")] == ["staff:finance@example.com"]


def test_a_file_that_is_no_statement_is_refused_at_its_field(sign_in: SignIn) -> None:
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/money")
    browser.press("Import and compare", expect=400)
    assert "Choose the file that the gateway sent" in browser.words
    browser.press("Import and compare", expect=400, file=(io.BytesIO(b"a,b\n"), "wrong.csv"))
    assert "This is not a statement of the sandbox" in browser.words
    assert 'href="#file"' in browser.html


def test_the_test_gateway_offers_yesterdays_statement(app: Flask, sign_in: SignIn, clock: Clock, tmp_path: Path) -> None:
    sandbox = app.extensions["c2b"].gateways["sandbox"]
    sandbox.remember([("pay-1", 5980, "CNY", NOON), ("pay-2", 100, "CNY", NOON + timedelta(days=1))])
    clock.now = NOON + timedelta(days=1, hours=1)
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/money")
    assert "/admin/money/sandbox.csv" in browser.html
    answer = browser.client.get("/admin/money/sandbox.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="sandbox-2027-03-08.csv"'
    assert [line.key for line in statement.read(answer.data)] == ["pay-1"]
    assert (tmp_path / "sandbox.db").is_file()


def test_the_overview_names_the_worst_that_is_open(sign_in: SignIn, found: Find, paid: Payment) -> None:
    found(
        Difference(CaseKind.UNKNOWN_REFERENCE, "sandbox", "nobodys-1", "", DETAILS),
        Difference(CaseKind.MISMATCH, "sandbox", paid.key, paid.payer, DETAILS),
        Difference(CaseKind.REFUND_FAILED, "sandbox", "pay-1-1", paid.payer, DETAILS),
    )
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/ss27/")
    assert "Check 2 cases about money are open Came in with another amount Go there" in spoken(browser)
    assert "/admin/money?slug=ss27" in browser.html


def test_who_may_not_see_money_is_not_sent_to_it(sign_in: SignIn, found: Find, paid: Payment) -> None:
    found(Difference(CaseKind.MISMATCH, "sandbox", paid.key, paid.payer, DETAILS))
    browser = sign_in(Role.MERCHANDISER)
    browser.get("/admin/ss27/")
    assert "about money" not in browser.words
    assert "/admin/money" not in browser.html


def test_before_any_money_came_the_books_say_so(sign_in: SignIn) -> None:
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/money/books")
    assert "The first captured deposit opens the books." in browser.words


@pytest.mark.parametrize(("language", "adds_up"), [("en", "It adds up"), ("zh", "对得上")])
def test_the_books_show_where_the_money_is_and_whose_it_is(
    database: Database, sign_in: SignIn, paid: Payment, language: str, adds_up: str
) -> None:
    assert paid.captured == 5980
    with database.transaction() as session:
        of = make.campaign_of(session, "ss27")
        make.transfer(session, of, "fee:1", 80, debit="fees", credit=books.PSP, event="fee")
        make.transfer(session, of, "payout:1", 900, debit="bank", credit=books.PSP, event="payout", campaign="")
        make.transfer(session, of, "suspense:1", 100, debit=books.PSP, credit="suspense:sandbox", event="unmatched", campaign="")
    browser = sign_in(Role.FINANCE, language)
    browser.get("/admin/money/books")
    words = spoken(browser)
    assert adds_up in words
    equation = words[: words.index(adds_up)]
    assert [sum_ in equation for sum_ in ("¥51.00", "¥9.00", "¥59.80", "¥1.00", "-¥0.80")] == [True] * 5
    assert "¥60.00" in words  # 51.00 + 9.00
    browser.get("/admin/money/books?slug=ss27")
    assert adds_up in browser.words
    assert "¥59.00" in browser.words
    assert "suspense:sandbox" not in browser.words


def test_books_that_do_not_add_up_say_how_much_is_missing(
    app: Flask, sign_in: SignIn, paid: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert paid.captured
    broken = [replace(each, debits=each.debits - 1) for each in _balance(app) if each.account == books.PSP]
    others = [each for each in _balance(app) if each.account != books.PSP]
    monkeypatch.setattr("c2b.admin.money.short_balance", lambda *_given, **_named: [*broken, *others])
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/money/books")
    assert "-¥0.01 are missing" in browser.words
    assert "It adds up" not in browser.words


def _balance(app: Flask) -> list[Balance]:
    with app.extensions["c2b"].database.reading() as session:
        return short_balance(session)
