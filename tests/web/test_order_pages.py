"""Ordering, paying, cancelling, in a browser without JavaScript."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.db import Database
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.rules import Outcome
from c2b.payments.models import Payment, Refund
from c2b.payments.rules import PaymentState
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser
from tests.web.test_voting_pages import sign_in

Open = Callable[..., Browser]


@pytest.fixture
def ordering(sqlite_database: Database, campaign: Campaign, clock: Clock) -> Campaign:
    """Ordering is open: K07 and K02 were selected and are offered, minimum 50, at ¥299 with a deposit of ¥59.80."""
    with sqlite_database.transaction() as session:
        here = session.scalars(select(Campaign)).one()
        candidates = {c.code: c for c in session.scalars(select(Candidate))}
        make.selection(session, here, (candidates["K07"], 12), (candidates["K02"], 9), (candidates["K03"], 1), places=2)
        factory = make.supplier(session)
        for code in ("K07", "K02", "K03"):
            make.offer(session, candidates[code], factory)
        here.state = CampaignState.ORDERING
    clock.at = make.ORDERING_OPENS + timedelta(hours=1)
    return campaign


def orders(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(Order)).one()


def size(browser: Browser, code: str, value: str) -> dict[str, Any]:
    """Return the form's value for a size."""
    for label in browser.tree.iter("label"):
        control = next((c for c in label.iter("input") if c.get("name") == f"o1-{code}"), None)
        if control is not None and "".join(label.itertext()).strip() == value:
            return {f"o1__{code}": control.get("value") or ""}
    raise AssertionError(f"no size {value} of {code}")


def customer(visit: Open, address: str = "anna@example.com", language: str = "en") -> Browser:
    browser = visit(language)
    sign_in(browser, address)
    return browser


def order(browser: Browser, *codes: str, **changes: Any) -> None:
    """Fill the basket and press the red button; ends on the sandbox's page."""
    browser.get(f"/c/ss27/order?add={codes[0]}")
    wanted: dict[str, Any] = {}
    for code in codes:
        if f"o1-{code}" in browser.html:
            wanted |= size(browser, code, "M")
    browser.press("Pay ", take=list(codes), **(wanted | changes))


def pay(browser: Browser, how: str = "付款") -> None:
    browser.press(how)


def captured(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).where(Payment.state == PaymentState.CAPTURED)).one()


