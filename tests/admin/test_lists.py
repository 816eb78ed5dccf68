"""Candidates, orders, refunds, the audit log and accounts: search, filter, paging, and the small actions on them."""

from datetime import timedelta

import pytest

from c2b.admin.page import whole
from c2b.audit.actions import record
from c2b.campaigns.models import Variant
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits import desk
from c2b.payments.rules import RefundState
from c2b.people.rules import Role
from tests import make
from tests.admin import shop
from tests.admin.conftest import NOON, PASSWORD, Logged, SignIn, spoken
from tests.web.pages import Browser


def test_candidates_are_found_by_name_code_and_category(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session)
        make.candidate(session, of, "D900", name="雨巷风衣", name_en="Rain lane coat", category="外套", category_en="Coats", position=9)
    browser = sign_in(Role.MERCHANDISER)
    for query in ("q=rain", "q=D900", "category=外套"):
        browser.get(f"/admin/ss27/candidates?{query}")
        assert "1 candidates" in browser.words
        assert "Rain lane coat" in browser.words
        assert "Design K101" not in browser.words
    browser.get("/admin/ss27/candidates?q=nothing")
    assert "Nothing fits" in browser.words


def test_a_long_list_has_pages_that_keep_the_filter(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = make.campaign(session)
        for number in range(55):
            make.candidate(session, of, f"N{number:02}", sizes="M", position=number)
    browser = sign_in()
    browser.get("/admin/ss27/candidates?q=Design")
    assert "Page 1 of 2" in browser.words
    assert "/admin/ss27/candidates?q=Design&amp;page=2" in browser.html
    browser.get("/admin/ss27/candidates?q=Design&page=2")
    assert "N54" in browser.words
    assert "N01" not in browser.words


def test_the_list_says_what_an_offer_lacks(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SELECTED)
        shop.selected(session, of)
        first = shop.candidates(session, of)[0]
        session.query(Variant).filter_by(candidate_id=first.id).update({"price": None})
    browser = sign_in()
    browser.get("/admin/ss27/candidates")
    words = spoken(browser)
    assert "Selected Incomplete lacking: prices" in words
    assert "Selected Complete" in words
    assert "Not selected –" in words


def test_withdrawing_needs_a_public_reason_and_is_logged(database: Database, sign_in: SignIn, logged: Logged) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session))
    browser = sign_in(Role.MERCHANDISER)
    browser.get("/admin/ss27/candidates/K101")
    browser.press("Withdraw K101", reason="", expect=400)
    assert "Say why" in browser.words
    browser.press("Withdraw K101", reason="The fabric is sold out")
    assert "“The fabric is sold out”" in browser.words
    assert "Withdraw K101" not in browser.html
    entries = [entry for action in ("deposits.withdraw", "campaigns.withdraw", "candidates.withdraw") for entry in logged(action)]
    assert [(entry.actor, entry.object) for entry in entries] == [("staff:merchandiser@example.com", "K101")]


def test_an_unknown_candidate_and_an_unknown_order_are_pages_that_say_so(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in()
    for path in ("candidates/NOPE", "orders/NOPE", "production/NOPE", "import/NOPE"):
        browser.get(f"/admin/ss27/{path}", expect=404)


def test_orders_are_found_by_reference_address_and_code(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        anna = shop.order(session, of, "K101", 2).ref
        bert = shop.order(session, of, "K102", 1, email="bert@example.com").ref
    browser = sign_in(Role.SUPPORT)
    for query, found, other in ((anna[:8], anna, bert), ("BERT@example.com", bert, anna), ("k101", anna, bert)):
        browser.get("/admin/ss27/orders", query_string={"q": query})
        assert found in browser.html
        assert other not in browser.html
    assert "a***@example.com" in browser.words
    assert "anna@example.com" not in browser.html


def test_orders_are_filtered_by_outcome_and_payment(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING)
        paid = shop.order(session, of, "K101", 2).ref
        unpaid = shop.order(session, of, "K101", 1, email="c@example.com", line={"reserved_at": None}).ref
        missed = shop.missed(session, of).ref
    browser = sign_in()
    browser.get("/admin/ss27/orders?paid=no")
    assert unpaid in browser.html
    assert paid not in browser.html
    browser.get("/admin/ss27/orders?outcome=missed")
    assert missed in browser.html
    assert paid not in browser.html
    browser.get("/admin/ss27/orders?outcome=cancelled")
    assert "No order fits this search." in browser.words


def test_an_order_shows_lines_payments_and_refunds_and_the_address_to_few(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING)
        order = shop.missed(session, of)
        order.recipient, order.address = "A. Recipient", "Lane 5"
        ref = order.ref
    finance, support = sign_in(Role.FINANCE), sign_in(Role.SUPPORT)
    finance.get(f"/admin/ss27/orders/{ref}")
    assert "Missed" in finance.words
    assert "Waiting ¥59.80 minimum missed" in spoken(finance)
    assert "Lane 5" not in finance.html
    support.get(f"/admin/ss27/orders/{ref}")
    assert "A. Recipient" in support.words
    assert "Lane 5" in support.words


def test_refunds_are_summed_by_state_and_filtered(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING)
        shop.missed(session, of)
        order = shop.order(session, of, "K101", 1, email="d@example.com")
        line = make.lines_of(session, order)
        payment = make.payment(session, order, line[0].deposit, provider_reference="p-9")
        make.refund(session, payment, *line, state=RefundState.FAILED, last_error="account closed")
        sums = desk.refund_sums(session, of.id)
    assert {state.value: found for state, found in sums.items()} == {
        "queued": (1, 5980),
        "unknown": (0, 0),
        "settled": (0, 0),
        "failed": (1, 5980),
    }
    browser = sign_in(Role.FINANCE)
    browser.get("/admin/ss27/refunds")
    assert "1 refunds failed, ¥59.80" in spoken(browser)
    assert "Together 2 ¥119.60" in spoken(browser)
    browser.get("/admin/ss27/refunds?state=failed")
    assert "account closed" in browser.words
    assert "minimum missed" in browser.words
    browser.get("/admin/ss27/refunds?state=settled")
    assert "None in this state." in browser.words


def test_the_log_is_filtered_paged_and_shows_before_and_after(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
        for number in range(60):
            record(
                session,
                actor="staff:li@example.com",
                action="campaign.advance",
                campaign="ss27",
                object=f"step {number}",
                before={"state": "draft", "voting_opens": "2027-03-01 02:00:00+00:00"},
                after={"state": "scheduled", "hash": "a" * 64},
                reason="because",
                now=NOON + timedelta(minutes=number),
            )
        record(session, actor="worker", action="production.decide", campaign="ss27", now=NOON)
        record(session, actor="worker", action="campaign.advance", campaign="other", object="elsewhere", now=NOON)
    browser = sign_in(Role.AUDITOR)
    browser.get("/admin/ss27/log")
    words = spoken(browser)
    assert "li@example.com staff Moved the campaign on campaign.advance step 59 state draft scheduled" in words
    assert "voting_opens 2027-03-01 10:00" in words
    assert "step 5 " not in words
    assert "elsewhere" not in words
    older = browser.html.split('class="pft"')[0]
    assert older
    link = next(a.get("href") for a in browser.tree.iter("a") if a.text == "Older")
    browser.get(str(link))
    assert "step 5 " in spoken(browser)
    browser.get("/admin/ss27/log?action=production.")
    assert "Decided" in browser.words
    assert "step" not in browser.words.split("Reason")[-1]
    browser.get("/admin/ss27/log?actor=cli:nobody")
    assert "No entry fits this filter." in browser.words


def test_an_owner_adds_somebody_and_sees_the_link_once(sign_in: SignIn, logged: Logged) -> None:
    owner = sign_in()
    owner.get("/admin/staff")
    owner.press("Save", email="New@Example.com", role="finance")
    link = next(code.text for code in owner.tree.iter("code"))
    assert link is not None
    assert link.startswith("http://localhost/admin/set-up/")
    assert "Waiting for set-up" in owner.words
    assert [(entry.actor, entry.object) for entry in logged("people.add_staff")][-1] == ("staff:owner@example.com", "new@example.com")
    owner.get("/admin/staff")
    assert link not in owner.html
    new = Browser(owner.client.application)
    new.get(link.removeprefix("http://localhost"))
    new.press("Save and sign in", password=PASSWORD)
    assert new.url == "/admin/"


@pytest.mark.parametrize(
    ("email", "role", "said"), [("nonsense", "finance", "is not an e-mail address"), ("x@example.com", "king", "Choose a role")]
)
def test_a_wrong_account_is_refused_and_kept_in_the_form(sign_in: SignIn, email: str, role: str, said: str) -> None:
    owner = sign_in()
    owner.get("/admin/staff")
    owner.press("Save", email=email, role=role, expect=400)
    assert said in owner.words
    assert f'value="{email}"' in owner.html


def test_shutting_an_account_ends_its_logins_and_a_new_link_opens_it(sign_in: SignIn, logged: Logged) -> None:
    owner, manager = sign_in(Role.OWNER), sign_in(Role.MANAGER)
    owner.get("/admin/staff")
    owner.press("Shut manager@example.com")
    assert "manager@example.com is shut" in owner.words
    manager.get("/admin/")
    assert manager.url.startswith("/admin/sign-in")
    assert [entry.object for entry in logged("people.disable_staff")] == ["manager@example.com"]
    owner.press("New set-up link manager@example.com")
    assert any(code.text for code in owner.tree.iter("code"))


def test_an_owner_cannot_lock_themselves_out(sign_in: SignIn) -> None:
    owner = sign_in()
    owner.get("/admin/staff")
    assert "Shut owner@example.com" not in owner.html
    token = owner.html.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    answer = owner.client.post("/admin/staff/shut", data={"csrf_token": token, "email": "owner@example.com"})
    assert answer.status_code == 409
    owner.press("Save", email="owner@example.com", role="support", expect=409)
    owner.get("/admin/staff")
    assert "Owner" in owner.words


def test_a_number_that_no_list_and_no_key_can_have_is_no_error(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.VOTING)
    browser = sign_in(Role.OWNER)
    browser.get("/admin/ss27/trust")
    browser.press("Show counts")
    pages = ["ss27/trust?page=", "ss27/orders?page=", "ss27/refunds?page=", "ss27/candidates?page=", "ss27/log?older=", "messages?older="]
    for number in ("9" * 23, "9" * 5000):
        for page in pages:
            browser.get(f"/admin/{page}{number}")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0),
        ("7", 7),
        ("99", 99),
        ("100", 0),
        ("9" * 5000, 0),
        ("-1", 0),
        ("٣", 0),
        ("²", 0),
        ("1e3", 0),
        (" 1", 0),
        ("", 0),
    ],
)
def test_only_whole_numbers_up_to_the_most_are_taken_from_an_address(text: str, number: int) -> None:
    assert whole(text, most=99) == number


def test_a_group_with_a_number_that_no_group_can_have_is_not_found(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.VOTING)
    assert sign_in(Role.OWNER).client.post(f"/admin/ss27/trust/{2**63}").status_code == 404