@pytest.mark.usefixtures("ordering")
def test_the_basket_asks_to_sign_in_first_and_comes_back(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/order?add=K07")
    assert visitor.url == "/sign-in?next=/c/ss27/order?add%3DK07" or visitor.url.startswith("/sign-in?next=")
    assert "/c/ss27/order?add=K07" in visitor.html


@pytest.mark.usefixtures("ordering")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_order_is_placed_paid_and_shown(visit: Open, sqlite_database: Database, language: str) -> None:
    anna = customer(visit)
    if language == "zh":
        anna.get("/me?lang=zh")
    anna.get("/c/ss27/order?add=K07")
    assert "¥299.00" in anna.words
    assert "¥59.80" in anna.words
    anna.press("Pay " if language == "en" else "付", take=["K07"], units__K07="2", **size(anna, "K07", "M"))
    assert anna.url.startswith("/sandbox/pay/")
    assert "119.60" in anna.words
    pay(anna)
    assert "/c/ss27/pay/" in anna.url
    anna.press("Check now" if language == "en" else "现在查一下")
    assert anna.url.startswith("/me/orders/")
    assert "¥119.60" in anna.words
    assert captured(sqlite_database) == 1
    anna.get("/me")
    assert ("Ordered, deposit paid" if language == "en" else "已预订，定金已付") in anna.words


@pytest.mark.usefixtures("ordering")
def test_an_address_that_is_too_long_is_named_in_the_basket_and_nothing_is_ordered(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    anna.press("Pay ", take=["K07"], recipient="x" * 101, expect=400, **size(anna, "K07", "M"))
    assert "room for 100 characters" in anna.words
    assert 'id="recipient-error"' in anna.html
    assert orders(sqlite_database) == 0


@pytest.mark.usefixtures("ordering")
def test_several_products_are_one_order_and_one_payment(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K02")
    anna.press("Add up", take=["K02"], **size(anna, "K02", "S"))
    assert "1 product, one deposit" in anna.words
    anna.get("/c/ss27/order?add=K07")
    anna.press("Pay ", take=["K02", "K07"], **size(anna, "K02", "S"), **size(anna, "K07", "L"))
    assert "119.60" in anna.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(func.count()).select_from(OrderLine)).one() == 2
        assert session.scalars(select(func.count()).select_from(Payment)).one() == 1


@pytest.mark.usefixtures("ordering")
def test_whatever_is_ticked_is_ordered_though_the_cookie_keeps_less(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    anna.press("Pay ", take=[*(f"X{number}" for number in range(60)), "K07"], **size(anna, "K07", "M"))
    assert anna.url.startswith("/sandbox/pay/")
    assert orders(sqlite_database) == 1


@pytest.mark.usefixtures("ordering")
def test_adding_up_writes_nothing_and_keeps_the_choices(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    anna.press("Add up", take=["K07"], units__K07="3", **size(anna, "K07", "L"))
    assert "¥179.40" in anna.words  # three deposits
    assert "Pay ¥179.40 deposit" in anna.words
    assert "L × 3" in anna.words
    assert orders(sqlite_database) == 0
    anna.get("/c/ss27/order")
    assert "L × 3" in anna.words


@pytest.mark.usefixtures("ordering")
def test_what_is_missing_is_said_at_its_place_and_the_rest_is_kept(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    anna.press("Pay ", expect=400, take=["K07"], units__K07="x", recipient="Anna")
    assert "There is a problem" in anna.words
    assert 'href="#o1-K07"' in anna.html
    assert 'href="#units-K07"' in anna.html
    assert 'value="Anna"' in anna.html
    assert 'value="x"' in anna.html
    assert orders(sqlite_database) == 0


@pytest.mark.usefixtures("ordering")
@pytest.mark.parametrize("units", ["0", "-1", "1.5", "", "٣", "9999"])
def test_units_are_whole_pieces(visit: Open, sqlite_database: Database, units: str) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    anna.press("Pay ", expect=400, take=["K07"], units__K07=units, **size(anna, "K07", "M"))
    assert "how many pieces" in anna.words
    assert orders(sqlite_database) == 0


@pytest.mark.usefixtures("ordering")
def test_an_empty_basket_says_what_to_do(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    anna.press("Pay ", expect=400, take=[])
    assert "Tick at least one product" in anna.words
    assert orders(sqlite_database) == 0


@pytest.mark.usefixtures("ordering")
def test_the_same_form_sent_twice_is_one_order_and_one_payment(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    form, url = anna.html, anna.url
    chosen = size(anna, "K07", "M")
    anna.press("Pay ", take=["K07"], **chosen)
    first = anna.url
    anna.html, anna.url = form, url  # the back button
    anna.press("Pay ", take=["K07"], **chosen)
    assert anna.url == first
    assert orders(sqlite_database) == 1


@pytest.mark.usefixtures("ordering")
def test_a_form_changed_by_the_back_button_makes_a_second_order_only_when_sent_again(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    form, url = anna.html, anna.url
    anna.press("Pay ", take=["K07"], **size(anna, "K07", "M"))
    anna.html, anna.url = form, url  # the back button
    anna.press("Pay ", expect=400, take=["K07"], **size(anna, "K07", "L"))
    assert "This form was sent before" in anna.words
    assert orders(sqlite_database) == 1
    anna.press("Pay ", take=["K07"], **size(anna, "K07", "L"))
    assert anna.url.startswith("/sandbox/pay/")
    assert orders(sqlite_database) == 2


@pytest.mark.usefixtures("ordering")
def test_an_order_whose_payment_cannot_begin_stands_and_says_why(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    anna.press("Pay ", take=["K07"], gateway="stripe", **size(anna, "K07", "M"))
    assert anna.url.startswith("/me/orders/")
    assert "Choose how to pay" in anna.words
    assert orders(sqlite_database) == 1


@pytest.mark.usefixtures("ordering")
def test_a_product_that_was_not_selected_can_not_be_taken(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K03")
    assert 'value="K03"' not in anna.html
    anna.get("/c/ss27/order?add=K07")
    anna.press("Pay ", expect=400, take=["K03"])
    assert orders(sqlite_database) == 0


@pytest.mark.usefixtures("ordering")
def test_ordering_after_the_close_is_refused_and_everything_is_kept(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    chosen = size(anna, "K07", "M")
    clock.at = make.ORDERING_CLOSES
    anna.press("Pay ", expect=400, take=["K07"], **chosen)
    assert "There is a problem" in anna.words
    assert orders(sqlite_database) == 0


@pytest.mark.usefixtures("ordering")
def test_a_declined_payment_takes_nothing_and_can_be_tried_again(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    order(anna, "K07")
    pay(anna, "拒绝")
    anna.press("Check now")
    assert "The payment did not go through" in anna.words
    anna.press("Try again")
    assert anna.url.startswith("/sandbox/pay/")
    pay(anna)
    anna.press("Check now")
    assert captured(sqlite_database) == 1


@pytest.mark.usefixtures("ordering")
def test_while_nothing_is_known_the_page_waits_and_looking_asks_nobody(visit: Open, app: Flask) -> None:
    anna = customer(visit)
    order(anna, "K07")
    pay(anna, "60 秒")
    assert "We have not heard from the payment service yet" in anna.words
    asked = re.search(r"Last asked ([^<]+)", anna.html)
    anna.get(anna.url)
    assert re.search(r"Last asked ([^<]+)", anna.html) == asked or asked
    anna.press("Check now")
    assert "We have not heard from the payment service yet" in anna.words
    token = re.search(r'name="csrf_token" value="([^"]+)"', anna.html)
    assert token
    answer = anna.client.post(anna.url, data={"csrf_token": token[1]}, headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert len(app.extensions["c2b"].gateways) == 1


@pytest.mark.usefixtures("ordering")
def test_htmx_is_sent_to_the_order_as_soon_as_the_payment_is_known(visit: Open) -> None:
    anna = customer(visit)
    order(anna, "K07")
    pay(anna)
    token = re.search(r'name="csrf_token" value="([^"]+)"', anna.html)
    assert token
    answer = anna.client.post(anna.url, data={"csrf_token": token[1]}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith("/me/orders/")
    anna.get(answer.headers["HX-Redirect"])
    assert "The money is in" in anna.words


@pytest.mark.usefixtures("ordering")
def test_a_line_is_cancelled_alone_and_its_deposit_goes_back(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K02")
    anna.press("Add up", take=["K02"], **size(anna, "K02", "S"))
    anna.get("/c/ss27/order?add=K07")
    anna.press("Pay ", take=["K02", "K07"], **size(anna, "K02", "S"), **size(anna, "K07", "L"))
    pay(anna)
    anna.press("Check now")
    anna.press("Cancel Cable knit 2")
    assert "Cancelled, what you paid is on its way back" in anna.words
    assert "Ordered, deposit paid" in anna.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(Refund.amount)).all() == [5980]
    anna.press("Cancel the whole order")
    with sqlite_database.reading() as session:
        assert sum(session.scalars(select(Refund.amount))) == 11960
        assert set(session.scalars(select(OrderLine.outcome))) == {Outcome.CANCELLED}


@pytest.mark.usefixtures("ordering")
@pytest.mark.parametrize("line", ["", "none", "9" * 30, "²", "-1"])
def test_cancelling_what_is_no_line_says_so_and_cancels_nothing(visit: Open, sqlite_database: Database, line: str) -> None:
    anna = customer(visit)
    order(anna, "K07")
    pay(anna)
    anna.press("Check now")
    token = re.search(r'name="csrf_token" value="([^"]+)"', anna.html)
    assert token
    answer = anna.client.post(f"{anna.url}/cancel", data={"csrf_token": token[1], "line": line})
    assert answer.status_code == 404
    with sqlite_database.reading() as session:
        assert session.scalars(select(OrderLine.outcome)).all() == [Outcome.OPEN]


@pytest.mark.usefixtures("ordering")
def test_after_ordering_has_closed_nothing_is_cancelled(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    anna = customer(visit)
    order(anna, "K07")
    pay(anna)
    anna.press("Check now")
    form, url = anna.html, anna.url
    clock.at = make.ORDERING_CLOSES
    anna.get(url)
    assert "Cancel" not in {"".join(button.itertext()).split(" ")[0] for button in anna.tree.iter("button")}
    anna.html, anna.url = form, url
    anna.press("Cancel Dotted dress 7")
    with sqlite_database.reading() as session:
        assert session.scalars(select(OrderLine.outcome)).one() is Outcome.OPEN


@pytest.mark.usefixtures("ordering")
def test_somebody_elses_order_and_payment_do_not_exist(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    order(anna, "K07")
    pay(anna)
    waiting = anna.url
    anna.press("Check now")
    mine = anna.url
    berta = customer(visit, "berta@example.com")
    berta.get(mine, expect=404)
    berta.get(waiting, expect=404)
    berta.get("/me")
    token = re.search(r'name="csrf_token" value="([^"]+)"', berta.html)
    assert token
    with sqlite_database.reading() as session:
        line = session.scalars(select(OrderLine.id)).one()
    for address, data in ((f"{mine}/cancel", {"line": str(line)}), (f"{mine}/cancel", {"line": "all"}), (f"{mine}/pay", {}), (waiting, {})):
        answer = berta.client.post(address, data={"csrf_token": token[1], **data})
        assert answer.status_code == 404, address
    with sqlite_database.reading() as session:
        assert session.scalars(select(OrderLine.outcome)).one() is Outcome.OPEN


@pytest.mark.usefixtures("ordering")
@pytest.mark.parametrize("url", ["/c/ss27/order", "/me/orders/x", "/c/ss27/pay/x"])
def test_pages_of_customers_ask_to_sign_in(visit: Open, url: str) -> None:
    visitor = visit()
    visitor.get(url)
    assert visitor.url.startswith("/sign-in?next=")


@pytest.mark.usefixtures("ordering")
def test_the_terms_that_are_accepted_are_those_that_were_shown(visit: Open, sqlite_database: Database) -> None:
    anna = customer(visit)
    anna.get("/c/ss27/order?add=K07")
    shown = anna.words
    order(anna, "K07")
    with sqlite_database.reading() as session:
        terms = session.scalars(select(Order.terms)).one()
    for line in terms.splitlines():
        assert " ".join(line.split()) in shown


@pytest.mark.usefixtures("ordering")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_own_page_shows_what_is_there_and_what_to_do(visit: Open, language: str) -> None:
    anna = customer(visit)
    anna.get(f"/me?lang={language}")
    assert ("No deposit yet" if language == "en" else "还没有定金") in anna.words
    assert "a***@example.com" in anna.words


@pytest.mark.usefixtures("ordering")
def test_an_order_whose_payment_failed_can_be_paid_and_one_whose_payment_runs_leads_to_it(visit: Open) -> None:
    anna = customer(visit)
    order(anna, "K07")
    payment = anna.url
    anna.get("/me")
    assert "Payment not confirmed yet" in anna.words
    assert "Deposit to pay" not in anna.words
    assert "To pay now" not in anna.words
    assert "Pay ¥59.80" not in anna.words
    assert "See the payment" in anna.words
    anna.get(payment)
    anna.press("拒绝")
    anna.press("Check now")
    anna.get("/me")
    assert "Deposit to pay" in anna.words
    assert "To pay now" in anna.words
    assert "Pay ¥59.80" in anna.words


@pytest.mark.usefixtures("campaign")
def test_signing_out_keeps_the_ballot_for_the_next_sign_in(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    visitor.press("Vote ")
    visitor.get("/me")
    assert "You are not signed in yet" in visitor.words
    sign_in(visitor)
    visitor.get("/me")
    assert "1 vote of 3" in visitor.words
    visitor.press("Sign out")
    assert "You are signed out" in visitor.words
    sign_in(visitor)
    assert "2 votes left" in visitor.words


@pytest.mark.parametrize(
    ("profile", "called", "never"),
    [(LegalProfile.CN_DINGJIN, "定金", "订金"), (LegalProfile.CN_PREPAY, "订金", "定金"), (LegalProfile.EU, "订金", "定金")],
)
def test_chinese_pages_call_a_deposit_what_its_law_calls_it(
    visit: Open, sqlite_database: Database, ordering: Campaign, *, profile: LegalProfile, called: str, never: str
) -> None:
    with sqlite_database.transaction() as session:
        session.get_one(Campaign, ordering.id).legal_profile = profile
    anna = customer(visit)
    anna.get("/c/ss27/?lang=zh")
    said = [anna.words]
    anna.get("/c/ss27/order?add=K07")
    said.append(anna.words)
    anna.press("付", take=["K07"], **size(anna, "K07", "M"))
    pay(anna)
    said.append(anna.words)
    anna.press("现在查一下")
    said.append(anna.words)
    anna.get("/me")
    said.append(anna.words)
    assert [called in words for words in said] == [True] * len(said)
    assert never not in "".join(said).replace("所付为订金（预付款），不是定金", "")


@pytest.mark.usefixtures("ordering")
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ("Save the second choice", "Saved.", "Your money comes back then.", "Second choice: L")),
        ("zh", ("保存第二选择", "已保存。", "到时退回你付的钱。", "第二选择：L")),
    ],
)
def test_a_second_choice_is_named_on_the_orders_page_and_taken_back(
    visit: Open, sqlite_database: Database, language: str, said: tuple[str, str, str, str]
) -> None:
    save, saved, back, named = said
    with sqlite_database.transaction() as session:
        for each in make.variants(session, make.candidate_of(session, make.campaign_of(session, "ss27"), "K07")):
            each.minimum = 30 if each.sku.endswith("-M") else None
        large = each.id
    anna = customer(visit)
    order(anna, "K07")
    anna.get("/me")
    anna.get(next(link for link in re.findall(r"/me/orders/[\w-]+", anna.html)) + f"?lang={language}")
    anna.press(save, variant=str(large))
    assert saved in anna.words
    assert named in anna.words
    for wrong in ("0815", "L"):
        anna.press(save, variant=wrong)
        assert saved not in anna.words
        assert named in anna.words
    anna.press(save, variant="")
    assert back in anna.words
    assert named not in anna.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(OrderLine.second_id)).all() == [None]


@pytest.mark.usefixtures("ordering")
def test_a_products_page_names_what_needs_a_minimum_of_its_own(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        make.variants(session, make.candidate_of(session, make.campaign_of(session, "ss27"), "K07"))[0].minimum = 30
    browser = visit()
    browser.get("/c/ss27/p/K07")
    assert "With a minimum of their own: S 30." in browser.words
